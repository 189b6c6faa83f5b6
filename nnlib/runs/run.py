"""A run and its moments, as the store tells of them: nothing of it is believed unchecked."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Literal, TypeVar, get_args, get_origin

import numpy as np

from nnlib.errors import SettingError
from nnlib.runs.database import checksum
from nnlib.training import (
    SHAPING,
    STEERABLE,
    Advice,
    EpochRecord,
    Event,
    Progress,
    Recipe,
    TrainingConfig,
    advise,
    check_changes,
    in_words,
)
from nnlib.words import count, exact, printable, shown

State = Literal["queued", "running", "paused", "stopped", "finished", "diverged", "interrupted", "failed"]
# to a run: how it goes on (one batch or epoch more of a paused one; a pace of so many batches a second, 0 for as fast
# as it can), or a setting with its new value
ORDERS = ("pause", "resume", "stop", "batch", "epoch", "pace", *STEERABLE)
FASTEST_PACE = 20.0  # batches a second, in slow motion
AnyRecord = TypeVar("AnyRecord", Progress, EpochRecord)
ACTIVE: tuple[State, ...] = ("queued", "running", "paused")  # a living process has such a run in its hands
RESUMABLE: tuple[State, ...] = ("stopped", "interrupted", "failed")

LONGEST_NAME, LONGEST_NOTE, LONGEST_TAG = 100, 1_000, 30  # characters
MOST_TAGS = 10
LATEST_TIME = 2**33  # in the year 2242; far beyond, no calendar can show it
# of a run's row
CONTENT = (
    *("id", "name", "config", "now", "data_directory", "created", "state", "message"),
    *("parent", "parent_step", "weights", "race", "note", "tags", "corrections"),
)

# what a row that is not as it was written can raise, until it is known not to be
DAMAGE = (SettingError, LookupError, TypeError, ValueError, OverflowError, RecursionError)


@dataclass(frozen=True)
class Run:
    """One training, as it stands.

    `config` is that of now, `began_with` the one before all changes on the way. `created` is in seconds
    since 1970. `message` says what people should know about `state`. `last` is its newest record, None
    before the first epoch is done. `attempt` counts how often it was put in line: with each, what came
    after its checkpoint was forgotten. `parent` is the run that it goes on from, and after how many of
    that one's corrections; `weights` tells from which network it began, where not by chance, and
    `corrections` from which corrected digits it learns besides, see Recipe; `race` is the number that the
    runs of a race share. `silent_seconds` is how long its process has shown no
    sign of life, where one trains or should; more than a few are no good sign.
    """

    id: int
    name: str
    config: TrainingConfig
    began_with: TrainingConfig
    data_directory: str | None
    created: float
    state: State
    message: str
    last: EpochRecord | None
    attempt: int = 1
    parent: tuple[int, int] | None = None
    weights: str | None = None
    race: int | None = None
    note: str = ""
    tags: tuple[str, ...] = ()
    corrections: str | None = None
    silent_seconds: float = field(default=0.0, compare=False)

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return self.last.epoch if self.last else 0

    @property
    def active(self) -> bool:
        """Whether a process is at work on it, or it waits for one to be."""
        return self.state in ACTIVE

    @property
    def resumable(self) -> bool:
        """Whether training can go on where it ended."""
        return self.state in RESUMABLE


@dataclass(frozen=True)
class Order:
    """What somebody told a run, and is not obeyed yet: one of ORDERS.

    Its `value` is that of a setting or of the pace; of a pause it may be the step after which it is due.
    """

    number: int
    name: str
    value: Any = None


@dataclass(frozen=True)
class Happening:
    """An order that took effect, after `step` corrections: one of ORDERS, with its value if it has one.

    What else a run was: "stop" with the value "time_limit" is what ended it by itself.
    """

    step: int
    name: str
    value: Any = None


@dataclass(frozen=True)
class DamagedRun:
    """A run that is not what was written into the store; it can be deleted. `message` is for people."""

    id: int
    message: str


@dataclass(frozen=True)
class Snapshot:
    """A moment of a run whose network is kept: after so many corrections, which were so many epochs.

    `epoch` is a whole number at an epoch's end; step 0 is before the first correction.
    """

    step: int
    epoch: float

    @property
    def whole_epoch(self) -> bool:
        """Whether it is of an epoch's end, or of the beginning."""
        return self.epoch == int(self.epoch)

    @property
    def moment(self) -> str:
        """When that was, for people: "after epoch 3", "after 50 corrections"."""
        if self.whole_epoch:
            return f"after epoch {int(self.epoch)}"
        return f"after {self.step:,} correction{'s' if self.step > 1 else ''}"


