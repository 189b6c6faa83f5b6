"""Ink on paper or a board before a camera, whatever the light.

What is measured is how much darker a pixel is than the paper around it, as a share of the paper's light: shadow falls
on ink and paper alike, so that this share stays the same. The paper is found by grey-scale closing, which fills what
is narrower than its window and keeps the edges of shadows (Serra 1982). Noise is what differs little for its own
neighbourhood (Sauvola & Pietikainen 2000); of the rest, that is ink which has the form of strokes and
is about as dark as most of what has. Chalk on a board is the same with light and dark exchanged.
"""

from dataclasses import dataclass

import numpy as np
import scipy
from PIL import Image

from nnlib.digits.ruling import find_ruling, without_rulings

WINDOW_PX = 21  # wide enough for the widest stroke; a wider one fills the corners of hard shadows
WIDEST_STROKE_PX = 8
MOST_BLUR_PX = 1.2  # against noise; more would wash away small digits in a large photo
DARKEST_PAPER = 0.08  # of white: below this, shares are mostly noise
FAINTEST, INK_TO_NOISE = 0.05, 4  # of the paper's light
FAINTEST_CORE, CORE_TO_NOISE, LEAST_CORE_PX = 0.075, 7, 3  # a blot has a core that stands out more

# what is no stroke
SHORTEST = 0.015  # of the picture's larger side
LEAST_SHARPNESS = 0.12  # of a blot's darkness, the fall per pixel along its edge: a soft shadow has less
LEAST_CLOSED = 0.65  # of a blot's edge, beyond which it is brighter: not so where a shadow has a corner
MARGIN = 0.03  # of the picture's larger side: ruling that leaves the picture is no long line there
WIDEST_RULING_PX = 6  # what is left of a printed line
LEAST_EVIDENCE = 0.06  # a short line of soft pencil has hardly more
LEAST_LENGTH = 4  # in widths: without anything longer there are no strokes
ROUND_LENGTH, BLOB_LENGTH = 6, 5  # in widths; what is shorter is kept if it is as dark and as thin as the strokes
# in terms of most strokes'
LEAST_DARKNESS, LEAST_ROUND_DARKNESS = 0.45, 0.6
MOST_WIDTH, MOST_BLOB_WIDTH = 2.5, 1.5

# what was written together
FARTHEST, FARTHEST_PIECE = 1.0, 0.1  # between two blots, in terms of the smaller one's size and of the larger one's
LEAST_GROUP, LEAST_GROUP_HEIGHT = 0.1, 0.6  # in terms of the best group's evidence and of its highest blot

# what is no paper
SEGMENT_SIDE_PX = 128
OTHER_TONE = 0.13  # difference of the logarithms of colours' shares
OTHER_BRIGHTNESS = 0.38  # of the paper's
LEAST_TABLE, MOST_TABLE = 0.005, 0.85  # of the picture


Rulings = tuple[np.ndarray | None, np.ndarray | None]  # from left to right, from top to bottom: see find_ruling


@dataclass(frozen=True)
class PaperInk:
    """`ink` is (h, w) float32, 0 on paper and 1 in a typical stroke; `evidence` is how much there is that looks like
    strokes, whatever the size at which one looks; `stroke_px` is their width; `rulings` are what was printed."""

    ink: np.ndarray
    evidence: float
    stroke_px: float
    rulings: Rulings


@dataclass(frozen=True)
class _Blots:
    """Connected ink, numbered from 1 in `labels`, (h, w); all else has a value for each, that for 0 being of no use."""

    labels: np.ndarray
    boxes: list[tuple[slice, slice]]
    area: np.ndarray
    darkness: np.ndarray
    width: np.ndarray
    likely: np.ndarray

    @property
    def length(self) -> np.ndarray:
        """In widths."""
        return self.area / self.width**2


