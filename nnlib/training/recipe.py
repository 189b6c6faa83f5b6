"""A training is its recipe: the settings it begins with, and what was changed on the way.

All else follows from these to the last bit, on the same machine. So repeating, resuming, rewinding and
forking are one thing: go through the recipe, from its beginning or from a state that was kept.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from nnlib.errors import SettingError
from nnlib.training.config import SETTINGS, TrainingConfig
from nnlib.words import shown

STEERABLE = tuple(name for name, setting in SETTINGS.items() if setting.steerable)
MOST_BYTES = 2**20  # of a recipe's text
MOST_EVENTS = 10_000
MOST_STEPS = 10**9


@dataclass(frozen=True)
class Event:
    """A setting that was changed once `step` corrections were made: it holds from the next one on."""

    step: int
    setting: str
    value: Any


@dataclass(frozen=True)
class Recipe:
    """All that decides a training: the `config` it begins with, and the `events` on the way, in their order.

    `end` is the step at which it was stopped, None where it goes on until it ends by itself. `weights`
    is the SHA-256 of the first weights, in hexadecimal, where they are not drawn by chance but come from
    a file or another run; `corrections` that of the corrected digits (`Digits.digest`) that are learned
    from besides, where there are any. Raises SettingError for an event of a setting that cannot be changed
    on the way, of a value outside its limits, or before the event that it follows.
    """

    config: TrainingConfig
    events: tuple[Event, ...] = ()
    end: int | None = None
    weights: str | None = None
    corrections: str | None = None

    def __post_init__(self) -> None:
        if len(self.events) > MOST_EVENTS:
            raise SettingError(f"the recipe has {len(self.events):,} changes: at most {MOST_EVENTS:,} are allowed.")
        checked = []
        before = 0
        for event in self.events:
            step = _check_step(event.step, "a change", before)
            changes = check_changes({event.setting: event.value})
            checked.append(Event(step, event.setting, changes[event.setting]))
            before = step
        object.__setattr__(self, "events", tuple(checked))
        if self.end is not None:
            _check_step(self.end, "the end")
        for what, digest in (("weights", self.weights), ("corrections", self.corrections)):
            if digest is not None and not re.fullmatch("[0-9a-f]{64}", str(digest)):
                raise SettingError(f"the {what} of the recipe are {shown(digest)}: it must be 64 hexadecimal digits.")

    @property
    def final_config(self) -> TrainingConfig:
        """The settings once all is changed."""
        return self.config.with_changes(**{event.setting: event.value for event in self.events})

    def until(self, step: int) -> "Recipe":
        """Its beginning: what has happened once so many corrections are made; it goes on from there by itself."""
        return replace(self, events=tuple(event for event in self.events if event.step <= step), end=None)

    def with_event(self, step: int, setting: str, value: Any) -> "Recipe":
        """The same, and then one change more; it does not end where this one did."""
        return replace(self, events=(*self.events, Event(step, setting, value)), end=None)

    def with_seed(self, seed: int) -> "Recipe":
        """The same, with other chance in all of it."""
        return replace(self, config=self.config.with_changes(seed=seed))

    def require_whole(self) -> None:
        """Raise SettingError where it takes more than this to repeat the training."""
        if self.corrections is not None:
            raise SettingError(
                "the recipe learns from corrected digits, and has them not: import the whole run, which keeps them."
            )
        if self.weights is not None:
            raise SettingError("the recipe begins with weights from a file, and has them not: import the whole run.")

    def to_json(self) -> str:
        """All of it as one JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Recipe":
        """The recipe that `to_json` wrote; SettingError with a sentence for what is none."""
        try:
            values = json.loads(text) if len(text) <= MOST_BYTES else None
            if not isinstance(values, dict) or not isinstance(values["config"], dict):
                raise TypeError
            events = [Event(**event) for event in values["events"]]
            end, weights, corrections = values["end"], values.get("weights"), values.get("corrections")
        except (ValueError, LookupError, TypeError, RecursionError):
            raise SettingError(
                f'this is no recipe: it must be one JSON object of at most {MOST_BYTES / 2**20:.0f} MB with "config", '
                f'"events" and "end", as a run\'s page and "train --recipe" use them.'
            ) from None
        return cls(TrainingConfig().with_changes(**values["config"]), tuple(events), end, weights, corrections)


def check_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes of settings on the way, each value as its setting's own type; SettingError where one is not allowed."""
    for name in changes:
        if name not in STEERABLE:
            raise SettingError(
                f"{shown(name)} cannot be changed while a network learns: only {', '.join(STEERABLE)} can. "
                f"Start a new run instead."
            )
    return {name: SETTINGS[name].check(value) for name, value in changes.items()}


def require_epochs(epochs: int, begun: int, when: str = "") -> None:
    """Raise SettingError for fewer epochs than have begun; `when`, as " by then", says when, where that is not now."""
    if epochs < begun:
        raise SettingError(f"epochs is {epochs}: it must be at least {begun}, so many have begun{when}.")


def in_words(events: Iterable[Event], config: TrainingConfig) -> list[str]:
    """What each change was, for people: "learning rate 0.01 → 0.003"; `config` is that of the beginning."""
    said, now = [], asdict(config)
    for event in events:
        setting = SETTINGS[event.setting]
        said.append(f"{setting.term} {setting.show(now[event.setting])} → {setting.show(event.value)}")
        now[event.setting] = event.value
    return said


def _check_step(step: Any, what: str, low: int = 0) -> int:
    if isinstance(step, bool) or not isinstance(step, int) or not low <= step <= MOST_STEPS:
        raise SettingError(
            f"the step of {what} in the recipe is {shown(step)}: it must be a whole number from {low:,} to "
            f"{MOST_STEPS:,}, and no change may stand before an earlier one."
        )
    return step
