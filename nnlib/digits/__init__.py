"""What a network reads: MNIST's digits, what varies them, and how a drawing or a photo becomes one of them."""

from nnlib.digits.augmentation import NOWHERE, OtherHands, rewrite, vary
from nnlib.digits.drawing import FoundDigit, find_digits, with_mnist_strokes
from nnlib.digits.mnist import (
    N_CLASSES,
    N_PIXELS,
    NO_DIGITS,
    PACKAGED,
    SIDE,
    DataSet,
    Digits,
    idx_files,
    load_mnist,
    load_part,
)
from nnlib.digits.pictures import MAX_FILE_BYTES, read_picture

__all__ = [
    "MAX_FILE_BYTES",
    "NOWHERE",
    "NO_DIGITS",
    "N_CLASSES",
    "N_PIXELS",
    "PACKAGED",
    "SIDE",
    "DataSet",
    "Digits",
    "FoundDigit",
    "OtherHands",
    "find_digits",
    "idx_files",
    "load_mnist",
    "load_part",
    "read_picture",
    "rewrite",
    "vary",
    "with_mnist_strokes",
]
