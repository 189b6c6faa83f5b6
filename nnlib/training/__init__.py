"""One training, in this process: its settings, its steps, and the second process that shares its work."""

from nnlib.training.advice import SHAPING, Advice, advise
from nnlib.training.blas import kernel_environment, start_anew_with_better_kernel
from nnlib.training.config import (
    MAX_HIDDEN_LAYERS,
    MNIST_TRAINING_DIGITS,
    PRESETS,
    SETTINGS,
    Preset,
    Setting,
    TrainingConfig,
    describe,
    nearest_setting,
)
from nnlib.training.rate_finder import (
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
from nnlib.training.recipe import MOST_BYTES, STEERABLE, Event, Recipe, check_changes, in_words
from nnlib.training.trainer import (
    EARLY_STEPS,
    Ending,
    EpochRecord,
    Progress,
    Trainer,
    split,
)

__all__ = [
    "EARLY_STEPS",
    "LOWEST_RATE",
    "MAX_HIDDEN_LAYERS",
    "MNIST_TRAINING_DIGITS",
    "MOST_BYTES",
    "MOST_POINTS",
    "MOST_TRIALS",
    "PRESETS",
    "ROUND_RATES",
    "SETTINGS",
    "SHAPING",
    "STEERABLE",
    "Advice",
    "Ending",
    "EpochRecord",
    "Event",
    "Preset",
    "Progress",
    "RatePoint",
    "RateSuggestion",
    "RateTrial",
    "Recipe",
    "Setting",
    "Trainer",
    "TrainingConfig",
    "advise",
    "check_changes",
    "describe",
    "find_rate",
    "in_words",
    "kernel_environment",
    "nearest_setting",
    "smooth",
    "split",
    "start_anew_with_better_kernel",
]
