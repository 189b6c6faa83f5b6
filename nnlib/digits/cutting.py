"""Ways to cut ink into digits: rows, strokes that belong together, and digits that touch.

Geometry alone cannot say where a digit ends: the strokes of a 4 may lie apart, and neighbours may touch.
So ink is cut into more pieces than there are digits, and every few neighbouring pieces are a candidate;
whoever can read decides (over-segmentation: LeCun et al. 1998, section V).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import scipy
from PIL import Image

from nnlib.digits.drawing import as_mnist
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
MOST_CUTS = 10
LEAST_HEIGHT = 0.4  # of what is left and right of a cut
CUTS_APART = 0.08
MOST_INK_CUT = 0.55
ASIDE_COST = 0.2  # of going a column aside, in terms of going through a pixel of ink
DOWN_COST = 0.02

Box = tuple[int, int, int, int]  # left, top, right, bottom
Judge = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Candidate:
    """Some neighbouring pieces of a row, those from `start` to `stop`, which may be a digit.

    `cut` is their ink, (h, w) float32 in [0, 1], and `image` the same as MNIST would have it, (784,): both
    read-only. `box` is left, top, right, bottom in pixels of all ink. In terms of the row's height: `height`,
    `gap`, the widest one between the pieces, and `ink_cut`, how much ink the cuts on both sides go through.
    `blots` are those of which it has a part only, by their numbers in Row.blot_kinds.
    """

    start: int
    stop: int
    box: Box
    cut: np.ndarray
    image: np.ndarray
    height: float
    gap: float
    ink_cut: float
    blots: tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """All candidates of a row of `n_pieces` pieces, and what the judge says of each, and of each blot: (n, n_kinds)."""

    n_pieces: int
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
    """A blot of ink, or a part of one: `ink` (h, w), with its corner in the row's picture, and how much ink was cut
    on its left and right, in terms of the row's height. `blot` is the number of the one that it is a part of."""

    ink: np.ndarray
    left: int = 0
    top: int = 0
    cut_left: float = 0.0
    cut_right: float = 0.0
    blot: int = 0

    @property
    def right(self) -> int:
        """Its right edge, exclusive."""
        return self.left + self.ink.shape[1]

    @property
    def bottom(self) -> int:
        """Its lower edge, exclusive."""
        return self.top + self.ink.shape[0]


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
        whole = self._candidate(self.blots, 0, len(self.blots)) if len(self.blots) <= MOST_PIECES else None
        return whole is not None and bool(judge(whole.image[None])[0, :N_CLASSES].sum() >= ONE_FROM)

    def row(self, judge: Judge) -> Row:
        """Its candidates: of blots and, where those are not plainly digits, of their parts."""
        candidates, kinds = self._judged(self.blots, judge)
        best = np.zeros(len(self.blots))
        for candidate, likeness in zip(candidates, kinds[:, :N_CLASSES].sum(axis=1), strict=True):
            part = slice(candidate.start, candidate.stop)
            best[part] = np.maximum(best[part], likeness)
        blot_kinds = kinds[[candidate.stop - candidate.start == 1 for candidate in candidates]]
        pieces = []
        for blot, likeness in zip(self.blots, best, strict=True):
            pieces += [blot] if likeness >= PLAINLY else cut_blot(blot)
        if len(pieces) > len(self.blots):
            candidates, kinds = self._judged(sorted(pieces, key=_middle), judge)
        return Row(len(pieces), candidates, kinds, blot_kinds)

    def _judged(self, pieces: list[Piece], judge: Judge) -> tuple[tuple[Candidate, ...], np.ndarray]:
        """The candidates of these pieces, which are in order from left to right, and what each is."""
        candidates = tuple(self._candidates(pieces))
        return candidates, judge(np.stack([each.image for each in candidates]))

    def _candidates(self, pieces: list[Piece]) -> Iterator[Candidate]:
        for start in range(len(pieces)):
            for stop in range(start + 1, min(start + MOST_PIECES, len(pieces)) + 1):
                candidate = self._candidate(pieces, start, stop)
                if candidate is None:
                    break
                yield candidate

    def _candidate(self, pieces: list[Piece], start: int, stop: int) -> Candidate | None:
        """None where the pieces are too wide together."""
        some = pieces[start:stop]
        left, top = min(piece.left for piece in some), min(piece.top for piece in some)
        right, bottom = max(piece.right for piece in some), max(piece.bottom for piece in some)
        if len(some) > 1 and right - left > WIDEST * ROW_HEIGHT_PX:
            return None
        cut = join(some, (bottom - top, right - left), left, top)
        gap, reach = 0, some[0].right
        for piece in some:
            gap, reach = max(gap, piece.left - reach), max(reach, piece.right)
        image = as_mnist(cut)
        for array in (cut, image):
            array.flags.writeable = False
        corners = np.array([left, top, right, bottom]) / self.scale + [self.left, self.top] * 2
        (x, y), (to_x, to_y) = np.floor(corners[:2] + 0.01), np.ceil(corners[2:] - 0.01)
        box = int(x), int(y), int(to_x), int(to_y)
        ink_cut = some[0].cut_left + some[-1].cut_right
        blots = tuple(sorted({piece.blot for piece in some} & {piece.blot for piece in pieces[:start] + pieces[stop:]}))
        return Candidate(
            start, stop, box, cut, image, (bottom - top) / ROW_HEIGHT_PX, gap / ROW_HEIGHT_PX, ink_cut, blots
        )