def ink_on_paper(colours: np.ndarray, light: bool, rulings: Rulings | None = None) -> PaperInk:
    """The ink in a photo, (n, h, w) float32 in [0, 1]; with `light`, ink is brighter than the board. The `rulings` are
    looked for where they are not known from a larger look."""
    height, width = colours.shape[1:]
    blur_px = min(max(height, width) / 400, MOST_BLUR_PX)
    smooth = scipy.ndimage.gaussian_filter(colours, (0, blur_px, blur_px))
    paper = _paper(smooth)
    darkness = np.where(paper, _darkness(smooth, light), 0)
    if rulings is None:
        upright = find_ruling(darkness.T, paper.T)
        rulings = find_ruling(darkness, paper), None if upright is None else upright.T
    level, upright = rulings
    darkness = without_rulings(darkness, level, upright)
    darkness, noise = _level(darkness)
    blots = _blots(
        darkness,
        noise,
        paper,
        1 / smooth.mean(axis=0).clip(0.05) if light else smooth.mean(axis=0),
        (level is not None, upright is not None),
    )
    kept, evidence, stroke_px = _of_one_pen(blots, darkness.shape)
    if evidence < LEAST_EVIDENCE:
        return PaperInk(np.zeros((height, width), np.float32), 0, 0, rulings)
    own = kept[blots.labels]
    typical = _nearby(darkness, own & (darkness >= 0.7 * blots.darkness[blots.labels]), blots.darkness[kept].mean())
    around = scipy.ndimage.binary_dilation(own, np.ones((3, 3)))
    return PaperInk(
        np.where(around, (darkness / typical).clip(0, 1), 0).astype(np.float32), evidence, stroke_px, rulings
    )


