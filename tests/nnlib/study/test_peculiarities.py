"""Peculiarities: real digits, made odd in one way."""

import numpy as np
import pytest
import scipy

from nnlib.digits.mnist import Digits, load_mnist
from nnlib.study.peculiarities import Peculiarities


@pytest.fixture(scope="module")
def peculiarities() -> Peculiarities:
    return Peculiarities(load_mnist().train[:10_000])


def digits_of(label: int, n: int) -> np.ndarray:
    test = load_mnist().test
    return test.images[test.labels == label][:n]


def kinds(peculiarities: Peculiarities, images: np.ndarray, label: int) -> list[list[str]]:
    return [[each.kind for each in peculiarities.of(image, label)] for image in images]


def sheared(image: np.ndarray, columns_a_row: float) -> np.ndarray:
    picture = image.reshape(28, 28).astype(np.float64)
    moved = scipy.ndimage.affine_transform(picture, [[1, 0], [columns_a_row, 1]], [0, -13.5 * columns_a_row], order=1)
    return moved.clip(0, 1).astype(np.float32).reshape(-1)


def thickened(image: np.ndarray) -> np.ndarray:
    return scipy.ndimage.grey_dilation(image.reshape(28, 28), (4, 4)).reshape(-1)


def broken(image: np.ndarray) -> np.ndarray:
    picture = image.reshape(28, 28).copy()
    picture[12:16] = 0
    return picture.reshape(-1)


@pytest.mark.parametrize(
    ("kind", "label", "change"),
    [
        ("slanted", 7, lambda image: sheared(image, 0.9)),
        ("slanted", 7, lambda image: sheared(image, -0.9)),
        ("thick", 3, thickened),
        ("broken", 1, broken),
        ("unusual", 5, lambda image: image.reshape(28, 28)[:, ::-1].reshape(-1)),
    ],
)
def test_what_was_made_odd_is_found_odd(peculiarities: Peculiarities, kind: str, label: int, change) -> None:
    usual = digits_of(label, 30)
    before = np.mean([kind in each for each in kinds(peculiarities, usual, label)])
    after = np.mean([kind in each for each in kinds(peculiarities, np.stack([*map(change, usual)]), label)])
    assert before <= 0.2
    assert after >= 0.6


def test_another_label_is_doubtful_and_the_right_one_suggested(peculiarities: Peculiarities) -> None:
    found = [peculiarities.of(image, 2) for image in digits_of(6, 20)]
    assert np.mean([bool(each) and each[0].kind == "label" and each[0].suggested == 6 for each in found]) >= 0.9


def test_most_digits_are_not_odd(peculiarities: Peculiarities) -> None:
    test = load_mnist().test
    odd = [bool(peculiarities.of(test.images[i], int(test.labels[i]))) for i in range(0, 400, 4)]
    assert np.mean(odd) < 0.35


def test_of_a_label_that_nothing_was_learned_of_nothing_is_odd() -> None:
    few = load_mnist().train[:40]
    without = Digits(few.images[few.labels != 3], few.labels[few.labels != 3])
    assert Peculiarities(without).of(digits_of(3, 1)[0], 3) == []
