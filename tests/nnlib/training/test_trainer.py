"""The training: the same each time, the same after any interruption, and honest in its records."""

import json
import math
import re
import struct
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from operator import methodcaller
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib.digits.mnist import DataSet, load_mnist
from nnlib.errors import DivergedError, SettingError, StoreError
from nnlib.network.losses import CategoricalCrossEntropy
from nnlib.network.network import ROWS_AT_ONCE, Network
from nnlib.network.optimizers import OptimizerName, Schedule, schedule_factor
from nnlib.study.evaluation import evaluate
from nnlib.training.config import PRESETS, SETTINGS, TrainingConfig
from nnlib.training.trainer import EARLY_STEPS, EpochRecord, Progress, Trainer, split

SMALL = TrainingConfig(hidden_widths=(16, 8), epochs=3, batch_size=64, training_digits=300, validation_digits=100)
# wide and deep enough to blow up, where a smaller one only falls silent
LIVELY = SMALL.with_changes(hidden_widths=(128, 64, 64), optimizer="sgd", learning_rate=0.05, epochs=30)


@pytest.fixture(scope="module")
def data() -> DataSet:
    return load_mnist()


def without_seconds(records: list[Progress | EpochRecord]) -> list[Progress | EpochRecord]:
    return [replace(record, seconds=0.0) for record in records]


def epochs_of(records: list[Progress | EpochRecord]) -> list[EpochRecord]:
    return [record for record in records if isinstance(record, EpochRecord)]


def train_steps(trainer: Trainer, steps: int) -> list[Progress | EpochRecord]:
    """The records of that many batches, of a trainer with a record for each."""
    return list(islice(trainer, steps))


# --- what a training does ---


def test_loss_goes_down_and_accuracy_up(data: DataSet) -> None:
    records = epochs_of(list(Trainer(SMALL.with_changes(epochs=8, training_digits=2000), data)))
    losses = [record.training_loss for record in records]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 3
    assert records[-1].validation_loss < records[0].validation_loss / 2
    assert records[-1].validation_accuracy > 0.8


def test_quick_preset_reads_at_least_93_of_100_test_digits(data: DataSet) -> None:
    trainer = Trainer(PRESETS["quick"].config, data)
    *_, last = trainer
    assert isinstance(last, EpochRecord)
    assert trainer.finished
    assert evaluate(trainer.network, data.test).accuracy >= 0.93
    assert last.validation_accuracy >= 0.93


def test_the_learning_rate_advised_for_sgd_kills_no_units(data: DataSet) -> None:
    found = re.search(r"SGD with momentum 0\.9 near ([\d.]+),", SETTINGS["learning_rate"].advice)
    assert found is not None
    config = TrainingConfig(
        optimizer="sgd", momentum=0.9, learning_rate=float(found[1]), epochs=2, batch_size=32, training_digits=10_000
    )
    *_, last = Trainer(config, data)
    assert isinstance(last, EpochRecord)
    assert last.validation_accuracy > 0.9
    assert not any(last.dead_units)


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_same_seed_gives_the_same_curve_and_weights(data: DataSet, dropout: float) -> None:
    config = SMALL.with_changes(dropout=dropout)
    first, second = (Trainer(config, data, progress_seconds=0) for _ in range(2))
    assert without_seconds(list(first)) == without_seconds(list(second))
    np.testing.assert_array_equal(first.network.parameters, second.network.parameters)


def test_another_seed_gives_another_curve_and_other_weights(data: DataSet) -> None:
    first, second = Trainer(SMALL, data), Trainer(SMALL.with_changes(seed=2), data)
    assert not np.array_equal(first.network.parameters, second.network.parameters)
    assert without_seconds(list(first)) != without_seconds(list(second))
    assert not np.array_equal(first.network.parameters, second.network.parameters)


