"""Digits written stroke by stroke, as people of many schools write them.

MNIST's writers were Americans of the 1990s. They hardly ever gave the 1 an upstroke, the 7 a bar, the 9 a round
tail, the 4 a short right stroke, or crossed the 8 the other way, as much of the world does. So here are the ways in
which digits are written, as curves through a few points. Where these are is drawn from wide ranges.

write(labels, generator)            images as MNIST's, many at once
draw_strokes(digit, generator)      the strokes of one digit
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from nnlib.digits.mnist import CENTRE_PX, DIGIT_SIDE_PX, N_CLASSES, N_PIXELS, SIDE

PEN_WIDTH_PX = (2.0, 3.4)  # about MNIST's
SLANT = (-0.15, 0.45)  # sideways for each unit upwards
TURN_DEGREES = 8.0  # to either side, at most
WIDTH = (0.74, 1.42)  # in terms of the usual one
SWAY = 0.03  # by which strokes are bent, at most, in terms of the height
MISSED = 0.015  # standard deviation of where a stroke begins, in terms of the height

ROWS_AT_ONCE = 128  # more would not fit the cache

Value = float | np.ndarray  # (n,), one for each hand
Strokes = list[np.ndarray]  # each (n, n_points, 2): x before y, from the middle of the top down to height 1


class _Hands:
    """`n` people, who write the same digit in the same way, each with a hand of their own."""

    def __init__(self, n: int, generator: np.random.Generator) -> None:
        self.n, self.generator = n, generator

    def between(self, low: float, high: float) -> np.ndarray:
        """(n,): somewhere there, for each."""
        return self.generator.uniform(low, high, self.n)

    def some(self, share: float) -> np.ndarray:
        """(n,) bool: that share of them, by chance."""
        return self.generator.random(self.n) < share

    def through(self, *points: tuple[Value, Value]) -> np.ndarray:
        """A smooth stroke through these points."""
        places = np.stack([np.stack([np.broadcast_to(each, self.n) for each in point], 1) for point in points], 1)
        return _smooth(len(points)) @ places

    def around(
        self, middle: tuple[Value, Value], size: tuple[Value, Value], start: Value, turn: Value
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Points on an ellipse of half that size, from an angle (0 is the top, pi / 2 the left) by a turn."""
        angles = [start + share * turn for share in np.linspace(0, 1, 10)]
        return [(middle[0] - size[0] * np.sin(angle), middle[1] - size[1] * np.cos(angle)) for angle in angles]


@lru_cache
def _smooth(n_points: int) -> np.ndarray:
    """(n, n_points): what each point counts in each place of a Catmull-Rom spline through all of them."""
    if n_points == 2:
        return np.eye(2)
    rows = []
    for before in range(n_points - 1):
        for t in np.linspace(0, 1, 4, endpoint=False):
            shares = -t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2
            row = np.zeros(n_points + 2)  # a point beyond each end, as far from it as its neighbour
            row[before : before + 4] = np.array(shares) / 2
            row[[1, 2]] += row[0] * np.array([2, -1])
            row[[-2, -3]] += row[-1] * np.array([2, -1])
            rows.append(row[1:-1])
    return np.array([*rows, np.eye(n_points)[-1]])


# ---- the ways in which digits are written


def _zero(hands: _Hands) -> Strokes:
    between = hands.between
    turn = np.where(hands.some(0.8), 1, -1) * 2 * math.pi + between(-0.6, 0.9)
    spots = hands.around((0, 0.5), (between(0.2, 0.42), 0.5), between(-1, 0.8), turn)
    closer = between(-0.18, 0.12)  # its end, than its beginning, to the middle
    growth = [1 + closer * share**2 for share in np.linspace(0, 1, len(spots))]
    return [hands.through(*((x * g, 0.5 + (y - 0.5) * g) for (x, y), g in zip(spots, growth, strict=True)))]


def _plain_one(hands: _Hands) -> Strokes:
    return [hands.through((hands.between(-0.05, 0.05), 0), (hands.between(-0.04, 0.04), 0.5), (0, 1))]


