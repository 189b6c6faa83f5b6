"""From a drawing, photo or scan to digits as MNIST would have them.

MNIST's digits were cut out, scaled to 20 pixels with their proportions kept, smoothed on the way,
and placed in 28 x 28 with their centre of mass in the middle (LeCun et al. 1998, section III.A). A
drawing is treated the same, and its strokes are made as wide as MNIST's, or it is misread.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy
from PIL import Image

from nnlib.digits.ink import find_ink
from nnlib.digits.mnist import CENTRE_PX, DIGIT_SIDE_PX, SIDE

STROKE_WIDTH_PX = 2.5  # the median of MNIST's, at half ink; one in ten has less than 1.8, one in ten more than 3.5

# telling digits from specks and from each other
SPECK_AREA = 0.02  # of the largest blot of ink
SPECK_SIDE = 0.02  # of the picture's larger side
DIGIT_GAP = 0.1  # of the height of all ink; within 1,500 pen-drawn digits, the widest is half of this
DIGIT_HEIGHT = 0.6  # of the tallest digit's

WORK_SIDE_PX = 4 * DIGIT_SIDE_PX  # strokes are measured and redrawn at this size, whatever the picture's

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
    found, reduction = find_ink(picture)
    height, width = picture.shape[:2]
    digits = []
    for ink, (left, top, right, bottom) in _pieces(found):
        image = as_mnist(ink)
        image.flags.writeable = False
        right, bottom = min(right * reduction, width), min(bottom * reduction, height)
        box = (left * reduction, top * reduction, right, bottom)
        digits.append(FoundDigit(image, box))
    return digits


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


def as_mnist(ink: np.ndarray) -> np.ndarray:
    """One digit's ink, in a box of any size, as (784,) float32."""
    strokes = np.pad(with_mnist_strokes(ink), WORK_SIDE_PX)
    rows, columns = (np.flatnonzero(strokes.any(axis)) for axis in (1, 0))
    px = max(np.ptp(rows) + 1, np.ptp(columns) + 1) / DIGIT_SIDE_PX
    middle = np.add(scipy.ndimage.center_of_mass(strokes), 0.5)
    top, left = middle - CENTRE_PX * px
    window = (left, top, left + SIDE * px, top + SIDE * px)
    small = Image.fromarray(strokes.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BOX, window)
    return np.asarray(small).clip(0, 1).reshape(-1)


def with_mnist_strokes(ink: np.ndarray) -> np.ndarray:
    """One digit's ink, in a box of any size, large, (h, w) bool, in strokes as wide as MNIST's for their digit's."""
    scale = WORK_SIDE_PX / max(ink.shape)
    size = [max(1, round(side * scale)) for side in reversed(ink.shape)]
    large = np.asarray(Image.fromarray(ink.astype(np.float32)).resize(size, Image.Resampling.BICUBIC))
    return _with_mnist_strokes(large >= 0.5)


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
