"""The rate finder: it ends well whatever the loss does, and what it suggests is a rate to train with.

`python tests/rate_finder_grid.py` measures how good the suggestions are, with all digits.
"""

import math
from itertools import pairwise

import pytest

from nnlib.digits.mnist import DataSet, load_mnist
from nnlib.errors import SettingError
from nnlib.training import rate_finder
from nnlib.training.config import PRESETS, SETTINGS, TrainingConfig
from nnlib.training.rate_finder import (
    BLOWN_UP,
    HIGHEST_RATE,
    LOWEST_RATE,
    MOST_POINTS,
    MOST_TRIALS,
    ROUND_RATES,
    RatePoint,
    RateSuggestion,
    RateTrial,
    find_rate,
    smooth,
)
from nnlib.training.trainer import EpochRecord, Trainer

SMALL = TrainingConfig(
    hidden_widths=(32, 16), epochs=3, batch_size=64, training_digits=6000, validation_digits=1000, optimizer="sgd"
)
HOPELESS = SMALL.with_changes(training_digits=100, activation="sigmoid", l2=1)
HUGE = SMALL.with_changes(hidden_widths=(1024,) * 6, batch_size=60_000, training_digits=55_000)


@pytest.fixture(scope="module")
def data() -> DataSet:
    return load_mnist()


def find(config: TrainingConfig, data: DataSet) -> tuple[list[RatePoint], list[RateTrial], RateSuggestion]:
    """What is found, in its three parts, which come in this order."""
    *before, suggestion = find_rate(config, data)
    assert isinstance(suggestion, RateSuggestion)
    points = [each for each in before if isinstance(each, RatePoint)]
    trials = [each for each in before if isinstance(each, RateTrial)]
    assert before == [*points, *trials]
    return points, trials, suggestion


def accuracy(config: TrainingConfig, data: DataSet) -> float:
    *_, last = Trainer(config, data)
    assert isinstance(last, EpochRecord)
    return last.validation_accuracy


@pytest.mark.parametrize(
    "changes", [{"optimizer": "adam"}, {"optimizer": "rmsprop"}, {"momentum": 0.9}, {"momentum": 0.0}], ids=str
)
def test_with_the_suggestion_it_learns_about_as_much_as_with_any_rate(changes: dict, data: DataSet) -> None:
    config = SMALL.with_changes(**changes)
    rate = find(config, data)[2].suggested
    assert rate is not None
    # where no grid rate diverges
    best = max(accuracy(config.with_changes(learning_rate=each), data) for each in (0.0003, 0.003, 0.03, 0.3))
    assert accuracy(config.with_changes(learning_rate=rate), data) > best - 0.015


def test_the_rate_grows_by_one_factor_until_the_loss_has_blown_up(data: DataSet) -> None:
    points, _, _ = find(SMALL, data)
    assert points[0].learning_rate == LOWEST_RATE
    factors = [after.learning_rate / before.learning_rate for before, after in pairwise(points)]
    assert min(factors) == pytest.approx(max(factors))
    assert all(point.loss <= BLOWN_UP for point in points[:-1])
    assert points[-1].loss > BLOWN_UP
    assert len(points) < MOST_POINTS


def test_where_no_loss_blows_up_the_rate_grows_to_its_limit(data: DataSet) -> None:
    calm = SMALL.with_changes(activation="sigmoid", momentum=0, training_digits=60_000 - 1000)
    points = list(rate_finder._range_test(calm, data))
    assert points[-1].learning_rate == pytest.approx(HIGHEST_RATE)
    assert len(points) == MOST_POINTS


def test_a_loss_that_is_no_number_ends_the_test_like_any_that_blows_up(
    data: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_finder, "BLOWN_UP", math.inf)
    # at large rates, such a decay makes every weight grow, and not shrink
    points, trials, suggestion = find(SMALL.with_changes(optimizer="adam", weight_decay=2), data)
    assert points[-1].learning_rate < 0.9 * HIGHEST_RATE, "it diverged"
    assert all(math.isfinite(point.loss) for point in points)
    assert suggestion.suggested in {trial.tried for trial in trials}