def _flagged_one(hands: _Hands) -> Strokes:
    between = hands.between
    angle, length = np.radians(between(20, 75)), between(0.12, 0.62)
    length = np.where(angle > np.radians(60), np.minimum(length, 0.35), length)  # or it would be a 7
    x, y, bow = -length * np.sin(angle), length * np.cos(angle), between(-0.05, 0.05)
    flag = hands.through((x, y), (x / 2 + bow, y / 2 + bow), (0, 0))
    return [flag, hands.through((0, 0), (between(-0.04, 0.04), 0.5), (between(-0.03, 0.03), 1))]


def _one_on_a_foot(hands: _Hands) -> Strokes:
    left, right, tilt = -hands.between(0.1, 0.4), hands.between(0.1, 0.4), hands.between(-0.04, 0.04)
    return [*_flagged_one(hands), hands.through((left, 1 + tilt), (right, 1 - tilt))]


def _two(hands: _Hands) -> Strokes:
    between = hands.between
    right, corner = between(0.2, 0.36), between(-0.4, -0.25)
    top = hands.through(
        (between(-0.36, -0.2), between(0.05, 0.35)),
        (between(-0.1, 0.05), 0),
        (right, between(0.15, 0.3)),
        (right * between(0.2, 0.7), between(0.5, 0.65)),
        (corner, 1),
    )
    base = hands.through(
        (corner, 1), (between(-0.05, 0.05), between(0.94, 1.04)), (between(0.25, 0.45), between(0.92, 1.06))
    )
    return [top, base]


def _looped_two(hands: _Hands) -> Strokes:
    between = hands.between
    right, left, loop = between(0.2, 0.36), between(-0.36, -0.2), between(0.5, 1.3)
    return [
        hands.through(
            (between(-0.36, -0.2), between(0.05, 0.3)),
            (between(-0.1, 0.05), 0),
            (right, between(0.15, 0.3)),
            (right * between(0.1, 0.6), between(0.5, 0.65)),
            (left + 0.12 * loop, 0.9),
            (left, 1 - 0.02 * loop),
            (left - 0.08 * loop, 1 - 0.1 * loop),
            (left + 0.02 * loop, 1 - 0.2 * loop),
            (left + 0.2, 1 - 0.08 * loop),
            (between(0.1, 0.25), between(0.94, 1.04)),
            (between(0.3, 0.5), between(0.82, 1)),
        )
    ]


def _flat_two(hands: _Hands) -> Strokes:
    between = hands.between
    right, height, corner = between(0.2, 0.36), between(0, 0.12), between(-0.4, -0.25)
    return [
        hands.through((between(-0.36, -0.2), between(0, 0.12)), (right, height)),
        hands.through((right, height), (between(-0.05, 0.15), between(0.4, 0.6)), (corner, 1)),
        hands.through((corner, 1), (between(0.2, 0.45), between(0.94, 1.04))),
    ]


def _three(hands: _Hands) -> Strokes:
    between = hands.between
    x, y = between(-0.12, 0.1), between(0.38, 0.52)
    top = (between(-0.36, -0.15), between(0.02, 0.2)), (between(-0.1, 0.08), 0), (between(0.15, 0.33), y * 0.45)
    return [hands.through(*top, (x, y)), _lower_bow(hands, x, y)]


def _lower_bow(hands: _Hands, x: Value, y: Value) -> np.ndarray:
    """Of a 3, from its middle."""
    between = hands.between
    right, end = (between(0.2, 0.38), between(0.6, 0.78)), (between(-0.4, -0.15), between(0.78, 0.97))
    return hands.through((x, y), right, (between(-0.1, 0.08), 1), end)


def _looped_three(hands: _Hands) -> Strokes:
    between = hands.between
    x, y, loop = between(-0.2, 0.02), between(0.4, 0.52), between(0.02, 0.07)
    return [
        hands.through(
            (between(-0.36, -0.15), between(0.02, 0.2)),
            (between(-0.1, 0.08), 0),
            (between(0.15, 0.33), y / 2),
            (x + 0.05, y + loop),
            (x - loop, y + loop * 0.3),
            (x + 0.05, y - loop * 0.3),
            (between(0.2, 0.38), between(0.65, 0.78)),
            (between(-0.1, 0.08), 1),
            (between(-0.4, -0.15), between(0.78, 0.97)),
        )
    ]


