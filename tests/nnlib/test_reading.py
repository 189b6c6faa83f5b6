"""Reading: any picture becomes a number, digit by digit, with honest doubt; or it is said why there is none."""

from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from nnlib import Reading, read_digits
from nnlib.digits import load_mnist, read_picture
from nnlib.errors import DrawingError
from nnlib.model_files import load_pretrained
from nnlib.reading import prepare, read_prepared
from tests.non_digits import iter_non_digits
from tests.pen_strokes import iter_canvases, iter_numbers, load_strokes, on_canvas, render

EXAMPLES = Path(__file__).parents[2] / "dashboard" / "examples"
STROKES, LABELS = zip(*islice(load_strokes(), 200), strict=True)


def read(picture: np.ndarray) -> Reading:
    return read_digits(picture, load_pretrained())


def side_by_side(*pictures: np.ndarray, apart: int = 0) -> np.ndarray:
    space = np.zeros((pictures[0].shape[0], apart, 4), np.uint8)
    return np.concatenate([part for picture in pictures for part in (picture, space)], axis=1)


@pytest.fixture(scope="module")
def drawings() -> list[tuple[Reading, int]]:
    """Every fifth of the 1,500 pen drawings; `python tests/pen_strokes.py` looks at all."""
    return [(read(canvas), label) for canvas, label in iter_canvases(every=5)]


@pytest.fixture(scope="module")
def numbers() -> list[tuple[Reading, str]]:
    return [(read(canvas), number) for canvas, number in iter_numbers(n=90)]


# how well it reads


def test_pen_drawings_are_read(drawings: list[tuple[Reading, int]]) -> None:
    assert np.mean([reading.number == str(label) for reading, label in drawings]) >= 0.96


def test_few_drawings_are_declined(drawings: list[tuple[Reading, int]]) -> None:
    assert np.mean([not reading.sure for reading, _ in drawings]) <= 0.035


def test_numbers_are_read(numbers: list[tuple[Reading, str]]) -> None:
    assert np.mean([reading.number == number for reading, number in numbers]) >= 0.87


def test_what_is_sure_is_right_more_often(numbers: list[tuple[Reading, str]]) -> None:
    right = np.mean([reading.number == number for reading, number in numbers])
    assert np.mean([reading.number == number for reading, number in numbers if reading.sure]) > right


@pytest.mark.parametrize(
    ("example", "number"),
    [
        ("digit.png", "3"),
        ("number.png", "2057"),
        ("touching.png", "638"),
        ("rows.png", "194\n72"),
        ("photo.jpg", "8146"),
        ("letter.png", None),
        ("scribble.png", None),
    ],
)
def test_the_examples_show_what_they_are_there_for(example: str, number: str | None) -> None:
    assert read(read_picture(EXAMPLES / example)).number == number


def test_two_zeros_that_lean_on_each_other_are_two() -> None:
    rows, columns = np.mgrid[:280, :280]
    ring = np.abs(np.hypot((rows - 140) / 90, (columns - 140) / 62) - 0.9) < 0.1
    for apart in (110, 114, 118):  # from strokes that lie over each other to some that only touch
        pair = np.zeros((280, 400), bool)
        pair[:, :280] |= ring
        pair[:, apart : apart + 280] |= ring
        assert read(pair.astype(np.uint8) * 255).number == "00"


def test_mnist_itself_stays_as_readable() -> None:
    test = load_mnist().test
    images, labels = test.images[:300], test.labels[:300]
    plain = np.mean(load_pretrained().network.predict(images) == labels)
    found = np.mean(
        [read(canvas).number == str(label) for canvas, label in zip(on_canvas(images), labels, strict=True)]
    )
    assert found >= plain - 0.01


# a line beside a 6, a dotted one beside a 1, two dashes beside a 4: of the form that they were written on
@pytest.mark.parametrize(("index", "label"), [(8116, "6"), (5661, "1"), (8416, "4")])
def test_a_printed_line_beside_a_digit_is_no_digit(index: int, label: str) -> None:
    (canvas,) = on_canvas(load_mnist().test.images[index : index + 1])
    assert read(canvas).number == label


def test_what_is_no_digit_is_seldom_sure() -> None:
    sure = Counter[str]()
    for canvas, kind in iter_non_digits(40):
        reading = read(canvas)
        sure[kind] += reading.sure
        # of what is no number, no part is a sure digit
        assert reading.number is not None or not any(digit.sure for digit in reading.digits)
    assert sure.total() <= 0.08 * 5 * 40
    assert max(sure.values()) <= 0.25 * 40