@pytest.mark.parametrize(
    ("augmentation", "sizes"),
    [
        # both halves of the first layer see the whole batch
        (0.0, [64] * 8 + [44] * 2),
        # each half learns from half of the batch
        (0.001, [32] * 8 + [22] * 2),
    ],
)
def test_every_epoch_sees_every_digit_once_in_another_order(
    data: DataSet, monkeypatch: pytest.MonkeyPatch, augmentation: float, sizes: list[int]
) -> None:
    seen: list[np.ndarray] = []
    take = np.take

    def watched(images: np.ndarray, rows: np.ndarray, **options: Any) -> np.ndarray:
        if options.get("axis") == 0:
            seen.append(rows.copy())
        return take(images, rows, **options)

    monkeypatch.setattr(np, "take", watched)
    list(Trainer(SMALL.with_changes(epochs=2, augmentation=augmentation), data))
    assert [len(rows) for rows in seen] == sizes * 2
    if not augmentation:
        for mine, others in zip(seen[::2], seen[1::2], strict=True):
            np.testing.assert_array_equal(mine, others)
        seen = seen[::2]
    middle = len(seen) // 2
    first, second = np.concatenate(seen[:middle]), np.concatenate(seen[middle:])
    assert not np.array_equal(first, second)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(300))


@pytest.mark.parametrize("augmentation", [0.0, 0.001])
def test_first_step_of_adam_is_as_long_as_the_learning_rate(data: DataSet, augmentation: float) -> None:
    trainer = Trainer(SMALL.with_changes(augmentation=augmentation), data, progress_seconds=0)
    before = trainer.network.parameters.copy()
    train_steps(trainer, 1)
    # the mean of one gradient over the root of its square, both corrected for their start at zero
    moved = np.abs(trainer.network.parameters - before)[np.abs(trainer.network.gradient) > 1e-4]
    assert len(moved) > 1000
    np.testing.assert_allclose(moved, 0.001, rtol=1e-2)


def test_validation_digits_come_from_the_end_and_are_no_training_digits(data: DataSet) -> None:
    training, validation = split(data.train, SMALL)
    np.testing.assert_array_equal(training.images, data.train.images[:300])
    np.testing.assert_array_equal(validation.labels, data.train.labels[-100:])


def test_a_huge_batch_gives_the_gradient_of_the_whole_at_once(data: DataSet) -> None:
    config = SMALL.with_changes(training_digits=5000, batch_size=4500, label_smoothing=0.1)
    assert config.batch_size > 2 * ROWS_AT_ONCE
    trainer = Trainer(config, data, progress_seconds=0)
    network, loss = Network((784, 16, 8, 10)), CategoricalCrossEntropy(0.1)
    network.parameters[:] = trainer.network.parameters
    rows = trainer._order[:4500]

    (record,) = train_steps(trainer, 1)

    expected = loss.forward(network.forward(data.train.images[rows], training=True), data.train.labels[rows])
    network.backward(loss.backward())
    np.testing.assert_allclose(trainer.network.gradient, network.gradient, rtol=1e-3, atol=1e-6)
    assert record.training_loss == pytest.approx(expected, rel=1e-5)


def test_batch_of_more_than_all_digits_is_all_of_them(data: DataSet) -> None:
    trainer = Trainer(SMALL.with_changes(batch_size=60_000), data, progress_seconds=0)
    assert [record.step for record in trainer] == [1, 2, 3]


# --- what its records say ---


def test_records_count_steps_and_epochs(data: DataSet) -> None:
    records = list(Trainer(SMALL, data, progress_seconds=0))
    assert [record.step for record in records] == list(range(1, 16))
    for epoch, start in enumerate((0, 5, 10)):
        *within, last = records[start : start + 5]
        assert [record.epoch for record in within] == pytest.approx([epoch + n * 64 / 300 for n in (1, 2, 3, 4)])
        assert all(isinstance(record, Progress) for record in within)
        assert isinstance(last, EpochRecord)
        assert last.epoch == epoch + 1
    seconds = [record.seconds for record in records]
    assert seconds == sorted(seconds)


