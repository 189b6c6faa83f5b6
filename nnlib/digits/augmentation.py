"""Digits varied as handwriting varies: whole batches shifted, turned, scaled, slanted, bent, written with
a thinner or thicker pen, and some by people who learned to write elsewhere.

A warp is a sparse matrix: each pixel of the new picture is a weighted sum of four of the old one
(bilinear interpolation). Digits that are in a batch by chance, `GROUP` of them at a time, share one
warp, so that making it costs little and applying it is one sparse product over all of them. In the
next epoch each is in other company, and gets another warp.

MNIST's writers were Americans of the 1990s, and hardly ever gave the 1 an upstroke, the 7 a bar or
the 9 a round tail, as most of the world does. `rewrite` adds such strokes to their digits.
"""

import math

import numpy as np
import scipy

from nnlib.digits.mnist import CENTRE_PX, DIGIT_SIDE_PX, N_PIXELS, SIDE, Digits

GROUP = 16  # digits that share a warp
ROWS_AT_ONCE = 128  # more would not fit the cache, and take twice as long

# what strength 1 means: the largest change of each kind, except for the bend
TURN_DEGREES = 12.0
SCALE = 0.12  # of the size, to either side
SLANT = 0.25  # pixels sideways for each pixel upwards
SHIFT_PIXELS = 1.5
BEND_PIXELS = 0.9  # standard deviation of the elastic displacement (Simard, Steinkraus & Platt 2003)
PEN = 0.6  # share of the way to a stroke one pixel thicker, or thinner, on every side

# a stroke that is added, in pixels of MNIST unless said otherwise
UPSTROKE = (0.2, 0.6)  # of a 1's height
UPSTROKE_DEGREES = (20.0, 70.0)  # away from straight down
FOOT_SHARE = 0.25  # of the 1s get one
FOOT_PX = (2.5, 6.0)  # to each side
BAR_HEIGHT = (0.4, 0.65)  # of a 7's height, from its top
BAR_LEFT_PX, BAR_RIGHT_PX = (3.0, 6.0), (2.5, 5.0)
TAIL_WIDTH_PX, TAIL_DEPTH_PX = (1.5, 7.0), (0.5, 3.5)  # of half an ellipse
TAIL_DEGREES = (90.0, 190.0)  # of its arc

NOWHERE = -1  # the place of a digit that nobody writes otherwise
REWRITTEN = (1, 7, 9)  # the digits that other people write otherwise
REWRITTEN_SHARE = 0.25  # of these digits, at strength 1

_CENTRE = (SIDE - 1) / 2
_KNOTS = 6  # the elastic displacement is given on a grid of so many knots a side, and smooth in between


def vary(images: np.ndarray, strength: float, generator: np.random.Generator, group: int = GROUP) -> np.ndarray:
    """Other digits of the same labels: (n, 784) float32 -> (n, 784) float32, all in [0, 1].

    `strength` scales every kind of change; 0 changes nothing, 1 is what people do, 2 is wild.
    `group` digits in a row share one warp.
    """
    if len(images) > ROWS_AT_ONCE:
        parts = range(0, len(images), ROWS_AT_ONCE)
        return np.concatenate([vary(images[i : i + ROWS_AT_ONCE], strength, generator, group) for i in parts])
    n = len(images)
    n_groups = math.ceil(n / group)
    padded = np.zeros((n_groups * group, N_PIXELS), np.float32)
    padded[:n] = images
    # within a group pixel by pixel, its digits side by side: so a product runs along contiguous memory
    columns = np.ascontiguousarray(padded.reshape(n_groups, group, N_PIXELS).transpose(0, 2, 1))
    warped = _warp(n_groups, strength, generator) @ columns.reshape(n_groups * N_PIXELS, group)
    warped = warped.reshape(n_groups, N_PIXELS, group)
    _change_pen(warped, strength, generator)
    return np.ascontiguousarray(warped.transpose(0, 2, 1)).reshape(-1, N_PIXELS)[:n]


