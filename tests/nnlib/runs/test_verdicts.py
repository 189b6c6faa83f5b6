"""Verdicts: kept with the picture, whatever happens to the file around them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from nnlib.errors import SettingError
from nnlib.runs.database import MIGRATIONS
from nnlib.runs.store import RunStore
from nnlib.runs.verdicts import Verdicts, picture_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with closing(RunStore(tmp_path)) as store:
        yield store


@pytest.fixture
def verdicts(store: RunStore) -> Verdicts:
    return store.verdicts


def image(number: int = 1) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, 784).astype(np.float32) / np.float32(255)


def said(verdicts: Verdicts) -> dict[str, int | None]:
    return {picture: verdict.label for picture, verdict in verdicts.all().items()}


def test_what_was_said_last_of_a_picture_is_kept(verdicts: Verdicts) -> None:
    assert said(verdicts) == {}
    verdicts.say(image(1), 7)
    verdicts.say(image(2), None)
    verdicts.say(image(1), 9)
    assert said(verdicts) == {picture_of(image(1)): 9, picture_of(image(2)): None}
    verdicts.forget(image(1))
    verdicts.forget(image(3))
    assert said(verdicts) == {picture_of(image(2)): None}


def test_a_verdict_outlives_the_store_that_took_it(verdicts: Verdicts, store: RunStore, tmp_path: Path) -> None:
    verdicts.say(image(), 4)
    store.close()
    with closing(RunStore(tmp_path)) as again:
        assert said(again.verdicts) == {picture_of(image()): 4}


@pytest.mark.parametrize("label", [10, -1, True, 2.0, "4"])
def test_what_is_no_digit_is_refused(verdicts: Verdicts, label: object) -> None:
    with pytest.raises(SettingError, match="it must be a whole number from 0 to 9, or none"):
        verdicts.say(image(), label)  # type: ignore[arg-type]
    assert said(verdicts) == {}


def test_what_is_no_picture_is_refused(verdicts: Verdicts) -> None:
    with pytest.raises(SettingError, match="must be 784 numbers"):
        verdicts.say(np.zeros((28, 28), np.float32), 4)


def test_a_damaged_verdict_is_none(verdicts: Verdicts, tmp_path: Path) -> None:
    verdicts.say(image(1), 4)
    verdicts.say(image(2), 5)
    with closing(sqlite3.connect(tmp_path / "runs.sqlite")) as other:
        other.execute("UPDATE verdicts SET label = 6 WHERE picture = ?", (picture_of(image(1)),))
        other.commit()
    assert said(verdicts) == {picture_of(image(2)): 5}


def test_a_store_of_the_version_before_takes_verdicts(tmp_path: Path) -> None:
    with closing(RunStore(tmp_path)) as store:
        store.verdicts.all()
    with closing(sqlite3.connect(tmp_path / "runs.sqlite")) as old:
        old.execute("DROP TABLE verdicts")
        old.execute(f"PRAGMA user_version = {len(MIGRATIONS) - 1}")
        old.commit()
    with closing(RunStore(tmp_path)) as store:
        store.verdicts.say(image(), 3)
        assert said(store.verdicts) == {picture_of(image()): 3}
