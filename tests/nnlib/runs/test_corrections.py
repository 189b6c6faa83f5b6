"""Corrected digits: kept as they were, whatever happens to the file around them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from nnlib.digits.mnist import idx_files, load_part
from nnlib.errors import DataError, SettingError, StoreError, StoreFullError
from nnlib.runs import corrections, database
from nnlib.runs.corrections import Corrections, digits_of
from nnlib.runs.database import MIGRATIONS, checksum
from nnlib.runs.store import RunStore
from nnlib.training.config import TrainingConfig


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with closing(RunStore(tmp_path)) as store:
        yield store


@pytest.fixture
def kept(store: RunStore) -> Corrections:
    return store.corrections


def image(number: int = 1) -> np.ndarray:
    return np.random.default_rng(number).random(784, np.float32)


def test_what_was_corrected_is_kept_to_the_pixel_and_in_order(kept: Corrections) -> None:
    first, second = kept.add(image(1), 7, 1), kept.add(image(2), 4)
    found = kept.all()
    assert [(each.id, each.label, each.answer) for each in found] == [(first, 7, 1), (second, 4, None)]
    digits = digits_of(found)
    np.testing.assert_allclose(digits.images, [image(1), image(2)], atol=0.5 / 255 + 1e-6)
    assert digits.labels.tolist() == [7, 4]
    assert digits_of([]).images.shape == (0, 784)


def test_a_drawing_is_one_digit_and_what_was_said_last_counts(kept: Corrections) -> None:
    kept.add(image(), 7)
    last = kept.add(image(), 1)
    assert [(each.id, each.label) for each in kept.all()] == [(last, 1)]


def test_one_is_deleted_or_all(kept: Corrections) -> None:
    numbers = [kept.add(image(n), n) for n in range(3)]
    kept.delete(numbers[1])
    assert [each.label for each in kept.all()] == [0, 2]
    with pytest.raises(StoreError, match=rf"^there is no corrected digit {numbers[1]}: it may have been deleted\.$"):
        kept.delete(numbers[1])
    assert kept.delete_all() == 2
    assert kept.all() == []


@pytest.mark.parametrize("label", [10, -1, None, 7.5, True])
def test_what_is_no_digit_is_no_label(kept: Corrections, label: int) -> None:
    with pytest.raises(SettingError, match=r"^the label is .*: it must be a whole number from 0 to 9\.$"):
        kept.add(image(), label)
    with pytest.raises(SettingError, match="the answer is 12"):
        kept.add(image(), 1, 12)


@pytest.mark.parametrize("wrong", [np.zeros(783), np.full(784, np.nan), np.full(784, 1.5), np.zeros((28, 28))])
def test_what_is_no_picture_is_refused(kept: Corrections, wrong: np.ndarray) -> None:
    with pytest.raises(SettingError, match="must be 784 numbers from 0 to 1"):
        kept.add(wrong, 1)
    assert kept.all() == []


def test_there_may_be_so_many(kept: Corrections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corrections, "MOST_CORRECTIONS", 2)
    for number in (1, 2):
        kept.add(image(number), 1)
    with pytest.raises(StoreError, match=r"^2 corrected digits are kept, and no more may be: delete some"):
        kept.add(image(3), 1)
    kept.add(image(2), 5)  # in the place of the one of before
    assert [each.label for each in kept.all()] == [1, 5]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE corrections SET label = 3 WHERE id = 1",
        "UPDATE corrections SET label = 'seven' WHERE id = 1",
        "UPDATE corrections SET pixels = zeroblob(784) WHERE id = 1",
        "UPDATE corrections SET pixels = 5 WHERE id = 1",
        "UPDATE corrections SET created = 'then' WHERE id = 1",
        "UPDATE corrections SET checksum = NULL WHERE id = 1",
    ],
)
def test_a_damaged_one_is_left_out_and_told_of(store: RunStore, damage: str) -> None:
    for number in (1, 2):
        store.corrections.add(image(number), 7)
    assert store.corrections.damage() is None
    with closing(sqlite3.connect(store.path)) as connection:
        if "NULL" in damage:
            damage = damage.replace("NULL", "0")
        connection.execute(damage)
        connection.commit()
    assert [each.id for each in store.corrections.all()] == [2]
    assert store.corrections.damage() == ("1 corrected digit of 2 cannot be read any more: deleting all makes room.")
    assert store.corrections.delete_all() == 2
    assert store.corrections.damage() is None


@pytest.mark.parametrize(("label", "pixels"), [(12, bytes(784)), (7, bytes(9)), (7, None)])
def test_what_cannot_be_is_left_out_though_its_checksum_is_right(
    store: RunStore, label: int, pixels: bytes | None
) -> None:
    content = (label, None, 1e9, pixels or "text")
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute(
            "INSERT INTO corrections (label, answer, created, pixels, checksum) VALUES (?, ?, ?, ?, ?)",
            (*content, checksum(*content)),
        )
        connection.commit()
    assert store.corrections.all() == []


def test_on_a_full_disk_nothing_is_kept_but_all_can_be_deleted(
    kept: Corrections, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.add(image(1), 7)
    monkeypatch.setattr(database, "RESERVE_BYTES", 2**60)
    with pytest.raises(StoreFullError, match=r"is full .*: make room, or delete old runs"):
        kept.add(image(2), 7)
    assert len(kept.all()) == 1
    kept.delete(1)
    assert kept.all() == []


def test_where_not_even_a_deletion_has_room_the_spare_makes_it(
    kept: Corrections, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = kept.add(image(1), 7)
    given_up: list[bool] = []
    delete_now = kept._delete_now

    def reluctantly(which: str, *values: int) -> int:
        if not given_up:
            raise StoreFullError("the disk is full.")
        return delete_now(which, *values)

    monkeypatch.setattr(kept, "_delete_now", reluctantly)
    monkeypatch.setattr(kept._database, "give_up_spare", lambda: given_up.append(True))
    kept.delete(number)
    assert given_up
    assert kept.all() == []


def test_a_store_of_the_version_before_keeps_its_runs_and_takes_corrected_digits(tmp_path: Path) -> None:
    with closing(RunStore(tmp_path)) as store:
        sound, damaged = (store.create_run(TrainingConfig(), "before") for _ in range(2))
        before = store.run(sound)
    content = "id, name, config, now, data_directory, created, state, message, parent, parent_step, weights, race, note"
    with closing(sqlite3.connect(tmp_path / "runs.sqlite")) as old:
        old.create_function("checksum", -1, checksum, deterministic=True)
        old.executescript("ALTER TABLE runs DROP COLUMN corrections; DROP TABLE corrections; DROP TABLE verdicts;")
        old.execute(f"UPDATE runs SET checksum = checksum({content}, tags)")
        old.execute("UPDATE runs SET name = 'after' WHERE id = ?", (damaged,))
        old.execute(f"PRAGMA user_version = {len(MIGRATIONS) - 2}")
        old.commit()
    with closing(RunStore(tmp_path)) as store:
        assert store.run(sound) == before
        assert [run.id for run in store.damaged_runs()] == [damaged]
        store.corrections.add(image(), 7)
        assert len(store.corrections.all()) == 1


def test_files_of_corrected_digits_are_read_as_the_very_same(kept: Corrections, tmp_path: Path) -> None:
    for number in range(12):
        kept.add(image(number), number % 10)
    digits = digits_of(kept.all())
    for name, content in idx_files(digits, "corrections").items():
        (tmp_path / name).write_bytes(content)
    again = load_part(tmp_path, "corrections")
    assert again.digest == digits.digest
    assert again.images.tobytes() == digits.images.tobytes()
    assert again.labels.tolist() == digits.labels.tolist()
    with pytest.raises(DataError, match="others-images-idx3-ubyte is missing"):
        load_part(tmp_path, "others")


def test_a_missing_table_ends_in_a_sentence(store: RunStore) -> None:
    with store._database.writing() as connection:
        connection.execute("DROP TABLE corrections")
    for call in (store.corrections.all, store.corrections.damage, store.corrections.delete_all):
        with pytest.raises(StoreError, match="no such table: corrections"):
            call()
    assert store.runs() == []
