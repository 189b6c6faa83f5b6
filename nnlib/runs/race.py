"""A race: the same network with several values of one setting, side by side, and what is learned from it.

Its runs take turns epoch by epoch (see `RunStore.give_way`). Who won is judged on the validation digits,
and only where the difference is larger than what chance alone makes of so many digits.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from nnlib.errors import SettingError, UnknownRunError
from nnlib.runs.run import Run
from nnlib.runs.store import RunStore
from nnlib.runs.worker import start_together
from nnlib.training import SETTINGS, EpochRecord, Setting, TrainingConfig
from nnlib.words import count, number, shown, typed

FEWEST, MOST = 3, 8  # values: two are a comparison, and more than eight lines nobody can tell apart
# who is how fast is told by when each first read nearly as much as the winner at its best: at least this share of
# what it reads right, and at most so many times as many wrong
NEARLY, TIMES_AS_WRONG = 0.95, 2.0
GUESSING = 0.2  # one in ten is right by chance
STANDARD_ERRORS = 2.0  # of a difference, within which it may be chance
SLOWER = 1.5  # times: below, nobody would notice

# what to try of each setting; its present value joins them. Of a rate, multiples of that.
_USUAL: Mapping[str, Sequence[Any]] = {
    "hidden_widths": ((16,), (64,), (128, 64, 64), (512, 256)),
    "epochs": (2, 5, 10, 20),
    "batch_size": (8, 32, 128, 512),
    "momentum": (0.0, 0.5, 0.9, 0.99),
    "l2": (0.0, 0.0001, 0.001, 0.01),
    "weight_decay": (0.0, 0.01, 0.1, 1.0),
    "dropout": (0.0, 0.1, 0.3, 0.6),
    "label_smoothing": (0.0, 0.05, 0.1, 0.3),
    "augmentation": (0.0, 0.5, 1.0, 2.0),
    "patience": (0, 1, 2, 4),
    "target_accuracy": (0.0, 90.0, 95.0, 97.0),
    "time_limit": (1.0, 2.0, 4.0, 8.0),
    "training_digits": (1_000, 5_000, 20_000, 55_000),
    "validation_digits": (500, 2_000, 5_000),
}
_MULTIPLES = (0.1, 0.5, 1, 10, 100)


@dataclass(frozen=True)
class Racer:
    """One run of a race, and how it stands.

    `accuracy` is its best on the validation digits, after epoch `best_epoch`: None before its first
    epoch. `epochs_to_level` says after which epoch it first read nearly as much as the winner at its
    best, None where it never did. Who is `crowned` is the winner, or may be as good as far as can be told.
    Who blew up, or only guesses, wins nothing.
    """

    run: Run
    value: str
    accuracy: float | None
    best_epoch: int | None
    seconds: float
    epochs_to_level: int | None
    crowned: bool


@dataclass(frozen=True)
class Race:
    """The runs of one race, as they stand after the same number of epochs, and `lesson`: what that says.

    `epoch` is the last one that all who are still under way have done; None once none is.
    """

    number: int
    setting: Setting
    racers: tuple[Racer, ...]
    winner: Racer | None
    epoch: int | None
    lesson: str


def start_race(
    store: RunStore, config: TrainingConfig, setting: str, values: Sequence[Any], data_directory: str | None = None
) -> list[int]:
    """Train `config` with each of these values of a setting, side by side; the numbers of the runs.

    Raises SettingError for values that cannot race, and StoreError, with none begun, where the line has
    no room for all of them.
    """
    return start_together(store, plan(config, setting, values), data_directory)


def plan(config: TrainingConfig, setting: str, values: Sequence[Any], fewest: int = 2) -> dict[str, TrainingConfig]:
    """What each run of a race would be, by its name; SettingError where the values are too few, too many or equal."""
    meant = SETTINGS[setting]
    configs: dict[str, TrainingConfig] = {}
    for value in values:
        raced = config.with_changes(**{setting: value})
        name = f"{meant.term} {meant.show(getattr(raced, setting))}"
        if name in configs:
            raise SettingError(f"{setting} has {shown(value)} twice: all values of a race must differ.")
        configs[name] = raced
    if not fewest <= len(configs) <= MOST:
        raise SettingError(
            f"{setting} has {count(len(configs), 'value')} to race: it must be {fewest} to {MOST} of them, "
            f"{'with / or ; between' if meant.kind is tuple else 'with commas between'}."
        )
    return configs


def read_values(setting: str, text: str) -> list[Any]:
    """The values that somebody wrote with commas between, those of the hidden widths with / or ; between."""
    meant = SETTINGS[setting]
    parts = re.split("[/;]" if meant.kind is tuple or re.search("[/;]", text) else ",", text)
    return [meant.check(part.strip()) for part in parts if part.strip()]


def write_values(setting: str, values: Sequence[Any]) -> str:
    """These values as `read_values` reads them, and as people write them."""
    kind = SETTINGS[setting].kind
    return (" / " if kind is tuple else ", ").join(map(typed, values))


def usual_values(config: TrainingConfig, setting: str) -> list[Any]:
    """Values of a setting that are worth a race: the config's own and others around it, all of them allowed."""
    meant, own = SETTINGS[setting], getattr(config, setting)
    tried: Iterable[Any]
    if meant.choices:
        return list(meant.choices)
    if setting == "learning_rate":
        tried = (float(f"{own * times:.3g}") for times in _MULTIPLES)
    elif setting == "seed":
        tried = range(own - max(0, own + 4 - int(meant.high)), own + 5)
    else:
        tried = _USUAL[setting]
    return sorted({own} | {value for value in tried if _is_allowed(config, setting, value)})


