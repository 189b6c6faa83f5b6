"""The benchmark measures what it says it measures."""

import json
import sys
from itertools import pairwise
from typing import Any

import click.testing
import numpy as np
import pytest

from nnlib import benchmark
from nnlib.benchmark import CONTESTANTS, WIDTHS, Contestant, compete, measure
from nnlib.cli import cli
from nnlib.errors import NnlibError


def call(*words: str) -> str:
    result = click.testing.CliRunner().invoke(cli, ["benchmark", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def one_batch_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "BATCH_SIZES", (1024,))


@pytest.mark.usefixtures("one_batch_size")
def test_json_has_one_object_for_each_contestant_that_is_installed() -> None:
    found = json.loads(call("--json", "--rounds", "1"))
    assert [each["name"] for each in found] == [name for name, each in CONTESTANTS.items() if each.installed]
    for each in found:
        assert set(each) == {"name", "batch_size", "seconds_per_epoch"}
        assert each["batch_size"] == 1024
        assert 0 < each["seconds_per_epoch"] < 600


@pytest.mark.usefixtures("one_batch_size")
def test_table_has_every_contestant_and_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    strangers = {"stranger": Contestant("somebody else's", lambda _: lambda: 1.0, "a_package_that_nobody_has")}
    named = {name: CONTESTANTS[name] for name in ("floor", "ours")}
    monkeypatch.setattr(benchmark, "CONTESTANTS", {**named, **strangers})
    monkeypatch.setattr(benchmark, "FIGURES", {"loading": None, "reading": None})
    title, sizes, floor, ours, missing, empty, loading, reading = call("--rounds", "1").splitlines()
    assert "784-128-64-64-10" in title
    assert sizes.split() == ["batch", "size", "1,024"]
    assert floor.startswith("the matrix products alone")
    assert floor.endswith("( 1.00)")
    assert ours.startswith("this project")
    assert missing.endswith("   not installed")
    assert empty == ""
    assert loading.startswith("to load the 70,000 digits")
    assert reading.endswith("microseconds")


def test_figures_are_plausible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NNLIB_PROCESSES")
    figures = {figure.label: figure.value for figure in measure()}
    first, second = (figures[f"to a validation accuracy of {target:.1%}"] for target in (0.975, 0.98))
    assert 0 < first <= second
    assert 100 < figures["memory of a training, with its partner"] < 400
    assert figures["augmented digits, one process"] > 1000


def test_floor_is_all_matrix_products_of_an_epoch_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    epoch = benchmark._floor(1000)
    products = [0, 0]
    matmul = np.matmul

    def counted(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> Any:
        products[0] += 1
        products[1] += len(left) * left.shape[1] * right.shape[1]
        return matmul(left, right, out=out)

    monkeypatch.setattr(np, "matmul", counted)
    epoch()
    weights = [n_inputs * n_outputs for n_inputs, n_outputs in pairwise(WIDTHS)]
    # forward, weights' gradients, and the gradients that are handed on: not to the pixels;
    # with one thread and with two
    assert products == [2 * 60 * 11, 2 * 60_000 * (3 * sum(weights) - weights[0])]


def test_a_contestant_that_fails_is_named(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> None:
    # its process knows nobody of this name
    monkeypatch.setattr(benchmark, "CONTESTANTS", {"stranger": Contestant("a stranger", lambda _: lambda: 1.0)})
    with pytest.raises(NnlibError, match="the contestant stranger gave up"):
        compete(1, [1024])
    assert "KeyError" in capfd.readouterr().err
    assert "nnlib.benchmark" not in sys.argv