def test_a_calm_training_yields_one_record_an_epoch_and_the_early_steps(data: DataSet) -> None:
    records = list(Trainer(SMALL, data, progress_seconds=math.inf))
    assert [(type(record), record.step) for record in records] == [
        (Progress, 1),
        (Progress, 2),
        (EpochRecord, 5),
        (EpochRecord, 10),
        (EpochRecord, 15),
    ]


def test_early_records_come_right_after_their_steps_and_change_no_bit(data: DataSet) -> None:
    config = SMALL.with_changes(batch_size=4)
    calm, every_step = Trainer(config, data, progress_seconds=math.inf), Trainer(config, data, progress_seconds=0)
    seen = {}
    for record in calm:
        assert calm.step_count == record.step
        seen[record.step] = calm.network.parameters.copy()
    assert list(seen) == sorted({75, 150, 225, *(step for step in EARLY_STEPS if step < 225)})
    for record in every_step:
        if record.step in seen:
            np.testing.assert_array_equal(seen[record.step], every_step.network.parameters)


@pytest.mark.parametrize("schedule", get_args(Schedule))
def test_records_hold_the_learning_rate_of_the_schedule(data: DataSet, schedule: Schedule) -> None:
    records = list(Trainer(SMALL.with_changes(schedule=schedule), data, progress_seconds=0))
    expected = [0.001 * schedule_factor(schedule, (record.step - 1) / 15) for record in records]
    assert [record.learning_rate for record in records] == pytest.approx(expected)


def test_loss_and_accuracy_are_averages_over_the_digits(data: DataSet) -> None:
    # so slow that the weights stay as they are
    trainer = Trainer(SMALL.with_changes(learning_rate=1e-30, dropout=0.0), data, progress_seconds=0)
    network, loss = trainer.network, CategoricalCrossEntropy()
    for record in epochs_of(list(trainer)):
        for digits, found_loss, found_accuracy in (
            (trainer.training, record.training_loss, record.training_accuracy),
            (trainer.validation, record.validation_loss, record.validation_accuracy),
        ):
            scores = network.forward(digits.images)
            assert found_loss == pytest.approx(loss.forward(scores, digits.labels), rel=1e-5)
            assert found_accuracy == pytest.approx(np.mean(scores.argmax(axis=1) == digits.labels))


def test_progress_is_over_the_batches_since_the_last_record(data: DataSet) -> None:
    trainer = Trainer(SMALL.with_changes(learning_rate=1e-30), data, progress_seconds=0)
    first_two = train_steps(trainer, 2)
    for index, record in enumerate(first_two):
        rows = trainer._order[64 * index : 64 * (index + 1)]
        scores = trainer.network.forward(data.train.images[rows])
        expected = CategoricalCrossEntropy().forward(scores, data.train.labels[rows])
        assert record.training_loss == pytest.approx(expected, rel=1e-5)
        assert record.training_accuracy == np.mean(scores.argmax(axis=1) == data.train.labels[rows])


def test_gradient_norms_are_one_length_per_layer(data: DataSet) -> None:
    trainer = Trainer(SMALL.with_changes(epochs=1), data)
    *_, record = trainer
    assert isinstance(record, EpochRecord)
    first, second, third = 784 * 16 + 16, 16 * 8 + 8, 8 * 10 + 10
    parts = np.split(trainer.network.gradient, [first, first + second])
    assert len(parts[2]) == third
    assert record.gradient_norms == pytest.approx([np.linalg.norm(part) for part in parts], rel=1e-5)
    assert min(record.gradient_norms) > 0


def test_dead_units_are_those_that_answer_every_digit_alike(data: DataSet) -> None:
    trainer = Trainer(SMALL.with_changes(epochs=1, learning_rate=1e-6, validation_digits=3000), data)
    first, second, _ = trainer.network.dense_layers
    first.biases[[2, 3, 11]] = -1000
    second.biases[5] = -1000
    *_, record = trainer
    assert isinstance(record, EpochRecord)

    expected = []
    for outputs in trainer.network.activations(trainer.validation.images)[:2]:
        expected.append(sum(len(set(unit.tolist())) == 1 for unit in outputs.T))
    assert list(record.dead_units) == expected
    assert record.dead_units[0] >= 3
    assert record.dead_units[1] >= 1


