"""In and out: what is taken to another store is the same there, and a file that is damaged or hostile is refused."""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib.digits.mnist import DataSet, load_mnist
from nnlib.errors import ModelFileError, NnlibError, SettingError, StoreError
from nnlib.model_files import load_pretrained, model_bytes
from nnlib.runs import worker
from nnlib.runs.store import RunStore
from nnlib.runs.transfer import export_run, import_file
from nnlib.training.config import TrainingConfig
from nnlib.training.recipe import Event, Recipe
from nnlib.training.trainer import Trainer

SMALL = TrainingConfig(hidden_widths=(16, 8), epochs=4, batch_size=64, training_digits=640, validation_digits=200)


@pytest.fixture(scope="module")
def data() -> DataSet:
    return load_mnist()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with closing(RunStore(tmp_path / "here")) as store:
        store._connection.execute("PRAGMA synchronous = OFF")
        yield store


@pytest.fixture
def there(tmp_path: Path) -> Iterator[RunStore]:
    """Another store."""
    with closing(RunStore(tmp_path / "there")) as store:
        yield store


def train(store: RunStore, recipe: Recipe) -> int:
    run = store.create_run(recipe, "own settings")
    list(worker.work(store, run))
    return run


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    with closing(RunStore(tmp_path_factory.mktemp("exported"))) as store:
        return export_run(store, train(store, Recipe(SMALL, (Event(5, "dropout", 0.1),))))


def test_a_run_is_the_same_in_another_store(store: RunStore, there: RunStore, data: DataSet) -> None:
    run = train(store, Recipe(SMALL, (Event(5, "learning_rate", 0.01), Event(23, "dropout", 0.2))))
    train(there, Recipe(SMALL.with_changes(epochs=1)))
    taken = import_file(there, export_run(store, run), "run.zip", data)
    assert taken == 2
    assert (there.records(taken), there.progress(taken)) == (store.records(run), store.progress(run))
    assert (there.happenings(taken), there.recipe(taken)) == (store.happenings(run), store.recipe(run))
    assert there.snapshots(taken) == store.snapshots(run)
    for moment in store.snapshots(run):
        one, other = (each.model(number, moment.step) for each, number in ((store, run), (there, taken)))
        assert one.network.parameters.tobytes() == other.network.parameters.tobytes()
    assert [there.checkpoint(taken, moment.step) for moment in there.checkpoints(taken)] == [
        store.checkpoint(run, moment.step) for moment in store.checkpoints(run)
    ]
    found, original = there.run(taken), store.run(run)
    assert replace(found, id=run, created=original.created, attempt=original.attempt) == original
    fork, twin = there.fork(taken, 30), store.fork(run, 30)
    list(worker.work(there, fork))
    list(worker.work(store, twin))
    assert export_run(there, fork) != b""
    assert there.model(fork, 40).network.parameters.tobytes() == store.model(twin, 40).network.parameters.tobytes()


def test_a_run_that_learns_is_taken_as_one_that_was_interrupted(
    store: RunStore, there: RunStore, data: DataSet
) -> None:
    run = store.create_run(SMALL, "learns")
    training = worker.work(store, run)
    next(training)
    taken = import_file(there, export_run(store, run), "run.zip", data)
    assert there.run(taken).state == "interrupted"
    there.enqueue(taken)
    list(worker.work(there, taken))
    list(training)
    assert there.records(taken)[-1].validation_loss == store.records(run)[-1].validation_loss


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".pkl"])
def test_a_model_file_is_a_run_to_look_at(store: RunStore, data: DataSet, suffix: str) -> None:
    model = load_pretrained()
    run = import_file(store, model_bytes(model, suffix), f"mine{suffix}", data)
    found = store.run(run)
    assert (found.state, found.name) == ("finished", model.name)
    assert store.model(run, 0).network.parameters.tobytes() == model.network.parameters.tobytes()


def test_a_model_file_is_a_run_to_train_on_and_to_fork(store: RunStore, data: DataSet) -> None:
    run = import_file(store, model_bytes(load_pretrained(), ".npz"), "mine.npz", data)
    changes = {"epochs": 1, "learning_rate": 0.0001, "augmentation": 0}
    first, second = store.fork(run, 0, changes), store.fork(run, 0, changes)
    for fork in (first, second):
        list(worker.work(store, fork))
    assert store.records(first)[0].training_accuracy > 0.97, "it knew digits before"
    steps = store.snapshots(first)[-1].step
    one, other = (store.model(fork, steps) for fork in (first, second))
    assert one.network.parameters.tobytes() == other.network.parameters.tobytes()

    # a fork of a fork, and one without any checkpoint but the first
    store._connection.execute("DELETE FROM checkpoints WHERE run = ? AND step > 0", (first,))
    again = store.fork(first, 5)
    list(worker.work(store, again))
    assert store.model(again, steps).network.parameters.tobytes() == one.network.parameters.tobytes()

    # its recipe alone is not enough
    with pytest.raises(SettingError, match=r"^the recipe begins with weights from a file, and has them not"):
        Trainer(store.recipe(first), data)


