"""The file: opened by many at once, and what it says where it cannot be read or written."""

import itertools
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from nnlib.errors import DamagedStoreError, StoreBusyError, StoreError, StoreFullError
from nnlib.runs import database
from nnlib.runs.database import MOST_PROGRESS_POINTS, Database, checksum, spacing


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "runs.sqlite")) as file:
        yield file


def test_many_that_open_a_new_file_at_once_all_get_it(tmp_path: Path) -> None:
    for attempt in range(10):
        together = threading.Barrier(8)

        def open_it(_: int, path: Path = tmp_path / str(attempt) / "runs.sqlite", at: Any = together) -> None:
            at.wait()
            with closing(Database(path)) as file:
                file.version()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(open_it, range(8)))


class Reluctant(sqlite3.Connection):
    """As where two make a file ready for many at the same moment: SQLite then does not wait."""

    refusals = 2

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "PRAGMA journal_mode = WAL" and self.refusals:
            self.refusals -= 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return super().execute(sql, *values)


def test_two_that_make_a_file_ready_at_once_wait_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **how: connect(path, factory=Reluctant, **how))
    with closing(Database(tmp_path / "runs.sqlite")) as file:
        assert file.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_opening_and_reading_need_no_lock(file: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    with file.writing(), closing(Database(file.path)) as other, other.reading() as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (0,)


def test_a_lock_that_somebody_keeps_is_said_to_be_one(file: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    with closing(Database(file.path)) as other:
        with (
            file.writing(),
            pytest.raises(StoreBusyError, match=r"is locked: another program .* close that one, or wait\.$"),
            other.writing(),
        ):
            pass
        with other.writing():
            pass


def test_a_file_that_may_only_be_read_is_said_to_be_one(file: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **how: connect(f"file:{path}?mode=ro", uri=True, **how))
    with (
        closing(Database(file.path)) as other,
        pytest.raises(StoreError, match=r"cannot be opened to write to it \(.*readonly.*\): allow that for the file"),
        other.writing() as connection,
    ):
        connection.execute("DELETE FROM runs")


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (sqlite3.SQLITE_FULL, StoreFullError, "is full: make room"),
        (sqlite3.SQLITE_IOERR_WRITE, StoreFullError, "is full: make room"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreBusyError, "is locked: another program"),
        (sqlite3.SQLITE_CORRUPT_INDEX, DamagedStoreError, "a part of the store .* is damaged"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, StoreError, "allow that for the file and its folder"),
        (sqlite3.SQLITE_CANTOPEN, StoreError, "allow that for the file and its folder"),
        (sqlite3.SQLITE_IOERR_READ, StoreError, "cannot be used"),
    ],
)
def test_every_error_has_its_sentence(file: Database, code: int, kind: type[StoreError], words: str) -> None:
    error = sqlite3.OperationalError("something.\n went wrong.")
    error.sqlite_errorcode = code
    with pytest.raises(kind, match=words) as caught, file.reading():
        raise error
    assert type(caught.value) is kind
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_every_bit_counts_in_a_checksum() -> None:
    values = (5, "a name", 0.1, None, 2**40)
    whole = checksum(*values)
    for place, other in [(0, 4), (1, "a nane"), (2, 0.1 + 2**-56), (3, 0), (4, 2**40 + 1), (1, b"a name")]:
        changed: list[Any] = list(values)
        changed[place] = other
        assert checksum(*changed) != whole
    blob = bytes(range(256))
    for place, bit in itertools.product((0, 100, 255), range(8)):
        changed_blob = bytearray(blob)
        changed_blob[place] ^= 1 << bit
        assert checksum(1, bytes(changed_blob)) != checksum(1, blob)
    assert checksum(2, blob) != checksum(1, blob)


def test_points_are_spread_over_at_most_so_many_places() -> None:
    for step in [*range(1, 3000), *range(3000, 10**6, 997), 430 * 10**3]:
        places = step // spacing(step) + 1
        assert places <= MOST_PROGRESS_POINTS
        assert places > MOST_PROGRESS_POINTS / 2 or spacing(step) == 1


def test_an_empty_disk_lets_the_spare_go(file: Database) -> None:
    spare = file.path.with_name("runs.spare")
    assert spare.stat().st_size == database.SPARE_BYTES
    file.give_up_spare()
    assert not spare.exists()
    file.give_back()
    assert spare.exists()


def test_closed_twice_is_closed(file: Database) -> None:
    file.close()
    file.close()
    with suppress(StoreError):
        file.version()
