"""Teaching: what was corrected is read afterwards, and nothing else is forgotten; and a run stays its recipe."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from nnlib.digits.drawing import as_mnist
from nnlib.digits.ink import find_ink
from nnlib.digits.mnist import DataSet, Digits, load_mnist
from nnlib.errors import SettingError, StoreError
from nnlib.model_files import Model, load_pretrained
from nnlib.network.network import Network
from nnlib.runs import teaching, worker
from nnlib.runs.store import RunStore
from nnlib.runs.teaching import settings_for, taught, teach
from nnlib.runs.transfer import export_run, import_file
from nnlib.study.evaluation import evaluate
from nnlib.training import SETTINGS
from nnlib.training.config import TrainingConfig
from nnlib.training.trainer import CORRECTIONS_SHARE, SHARE_OF_ONE, Trainer, first_checkpoint
from tests.pen_strokes import load_strokes, render

SMALL = TrainingConfig(hidden_widths=(16, 8), epochs=2, batch_size=64, training_digits=640, validation_digits=200)


@pytest.fixture(scope="module")
def data() -> DataSet:
    return load_mnist()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunStore]:
    monkeypatch.setattr(teaching, "keep_starting", lambda store: None)  # each is trained here
    with closing(RunStore(tmp_path / "here")) as store:
        yield store


@pytest.fixture
def model() -> Model:
    """A small network that has learned nothing yet."""
    network = Network((784, *SMALL.hidden_widths, 10), SMALL.activation)
    network.draw_weights(np.random.default_rng(1))
    return Model(network, "small", SMALL, 0, None, "")


def correct(store: RunStore, data: DataSet, n: int = 5) -> None:
    """Some digits, each with a label that is not its own."""
    for image, label in zip(data.test.images[:n], data.test.labels[:n], strict=True):
        store.corrections.add(image, (int(label) + 1) % 10)


def train(store: RunStore, run: int) -> bytes:
    """The parameters of a run at its end."""
    list(worker.work(store, run))
    assert store.run(run).state == "finished"
    return store.model(run, store.snapshots(run)[-1].step).network.parameters.tobytes()


@pytest.fixture
def run(store: RunStore, model: Model, data: DataSet, monkeypatch: pytest.MonkeyPatch) -> int:
    """A run in line that was taught five digits; since, these were deleted."""
    monkeypatch.setattr(teaching, "ENOUGH_DIGITS", 1200)
    correct(store, data)
    run = teach(store, model, data, parent=(7, 20))
    store.corrections.delete_all()
    return run


# --- a run is its recipe ---


def test_a_run_keeps_what_it_was_taught_whatever_is_deleted(store: RunStore, run: int, data: DataSet) -> None:
    assert store.run(run).parent == (7, 20)
    assert store.run(run).name == "taught 5 digits, from run 7"
    digits = taught(store, run)
    np.testing.assert_array_equal(digits.images, data.test.images[:5])
    assert store.recipe(run).corrections == store.run(run).corrections == digits.digest
    train(store, run)
    assert taught(store, run).digest == digits.digest


def test_it_begins_with_the_network_that_was_taught(store: RunStore, run: int, model: Model) -> None:
    assert store.model(run, 0).network.parameters.tobytes() == model.network.parameters.tobytes()


def test_repeated_it_ends_with_the_same_bits(store: RunStore, run: int) -> None:
    again = store.fork(run, 0)
    assert store.recipe(again) == store.recipe(run)
    end = train(store, run)
    in_the_middle = store.fork(run, 10)
    assert train(store, again) == train(store, in_the_middle) == end


def test_resumed_it_ends_with_the_same_bits(store: RunStore, run: int) -> None:
    other = store.fork(run, 0)
    records = worker.work(store, run)
    list(islice(records, 4))
    records.close()
    assert store.run(run).state == "interrupted"
    store.enqueue(run)
    list(worker.work(store, run))
    step = store.snapshots(run)[-1].step
    assert store.model(run, step).network.parameters.tobytes() == train(store, other)


def test_stopped_in_the_middle_a_trainer_goes_on_to_the_same_bits(model: Model, data: DataSet) -> None:
    corrections = Digits(data.test.images[:3], np.array([1, 2, 3], np.uint8))
    recipe, checkpoint = first_checkpoint(SMALL.with_changes(augmentation=1), model.network.parameters, corrections)
    whole = Trainer.resume(checkpoint, data, recipe)
    list(whole)
    parts, state = Trainer.resume(checkpoint, data, recipe, progress_seconds=0), checkpoint
    for _ in range(3):
        list(islice(parts, 5))
        state = parts.checkpoint()
        parts = Trainer.resume(state, data, recipe, progress_seconds=0)
    list(parts)
    assert parts.step_count == whole.step_count
    assert parts.network.parameters.tobytes() == whole.network.parameters.tobytes()
    assert parts.corrections.digest == recipe.corrections


def test_an_epoch_has_all_digits_and_each_corrected_one_so_often(data: DataSet) -> None:
    few, many = (Digits(data.test.images[:n], data.test.labels[:n]) for n in (1, 400))
    for corrections, times in ((few, round(6000 * SHARE_OF_ONE)), (many, 1)):
        config = SMALL.with_changes(training_digits=6000)
        trainer = Trainer(config, data, corrections=corrections)
        order, memory = trainer._order, trainer._memory
        assert sorted(order) == list(range(config.training_digits + times * len(corrections)))
        np.testing.assert_array_equal(memory["labels"][: config.training_digits], trainer.training.labels)
        shown = memory["images"][config.training_digits :]
        np.testing.assert_array_equal(shown, np.tile(corrections.pixels, (times, 1)))
    trainer = Trainer(config, data, corrections=Digits(data.test.images[:100], data.test.labels[:100]))
    assert 1 - config.training_digits / len(trainer._order) == pytest.approx(CORRECTIONS_SHARE, abs=0.01)


@pytest.mark.parametrize("changes", [{"augmentation": 1.0}, {}, {"batch_size": 400}])
def test_it_learns_from_them_whichever_way_a_step_is_shared(
    data: DataSet, changes: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnlib.training.trainer.SHARE_OF_ONE", 0.05)  # a training as short as this one needs more
    config = SMALL.with_changes(epochs=60, learning_rate=0.005, **changes)
    wrong = Digits(data.test.images[:2], (data.test.labels[:2] + 1) % 10)
    trainer = Trainer(config, data, corrections=wrong)
    other = Trainer(config, data, corrections=wrong)
    list(trainer)
    list(other)
    assert evaluate(trainer.network, wrong).accuracy == 1
    assert trainer.network.parameters.tobytes() == other.network.parameters.tobytes()


def test_without_corrected_digits_nothing_is_another_training(data: DataSet) -> None:
    trainer = Trainer(SMALL, data)
    assert trainer.recipe.corrections is None
    assert len(trainer._order) == SMALL.training_digits


def test_taken_along_it_has_what_it_was_taught(store: RunStore, run: int, data: DataSet, tmp_path: Path) -> None:
    content = export_run(store, run)
    with closing(RunStore(tmp_path / "there")) as there:
        brought = import_file(there, content, "run.zip", data)
        assert there.recipe(brought) == store.recipe(run)
        assert taught(there, brought).digest == taught(store, run).digest
        assert there.corrections.all() == []
        again = there.fork(brought, 0)
        assert train(there, again) == train(store, run)


def test_brought_in_without_what_it_was_taught_it_is_refused(
    store: RunStore, run: int, model: Model, data: DataSet
) -> None:
    _, other = first_checkpoint(SMALL, model.network.parameters, Digits(data.test.images[:2], data.test.labels[:2]))
    with store._database.writing() as connection:
        connection.execute("DELETE FROM checkpoints")
    with pytest.raises(StoreError, match=r"the corrected digits that it learns from are not in it"):
        import_file(store, export_run(store, run), "run.zip", data)
    store._insert_checkpoint(run, 0, 0.0, other)
    with pytest.raises(StoreError, match=r"the corrected digits that it learns from are not in it"):
        import_file(store, export_run(store, run), "run.zip", data)
    with pytest.raises(StoreError, match="it is of another recipe"):
        Trainer.resume(other, data, store.recipe(run))


def test_a_recipe_without_its_corrected_digits_is_refused(store: RunStore, run: int, data: DataSet) -> None:
    recipe = replace(store.recipe(run), weights=None)
    for call in (lambda: Trainer(recipe, data), lambda: store.create_run(recipe, "again")):
        with pytest.raises(SettingError, match=r"learns from corrected digits, and has them not: import the whole run"):
            call()
    with pytest.raises(SettingError, match=r"the corrections of the recipe are abc: it must be 64 hexadecimal digits"):
        replace(recipe, corrections="abc")


def test_there_must_be_something_to_teach(store: RunStore, model: Model, data: DataSet) -> None:
    with pytest.raises(StoreError, match=r"^no digit was corrected yet: say of a drawing what it is"):
        teach(store, model, data)
    assert store.runs() == []


def test_damaged_it_says_so(store: RunStore, run: int) -> None:
    with store._database.writing() as connection:
        connection.execute("UPDATE checkpoints SET state = zeroblob(100)")
    with pytest.raises(StoreError, match=rf"^the corrected digits of run {run} are damaged: teach it once more\.$"):
        taught(store, run)


# --- it learns, and does not forget ---


def in_an_odd_hand(n: int) -> Digits:
    """Some 4s and 7s as somebody writes them whose 4 lies on its side, and whose 7 is mirrored."""
    pixels: list[np.ndarray] = []
    labels: list[int] = []
    for strokes, label in load_strokes():
        if label in (4, 7) and len(labels) < n:
            if label == 4:
                odd = [np.stack([-stroke[:, 1], stroke[:, 0]], axis=1) for stroke in strokes]
            else:
                odd = [stroke * [-1, 1] for stroke in strokes]
            ink, _ = find_ink(render(odd))
            rows, columns = (np.flatnonzero((ink >= 0.5).any(axis)) for axis in (1, 0))
            digit = as_mnist(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
            pixels.append(np.rint(digit * 255).astype(np.uint8))
            labels.append(label)
    return Digits.from_bytes(np.stack(pixels), np.array(labels, np.uint8))


def test_fifty_corrected_digits_of_an_odd_hand_are_read_afterwards_and_no_other_is_forgotten(
    store: RunStore, data: DataSet
) -> None:
    pretrained = load_pretrained()
    hand = in_an_odd_hand(150)
    misread = np.flatnonzero(evaluate(pretrained.network, hand).predictions != hand.labels)[:50]
    others = np.setdiff1d(np.arange(len(hand)), misread)
    assert len(misread) == 50
    for row in misread:
        store.corrections.add(hand.images[row], int(hand.labels[row]))
    run = teach(store, pretrained, data)
    train(store, run)
    network = store.model(run, store.snapshots(run)[-1].step).network

    def right(network: Network, rows: np.ndarray) -> float:
        return evaluate(network, Digits(hand.images[rows], hand.labels[rows])).accuracy

    assert right(pretrained.network, misread) == 0
    assert right(network, misread) >= 0.9
    assert right(network, others) > right(pretrained.network, others) + 0.2
    assert evaluate(network, data.test).accuracy >= evaluate(pretrained.network, data.test).accuracy - 0.001


def test_a_network_of_which_nothing_is_known_is_taught_with_as_many_digits_as_there_are(
    model: Model, data: DataSet
) -> None:
    small = DataSet(data.train[:1000], data.test)
    config = settings_for(replace(model, config=None), small)
    assert (config.training_digits, config.validation_digits) == (500, 500)
    assert config.hidden_widths == SMALL.hidden_widths
    assert config.epochs == SETTINGS["epochs"].high
