"""Where there is ink in a picture: a drawing on a canvas, or paper before a camera.

On a canvas most of the paper has one and the same colour, and ink is what has another. Anything else is a
photo, see `paper.py`. A photo is looked at in several sizes: in the largest, thin lines are seen, in a smaller
one those of a marker that fills the picture; the largest one counts in which there is about as much ink as in any.
"""

import numpy as np
import scipy
from PIL import Image

from nnlib.digits.paper import WIDEST_STROKE_PX, PaperInk, ink_on_paper, is_light_on_dark
from nnlib.digits.pictures import MAX_SIDE_PX
from nnlib.errors import DrawingError
from nnlib.words import number

SEARCH_SIDE_PX = 1024  # a larger picture is reduced to at most this
SMALLER = (2, 4, 8)  # how many times smaller a photo is looked at again
LEAST_PHOTO_SIDE_PX = 100  # what is smaller is searched as a canvas is
# shares that have the paper's very colour: light is never so even
LEAST_EVEN, LEAST_EVEN_BORDER = 0.5, 0.8  # of a canvas, and of its border
LEAST_EVEN_ALONE = 0.75  # of a canvas, if strokes go over its border
EVENNESS_SIDE_PX = 512
ENOUGH = 0.5  # of the ink that is seen at most
BAND_PIXELS = 2**22

# on a canvas, on a scale where black and white differ by 1
EVEN = 0.002  # by which most of an even paper differs from its colour, at most
N_FITS = 4  # of the paper's surface: each one sees more of the paper
MOST_BLUR_PX = 1.2
FAINTEST_INK = 0.08  # with less contrast than this it is a shadow, dirt or noise
INK_TO_NOISE = 8  # ink differs from paper at least so many times more than most of the paper does


