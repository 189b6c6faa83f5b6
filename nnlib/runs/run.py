"""A run and its moments, as the store tells of them: nothing of it is believed unchecked."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar, get_args, get_origin

from nnlib.errors import SettingError
from nnlib.runs.database import checksum
from nnlib.training import EpochRecord, Progress, TrainingConfig

State = Literal["queued", "running", "paused", "stopped", "finished", "diverged", "interrupted", "failed"]
Order = Literal["pause", "resume", "stop", "learning_rate"]
AnyRecord = TypeVar("AnyRecord", Progress, EpochRecord)
ACTIVE: tuple[State, ...] = ("queued", "running", "paused")  # a living process has such a run in its hands
RESUMABLE: tuple[State, ...] = ("stopped", "interrupted", "failed")


LATEST_TIME = 2**33  # in the year 2242; far beyond, no calendar can show it
CONTENT = ("id", "name", "config", "learning_rate", "data_directory", "created", "state", "message")  # of a run's row

# what a row that is not as it was written can raise, until it is known not to be
DAMAGE = (SettingError, LookupError, TypeError, ValueError, OverflowError, RecursionError)


@dataclass(frozen=True)
class Run:
    """One training, as it stands.

    `learning_rate` is that of now, before the schedule: it may have been changed since the start.
    `created` is in seconds since 1970. `message` says what people should know about `state`.
    `last` is its newest record, None before the first epoch is done. `attempt` counts how often it was
    put in line: with each, what came after its checkpoint was forgotten. `silent_seconds` is how long
    its process has shown no sign of life, where one trains or should; more than a few are no good sign.
    """

    id: int
    name: str
    config: TrainingConfig
    learning_rate: float
    data_directory: str | None
    created: float
    state: State
    message: str
    last: EpochRecord | None
    attempt: int = 1
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


BEGINNING = Snapshot(0, 0.0)


def read_run(content: Sequence, checked: Any, attempt: Any, last: EpochRecord | None) -> Run:
    """The run that a row tells of, or one of DAMAGE."""
    require_sound(content, checked)
    run_id, name, config, learning_rate, data_directory, created, state, message = content
    settings = TrainingConfig.from_json(config)
    if state not in get_args(State) or not 0 <= created < LATEST_TIME:
        raise ValueError("it is in no state that there is")
    return Run(
        _require(run_id, int),
        _require(name, str),
        settings,
        settings.with_changes(learning_rate=learning_rate).learning_rate,
        None if data_directory is None else _require(data_directory, str),
        created,
        state,
        _require(message, str),
        last,
        _require(attempt, int),
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
            found.append(_read_record(kind, values[-1]))
    return found


def read_moment(step: Any, epoch: Any) -> Snapshot:
    if not 0 <= _require(epoch, float) < 2**53:
        raise ValueError("a snapshot is of no epoch")
    return Snapshot(_require(step, int), float(epoch))


def _read_record(kind: type[AnyRecord], text: str) -> AnyRecord:
    """The record that `append` wrote; whatever a damaged one raises is for its caller to catch."""
    values = json.loads(text)
    for each in fields(kind):
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
