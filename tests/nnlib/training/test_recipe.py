"""A recipe: repeated, interrupted, rewound and forked, it comes to the same last bit."""

import json
from dataclasses import replace
from itertools import islice
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib.digits.mnist import DataSet, load_mnist
from nnlib.errors import SettingError, StoreError
from nnlib.network.optimizers import OptimizerName, Schedule
from nnlib.training.config import TrainingConfig
from nnlib.training.recipe import STEERABLE, Event, Recipe, check_changes, in_words
from nnlib.training.trainer import EpochRecord, Progress, Trainer

SMALL = TrainingConfig(hidden_widths=(16, 8), epochs=3, batch_size=64, training_digits=300, validation_digits=100)

CONFIGS = st.builds(
    SMALL.with_changes,
    optimizer=st.sampled_from(get_args(OptimizerName)),
    schedule=st.sampled_from(get_args(Schedule)),
    dropout=st.sampled_from([0.0, 0.3]),
    augmentation=st.sampled_from([0.0, 0.5]),
    batch_size=st.sampled_from([50, 64, 300, 1000]),
    patience=st.sampled_from([0, 2]),
    seed=st.integers(0, 3),
)
CHANGES = st.one_of(
    st.tuples(st.just("learning_rate"), st.sampled_from([0.0001, 0.003, 0.01])),
    st.tuples(st.just("schedule"), st.sampled_from(get_args(Schedule))),
    st.tuples(st.just("batch_size"), st.sampled_from([30, 64, 150, 299, 300])),
    st.tuples(st.just("momentum"), st.sampled_from([0.0, 0.5])),
    st.tuples(st.just("l2"), st.sampled_from([0.0, 0.01])),
    st.tuples(st.just("weight_decay"), st.sampled_from([0.0, 0.1])),
    st.tuples(st.just("dropout"), st.sampled_from([0.0, 0.2])),
    st.tuples(st.just("label_smoothing"), st.sampled_from([0.0, 0.1])),
    st.tuples(st.just("augmentation"), st.sampled_from([0.0, 0.5])),
    st.tuples(st.just("epochs"), st.integers(3, 5)),
    st.tuples(st.just("patience"), st.sampled_from([0, 1, 3])),
    st.tuples(st.just("target_accuracy"), st.sampled_from([0.0, 60.0])),
)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    changes = draw(st.lists(st.tuples(st.integers(0, 40), CHANGES), max_size=5))
    events = [Event(step, name, value) for step, (name, value) in sorted(changes, key=lambda each: each[0])]
    return Recipe(draw(CONFIGS), tuple(events))


@pytest.fixture(scope="module")
def data() -> DataSet:
    return load_mnist()


def trained(trainer: Trainer) -> tuple[bytes, list[EpochRecord]]:
    """What it comes to, with all that an optimizer remembers, and its epochs."""
    records = [replace(record, seconds=0.0) for record in trainer if isinstance(record, EpochRecord)]
    return b"".join(vector.tobytes() for vector in trainer._vectors().values()), records


@settings(deadline=None, max_examples=25)
@given(recipe=recipes(), draw=st.data())
def test_stopped_resumed_and_forked_anywhere_it_ends_with_the_same_bits(recipe: Recipe, draw: st.DataObject) -> None:
    data = load_mnist()
    end, records = trained(Trainer(recipe, data))
    assert trained(Trainer(Recipe.from_json(recipe.to_json()), data)) == (end, records)

    resumed = Trainer(recipe, data, progress_seconds=0)
    for n_records in draw.draw(st.lists(st.integers(0, 12), min_size=1, max_size=4), label="interruptions"):
        list(islice(resumed, n_records))
        resumed = Trainer.resume(resumed.checkpoint(), data, recipe, progress_seconds=0)
    at = resumed.epoch
    assert trained(resumed) == (end, records[at:])


@settings(deadline=None, max_examples=25)
@given(recipe=recipes(), draw=st.data())
def test_what_is_changed_by_hand_is_a_recipe_that_repeats_it(recipe: Recipe, draw: st.DataObject) -> None:
    data = load_mnist()
    steered = Trainer(recipe.config, data, progress_seconds=0)
    for name, value in draw.draw(st.lists(CHANGES, max_size=4), label="changes"):
        list(islice(steered, draw.draw(st.integers(0, 9), label="batches before")))
        steered.change(**{name: value})
    end, _ = trained(steered)
    assert trained(Trainer(steered.recipe, data))[0] == end