def _flat_three(hands: _Hands) -> Strokes:
    between = hands.between
    right, height, x, y = between(0.15, 0.33), between(-0.02, 0.04), between(-0.15, 0.05), between(0.34, 0.48)
    top = hands.through((between(-0.36, -0.2), between(0, 0.06)), (right, height))
    return [top, hands.through((right, height), (x, y)), _lower_bow(hands, x, y)]


def _four(hands: _Hands) -> Strokes:
    """Two strokes, open at the top; the right one may begin low."""
    between = hands.between
    start, x, y, end = between(-0.3, 0.12), between(-0.42, -0.25), between(0.45, 0.72), between(0.2, 0.48)
    across = np.minimum(end - 0.05, between(0.05, 0.35))
    top, drift = np.where(hands.some(0.5), between(-0.12, 0.12), between(0.1, 0.42)), between(-0.15, 0.1)
    return [
        hands.through((start, between(-0.03, 0.08)), ((start + x) / 2 + between(-0.06, 0.06), y / 2), (x, y)),
        hands.through((x, y), ((x + end) / 2, y + between(-0.05, 0.05)), (end, y + between(-0.1, 0.08))),
        hands.through(
            (across, top),
            (across + drift / 2 + between(-0.03, 0.03), (top + 1) / 2),
            (across + drift, between(0.85, 1.15)),
        ),
    ]


def _four_of_a_short_stroke(hands: _Hands) -> Strokes:
    """Its right stroke only just crosses the other."""
    between = hands.between
    start, x, y, end = between(-0.25, 0.1), between(-0.42, -0.25), between(0.5, 0.75), between(0.15, 0.45)
    across = np.minimum(end - 0.02, between(0, 0.3))
    return [
        hands.through((start, 0), ((start + x) / 2 + between(-0.06, 0.02), y / 2), (x, y)),
        hands.through((x, y), ((x + end) / 2, y + between(-0.05, 0.06)), (end, y + between(-0.1, 0.06))),
        hands.through(
            (across, y * between(0.33, 1)), (across + between(-0.12, 0.06), np.maximum(y + 0.15, between(0.85, 1.1)))
        ),
    ]


def _round_four(hands: _Hands) -> Strokes:
    """Like a y."""
    between = hands.between
    y, right = between(0.4, 0.6), between(0.15, 0.35)
    bowl = hands.through(
        (between(-0.35, -0.2), 0),
        (between(-0.4, -0.28), y * 0.7),
        (between(-0.2, -0.1), y),
        (between(0, 0.1), y * between(0.85, 1)),
        (right, y * between(0.6, 0.95)),
    )
    stem = (right + between(-0.02, 0.08), between(-0.05, 0.35)), (right, y), (right + between(-0.15, 0.03), 1)
    return [bowl, hands.through(*stem)]


def _closed_four(hands: _Hands) -> Strokes:
    between = hands.between
    right, x, y, drift = between(0.05, 0.3), between(-0.42, -0.28), between(0.5, 0.75), between(-0.1, 0.08)
    return [
        hands.through((right, between(-0.02, 0.05)), (x, y)),
        hands.through((x, y), (right + between(0.08, 0.25), y + between(-0.08, 0.06))),
        hands.through(
            (right + between(-0.02, 0.05), between(-0.04, 0.1)), (right + drift / 2, 0.5), (right + drift, 1)
        ),
    ]


def _four_of_one_line(hands: _Hands) -> Strokes:
    """Down, across, up and down again, without lifting the pen."""
    between = hands.between
    x, y, right = between(-0.4, -0.25), between(0.45, 0.65), between(0.1, 0.3)
    top, drift = between(-0.05, 0.35), between(-0.12, 0.06)
    return [
        hands.through(
            (between(-0.25, 0.05), 0),
            (x + 0.05, y * 0.6),
            (x, y),
            (x + 0.15, y + between(-0.02, 0.05)),
            (right - 0.1, y * between(0.8, 1)),
            (right, top),
        ),
        hands.through((right, top), (right + drift / 2, (1 + top) / 2), (right + drift, 1)),
    ]


