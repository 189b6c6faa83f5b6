"""What a network reads: MNIST's digits, what varies them, and how a drawing or a photo becomes one of them."""

from nnlib.digits.augmentation import OtherHands, rewrite, vary
from nnlib.digits.drawing import with_mnist_strokes
from nnlib.digits.mnist import N_CLASSES, N_PIXELS, PACKAGED, SIDE, DataSet, Digits, load_mnist
from nnlib.digits.pictures import MAX_FILE_BYTES, open_picture, read_picture

__all__ = [
    "MAX_FILE_BYTES",
    "N_CLASSES",
    "N_PIXELS",
    "PACKAGED",
    "SIDE",
    "DataSet",
    "Digits",
    "OtherHands",
    "load_mnist",
    "open_picture",
    "read_picture",
    "rewrite",
    "vary",
    "with_mnist_strokes",
]
