"""Arrays to pictures: shapes, and colours that say what they should."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from dashboard import images

RANDOM = np.random.default_rng(1)


def test_digits_are_dark_ink_on_white_paper() -> None:
    digits = np.zeros((2, 784), np.float32)
    digits[1, 0] = 1
    pictures = images.digit_pictures(digits)
    assert pictures.shape == (2, 28, 28, 3)
    assert pictures.dtype == np.uint8
    assert (pictures[0] == 255).all()
    assert (pictures[1, 0, 0] == 0).all()


def test_weight_at_zero_is_as_near_white_as_blue_is_to_orange() -> None:
    weights = np.array([[-1.0, -0.5, 0.0, 0.5, 1.0]], np.float32).repeat(784, axis=0)
    pictures = images.weight_pictures(weights, 1.0)
    assert pictures.shape == (5, 28, 28, 3)
    lowest, low, zero, high, highest = pictures[:, 0, 0].astype(int)
    assert zero.min() == zero.max() >= 245
    for negative, positive in ((low, high), (lowest, highest)):
        assert negative[2] > negative[0], "blue below zero"
        assert positive[0] > positive[2], "orange above"
    assert lowest.sum() < low.sum() < zero.sum() > high.sum() > highest.sum(), "the further from zero, the darker"


def test_colours_are_symmetric_about_zero() -> None:
    middle = len(images.DIVERGING) // 2
    assert len(images.DIVERGING) == 2 * middle + 1
    weights = RANDOM.normal(size=(784, 3)).astype(np.float32)
    pictures, mirrored = (images.weight_pictures(each, 1.0) for each in (weights, -weights))
    positive = pictures[weights.T.reshape(3, 28, 28) > 1]
    assert (positive == images.DIVERGING[-1]).all(), "beyond the limit, the full colour"
    assert (mirrored[weights.T.reshape(3, 28, 28) > 1] == images.DIVERGING[0]).all()


def test_a_picture_is_laid_out_like_its_pixels() -> None:
    weights = np.zeros((784, 1), np.float32)
    weights[28 * 3 + 5] = 1
    picture = images.weight_pictures(weights, 1.0)[0]
    row, column = np.argwhere((picture != picture[0, 0]).any(axis=-1))[0]
    assert (row, column) == (3, 5)


def test_few_weights_are_cut_off_and_none_divides_by_zero() -> None:
    weights = RANDOM.normal(size=(784, 128))
    limit = images.weight_limit(weights)
    assert 0.99 < np.mean(np.abs(weights) <= limit) < 1
    assert images.weight_limit(-weights) == limit
    assert images.weight_limit(np.zeros((784, 2))) == 1


@pytest.mark.parametrize(("n", "columns", "shape"), [(1, 1, (28, 28)), (3, 2, (58, 58)), (10, 10, (28, 298))])
def test_tiles_stand_in_rows_with_clear_gaps(n: int, columns: int, shape: tuple[int, int]) -> None:
    pictures = RANDOM.integers(0, 256, (n, 28, 28, 3), np.uint8)
    sheet = images.tiles(pictures, columns)
    assert sheet.shape == (*shape, 4)
    assert (sheet[:28, :28, :3] == pictures[0]).all()
    assert (sheet[..., 3] == 255).sum() == n * 28 * 28, "all else is clear"


def test_no_tiles_are_a_picture_too() -> None:
    sheet = images.tiles(np.zeros((0, 28, 28, 3), np.uint8), 10)
    assert sheet.shape[2] == 4
    assert not sheet.any()


def test_enlarged_pixels_are_squares() -> None:
    picture = RANDOM.integers(0, 256, (2, 3, 3), np.uint8)
    large = images.enlarge(picture, 4)
    assert large.shape == (8, 12, 3)
    assert (large[::4, ::4] == picture).all()
    assert (large[3::4, 3::4] == picture).all()


def test_png_address_holds_the_very_picture() -> None:
    picture = RANDOM.integers(0, 256, (5, 7, 4), np.uint8)
    head, _, content = images.png_uri(picture).partition(",")
    assert head == "data:image/png;base64"
    assert (np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))) == picture).all()
