"""Ways to cut ink into digits: rows, strokes that belong together, and digits that touch.

Geometry alone cannot say where a digit ends: the strokes of a 4 may lie apart, and neighbours may touch.
So a row is cut in more places than there are digits, between its blots and through them, and whatever lies between
two cuts is a candidate; whoever can read decides (over-segmentation: LeCun et al. 1998, section V).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy
from PIL import Image

from nnlib.digits.drawing import as_mnist, inked_box
from nnlib.digits.mnist import N_CLASSES

LETTER, SEVERAL, PART, OTHER = range(N_CLASSES, N_CLASSES + 4)  # the kinds of what is no digit that a judge knows
ROW_HEIGHT_PX = 96  # rows are cut at this size, whatever the picture's

# of the largest blot of ink, and of the picture's larger side: less is a speck
SPECK_AREA = 0.02
SPECK_SIDE = 0.02
MOST_BLOTS = 60  # no number has so many

TALL = 0.5  # blots at least so high, in terms of the highest, make rows; each other one joins the nearest
SAME_ROW = 0.4  # of the lower one's height, which two neighbours in a row share
ONE_FROM = 0.5  # so probably one digit, two rows are none
MOST_PIECES = 9  # in a digit
WIDEST = 1.7  # a digit of several pieces, in terms of its row's height

# where blots are cut, in terms of their row's height
PLAINLY = 0.9  # so probably a digit, a blot is not cut
CUT_FROM_WIDTH = 0.45  # nothing narrower is two digits
MOST_CUTS, FEWEST_CUTS = 60, 4  # in a row: half of them at most in one blot, and in any so many
LEAST_HEIGHT = 0.4  # of what is left and right of a cut
PLACES_APART = 0.04  # where a cut costs less than those around it
CUTS_APART = 0.03  # of a digit's ink, that lies between two cuts at least
MOST_INK_CUT = 0.8
ASIDE_COST = 0.15  # of going a column aside, in terms of going through a pixel of ink
DOWN_COST = 0.02
THROUGH = 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9  # of a blot's height: at each, what is cheapest to cut through
NOTCH_DEPTH, NOTCHES_ASIDE = 0.05, 0.3
LEFT_OUT = 0.01  # of a blot's ink, which may lie on the other side of the cut after

NO_BLOT = -1

Box = tuple[int, int, int, int]  # left, top, right, bottom
Judge = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Candidate:
    """What may be a digit: all that lies between two cuts of a row, those with the numbers `start` and `stop`.

    `cut` is its ink, (h, w) float32 in [0, 1], and `image` the same as MNIST would have it, (784,): both
    read-only. `box` is left, top, right, bottom in pixels of all ink. In terms of the row's height: `height`, and
    `gap`, the widest one between its pieces. `blots` are those of which it has a part only, by their numbers in
    Row.blot_kinds.
    """

    start: int
    stop: int
    box: Box
    cut: np.ndarray
    image: np.ndarray
    height: float
    gap: float
    blots: tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """All candidates of a row, by their first cuts, and what the judge says of each, and of each blot: (n, n_kinds).

    Cut 0 is left of everything, and the one with the number `end` right of it: digits are candidates, each from
    where the one before stops, that lead from 0 to `end`.
    """

    end: int
    candidates: tuple[Candidate, ...]
    kinds: np.ndarray
    blot_kinds: np.ndarray

    @cached_property
    def likeness(self) -> np.ndarray:
        """How probably each candidate is one whole digit, (n,); of a part of a blot, also that the blot is several."""
        several = self.blot_kinds[:, SEVERAL]
        parted = [min((several[blot] for blot in candidate.blots), default=1) for candidate in self.candidates]
        return self.kinds[:, :N_CLASSES].sum(axis=1) * np.array(parted, np.float32)


@dataclass(frozen=True)
class Piece:
    """A blot of ink, or a part of one: `ink` (h, w), with its corner in the row's picture. `blot` is the number of
    the one that it is, or is a part of."""

    ink: np.ndarray
    left: int = 0
    top: int = 0
    blot: int = 0

    @property
    def right(self) -> int:
        """Its right edge, exclusive."""
        return self.left + self.ink.shape[1]

    @property
    def bottom(self) -> int:
        """Its lower edge, exclusive."""
        return self.top + self.ink.shape[0]


@dataclass(frozen=True)
class Cut:
    """A place where a row may be cut: left of it are the blots `before` and, where it goes through a blot, that
    one's pixels `left`, (h, w) bool."""

    before: frozenset[int]
    through: int = NO_BLOT
    left: np.ndarray | None = None