def test_best_epoch_is_that_of_the_highest_validation_accuracy(data: DataSet) -> None:
    trainer = Trainer(SMALL.with_changes(epochs=12, learning_rate=0.02), data)
    accuracies = [record.validation_accuracy for record in epochs_of(list(trainer))]
    assert trainer.best_accuracy == max(accuracies)
    assert trainer.best_epoch == accuracies.index(max(accuracies)) + 1


def test_of_equally_good_epochs_the_first_is_the_best(data: DataSet) -> None:
    trainer = Trainer(SMALL.with_changes(learning_rate=1e-30), data)
    accuracies = {record.validation_accuracy for record in epochs_of(list(trainer))}
    assert len(accuracies) == 1
    assert trainer.best_epoch == 1


# --- the learning rate, by hand ---


def test_a_learning_rate_set_while_it_runs_takes_effect(data: DataSet) -> None:
    trainer = Trainer(SMALL.with_changes(optimizer="sgd", momentum=0), data, progress_seconds=0)
    train_steps(trainer, 2)
    trainer.change(learning_rate=0.25)
    before = trainer.network.parameters.copy()
    (record,) = train_steps(trainer, 1)
    assert record.learning_rate == 0.25
    moved = before - trainer.network.parameters
    np.testing.assert_allclose(moved, 0.25 * trainer.network.gradient, rtol=1e-3, atol=1e-6)


def test_a_learning_rate_set_while_it_runs_is_kept_in_the_checkpoint(data: DataSet) -> None:
    trainer = Trainer(SMALL.with_changes(schedule="cosine"), data, progress_seconds=0)
    train_steps(trainer, 2)
    trainer.change(learning_rate=0.0123)
    resumed = Trainer.resume(trainer.checkpoint(), data, progress_seconds=0)
    assert resumed.config.learning_rate == 0.0123
    assert resumed.current_learning_rate == trainer.current_learning_rate == 0.0123 * schedule_factor("cosine", 2 / 15)
    assert resumed.recipe == trainer.recipe
    assert without_seconds(list(resumed)) == without_seconds(list(trainer))


@pytest.mark.parametrize("learning_rate", [0, -1, 11, math.nan, math.inf, None, "fast"])
def test_a_bad_learning_rate_is_refused_and_changes_nothing(data: DataSet, learning_rate: Any) -> None:
    trainer = Trainer(SMALL, data)
    with pytest.raises(SettingError, match=r"^learning_rate is .*above 0 and at most 10"):
        trainer.change(learning_rate=learning_rate)
    assert trainer.config.learning_rate == 0.001


# --- what goes wrong ---


@pytest.mark.parametrize("optimizer", get_args(OptimizerName))
def test_a_far_too_high_learning_rate_ends_in_a_sentence_or_in_numbers(data: DataSet, optimizer: OptimizerName) -> None:
    config = SMALL.with_changes(optimizer=optimizer, learning_rate=10, epochs=20, hidden_widths=(64, 64, 64, 64))
    trainer = Trainer(config, data)
    with suppress(DivergedError):
        for record in trainer:
            assert math.isfinite(record.training_loss)
    assert np.isfinite(trainer.good_parameters).all()


def test_divergence_in_the_first_epoch_leaves_the_first_weights(data: DataSet) -> None:
    trainer = Trainer(LIVELY.with_changes(learning_rate=10), data)
    first_weights = trainer.network.parameters.copy()
    with pytest.raises(DivergedError, match=r"in epoch 1: a learning rate of 10 is too high here\. Try 1; "):
        list(trainer)
    np.testing.assert_array_equal(trainer.network.parameters, first_weights)


