"""From a drawing, photo or scan to digits as MNIST would have them.

MNIST's digits were cut out, scaled to 20 pixels with their proportions kept, smoothed on the way,
and placed in 28 x 28 with their centre of mass in the middle (LeCun et al. 1998, section III.A). A
drawing is treated the same, and its strokes are made as wide as MNIST's, or it is misread.
"""

import io
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Lock

import numpy as np
import scipy
from PIL import Image, ImageOps

from nnlib.digits.mnist import CENTRE_PX, DIGIT_SIDE_PX, SIDE
from nnlib.errors import DrawingError
from nnlib.files import read_bytes
from nnlib.words import number, printable

MAX_PIXELS = 4096 * 4096
MAX_FILE_BYTES = 32 * 2**20
MAX_ASPECT = 100  # the larger side in terms of the smaller: more is no picture of digits, and no page can show it
USUAL_WHITES = (1, 255, 1023, 4095, 65_535)  # of floats, and of 8, 10, 12 and 16 bits
TIFF_STARTS = (b"II", b"MM")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")

STROKE_WIDTH_PX = 2.5  # the median of MNIST's, at half ink; one in ten has less than 1.8, one in ten more than 3.5

# finding the ink, on a scale where black and white differ by 1
SEARCH_SIDE_PX = 1024  # a larger picture is reduced to at most this
N_FITS = 4  # of the paper's surface: each one sees more of the paper
MOST_BLUR_PX = 1.2  # against noise; more would wash away small digits in a large photo
FAINTEST_INK = 0.08  # with less contrast than this it is a shadow, dirt or noise
INK_TO_NOISE = 8  # ink differs from paper at least so many times more than most of the paper does

# telling digits from specks and from each other
SPECK_AREA = 0.02  # of the largest blot of ink
SPECK_SIDE = 0.02  # of the picture's larger side
DIGIT_GAP = 0.1  # of the height of all ink; within 1,500 pen-drawn digits, the widest is half of this
DIGIT_HEIGHT = 0.6  # of the tallest digit's

WORK_SIDE_PX = 8 * DIGIT_SIDE_PX  # strokes are measured and redrawn at this size, whatever the picture's

Box = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True)
class FoundDigit:
    """A digit and where it was.

    `image` is (784,) float32 in [0, 1], 0 being paper and 1 ink, and read-only; `box` is left, top,
    right, bottom in pixels of the picture, the last two exclusive.
    """

    image: np.ndarray
    box: Box


def find_digits(picture: np.ndarray) -> list[FoundDigit]:
    """The digits in a picture, from left to right; none where there is no ink.

    `picture` is (h, w) grey, (h, w, 3) RGB or (h, w, 4) RGBA, uint8 or floats in [0, 1]. Paper is
    what the picture's border shows, and ink what differs from it: any colours do, and so do a
    transparent canvas and uneven light. Strokes that do not touch are one digit, unless a wide gap
    parts them into pieces of about the same height. Raises DrawingError for any other array.
    """
    _check(picture)
    colours, reduction = _colours(picture)
    height, width = picture.shape[:2]
    digits = []
    for ink, (left, top, right, bottom) in _pieces(_ink(colours)):
        image = _as_mnist(ink)
        image.flags.writeable = False
        right, bottom = min(right * reduction, width), min(bottom * reduction, height)
        box = (left * reduction, top * reduction, right, bottom)
        digits.append(FoundDigit(image, box))
    return digits


def _check(picture: np.ndarray) -> None:
    if not (picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] in (3, 4))) or picture.size == 0:
        shape = " x ".join(map(str, picture.shape)) or "a single number"
        raise DrawingError(f"the picture is {shape}: it must be height x width, with 3 or 4 colours or none.")
    height, width = picture.shape[:2]
    if height * width > MAX_PIXELS:
        raise DrawingError(f"the picture has {width:,} x {height:,} pixels: {MAX_PIXELS:,} is most, so shrink it.")
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