def cut_rows(ink: np.ndarray, judge: Judge) -> list[Row]:
    """The rows of what is written, from top to bottom; `ink` is (h, w), 0 on paper and 1 in a typical stroke.

    `judge` says of images (n, 784) how probably each is each of the ten digits, and of the four kinds of what
    is none, (n, 14): what plainly is one whole digit is not cut. No rows where there is too much ink.
    """
    labels, count = scipy.ndimage.label(ink >= 0.5, np.ones((3, 3)))
    if not count:
        return []
    areas = np.bincount(labels.ravel())
    blots = {}
    for label, (rows, columns) in enumerate(scipy.ndimage.find_objects(labels), start=1):
        side = max(rows.stop - rows.start, columns.stop - columns.start)
        if areas[label] >= SPECK_AREA * areas[1:].max() and side >= SPECK_SIDE * max(ink.shape):
            blots[label] = (columns.start, rows.start, columns.stop, rows.stop)
    if len(blots) > MOST_BLOTS:
        return []
    rows = _rows(blots)
    if len(rows) > 1 and (one := _Writing(ink, labels, blots)).is_one_digit(judge):
        return [one.row(judge)]
    return [_Writing(ink, labels, {label: blots[label] for label in row}).row(judge) for row in rows]


def _rows(blots: dict[int, Box]) -> list[list[int]]:
    """The blots of each row, from top to bottom, by their labels."""

    def shared(first: int, second: int) -> float:
        (_, top, _, bottom), (_, other_top, _, other_bottom) = blots[first], blots[second]
        return (min(bottom, other_bottom) - max(top, other_top)) / min(bottom - top, other_bottom - other_top)

    def distance(first: int, second: int) -> float:
        one, other = blots[first], blots[second]
        across, down = (max(one[i] - other[i + 2], other[i] - one[i + 2], 0) for i in (0, 1))
        return float(np.hypot(across, down))

    highest = max((box[3] - box[1] for box in blots.values()), default=0)
    tall = [label for label in sorted(blots, key=blots.__getitem__) if _height(blots[label]) >= TALL * highest]
    rows: list[list[int]] = []
    for label in tall:
        # a row may go up or down: its last blots say where it is
        near = [(max(shared(other, label) for other in row[-2:]), row) for row in rows]
        share, row = max(near, key=lambda each: each[0], default=(0.0, []))
        if share < SAME_ROW:
            row = []
            rows.append(row)
        row.append(label)
    owners = {label: row for row in rows for label in row}
    for label in blots:
        if label not in owners:
            owners[min(tall, key=lambda other: distance(other, label))].append(label)
    return sorted(rows, key=lambda row: min(blots[label][1] for label in row))


def _height(box: Box) -> int:
    return box[3] - box[1]


