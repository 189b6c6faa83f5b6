"""Advice: every rule finds a training that really shows it, mends it, and leaves alone those that learn well."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from nnlib.digits import load_mnist
from nnlib.errors import DivergedError
from nnlib.training.advice import AGREEING, Advice, Kind, advise
from nnlib.training.config import PRESETS, TrainingConfig
from nnlib.training.recipe import Recipe
from nnlib.training.trainer import EpochRecord, Progress, Trainer

SMALL = TrainingConfig(training_digits=3000, validation_digits=1000, batch_size=32, epochs=12)

ILL: dict[str, tuple[TrainingConfig, Kind, dict[str, Any]]] = {
    "SGD at 1": (SMALL.with_changes(optimizer="sgd", learning_rate=1), "diverged", {"learning_rate": 0.02}),
    "Adam at 1": (SMALL.with_changes(learning_rate=1, epochs=2), "dead_layer", {"learning_rate": 0.001}),
    "leaky ReLU at 0.1": (
        SMALL.with_changes(activation="leaky_relu", learning_rate=0.1, epochs=15),
        "rising",
        {"learning_rate": 0.001},
    ),
    "Adam at 0.00001": (SMALL.with_changes(learning_rate=1e-5, epochs=6), "too_slow", {"learning_rate": 0.001}),
    "plain SGD at 0.001": (
        SMALL.with_changes(optimizer="sgd", momentum=0, learning_rate=0.001, epochs=6),
        "too_slow",
        {"learning_rate": 0.1},
    ),
    "Adam at 0.05": (SMALL.with_changes(learning_rate=0.05, epochs=8), "dead_units", {"learning_rate": 0.001}),
    "heavy dropout": (SMALL.with_changes(dropout=0.9), "dead_units", {"dropout": 0.2}),
    "tanh at 0.02": (
        SMALL.with_changes(activation="tanh", learning_rate=0.02, epochs=8),
        "saturated",
        {"learning_rate": 0.001},
    ),
    "many layers of sigmoid": (
        SMALL.with_changes(hidden_widths=(64,) * 4, activation="sigmoid", optimizer="sgd", learning_rate=0.02),
        "guessing",
        {"activation": "relu", "learning_rate": 0.02},
    ),
    "a single unit": (SMALL.with_changes(hidden_widths=(1,)), "missing_digit", {"hidden_widths": (128, 64, 64)}),
    "a large penalty": (SMALL.with_changes(l2=0.1, epochs=18), "plateau", {"l2": 0.0}),
    "a rate that bounces": (
        SMALL.with_changes(hidden_widths=(16,), activation="leaky_relu", learning_rate=0.1, epochs=32),
        "plateau",
        {"learning_rate": 0.033},
    ),
    "few digits": (SMALL.with_changes(training_digits=1000, epochs=34), "overfitting", {"augmentation": 1.0}),
}

WELL: dict[str, TrainingConfig] = {
    "quick": SMALL,
    "standard": PRESETS["standard"].config.with_changes(training_digits=3000, validation_digits=1000, epochs=15),
    "SGD as advised": SMALL.with_changes(optimizer="sgd", learning_rate=0.02),
    "plain SGD as advised": SMALL.with_changes(optimizer="sgd", momentum=0, learning_rate=0.1),
    "RMSprop": SMALL.with_changes(optimizer="rmsprop"),
    "one cycle up to 0.02": SMALL.with_changes(schedule="one_cycle", learning_rate=0.02, epochs=20),
    "cosine": SMALL.with_changes(schedule="cosine", learning_rate=0.005),
    "augmentation": SMALL.with_changes(augmentation=1.0, epochs=30),
    "label smoothing": SMALL.with_changes(label_smoothing=0.1, epochs=30),
    "dropout": SMALL.with_changes(dropout=0.2),
    "tanh": SMALL.with_changes(activation="tanh"),
    "tanh, a little saturated": SMALL.with_changes(activation="tanh", optimizer="sgd", learning_rate=0.1),
    "sigmoid": SMALL.with_changes(activation="sigmoid"),
    "sigmoid, after a plateau": SMALL.with_changes(activation="sigmoid", optimizer="sgd", learning_rate=0.02),
    "sigmoid, saturated and learning": SMALL.with_changes(activation="sigmoid", learning_rate=0.02, epochs=8),
    "six layers of sigmoid": SMALL.with_changes(hidden_widths=(64,) * 6, activation="sigmoid", epochs=6),
    "a small penalty": SMALL.with_changes(l2=0.001, epochs=22),
    "narrow": SMALL.with_changes(hidden_widths=(4,), schedule="one_cycle", epochs=30),
    "full batches": SMALL.with_changes(batch_size=3000, optimizer="sgd", learning_rate=0.02, epochs=15),
    "some dead units": SMALL.with_changes(learning_rate=0.01),
    "slower than usual": SMALL.with_changes(learning_rate=1e-4),
}


@cache
def train(plan: TrainingConfig | Recipe) -> tuple[list[EpochRecord], list[Progress], bool]:
    """What it left, and whether it diverged."""
    records: list[EpochRecord] = []
    progress: list[Progress] = []
    try:
        for record in Trainer(plan, load_mnist()):
            records.append(record) if isinstance(record, EpochRecord) else progress.append(record)
    except DivergedError:
        return records, progress, True
    return records, progress, False


def all_advice(config: TrainingConfig) -> list[Advice | None]:
    """What was said after each of its epochs; of one that diverged, what was said then."""
    records, progress, diverged = train(config)
    said = [advise(config, records[:end]) for end in range(1, len(records) + 1)]
    return [*said, advise(config, records, progress, diverged=True)] if diverged else said


@pytest.mark.parametrize("name", ILL)
def test_what_goes_wrong_is_said_with_the_place_and_what_mends_it(name: str) -> None:
    config, kind, changes = ILL[name]
    said = [advice for advice in all_advice(config) if advice and advice.kind == kind]
    assert said
    records, progress, _ = train(config)
    newest = max(0.0, *(point.epoch for point in progress), *(record.epoch for record in records))
    for advice in said:
        assert advice.changes == changes
        assert 0 < advice.epoch <= newest
        assert advice.sentence.count(". ") == 0
        assert advice.sentence.endswith(".")


@pytest.mark.parametrize("name", ILL)
def test_what_is_advised_mends_it(name: str) -> None:
    config, kind, _ = ILL[name]
    advice = next(advice for advice in all_advice(config) if advice and advice.kind == kind)
    records, _, _ = train(config)
    if advice.back_to is None:
        plan: TrainingConfig | Recipe = config.with_changes(**advice.changes)
    else:
        step = {record.epoch: record.step for record in records}.get(advice.back_to, 0)
        plan = Recipe(config)
        for setting, value in advice.changes.items():
            plan = plan.with_event(step, setting, value)
    mended, _, diverged = train(plan)
    assert not diverged
    assert mended[-1].validation_accuracy > (records[-1].validation_accuracy if records else 0.0) + 0.01
    assert mended[-1].validation_accuracy > 0.85


@pytest.mark.parametrize("name", WELL)
def test_a_training_that_learns_is_left_alone(name: str) -> None:
    assert all_advice(WELL[name]) == [None] * WELL[name].epochs


def test_nothing_is_said_before_some_epochs_agree_unless_nothing_can_be_learned_any_more() -> None:
    for name, (config, kind, _) in ILL.items():
        if kind not in ("dead_layer", "diverged"):
            assert all_advice(config)[: AGREEING - 1] == [None] * (AGREEING - 1), name
    assert all_advice(ILL["Adam at 1"][0])[0] is not None


def test_from_dead_units_it_goes_back_to_before_many_died() -> None:
    config, kind, _ = ILL["Adam at 0.05"]
    assert {advice.back_to for advice in all_advice(config) if advice and advice.kind == kind} == {0}


def test_full_batches_need_more_epochs_to_agree() -> None:
    config = SMALL.with_changes(learning_rate=1e-5, batch_size=3000, epochs=30)
    said = [advice is not None for advice in all_advice(config)]
    assert said.index(True) == 19


def test_who_has_just_changed_a_setting_is_given_time() -> None:
    config, _, _ = ILL["Adam at 0.00001"]
    records, _, _ = train(config)
    assert advise(config, records) is not None
    assert advise(config, records, since=records[-AGREEING].step) is None
    said = advise(config, records, since=records[-AGREEING - 1].step)
    assert said is not None
    assert (said.epoch, said.back_to) == (records[-AGREEING].epoch, records[-AGREEING - 1].epoch)


def test_settings_are_not_blamed_for_what_others_did_before_them() -> None:
    config, kind, _ = ILL["Adam at 0.05"]
    records, _, _ = train(config)
    said = advise(config.with_changes(learning_rate=0.002), records, since=records[0].step)
    assert said is not None
    assert (said.kind, said.epoch, said.back_to, said.changes["learning_rate"]) == (kind, 1, 0, 0.002)
    assert "the settings before the last change did that" in said.sentence


def test_what_is_said_at_a_changed_rate_names_the_present_one() -> None:
    config, _, _ = ILL["SGD at 1"]
    healthy, _, _ = train(WELL["SGD as advised"])
    said = advise(config, healthy[:5], diverged=True, since=healthy[4].step)
    assert said is not None
    assert "a learning rate of 1 " in said.sentence
    assert (said.back_to, said.changes) == (5, {"learning_rate": 0.02})


def test_a_training_that_was_thrown_off_before_it_diverged_goes_back_to_where_it_was_good() -> None:
    config, _, _ = ILL["SGD at 1"]
    good, _, _ = train(WELL["SGD as advised"])
    thrown = [*good[:3], replace(good[3], training_loss=50.0), replace(good[4], training_loss=9e6)]
    said = advise(config, thrown, diverged=True)
    assert said is not None
    assert said.back_to == 3


def test_overfitting_began_when_it_did_whatever_was_changed_since() -> None:
    config, kind, _ = ILL["few digits"]
    records, _, _ = train(config)
    best = min(records, key=lambda record: record.validation_loss)
    for since in (0, best.step, records[best.epoch + 1].step):
        said = advise(config, records, since=since)
        assert said is not None
        assert (said.kind, said.epoch, said.back_to) == (kind, best.epoch, best.epoch)


def test_a_warning_near_its_threshold_does_not_flicker() -> None:
    config, kind, _ = ILL["few digits"]
    records, _, _ = train(config)
    for odd in (-1, -2, -3):
        shaken = [*records]
        shaken[odd] = replace(shaken[odd], validation_loss=0.1)
        said = advise(config, shaken)
        assert (said and said.kind) == kind


@pytest.mark.parametrize("name", [*ILL, *WELL])
def test_records_of_older_versions_say_less_and_nothing_wrong(name: str) -> None:
    config = WELL[name] if name in WELL else ILL[name][0]
    records, _, _ = train(config)
    older = [
        replace(record, update_ratios=(), saturated=(), answers=(), best_epoch=0, best_accuracy=0.0)
        for record in records
    ]
    said = advise(config, older)
    assert said is None or name in ILL


def test_without_a_record_nothing_is_said() -> None:
    assert advise(SMALL, []) is None
