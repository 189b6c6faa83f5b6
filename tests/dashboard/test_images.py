"""Arrays to pictures: shapes, and colours that say what they should."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from dashboard import images

RANDOM = np.random.default_rng(1)


def opened(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGBA")).astype(int)


def test_a_sheet_of_digits_is_ink_and_nothing_where_there_is_none() -> None:
    digits = np.ones((3, 784), np.float32)
    digits[0, 0] = 0.5
    sheet = opened(images.digit_sheet(digits, 2))
    assert sheet.shape == (58, 58, 4)
    assert (sheet[..., :3] == 0).all(), "black, of which each pixel has more or less"
    ink = sheet[..., 3]
    assert ink[0, 0] == 128
    assert (ink[1:28, :28] == 255).all()
    assert not ink[28:30].any(), "nothing between them"
    assert not ink[30:, 30:].any(), "there is no fourth"


def test_units_are_squares_the_fuller_the_stronger() -> None:
    sheet = opened(images.strengths(np.array([[0.0, 0.5], [1.0, np.nan]]), 5))
    assert sheet.shape == (11, 11, 4)
    calm, middle, strong, none = sheet[0, 0, 3], sheet[0, 6, 3], sheet[6, 0, 3], sheet[6, 6, 3]
    assert 0 == none < calm < middle < strong == 255
    assert (sheet[:5, :5, 3] == calm).all()
    assert not sheet[5].any(), "a gap between the rows"


def test_weights_are_clear_at_zero_and_the_stronger_the_further_from_it() -> None:
    weights = np.array([[-1.0, -0.5, 0.0, 0.5, 1.0]], np.float32).repeat(784, axis=0)
    sheet = opened(images.weight_sheet(weights, 1.0, 5))
    assert sheet.shape == (28, 5 * 28 + 4 * images.GAP, 4)
    lowest, low, zero, high, highest = sheet[0, [0, 30, 60, 90, 120]]
    assert zero[3] == 0, "paper, of whatever colour"
    assert lowest[3] == highest[3] == 255
    assert low[3] == high[3]
    assert 100 < low[3] < 150
    assert (lowest[:3] == low[:3]).all()
    assert (highest[:3] == high[:3]).all()
    assert lowest[2] > lowest[0], "blue below zero"
    assert highest[0] > highest[2], "orange above"


@pytest.mark.parametrize("paper", [(255, 255, 255), (16, 20, 31)])
def test_both_colours_of_weights_show_on_light_and_dark_paper(paper: tuple[int, int, int]) -> None:
    def luminance(colour: tuple[int, ...]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    for colour in (images.NEGATIVE, images.POSITIVE):
        darker, lighter = sorted([luminance(colour), luminance(paper)])
        assert (lighter + 0.05) / (darker + 0.05) >= 3, "as WCAG asks of graphics"


def test_colours_are_symmetric_about_zero() -> None:
    weights = RANDOM.normal(size=(784, 3)).astype(np.float32)
    sheet, mirrored = (opened(images.weight_sheet(each, 1.0, 3)) for each in (weights, -weights))
    assert (sheet[..., 3] == mirrored[..., 3]).all()
    first = weights[:, 0].reshape(28, 28)
    assert (sheet[:28, :28][first > 1][:, :3] == images.POSITIVE).all(), "beyond the limit, the full colour"
    assert (mirrored[:28, :28][first > 1][:, :3] == images.NEGATIVE).all()


def test_a_picture_is_laid_out_like_its_pixels() -> None:
    weights = np.zeros((784, 1), np.float32)
    weights[28 * 3 + 5] = 1
    sheet = opened(images.weight_sheet(weights, 1.0, 1))
    assert np.argwhere(sheet[..., 3] > 0).tolist() == [[3, 5]]


def test_a_sheet_of_weights_is_small_to_send() -> None:
    assert len(images.weight_sheet(RANDOM.normal(size=(784, 128)), 3.0, 16)) < 100_000


def test_few_weights_are_cut_off_and_none_divides_by_zero() -> None:
    weights = RANDOM.normal(size=(784, 128))
    limit = images.weight_limit(weights)
    assert 0.99 < np.mean(np.abs(weights) <= limit) < 1
    assert images.weight_limit(-weights) == limit
    assert images.weight_limit(np.zeros((784, 2))) == 1


@pytest.mark.parametrize(("n", "columns", "shape"), [(1, 1, (28, 28)), (3, 2, (58, 58)), (10, 10, (28, 298))])
def test_tiles_stand_in_rows_with_gaps(n: int, columns: int, shape: tuple[int, int]) -> None:
    pictures = RANDOM.integers(0, 200, (n, 28, 28, 3), np.uint8)
    sheet = images.tiles(pictures, columns, between=201, missing=202)
    assert sheet.shape == (*shape, 3)
    assert (sheet[:28, :28] == pictures[0]).all()
    assert (sheet[..., 0] < 201).sum() == n * 28 * 28
    assert ((sheet == 202).any()) == (n % columns > 0)


def test_no_tiles_are_a_picture_too() -> None:
    assert images.tiles(np.zeros((0, 28, 28, 3), np.uint8), 10).shape[2] == 3


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_png_address_holds_the_very_picture(shape: tuple[int, ...]) -> None:
    picture = RANDOM.integers(0, 256, shape, np.uint8)
    head, _, content = images.uri(images.png(picture)).partition(",")
    assert head == "data:image/png;base64"
    assert (np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))) == picture).all()
