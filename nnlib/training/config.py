"""The settings of a training: one table of limits, units and meanings, and the presets made from it.

Whatever checks, explains or offers a setting (validation, `--help`, the page's controls) reads
`SETTINGS`, which is made of the fields of `TrainingConfig`: a new setting is one field.
"""

import difflib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, get_args

from nnlib.errors import SettingError
from nnlib.network import Activation, OptimizerName, Schedule
from nnlib.words import exact, shown

MNIST_TRAINING_DIGITS = 60_000
MAX_HIDDEN_LAYERS = 6


@dataclass(frozen=True)
class Setting:
    """What one setting means and may be.

    `label` says it in plain English, `term` is the field's word for it, `help` explains it to someone
    who has never heard of it. A number lies between `low` and `high`; with `above`, `low` itself is
    out; `step` is a sensible change of it. A word is one of `choices`, which maps each to what a page
    calls it. What is `steerable` can be changed while a training is under way.
    """

    name: str
    label: str
    term: str
    help: str
    default: Any
    low: float = 0
    high: float = 0
    above: bool = False
    step: float = 1
    unit: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    advice: str = ""
    steerable: bool = False

    @property
    def kind(self) -> type:
        """int, float, str or tuple (of integers)."""
        return type(self.default)

    @property
    def limits(self) -> str:
        """The allowed values, as the end of a sentence: "above 0 and at most 10"."""
        if self.choices:
            *most, last = (
                # the word to be given, and what a page calls it where that is more
                word if label.lower() == word else f"{word} ({label})"
                for word, label in self.choices.items()
            )
            return f"one of {', '.join(most)} or {last}"
        if self.kind is tuple:
            return (
                f"1 to {MAX_HIDDEN_LAYERS} whole numbers from {self.low:,} to {self.high:,} with commas between, "
                f"like 128,64,64"
            )
        kind = "a whole number" if self.kind is int else "a number"
        unit = f" {self.unit}" if self.unit else ""
        if self.above:
            return f"{kind} above {self.low:,} and at most {self.high:,}{unit}"
        return f"{kind} from {self.low:,} to {self.high:,}{unit}"

    def show(self, value: Any) -> str:
        """A value as people read it, all of it: "128,64,64", "Adam", "0.00001", "60,000"."""
        if self.choices:
            return self.choices[value]
        if self.kind is tuple:
            return ",".join(map(str, value))
        if self.kind is float:
            return exact(value)
        return f"{value:,}" if self.unit else str(value)

    def check(self, value: Any) -> Any:
        """The value, as this setting's own type; SettingError with the range where it is not allowed."""
        try:
            return self._read(value)
        except (TypeError, ValueError, OverflowError):
            comma = isinstance(value, str) and self.kind is float and re.fullmatch(r"\s*\d+,\d+\s*", value)
            way_out = f"Write {value.strip().replace(',', '.')}." if comma else self.advice
            said = shown(value.strip() if isinstance(value, str) else value)
            sentence = f"{self.name} is {said}: it must be {self.limits}. {way_out}"
            raise SettingError(sentence.strip()) from None

    def _read(self, value: Any) -> Any:
        if self.choices:
            if value not in self.choices:
                raise ValueError
            return value
        if self.kind is tuple:
            parts = value.split(",") if isinstance(value, str) else value
            if not isinstance(parts, list | tuple) or not 1 <= len(parts) <= MAX_HIDDEN_LAYERS:
                raise ValueError
            return tuple(self._read_number(part, int) for part in parts)
        return self._read_number(value, self.kind)

    def _read_number(self, value: Any, kind: type) -> Any:
        if isinstance(value, bool | bytes):
            raise ValueError
        if isinstance(value, str) and re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+", value):  # as limits are written
            value = value.replace(",", "")
        number = kind(value)
        if kind is int and number != float(value):
            raise ValueError
        # nothing compares with NaN: it is refused here too
        if not (self.low <= number <= self.high) or (self.above and number == self.low):
            raise ValueError
        return number


def nearest_setting(name: str) -> str | None:
    """The setting that a name most likely stands for: "lr" for learning_rate, "batch" for batch_size."""
    words = re.findall("[a-z0-9]+", name.lower())
    asked = "_".join(words)
    for setting in SETTINGS:
        if asked in ("".join(part[0] for part in setting.split("_")), setting.replace("_", "")):
            return setting
    close = difflib.get_close_matches(asked, SETTINGS, 1)
    parts = [setting for setting in SETTINGS if set(setting.split("_")) & set(words)]
    return next(iter([*close, *parts]), None)


def _require_known(names: Iterable[str]) -> None:
    for name in names:
        if name not in SETTINGS:
            nearest = nearest_setting(name)
            hint = f"did you mean {nearest}? The" if nearest else "the"
            raise SettingError(f"there is no setting {shown(name)}: {hint} settings are {', '.join(SETTINGS)}.")


