"""Arrays to pictures: digits, and weights in colours. Pure functions: numpy in, numpy or PNG out."""

import base64
import io
import math

import numpy as np
from PIL import Image

from nnlib.digits import SIDE

GAP = 2  # pixels between two tiles, before enlarging
# negative, zero, positive: blue and orange are told apart with every kind of colour vision
DIVERGING = np.array([[33, 76, 161], [125, 164, 222], [250, 250, 250], [240, 160, 96], [178, 66, 8]], np.float32)


def digit_pictures(images: np.ndarray) -> np.ndarray:
    """(n, 784) in [0, 1] -> (n, 28, 28, 3) uint8: dark ink on white paper."""
    grey = np.round(255 * (1 - images.reshape(-1, SIDE, SIDE))).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)


def weight_pictures(weights: np.ndarray, limit: float) -> np.ndarray:
    """(784, n) weights -> (n, 28, 28, 3) uint8: orange above zero, blue below, white at zero.

    `limit` is the weight, and minus it the weight, that gets the full colour; what is beyond it does too.
    """
    position = np.clip(weights.T.reshape(-1, SIDE, SIDE) / limit, -1, 1) * 2 + 2
    anchors = np.arange(len(DIVERGING))
    channels = [np.interp(position, anchors, DIVERGING[:, channel]) for channel in range(3)]
    return np.round(np.stack(channels, axis=-1)).astype(np.uint8)


def weight_limit(weights: np.ndarray) -> float:
    """The limit at which few weights are cut off and most still show: the 99.5th percentile of their size."""
    return float(np.percentile(np.abs(weights), 99.5)) or 1.0


def tiles(pictures: np.ndarray, columns: int) -> np.ndarray:
    """(n, h, w, 3) pictures in rows of `columns`, as one RGBA picture with clear gaps between them."""
    n, height, width, _ = pictures.shape
    rows = math.ceil(n / columns)
    sheet = np.zeros((max(0, rows * (height + GAP) - GAP), columns * (width + GAP) - GAP, 4), np.uint8)
    for index, picture in enumerate(pictures):
        top, left = (index // columns) * (height + GAP), (index % columns) * (width + GAP)
        sheet[top : top + height, left : left + width, :3] = picture
        sheet[top : top + height, left : left + width, 3] = 255
    return sheet


def enlarge(picture: np.ndarray, factor: int) -> np.ndarray:
    """Every pixel as a square of factor x factor: sharp, as the network sees it."""
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def png_uri(picture: np.ndarray) -> str:
    """A picture (h, w, 3 or 4) as a data: address that a figure can hold."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