def _middle(piece: Piece) -> int:
    return piece.left + piece.right


def join(pieces: Iterable[Piece], size: tuple[int, int], left: int = 0, top: int = 0) -> np.ndarray:
    """Their ink, each where it is, on a sheet (h, w) float32 with its corner at `left`, `top` of the row's picture."""
    sheet = np.zeros(size, np.float32)
    for piece in pieces:
        there = sheet[piece.top - top : piece.bottom - top, piece.left - left : piece.right - left]
        np.maximum(there, piece.ink, out=there)
    return sheet


def cut_blot(blot: Piece) -> list[Piece]:
    """The blot, cut wherever two digits may touch in it; from left to right."""
    height, width = blot.ink.shape
    seams = _seams(blot.ink >= 0.5) if width >= CUT_FROM_WIDTH * ROW_HEIGHT_PX else []
    borders = [(np.zeros(height, int), 0.0), *seams, (np.full(height, width), 0.0)]
    columns = np.arange(width)
    pieces = []
    for (start, cut_left), (stop, cut_right) in pairwise(borders):
        part = np.where((columns >= start[:, None]) & (columns < stop[:, None]), blot.ink, 0)
        rows, inked = np.flatnonzero((part >= 0.5).any(1)), np.flatnonzero((part >= 0.5).any(0))
        if len(rows):
            part = part[rows[0] : rows[-1] + 1, inked[0] : inked[-1] + 1]
            left, top = blot.left + int(inked[0]), blot.top + int(rows[0])
            pieces.append(Piece(part, left, top, cut_left, cut_right, blot.blot))
    return pieces or [blot]


def _seams(inked: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Where to cut a blot (h, w) from top to bottom: the first column right of each cut, (h,), and how much
    ink it goes through, in terms of the row's height; from left to right.

    Each is the way through the least ink to some place at the bottom (seam carving: Avidan & Shamir 2007).
    """
    height, width = inked.shape
    cost = inked.astype(np.float32) + np.float32(DOWN_COST)
    came = np.zeros((height, width), np.int8)
    total = cost[0]
    for y in range(1, height):
        beside = np.pad(total, 1, constant_values=np.inf)
        ways = np.stack([total, beside[:-2] + ASIDE_COST, beside[2:] + ASIDE_COST])
        way = ways.argmin(axis=0)
        came[y] = np.array([0, -1, 1], np.int8)[way]
        total = np.take_along_axis(ways, way[None], axis=0)[0] + cost[y]
    seams: list[tuple[float, np.ndarray, float]] = []
    for end in np.argsort(total, kind="stable"):
        seam = np.empty(height, int)
        x = int(end)
        for y in range(height - 1, -1, -1):
            seam[y] = x
            x += int(came[y, x])
        middle, through = float(seam.mean()), float(inked[np.arange(height), seam].sum()) / ROW_HEIGHT_PX
        if through > MOST_INK_CUT or len(seams) == MOST_CUTS:
            break
        if any(abs(middle - other) < CUTS_APART * ROW_HEIGHT_PX for other, _, _ in seams):
            continue
        left_of_it = np.arange(width) < seam[:, None]
        if min(_inked_rows(inked & left_of_it), _inked_rows(inked & ~left_of_it)) >= LEAST_HEIGHT * ROW_HEIGHT_PX:
            seams.append((middle, seam, through))
    seams.sort(key=lambda each: each[0])
    for (_, before, _), (_, after, _) in pairwise(seams):
        np.maximum(before, after, out=after)  # no cut crosses the one before it
    return [(seam, through) for _, seam, through in seams]


def _inked_rows(inked: np.ndarray) -> int:
    return int(inked.any(axis=1).sum())
