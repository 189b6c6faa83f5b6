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
from nnlib.training.recipe import MOST_BYTES, STEERABLE, Event, Recipe, check_changes, in_words
from nnlib.training.trainer import (
    EARLY_STEPS,
    Ending,
    EpochRecord,
    Progress,
    Trainer,
    split,
    what_is_wrong,
)

__all__ = [
    "EARLY_STEPS",
    "MAX_HIDDEN_LAYERS",
    "MNIST_TRAINING_DIGITS",
    "MOST_BYTES",
    "PRESETS",
    "SETTINGS",
    "STEERABLE",
    "Ending",
    "EpochRecord",
    "Event",
    "Preset",
    "Progress",
    "Recipe",
    "Setting",
    "Trainer",
    "TrainingConfig",
    "check_changes",
    "describe",
    "in_words",
    "kernel_environment",
    "nearest_setting",
    "split",
    "start_anew_with_better_kernel",
    "what_is_wrong",
]