def _pieces(ink: np.ndarray) -> list[tuple[np.ndarray, Box]]:
    """Each digit's ink, cut out, and where it was cut; from left to right."""
    labels, count = scipy.ndimage.label(ink >= 0.5, np.ones((3, 3)))
    if not count:
        return []
    areas = np.bincount(labels.ravel())[1:]
    boxes = [(x.start, y.start, x.stop, y.stop) for y, x in scipy.ndimage.find_objects(labels)]
    smallest_side = SPECK_SIDE * max(ink.shape)
    blots = {
        label: box
        for label, (box, area) in enumerate(zip(boxes, areas, strict=True), start=1)
        if area >= SPECK_AREA * areas.max() and max(box[2] - box[0], box[3] - box[1]) >= smallest_side
    }
    pieces = []
    for left, top, right, bottom in _digit_boxes(list(blots.values())):
        own = [label for label, box in blots.items() if left <= box[0] < right]
        there = labels[top:bottom, left:right]
        others = (there > 0) & ~np.isin(there, own)
        pieces.append((np.where(others, 0, ink[top:bottom, left:right]), (left, top, right, bottom)))
    return pieces


def _digit_boxes(blots: list[Box]) -> list[Box]:
    """The boxes of the digits that these blots of ink make up, from left to right."""

    def union(boxes: list[Box]) -> Box:
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)

    def height(box: Box) -> int:
        return box[3] - box[1]

    if not blots:
        return []
    gap = DIGIT_GAP * height(union(blots))
    digits: list[Box] = []
    for box in sorted(blots):
        if digits and box[0] - digits[-1][2] < gap:
            box = union([digits.pop(), box])
        digits.append(box)
    while len(digits) > 1:
        lowest = min(range(len(digits)), key=lambda i: height(digits[i]))
        if height(digits[lowest]) >= DIGIT_HEIGHT * max(map(height, digits)):
            break
        # a piece too low for a digit is a stroke of its nearer neighbour
        gaps = [right[0] - left[2] for left, right in pairwise(digits)]
        neighbours = [i for i in (lowest - 1, lowest) if 0 <= i < len(gaps)]
        first = min(neighbours, key=lambda i: gaps[i])
        digits[first : first + 2] = [union(digits[first : first + 2])]
    return digits


def _as_mnist(ink: np.ndarray) -> np.ndarray:
    """One digit's ink, in a box of any size, as (784,) float32."""
    scale = WORK_SIDE_PX / max(ink.shape)
    size = [max(1, round(side * scale)) for side in reversed(ink.shape)]
    large = np.asarray(Image.fromarray(ink.astype(np.float32)).resize(size, Image.Resampling.BICUBIC))
    strokes = np.pad(_with_mnist_strokes(large >= 0.5), WORK_SIDE_PX)
    rows, columns = (np.flatnonzero(strokes.any(axis)) for axis in (1, 0))
    px = max(np.ptp(rows) + 1, np.ptp(columns) + 1) / DIGIT_SIDE_PX
    middle = np.add(scipy.ndimage.center_of_mass(strokes), 0.5)
    top, left = middle - CENTRE_PX * px
    window = (left, top, left + SIDE * px, top + SIDE * px)
    small = Image.fromarray(strokes.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BOX, window)
    return np.asarray(small).clip(0, 1).reshape(-1)


