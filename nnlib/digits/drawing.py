"""From a drawing, photo or scan to digits as MNIST would have them.

MNIST's digits were cut out, scaled to 20 pixels with their proportions kept, smoothed on the way,
and placed in 28 x 28 with their centre of mass in the middle (LeCun et al. 1998, section III.A). A
drawing is treated the same, and its strokes are made as wide as MNIST's, or it is misread.
"""

import math

import numpy as np
import scipy
from PIL import Image

from nnlib.digits.mnist import CENTRE_PX, DIGIT_SIDE_PX, SIDE

STROKE_WIDTH_PX = 2.5  # the median of MNIST's, at half ink; one in ten has less than 1.8, one in ten more than 3.5

FAINT = 0.1  # what has less ink than that is not looked at

WORK_SIDE_PX = 4 * DIGIT_SIDE_PX  # strokes are measured and redrawn at this size, whatever the picture's


def inked_box(ink: np.ndarray) -> tuple[slice, slice] | None:
    """The rows and the columns that hold all ink of (h, w); None where there is none."""
    boxes: list[tuple[slice, slice]] = scipy.ndimage.find_objects((ink >= 0.5).view(np.int8))
    return boxes[0] if boxes else None


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


def as_picture(ink: np.ndarray, side_px: float) -> np.ndarray:
    """Ink in a box of any size, as (784,) float32: its larger side so many pixels, in the middle, and no more done."""
    height, width = ink.shape
    px = max(height, width) / side_px
    room = math.ceil(SIDE * px)
    left, top = (room + (side - SIDE * px) / 2 for side in (width, height))
    picture = Image.fromarray(np.pad(ink, room).astype(np.float32))
    small = picture.resize((SIDE, SIDE), Image.Resampling.BOX, (left, top, left + SIDE * px, top + SIDE * px))
    return np.asarray(small).clip(0, 1).reshape(-1)


def usual_side(images: np.ndarray) -> float:
    """The larger side of what is on pictures, (n, 784), in pixels: the median of those that are not empty."""
    inked = images.reshape(-1, SIDE, SIDE) > FAINT
    sides = [max(np.ptp(axis) + 1 for axis in np.nonzero(each)) for each in inked if each.any()]
    return float(np.median(sides)) if sides else float(SIDE)


def stroke_width(ink: np.ndarray) -> float:
    """How wide the strokes are on average, in pixels of (h, w) ink; 0 where there is none."""
    strokes = np.pad(ink >= 0.5, 1)
    return _width(strokes, scipy.ndimage.distance_transform_edt(strokes)) if strokes.any() else 0.0


def _width(strokes: np.ndarray, inside: np.ndarray) -> float:
    """Across a stroke, the distance to the nearer edge is a quarter of its width on average."""
    return 4 * float(np.mean(inside[strokes] - 0.5))


def with_mnist_strokes(ink: np.ndarray) -> np.ndarray:
    """One digit's ink, in a box of any size, large, (h, w) bool, in strokes as wide as MNIST's for their digit's."""
    scale = WORK_SIDE_PX / max(ink.shape)
    size = [max(1, round(side * scale)) for side in reversed(ink.shape)]
    large = np.asarray(Image.fromarray(ink.astype(np.float32)).resize(size, Image.Resampling.BICUBIC))
    return _with_mnist_strokes(large >= min(0.5, large.max() / 2))  # of less than a pixel, too, something stays


def _with_mnist_strokes(strokes: np.ndarray) -> np.ndarray:
    """The same digit, (h, w) bool, in strokes that will be STROKE_WIDTH_PX wide once it is scaled."""
    strokes = np.pad(strokes, WORK_SIDE_PX // DIGIT_SIDE_PX * 2)  # room to grow
    inside = scipy.ndimage.distance_transform_edt(strokes)
    width = _width(strokes, inside)
    # the digit's larger side is one stroke's width more than the pen's way, before as after
    way = max(WORK_SIDE_PX - width, WORK_SIDE_PX / 4)
    wanted = STROKE_WIDTH_PX * way / (DIGIT_SIDE_PX - STROKE_WIDTH_PX)
    if wanted >= width:
        return scipy.ndimage.distance_transform_edt(~strokes) <= (wanted - width) / 2
    # thinning must not wipe out what is thinner already: something stays along the middle of every stroke
    middle = strokes & (inside >= scipy.ndimage.maximum_filter(inside, 3))
    thinned = inside > (width - wanted) / 2
    return thinned | (scipy.ndimage.distance_transform_edt(~middle) <= wanted / 4)