def test_divergence_keeps_the_weights_of_the_last_finite_epoch(data: DataSet) -> None:
    trainer = Trainer(LIVELY, data, progress_seconds=0)
    train_steps(trainer, 10)
    # what is tried next follows from the rate that went wrong, not from the one it began with
    trainer.change(learning_rate=10)
    weights_of = {2: trainer.network.parameters.copy()}

    def go_on() -> None:
        for record in trainer:
            if isinstance(record, EpochRecord):
                weights_of[record.epoch] = trainer.network.parameters.copy()

    with pytest.raises(DivergedError, match=r"learning rate of 10 is too high here\. Try 1; ") as caught:
        go_on()
    kept = max(weights_of)
    assert f"in epoch {kept + 1}" in str(caught.value)
    assert f"the weights of epoch {kept} are kept." in str(caught.value)
    np.testing.assert_array_equal(trainer.network.parameters, weights_of[kept])
    assert np.isfinite(trainer.network.parameters).all()


def test_after_divergence_it_stays_diverged_and_its_recipe_goes_on_with_a_lower_learning_rate(data: DataSet) -> None:
    config = LIVELY.with_changes(epochs=3)
    trainer, calm = Trainer(config, data), Trainer(config, data)
    trainer.change(learning_rate=10)
    for _ in range(2):
        with pytest.raises(DivergedError):
            list(trainer)
    other = Trainer(trainer.recipe.with_event(trainer.step_count, "learning_rate", config.learning_rate), data)
    list(other)
    list(calm)
    np.testing.assert_array_equal(other.network.parameters, calm.network.parameters)