def _five(hands: _Hands) -> Strokes:
    between = hands.between
    x, y, top = between(-0.34, -0.16), between(0.36, 0.52), between(0, 0.06)
    corner = x + between(-0.02, 0.12)
    roof = hands.through((between(0.12, 0.42), top + between(-0.08, 0.03)), (corner, top))
    return [roof, hands.through((corner, top), (x, y)), _belly(hands, x, y)]


def _belly(hands: _Hands, x: Value, y: Value) -> np.ndarray:
    """Of a 5, from where it leaves its upright stroke."""
    between = hands.between
    first, right = (between(-0.05, 0.1), y - between(-0.02, 0.12)), (between(0.22, 0.38), between(0.58, 0.75))
    return hands.through((x, y), first, right, (between(-0.1, 0.08), 1), (between(-0.42, -0.2), between(0.8, 0.98)))


def _five_of_two_strokes(hands: _Hands) -> Strokes:
    """The bar on top is written last, and may not touch the rest."""
    between = hands.between
    x, y, top = between(-0.34, -0.16), between(0.34, 0.5), between(0, 0.1)
    corner = x + between(0, 0.14)
    bar = hands.through(
        (corner + between(-0.06, 0.14), top + between(-0.1, 0.06)), (between(0.2, 0.48), top - between(0, 0.16))
    )
    return [hands.through((corner, top), (x + 0.02, y / 2 + 0.03), (x, y)), _belly(hands, x, y), bar]


def _five_like_an_s(hands: _Hands) -> Strokes:
    between = hands.between
    return [
        hands.through(
            (between(0.15, 0.4), between(0, 0.08)),
            (between(-0.1, 0.08), between(0, 0.06)),
            (between(-0.36, -0.22), between(0.16, 0.26)),
            (between(-0.2, 0), between(0.38, 0.48)),
            (between(0.2, 0.36), between(0.6, 0.76)),
            (between(-0.1, 0.08), 1),
            (between(-0.42, -0.2), between(0.82, 0.98)),
        )
    ]


def _six(hands: _Hands) -> Strokes:
    between = hands.between
    loop, half = between(0.32, 0.62), between(0.2, 0.36)
    return [
        hands.through(
            (between(-0.05, 0.36), 0),
            (-half * between(0.3, 0.9), between(0.22, 0.38)),
            (-half * between(1, 1.15), between(0.55, 0.75)),
            (-half * 0.55, 0.96),
            (half * 0.3, 1),
            (half, 1 - loop * between(0.35, 0.55)),
            (half * 0.25, 1 - loop + between(-0.02, 0.05)),
            (-half * between(0.5, 1.05), 1 - loop * between(0.3, 0.75)),
        )
    ]


def _six_with_a_ring(hands: _Hands) -> Strokes:
    between = hands.between
    loop, half = between(0.25, 0.5), between(0.15, 0.3)
    ring = hands.around((0, 1 - loop / 2), (half, loop / 2), math.pi / 2, 2 * math.pi + between(-1.2, 0.6))
    return [hands.through((between(-0.05, 0.32), 0), (-half * between(0.3, 0.8), between(0.2, 0.35)), *ring)]


def _seven(hands: _Hands) -> Strokes:
    between = hands.between
    left, right, end = between(-0.38, -0.22), between(0.2, 0.4), between(-0.3, 0.12)
    start = between(-0.02, 0.1)
    roof = hands.through((left, start), ((left + right) / 2, start / 2 + between(-0.05, 0.06)), (right, 0))
    bend = (right + end) / 2 + between(-0.1, 0.08)
    return [roof, hands.through((right, 0), (bend, between(0.4, 0.55)), (end, 1))]


def _round_seven(hands: _Hands) -> Strokes:
    between = hands.between
    right = between(0.15, 0.36)
    return [
        hands.through(
            (between(-0.38, -0.22), between(0.02, 0.25)),
            (between(-0.2, -0.05), between(-0.02, 0.06)),
            (right * 0.8, between(0, 0.05)),
            (right, between(0.1, 0.2)),
            (between(-0.1, 0.12), between(0.5, 0.6)),
            (between(-0.25, 0.1), 1),
        )
    ]


