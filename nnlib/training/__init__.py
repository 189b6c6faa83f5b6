"""One training, in this process: its settings, its steps, and the second process that shares its work."""

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
from nnlib.training.trainer import EpochRecord, Progress, Trainer, split, what_is_wrong

__all__ = [
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
    "nearest_setting",
    "split",
    "what_is_wrong",
]