@dataclass(frozen=True)
class KeptRun:
    """A run with all that it left, to be taken from one store to another."""

    name: str
    began_with: TrainingConfig
    weights: str | None
    state: State
    message: str
    happenings: Sequence[Happening]
    records: Sequence[EpochRecord]
    progress: Sequence[Progress]
    snapshots: Sequence[tuple[Snapshot, np.ndarray]]
    checkpoints: Sequence[tuple[Snapshot, bytes]]
    corrections: str | None = None


BEGINNING = Snapshot(0, 0.0)


def read_run(content: Sequence, checked: Any, attempt: Any, last: EpochRecord | None) -> Run:
    """The run that a row tells of, or one of DAMAGE."""
    require_sound(content, checked)
    row = dict(zip(CONTENT, content, strict=True))
    if row["state"] not in get_args(State) or not 0 <= row["created"] < LATEST_TIME:
        raise ValueError("it is in no state that there is")
    began_with = TrainingConfig.from_json(row["config"])
    return Run(
        _require(row["id"], int),
        _require(row["name"], str),
        began_with if row["now"] == row["config"] else TrainingConfig.from_json(row["now"]),
        began_with,
        None if row["data_directory"] is None else _require(row["data_directory"], str),
        row["created"],
        row["state"],
        _require(row["message"], str),
        last,
        _require(attempt, int),
        None if row["parent"] is None else (_require(row["parent"], int), _require(row["parent_step"], int)),
        None if row["weights"] is None else _require(row["weights"], str),
        None if row["race"] is None else _require(row["race"], int),
        _require(row["note"], str),
        tuple(tag for tag in _require(row["tags"], str).split(",") if tag),
        None if row["corrections"] is None else _require(row["corrections"], str),
    )


def require_sound(values: Sequence, checked: Any) -> None:
    if checksum(*values) != checked:
        raise ValueError("it is not what was written")


def whole(kind: type[AnyRecord], rows: Iterable[tuple]) -> list[AnyRecord]:
    """The records of those rows that are what was written; the last two values are its text and the checksum."""
    found = []
    for *values, checked in rows:
        with suppress(*DAMAGE):
            require_sound(values, checked)
            found.append(read_record(kind, values[-1]))
    return found


def read_moment(step: Any, epoch: Any) -> Snapshot:
    if not 0 <= _require(epoch, float) < 2**53:
        raise ValueError("a snapshot is of no epoch")
    return Snapshot(_require(step, int), float(epoch))


def check_order(name: str, value: Any) -> Any:
    """The value of an order, as its own kind; SettingError outside its limits."""
    assert name in ORDERS
    if name == "pace":
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= FASTEST_PACE:
            raise SettingError(
                f"the pace is {shown(value)}: it must be a number from 0, as fast as it can, to {FASTEST_PACE:g} "
                f"batches a second."
            )
        return float(value)
    return check_changes({name: value})[name] if name in STEERABLE else value


def check_name(name: str) -> str:
    """A name as it is kept, in one line that can be shown anywhere; SettingError outside its limits."""
    name = _one_line(name)
    if not 1 <= len(name) <= LONGEST_NAME:
        raise SettingError(f"the name {_length(name)}: it must have 1 to {LONGEST_NAME} characters.")
    return name


