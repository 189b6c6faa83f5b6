"""Cutting: ink becomes rows of pieces, and every few neighbouring pieces a candidate."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from nnlib.digits.cutting import LEAST_HEIGHT, LETTER, MOST_BLOTS, ROW_HEIGHT_PX, SEVERAL, Row, cut_rows, seams


def all_alike(images: np.ndarray) -> np.ndarray:
    """A judge to whom everything is plainly a digit."""
    return np.eye(14, dtype=np.float32)[np.zeros(len(images), int)]


def nothing_alike(images: np.ndarray) -> np.ndarray:
    """A judge to whom nothing is a digit."""
    return np.eye(14, dtype=np.float32)[np.full(len(images), 13)]


def paper(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """Ink in these boxes of a sheet of 300 x 200: left, top, right, bottom."""
    ink = np.zeros((200, 300), np.float32)
    for left, top, right, bottom in boxes:
        ink[top:bottom, left:right] = 1
    return ink


def ring_of_ink(height: int, width: int, stroke: int) -> np.ndarray:
    """A 0 that fills its sheet, (height, width) bool."""
    y, x = np.mgrid[:height, :width]
    outer = ((y + 0.5) / height * 2 - 1) ** 2 + ((x + 0.5) / width * 2 - 1) ** 2 <= 1
    inner = ((y + 0.5 - height / 2) / (height / 2 - stroke)) ** 2 + ((x + 0.5 - width / 2) / (width / 2 - stroke)) ** 2
    return outer & (inner > 1)


def spans(row: Row) -> set[tuple[int, int]]:
    return {(candidate.start, candidate.stop) for candidate in row.candidates}


def test_neighbouring_blots_are_candidates_alone_and_together() -> None:
    (row,) = cut_rows(paper((20, 50, 30, 150), (60, 50, 70, 150), (100, 50, 110, 150)), all_alike)
    assert row.end == 3
    assert spans(row) == {(0, 1), (1, 2), (2, 3), (0, 2), (1, 3), (0, 3)}


def test_what_is_far_apart_is_no_candidate() -> None:
    (row,) = cut_rows(paper((20, 50, 30, 150), (260, 50, 270, 150)), all_alike)
    assert spans(row) == {(0, 1), (1, 2)}


def test_boxes_are_in_the_pixels_of_the_ink() -> None:
    (row,) = cut_rows(paper((20, 50, 60, 150)), all_alike)
    assert row.candidates[0].box == pytest.approx((20, 50, 60, 150), abs=1)
    assert row.candidates[0].height == pytest.approx(1, abs=0.05)  # of its row, whatever the picture's size


def test_rows_go_from_top_to_bottom_and_small_blots_join_the_nearest() -> None:
    lower, upper, bar = (20, 110, 60, 190), (20, 10, 60, 90), (70, 12, 95, 20)
    rows = cut_rows(paper(lower, upper, bar), nothing_alike)
    assert [min(candidate.box[1] for candidate in row.candidates) for row in rows] == pytest.approx([10, 110], abs=1)
    assert max(candidate.box[2] for candidate in rows[0].candidates) == pytest.approx(95, abs=1)


def test_a_row_may_go_down_on_its_way() -> None:
    blots = [(20 + 60 * i, 10 + 25 * i, 50 + 60 * i, 90 + 25 * i) for i in range(4)]
    assert len(cut_rows(paper(*blots), nothing_alike)) == 1


def test_what_plainly_is_a_digit_is_not_cut() -> None:
    joined = paper((20, 50, 60, 150), (60, 95, 100, 100), (100, 50, 140, 150))
    assert cut_rows(joined, all_alike)[0].end == 1
    assert cut_rows(joined, nothing_alike)[0].end > 1


def test_digits_that_touch_are_cut_where_there_is_least_ink() -> None:
    inked = np.zeros((ROW_HEIGHT_PX, 120), bool)
    inked[:, 5:45] = inked[:, 75:115] = True
    inked[46:50, 45:75] = True
    cheapest, through = min(seams(inked), key=lambda each: each[1])
    assert 45 <= cheapest.min() <= cheapest.max() <= 75
    assert through == pytest.approx(4 / ROW_HEIGHT_PX)


def test_digits_that_touch_along_a_side_are_cut_there_though_other_cuts_go_through_less() -> None:
    ring = ring_of_ink(ROW_HEIGHT_PX, 80, 8)
    # beside each other, with a common wall that is 40 pixels high
    rings = np.concatenate([ring, ring], axis=1)
    rings[28:68, 72:88] = True
    found = seams(rings)
    assert min(through for _, through in found) < 0.25  # through above and below of one ring
    between = [through for seam, through in found if 72 <= seam.min() <= seam.max() <= 88]
    assert between
    assert min(between) == pytest.approx(40 / ROW_HEIGHT_PX, abs=0.06)


def test_a_cut_has_enough_on_both_sides_and_no_two_are_nearly_the_same() -> None:
    inked = np.concatenate([ring_of_ink(ROW_HEIGHT_PX, 70, 10)] * 3, axis=1)
    inked[40:56, 60:150] = True
    found = seams(inked)
    assert len(found) > 5
    for number, (seam, _) in enumerate(found):
        left = np.arange(inked.shape[1]) < seam[:, None]
        for side in (inked & left, inked & ~left):
            assert side.any(axis=1).sum() >= LEAST_HEIGHT * ROW_HEIGHT_PX
        # of a ring's 2,500 pixels, some lie between this cut and each other one
        lefts = [np.arange(inked.shape[1]) < other[:, None] for other, _ in found[:number]]
        assert all(np.count_nonzero(inked & (left ^ other)) > 50 for other in lefts)


def test_what_lies_between_two_cuts_is_all_ink_once() -> None:
    joined = paper((20, 50, 60, 150), (60, 95, 100, 100), (100, 50, 140, 150), (180, 50, 200, 150))
    (row,) = cut_rows(joined, nothing_alike)
    ink = {(each.start, each.stop): float(each.cut.sum()) for each in row.candidates}
    everything = ink[0, row.end - 1] + ink[row.end - 1, row.end]
    ways = [cut for cut in range(1, row.end - 1) if (0, cut) in ink and (cut, row.end - 1) in ink]
    assert ways
    for cut in ways:
        assert ink[0, cut] + ink[cut, row.end - 1] + ink[row.end - 1, row.end] == pytest.approx(everything, rel=0.02)


def test_cuts_that_lean_both_ways_are_tried_and_nothing_is_between_those_that_cross() -> None:
    drawn = Image.new("L", (300, 200))
    pen = ImageDraw.Draw(drawn)
    for line in ((60, 50, 160, 150), (160, 50, 60, 150), (60, 50, 60, 150), (160, 50, 160, 150)):
        pen.line(line, 255, 12)  # a cross in a frame without top and bottom
    (row,) = cut_rows(np.asarray(drawn, np.float32) / 255, nothing_alike)
    there = spans(row)
    firsts = [stop for start, stop in there if start == 0]
    assert any((a, b) not in there for a in firsts for b in firsts if a < b < row.end)


def test_two_halves_of_a_digit_one_above_the_other_are_one_row_if_they_are_one_digit() -> None:
    halves = paper((40, 20, 100, 90), (40, 110, 100, 180))
    assert len(cut_rows(halves, all_alike)) == 1
    flat = paper((40, 60, 160, 90), (40, 110, 160, 140))
    assert len(cut_rows(flat, all_alike)) == 1
    assert len(cut_rows(halves, nothing_alike)) == 2


def test_specks_are_left_out_and_too_much_ink_is_no_number() -> None:
    (row,) = cut_rows(paper((20, 50, 60, 150), (200, 100, 202, 102)), nothing_alike)
    assert max(candidate.box[2] for candidate in row.candidates) < 100
    dots = [(x, y, x + 6, y + 6) for x in range(0, 300, 12) for y in range(0, 200, 12)]
    assert len(dots) > MOST_BLOTS
    assert cut_rows(paper(*dots), nothing_alike) == []


def test_a_part_of_a_blot_is_a_digit_only_as_far_as_the_blot_is_several() -> None:
    joined = paper((20, 50, 60, 150), (60, 95, 100, 100), (100, 50, 140, 150), (270, 50, 290, 150))

    def judge(images: np.ndarray) -> np.ndarray:
        """All parts, and the blot that stands alone, are digits; what is wide is a letter, or perhaps several."""
        kinds = np.zeros((len(images), 14), np.float32)
        wide = (images.reshape(-1, 28, 28).max(axis=1) > 0.5).sum(axis=1) > 12
        kinds[wide, LETTER], kinds[wide, SEVERAL], kinds[~wide, 1] = 0.75, 0.25, 1
        return kinds

    (row,) = cut_rows(joined, judge)
    alone = [not candidate.blots for candidate in row.candidates]
    narrow = row.kinds[:, 1] == 1
    assert any(narrow & alone)
    assert any(narrow & ~np.array(alone))
    np.testing.assert_allclose(row.likeness[narrow & alone], 1)
    np.testing.assert_allclose(row.likeness[narrow & ~np.array(alone)], 0.25)