def is_light_on_dark(colours: np.ndarray) -> tuple[bool, ...]:
    """Whether what differs most from its surroundings is brighter than they are; both where that is not certain, as
    where a table and shadows differ more than the ink does."""
    grey = colours.mean(axis=0)
    small = np.asarray(Image.fromarray(grey).reduce(-(-max(grey.shape) // SEGMENT_SIDE_PX)))
    differs = small - scipy.ndimage.median_filter(small, 17, mode="nearest")
    differs[np.abs(differs) < 4.5 * np.median(np.abs(differs)) + 0.03] = 0
    return (False,) if (differs * np.abs(differs)).sum() <= 0 else (True, False)


def _darkness(colours: np.ndarray, light: bool) -> np.ndarray:
    """By what share of the paper's light each pixel is darker, (h, w): in the colour in which it is most."""
    first, second = scipy.ndimage.maximum_filter1d, scipy.ndimage.minimum_filter1d
    if light:
        first, second = second, first
    darkness = np.zeros(colours.shape[1:], np.float32)
    for colour in colours:
        paper = colour
        for extreme in (first, second):
            paper = extreme(extreme(paper, WINDOW_PX, axis=0), WINDOW_PX, axis=1)
        brighter = np.maximum(colour, 2 * DARKEST_PAPER) if light else np.maximum(paper, DARKEST_PAPER)
        darkness = np.maximum(darkness, np.abs(paper - colour) / brighter)
    return darkness


def _paper(colours: np.ndarray) -> np.ndarray:
    """Where the paper is, (h, w) bool: not where a large part at the border has another tone, or is far darker than
    any shadow makes paper."""
    height, width = colours.shape[1:]
    step = -(-max(height, width) // SEGMENT_SIDE_PX)
    small = [scipy.ndimage.maximum_filter(np.asarray(Image.fromarray(each).reduce(step)), 3) for each in colours]
    brightness = np.mean(small, axis=0)
    bright = brightness >= np.quantile(brightness, 0.6)
    white = np.array([np.median(each[bright]) for each in small]).clip(1e-3)
    tone = np.log((np.stack(small) / white[:, np.newaxis, np.newaxis]).clip(0.02))
    tone -= tone.mean(axis=0)
    other = (np.abs(tone).max(axis=0) > OTHER_TONE) | (brightness < OTHER_BRIGHTNESS * white.mean())
    # the border's parts go on beyond it
    other = scipy.ndimage.binary_opening(np.pad(other, 2, mode="edge"), np.ones((3, 3)))[2:-2, 2:-2]
    labels, count = scipy.ndimage.label(other)
    at_border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    table = np.zeros(count + 1, bool)
    table[at_border] = True
    table &= np.bincount(labels.ravel(), minlength=count + 1) >= LEAST_TABLE * labels.size
    table[0] = False
    beyond = scipy.ndimage.binary_dilation(table[labels], np.ones((5, 5)))
    if beyond.mean() > MOST_TABLE:
        return np.ones((height, width), bool)
    return ~np.kron(beyond, np.ones((step, step), bool))[:height, :width]


def _level(darkness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The darkness less that of bare paper nearby, (h, w), and the noise of bare paper there."""
    least, side = 2 * np.median(darkness) + 0.02, 2 * WINDOW_PX + 1
    for _ in range(2):
        bare = (darkness < least).astype(np.float32)
        share = scipy.ndimage.uniform_filter(bare, side) + 1e-3
        usual = scipy.ndimage.uniform_filter(darkness * bare, side) / share
        noise = 1.25 * scipy.ndimage.uniform_filter(np.abs(darkness - usual) * bare, side) / share
        least = usual + np.maximum(4 * noise, 0.03)
    return darkness - usual, noise


def _nearby(darkness: np.ndarray, core: np.ndarray, usual: float) -> np.ndarray:
    """How dark the core of strokes is around each pixel, (h, w): a pen's pressure changes on its way."""
    share = scipy.ndimage.uniform_filter(core.astype(np.float32), 41)
    near = scipy.ndimage.uniform_filter(np.where(core, darkness, 0), 41) / share.clip(1e-6)
    return np.where(share > 1e-4, near, usual).clip(1e-3)


def _blots(
    darkness: np.ndarray, noise: np.ndarray, paper: np.ndarray, grey: np.ndarray, ruled: tuple[bool, bool]
) -> _Blots:
    """All that is darker than paper and its noise, and which of it may be a stroke."""
    labels, count = scipy.ndimage.label(darkness >= np.maximum(FAINTEST, INK_TO_NOISE * noise), np.ones((3, 3)))
    of = labels.ravel()

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(of, values.ravel(), minlength=count + 1)

    area = np.bincount(of, minlength=count + 1).clip(1)
    mean = total(darkness) / area
    inside = scipy.ndimage.distance_transform_edt(labels > 0)
    width = np.maximum(4 * (total(inside) / area - 0.5), 1)  # across a stroke, a quarter of it on average
    core = total(darkness >= np.maximum(FAINTEST_CORE, CORE_TO_NOISE * noise))

    edge = (labels > 0) & (inside <= 1.5)
    fall = np.hypot(*(scipy.ndimage.sobel(darkness, axis) / 8 for axis in (0, 1)))
    sharpness = total(np.where(edge, fall, 0)) / total(edge).clip(1) / mean.clip(1e-3)
    nearest = scipy.ndimage.maximum_filter(labels, 5)
    ring = (nearest > 0) & (labels == 0)
    brighter = 1 - scipy.ndimage.minimum_filter(grey, 7)[ring] / grey[ring].clip(0.02)
    owner = nearest[ring]
    closed = np.bincount(owner, brighter >= 0.5 * mean[owner], minlength=count + 1)
    closed = closed / np.bincount(owner, minlength=count + 1).clip(1)

    likely = (core >= LEAST_CORE_PX) & (area >= 4 * LEAST_CORE_PX) & (total(paper) >= 0.9 * area)
    likely &= (sharpness >= LEAST_SHARPNESS) & (closed >= LEAST_CLOSED)
    likely[0] = False
    boxes = [(slice(0), slice(0)), *scipy.ndimage.find_objects(labels)]
    for number in np.flatnonzero(likely):
        likely[number] = _has_place_of_a_stroke(boxes[number], float(width[number]), labels.shape, ruled)
    return _Blots(labels, boxes, area, mean, width, likely)


def _has_place_of_a_stroke(
    box: tuple[slice, slice], width: float, shape: tuple[int, ...], ruled: tuple[bool, bool]
) -> bool:
    """Not what runs along the picture's border, what is too short, or what is left of a printed line."""
    side = max(shape)
    extents = [part.stop - part.start for part in box]
    n_borders = sum((part.start == 0) + (part.stop == most) for part, most in zip(box, shape, strict=True))
    if max(extents) < SHORTEST * side or n_borders > 1 or (n_borders and max(extents) > 0.3 * side):
        return False
    at_margin = any(
        part.stop < MARGIN * side or part.start > most - MARGIN * side for part, most in zip(box, shape, strict=True)
    )
    of_a_line = any(
        there and extents[1 - axis] > 8 * extents[axis] and width < WIDEST_RULING_PX for axis, there in enumerate(ruled)
    )
    return not (of_a_line or (at_margin and any(ruled)))


def _of_one_pen(blots: _Blots, shape: tuple[int, ...]) -> tuple[np.ndarray, float, float]:
    """Which blots are strokes, (n + 1,) bool: about as dark and as wide as those that look most like strokes; how much
    that is; and how wide they are in pixels."""
    at_border = np.array(
        [
            any(part.start == 0 or part.stop == most for part, most in zip(box, shape, strict=True))
            for box in blots.boxes
        ]
    )
    looks = np.where(
        blots.likely, blots.darkness**2 * (blots.length - LEAST_LENGTH).clip(0) * np.where(at_border, 0.1, 1), 0
    )
    if not looks.any():
        return np.zeros_like(blots.likely), 0, 0

    def most(values: np.ndarray, share: float) -> float:
        order = np.argsort(values)
        up_to = np.cumsum(looks[order])
        return float(values[order][np.searchsorted(up_to, share * up_to[-1])])

    darkness, width = most(blots.darkness, 0.6), most(blots.width, 0.5)
    least = np.where(blots.length < ROUND_LENGTH, LEAST_ROUND_DARKNESS, LEAST_DARKNESS) * darkness
    widest = np.where(blots.length < BLOB_LENGTH, MOST_BLOB_WIDTH, MOST_WIDTH) * width
    kept = blots.likely & (blots.darkness >= least) & (blots.width <= widest)
    whole = kept & ~at_border
    if looks[whole].sum() > 0.15 * looks.sum():
        like_them = (np.abs(blots.darkness / darkness - 1) < 0.25) & (blots.length > BLOB_LENGTH)
        kept &= ~at_border | like_them
    kept = _together(blots, kept, looks)
    return kept, float(looks[kept].sum()), width


def _together(blots: _Blots, kept: np.ndarray, looks: np.ndarray) -> np.ndarray:
    """Of the kept blots, (n + 1,) bool, those that were written together: in groups that are about as high as the one
    that looks most like strokes, and no specks alone on the paper. `looks` is how much each looks like strokes."""
    numbers = np.flatnonzero(kept)
    boxes = np.array([[(part.start, part.stop) for part in blots.boxes[number]] for number in numbers])
    if not len(boxes):
        return kept
    low, high = boxes[..., 0], boxes[..., 1]
    size = (high - low).max(axis=1)
    gap = np.hypot(*np.maximum(low[:, np.newaxis] - high, low - high[:, np.newaxis]).clip(0).transpose(2, 0, 1))
    near = gap <= FARTHEST * np.minimum.outer(size, size) + FARTHEST_PIECE * np.maximum.outer(size, size)
    count, group = scipy.sparse.csgraph.connected_components(near)
    evidence = np.bincount(group, looks[numbers], minlength=count)
    height = np.zeros(count)
    np.maximum.at(height, group, (high - low)[:, 0])
    best = evidence.argmax()
    like_it = (evidence >= LEAST_GROUP * evidence[best]) & (height >= LEAST_GROUP_HEIGHT * height[best])
    together = np.zeros_like(kept)
    together[numbers] = like_it[group]
    return together