def _is_allowed(config: TrainingConfig, setting: str, value: Any) -> bool:
    try:
        config.with_changes(**{setting: value})
    except SettingError:
        return False
    return True


def raced_setting(runs: Sequence[Run]) -> Setting | None:
    """The one setting in which all these runs began differently; None where there is no such one."""
    differing = [
        setting for name, setting in SETTINGS.items() if len({getattr(run.began_with, name) for run in runs}) > 1
    ]
    return differing[0] if len(differing) == 1 else None


def judge(runs: Sequence[Run], records: Mapping[int, Sequence[EpochRecord]]) -> Race:
    """How the runs of one race stand, by the records of each.

    Raises UnknownRunError where fewer than two of them are left.
    """
    setting = raced_setting(runs)
    if setting is None:
        raise UnknownRunError("of this race fewer than two runs are left: start it anew.")
    going = [run.epoch for run in runs if run.state in ("queued", "running")]
    epoch = min(going) if going else None
    # who has had a turn more than the others is not ahead of them for that
    counted = {run.id: [r for r in records[run.id] if epoch is None or r.epoch <= epoch] for run in runs}
    best = {run.id: max(counted[run.id], key=lambda r: (r.validation_accuracy, -r.epoch), default=None) for run in runs}
    able = [run for run in runs if _accuracy(best[run.id]) > GUESSING and run.state != "diverged"]
    first = max(able, key=lambda run: (_accuracy(best[run.id]), -_epoch(best[run.id]), -run.id), default=None)
    racers = []
    for run in runs:
        reached = None
        crowned = False
        if first is not None:
            most = _accuracy(best[first.id])
            goal = max(NEARLY * most, 1 - TIMES_AS_WRONG * (1 - most))
            reached = next((r.epoch for r in counted[run.id] if r.validation_accuracy >= goal), None)
            crowned = run in able and _may_be_chance(run, best[run.id], first, best[first.id])
        mine = best[run.id]
        racers.append(
            Racer(
                run,
                _shown(setting, getattr(run.began_with, setting.name)),
                mine.validation_accuracy if mine else None,
                mine.epoch if mine else None,
                records[run.id][-1].seconds if records[run.id] else 0.0,
                reached,
                crowned,
            )
        )
    winner = next((racer for racer in racers if racer.run is first), None)
    return Race(runs[0].race or 0, setting, tuple(racers), winner, epoch, lesson(setting, racers, winner, epoch))


def _shown(setting: Setting, value: Any) -> str:
    # among others in a sentence, commas within a value would be taken for those between two
    return "-".join(map(str, value)) if setting.kind is tuple else setting.show(value)


def _accuracy(record: EpochRecord | None) -> float:
    return record.validation_accuracy if record else 0.0


def _epoch(record: EpochRecord | None) -> int:
    return record.epoch if record else 0


def _may_be_chance(run: Run, mine: EpochRecord | None, first: Run, its: EpochRecord | None) -> bool:
    """Whether the difference is one that the choice of the validation digits alone may have made."""
    one, other = _accuracy(mine), _accuracy(its)
    variance = one * (1 - one) / run.config.validation_digits + other * (1 - other) / first.config.validation_digits
    return other - one <= STANDARD_ERRORS * math.sqrt(variance)


# ---- what is learned from it, in words


def lesson(setting: Setting, racers: Sequence[Racer], winner: Racer | None, epoch: int | None) -> str:
    """One sentence: which value won and how the others fell behind, or that no difference counts."""
    over = not any(racer.run.active for racer in racers)
    if not over and all(racer.accuracy is None for racer in racers):
        return "No network has seen all its digits once yet: in a moment there is something to compare."
    so_far = f"so far{f', after epoch {epoch}' if epoch else ''}"
    if winner is None:
        text = f"{'nobody won' if over else f'{so_far}, nobody leads'}: {_rest(setting, racers, None, over)}."
    else:
        level = [racer for racer in racers if racer.crowned]
        others = _rest(setting, racers, winner, over)
        head = _at_the_top(setting, level, winner, len(level) == len(racers), over)
        text = f"{'' if over else f'{so_far}: '}{head}{f'; {others}' if others else ''}."
    return text[0].upper() + text[1:]