def test_norms_of_huge_gradients_are_numbers(data: DataSet, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(SMALL.with_changes(batch_size=300), data)
    monkeypatch.setattr(trainer._halves, "end", lambda: trainer.network.gradient.fill(1e30))
    record = next(iter(trainer))
    assert isinstance(record, EpochRecord)
    # the square of 1e30 is beyond float32
    assert record.gradient_norms[0] == pytest.approx(1e30 * math.sqrt(784 * 16 + 16), rel=1e-6)


def test_divergence_that_only_the_validation_digits_show_is_seen(
    data: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(SMALL.with_changes(batch_size=300), data)
    good = trainer.network.parameters.copy()
    monkeypatch.setattr(trainer._halves, "end", lambda: trainer.network.parameters.fill(np.nan))
    with pytest.raises(DivergedError, match="the weights of epoch 0 are kept"):
        list(trainer)
    np.testing.assert_array_equal(trainer.network.parameters, good)
    assert trainer.step_count == 0


def test_too_few_digits_are_named(data: DataSet) -> None:
    few = DataSet(train=data.train[:399], test=data.test)
    with pytest.raises(SettingError, match="are 400 together: this data has 399 digits to share"):
        Trainer(SMALL, few)
    Trainer(SMALL, DataSet(train=data.train[:400], test=data.test))


# --- checkpoints ---

CONFIGS = st.builds(
    SMALL.with_changes,
    activation=st.sampled_from(["relu", "tanh"]),
    optimizer=st.sampled_from(get_args(OptimizerName)),
    schedule=st.sampled_from(get_args(Schedule)),
    dropout=st.sampled_from([0.0, 0.3]),
    label_smoothing=st.sampled_from([0.0, 0.1]),
    weight_decay=st.sampled_from([0.0, 0.1]),
    l2=st.sampled_from([0.0, 0.001]),
    batch_size=st.sampled_from([50, 64, 299, 300, 1000]),
    epochs=st.integers(1, 3),
    seed=st.integers(0, 5),
)


@settings(deadline=None, max_examples=40)
@given(config=CONFIGS, draw=st.data())
def test_resumed_training_equals_the_uninterrupted_one(config: TrainingConfig, draw: st.DataObject) -> None:
    data = load_mnist()
    whole = Trainer(config, data, progress_seconds=0)
    records = list(whole)
    assert len(records) == whole.total_steps

    stop = draw.draw(st.integers(0, whole.total_steps), label="batch")
    stopped = Trainer(config, data, progress_seconds=0)
    assert without_seconds(train_steps(stopped, stop)) == without_seconds(records[:stop])
    resumed = Trainer.resume(stopped.checkpoint(), data, progress_seconds=0)
    assert resumed.seconds == stopped.seconds
    assert resumed.checkpoint() == stopped.checkpoint()

    assert without_seconds(list(resumed)) == without_seconds(records[stop:])
    for name, vector in whole._vectors().items():
        assert resumed._vectors()[name].tobytes() == vector.tobytes()
    assert (resumed.best_epoch, resumed.best_accuracy) == (whole.best_epoch, whole.best_accuracy)


@pytest.mark.parametrize("batch_size", [64, 600])
def test_resumed_in_another_process_ends_with_identical_weights(data: DataSet, tmp_path: Path, batch_size: int) -> None:
    config = TrainingConfig(
        batch_size=batch_size, epochs=2, training_digits=3000, validation_digits=500, dropout=0.1, schedule="one_cycle"
    )
    trainer = Trainer(config, data, progress_seconds=0)
    train_steps(trainer, config.steps_per_epoch + 2)
    (tmp_path / "checkpoint").write_bytes(trainer.checkpoint())
    *_, last = trainer

    program = """
import sys
from pathlib import Path
from nnlib.digits.mnist import load_mnist
from nnlib.training.trainer import Trainer
folder = Path(sys.argv[1])
trainer = Trainer.resume((folder / "checkpoint").read_bytes(), load_mnist())
*_, last = trainer
(folder / "parameters").write_bytes(trainer.network.parameters.tobytes())
print(last.validation_loss)
"""
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    assert isinstance(last, EpochRecord)
    assert float(done.stdout) == last.validation_loss
    assert (tmp_path / "parameters").read_bytes() == trainer.network.parameters.tobytes()


def test_a_finished_training_resumes_as_finished(data: DataSet) -> None:
    trainer = Trainer(SMALL, data)
    list(trainer)
    resumed = Trainer.resume(trainer.checkpoint(), data)
    assert resumed.finished
    assert list(resumed) == []
    assert resumed.epoch == 3


def test_another_numpy_version_warns(data: DataSet) -> None:
    with pytest.warns(UserWarning, match=r"began under numpy 1\.2\.3 and goes on under"):
        Trainer.resume(changed_state(a_checkpoint(data), lambda state: state.update(numpy="1.2.3")), data)


def test_another_kernel_warns(data: DataSet) -> None:
    def change(state: dict[str, Any]) -> None:
        state.update(kernel="openblas Haswell", numpy="1.2.3")

    sentence = r"began under numpy 1\.2\.3 and the kernel openblas Haswell and goes on under numpy .* and the kernel "
    with pytest.warns(UserWarning, match=sentence):
        Trainer.resume(changed_state(a_checkpoint(data), change), data)


def a_checkpoint(data: DataSet) -> bytes:
    trainer = Trainer(SMALL.with_changes(hidden_widths=(4,), dropout=0.1), data, progress_seconds=0)
    train_steps(trainer, 7)
    return trainer.checkpoint()


def changed_state(checkpoint: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The checkpoint with its state changed, and all the rest as it was."""
    size = int.from_bytes(checkpoint[:8], "little")
    state = json.loads(json.loads(checkpoint[8 : 8 + size])["__metadata__"]["state"])
    change(state)
    tensors = safetensors.numpy.load(checkpoint)
    return safetensors.numpy.save(tensors, metadata={"state": json.dumps(state)})


def changed_tensor(checkpoint: bytes, name: str, tensor: np.ndarray | None) -> bytes:
    size = int.from_bytes(checkpoint[:8], "little")
    tensors = safetensors.numpy.load(checkpoint)
    del tensors[name]
    if tensor is not None:
        tensors[name] = tensor
    return safetensors.numpy.save(tensors, metadata=json.loads(checkpoint[8 : 8 + size])["__metadata__"])


def with_header(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header


def resume_and_go_on(checkpoint: bytes, data: DataSet) -> None:
    """Damage that cannot be told from a training must at least train, or fail in a sentence."""
    with warnings.catch_warnings(), suppress(StoreError):
        warnings.filterwarnings("ignore", "this training began under")
        trainer = Trainer.resume(checkpoint, data, progress_seconds=0)
        with suppress(DivergedError):
            train_steps(trainer, 6)


@pytest.mark.parametrize(
    "checkpoint",
    [
        b"",
        b"\0",
        b"\0" * 8,
        b"\xff" * 8,
        b"\xff" * 100,
        with_header(b""),
        with_header(b"{}"),
        with_header(b"[]"),
        with_header(b"\xff\xfe"),
        with_header(b"[" * 200_000),
        with_header(b'{"__metadata__": null}'),
        with_header(b'{"__metadata__": {"state": 3}}'),
        with_header(b'{"__metadata__": {"state": "3"}}'),
        with_header(b'{"__metadata__": {"state": "{}"}}'),
        with_header(json.dumps({"__metadata__": {"state": "[" * 200_000}}).encode()),
        with_header(b'{"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}') + b"\0\0",
    ],
    ids=range(16),
)
def test_bytes_that_are_no_checkpoint_are_refused(data: DataSet, checkpoint: bytes) -> None:
    with pytest.raises(StoreError, match=r"^the checkpoint cannot be continued \(.*start a new run\."):
        Trainer.resume(checkpoint, data)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("form", 1),
        ("recipe", "{}"),
        ("recipe", None),
        ("recipe", '{"config": {"epochs": 0}, "events": [], "end": null}'),
        ("recipe", '{"config": {"unheard_of": 1}, "events": [], "end": null}'),
        ("recipe", '{"config": {"hidden_widths": [5]}, "events": [], "end": null}'),
        ("recipe", '{"config": {"hidden_widths": [4], "optimizer": "sgd"}, "events": [], "end": null}'),
        ("epoch", -1),
        ("epoch", 4),
        ("position", 300),
        ("position", -1),
        ("schedule_from", [0, 2.0]),
        ("schedule_from", [8, 0.0]),
        ("good_step", 8),
        ("step_count", -1),
        ("step_count", 7.0),
        ("step_count", 10**6),
        ("step_count", "7"),
        ("seconds", math.nan),
        ("seconds", -1.0),
        ("best", None),
        ("best", [1]),
        ("best", [99, 0.5]),
        ("best", [1, 1.5]),
        ("epoch_tally", {"loss": 1.0, "correct": 1, "digits": -64}),
        ("tally", {"loss": math.inf, "correct": 1, "digits": 64}),
        ("tally", {"loss": 1.0, "correct": 65, "digits": 64}),
        ("tally", {}),
        ("order_generator", {}),
        ("order_generator", {"bit_generator": "MT19937"}),
        ("order_generator", {**np.random.default_rng(1).bit_generator.state, "state": {"state": -1, "inc": 1}}),
        ("threads", 10**30),
        ("threads", -1),
        ("threads", 1.5),
    ],
)
def test_a_checkpoint_with_an_impossible_state_is_refused(data: DataSet, key: str, value: Any) -> None:
    with pytest.raises(StoreError, match="cannot be continued"):
        Trainer.resume(changed_state(a_checkpoint(data), lambda state: state.update({key: value})), data)


def test_a_checkpoint_that_lacks_something_is_refused(data: DataSet) -> None:
    checkpoint = a_checkpoint(data)
    keys: list[str] = []
    changed_state(checkpoint, keys.extend)
    for key in keys:
        with pytest.raises(StoreError, match=key):
            Trainer.resume(changed_state(checkpoint, methodcaller("pop", key)), data)
    for name in safetensors.numpy.load(checkpoint):
        with pytest.raises(StoreError, match=name):
            Trainer.resume(changed_tensor(checkpoint, name, None), data)


@pytest.mark.parametrize("name", ["parameters", "good_parameters", "optimizer.m", "optimizer.v"])
def test_a_checkpoint_with_vectors_of_another_form_is_refused(data: DataSet, name: str) -> None:
    checkpoint = a_checkpoint(data)
    vector = safetensors.numpy.load(checkpoint)[name]
    for other in (vector[:1], vector[:-1], vector[None], vector.astype(np.float64), vector.astype(np.int8)):
        with pytest.raises(StoreError, match=f"{name} has another form"):
            Trainer.resume(changed_tensor(checkpoint, name, np.ascontiguousarray(other)), data)


def test_a_checkpoint_whose_weights_are_damaged_is_refused(data: DataSet) -> None:
    checkpoint = a_checkpoint(data)
    vector = safetensors.numpy.load(checkpoint)["good_parameters"].copy()
    vector[0] = np.nan
    with pytest.raises(StoreError, match="cannot be continued"):
        Trainer.resume(changed_tensor(checkpoint, "good_parameters", vector), data)


@settings(deadline=None, max_examples=200)
@given(checkpoint=st.binary(max_size=400))
def test_arbitrary_bytes_raise_a_store_error(checkpoint: bytes) -> None:
    with pytest.raises(StoreError):
        Trainer.resume(checkpoint, load_mnist())


@settings(deadline=None, max_examples=200)
@given(position=st.integers(0, 6000), replacement=st.binary(max_size=20), removed=st.integers(0, 20))
def test_a_damaged_checkpoint_raises_a_store_error_or_goes_on(position: int, replacement: bytes, removed: int) -> None:
    data = load_mnist()
    checkpoint = a_checkpoint(data)
    damaged = checkpoint[:position] + replacement + checkpoint[position + removed :]
    resume_and_go_on(damaged, data)


@settings(deadline=None, max_examples=50)
@given(length=st.integers(0, 100_000))
def test_a_truncated_checkpoint_raises_a_store_error(length: int) -> None:
    data = load_mnist()
    checkpoint = a_checkpoint(data)
    with pytest.raises(StoreError):
        Trainer.resume(checkpoint[: length % len(checkpoint)], data)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, max_examples=200)
@given(draw=st.data(), value=JSON_VALUES)
def test_any_value_anywhere_in_its_state_raises_a_store_error_or_goes_on(draw: st.DataObject, value: Any) -> None:
    def put(state: dict[str, Any]) -> None:
        inside: Any = state
        while True:
            key = draw.draw(st.sampled_from(list(inside) if isinstance(inside, dict) else range(len(inside))))
            if not isinstance(inside[key], dict | list) or not inside[key] or draw.draw(st.booleans()):
                inside[key] = value
                return
            inside = inside[key]

    def put_here_or_in_the_recipe(state: dict[str, Any]) -> None:
        state["recipe"] = json.loads(state["recipe"])
        put(state)
        state["recipe"] = json.dumps(state.get("recipe"))

    data = load_mnist()
    damaged = changed_state(a_checkpoint(data), put_here_or_in_the_recipe)
    resume_and_go_on(damaged, data)


def test_augmentation_changes_the_training_and_resumes_bit_for_bit(data: DataSet) -> None:
    config = SMALL.with_changes(augmentation=1.0)
    plain, varied = Trainer(SMALL, data, progress_seconds=0), Trainer(config, data, progress_seconds=0)
    for _ in zip(range(4), plain, varied, strict=False):
        pass
    assert not np.array_equal(plain.network.parameters, varied.network.parameters)
    resumed = Trainer.resume(varied.checkpoint(), data)
    for trainer in (varied, resumed):
        for _ in trainer:
            pass
    np.testing.assert_array_equal(varied.network.parameters, resumed.network.parameters)