def find_ink(picture: np.ndarray) -> tuple[np.ndarray, int]:
    """How much ink there is, (h, w) float32, 0 on paper and 1 in a typical stroke, and how many times smaller
    than the picture that is; all 0 where there is none.

    `picture` is (h, w) grey, (h, w, 3) RGB or (h, w, 4) RGBA, uint8 or floats in [0, 1], with up to MAX_SIDE_PX
    pixels a side. Raises DrawingError for any other array.
    """
    _check(picture)
    reduction = -(-max(picture.shape[:2]) // SEARCH_SIDE_PX)
    colours = _colours(picture, reduction)
    if min(colours.shape[1:]) < LEAST_PHOTO_SIDE_PX or _is_canvas(picture, colours):
        return _ink_on_canvas(colours), reduction
    looks: list[tuple[PaperInk, int]] = []
    for light in is_light_on_dark(colours):
        first = ink_on_paper(colours, light)
        looks.append((first, reduction))
        for smaller in SMALLER:
            # in a smaller look, lines are too thin and too near each other to be known for lines
            level, upright = (None if each is None else _smaller(each, smaller) for each in first.rulings)
            small = np.stack([_smaller(colour, smaller) for colour in colours])
            looks.append((ink_on_paper(small, light, (level, upright)), reduction * smaller))
    most = max(look.evidence for look, _ in looks)
    enough = [each for each in looks if each[0].evidence >= ENOUGH * most]
    # where all strokes are wider, the smallest size is the one in which they are seen best
    thin = [each for each in enough if each[0].stroke_px <= WIDEST_STROKE_PX] or enough[-1:]
    return thin[0][0].ink, thin[0][1]


def _smaller(layer: np.ndarray, times: int) -> np.ndarray:
    return np.asarray(Image.fromarray(layer).reduce(times))


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


def _colours(picture: np.ndarray, reduction: int) -> np.ndarray:
    """(n, h, w) float32 in [0, 1], so many times smaller; made in bands, since a large picture is too large as floats.

    With transparency, colours are multiplied by it and it is a colour too: black ink on nothing then
    differs from nothing as much as white ink does.
    """
    layers = np.moveaxis(np.atleast_3d(picture), 2, 0)
    if len(layers) == 4 and layers[3].min() == layers[3].max():
        layers = layers[:3] if layers[3].any() else layers[3:]
    white = np.float32(255 if picture.dtype == np.uint8 else 1)

    def reduced(band: np.ndarray) -> np.ndarray:
        if len(band) == 4:
            band = band / white
            band[:3] *= band[3]
            return np.stack([_smaller(each.astype(np.float32), reduction) for each in band])
        if band.dtype == np.uint8 and reduction > 1:  # as bytes it is several times faster
            return np.stack([_smaller(each, reduction) for each in band]) / white
        return np.stack([_smaller(each.astype(np.float32) / white, reduction) for each in band])

    height, width = picture.shape[:2]
    rows = reduction * max(1, BAND_PIXELS // (width * reduction))
    colours = np.concatenate([reduced(layers[:, top : top + rows]) for top in range(0, height, rows)], axis=1)
    if len(colours) == 3 and (colours[0] == colours[1]).all() and (colours[0] == colours[2]).all():
        colours = colours[:1]
    return colours


def _is_canvas(picture: np.ndarray, colours: np.ndarray) -> bool:
    """Whether it was drawn on a screen: partly transparent, or most of it of one and the same colour."""
    if len(colours) == 4:
        return True
    step = -(-max(picture.shape[:2]) // EVENNESS_SIDE_PX)
    pixels = np.atleast_3d(picture[::step, ::step])[..., :3]
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    paper = np.median(border, axis=0)
    # layer by layer: along so short a last axis, all() takes ten times as long
    shares = [
        np.logical_and.reduce([layer == own for layer, own in zip(np.moveaxis(each, -1, 0), paper, strict=True)]).mean()
        for each in (pixels, border)
    ]
    even, even_border = shares
    return bool((even >= LEAST_EVEN and even_border >= LEAST_EVEN_BORDER) or even >= LEAST_EVEN_ALONE)


def _ink_on_canvas(colours: np.ndarray) -> np.ndarray:
    """How much ink each pixel holds, (h, w): 0 on paper, 1 in a typical stroke; all 0 if there is none.

    The paper may be unevenly lit: it is a quadratic surface through all that is near it. At first,
    that is what is near the border's colour. Where most of the picture has this very colour, there is nothing to fit.
    """
    n_colours, height, width = colours.shape
    blur_px = min(max(height, width) / 400, MOST_BLUR_PX)
    smooth = scipy.ndimage.gaussian_filter(colours, (0, blur_px, blur_px))
    border = np.concatenate([smooth[:, 0], smooth[:, -1], smooth[:, :, 0], smooth[:, :, -1]], axis=1)
    smooth = smooth.reshape(n_colours, -1)
    paper = np.median(border, axis=1, keepdims=True)
    ink, typical = _measured(smooth, paper)
    if np.median(ink) > EVEN:
        ink, typical = _measured(smooth, _fitted(smooth, paper, (height, width)))
    noise = ink[ink <= typical / 2]
    if typical < FAINTEST_INK or not len(noise) or typical < INK_TO_NOISE * np.median(noise):
        return np.zeros((height, width), np.float32)
    return (ink / typical).clip(0, 1).reshape(height, width)


def _fitted(smooth: np.ndarray, paper: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The paper's colours, (n_colours, h * w), as a quadratic surface through what is near them."""
    height, width = size
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y]).astype(np.float32).reshape(6, -1)
    for _ in range(N_FITS):
        ink, typical = _measured(smooth, paper)
        known = np.flatnonzero(ink <= typical / 2)
        known = known[:: 1 + len(known) // 4096]
        paper = np.linalg.lstsq(terms[:, known].T, smooth[:, known].T)[0].T @ terms
    return paper


def _measured(smooth: np.ndarray, paper: np.ndarray) -> tuple[np.ndarray, float]:
    """How far each pixel is from the paper, (h * w,), and a typical stroke."""
    ink = np.abs(smooth - paper).max(axis=0)
    return ink, float(np.median(ink[ink >= ink.max() / 2]))