def _at_the_top(setting: Setting, level: Sequence[Racer], winner: Racer, all_level: bool, over: bool) -> str:
    """Who won, or who cannot be told apart at the top."""
    if len(level) == 1:
        return (
            f"{setting.term} {winner.value} {'won' if over else 'leads'} with {winner.accuracy:.1%} of the new digits"
        )
    accuracies = [racer.accuracy or 0.0 for racer in level]
    spread = [f"{accuracy:.1%}" for accuracy in (min(accuracies), max(accuracies))]
    differ = spread[0] != spread[1]
    reads = f"{' to '.join(spread) if differ else spread[0]} of the new digits"
    names = f"{setting.term} {_listed([racer.value for racer in level])}"
    if all_level:
        digits = min(racer.run.config.validation_digits for racer in level)
        chance = _points(STANDARD_ERRORS * math.sqrt(2 * max(a * (1 - a) for a in accuracies) / digits))
        text = f"no difference that counts: {names} all read {reads}"
        text += f", and with {digits:,} of them up to about {chance} can be chance" if differ else ""
    else:
        text = f"{names} are level at the top with {reads}{', which may be chance' if differ else ''}"
    late = [racer for racer in level if (times := _times_slower(racer, winner)) and times >= SLOWER]
    if late and over:
        text += f"; {_listed([racer.value for racer in late])} took longer but caught up"
    quickest, slowest = (each(level, key=lambda racer: racer.seconds) for each in (min, max))
    if over and quickest.seconds and slowest.seconds >= SLOWER * quickest.seconds:
        text += f"; {quickest.value} took the least time ({_time(quickest)}, and {slowest.value} {_time(slowest)})"
    return text


def _rest(setting: Setting, racers: Sequence[Racer], winner: Racer | None, over: bool) -> str:
    """How everybody who is not crowned fared; those with the same fate together."""
    fates = [
        (_side(setting, racer, racers) if over else "", _fate(racer, winner, over), racer.value)
        for racer in racers
        if not racer.crowned
    ]
    order = {fate[:2]: place for place, fate in reversed(list(enumerate(fates)))}
    fates.sort(key=lambda each: order[each[:2]])
    said = []
    for (side, fate), group in groupby(fates, key=lambda each: each[:2]):
        values = [value for *_, value in group]
        if len(values) > 1:
            fate = re.sub(r"^(is|was)\b", lambda verb: {"is": "are", "was": "were"}[verb[0]], fate)
        said.append(f"{_listed(values)}{side and f', {side},'} {fate}")
    return "; ".join(said)


def _side(setting: Setting, racer: Racer, racers: Sequence[Racer]) -> str:
    """On which side of all that won a value lies, where it is one that can be too low or too high."""
    best = [getattr(each.run.began_with, setting.name) for each in racers if each.crowned]
    if not best or setting.kind not in (int, float) or setting.name == "seed" or _left_early(racer):
        return ""
    value = getattr(racer.run.began_with, setting.name)
    return "too low" if value < min(best) else "too high" if value > max(best) else ""


def _left_early(racer: Racer) -> bool:
    """Whether it did not end by itself."""
    return racer.run.state in ("stopped", "interrupted", "failed")


def _fate(racer: Racer, winner: Racer | None, over: bool) -> str:
    if racer.run.state == "diverged":
        return "blew up"
    if racer.accuracy is None:
        return "did not get through an epoch"
    reads = f"({racer.accuracy:.1%} at best)"
    if winner is None or winner.accuracy is None or racer.accuracy <= GUESSING:
        return "never did much better than guessing" if over else "did not do much better than guessing"
    if _left_early(racer):
        return f"ended early, after {count(racer.run.epoch, 'epoch')} {reads}"
    times = _times_slower(racer, winner)
    if times is None:
        return f"stayed far behind {reads}" if over else f"is far behind {reads}"
    if times >= SLOWER:
        slower = f"{number(times, 2)} times slower in epochs"
        return f"was {slower} and never caught up {reads}" if over else f"is {slower} {reads}"
    behind = _points(winner.accuracy - racer.accuracy)
    return f"{'stayed' if over else 'is'} {behind} behind {reads}"


def _times_slower(racer: Racer, winner: Racer) -> float | None:
    """How many times as many epochs it took to read nearly as much as the winner does; None where it never did."""
    if racer.epochs_to_level is None or winner.epochs_to_level is None:
        return None
    return racer.epochs_to_level / winner.epochs_to_level


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"


def _time(racer: Racer) -> str:
    return f"{number(racer.seconds, 2)} s"


def _listed(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} and {values[-1]}"
