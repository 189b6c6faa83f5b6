"""Digits written stroke by stroke are what their labels say, in every hand, and look like MNIST's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib.digits.hands import WAYS, draw_strokes, write
from nnlib.model_files import load_pretrained


@settings(deadline=None, max_examples=40)
@given(labels=st.lists(st.integers(0, 9), max_size=60), seed=st.integers(0, 99))
def test_any_labels_are_written(labels: list[int], seed: int) -> None:
    images = write(np.array(labels, np.uint8), np.random.default_rng(seed))
    assert images.shape == (len(labels), 784)
    assert images.dtype == np.float32
    assert (images.max(axis=1) == 1).all()
    assert images.min(initial=0) >= 0


def test_the_same_generator_writes_alike_and_another_otherwise() -> None:
    labels = np.arange(200) % 10
    once, again, other = (write(labels, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)


def test_no_two_are_the_same() -> None:
    images = write(np.full(300, 4), np.random.default_rng(1))
    assert len({image.tobytes() for image in images}) == 300


def test_what_is_written_can_be_read() -> None:
    labels = np.arange(5000) % 10
    read = load_pretrained().network.predict(write(labels, np.random.default_rng(5)))
    for digit in range(10):
        assert np.mean(read[labels == digit] == digit) > 0.93, digit  # some 1s are nearly 7s


def test_they_are_as_large_and_as_central_as_those_of_mnist() -> None:
    pictures = write(np.arange(1000) % 10, np.random.default_rng(1)).reshape(-1, 28, 28)
    mass = pictures.sum(axis=(1, 2))
    for axis in (1, 2):
        centres = pictures.sum(axis=axis) @ np.arange(28) / mass
        assert np.abs(centres - 14).max() < 0.6
    ink = pictures > 0.4
    sides = np.maximum(ink.any(axis=1).sum(axis=1), ink.any(axis=2).sum(axis=1))
    assert 19 <= np.median(sides) <= 21


@pytest.mark.parametrize("digit", range(10))
def test_every_way_of_writing_a_digit_is_taken(digit: int) -> None:
    generator = np.random.default_rng(digit)
    written = [draw_strokes(digit, generator) for _ in range(300)]
    # ways differ in how many strokes there are, and of how many points
    forms = {tuple(len(stroke) for stroke in strokes) for strokes in written}
    assert len(forms) >= len(WAYS[digit]) - 1
    for strokes in written:
        spots = np.concatenate(strokes)
        assert spots.shape[1] == 2
        assert 0.7 < np.ptp(spots[:, 1]) < 1.7