# what a reading says


def test_a_digit_says_all_of_it() -> None:
    reading = read(render(STROKES[0]))
    (digit,) = reading.digits
    assert (reading.number, reading.reason, reading.sure) == (str(LABELS[0]), None, True)
    assert (digit.digit, digit.sure) == (LABELS[0], True)
    assert (digit.image.shape, digit.image.dtype) == ((784,), np.float32)
    assert not digit.image.flags.writeable
    assert digit.probabilities.shape == (10,)
    assert digit.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert digit.certainty == pytest.approx(digit.likeness * digit.probability)


def test_boxes_hold_the_ink_from_left_to_right() -> None:
    picture = side_by_side(render(STROKES[0]), render(STROKES[1]))
    inked = picture[..., :3].max(axis=2) > 127
    boxes = [digit.box for digit in read(picture).digits]
    assert [box[0] // 280 for box in boxes] == [0, 1]
    for left, top, right, bottom in boxes:
        near = inked[max(0, top - 2) : bottom + 2, max(0, left - 2) : right + 2]
        half = inked[:, left // 280 * 280 :][:, :280]
        assert near.sum() == half.sum()


def test_rows_are_lines_of_the_number() -> None:
    above = side_by_side(render(STROKES[0]), render(STROKES[1]))
    below = side_by_side(render(STROKES[2]), render(STROKES[3]))
    first, second, third, fourth = LABELS[:4]
    assert read(np.concatenate([above, below])).number == f"{first}{second}\n{third}{fourth}"


def test_a_dot_beside_a_digit_is_no_digit() -> None:
    picture = render(STROKES[0], centre=(0.4, 0.5)).copy()
    picture[180:200, 255:275] = 255
    assert read(picture).number == str(LABELS[0])


def test_without_ink_there_is_no_number() -> None:
    reading = read(np.zeros((280, 280, 4), np.uint8))
    assert (reading.number, reading.digits, reading.sure) == (None, (), False)
    assert reading.reason == "There is no ink that stands out from the paper."


def test_more_is_sure_the_less_is_asked_for(numbers: list[tuple[Reading, str]]) -> None:
    canvas, _ = next(iter_numbers(n=1))
    prepared = prepare(canvas)
    readings = [read_prepared(prepared, load_pretrained(), threshold) for threshold in (0, 0.5, 1)]
    assert [reading.sure for reading in readings][::2] == [True, False]
    assert len({reading.number for reading in readings}) == 1
    assert readings[2].reason is not None


def test_a_filled_shape_is_no_digit() -> None:
    rows, columns = np.mgrid[:280, :280]
    disc = (np.hypot(rows - 140, columns - 140) < 70).astype(np.uint8) * 255
    reading = read(disc)
    assert not reading.sure
    assert reading.reason


# whatever comes


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st_numpy.arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60), st.sampled_from([1, 2, 3, 4, 5]))),
        st_numpy.arrays(np.uint8, st.tuples(st.integers(0, 60), st.integers(0, 60))),
        st_numpy.arrays(
            np.float32, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.floats(0, 1, width=32)
        ),
        st_numpy.arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 9))),
        st_numpy.arrays(
            st.sampled_from([np.int16, np.int64, np.bool_, np.complex64]), st_numpy.array_shapes(max_dims=4)
        ),
    )
)
def test_any_array_is_read_or_refused(picture: np.ndarray) -> None:
    try:
        reading = read(picture)
    except DrawingError:
        return
    assert reading.sure or reading.reason
    height, width = picture.shape[:2]
    for digit in reading.digits:
        left, top, right, bottom = digit.box
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert np.isfinite(digit.probabilities).all()


def test_a_page_full_of_ink_is_no_number() -> None:
    generator = np.random.default_rng(0)
    page = np.full((1000, 1000), 255, np.uint8)
    for left, top in generator.integers(10, 980, (900, 2)):
        page[top : top + 12, left : left + 3] = 0
    assert not read(page).sure


def test_a_page_full_of_strokes_is_not_said_to_be_empty() -> None:
    page = np.full((1000, 1000), 255, np.uint8)
    for left in range(40, 960, 60):
        for top in range(40, 960, 60):
            page[top : top + 40, left : left + 8] = 0
    reading = read(page)
    assert (reading.number, reading.sure) == (None, False)
    assert reading.reason == "There is ink, but no number in it: it is in too many pieces, or in specks."
