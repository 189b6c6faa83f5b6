"""Advice: what goes wrong in a training, at which place of its curve that shows, and what mends it.

Every rule looks at some epochs in a row and speaks where all of them agree: no odd epoch raises an alarm or
ends one. What was learned under earlier settings is no evidence against the present ones, so whoever mends
something has time to see it work. The thresholds lie between what trainings on these digits came to that
learned and that did not.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from statistics import fmean, median
from typing import Any, Literal

from nnlib.training.config import SETTINGS, TrainingConfig
from nnlib.training.recipe import STEERABLE
from nnlib.training.trainer import EpochRecord, Progress
from nnlib.words import exact

Kind = Literal[
    "diverged",
    "dead_layer",
    "dead_units",
    "rising",
    "too_slow",
    "saturated",
    "guessing",
    "missing_digit",
    "plateau",
    "overfitting",
]

# settings that can be changed on the way, without those that only say how long it learns
SHAPING = tuple(name for name in STEERABLE if name not in ("epochs", "patience", "target_accuracy", "time_limit"))

AGREEING = 4  # epochs in a row that must show the same
FEWEST_STEPS = 20  # corrections that these must have, or they are more epochs: of full batches, four say nothing
LONG, VERY_LONG = 2, 3  # times as many: good trainings have gone without progress for twice as long
NO_BETTER_THAN_GUESSING = 0.2  # of the new digits read: one in ten is right by chance
LEARNED = 0.9  # of the new digits read: a network that learns well is there within its first epochs

THROWN_BY = 0.5  # added to the lowest training loss: bouncing at a rate that is too high stays below
# The length of a correction as a share of that of the weights. About 0.001 is the rule of thumb, good trainings began
# with 0.002 to 0.2; with 0.0006 they still read nine in ten within minutes, with 0.0002 they did not.
SHORT_CORRECTION = 3e-4
MANY_DEAD, SOME_DEAD = 0.5, 0.3  # of a layer's units: good trainings lost up to 0.3, and never won them back
SATURATED = 0.75  # of a layer's outputs: with 0.65 a network still learned well
STILL_FALLS = 0.9  # times the loss of some epochs ago: it is learning
STALLED = 0.97  # likewise for a plateau
OVERFITTED = 1.25  # times the lowest validation loss, which goes up and down by a fifth
# Of the digits it learns from. Beyond, they have little left to teach; below, it is the rate that holds it back. With
# varied digits, or dropout, it takes long to get there, if it ever does: that is no overfitting.
KNOWN_BY_HEART = 0.98

# from there on, they have kept networks from learning
STRONG_L2, STRONG_DECAY, STRONG_DROPOUT = 0.03, 1.0, 0.5
USUAL_DECAY, USUAL_DROPOUT, USUAL_AUGMENTATION = 0.05, 0.2, 1.0
FEW_UNITS = 4  # in a layer: ten digits hardly get through so few


@dataclass(frozen=True)
class Advice:
    """What goes wrong, in one sentence, and what mends it.

    `epoch` is where on the curve it shows. `changes` are settings that mend it: from the end of epoch
    `back_to` on, in a fork; where that is None, only a new run can have them. If it is `live`, they help a
    run that still learns without going back.
    """

    kind: Kind
    sentence: str
    epoch: float
    changes: dict[str, Any]
    back_to: int | None
    live: bool = False


def advise(
    config: TrainingConfig,
    records: Sequence[EpochRecord],
    progress: Sequence[Progress] = (),
    *,
    diverged: bool = False,
    since: int = 0,
) -> Advice | None:
    """The worst of what goes wrong; None where it learns as it should, or has hardly begun.

    `config` is that of now, in force since `since` corrections were made. A training that `diverged` has
    ended because its loss was no number any more.
    """
    curve = _Curve(config, records, since)
    if diverged:
        return _diverged(curve, max([0.0, *(p.epoch for p in progress[-1:]), *(r.epoch for r in records[-1:])]))
    return next((advice for rule in RULES if (advice := rule(curve))), None) if curve.present else None


@dataclass(frozen=True)
class _Curve:
    """The records of a training, and the settings that those of the end were made with."""

    config: TrainingConfig
    records: Sequence[EpochRecord]
    since: int

    @cached_property
    def present(self) -> list[EpochRecord]:
        """The records that the present settings led to."""
        return [record for record in self.records if record.step > self.since]

    def newest(self, times: int = 1) -> list[EpochRecord]:
        """The newest epochs, as many times as must agree; none as long as there are too few."""
        many = times * max(AGREEING, math.ceil(FEWEST_STEPS / self.config.steps_per_epoch))
        return self.present[-many:] if len(self.present) >= many else []

    @property
    def start(self) -> int:
        """How many epochs were done before the present settings."""
        return max((record.epoch for record in self.records if record.step <= self.since), default=0)

    def agrees(self, holds: Callable[[EpochRecord], bool], times: int = 1) -> bool:
        """Whether this holds for all of the newest epochs."""
        return bool(self.newest(times)) and all(map(holds, self.newest(times)))

    def first(self, holds: Callable[[EpochRecord], bool]) -> EpochRecord:
        """Of the records in a row up to the newest for which this holds, the first."""
        found = self.records[-1]
        for record in reversed(self.records):
            if not holds(record):
                break
            found = record
        return found

    def last(self, holds: Callable[[EpochRecord], bool]) -> int:
        """The last epoch for which this holds; 0, the beginning, where there is none."""
        return next((record.epoch for record in reversed(self.records) if holds(record)), 0)


# --- the rules ---


def _diverged(curve: _Curve, reached: float) -> Advice:
    lowest = min((record.training_loss for record in curve.records), default=0.0)
    good = curve.last(lambda record: not _is_thrown_off(record, lowest) and not _is_guessing(record))
    kept = f"epoch {good} was still good" if good else "it must begin again"
    return Advice(
        "diverged",
        f"The loss grew beyond all numbers, because {_rate(curve.config)} lets every correction overshoot: {kept}.",
        reached,
        _lower_rate(curve.config),
        good,
    )


def _dead_layer(curve: _Curve) -> Advice | None:
    """One epoch is evidence enough: nothing can be learned through a layer that always puts out the same."""
    for layer, width in enumerate(curve.config.hidden_widths):

        def dead(record: EpochRecord, layer: int = layer, width: int = width) -> bool:
            return record.dead_units[layer] == width

        if dead(curve.records[-1]):
            began = curve.first(dead)
            cause, changes = _blame(curve, began)
            units = "The only unit" if width == 1 else f"All {width} units"
            return Advice(
                "dead_layer",
                f"{units} of layer {layer + 1} put{'s' if width == 1 else ''} out the same for every digit, so nothing "
                f"gets through and nothing more is learned: {cause}.",
                began.epoch,
                changes,
                curve.last(lambda record: not _is_guessing(record) and not _has_dead(record, curve.config, SOME_DEAD)),
            )
    return None


def _dead_units(curve: _Curve) -> Advice | None:
    if not curve.agrees(lambda record: _has_dead(record, curve.config, MANY_DEAD)):
        return None
    began = curve.first(lambda record: _has_dead(record, curve.config, MANY_DEAD))
    cause, changes = _blame(curve, began)
    return Advice(
        "dead_units",
        f"More than half of the units of a layer are dead, which put out the same for every digit and are of no use: "
        f"{cause}.",
        began.epoch,
        changes,
        curve.last(lambda record: not _is_guessing(record) and not _has_dead(record, curve.config, SOME_DEAD)),
    )


def _rising(curve: _Curve) -> Advice | None:
    before = curve.present[: -len(curve.newest()) or None]
    best = min(before, key=lambda record: record.training_loss, default=None)
    if best is None or not curve.agrees(lambda record: _is_thrown_off(record, best.training_loss)):
        return None
    cause, changes = _suspect(curve.config)
    return Advice(
        "rising",
        f"The loss is far higher than it was in epoch {best.epoch}, and stays there: {cause} throws the network off.",
        best.epoch,
        changes,
        0 if _is_guessing(best) else best.epoch,
    )


def _too_slow(curve: _Curve) -> Advice | None:
    """It gets better with every single epoch, as only a network does whose corrections are tiny, and is not far."""
    config, recent = curve.config, curve.newest()
    losses = [record.training_loss for record in recent]
    falls = all(later < earlier for earlier, later in pairwise(losses))
    if not falls or not curve.agrees(lambda r: max(r.training_accuracy, r.validation_accuracy) < LEARNED):
        return None
    # by the whole rate: where a schedule lowers it, short corrections are as they should be
    lengths = [
        max(r.update_ratios) * config.learning_rate / r.learning_rate
        for r in recent
        if r.update_ratios and r.learning_rate
    ]
    if not lengths or median(lengths) >= SHORT_CORRECTION:
        return None
    return Advice(
        "too_slow",
        f"It learns steadily but slowly: with {_rate(config)}, every correction is far shorter than the usual "
        f"thousandth of the weights.",
        curve.present[0].epoch,
        _higher_rate(config),
        curve.start,
        live=True,
    )


def _saturated(curve: _Curve) -> Advice | None:
    def saturated(record: EpochRecord) -> bool:
        return max(record.saturated, default=0.0) >= SATURATED and record.validation_accuracy < LEARNED

    if not curve.agrees(saturated):
        return None
    config, began = curve.config, curve.first(saturated)
    cause, changes = _blame(curve, began)
    low = began.step > curve.since and "learning_rate" in changes and config.learning_rate <= _usual_rate(config)
    if low:
        cause, changes = "ReLU has no such ends", {"activation": "relu"}
    return Advice(
        "saturated",
        f"Most outputs of a layer are at the flat ends of {config.activation}, where units hardly learn: {cause}.",
        began.epoch,
        changes,
        None if low else began.epoch - 1,
    )


def _guessing(curve: _Curve) -> Advice | None:
    recent = curve.newest()
    if not recent or fmean(record.validation_accuracy for record in recent) >= NO_BETTER_THAN_GUESSING:
        return None
    if recent[-1].training_loss < STILL_FALLS * recent[0].training_loss:
        return None
    cause, changes, anew = _obstacle(curve.config)
    return Advice(
        "guessing",
        f"It still reads hardly more of the new digits than guessing would: {cause}, most likely.",
        curve.present[0].epoch,
        changes,
        None if anew else curve.start,
    )


def _missing_digit(curve: _Curve) -> Advice | None:
    """Data may have no such digit, but then a network that never answers it reads the others well."""

    def missing(record: EpochRecord) -> bool:
        return 0 in record.answers and record.validation_accuracy < LEARNED

    recent = curve.newest(LONG)
    if not curve.agrees(missing, LONG) or recent[-1].training_loss < STILL_FALLS * recent[0].training_loss:
        return None
    digits = [str(digit) for digit, count in enumerate(recent[-1].answers) if count == 0]
    named = " or ".join(filter(None, [", ".join(digits[:-1]), digits[-1]]))
    cause, changes, anew = _obstacle(curve.config)
    return Advice(
        "missing_digit",
        f"It never answers {named}: {cause}, most likely.",
        curve.first(missing).epoch,
        changes,
        None if anew else curve.last(lambda record: not missing(record)),
    )


def _plateau(curve: _Curve) -> Advice | None:
    """A schedule lowers the rate by itself."""
    lately = curve.newest(VERY_LONG)
    before, middle = curve.present[: -len(lately) or None], len(lately) // 2
    if not lately or not before or curve.config.schedule != "constant":
        return None
    best = max(before, key=lambda record: record.validation_accuracy)
    earlier, later = (fmean(record.training_loss for record in half) for half in (lately[:middle], lately[middle:]))
    progress = later < STALLED * earlier or any(r.validation_accuracy > best.validation_accuracy for r in lately)
    if progress or fmean(record.training_accuracy for record in lately) >= KNOWN_BY_HEART:
        return None
    cause, changes = _suspect(curve.config)
    if "learning_rate" in changes:
        changes = {"learning_rate": _round(curve.config.learning_rate / 3)}
    return Advice(
        "plateau",
        f"It has been no better since epoch {best.epoch} and goes up and down: {cause} is too much by now.",
        best.epoch,
        changes,
        best.epoch,
        live=True,
    )


def _overfitting(curve: _Curve) -> Advice | None:
    # of the whole run: another setting may hold it up, but does not make what was learned by heart undone
    best, lately, config = min(curve.records, key=lambda r: r.validation_loss), curve.newest(LONG), curve.config
    if not lately or lately[0].epoch <= best.epoch or lately[-1].learning_rate > best.learning_rate:
        return None  # while a schedule raises the rate, the loss may rise with it
    known = fmean(record.training_accuracy for record in lately)
    rises = fmean(record.validation_loss for record in lately) >= OVERFITTED * best.validation_loss
    if not rises or known < KNOWN_BY_HEART:
        return None
    if not config.augmentation:
        changes: dict[str, Any] = {"augmentation": USUAL_AUGMENTATION}
    elif not config.dropout:
        changes = {"dropout": USUAL_DROPOUT}
    else:
        changes = {"patience": AGREEING}
    return Advice(
        "overfitting",
        f"Since epoch {best.epoch} it learns its training digits by heart (overfitting): it "
        f"knows nearly all of those, and the loss of new digits has risen.",
        best.epoch,
        changes,
        best.epoch,
        live=True,
    )


def _lasting(rule: Callable[[_Curve], Advice | None]) -> Callable[[_Curve], Advice | None]:
    """A rule near whose thresholds a training may stay for long: it is silent again once some epochs are."""

    def lasting(curve: _Curve) -> Advice | None:
        ends = range(
            len(curve.records), max(len(curve.records) - AGREEING, len(curve.records) - len(curve.present)), -1
        )
        curves = (replace(curve, records=curve.records[:end]) for end in ends)
        return next((advice for each in curves if (advice := rule(each))), None)

    return lasting


# the worst first: what comes later may come of what comes before
RULES: tuple[Callable[[_Curve], Advice | None], ...] = (
    _dead_layer,
    _lasting(_dead_units),
    _rising,
    _too_slow,
    _lasting(_saturated),
    _guessing,
    _lasting(_missing_digit),
    _lasting(_plateau),
    _lasting(_overfitting),
)


# --- what they share ---


def _is_thrown_off(record: EpochRecord, lowest: float) -> bool:
    return record.training_loss > lowest + THROWN_BY


def _is_guessing(record: EpochRecord) -> bool:
    return record.validation_accuracy < NO_BETTER_THAN_GUESSING


def _has_dead(record: EpochRecord, config: TrainingConfig, share: float) -> bool:
    return any(dead > share * width for dead, width in zip(record.dead_units, config.hidden_widths, strict=True))


def _suspect(config: TrainingConfig) -> tuple[str, dict[str, Any]]:
    """What is most likely too much where a network cannot learn, and the settings that mend it."""
    if config.l2 >= STRONG_L2:
        return f"an L2 penalty of {exact(config.l2)}", {"l2": 0.0}
    if config.weight_decay >= STRONG_DECAY:
        return f"a weight decay of {exact(config.weight_decay)}", {"weight_decay": USUAL_DECAY}
    if config.dropout > STRONG_DROPOUT:
        return f"a dropout of {exact(config.dropout)}", {"dropout": USUAL_DROPOUT}
    return _rate(config), _lower_rate(config)


def _blame(curve: _Curve, began: EpochRecord) -> tuple[str, dict[str, Any]]:
    """What did something that lasts, and the settings for going back to before it."""
    if began.step <= curve.since:
        now = {name: getattr(curve.config, name) for name in SHAPING}
        return "the settings before the last change did that", now
    cause, changes = _suspect(curve.config)
    return f"{cause} is too much", changes


def _obstacle(config: TrainingConfig) -> tuple[str, dict[str, Any], bool]:
    """What keeps a network from telling digits apart at all, what mends that, and whether it takes a new run."""
    cause, changes = _suspect(config)
    if min(config.hidden_widths) < FEW_UNITS:
        usual = SETTINGS["hidden_widths"].default
        return "too little gets through a layer of so few units", {"hidden_widths": usual}, True
    if "learning_rate" not in changes:
        return f"{cause} is too much", changes, False
    if config.activation in ("sigmoid", "tanh"):
        rate = min(config.learning_rate, _usual_rate(config))
        return (
            f"little of what is to be learned gets back through layers of {config.activation}",
            {"activation": "relu", "learning_rate": rate},
            True,
        )
    if config.learning_rate < _usual_rate(config):
        return f"{_rate(config)} is too little", _higher_rate(config), False
    return f"{cause} is too much", changes, False


def _rate(config: TrainingConfig) -> str:
    return f"a learning rate of {exact(config.learning_rate)}"


def _usual_rate(config: TrainingConfig) -> float:
    """The rate that works well for nearly every network; with momentum, every gradient counts many times."""
    return 0.001 if config.optimizer != "sgd" else min(0.1, _round(0.2 * (1 - config.momentum)))


def _lower_rate(config: TrainingConfig) -> dict[str, Any]:
    """A tenth; and no more than usual, or the next rate may be too high again."""
    return {"learning_rate": min(_round(config.learning_rate / 10), _usual_rate(config))}


def _higher_rate(config: TrainingConfig) -> dict[str, Any]:
    """Ten times as much, and no less than usual."""
    highest = SETTINGS["learning_rate"].high
    return {"learning_rate": min(max(_round(10 * config.learning_rate), _usual_rate(config)), highest)}


def _round(rate: float) -> float:
    return float(f"{rate:.2g}")