class _Writing:
    """One row's ink, at the size at which it is cut."""

    def __init__(self, ink: np.ndarray, labels: np.ndarray, blots: dict[int, Box]) -> None:
        self.left, self.top = (min(box[i] for box in blots.values()) for i in (0, 1))
        self.scale = ROW_HEIGHT_PX / max(map(_height, blots.values()))
        self.blots = []
        for label, (left, top, right, bottom) in blots.items():
            there = slice(top, bottom), slice(left, right)
            own = np.where((labels[there] == label) | (labels[there] == 0), ink[there], 0).astype(np.float32)
            size = [max(1, round(side * self.scale)) for side in reversed(own.shape)]
            small = np.asarray(Image.fromarray(own).resize(size, Image.Resampling.BICUBIC))
            corner = round((left - self.left) * self.scale), round((top - self.top) * self.scale)
            self.blots.append(Piece(small, *corner))
        self.blots = [replace(blot, blot=number) for number, blot in enumerate(sorted(self.blots, key=_middle))]

    def is_one_digit(self, judge: Judge) -> bool:
        """Whether all of it is one, as an upper and a lower half may be."""
        nothing, *_, everything = self._between_blots()
        whole = self._candidate(0, nothing, 1, everything)
        return whole is not None and bool(judge(whole.image[None])[0, :N_CLASSES].sum() >= ONE_FROM)

    def row(self, judge: Judge) -> Row:
        """Its candidates: of blots and, where those are not plainly digits, of their parts."""
        cuts = self._between_blots()
        candidates, kinds = self._judged(cuts, judge)
        best = np.zeros(len(self.blots))
        for candidate, likeness in zip(candidates, kinds[:, :N_CLASSES].sum(axis=1), strict=True):
            part = slice(candidate.start, candidate.stop)
            best[part] = np.maximum(best[part], likeness)
        blot_kinds = kinds[[candidate.stop - candidate.start == 1 for candidate in candidates]]
        doubtful = [blot for blot in self.blots if best[blot.blot] < PLAINLY]
        within = [cut for blot in doubtful for cut in self._within(blot, MOST_CUTS // max(2, len(doubtful)))]
        if within:
            cuts = sorted(cuts + within, key=self._inked_left)
            candidates, kinds = self._judged(cuts, judge)
        return Row(len(cuts) - 1, candidates, kinds, blot_kinds)

    def _between_blots(self) -> list[Cut]:
        return [Cut(frozenset(range(count))) for count in range(len(self.blots) + 1)]

    def _within(self, blot: Piece, most: int) -> list[Cut]:
        if blot.ink.shape[1] < CUT_FROM_WIDTH * ROW_HEIGHT_PX:
            return []
        cuts = []
        for seam, _ in seams(blot.ink >= 0.5, max(most, FEWEST_CUTS)):
            middle = 2 * (blot.left + float(seam.mean()))
            before = frozenset(other.blot for other in self.blots if other is not blot and _middle(other) < middle)
            cuts.append(Cut(before, blot.blot, np.arange(blot.ink.shape[1]) < seam[:, None]))
        return cuts

    def _inked_left(self, cut: Cut) -> float:
        ink = sum(float(self.blots[blot].ink.sum()) for blot in cut.before)
        return ink + (0 if cut.left is None else float(self.blots[cut.through].ink[cut.left].sum()))

    def _judged(self, cuts: list[Cut], judge: Judge) -> tuple[tuple[Candidate, ...], np.ndarray]:
        """The candidates between these cuts, which are in order from left to right, and what each is."""
        pairs = ((a, b) for a in range(len(cuts)) for b in range(a + 1, len(cuts)))
        found = (self._candidate(a, cuts[a], b, cuts[b]) for a, b in pairs)
        candidates = tuple(each for each in found if each is not None)
        return candidates, judge(np.stack([each.image for each in candidates]))

    def _between(self, first: Cut, second: Cut) -> list[Piece] | None:
        """What is right of the first and left of the second; None where that is none."""
        blots = second.before - first.before
        if not first.before <= second.before or len(blots) > MOST_PIECES:
            return None
        pieces = [self.blots[blot] for blot in blots - {first.through}]
        if first.left is not None and first.through in blots:
            pieces += _part(self.blots[first.through], ~first.left)
        elif first.through not in (NO_BLOT, second.through):
            return None
        if second.left is not None:
            blot, left = self.blots[second.through], second.left
            if first.left is not None and first.through == second.through:
                if blot.ink[first.left & ~left].sum() > LEFT_OUT * blot.ink.sum():
                    return None
                left = left & ~first.left
            pieces += _part(blot, left)
        return sorted(pieces, key=_middle) or None

    def _candidate(self, start: int, first: Cut, stop: int, second: Cut) -> Candidate | None:
        """None where the one is not left of the other, or the pieces are too wide together or too low."""
        some = self._between(first, second)
        if some is None:
            return None
        left, top = min(piece.left for piece in some), min(piece.top for piece in some)
        right, bottom = max(piece.right for piece in some), max(piece.bottom for piece in some)
        parted = tuple(sorted({first.through, second.through} - {NO_BLOT}))
        if (len(some) > 1 or parted) and right - left > WIDEST * max(ROW_HEIGHT_PX, bottom - top):
            return None
        if parted and bottom - top < LEAST_HEIGHT * ROW_HEIGHT_PX:
            return None
        cut = np.zeros((bottom - top, right - left), np.float32)
        gap, reach = 0, some[0].right
        for piece in some:
            there = cut[piece.top - top : piece.bottom - top, piece.left - left : piece.right - left]
            np.maximum(there, piece.ink, out=there)
            gap, reach = max(gap, piece.left - reach), max(reach, piece.right)
        image = as_mnist(cut)
        for array in (cut, image):
            array.flags.writeable = False
        corners = np.array([left, top, right, bottom]) / self.scale + [self.left, self.top] * 2
        (x, y), (to_x, to_y) = np.floor(corners[:2] + 0.01), np.ceil(corners[2:] - 0.01)
        box = int(x), int(y), int(to_x), int(to_y)
        return Candidate(start, stop, box, cut, image, (bottom - top) / ROW_HEIGHT_PX, gap / ROW_HEIGHT_PX, parted)


def _part(blot: Piece, which: np.ndarray) -> list[Piece]:
    """That part of it, if there is any."""
    part = np.where(which, blot.ink, 0)
    box = inked_box(part)
    if box is None:
        return []
    rows, columns = box
    return [Piece(part[box], blot.left + columns.start, blot.top + rows.start, blot.blot)]


def _middle(piece: Piece) -> int:
    return piece.left + piece.right


def seams(inked: np.ndarray, most: int = MOST_CUTS // 2) -> list[tuple[np.ndarray, float]]:
    """Where to cut a blot (h, w) from top to bottom: the first column right of each cut, (h,), and how much
    ink it goes through, in terms of the row's height; from left to right, and no more than so many.

    Each is the way through the least ink that goes through some place (seam carving: Avidan & Shamir 2007), or
    goes from a notch above to one below, as where two 0s lean on each other.
    """
    height, width = inked.shape
    columns, ink_of_a_digit = np.arange(width), float(inked.sum()) / max(1.0, width / ROW_HEIGHT_PX)
    chosen: list[tuple[np.ndarray, float]] = []
    lefts: list[np.ndarray] = []
    for seam in [*_cheapest(inked), *_from_notch_to_notch(inked)]:
        through = float(inked[np.arange(height), seam].sum()) / ROW_HEIGHT_PX
        if through > MOST_INK_CUT or len(chosen) == most:
            continue
        left = inked & (columns < seam[:, None])
        if any(np.count_nonzero(left ^ other) < CUTS_APART * ink_of_a_digit for other in lefts):
            continue
        if min(_inked_rows(left), _inked_rows(inked & ~left)) >= LEAST_HEIGHT * ROW_HEIGHT_PX:
            chosen.append((seam, through))
            lefts.append(left)
    return sorted(chosen, key=lambda each: float(each[0].mean()))


def _cheapest(inked: np.ndarray) -> list[np.ndarray]:
    """Ways from top to bottom, (h,) columns each, the one that costs least before the others."""
    height = len(inked)
    cost = inked.astype(np.float32) + np.float32(DOWN_COST)
    above, from_above = _ways(cost)
    below, from_below = (array[::-1] for array in _ways(cost[::-1]))
    total = above + below - cost
    found: list[tuple[float, np.ndarray]] = []
    for y in {int(share * (height - 1)) for share in THROUGH}:
        around = scipy.ndimage.minimum_filter1d(total[y], 2 * int(PLACES_APART * ROW_HEIGHT_PX) + 1)
        x = np.flatnonzero(total[y] <= around)
        ways = np.empty((height, len(x)), int)
        ways[y] = x
        for row in range(y, 0, -1):
            ways[row - 1] = ways[row] + from_above[row, ways[row]]
        for row in range(y, height - 1):
            ways[row + 1] = ways[row] + from_below[row, ways[row]]
        found += zip(total[y, x].tolist(), ways.T, strict=True)
    return [way for _, way in sorted(found, key=lambda each: each[0])]


def _from_notch_to_notch(inked: np.ndarray) -> list[np.ndarray]:
    """Straight ways from each notch above to those below it, (h,) columns each, and on to the top and the bottom."""
    rows, last = np.arange(len(inked)), len(inked) - 1
    below = _notches(inked[::-1])
    pairs = ((above, other) for above in _notches(inked) for other in below)
    return [
        np.rint(np.interp(rows, sorted([y, last - other_y]), [x, other_x])).astype(int)
        for (x, y), (other_x, other_y) in pairs
        if abs(x - other_x) <= NOTCHES_ASIDE * ROW_HEIGHT_PX
    ]


def _notches(inked: np.ndarray) -> list[tuple[int, int]]:
    """Where the outline comes down from the top and goes up again: the deepest column and row of each."""
    depth = inked.argmax(axis=0)
    reach = int(NOTCHES_ASIDE * ROW_HEIGHT_PX)
    sides = [depth[max(0, x - reach) : x + 1].min() for x in range(len(depth))]
    other = [depth[x : x + reach].min() for x in range(len(depth))]
    deep = depth - np.maximum(sides, other) >= NOTCH_DEPTH * ROW_HEIGHT_PX
    deepest = deep & (depth == scipy.ndimage.maximum_filter1d(depth, reach))
    runs, count = scipy.ndimage.label(deepest)
    middles = [int(np.flatnonzero(runs == run).mean()) for run in range(1, count + 1)]
    return [(x, int(depth[x])) for x in middles]


def _ways(cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the cheapest way from the first row to each pixel costs, (h, w), and from which column beside it comes."""
    total, came = cost.copy(), np.zeros(cost.shape, np.int8)
    for y in range(1, len(cost)):
        beside = np.pad(total[y - 1], 1, constant_values=np.inf)
        ways = np.stack([beside[1:-1], beside[:-2] + ASIDE_COST, beside[2:] + ASIDE_COST])
        way = ways.argmin(axis=0)
        came[y] = np.array([0, -1, 1], np.int8)[way]
        total[y] += np.take_along_axis(ways, way[None], axis=0)[0]
    return total, came


def _inked_rows(inked: np.ndarray) -> int:
    return int(inked.any(axis=1).sum())
