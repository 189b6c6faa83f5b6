"""What browsers are told of a run, beside its pages."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from starlette.requests import Request

from dashboard import news, pace, resources
from nnlib.runs import RunStore
from nnlib.training import TrainingConfig
from tests.conftest import train_to_its_end

SMALL = TrainingConfig(hidden_widths=(8,), epochs=2, batch_size=100, training_digits=2000, validation_digits=100)


Ask = Callable[[str], tuple[int, dict[str, Any]]]


@pytest.fixture
def ask(home: Path) -> Iterator[Ask]:
    """What is answered, and with which status."""

    def get(asked: str) -> tuple[int, dict[str, Any]]:
        scope = {"type": "http", "method": "GET", "path": "/news", "query_string": asked.encode(), "headers": []}
        answer = news.answer(Request(scope))
        return answer.status_code, json.loads(bytes(answer.body))

    st.cache_resource.clear()
    news._tell.cache_clear()
    pace._costs.clear()
    yield get
    resources.store().close()
    st.cache_resource.clear()


@pytest.fixture
def finished_run(home: Path) -> int:
    return train_to_its_end(home, SMALL)


def test_who_has_nothing_is_told_all_and_who_has_some_only_the_rest(ask: Ask, finished_run: int) -> None:
    everything = ask(f"run={finished_run}&after=0")[1]
    assert [row[1] for row in everything["records"]] == [1, 2]
    assert everything["points"]
    rest = ask(f"run={finished_run}&after=20")[1]
    assert [row[1] for row in rest["records"]] == [2]
    assert all(row[0] > 20 for row in rest["points"])
    nothing = ask(f"run={finished_run}&after=40")[1]
    assert (nothing["records"], nothing["points"], nothing["after"]) == ([], [], 40)


def test_where_something_went_wrong_is_told(ask: Ask, home: Path, finished_run: int) -> None:
    assert ask(f"run={finished_run}&after=0")[1]["advice"] == []
    dead = train_to_its_end(home, SMALL.with_changes(learning_rate=10))
    told = ask(f"run={dead}&after=0")[1]
    assert told["advice"] == [1]
    assert "All 8 units of layer 1" in told["shown"][2]


def test_who_is_ahead_of_a_run_that_went_back_is_told_all(ask: Ask, finished_run: int) -> None:
    told = ask(f"run={finished_run}&after=41")[1]
    assert told["after"] == 0
    assert len(told["records"]) == 2


def test_a_line_needs_no_curves(ask: Ask, finished_run: int) -> None:
    told = ask(f"run={finished_run}")[1]
    assert told["text"].startswith(f"Run {finished_run} is finished: 2 epochs in")
    assert "records" not in told
    assert (told["active"], told["newest"], told["shown"][0]) == (False, 40, "finished")


@pytest.mark.parametrize("asked", ["", "run=", "run=one", "run=-1", "run=1&after=x", f"run={'9' * 99}", "run=²"])
def test_what_is_no_number_is_said(ask: Ask, asked: str) -> None:
    status, told = ask(asked)
    assert status == 400
    assert "whole numbers" in told["problem"]


def test_a_run_that_is_not_there_is_said(ask: Ask) -> None:
    status, told = ask("run=7")
    assert status == 404
    assert "7" in told["problem"]


def test_who_waits_for_the_first_point_may_ask_sooner(ask: Ask, home: Path) -> None:
    store = RunStore(home)
    run_id = store.create_run(SMALL, "own settings")
    store.close()
    waiting = ask(f"run={run_id}&after=0&viewer=one")[1]
    assert waiting["ask_ms"] == 1000 * news.EAGER_SECONDS
    assert ask(f"run={run_id}&viewer=one")[1]["ask_ms"] == 1000 * pace.LEAST_SECONDS