def _barred_seven(hands: _Hands) -> Strokes:
    strokes, tilt = _seven(hands), hands.between(-0.06, 0.04)
    x, y = strokes[1][:, 4].T  # where its stem bends
    return [*strokes, hands.through((x - hands.between(0.1, 0.28), y - tilt), (x + hands.between(0.1, 0.28), y + tilt))]


def _round_barred_seven(hands: _Hands) -> Strokes:
    (stroke,) = _round_seven(hands)
    x, y = stroke[:, 16 + int(hands.generator.integers(-1, 2))].T  # about the middle of its stem
    tilt = hands.between(-0.06, 0.06)
    return [stroke, hands.through((x - hands.between(0.1, 0.28), y - tilt), (x + hands.between(0.1, 0.28), y + tilt))]


def _seven_with_a_serif(hands: _Hands) -> Strokes:
    strokes = _barred_seven(hands)
    x, y = strokes[0][:, 0].T
    return [*strokes, hands.through((x, y), (x + hands.between(-0.04, 0.04), y + hands.between(0.08, 0.25)))]


def _eight(hands: _Hands) -> Strokes:
    """Like an S, and back; it need not close."""
    between = hands.between
    upper, lower, y = between(0.13, 0.3), between(0.13, 0.38), between(0.38, 0.52)
    side = np.where(hands.some(0.77), 1, -1)
    spots = [
        (upper * between(0.5, 1), y * between(0.2, 0.5)),
        (between(-0.06, 0.06), 0),
        (-upper, y / 2),
        (between(-0.05, 0.05), y),
        (lower, (1 + y) / 2),
        (between(-0.06, 0.06), 1),
        (-lower, y + (1 - y) * between(0.42, 0.6)),
        (between(-0.07, 0.04), y + between(-0.01, 0.05)),
        (upper * 0.8 + between(-0.05, 0.16), y * between(0.2, 0.6) + between(-0.04, 0.1)),
    ]
    return [hands.through(*((side * x, each) for x, each in spots))]


def _eight_of_rings(hands: _Hands) -> Strokes:
    between = hands.between
    y, apart = between(0.38, 0.52), between(-0.04, 0.04)
    rings = []
    for middle, size in (
        (y / 2, (between(0.14, 0.28), y / 2)),
        ((1 + y) / 2 + apart, (between(0.18, 0.36), (1 - y) / 2)),
    ):
        turn = 2 * math.pi + between(-0.3, 0.4)
        rings.append(hands.through(*hands.around((between(-0.04, 0.04), middle), size, between(-3, 3), turn)))
    return rings


def _eight_from_the_middle(hands: _Hands) -> Strokes:
    between = hands.between
    upper, lower, y = between(0.13, 0.28), between(0.18, 0.36), between(0.38, 0.52)
    return [
        hands.through(
            (between(-0.05, 0.05), y),
            (-upper, y * between(0.4, 0.6)),
            (0, 0),
            (upper, y * between(0.4, 0.6)),
            (between(-0.03, 0.03), y),
            (-lower, (1 + y) / 2),
            (0, 1),
            (lower, (1 + y) / 2),
            (between(-0.05, 0.05), y + between(-0.03, 0.06)),
        )
    ]


def _open_eight(hands: _Hands) -> Strokes:
    """Two arms that cross over a loop: its top stays open."""
    between = hands.between
    arm, loop, y = between(0.16, 0.36), between(0.12, 0.34), between(0.35, 0.55)
    return [
        hands.through(
            (between(-0.1, 0.2), between(0, 0.08)),
            (-arm, between(0.02, 0.2)),
            (between(-0.05, 0.05), y),
            (loop, (1 + y) / 2),
            (between(-0.06, 0.06), 1),
            (-loop, (1 + y) / 2),
            (between(-0.05, 0.05), y),
            (arm, between(0, 0.15)),
        )
    ]


