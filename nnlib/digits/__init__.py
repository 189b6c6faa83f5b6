"""What a network reads: MNIST's digits, what varies them, and how a drawing or a photo becomes one of them."""

from nnlib.digits.augmentation import OtherHands, vary
from nnlib.digits.cutting import Box, Candidate, Row, cut_rows
from nnlib.digits.drawing import as_picture, inked_box, stroke_width, usual_side, with_mnist_strokes
from nnlib.digits.hands import write
from nnlib.digits.ink import find_ink
from nnlib.digits.mnist import (
    N_CLASSES,
    N_PIXELS,
    NO_DIGITS,
    NUMBERS,
    PACKAGED,
    SIDE,
    DataSet,
    Digits,
    idx_files,
    load_mnist,
    load_part,
)
from nnlib.digits.non_digits import draw_kinds
from nnlib.digits.pictures import MAX_FILE_BYTES, open_picture, read_picture

__all__ = [
    "MAX_FILE_BYTES",
    "NO_DIGITS",
    "NUMBERS",
    "N_CLASSES",
    "N_PIXELS",
    "PACKAGED",
    "SIDE",
    "Box",
    "Candidate",
    "DataSet",
    "Digits",
    "OtherHands",
    "Row",
    "as_picture",
    "cut_rows",
    "draw_kinds",
    "find_ink",
    "idx_files",
    "inked_box",
    "load_mnist",
    "load_part",
    "open_picture",
    "read_picture",
    "stroke_width",
    "usual_side",
    "vary",
    "with_mnist_strokes",
    "write",
]
