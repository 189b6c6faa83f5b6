"""Arrays to pictures: digits, and weights in colours. Pure functions: numpy in, numpy or PNG out.

A pixel of an array is a pixel of the PNG, in a byte or two: the browser enlarges it, which costs nothing to send.
"""

import base64
import io
import math

import numpy as np
from PIL import Image

from nnlib.digits import SIDE

GAP = 2  # pixels between two tiles
# blue and orange are told apart with every kind of colour vision; both show on white and on black
NEGATIVE, POSITIVE = (48, 116, 250), (238, 104, 16)
UNIT = (92, 124, 250)  # the colour of a unit that reacts
STRENGTHS = 31  # steps from no colour to the full one: more would be sent, and not seen
GRID = 2 * STRENGTHS + 1  # the palette's place after the weights': what lies between their pictures


def digit_sheet(images: np.ndarray, columns: int, below: int = 0) -> bytes:
    """(n, 784) in [0, 1] -> a PNG of the digits in rows of `columns`: nothing but ink, which covers what is below.

    Under each digit, `below` rows of pixels are left empty.
    """
    digits = np.round(255 * images.reshape(-1, SIDE, SIDE)).astype(np.uint8)
    ink = tiles(np.pad(digits, ((0, 0), (0, below), (0, 0))), columns)
    return png(np.stack([np.zeros_like(ink), ink], axis=-1))


def weight_sheet(weights: np.ndarray, limit: float, columns: int) -> bytes:
    """(784, n) weights -> a PNG of n pictures in rows of `columns`: orange above zero, blue below.

    The nearer to zero, the clearer: so the same picture lies on light and dark paper. `limit` is the weight,
    and minus it the weight, that gets the full colour; what is beyond it does too.
    """
    steps = np.clip(weights.T.reshape(-1, SIDE, SIDE) / limit, -1, 1) * STRENGTHS
    sheet = tiles((np.round(steps) + STRENGTHS).astype(np.uint8), columns, GRID, missing=STRENGTHS)
    return png(sheet, PALETTE)


def strengths(values: np.ndarray, side: int) -> bytes:
    """(rows, columns) from 0 to 1 -> a PNG of a square of `side` pixels for each, the fuller in colour the stronger.

    Clear where a value is NaN, and between the squares.
    """
    covers = np.nan_to_num(255 * (0.1 + 0.9 * values)).astype(np.uint8)
    squares = np.zeros((*values.shape, side + 1, side + 1, 4), np.uint8)
    squares[:, :, :side, :side, :3] = UNIT
    squares[:, :, :side, :side, 3] = covers[:, :, None, None]
    rows, columns = values.shape
    sheet = squares.swapaxes(1, 2).reshape(rows * (side + 1), columns * (side + 1), 4)
    return png(sheet[:-1, :-1])


def _palette() -> np.ndarray:
    strengths = np.linspace(-1, 1, 2 * STRENGTHS + 1)
    colours = [(*(NEGATIVE if strength < 0 else POSITIVE), round(255 * abs(strength))) for strength in strengths]
    return np.array([*colours, (128, 136, 156, 40)], np.uint8)


PALETTE = _palette()  # (n, 4) uint8: red, green, blue, and how much it covers


def weight_limit(weights: np.ndarray) -> float:
    """The limit at which few weights are cut off and most still show: the 99.5th percentile of their size."""
    return float(np.percentile(np.abs(weights), 99.5)) or 1.0


def tiles(pictures: np.ndarray, columns: int, between: int = 0, missing: int = 0) -> np.ndarray:
    """(n, h, w, ...) pictures in rows of `columns`, as one: `between` in the gaps, `missing` where none is left."""
    n, height, width, *channels = pictures.shape
    rows = math.ceil(n / columns)
    spaced = np.full((rows * columns, height + GAP, width + GAP, *channels), between, pictures.dtype)
    spaced[:n, :height, :width] = pictures
    spaced[n:] = missing
    grid = spaced.reshape(rows, columns, height + GAP, width + GAP, *channels).swapaxes(1, 2)
    sheet = grid.reshape(rows * (height + GAP), columns * (width + GAP), *channels)
    return sheet[: max(0, len(sheet) - GAP), :-GAP]


def png(picture: np.ndarray, palette: np.ndarray | None = None) -> bytes:
    """A picture as a PNG: (h, w) of greys or, with a (n, 4) palette, of places in it; or (h, w, 2 to 4)."""
    image, file = Image.fromarray(picture), io.BytesIO()
    options = {}
    if palette is not None:
        image = Image.frombytes("P", image.size, image.tobytes())
        image.putpalette(palette[:, :3].tobytes())
        options["transparency"] = palette[:, 3].tobytes()
    image.save(file, "PNG", compress_level=1, **options)  # the other levels take longer, and save next to nothing
    return file.getvalue()


def uri(file: bytes) -> str:
    """A PNG or JPEG as a data: address, which a figure or a page can hold."""
    kind = "png" if file.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file).decode()}"


def ink_uri(ink: np.ndarray) -> str:
    """(h, w) uint8 of ink as the address of a PNG that covers what is below it, where there is ink."""
    return uri(png(np.stack([np.zeros_like(ink), ink], axis=-1)))