def _nine(hands: _Hands) -> Strokes:
    """A ring and a stem beside it, straight or with a tail."""
    between = hands.between
    loop, half = between(0.22, 0.58), between(0.12, 0.34)
    start, x, tailed = between(-1.3, -0.1), half + between(-0.03, 0.06), hands.some(0.5)
    turn = 2 * math.pi + 0.2 * start + between(-0.25, 0.25)
    ring = hands.through(*hands.around((0, loop / 2), (half, loop / 2), start, turn))
    straight = x + between(-0.35, 0.06)
    stem = hands.through(
        (x, between(-0.04, 0.5) * loop),
        (x - between(-0.02, 0.06), between(0.45, 0.6)),
        (np.where(tailed, x - between(0, 0.08), 0.4 * x + 0.6 * straight), between(0.72, 0.85)),
        (np.where(tailed, x - between(0.12, 0.35), straight), 1),
    )
    tail = hands.through(
        (stem[:, -1, 0], 1),
        (np.where(tailed, x - between(0.25, 0.5), straight), np.where(tailed, between(0.93, 1), 1)),
        (np.where(tailed, x - between(0.5, 0.75), straight), np.where(tailed, between(0.82, 0.99), 1)),
    )
    return [ring, stem, tail]


def _nine_of_one_line(hands: _Hands) -> Strokes:
    """Around and down without lifting the pen, straight or with a tail; the ring need not close."""
    between = hands.between
    loop, half = between(0.22, 0.58), between(0.12, 0.34)
    tail, drift = np.where(hands.some(0.5), between(0.3, 0.65), 0), between(-0.3, 0.05)
    x, y = half * between(0.9, 1.1), loop * between(0.1, 0.4)
    ring = hands.through(
        (half * between(0.6, 1.1), loop * between(0.05, 0.4)),
        (half * between(-0.1, 0.3), 0),
        (-half * 0.8, loop * 0.2),
        (-half, loop * 0.55),
        (-half * 0.3, loop),
        (half * 0.5, loop * between(0.6, 0.95)),
        (x, y),
    )
    stem = hands.through(
        (x, y),
        (half + drift * 0.4, between(0.5, 0.7)),
        (half + drift - tail * 0.25, np.where(tail, 0.97, 0.92)),
        (half + drift - tail, np.where(tail, between(0.85, 0.98), 1)),
    )
    return [ring, stem]


def _nine_like_a_turned_six(hands: _Hands) -> Strokes:
    return [(0, 1) - stroke for stroke in _six(hands)]


Way = Callable[[_Hands], Strokes]
WAYS: Sequence[dict[Way, float]] = (  # of each digit, with how often each is taken in terms of the first
    {_zero: 1},
    {_flagged_one: 1, _plain_one: 0.3, _one_on_a_foot: 0.3},
    {_two: 1, _looped_two: 0.6, _flat_two: 0.25},
    {_three: 1, _looped_three: 0.4, _flat_three: 0.4},
    {_four: 1, _four_of_a_short_stroke: 0.6, _round_four: 0.5, _closed_four: 0.5, _four_of_one_line: 0.4},
    {_five: 1, _five_of_two_strokes: 0.8, _five_like_an_s: 0.4},
    {_six: 1, _six_with_a_ring: 0.4},
    {_seven: 1, _barred_seven: 1, _round_seven: 0.6, _round_barred_seven: 0.6, _seven_with_a_serif: 0.4},
    {_eight: 1, _eight_of_rings: 0.4, _eight_from_the_middle: 0.3, _open_eight: 0.2},
    {_nine_of_one_line: 1, _nine: 1.5, _nine_like_a_turned_six: 0.3},
)


# ---- and how they come onto paper


def draw_strokes(digit: int, generator: np.random.Generator) -> list[np.ndarray]:
    """One digit's strokes, each (n_points, 2), x before y, downwards; it is about 1 high."""
    (strokes,) = _by_hand(digit, 1, generator)
    return [stroke[0] for stroke in strokes]


