"""The mathematics: layers in a row, a loss, and the optimizers that correct it. numpy, and nothing else."""

from nnlib.network.layers import ACTIVATIONS, Activation, Dense, Dropout, Layer, Softmax
from nnlib.network.losses import CategoricalCrossEntropy, Loss
from nnlib.network.network import ROWS_AT_ONCE, Network, count_parameters
from nnlib.network.optimizers import OPTIMIZERS, SGD, Adam, Optimizer, OptimizerName, RMSprop, Schedule, schedule_factor

__all__ = [
    "ACTIVATIONS",
    "OPTIMIZERS",
    "ROWS_AT_ONCE",
    "SGD",
    "Activation",
    "Adam",
    "CategoricalCrossEntropy",
    "Dense",
    "Dropout",
    "Layer",
    "Loss",
    "Network",
    "Optimizer",
    "OptimizerName",
    "RMSprop",
    "Schedule",
    "Softmax",
    "count_parameters",
    "schedule_factor",
]