def _setting(default: Any, label: str, term: str, help: str, **limits: Any) -> Any:
    return field(default=default, metadata={"label": label, "term": term, "help": help, **limits})


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a training. With the same config, data and machine, its curve is the same.

    Raises SettingError, with the value and the allowed range, for a value outside the limits, and for a
    name that is no setting.
    """

    hidden_widths: tuple[int, ...] = _setting(
        (128, 64, 64),
        "Size of the hidden layers",
        "hidden widths",
        "The hidden layers lie between the picture and the ten answers: how many units (small detectors) has each, "
        "from the first to the last? More units can tell more apart, and take longer.",
        low=1,
        high=1024,
        unit="units",
    )
    activation: Activation = _setting(
        "relu",
        "How a unit responds",
        "activation",
        "A unit adds up what comes in; this decides what it passes on. ReLU passes on a sum above zero as it is, and "
        "otherwise nothing; it is the usual choice.",
        choices={"relu": "ReLU", "leaky_relu": "Leaky ReLU", "sigmoid": "Sigmoid", "tanh": "Tanh"},
    )
    optimizer: OptimizerName = _setting(
        "adam",
        "How a correction is made",
        "optimizer",
        "Adam and RMSprop find out for every weight by itself how far to move it; SGD moves all of them by the same "
        "measure. Adam is the usual choice.",
        choices={"adam": "Adam", "rmsprop": "RMSprop", "sgd": "SGD"},
    )
    learning_rate: float = _setting(
        0.001,
        "How big each correction is",
        "learning rate",
        "Too small and it learns slowly; too big and it overshoots and may never settle.",
        low=0,
        above=True,
        high=10,
        advice="Adam and RMSprop work well near 0.001, SGD with momentum 0.9 near 0.02, SGD without momentum near 0.1.",
        steerable=True,
    )
    schedule: Schedule = _setting(
        "constant",
        "How the size of the corrections changes over time",
        "learning-rate schedule",
        "Large corrections first and small ones at the end often lead further than corrections of one size.",
        choices={
            "constant": "Constant",
            "step": "Halved after each quarter",
            "cosine": "Cosine: slowly down to zero",
            "one_cycle": "One cycle: up, then down",
        },
        steerable=True,
    )
    epochs: int = _setting(
        10,
        "How often it sees every digit",
        "epochs",
        "One epoch is one look at every training digit. More epochs teach it more, until it only learns them by heart.",
        low=1,
        high=1000,
        unit="epochs",
        steerable=True,
    )
    batch_size: int = _setting(
        128,
        "Digits looked at before each correction",
        "batch size",
        "With few digits in a batch the corrections are many and shaky, with many they are few and sure. As many as "
        "there are training digits, or more: one correction an epoch, which is called full batch.",
        low=1,
        high=60_000,
        unit="digits",
        steerable=True,
    )
    momentum: float = _setting(
        0.9,
        "How much of the last correction carries over",
        "momentum",
        "Only for SGD: like a ball that keeps rolling, a correction goes on in the direction of those before it. "
        "0 is off, which is called plain SGD.",
        low=0,
        step=0.05,
        high=0.999,
        steerable=True,
    )
    l2: float = _setting(
        0.0,
        "Penalty on large weights",
        "L2 penalty",
        "Keeps the weights small, which can help with digits that it has never seen. 0 is off.",
        low=0,
        step=0.0001,
        high=1,
        steerable=True,
    )
    weight_decay: float = _setting(
        0.0,
        "How fast unused weights fade",
        "decoupled weight decay",
        "At each correction every weight also shrinks a little, and those that the digits do not need fade away (as in "
        "AdamW). 0 is off.",
        low=0,
        step=0.01,
        high=10,
        steerable=True,
    )
    dropout: float = _setting(
        0.0,
        "Share of units silenced at random",
        "dropout",
        "While it learns, some units are silent, others at every digit: so none can rely on a single other one. 0 is "
        "off, 0.2 silences one in five.",
        low=0,
        step=0.05,
        high=0.9,
        steerable=True,
    )
    label_smoothing: float = _setting(
        0.0,
        "How much doubt is asked of it",
        "label smoothing",
        "Asks it to be a little less than certain, so that what it says of its own certainty stays honest. 0 is off.",
        low=0,
        step=0.05,
        high=0.5,
        steerable=True,
    )
    augmentation: float = _setting(
        0.0,
        "How much the digits are varied",
        "augmentation",
        "Shows every digit turned, slanted, bent, thinner or thicker, and some written in other hands: never the same "
        "twice. It learns more slowly, and more. 0 is off, 1 is usual, 2 is wild.",
        low=0,
        high=2,
        step=0.1,
        steerable=True,
    )
    patience: int = _setting(
        0,
        "Epochs without progress until it stops (0: off)",
        "patience",
        "It stops by itself once so many epochs in a row have read no more of the new digits than the best one before "
        "them (early stopping). 0 is off.",
        low=0,
        high=1000,
        unit="epochs",
        steerable=True,
    )
    target_accuracy: float = _setting(
        0.0,
        "Share of new digits read right at which it stops (0: off)",
        "target accuracy",
        "It stops by itself after the first epoch that reads so many percent of the new (validation) digits right. "
        "0 is off.",
        low=0,
        step=0.5,
        high=100,
        unit="%",
        steerable=True,
    )
    time_limit: float = _setting(
        0.0,
        "Time after which it stops (0: off)",
        "time limit",
        "It stops by itself once it has trained for so long, pauses not counted. 0 is off.",
        low=0,
        high=86_400,
        step=10,
        unit="seconds",
        steerable=True,
    )
    training_digits: int = _setting(
        55_000,
        "Digits to learn from",
        "training digits",
        "With fewer, an epoch is shorter, but it learns more of them by heart: the curves of these and of new digits "
        "then part.",
        low=100,
        high=59_900,
        unit="digits",
    )
    validation_digits: int = _setting(
        5_000,
        "Digits held back to check it",
        "validation digits",
        "Taken from the end of the training digits and never learned from: they show how well it reads new digits.",
        low=100,
        high=20_000,
        unit="digits",
    )
    seed: int = _setting(
        1,
        "Number that decides all chance",
        "random seed",
        "All that is random follows from it: the same number gives the same first weights, the same order of digits, "
        "and so the same curve.",
        low=0,
        high=2**32 - 1,
    )

    def __new__(cls, *values: Any, **named: Any) -> "TrainingConfig":
        # the generated __init__ would answer an unknown name in words for programmers
        _require_known(named)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for name, setting in SETTINGS.items():
            object.__setattr__(self, name, setting.check(getattr(self, name)))
        total = self.training_digits + self.validation_digits
        if total > MNIST_TRAINING_DIGITS:
            raise SettingError(
                f"training_digits and validation_digits are {total:,} together: there are {MNIST_TRAINING_DIGITS:,} "
                f"digits to share, so lower one of them."
            )

    @property
    def steps_per_epoch(self) -> int:
        """How many corrections an epoch has: its last batch may be smaller."""
        return math.ceil(self.training_digits / self.batch_size)

    def with_changes(self, /, **changes: Any) -> "TrainingConfig":
        """A copy with some settings changed; SettingError for a name that is no setting."""
        _require_known(changes)
        return replace(self, **changes)

    def to_json(self) -> str:
        """All settings as one JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "TrainingConfig":
        """The config that `to_json` wrote; a setting it does not name has its default."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise SettingError("the settings are not readable: they must be one JSON object.")
        return cls().with_changes(**values)


SETTINGS: dict[str, Setting] = {
    each.name: Setting(name=each.name, default=each.default, **each.metadata) for each in fields(TrainingConfig)
}
assert tuple(SETTINGS["activation"].choices) == get_args(Activation)
assert tuple(SETTINGS["optimizer"].choices) == get_args(OptimizerName)
assert tuple(SETTINGS["schedule"].choices) == get_args(Schedule)


@dataclass(frozen=True)
class Preset:
    """A config with a name, and what it is good for."""

    config: TrainingConfig
    purpose: str


PRESETS: dict[str, Preset] = {
    "quick": Preset(
        TrainingConfig(epochs=10, batch_size=32),
        "A first look: a few seconds, and it reads more than 95 of 100 digits.",
    ),
    "standard": Preset(
        TrainingConfig(epochs=30, batch_size=64, schedule="one_cycle", learning_rate=0.003, weight_decay=0.05),
        "The one to compare with: well under a minute on a laptop, and it reads about 98 of 100 digits.",
    ),
    "best": Preset(
        TrainingConfig(
            epochs=300,
            batch_size=128,
            schedule="one_cycle",
            learning_rate=0.004,
            weight_decay=0.05,
            label_smoothing=0.05,
            augmentation=1.0,
        ),
        "As the pretrained network was made, every digit varied anew in every epoch: a few minutes, and it reads about "
        "99 of 100 digits.",
    ),
    "original": Preset(
        TrainingConfig(epochs=301, batch_size=60_000, learning_rate=0.01),
        "The first settings of this project, all digits in one batch, 301 times: a few minutes, with long flat "
        "stretches.",
    ),
}


def describe(config: TrainingConfig) -> str:
    """A short name: the preset that it is nearest to, and what is different in it.

    "quick", or "quick, learning rate 0.01, hidden widths 64,32".
    """
    differences = {
        name: [setting for setting in SETTINGS.values() if _differs(setting.name, config, preset.config)]
        for name, preset in PRESETS.items()
    }
    nearest = min(differences, key=lambda name: len(differences[name]))
    changed = [f"{setting.term} {setting.show(getattr(config, setting.name))}" for setting in differences[nearest]]
    return ", ".join([nearest, *changed])


def _differs(name: str, one: TrainingConfig, other: TrainingConfig) -> bool:
    return getattr(one, name) != getattr(other, name)