def write(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Digits of these labels (n,) 0 to 9, written and then made as MNIST's are: (n, 784) float32 in [0, 1]."""
    images = np.empty((len(labels), N_PIXELS), np.float32)
    for digit in range(N_CLASSES):
        rows = generator.permutation(np.flatnonzero(labels == digit))
        for strokes in _by_hand(digit, len(rows), generator):
            n = len(strokes[0])
            for start in range(0, n, ROWS_AT_ONCE):
                part = [stroke[start : start + ROWS_AT_ONCE] for stroke in strokes]
                images[rows[start : min(start + ROWS_AT_ONCE, n)]] = _as_mnist(part, generator)
            rows = rows[n:]
    return images


def _by_hand(digit: int, n: int, generator: np.random.Generator) -> list[Strokes]:
    """`n` of one digit: for each way to write it, the strokes of those that are written so."""
    ways = WAYS[digit]
    counts = generator.multinomial(n, np.array(list(ways.values())) / sum(ways.values()))
    return [
        _swayed(way(hands), hands)
        for way, count in zip(ways, counts, strict=True)
        if (hands := _Hands(count, generator)).n
    ]


def _swayed(strokes: Strokes, hands: _Hands) -> Strokes:
    """The strokes as each hand writes: wide or narrow, slanted, turned, bent, and not quite where they were meant."""
    between = hands.between
    width, turn, slant = (
        np.exp(between(*np.log(WIDTH))),
        np.radians(between(-TURN_DEGREES, TURN_DEGREES)),
        between(*SLANT),
    )
    leaning = np.array(
        [
            [width * np.cos(turn), -width * (slant * np.cos(turn)) - np.sin(turn)],
            [width * np.sin(turn), np.cos(turn) - width * slant * np.sin(turn)],
        ]
    ).transpose(2, 1, 0)
    phases, sways = between(0, 2 * math.pi), [between(0, SWAY)[:, None] for _ in range(2)]
    swayed = []
    for stroke in strokes:
        x, y = stroke[..., 0], stroke[..., 1] - 0.5
        bent = np.stack(
            [x + sways[0] * np.sin(5 * y + phases[:, None]), y + sways[1] * np.sin(6 * x + phases[:, None])], 2
        )
        if len(strokes) > 1:
            bent += hands.generator.normal(0, MISSED, (hands.n, 1, 2))
        swayed.append(bent @ leaning)
    return swayed


def _as_mnist(strokes: Strokes, generator: np.random.Generator) -> np.ndarray:
    """Drawn with a round pen, DIGIT_SIDE_PX at their larger side, the centre of mass in the middle: (n, 784)."""
    n = len(strokes[0])
    spots = np.concatenate(strokes, axis=1)
    low, high = spots.min(axis=1), spots.max(axis=1)
    pen = generator.uniform(*PEN_WIDTH_PX, n).astype(np.float32)
    scale = (DIGIT_SIDE_PX - pen) / (high - low).max(axis=1)
    places = np.arange(SIDE, dtype=np.float32)
    nearest = np.full((n, SIDE, SIDE), np.inf, np.float32)  # to each pixel, the squared distance from the pen's way
    for stroke in strokes:
        way = ((stroke - (low + high)[:, None] / 2) * scale[:, None, None] + (SIDE - 1) / 2).astype(np.float32)
        for start, end in pairwise(way.transpose(1, 2, 0)[..., None, None]):
            along_x, along_y = end - start
            to_x, to_y = places - start[0], places[:, None] - start[1]
            share = (to_x * along_x + to_y * along_y) / np.maximum(along_x**2 + along_y**2, np.float32(1e-6))
            np.clip(share, 0, 1, out=share)
            to_x, to_y = to_x - share * along_x, to_y - share * along_y
            np.minimum(nearest, to_x * to_x + to_y * to_y, out=nearest)
    ink = (pen[:, None, None] / 2 + np.float32(0.5) - np.sqrt(nearest)).clip(0, 1)
    mass = ink.sum(axis=(1, 2))
    for axis in (1, 2):
        moves = np.rint(CENTRE_PX - 0.5 - ink.sum(axis=3 - axis) @ places / mass).astype(int)
        sources = (np.arange(SIDE) - moves[:, None]) % SIDE
        ink = np.take_along_axis(ink, sources[:, :, None] if axis == 1 else sources[:, None, :], axis=axis)
    return ink.reshape(n, N_PIXELS)
