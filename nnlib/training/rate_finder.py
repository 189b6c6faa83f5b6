"""The rate finder: which learning rate suits a config, found within seconds by trying.

First the learning-rate range test (Smith 2017, "Cyclical Learning Rates for Training Neural Networks"):
one network learns while its rate grows from batch to batch, until its loss blows up. That shows where
a network begins to be thrown about, for every optimizer in another distance from where it learns best,
and hardly anything where learning begins with a plateau. So some rates near that place are then tried,
each with a network of its own for about an epoch, and the loss on the validation digits decides.
"""

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from nnlib.digits import N_CLASSES, N_PIXELS, DataSet
from nnlib.errors import DivergedError
from nnlib.network import count_parameters
from nnlib.training.config import SETTINGS, TrainingConfig
from nnlib.training.trainer import EpochRecord, Trainer
from nnlib.words import count, exact, number

HIGHEST_RATE = SETTINGS["learning_rate"].high
LOWEST_RATE = 1e-6
ROUND_RATES = tuple(
    rate for power in range(-5, 2) for digit in (1, 2, 5) if (rate := float(f"{digit}e{power}")) <= HIGHEST_RATE
)
MOST_POINTS = 200
MOST_TRIALS = 8

GUESSING = math.log(N_CLASSES)  # the loss of whoever finds all classes equally likely
LEARNED = 0.9 * GUESSING  # below, it tells some digits apart
BLOWN_UP = 4 * GUESSING
AS_GOOD = 1.08  # times the lowest loss: within it the smaller rate is better, since in a longer training it catches up
SMOOTH_DECADES = 0.1  # over which the test's losses are averaged: a single batch says little
DIGITS_OF_A_POINT = 32

# Digits times parameters, which are about as many seconds for every network: these are one or two on a laptop.
WORK_OF_A_TRIAL = 2e10
FEWEST_STEPS, ENOUGH_STEPS, MOST_STEPS = 60, 100, 900
SMALL_BATCH, LARGEST_BATCH = 128, 1024  # beyond the largest, a gradient is hardly surer


@dataclass(frozen=True)
class RatePoint:
    """One point of the range test: the loss of the batch (of several tiny ones) before its correction at this rate."""

    learning_rate: float
    loss: float


@dataclass(frozen=True)
class RateTrial:
    """A rate that was tried, and the validation loss that it led to; None where it diverged."""

    tried: float
    loss: float | None


@dataclass(frozen=True)
class RateSuggestion:
    """The rate to use, None where it learned with none, and a sentence that says why.

    It is the smallest of those that led to about the lowest loss.
    """

    suggested: float | None
    why: str


def find_rate(config: TrainingConfig, data: DataSet) -> Generator[RatePoint | RateTrial | RateSuggestion]:
    """Find the rate for `config`, whatever its own is: the points of the range test, then trials, at last a suggestion.

    The same for the same config, data and machine. A network that is too large for a test of seconds is
    tried with fewer digits, and with smaller batches where the config's are huge.
    """
    # and whatever would end the test before it has seen enough
    calm = config.with_changes(schedule="constant", patience=0, target_accuracy=0, time_limit=0)
    test = _with_affordable_batch(calm)
    points: list[RatePoint] = []
    for point in _range_test(test, data):
        points.append(point)
        yield point
    trials: dict[float, float] = {}
    trial = _in_affordable_time(test)
    for rate in _climb(_first_to_try(points), trials):
        loss = trials[rate] = _try(trial.with_changes(learning_rate=rate), data)
        yield RateTrial(rate, loss if math.isfinite(loss) else None)
    steps = count(trial.epochs * trial.steps_per_epoch, "correction")
    if test.batch_size < config.batch_size:
        steps += f" (from {test.batch_size:,} digits each: {config.batch_size:,} take too long for a test)"
    yield _suggest(trials, steps)


def smooth(points: Sequence[RatePoint]) -> list[float]:
    """The losses of the points, each averaged with those around it: nearby rates count most."""
    rates = np.log10([point.learning_rate for point in points])
    weights = np.exp(-0.5 * np.square((rates[:, None] - rates) / SMOOTH_DECADES))
    losses = np.array([point.loss for point in points])
    return ((weights @ losses) / weights.sum(axis=1)).tolist()