def test_a_fork_continues_its_parent_with_other_settings_from_there_on(data: DataSet) -> None:
    parent = Trainer(SMALL, data, progress_seconds=0)
    list(islice(parent, 7))
    checkpoint = parent.checkpoint()
    fork = Trainer.resume(checkpoint, data, parent.recipe.until(7).with_event(7, "learning_rate", 0.01))
    parent.change(learning_rate=0.01)
    assert trained(parent)[0] == trained(fork)[0]
    other = Trainer.resume(checkpoint, data)
    assert trained(other)[0] != trained(fork)[0]


def test_every_kind_of_change_changes_the_training(data: DataSet) -> None:
    values: dict[str, Any] = {
        "learning_rate": 0.01,
        "schedule": "cosine",
        "epochs": 4,
        "batch_size": 30,
        "momentum": 0.1,
        "l2": 0.1,
        "weight_decay": 5,
        "dropout": 0.5,
        "label_smoothing": 0.3,
        "augmentation": 1.0,
        "patience": 1,
        "target_accuracy": 10,
        "time_limit": 1e-9,
    }
    assert set(values) == set(STEERABLE)
    config = SMALL.with_changes(optimizer="sgd", learning_rate=1e-6, epochs=3)
    plain = trained(Trainer(config, data))[0]
    for name, value in values.items():
        trainer = Trainer(config, data, progress_seconds=0)
        list(islice(trainer, 6))
        trainer.change(**{name: value})
        assert getattr(trainer.config, name) == value
        assert trained(trainer)[0] != plain, name


def test_a_changed_batch_size_leaves_every_digit_of_the_epoch_seen_once(data: DataSet) -> None:
    trainer = Trainer(SMALL, data, progress_seconds=0)
    list(islice(trainer, 2))
    trainer.change(batch_size=100)
    records = list(islice(trainer, 2))
    assert [record.epoch for record in records] == [(128 + 100) / 300, 1]
    assert trainer.total_steps == 4 + 3 + 3


def test_a_schedule_goes_on_from_where_it_was_with_another_batch_size(data: DataSet) -> None:
    trainer = Trainer(SMALL.with_changes(schedule="cosine", batch_size=50), data, progress_seconds=0)
    list(islice(trainer, 9))
    before = trainer.current_learning_rate
    trainer.change(batch_size=100)
    assert trainer.current_learning_rate == before
    rates = [record.learning_rate for record in trainer]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.1 * before


def test_more_epochs_after_the_end_are_the_same_as_from_the_beginning(data: DataSet) -> None:
    config = SMALL.with_changes(epochs=2)
    longer = Trainer(config, data)
    list(longer)
    longer = Trainer.resume(longer.checkpoint(), data)
    longer.change(epochs=3)
    assert not longer.finished
    assert trained(longer)[0] == trained(Trainer(SMALL, data))[0]


# --- what ends a training ---


def test_it_stops_where_the_recipe_ends_in_the_middle_of_an_epoch(data: DataSet) -> None:
    trainer = Trainer(Recipe(SMALL, end=7), data)
    *_, last = trainer
    assert isinstance(last, Progress)
    assert (trainer.step_count, trainer.ending) == (7, "stop")


def test_it_stops_once_no_epoch_was_better_for_as_long_as_its_patience(data: DataSet) -> None:
    trainer = Trainer(SMALL.with_changes(epochs=50, learning_rate=0.05, patience=3), data)
    *_, last = (record for record in trainer if isinstance(record, EpochRecord))
    assert trainer.ending == "patience"
    assert last.epoch == last.best_epoch + 3 < 50
    assert last.best_accuracy == trainer.best_accuracy > last.validation_accuracy


def test_it_stops_after_the_first_epoch_that_reaches_the_target(data: DataSet) -> None:
    trainer = Trainer(SMALL.with_changes(epochs=50, learning_rate=0.01, target_accuracy=60), data)
    accuracies = [record.validation_accuracy for record in trainer if isinstance(record, EpochRecord)]
    assert trainer.ending == "target_accuracy"
    assert accuracies[-1] >= 0.6 > max(accuracies[:-1])


def test_it_stops_at_the_time_limit_and_a_recipe_with_an_end_heeds_that_instead(data: DataSet) -> None:
    config = SMALL.with_changes(epochs=1000, time_limit=0.2)
    trainer = Trainer(config, data)
    list(trainer)
    assert trainer.ending == "time_limit"
    assert 0.2 <= trainer.seconds < 1
    steps = trainer.step_count
    repeat = Trainer(replace(trainer.recipe, config=config.with_changes(time_limit=1e-6), end=steps), data)
    assert trained(repeat)[0] == trained(trainer)[0]
    assert repeat.step_count == steps


