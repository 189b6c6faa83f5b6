"""Where there is ink in a picture: a drawing on a canvas, or paper before a camera.

On a canvas all of the paper has one colour, and ink is what has another. A photo has light and shadow, ruling, noise,
and a table beyond the paper's edge. What is measured there is how much darker a pixel is than the paper around it,
as a share: light falls on ink and paper alike, so that this share is the same in the sun and in a shadow. The paper
is found by grey-scale closing, which fills what is narrower than its window and keeps the edges of shadows
(Serra 1982); what differs little for its own neighbourhood is noise (Sauvola & Pietikainen 2000), and what is much
fainter than the strongest strokes is not the pen's (hysteresis, as in Canny 1986).
"""

import numpy as np
import scipy
from PIL import Image

from nnlib.digits.pictures import MAX_SIDE_PX
from nnlib.errors import DrawingError
from nnlib.words import number

# on a scale where black and white differ by 1
SEARCH_SIDE_PX = 1024  # a larger picture is reduced to at most this
N_FITS = 4  # of the paper's surface: each one sees more of the paper
MOST_BLUR_PX = 1.2  # against noise; more would wash away small digits in a large photo
FAINTEST_INK = 0.08  # with less contrast than this it is a shadow, dirt or noise
INK_TO_NOISE = 8  # ink differs from paper at least so many times more than most of the paper does


def find_ink(picture: np.ndarray) -> tuple[np.ndarray, int]:
    """How much ink there is, (h, w) float32, 0 on paper and 1 in a typical stroke, and how many times smaller
    than the picture that is; all 0 where there is none.

    `picture` is (h, w) grey, (h, w, 3) RGB or (h, w, 4) RGBA, uint8 or floats in [0, 1]. Raises
    DrawingError for any other array.
    """
    _check(picture)
    colours, reduction = _colours(picture)
    return _ink(colours), reduction


def _check(picture: np.ndarray) -> None:
    if not (picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] in (3, 4))) or picture.size == 0:
        shape = " x ".join(map(str, picture.shape)) or "a single number"
        raise DrawingError(f"the picture is {shape}: it must be height x width, with 3 or 4 colours or none.")
    height, width = picture.shape[:2]
    if max(height, width) > MAX_SIDE_PX:
        pixels = f"the picture has {width:,} x {height:,} pixels"
        raise DrawingError(f"{pixels}: {MAX_SIDE_PX:,} on a side is most, so shrink it.")
    if picture.dtype == np.uint8:
        return
    if not np.issubdtype(picture.dtype, np.floating):
        raise DrawingError(f"the picture is of type {picture.dtype}: it must be uint8, or floats from 0 to 1.")
    low, high = picture.min(), picture.max()
    if not (low >= 0 and high <= 1):  # also where they are nan
        span = f"from {number(low)} to {number(high)}" if np.isfinite([low, high]).all() else "that are not finite"
        values = f"the picture has values {span}"
        raise DrawingError(f"{values}: floats must be finite and from 0 to 1; divide by 255 what goes up to 255.")


def _colours(picture: np.ndarray) -> tuple[np.ndarray, int]:
    """(n, h, w) float32 in [0, 1], of a size to search, and how many times smaller that is.

    With transparency, colours are multiplied by it and it is a colour too: black ink on nothing then
    differs from nothing as much as white ink does.
    """
    reduction = -(-max(picture.shape[:2]) // SEARCH_SIDE_PX)
    layers = np.moveaxis(np.atleast_3d(picture), 2, 0)
    if len(layers) == 4 and layers[3].min() == layers[3].max():
        layers = layers[:3] if layers[3].any() else layers[3:]
    if len(layers) == 3 and (layers[0] == layers[1]).all() and (layers[0] == layers[2]).all():
        layers = layers[:1]

    def scaled(layer: np.ndarray) -> np.ndarray:
        return layer.astype(np.float32) / np.float32(255 if picture.dtype == np.uint8 else 1)

    opacity = scaled(layers[3]) if len(layers) == 4 else np.float32(1)
    reduced = []
    for index, layer in enumerate(layers):
        colour = scaled(layer) * opacity if index < 3 else opacity
        reduced.append(np.asarray(Image.fromarray(colour).reduce(reduction)))
    return np.stack(reduced), reduction


def _ink(colours: np.ndarray) -> np.ndarray:
    """How much ink each pixel holds, (h, w): 0 on paper, 1 in a typical stroke; all 0 if there is none.

    The paper may be unevenly lit: it is a quadratic surface through all that is near it. At first,
    that is what is near the border's colour.
    """

    def measure(paper: np.ndarray) -> tuple[np.ndarray, float]:
        ink = np.abs(smooth - paper).max(axis=0)
        return ink, float(np.median(ink[ink >= ink.max() / 2]))

    n_colours, height, width = colours.shape
    blur_px = min(max(height, width) / 400, MOST_BLUR_PX)
    smooth = scipy.ndimage.gaussian_filter(colours, (0, blur_px, blur_px)).reshape(n_colours, -1)
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y]).astype(np.float32).reshape(6, -1)
    on_border = (np.abs(terms[1]) == 1) | (np.abs(terms[2]) == 1)
    paper = np.median(smooth[:, on_border], axis=1, keepdims=True)
    for _ in range(N_FITS):
        ink, typical = measure(paper)
        known = np.flatnonzero(ink <= typical / 2)
        known = known[:: 1 + len(known) // 4096]
        paper = np.linalg.lstsq(terms[:, known].T, smooth[:, known].T)[0].T @ terms
    ink, typical = measure(paper)
    noise = ink[ink <= typical / 2]
    if typical < FAINTEST_INK or not len(noise) or typical < INK_TO_NOISE * np.median(noise):
        return np.zeros((height, width), np.float32)
    return (ink / typical).clip(0, 1).reshape(height, width)