def _with_affordable_batch(config: TrainingConfig) -> TrainingConfig:
    digits = _affordable_digits(config)
    largest = max(SMALL_BATCH, min(LARGEST_BATCH, digits // FEWEST_STEPS))
    return config.with_changes(batch_size=min(config.batch_size, largest))


def _affordable_digits(config: TrainingConfig) -> int:
    return int(WORK_OF_A_TRIAL / count_parameters((N_PIXELS, *config.hidden_widths, N_CLASSES)))


def _affordable_steps(config: TrainingConfig) -> int:
    return min(max(_affordable_digits(config) // config.batch_size, FEWEST_STEPS), MOST_STEPS)


def _range_test(config: TrainingConfig, data: DataSet) -> Iterator[RatePoint]:
    """Let the rate grow geometrically, up to the limit or until the loss has blown up."""
    n_points = min(MOST_POINTS, _affordable_steps(config))
    batches = math.ceil(DIGITS_OF_A_POINT / min(config.batch_size, config.training_digits))
    rates = iter(np.geomspace(LOWEST_RATE, HIGHEST_RATE, n_points).tolist())
    # the validation digits are not asked, and as many epochs as it takes
    most, fewest = SETTINGS["epochs"].high, SETTINGS["validation_digits"].low
    config = config.with_changes(epochs=most, validation_digits=fewest, learning_rate=next(rates))
    trainer = Trainer(config, data, progress_seconds=0)
    losses = []
    with suppress(DivergedError):  # the end of a range test that went as it should
        for record in trainer:
            if isinstance(record, EpochRecord) and config.steps_per_epoch > 1:
                continue  # its loss is that of the whole epoch
            losses.append(record.training_loss)
            if len(losses) < batches:
                continue
            yield RatePoint(trainer.config.learning_rate, fmean(losses))
            rate = next(rates, None)
            if rate is None or fmean(losses) > BLOWN_UP:
                return
            trainer.change(learning_rate=rate)
            losses = []


def _first_to_try(points: Sequence[RatePoint]) -> float:
    """The round rate nearest to where the test's loss was lowest; where it never learned, the last one it came to."""
    place = -1
    if points:
        losses = smooth(points)
        lowest = int(np.argmin(losses))
        place = lowest if losses[lowest] < LEARNED else -1
    rate = points[place].learning_rate if points else HIGHEST_RATE
    return min(ROUND_RATES, key=lambda each: abs(math.log(each / rate)))


def _climb(first: float, losses: dict[float, float]) -> Iterator[float]:
    """The rates to be tried, in turn: downwards, then upwards, for as long as that is better than before.

    The caller puts what each led to into `losses` before it asks for the next. While nothing was learned
    at all, lower rates are tried: from a plateau, no slope shows the way.
    """
    start = ROUND_RATES.index(first)
    for rates in (ROUND_RATES[start::-1], ROUND_RATES[start + 1 :]):
        for rate in rates:
            if len(losses) == MOST_TRIALS:
                return
            best = min(losses.values(), default=math.inf)
            yield rate
            if losses[rate] >= best and best < LEARNED:
                break
        if len(losses) > 2 and min(losses, key=losses.__getitem__) != first:
            return  # the way up begins where it is known to be worse


def _in_affordable_time(config: TrainingConfig) -> TrainingConfig:
    """About an epoch, of fewer digits where that would take too long, and more of them where it has few corrections."""
    steps = min(max(config.steps_per_epoch, ENOUGH_STEPS), _affordable_steps(config))
    digits = max(min(config.training_digits, steps * config.batch_size), SETTINGS["training_digits"].low)
    config = config.with_changes(training_digits=digits)
    return config.with_changes(epochs=max(1, round(steps / config.steps_per_epoch)))


def _try(config: TrainingConfig, data: DataSet) -> float:
    """The validation loss after a training; infinite where it diverged."""
    with suppress(DivergedError):
        *_, last = Trainer(config, data)
        assert isinstance(last, EpochRecord)
        return last.validation_loss
    return math.inf


def _suggest(trials: dict[float, float], steps: str) -> RateSuggestion:
    best = min(trials.values())
    tried = f"{count(len(trials), 'rate')} from {exact(min(trials))} to {exact(max(trials))}"
    if best >= LEARNED:
        return RateSuggestion(
            None,
            f"After {steps} at each of {tried}, it had learned to tell digits apart at none: fewer layers, ReLU, Adam, "
            f"less dropout or a smaller penalty may help.",
        )
    smallest = min(rate for rate, loss in trials.items() if loss <= AS_GOOD * best)
    why = (
        "led to the lowest loss"
        if trials[smallest] == best
        else "led, with smaller corrections, to about the lowest loss"
    )
    return RateSuggestion(
        smallest,
        f"After {steps} at each of {tried}, {exact(smallest)} has {why} on new digits: {number(trials[smallest])}.",
    )
