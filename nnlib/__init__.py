"""A neural network in numpy that reads handwritten digits, and all that can be done with it."""

from nnlib.config import PRESETS, SETTINGS, TrainingConfig
from nnlib.drawing import find_digits, read_picture
from nnlib.errors import NnlibError
from nnlib.evaluation import evaluate
from nnlib.mnist import load_mnist
from nnlib.model_files import Model, load_model, load_pretrained, save_model
from nnlib.network import Network
from nnlib.training import EpochRecord, Progress, Trainer

__all__ = [
    "PRESETS",
    "SETTINGS",
    "EpochRecord",
    "Model",
    "Network",
    "NnlibError",
    "Progress",
    "Trainer",
    "TrainingConfig",
    "evaluate",
    "find_digits",
    "load_mnist",
    "load_model",
    "load_pretrained",
    "read_picture",
    "save_model",
]