def test_from_a_plateau_it_finds_the_large_rates_that_leave_it(data: DataSet) -> None:
    flat = TrainingConfig(optimizer="sgd", momentum=0, activation="sigmoid", hidden_widths=(64,) * 4, epochs=3)
    rate = find(flat, data)[2].suggested
    assert rate is not None
    assert accuracy(flat.with_changes(learning_rate=rate), data) > 0.9


def test_where_it_learns_at_no_rate_none_is_suggested_and_that_is_said(data: DataSet) -> None:
    _, trials, suggestion = find(HOPELESS, data)
    assert len(trials) == MOST_TRIALS
    assert suggestion.suggested is None
    assert "at none" in suggestion.why


def test_the_suggestion_is_a_round_rate_that_was_tried_and_says_why(data: DataSet) -> None:
    _, trials, suggestion = find(SMALL, data)
    losses = {trial.tried: trial.loss for trial in trials if trial.loss is not None}
    assert suggestion.suggested in ROUND_RATES
    assert losses[suggestion.suggested] <= rate_finder.AS_GOOD * min(losses.values())
    assert suggestion.why.count(".") >= 1
    assert suggestion.why.endswith(".")


def test_the_same_settings_give_the_same_whatever_rate_epochs_and_schedule_are(data: DataSet) -> None:
    other = SMALL.with_changes(learning_rate=5, epochs=100, schedule="one_cycle")
    assert find(SMALL, data) == find(other, data)
    assert find(SMALL, data)[0] != find(SMALL.with_changes(seed=2), data)[0]


@pytest.mark.parametrize("batch_size", [1, 250, 60_000])
def test_few_digits_in_batches_of_any_size(data: DataSet, batch_size: int) -> None:
    config = SMALL.with_changes(training_digits=500, batch_size=batch_size, optimizer="adam")
    points, _, suggestion = find(config, data)
    assert len(points) > MOST_POINTS / 4
    assert suggestion.suggested is not None
    assert ("60,000 take too long" in suggestion.why) == (batch_size == 60_000)


@pytest.mark.parametrize("config", [HUGE, PRESETS["original"].config, SMALL.with_changes(batch_size=1)], ids=str)
def test_no_trial_takes_long(config: TrainingConfig) -> None:
    trial = rate_finder._in_affordable_time(rate_finder._with_affordable_batch(config))
    steps = trial.epochs * trial.steps_per_epoch
    assert rate_finder.FEWEST_STEPS <= steps <= rate_finder.MOST_STEPS
    weights = sum(a * b for a, b in pairwise((784, *config.hidden_widths, 10)))
    # the fewest steps of the largest network cost more than is meant to be spent, but not by far
    assert steps * trial.batch_size * weights < 3 * rate_finder.WORK_OF_A_TRIAL


def test_more_digits_than_the_data_has_are_said_to_be_too_many(data: DataSet) -> None:
    few = DataSet(data.train[:1000], data.test)
    with pytest.raises(SettingError, match="this data has 1,000 digits"):
        next(find_rate(SMALL, few))


def test_a_smooth_curve_keeps_a_straight_one_and_calms_a_rough_one() -> None:
    rates = [LOWEST_RATE * 1.1**n for n in range(150)]
    assert smooth([RatePoint(rate, 2.0) for rate in rates]) == pytest.approx([2.0] * len(rates))
    rough = smooth([RatePoint(rate, 2.0 + (-1) ** n) for n, rate in enumerate(rates)])
    assert all(abs(loss - 2) < 0.3 for loss in rough)
    assert smooth([]) == []


def test_all_round_rates_are_allowed() -> None:
    assert [SETTINGS["learning_rate"].check(rate) for rate in ROUND_RATES] == sorted(ROUND_RATES)
