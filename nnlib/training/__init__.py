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
from nnlib.training.trainer import EARLY_STEPS, EpochRecord, Progress, Trainer, split, what_is_wrong

__all__ = [
    "EARLY_STEPS",
    "MAX_HIDDEN_LAYERS",
    "MNIST_TRAINING_DIGITS",
    "PRESETS",
    "SETTINGS",
    "EpochRecord",
    "Preset",
    "Progress",
    "Setting",
    "Trainer",
    "TrainingConfig",
    "describe",
    "kernel_environment",
    "nearest_setting",
    "split",
    "start_anew_with_better_kernel",
    "what_is_wrong",
]