# --- what is refused ---


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hidden_widths": (5,)}, "^hidden_widths cannot be changed while a network learns: only learning_rate, "),
        ({"seed": 5}, "^seed cannot be changed"),
        ({"unheard of": 5}, "^unheard of cannot be changed"),
        ({"dropout": 2}, r"^dropout is 2: it must be a number from 0 to 0\.9"),
    ],
)
def test_what_cannot_be_changed_is_said_and_changes_nothing(
    data: DataSet, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SettingError, match=sentence):
        check_changes(changes)
    trainer = Trainer(SMALL, data)
    with pytest.raises(SettingError, match=sentence):
        trainer.change(learning_rate=0.5, **changes)
    assert (trainer.config, trainer.recipe) == (SMALL, Recipe(SMALL))


def test_fewer_epochs_than_have_begun_are_refused(data: DataSet) -> None:
    trainer = Trainer(SMALL, data, progress_seconds=0)
    list(islice(trainer, 6))
    with pytest.raises(SettingError, match=r"^epochs is 1: it must be at least 2, so many have begun"):
        trainer.change(epochs=1)
    trainer.change(epochs=2)
    list(trainer)
    assert trainer.epoch == 2


def test_a_recipe_with_changes_to_come_cannot_be_changed_by_hand(data: DataSet) -> None:
    trainer = Trainer(Recipe(SMALL, (Event(3, "learning_rate", 0.01),)), data, progress_seconds=0)
    list(islice(trainer, 2))
    with pytest.raises(SettingError, match="still has changes to come"):
        trainer.change(dropout=0.1)
    list(islice(trainer, 1))
    trainer.change(dropout=0.1)
    assert trainer.recipe.events == (Event(3, "learning_rate", 0.01), Event(3, "dropout", 0.1))


def test_a_change_to_the_same_value_is_no_event(data: DataSet) -> None:
    trainer = Trainer(SMALL, data)
    trainer.change(learning_rate=SMALL.learning_rate, dropout="0")
    assert trainer.recipe.events == ()


def test_a_checkpoint_of_another_recipe_is_refused(data: DataSet) -> None:
    trainer = Trainer(SMALL, data, progress_seconds=0)
    list(islice(trainer, 2))
    trainer.change(dropout=0.1)
    checkpoint = trainer.checkpoint()
    for other in (Recipe(SMALL), trainer.recipe.with_seed(3), Recipe(SMALL, (Event(2, "dropout", 0.2),))):
        with pytest.raises(StoreError, match="it is of another recipe"):
            Trainer.resume(checkpoint, data, other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "nothing",
        "{}",
        '{"config": {}, "events": []}',
        '{"config": [], "events": [], "end": null}',
        '{"config": {}, "events": 3, "end": null}',
        '{"config": {}, "events": [3], "end": null}',
        '{"config": {}, "events": [{"step": 1}], "end": null}',
        '{"config": {}, "events": [{"step": 1, "setting": "dropout", "value": 0.1, "more": 1}], "end": null}',
        "[" * 100_000,
        " " * (2**20 + 1),
    ],
    ids=range(12),
)
def test_what_is_no_recipe_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(SettingError, match=r"^this is no recipe: it must be one JSON object of at most 1 MB"):
        Recipe.from_json(text)


@pytest.mark.parametrize("step", [-1, 1.5, "3", None, True, 10**10, 4])
def test_impossible_steps_are_refused(step: Any) -> None:
    text = json.dumps(
        {
            "config": {},
            "events": [
                {"step": 5, "setting": "dropout", "value": 0.1},
                {"step": step, "setting": "dropout", "value": 0.2},
            ],
            "end": None,
        }
    )
    with pytest.raises(SettingError, match=r"^the step of a change in the recipe is .*: it must be a whole number"):
        Recipe.from_json(text)


def test_changes_are_said_in_words() -> None:
    events = (Event(5, "learning_rate", 0.01), Event(9, "learning_rate", 0.002), Event(9, "schedule", "cosine"))
    assert in_words(events, SMALL) == [
        "learning rate 0.001 → 0.01",
        "learning rate 0.01 → 0.002",
        "learning-rate schedule Constant → Cosine: slowly down to zero",
    ]
