"""Printed lines are found in their whole darkness and taken away, and what is written across them stays whole."""

import numpy as np
from scipy import ndimage

from nnlib.digits.ruling import find_ruling, without_rulings

SIDE, THICK = 400, slice(196, 204)


def line() -> np.ndarray:
    darkness = np.zeros((SIDE, SIDE), np.float32)
    darkness[THICK] = 0.3
    return ndimage.gaussian_filter1d(darkness, 1.5, axis=0)


def test_a_thick_line_is_found_as_dark_as_it_is() -> None:
    ruling = find_ruling(line(), np.ones((SIDE, SIDE), bool))
    assert ruling is not None
    assert np.allclose(ruling[198:202], line()[198:202], atol=0.05)


def test_a_stroke_across_thick_lines_stays_whole_and_the_lines_go() -> None:
    rows, columns = np.indices((SIDE, SIDE))
    stroke = np.where(abs(rows - columns + 80) <= 6, np.float32(0.2), 0)
    left = without_rulings(np.maximum(np.maximum(line(), line().T), stroke), line(), line().T)
    assert ndimage.label(left >= 0.1, np.ones((3, 3)))[1] == 1
    assert not left[abs(rows - columns + 80) > 20].any()


def test_a_digit_is_no_printed_line() -> None:
    darkness = np.zeros((SIDE, SIDE), np.float32)
    darkness[THICK, 90:310] = 0.3  # as the stroke of a large 1 on its side
    assert find_ruling(darkness, np.ones((SIDE, SIDE), bool)) is None
