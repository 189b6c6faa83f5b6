"""Likeness: a second network says what is a digit, and was not made of what it is measured with."""

import numpy as np
import pytest

from nnlib.digits import N_CLASSES, draw_kinds, load_mnist
from nnlib.digits.non_digits import LETTER, OTHER, PART, SEVERAL
from nnlib.likeness import KINDS, kinds, likeness


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """What it learned the like of, from digits that it did not learn from."""
    test = load_mnist().test
    images, labels = draw_kinds(test, 600, np.random.default_rng(7))
    return images / np.float32(255), labels


def test_mnists_digits_are_like_digits() -> None:
    images = load_mnist().test.images[:1000]
    assert np.mean(likeness(images) >= 0.5) >= 0.95


def test_every_kind_is_drawn_and_known(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = drawn
    assert set(labels.tolist()) == set(range(len(KINDS)))
    found = kinds(images)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)
    for kind in (LETTER, SEVERAL, OTHER):
        assert np.mean(found[labels == kind, :N_CLASSES].sum(axis=1) < 0.5) >= 0.8, KINDS[kind]
    # a part of one digit may be another
    assert np.mean(found[labels == PART, :N_CLASSES].sum(axis=1) < 0.5) >= 0.5


def test_the_same_seed_draws_the_same() -> None:
    digits = load_mnist().test
    (first, kinds_of_first), (second, kinds_of_second) = (
        draw_kinds(digits, 30, np.random.default_rng(3)) for _ in range(2)
    )
    assert np.array_equal(first, second)
    assert np.array_equal(kinds_of_first, kinds_of_second)
    assert first.dtype == np.uint8