def check_note(note: str) -> str:
    """A note as it is kept, with its lines; SettingError where it is too long."""
    note = "\n".join(printable(line, None).rstrip() for line in note.strip().splitlines())
    if len(note) > LONGEST_NOTE:
        raise SettingError(f"the note {_length(note)}: it may have at most {LONGEST_NOTE:,}, so shorten it.")
    return note


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags as they are kept, each once and none empty; SettingError outside their limits."""
    found = tuple(tag for tag in dict.fromkeys(map(_one_line, tags)) if tag)
    for tag in found:
        if len(tag) > LONGEST_TAG or "," in tag:
            raise SettingError(
                f"the tag {shown(tag)} {_length(tag)}: it must have 1 to {LONGEST_TAG} characters and no comma."
            )
    if len(found) > MOST_TAGS:
        raise SettingError(f"a run would have {len(found)} tags: it may have at most {MOST_TAGS}, so take some away.")
    return found


def _one_line(text: str) -> str:
    return " ".join(printable(text, None).split())


def _length(text: str) -> str:
    return f"has {count(len(text), 'character')}" if text else "is empty"


def read_happening(step: Any, name: Any, value: Any) -> Happening:
    """The order that a row tells of, or one of DAMAGE."""
    if name not in ORDERS or _require(step, int) < 0:
        raise ValueError("there is no such order")
    return Happening(step, name, json.loads(value))


def records_as_csv(records: Iterable[EpochRecord]) -> str:
    """A table with one row for each epoch; what is measured of each layer or class has a column for each of them."""
    rows = []
    for record in records:
        row: dict[str, Any] = {}
        for name, value in asdict(record).items():
            parts = enumerate(value, start=name != "answers") if isinstance(value, tuple) else None
            row |= {f"{name}_{number}": each for number, each in parts} if parts else {name: value}
        rows.append(row)
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[-1]) if rows else ["epoch"], restval="", extrasaction="ignore")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def recipe_of(
    config: TrainingConfig, weights: str | None, happenings: Sequence[Happening], corrections: str | None = None
) -> Recipe:
    """The recipe of a run that began so and to which this happened: it ends where it was stopped for good."""
    ends = [each.step if each.name == "stop" else None for each in happenings if each.name in ("stop", "resume")]
    events = [Event(each.step, each.name, each.value) for each in happenings if each.name in STEERABLE]
    in_order = tuple(sorted(events, key=lambda event: event.step))
    return Recipe(config, in_order, ends[-1] if ends else None, weights, corrections)


def pace_of(happenings: Sequence[Happening]) -> float:
    """How many batches a second the run was last told to do; 0 for as fast as it can."""
    return next((each.value for each in reversed(happenings) if each.name == "pace"), 0.0)


def advice_for(
    run: Run, happenings: Sequence[Happening], records: Sequence[EpochRecord], progress: Sequence[Progress]
) -> Advice | None:
    """What goes wrong in a run and mends it, by what happened to it and what it has learned; None where all is well."""
    changed = [each.step for each in happenings if each.name in SHAPING]
    return advise(run.config, records, progress, diverged=run.state == "diverged", since=max(changed, default=0))


def say_happenings(config: TrainingConfig, happenings: Sequence[Happening]) -> list[str]:
    """What each was, for people: "learning rate 0.01 → 0.003", "paused"; `config` is that of the beginning."""
    events = [Event(each.step, each.name, each.value) for each in happenings if each.name in STEERABLE]
    changes = iter(in_words(events, config))
    return [next(changes) if each.name in STEERABLE else _say_order(each) for each in happenings]


def _say_order(happening: Happening) -> str:
    match happening.name, happening.value:
        case "stop", "time_limit":
            return "its time was up"
        case "pace", 0:
            return "as fast as it can"
        case "pace", value:
            return f"slow motion, {exact(value)} batches a second"
    said = {"pause": "paused", "resume": "went on", "stop": "stopped", "batch": "one batch", "epoch": "one epoch"}
    return said[happening.name]


def read_record(kind: type[AnyRecord], text: str) -> AnyRecord:
    """The record that `append` wrote; whatever a damaged one raises is for its caller to catch."""
    values = json.loads(text)
    for each in fields(kind):
        if each.default is not MISSING:
            values.setdefault(each.name, each.default)  # older versions did not have it
        value = values[each.name]
        if get_origin(each.type) is tuple:
            values[each.name] = tuple(_require(number, get_args(each.type)[0]) for number in value)
        else:
            _require(value, each.type)
    return kind(**values)


def _require(value: Any, kind: Any) -> Any:
    """The value, where it is of this very kind: neither SQLite nor JSON makes sure of that."""
    if type(value) is not kind and not (kind is float and type(value) is int):
        raise TypeError(f"it holds a {type(value).__name__} where a {kind.__name__} belongs")
    return value
