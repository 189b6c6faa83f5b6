"""The settings of a training: one table of limits, units and meanings, and the presets made from it.

Whatever checks, explains or offers a setting (validation, `--help`, the page's controls) reads
`SETTINGS`, which is made of the fields of `TrainingConfig`: a new setting is one field.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, get_args

from nnlib.errors import SettingError
from nnlib.network import Activation, OptimizerName, Schedule

MNIST_TRAINING_DIGITS = 60_000
MAX_HIDDEN_LAYERS = 6


@dataclass(frozen=True)
class Setting:
    """What one setting means and may be.

    `label` says it in plain English, `term` is the field's word for it, `help` explains it to someone
    who has never heard of it. A number lies between `low` and `high`; with `above`, `low` itself is
    out; `step` is a sensible change of it. A word is one of `choices`, which maps each to what a page
    calls it.
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

    @property
    def kind(self) -> type:
        """int, float, str or tuple (of integers)."""
        return type(self.default)

    @property
    def limits(self) -> str:
        """The allowed values, as the end of a sentence: "above 0 and at most 10"."""
        if self.choices:
            *most, last = self.choices
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
        """A value as people read it: "128,64,64", "Adam", "0.001"."""
        if self.choices:
            return self.choices[value]
        if self.kind is tuple:
            return ",".join(map(str, value))
        return f"{value:g}" if self.kind is float else str(value)

    def check(self, value: Any) -> Any:
        """The value, as this setting's own type; SettingError with the range where it is not allowed."""
        try:
            return self._read(value)
        except (TypeError, ValueError, OverflowError):
            sentence = f"{self.name} is {_shown(value)}: it must be {self.limits}. {self.advice}"
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
        number = kind(value)
        if kind is int and number != float(value):
            raise ValueError
        # nothing compares with NaN: it is refused here too
        if not (self.low <= number <= self.high) or (self.above and number == self.low):
            raise ValueError
        return number


def _shown(value: Any) -> str:
    """The value as a person wrote it, cut short: it may be of any kind and size."""
    try:
        text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    except (ValueError, RecursionError):  # a whole number of thousands of digits; lists in lists without end
        return "not printable"
    return f"{text[:60]}..." if len(text) > 60 else text or "empty"


def _setting(default: Any, label: str, term: str, help: str, **limits: Any) -> Any:
    return field(default=default, metadata={"label": label, "term": term, "help": help, **limits})


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a training. With the same config, data and machine, its curve is the same.

    Raises SettingError, with the value and the allowed range, for a value outside the limits.
    """

    hidden_widths: tuple[int, ...] = _setting(
        (128, 64, 64),
        "Size of the hidden layers",
        "hidden widths",
        "How many units (small detectors) each hidden layer has, from the first to the last. "
        "More units can tell more apart, and take longer.",
        low=1,
        high=1024,
        unit="units",
    )
    activation: Activation = _setting(
        "relu",
        "How a unit responds",
        "activation",
        "What a unit puts out for what it sums up. ReLU, zero or the sum itself, is the usual choice.",
        choices={"relu": "ReLU", "leaky_relu": "Leaky ReLU", "sigmoid": "Sigmoid", "tanh": "Tanh"},
    )
    optimizer: OptimizerName = _setting(
        "adam",
        "How a correction is made",
        "optimizer",
        "Adam and RMSprop give every weight a step size of its own; SGD steps straight downhill.",
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
        advice="Adam works well near 0.001, plain SGD near 0.1.",
    )
    schedule: Schedule = _setting(
        "constant",
        "How the corrections change over time",
        "learning-rate schedule",
        "Large steps first and small ones at the end often finish better than steps of one size.",
        choices={
            "constant": "Constant",
            "step": "Halved after each quarter",
            "cosine": "Cosine: slowly down to zero",
            "one_cycle": "One cycle: up, then down",
        },
    )
    epochs: int = _setting(
        10,
        "How often it sees every digit",
        "epochs",
        "One epoch is one pass over all training digits.",
        low=1,
        high=1000,
        unit="epochs",
    )
    batch_size: int = _setting(
        128,
        "Digits looked at before each correction",
        "batch size",
        "Small batches correct often and shakily, large ones rarely and surely. "
        "As many as there are training digits, or more, is called full batch.",
        low=1,
        high=60_000,
        unit="digits",
    )
    momentum: float = _setting(
        0.9,
        "How much of the last correction carries over",
        "momentum",
        "Only for SGD: a rolling ball instead of a careful walker. 0 is plain SGD.",
        low=0,
        step=0.05,
        high=0.999,
    )
    l2: float = _setting(
        0.0,
        "Penalty on large weights",
        "L2 penalty",
        "Keeps weights small, which can help with digits it has never seen. 0 is off.",
        low=0,
        step=0.0001,
        high=1,
    )
    weight_decay: float = _setting(
        0.0,
        "How fast unused weights fade",
        "decoupled weight decay",
        "Shrinks every weight a little at each step, apart from the gradient (as in AdamW). 0 is off.",
        low=0,
        step=0.01,
        high=10,
    )
    dropout: float = _setting(
        0.0,
        "Share of units silenced at random",
        "dropout",
        "Units that cannot rely on each other learn sturdier features. 0 is off.",
        low=0,
        step=0.05,
        high=0.9,
    )
    label_smoothing: float = _setting(
        0.0,
        "How much doubt is asked of it",
        "label smoothing",
        "Aims for a little less than certainty, so that its probabilities stay honest. 0 is off.",
        low=0,
        step=0.05,
        high=0.5,
    )
    augmentation: float = _setting(
        0.0,
        "How much the digits are varied",
        "augmentation",
        "Shows every digit turned, slanted, bent, thinner or thicker, some 1s, 7s and 9s as other people write them, "
        "and never the same twice. It learns more slowly, and more. 0 is off, 1 is what people do, 2 is wild.",
        low=0,
        high=2,
        step=0.1,
    )
    training_digits: int = _setting(
        55_000,
        "Digits to learn from",
        "training digits",
        "With fewer it trains faster and learns more by heart: watch the two curves part.",
        low=100,
        high=59_900,
        unit="digits",
    )
    validation_digits: int = _setting(
        5_000,
        "Digits held back to check it",
        "validation digits",
        "Taken from the end of the training digits and never learned from: they show how it does on new ones.",
        low=100,
        high=20_000,
        unit="digits",
    )
    seed: int = _setting(
        1,
        "Number that decides all chance",
        "random seed",
        "The same seed gives the same first weights, the same order of digits and so the same curve.",
        low=0,
        high=2**32 - 1,
    )

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
        for name in changes:
            if name not in SETTINGS:
                raise SettingError(f"there is no setting {_shown(name)}: the settings are {', '.join(SETTINGS)}.")
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
        "As the pretrained network was made: every digit varied at each sight of it. A few minutes, 99 of 100.",
    ),
    "original": Preset(
        TrainingConfig(epochs=301, batch_size=60_000, learning_rate=0.01),
        "The first recipe of this project: all digits in one batch, 301 times. A few minutes, long flat stretches.",
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