def _with_mnist_strokes(strokes: np.ndarray) -> np.ndarray:
    """The same digit, (h, w) bool, in strokes that will be STROKE_WIDTH_PX wide once it is scaled.

    Across a stroke, the distance to the nearer edge is a quarter of its width on average.
    """
    strokes = np.pad(strokes, WORK_SIDE_PX // DIGIT_SIDE_PX * 2)  # room to grow
    inside = scipy.ndimage.distance_transform_edt(strokes)
    width = 4 * np.mean(inside[strokes] - 0.5)
    # the digit's larger side is one stroke's width more than the pen's way, before as after
    way = max(WORK_SIDE_PX - width, WORK_SIDE_PX / 4)
    wanted = STROKE_WIDTH_PX * way / (DIGIT_SIDE_PX - STROKE_WIDTH_PX)
    if wanted >= width:
        return scipy.ndimage.distance_transform_edt(~strokes) <= (wanted - width) / 2
    # thinning must not wipe out what is thinner already: something stays along the middle of every stroke
    middle = strokes & (inside >= scipy.ndimage.maximum_filter(inside, 3))
    thinned = inside > (width - wanted) / 2
    return thinned | (scipy.ndimage.distance_transform_edt(~middle) <= wanted / 4)


def read_picture(source: str | Path | bytes) -> np.ndarray:
    """The picture in an image file, or in a file's content: (h, w, 3) or (h, w, 4) uint8, upright.

    Of a moving picture, the first. Raises DrawingError, naming the file, where it is missing, damaged,
    too large, too thin or of another kind.
    """
    name = "the picture" if isinstance(source, bytes) else printable(str(source))
    content = source if isinstance(source, bytes) else read_bytes(source, MAX_FILE_BYTES, DrawingError)
    if len(content) > MAX_FILE_BYTES:
        raise DrawingError(f"{name} has more than {MAX_FILE_BYTES >> 20} MB, which is most: save it smaller.")
    try:
        with _silent_decoders(content), Image.open(io.BytesIO(content), formats=FORMATS) as image:
            short, long = sorted(image.size)
            size = f"{image.width:,} x {image.height:,}"
            if short * long <= MAX_PIXELS and long <= MAX_ASPECT * short:
                return _upright(image)
    except Image.DecompressionBombError:
        size, short, long = f"more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,}", 1, 1
    # decoders of damaged files raise nearly anything
    except Exception as error:
        kinds = ", ".join(FORMATS)
        raise DrawingError(f"{name} is damaged, or not a picture ({kinds}): open and save it again.") from error
    if long > MAX_ASPECT * short:
        raise DrawingError(
            f"{name} has {size} pixels: one side may be at most {MAX_ASPECT} times the other, so cut it."
        )
    raise DrawingError(f"{name} has {size} pixels: {MAX_PIXELS:,} is most, so shrink it.")


@contextmanager
def _silent_decoders(content: bytes) -> Iterator[None]:
    """What libraries remark about odd files is not for those who brought them: they get a picture or a sentence."""
    # warning filters and stderr are the whole process's: two threads that changed them at once would leave them changed
    with _SILENCE, warnings.catch_warnings(), ExitStack() as stack:
        warnings.filterwarnings("ignore", module="PIL")
        if content.startswith(TIFF_STARTS):
            # libtiff writes past Python, to whatever has this number
            with suppress(OSError):
                stderr = os.dup(2)
                stack.callback(os.close, stderr)
                stack.callback(os.dup2, stderr, 2)
                os.dup2(stack.enter_context(Path(os.devnull).open("wb")).fileno(), 2)
        yield


_SILENCE = Lock()
logging.getLogger("PIL").addHandler(logging.NullHandler())


def _upright(image: Image.Image) -> np.ndarray:
    image.load()
    try:
        turned = ImageOps.exif_transpose(image)
    # a photo with a note that nobody can read is a photo still
    except Exception:
        turned = image
    if turned.mode.startswith(("I", "F")):  # more than 8 bits of grey, which convert() would cut off, not scale
        turned = Image.fromarray(_eight_bits(np.asarray(turned, np.float64)))
    return np.asarray(turned.convert("RGBA" if turned.has_transparency_data else "RGB"))


def _eight_bits(grey: np.ndarray) -> np.ndarray:
    """Numbers of any range, (h, w), as uint8: the file does not say which is white, so it is the next usual one."""
    grey = np.where(np.isfinite(grey), grey, 0)
    black, highest = min(grey.min(), 0), grey.max()
    white = next((most for most in USUAL_WHITES if highest <= most), highest)
    return np.round((grey - black) / (white - black) * 255).astype(np.uint8)
