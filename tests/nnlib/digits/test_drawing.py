"""Drawings: any picture becomes the digits in it as MNIST would have them, or a sentence saying why not."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from PIL import Image
from scipy import ndimage

from nnlib.digits.cutting import Box
from nnlib.digits.mnist import load_mnist
from nnlib.model_files import load_pretrained
from nnlib.reading import ReadDigit, read_digits
from tests.pen_strokes import load_strokes, render

STROKES, LABELS = zip(*load_strokes(), strict=True)
A_FEW = range(0, 1500, 50)
BLOTCHES = 0.5 + ndimage.gaussian_filter(np.random.default_rng(1).normal(0, 1.2, (280, 280)), 4)


def find_digits(picture: np.ndarray) -> tuple[ReadDigit, ...]:
    return read_digits(picture, load_pretrained()).digits


def only_digit(picture: np.ndarray) -> np.ndarray:
    return max(find_digits(picture), key=lambda digit: digit.cut.size).image


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """The ink that only one of two digits has, as a share of the ink of one: 0 the same, 2 nothing in common.

    Two people's drawings of the same digit have 0.9 in the median, and seldom less than 0.45.
    """
    return float(np.abs(first - second).sum() / ((first + second).sum() / 2))


def bar(height: int, width: int) -> np.ndarray:
    """White on black, (280, 280): an upright or flat bar."""
    picture = np.zeros((280, 280), np.uint8)
    picture[30 : 30 + height, 50 : 50 + width] = 255
    return picture


def png(picture: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", **options)
    return file.getvalue()


# what a drawing becomes


def test_a_digit_is_an_image_as_the_network_takes_it() -> None:
    image = only_digit(render(STROKES[0]))
    assert (image.shape, image.dtype) == ((784,), np.float32)
    assert image.flags.c_contiguous
    assert image.min() == 0
    assert image.max() == 1


def test_the_box_holds_the_ink() -> None:
    (digit,) = find_digits(bar(120, 40))
    assert np.allclose(digit.box, (50, 30, 90, 150), atol=1)


def test_the_box_of_a_large_picture_is_in_its_own_pixels() -> None:
    picture = np.full((2000, 3000), 255, np.uint8)
    picture[600:1400, 1500:1700] = 0
    (digit,) = find_digits(picture)
    assert np.allclose(digit.box, (1500, 600, 1700, 1400), atol=6)


@pytest.mark.parametrize("index", A_FEW)
def test_the_larger_side_becomes_20_pixels_and_proportions_are_kept(index: int) -> None:
    # a thin pen, at MNIST's own width, so that its way has the proportions of the ink
    way = np.ptp(np.concatenate(STROKES[index]), axis=0)
    width, height = 17.5 * way / way.max() + 2.5
    ink = only_digit(render(STROKES[index], stroke_width=4)).reshape(28, 28) >= 0.5
    assert np.ptp(np.flatnonzero(ink.any(0))) + 1 == pytest.approx(width, abs=1.5)
    assert np.ptp(np.flatnonzero(ink.any(1))) + 1 == pytest.approx(height, abs=1.5)


@pytest.mark.parametrize("index", A_FEW)
def test_the_centre_of_mass_is_in_the_middle(index: int) -> None:
    image = only_digit(render(STROKES[index], centre=(0.4, 0.55))).reshape(28, 28)
    # MNIST's middle is the pixel (14, 14)
    assert np.allclose(ndimage.center_of_mass(image), (14, 14), atol=0.5)


@pytest.mark.parametrize("stroke_width", [2, 6, 12, 18, 26])
def test_strokes_are_as_wide_as_those_of_mnist(stroke_width: float) -> None:
    # of as much ink, then, since they are as long
    images = np.stack([only_digit(render(STROKES[i], stroke_width=stroke_width)) for i in range(0, 1500, 30)])
    assert images.mean() == pytest.approx(load_mnist().train.images.mean(), rel=0.1)


def test_a_hairline_survives_beside_a_blot() -> None:
    picture = np.zeros((280, 280), np.uint8)
    picture[40:110, 90:160] = 255
    picture[110:240, 140:144] = 255
    image = only_digit(picture).reshape(28, 28)
    blot, line = image[:14].sum(axis=0) > 0.5, image[18:].sum(axis=0) > 0.5
    assert blot.sum() > 5
    assert 1 <= line.sum() <= 3


# what must not matter


@pytest.mark.parametrize(
    ("closeness", "change"),
    [
        pytest.param(0.02, {"ink": (20, 20, 20), "paper": (255, 255, 255)}, id="dark on light"),
        pytest.param(0.02, {"ink": (200, 30, 30), "paper": (30, 30, 200)}, id="red on blue"),
        pytest.param(0.02, {"ink": (255, 255, 0), "paper": (255, 255, 255)}, id="yellow on white"),
        pytest.param(0.05, {"ink": (150, 150, 150), "paper": (190, 190, 190)}, id="grey on grey"),
        pytest.param(0.15, {"centre": (0.37, 0.58)}, id="place"),
        pytest.param(0.15, {"extent": 0.3, "stroke_width": 9}, id="size"),
        pytest.param(0.15, {"size": 1400, "stroke_width": 90}, id="canvas"),
        pytest.param(0.2, {"stroke_width": 6}, id="thin brush"),
        pytest.param(0.2, {"stroke_width": 26}, id="thick brush"),
    ],
)
def test_the_same_strokes_become_the_same_digit(closeness: float, change: dict[str, Any]) -> None:
    differences = [difference(only_digit(render(STROKES[i])), only_digit(render(STROKES[i], **change))) for i in A_FEW]
    assert np.quantile(differences, 0.95) < closeness


@pytest.mark.parametrize("ink", [(0, 0, 0), (255, 255, 255), (0, 90, 200)])
def test_a_transparent_canvas_reads_like_an_opaque_one(ink: tuple[int, int, int]) -> None:
    opaque = render(STROKES[3])
    transparent = np.empty_like(opaque)
    transparent[..., :3] = ink
    transparent[..., 3] = opaque[..., 0]
    transparent[transparent[..., 3] == 0] = 0  # as browsers do
    assert difference(only_digit(opaque), only_digit(transparent)) < 0.02


def test_floats_read_like_bytes() -> None:
    picture = render(STROKES[5])
    assert difference(only_digit(picture), only_digit(picture / 255)) < 1e-3


def test_a_digit_drawn_into_the_edges_of_the_canvas_is_found() -> None:
    for i in A_FEW:
        whole, cut = (only_digit(render(STROKES[i], extent=extent, stroke_width=12)) for extent in (0.9, 1.0))
        assert difference(whole, cut) < 0.35


def test_specks_are_no_digits_and_leave_no_trace() -> None:
    generator = np.random.default_rng(1)
    for i in A_FEW:
        clean = render(STROKES[i], extent=0.5)[..., 0]
        specked = np.where(generator.random(clean.shape) < 0.01, 255 - clean, clean)
        specked[4:12, 268:276] = 255
        assert difference(only_digit(clean), only_digit(specked)) < 0.2


def test_a_speck_inside_a_digit_leaves_no_trace() -> None:
    clean = render(STROKES[LABELS.index(0)], stroke_width=12)
    left, top, right, bottom = find_digits(clean)[0].box
    x, y = (left + right) // 2, (top + bottom) // 2
    specked = clean.copy()
    specked[y : y + 7, x : x + 7] = 255
    assert difference(only_digit(clean), only_digit(specked)) < 0.01


def test_dust_is_no_digit() -> None:
    assert find_digits((np.random.default_rng(1).random((280, 280)) < 0.001) * 1.0) == ()


# one digit or several


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param((60, 100, 180, 140), (150, 60, 164, 220), id="low angle, high bar"),
    ],
)
def test_strokes_apart_are_one_digit(left: Box, right: Box) -> None:
    picture = np.zeros((280, 280), np.uint8)
    for x1, y1, x2, y2 in (left, right):
        picture[y1:y2, x1:x2] = 255
    assert len(find_digits(picture)) == 1


def test_digits_side_by_side_are_found_in_order() -> None:
    network = load_pretrained().network
    # such as are read right alone
    alone = [i for i in A_FEW if network.predict(only_digit(render(STROKES[i]))[np.newaxis])[0] == LABELS[i]]
    for pair in zip(alone[::2], alone[1::2], strict=False):
        canvas = np.concatenate([render(STROKES[i]) for i in pair], axis=1)
        digits = find_digits(canvas)
        assert list(network.predict(np.stack([digit.image for digit in digits]))) == [LABELS[i] for i in pair]
        assert digits[0].box[2] <= digits[1].box[0]


def test_a_digit_is_as_if_its_neighbour_were_not_there() -> None:
    one, other = render(STROKES[10]), render(STROKES[12])
    first, second = find_digits(np.concatenate([one, other], axis=1))
    assert difference(first.image, only_digit(one)) < 0.05
    assert difference(second.image, only_digit(other)) < 0.05


# any picture


COLOURS = st.sampled_from([(), (3,), (4,)])
SIDES = st.integers(1, 40)
PICTURES = st.tuples(SIDES, SIDES, COLOURS).flatmap(
    lambda shape: st.one_of(
        st_numpy.arrays(np.uint8, (*shape[:2], *shape[2])),
        # noise has more ink than hypothesis draws by itself
        st.integers(0, 2**32 - 1).map(
            lambda seed: np.random.default_rng(seed).integers(0, 256, (*shape[:2], *shape[2]), np.uint8)
        ),
    )
)


@given(PICTURES)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_picture_becomes_digits_or_none(picture: np.ndarray) -> None:
    height, width = picture.shape[:2]
    for digit in find_digits(picture):
        assert (digit.image.shape, digit.image.dtype) == ((784,), np.float32)
        assert digit.image.flags.c_contiguous
        assert np.isfinite(digit.image).all()
        assert digit.image.min() >= 0
        assert 0 < digit.image.max() <= 1
        left, top, right, bottom = digit.box
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
