"""Digits varied as handwriting varies: whole batches shifted, turned, scaled, slanted, bent, written with
a thinner or thicker pen, and some by other people.

A warp is a sparse matrix: each pixel of the new picture is a weighted sum of four of the old one
(bilinear interpolation). Digits that are in a batch by chance, `GROUP` of them at a time, share one
warp, so that making it costs little and applying it is one sparse product over all of them. In the
next epoch each is in other company, and gets another warp.

`OtherHands` mixes in digits that were written stroke by stroke (`hands.py`).
"""

import math

import numpy as np
import scipy

from nnlib.digits.hands import write
from nnlib.digits.mnist import N_CLASSES, N_PIXELS, SIDE

GROUP = 16  # digits that share a warp
ROWS_AT_ONCE = 128  # more would not fit the cache, and take twice as long

# what strength 1 means: the largest change of each kind, except for the bend
TURN_DEGREES = 12.0
SCALE = 0.12  # of the size, to either side
SLANT = 0.25  # pixels sideways for each pixel upwards
SHIFT_PIXELS = 1.5
BEND_PIXELS = 0.9  # standard deviation of the elastic displacement (Simard, Steinkraus & Platt 2003)
PEN = 0.6  # share of the way to a stroke one pixel thicker, or thinner, on every side

WRITTEN_SHARE = 0.2  # of the digits are written in other hands, at strength 1
N_WRITTEN = 1_200  # of each digit

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
    """Digits as other people write them, to be mixed with those to learn from.

    `pixels` (10 * n, 784) uint8 are `n` of each digit, from 0 to 9.
    """

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    @classmethod
    def write(cls, n_digits: int, generator: np.random.Generator) -> "OtherHands":
        """As many as are good for so many digits to learn from: a second for 60,000."""
        labels = np.repeat(np.arange(N_CLASSES), min(N_WRITTEN, math.ceil(n_digits / N_CLASSES)))
        # in bytes, as MNIST's own files: a quarter of the memory
        return cls(np.rint(write(labels, generator) * 255).astype(np.uint8))

    def mix_in(
        self, images: np.ndarray, labels: np.ndarray, may: np.ndarray, strength: float, generator: np.random.Generator
    ) -> None:
        """Replace some of the images, (n, 784), by others of the same labels, (n,), in place: of those that `may`."""
        chosen = np.flatnonzero(may & (generator.random(len(images)) < WRITTEN_SHARE * strength))
        n_each = len(self.pixels) // N_CLASSES
        places = labels[chosen].astype(np.intp) * n_each + generator.integers(n_each, size=len(chosen))
        images[chosen] = self.pixels[places] / np.float32(255)


def _smooth_between_knots() -> np.ndarray:
    """(knots, 784): what a displacement of 1 at a knot comes to at every pixel; unit variance everywhere."""
    knots = np.linspace(0, SIDE - 1, _KNOTS)
    spread = 0.8 * (knots[1] - knots[0])
    bump = np.exp(-0.5 * ((np.arange(SIDE)[:, None] - knots) / spread) ** 2)
    bumps = np.einsum("yk,xl->klyx", bump, bump).reshape(_KNOTS * _KNOTS, N_PIXELS)
    return (bumps / np.sqrt(np.sum(bumps**2, axis=0))).astype(np.float32)


_SMOOTH = _smooth_between_knots()
_HOMOGENEOUS = np.stack(
    [np.tile(np.arange(SIDE) - _CENTRE, SIDE), np.repeat(np.arange(SIDE) - _CENTRE, SIDE), np.ones(N_PIXELS)]
).astype(np.float32)
