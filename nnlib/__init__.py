"""A neural network in numpy that reads handwritten digits, and all that can be done with it."""

from nnlib.digits import load_mnist, read_picture
from nnlib.errors import NnlibError
from nnlib.model_files import Model, load_model, load_pretrained, save_model
from nnlib.network import Network
from nnlib.reading import ReadDigit, Reading, read_digits
from nnlib.study import evaluate
from nnlib.training import PRESETS, SETTINGS, EpochRecord, Progress, Trainer, TrainingConfig

__version__ = "0.1.0"  # the one place that says so

__all__ = [
    "PRESETS",
    "SETTINGS",
    "EpochRecord",
    "Model",
    "Network",
    "NnlibError",
    "Progress",
    "ReadDigit",
    "Reading",
    "Trainer",
    "TrainingConfig",
    "evaluate",
    "load_mnist",
    "load_model",
    "load_pretrained",
    "read_digits",
    "read_picture",
    "save_model",
]
