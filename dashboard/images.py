"""Arrays to pictures: digits, and weights in colours. Pure functions: numpy in, numpy or PNG out.

A pixel of an array is a pixel of the PNG, in one byte: the browser enlarges it, which costs nothing to send.
"""

import base64
import io
import math

import numpy as np
from PIL import Image

from nnlib.digits import SIDE

GAP = 2  # pixels between two tiles
PAPER = 255
# blue and orange are told apart with every kind of colour vision; both show on white and on black
NEGATIVE, POSITIVE = (48, 116, 250), (238, 104, 16)
STRENGTHS = 31  # steps from no colour to the full one: more would be sent, and not seen
GRID = 2 * STRENGTHS + 1  # the palette's place after the weights': what lies between their pictures


def digit_pictures(images: np.ndarray) -> np.ndarray:
    """(n, 784) in [0, 1] -> (n, 28, 28, 3) uint8: dark ink on white paper."""
    return np.repeat(_grey(images)[..., None], 3, axis=-1)


def digit_sheet(images: np.ndarray, columns: int) -> bytes:
    """(n, 784) in [0, 1] -> a PNG of the digits in rows of `columns`: dark ink on white paper."""
    return png(tiles(_grey(images), columns))


def weight_sheet(weights: np.ndarray, limit: float, columns: int) -> bytes:
    """(784, n) weights -> a PNG of n pictures in rows of `columns`: orange above zero, blue below.

    The nearer to zero, the clearer: so the same picture lies on light and dark paper. `limit` is the weight,
    and minus it the weight, that gets the full colour; what is beyond it does too.
    """
    steps = np.clip(weights.T.reshape(-1, SIDE, SIDE) / limit, -1, 1) * STRENGTHS
    sheet = tiles((np.round(steps) + STRENGTHS).astype(np.uint8), columns, GRID, missing=STRENGTHS)
    return png(sheet, PALETTE)


def _palette() -> np.ndarray:
    strengths = np.linspace(-1, 1, 2 * STRENGTHS + 1)
    colours = [(*(NEGATIVE if strength < 0 else POSITIVE), round(255 * abs(strength))) for strength in strengths]
    return np.array([*colours, (128, 136, 156, 40)], np.uint8)


PALETTE = _palette()  # (n, 4) uint8: red, green, blue, and how much it covers


def weight_limit(weights: np.ndarray) -> float:
    """The limit at which few weights are cut off and most still show: the 99.5th percentile of their size."""
    return float(np.percentile(np.abs(weights), 99.5)) or 1.0


def tiles(pictures: np.ndarray, columns: int, between: int = PAPER, missing: int = PAPER) -> np.ndarray:
    """(n, h, w, ...) pictures in rows of `columns`, as one: `between` in the gaps, `missing` where none is left."""
    n, height, width, *channels = pictures.shape
    rows = math.ceil(n / columns)
    spaced = np.full((rows * columns, height + GAP, width + GAP, *channels), between, pictures.dtype)
    spaced[:n, :height, :width] = pictures
    spaced[n:] = missing
    grid = spaced.reshape(rows, columns, height + GAP, width + GAP, *channels).swapaxes(1, 2)
    sheet = grid.reshape(rows * (height + GAP), columns * (width + GAP), *channels)
    return sheet[: max(0, len(sheet) - GAP), :-GAP]


def enlarge(picture: np.ndarray, factor: int) -> np.ndarray:
    """Every pixel as a square of factor x factor: sharp, as the network sees it."""
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def png(picture: np.ndarray, palette: np.ndarray | None = None) -> bytes:
    """A picture as a PNG: (h, w) of greys or, with a (n, 4) palette, of places in it; or (h, w, 3 or 4)."""
    image, file = Image.fromarray(picture), io.BytesIO()
    options = {}
    if palette is not None:
        image = Image.frombytes("P", image.size, image.tobytes())
        image.putpalette(palette[:, :3].tobytes())
        options["transparency"] = palette[:, 3].tobytes()
    image.save(file, "PNG", compress_level=1, **options)  # the other levels take longer, and save next to nothing
    return file.getvalue()


def png_uri(file: bytes) -> str:
    """A PNG as a data: address, which a figure or a page can hold."""
    return "data:image/png;base64," + base64.b64encode(file).decode()


def _grey(images: np.ndarray) -> np.ndarray:
    return np.round(255 * (1 - images.reshape(-1, SIDE, SIDE))).astype(np.uint8)