def test_a_model_without_settings_is_taken_too(store: RunStore, data: DataSet) -> None:
    model = replace(load_pretrained(), config=None)
    run = import_file(store, model_bytes(model, ".safetensors"), "mine.safetensors", data)
    assert store.run(run).config.hidden_widths == (128, 64, 64)
    few = DataSet(train=data.train[:300], test=data.test)
    run = import_file(store, model_bytes(model, ".safetensors"), "mine.safetensors", few)
    assert (store.run(run).config.training_digits, store.run(run).config.validation_digits) == (150, 150)


def test_what_is_no_file_of_ours_is_refused(store: RunStore, data: DataSet) -> None:
    for content in (b"", b"nothing", b"PK\x03\x04", b"\x80\x04."):
        with pytest.raises((ModelFileError, StoreError)):
            import_file(store, content, "x", data)
    assert store.runs() == []


def changed(exported: bytes, **changes: Any) -> bytes:
    """The file with other things said in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(exported)) as old, zipfile.ZipFile(file, "w") as new:
        for member in old.namelist():
            content = old.read(member)
            if member == "run.json":
                content = json.dumps(json.loads(content) | changes).encode()
            new.writestr(member, content)
    return file.getvalue()


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"config": {"epochs": 0}},
        {"config": {"hidden_widths": [17, 8]}},
        {"config": []},
        {"weights": "no"},
        {"state": "happy"},
        {"happenings": [[5, "hidden_widths", [3]]]},
        {"happenings": [[-5, "dropout", 0.1]]},
        {"happenings": [[5, "dropout", 7]]},
        {"happenings": 5},
        {"records": [{}]},
        {"records": "x"},
        {"progress": [{"step": 1}]},
        {"snapshots": [[7777, 1.0]]},
        {"snapshots": [["x", 1.0]]},
        {"checkpoints": [[7777, 1.0]]},
        {"checkpoints": [[1, -1.0]]},
    ],
    ids=str,
)
def test_impossible_things_in_a_run_s_file_are_refused_and_leave_nothing(
    store: RunStore, data: DataSet, exported: bytes, changes: dict[str, Any]
) -> None:
    with pytest.raises(StoreError, match=r"^the run's file cannot be read \(.*\): export the run once more"):
        import_file(store, changed(exported, **changes), "run.zip", data)
    assert store.runs() == store.damaged_runs() == []


def test_a_file_that_would_be_huge_is_not_unpacked(
    store: RunStore, data: DataSet, exported: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnlib.runs.transfer.MOST_BYTES", 100_000)
    with pytest.raises(StoreError, match="there is more than"):
        import_file(store, exported, "run.zip", data)
    monkeypatch.undo()
    monkeypatch.setattr("nnlib.runs.transfer.MOST_TEXT_BYTES", 1000)
    with pytest.raises(StoreError, match=r"its run\.json is too large"):
        import_file(store, exported, "run.zip", data)


def test_a_snapshot_that_is_not_finite_is_refused(store: RunStore, data: DataSet, exported: bytes) -> None:
    place = exported.index(b"snapshots.safetensors") + 5000
    damaged = exported[:place] + np.full(20, np.nan, "<f4").tobytes() + exported[place + 80 :]
    with pytest.raises(StoreError):
        import_file(store, damaged, "run.zip", data)


@settings(deadline=None, max_examples=60)
@given(place=st.integers(0, 10**6), letters=st.binary(min_size=1, max_size=30))
def test_any_damage_ends_in_a_sentence_or_in_a_run(
    exported: bytes, tmp_path_factory: pytest.TempPathFactory, place: int, letters: bytes
) -> None:
    place %= len(exported)
    damaged = exported[:place] + letters + exported[place + len(letters) :]
    with closing(RunStore(tmp_path_factory.mktemp("damaged"))) as store, suppress(NnlibError):
        run = import_file(store, damaged, "run.zip", load_mnist())
        assert store.run(run).epoch <= 4