def _warp(n_groups: int, strength: float, generator: np.random.Generator) -> "scipy.sparse.csr_array":
    """One random warp for each group, as one block-diagonal matrix (n_groups * 784, n_groups * 784)."""
    # whence a pixel of the new picture is taken, in the old one: at whole rows and columns, and a
    # fraction of the way to the next ones
    sources = _affine(n_groups, strength, generator) + _bend(n_groups, strength, generator)
    np.clip(sources, 0, SIDE - 1.001, out=sources)
    whole = sources.astype(np.int32)
    right, down = np.moveaxis(sources - whole.astype(np.float32), 1, 0)
    corner = whole[:, 1] * SIDE + whole[:, 0] + N_PIXELS * np.arange(n_groups, dtype=np.int32)[:, None]
    both = right * down
    weights = np.stack([1 - right - down + both, right - both, down - both, both], axis=-1)
    indices = corner[..., None] + np.array([0, 1, SIDE, SIDE + 1], np.int32)
    rows = n_groups * N_PIXELS
    starts = np.arange(0, 4 * rows + 1, 4, dtype=np.int32)
    return scipy.sparse.csr_array((weights.ravel(), indices.ravel(), starts), shape=(rows, rows))


def _affine(n_groups: int, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Turn, scale, slant and shift: source coordinates (n_groups, 2, 784), x before y."""

    def either_way(most: float) -> np.ndarray:
        return generator.uniform(-most * strength, most * strength, n_groups).astype(np.float32)

    turn = either_way(math.radians(TURN_DEGREES))
    slant = either_way(SLANT)
    wider, higher = np.exp(either_way(SCALE)), np.exp(either_way(SCALE))
    cosine, sine = np.cos(turn), np.sin(turn)
    matrices = np.stack(
        [
            [cosine * wider, (slant * cosine - sine) * wider, either_way(SHIFT_PIXELS) + _CENTRE],
            [sine * higher, (slant * sine + cosine) * higher, either_way(SHIFT_PIXELS) + _CENTRE],
        ]
    )
    return matrices.transpose(2, 0, 1) @ _HOMOGENEOUS


def _bend(n_groups: int, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Elastic displacement, (n_groups, 2, 784) pixels: independent at every knot, smooth in between."""
    knots = generator.standard_normal((n_groups, 2, _KNOTS * _KNOTS), dtype=np.float32)
    return knots * np.float32(BEND_PIXELS * strength) @ _SMOOTH


def _change_pen(columns: np.ndarray, strength: float, generator: np.random.Generator) -> None:
    """Thicken the strokes of the first half of the groups and thin those of the others, in place.

    Each goes a random share of the way to the largest, or smallest, of a pixel and its neighbours.
    """
    n_groups = len(columns)
    shares = generator.uniform(0, min(1.0, PEN * strength), (n_groups, 1, 1)).astype(np.float32)
    half = (n_groups + int(generator.integers(2))) // 2  # of an odd number, one time more, one time less
    for part, share, extreme in (
        (columns[:half], shares[:half], np.maximum),
        (columns[half:], shares[half:], np.minimum),
    ):
        changed = part.copy()
        for step in (1, SIDE):
            # the rim is paper: what wraps around from one row to the next is paper too
            extreme(changed[:, step:], part[:, :-step], out=changed[:, step:])
            extreme(changed[:, :-step], part[:, step:], out=changed[:, :-step])
        changed -= part
        changed *= share
        part += changed


class OtherHands:
    """Some digits once more, as other people write them, to be mixed with the originals.

    `pixels` (m, 784) uint8 are these, `places` (n,) int32 says which of them each digit became; NOWHERE where none.
    """

    def __init__(self, places: np.ndarray, pixels: np.ndarray) -> None:
        self.places, self.pixels = places, pixels

    @classmethod
    def rewrite(cls, digits: Digits, generator: np.random.Generator) -> "OtherHands":
        """Draw them: half a second for 60,000 digits."""
        rows = np.flatnonzero(np.isin(digits.labels, REWRITTEN))
        places = np.full(len(digits), NOWHERE, np.int32)
        places[rows] = np.arange(len(rows))
        # in bytes, as MNIST's own files: a quarter of the memory
        pixels = np.empty((len(rows), N_PIXELS), np.uint8)
        for i in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[i : i + ROWS_AT_ONCE]
            images = rewrite(digits.images[part], digits.labels[part], generator)
            np.rint(images * 255, out=pixels[i : i + ROWS_AT_ONCE], casting="unsafe")
        return cls(places, pixels)

    def mix_in(self, images: np.ndarray, rows: np.ndarray, strength: float, generator: np.random.Generator) -> None:
        """Replace some of the images, (n, 784), which are those of `rows`, (n,), in place."""
        places = self.places[rows]
        chosen = (places >= 0) & (generator.random(len(rows)) < REWRITTEN_SHARE * strength)
        images[chosen] = self.pixels[places[chosen]] / np.float32(255)


def rewrite(images: np.ndarray, labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The digits as other people write them: (n, 784) float32 and labels (n,) -> (n, 784) float32.

    A 1 gets an upstroke, and perhaps a foot, a 7 a bar, a 9 a round tail, in strokes as wide as its
    own; it is then scaled and centred as MNIST's are. All others stay as they are.
    """
    written = images.copy()
    for digit, add_strokes in ((1, _add_upstroke), (7, _add_bar), (9, _add_tail)):
        rows = np.flatnonzero(labels == digit)
        if len(rows):
            sheet = _Sheet(images[rows])
            add_strokes(sheet, generator)
            written[rows] = sheet.as_mnist()
    return written


class _Sheet:
    """Digits on paper with a margin, (n, _PAPER, _PAPER), where there is room for more strokes."""

    def __init__(self, images: np.ndarray) -> None:
        self.n = len(images)
        self.pixels = np.zeros((self.n, _PAPER, _PAPER), np.float32)
        self.pixels[:, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = images.reshape(-1, SIDE, SIDE)
        ink = self.pixels > 0.5
        self.top, self.bottom = _ends(np.any(ink, axis=2))
        self.height = (self.bottom - self.top + 1).astype(np.float32)
        inner = ink.copy()
        for axis in (1, 2):
            for way in (1, -1):
                inner &= np.roll(ink, way, axis)
        # a stroke has two edges: its area is its width times half the length of both
        edges = np.sum(ink & ~inner, axis=(1, 2))
        self.stroke_width = (2 * ink.sum(axis=(1, 2)) / np.maximum(edges, 1)).clip(1.5, 4).astype(np.float32)

    def middle_of_ink(self, rows: np.ndarray) -> np.ndarray:
        """Where the ink is in one row of each digit, (n,): its centre, from the left."""
        ink = self.pixels[np.arange(self.n), rows]
        return ink @ np.arange(_PAPER, dtype=np.float32) / np.maximum(ink.sum(axis=1), 1e-6)

    def draw(self, x: np.ndarray, y: np.ndarray, which: np.ndarray | slice = slice(None)) -> None:
        """A stroke through points (n, n_points) on each digit, or on some."""
        across, down = np.arange(_PAPER, dtype=np.float32), np.arange(_PAPER, dtype=np.float32)[:, None]
        x, y = (each[which].astype(np.float32)[..., None, None] for each in (x, y))
        nearest = np.full((len(x), _PAPER, _PAPER), np.inf, np.float32)
        for i in range(x.shape[1] - 1):
            to_x, to_y = across - x[:, i], down - y[:, i]
            way_x, way_y = x[:, i + 1] - x[:, i], y[:, i + 1] - y[:, i]
            along = (to_x * way_x + to_y * way_y) / np.maximum(way_x**2 + way_y**2, np.float32(1e-6))
            np.clip(along, 0, 1, out=along)
            to_x, to_y = to_x - along * way_x, to_y - along * way_y
            np.minimum(nearest, to_x * to_x + to_y * to_y, out=nearest)
        ink = self.stroke_width[which][:, None, None] / 2 + np.float32(0.5) - np.sqrt(nearest)
        self.pixels[which] = np.maximum(self.pixels[which], ink.clip(0, 1))

    def as_mnist(self) -> np.ndarray:
        """The digits scaled to 20 pixels, with their centre of mass in the middle: (n, 784)."""
        ink = self.pixels > 0.5
        sizes = [last - first + 1 for first, last in (_ends(np.any(ink, axis=axis)) for axis in (1, 2))]
        px = (np.maximum(*sizes) / DIGIT_SIDE_PX).astype(np.float32)
        mass = self.pixels.sum(axis=(1, 2))
        places = np.arange(_PAPER, dtype=np.float32)

        def resampling(axis: int) -> np.ndarray:
            """(n, 28, _PAPER): how much of each row, or column, goes into each of the new ones."""
            centre = self.pixels.sum(axis=axis) @ places / mass
            sources = centre[:, None] + (np.arange(SIDE, dtype=np.float32) + np.float32(0.5 - CENTRE_PX)) * px[:, None]
            reach = np.maximum(px, 1)[:, None, None]
            weights = (1 - np.abs(sources[..., None] - places) / reach).clip(0)
            return weights / np.maximum(weights.sum(axis=2, keepdims=True), 1e-6)

        across, down = resampling(1), resampling(2)
        return (down @ self.pixels @ across.transpose(0, 2, 1)).clip(0, 1).reshape(self.n, N_PIXELS)


def _ends(filled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last place that is filled, (n,) each, in (n, places)."""
    return filled.argmax(axis=1), filled.shape[1] - 1 - filled[:, ::-1].argmax(axis=1)


def _add_upstroke(sheet: _Sheet, generator: np.random.Generator) -> None:
    """To a 1: from below on the left to its top; and a foot under some."""
    x, y = sheet.middle_of_ink(sheet.top + 1), sheet.top + sheet.stroke_width / 2
    angle = np.radians(generator.uniform(*UPSTROKE_DEGREES, sheet.n))
    length = generator.uniform(*UPSTROKE, sheet.n) * sheet.height
    end_x, end_y = x - length * np.sin(angle), y + length * np.cos(angle)
    bow_x, bow_y = generator.uniform(-1, 1, (2, sheet.n))
    xs, ys = [x, (x + end_x) / 2 + bow_x, end_x], [y, (y + end_y) / 2 + bow_y, end_y]
    foot_x, foot_y = sheet.middle_of_ink(sheet.bottom - 1), sheet.bottom + 0.5 - sheet.stroke_width / 2
    left, right = generator.uniform(*FOOT_PX, (2, sheet.n))
    tilt = generator.uniform(-0.7, 0.7, sheet.n)
    with_foot = generator.random(sheet.n) < FOOT_SHARE
    sheet.draw(np.stack(xs, 1), np.stack(ys, 1))
    sheet.draw(np.stack([foot_x - left, foot_x + right], 1), np.stack([foot_y + tilt, foot_y - tilt], 1), with_foot)


def _add_bar(sheet: _Sheet, generator: np.random.Generator) -> None:
    """To a 7: through the middle of its stem."""
    y = np.rint(sheet.top + generator.uniform(*BAR_HEIGHT, sheet.n) * sheet.height).astype(np.intp)
    x, tilt = sheet.middle_of_ink(y), generator.uniform(-1.5, 1.5, sheet.n)
    left, right = generator.uniform(*BAR_LEFT_PX, sheet.n), generator.uniform(*BAR_RIGHT_PX, sheet.n)
    sheet.draw(np.stack([x - left, x + right], 1), np.stack([y + tilt, y - tilt], 1))


def _add_tail(sheet: _Sheet, generator: np.random.Generator) -> None:
    """To a 9: from the end of its stem around to the left."""
    x, y = sheet.middle_of_ink(sheet.bottom - 1), sheet.bottom - sheet.stroke_width / 2
    width, depth = generator.uniform(*TAIL_WIDTH_PX, sheet.n), generator.uniform(*TAIL_DEPTH_PX, sheet.n)
    arc = np.linspace(0, np.radians(generator.uniform(*TAIL_DEGREES, sheet.n)), 6, axis=1)
    sheet.draw(x[:, None] - width[:, None] * (1 - np.cos(arc)), y[:, None] + depth[:, None] * np.sin(arc))


def _smooth_between_knots() -> np.ndarray:
    """(knots, 784): what a displacement of 1 at a knot comes to at every pixel; unit variance everywhere."""
    knots = np.linspace(0, SIDE - 1, _KNOTS)
    spread = 0.8 * (knots[1] - knots[0])
    bump = np.exp(-0.5 * ((np.arange(SIDE)[:, None] - knots) / spread) ** 2)
    bumps = np.einsum("yk,xl->klyx", bump, bump).reshape(_KNOTS * _KNOTS, N_PIXELS)
    return (bumps / np.sqrt(np.sum(bumps**2, axis=0))).astype(np.float32)


_MARGIN = 6
_PAPER = SIDE + 2 * _MARGIN
_SMOOTH = _smooth_between_knots()
_HOMOGENEOUS = np.stack(
    [np.tile(np.arange(SIDE) - _CENTRE, SIDE), np.repeat(np.arange(SIDE) - _CENTRE, SIDE), np.ones(N_PIXELS)]
).astype(np.float32)
