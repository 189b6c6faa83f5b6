"""One training, in this process: its settings, its steps, and the second process that shares its work."""

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
from nnlib.training.trainer import EARLY_STEPS, EpochRecord, Progress, Trainer, split, what_is_wrong

__all__ = [
    "EARLY_STEPS",
    "LOWEST_RATE",
    "MAX_HIDDEN_LAYERS",
    "MNIST_TRAINING_DIGITS",
    "MOST_POINTS",
    "MOST_TRIALS",
    "PRESETS",
    "ROUND_RATES",
    "SETTINGS",
    "EpochRecord",
    "Preset",
    "Progress",
    "RatePoint",
    "RateSuggestion",
    "RateTrial",
    "Setting",
    "Trainer",
    "TrainingConfig",
    "describe",
    "find_rate",
    "kernel_environment",
    "nearest_setting",
    "smooth",
    "split",
    "start_anew_with_better_kernel",
    "what_is_wrong",
]
