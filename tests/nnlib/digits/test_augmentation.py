"""Varied digits are still digits: of the same labels, valid, decided by the seed, and never the same twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib.digits.augmentation import GROUP, WRITTEN_SHARE, OtherHands, vary
from nnlib.digits.mnist import DataSet, load_mnist
from nnlib.model_files import load_pretrained


@pytest.fixture(scope="module")
def data() -> DataSet:
    return load_mnist()


@settings(deadline=None, max_examples=40)
@given(n=st.integers(0, 400), strength=st.floats(0, 2), group=st.integers(1, 40), seed=st.integers(0, 99))
def test_varied_digits_are_valid_images(n: int, strength: float, group: int, seed: int) -> None:
    images = load_mnist().train.images[:n]
    varied = vary(images, strength, np.random.default_rng(seed), group)
    assert varied.shape == (n, 784)
    assert varied.dtype == np.float32
    assert varied.flags.c_contiguous
    assert varied.min(initial=0) >= 0
    assert varied.max(initial=0) <= 1 + 1e-6


def test_strength_zero_changes_nothing(data: DataSet) -> None:
    images = data.train.images[:100]
    # up to interpolation at whole pixels, which is exact but for the last bits
    assert vary(images, 0.0, np.random.default_rng(1)) == pytest.approx(images, abs=2e-2)


def test_the_same_generator_varies_alike_and_another_otherwise(data: DataSet) -> None:
    images = data.train.images[:50]
    once, again, other = (vary(images, 1.0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)


def test_a_group_shares_its_warp_and_the_next_has_another(data: DataSet) -> None:
    same = np.repeat(data.train.images[:1], 2 * GROUP, axis=0)
    varied = vary(same, 1.0, np.random.default_rng(3))
    np.testing.assert_array_equal(varied[0], varied[GROUP - 1])
    assert not np.allclose(varied[0], varied[GROUP], atol=0.1)


def test_pens_become_thicker_and_thinner(data: DataSet) -> None:
    images = np.repeat(data.train.images[:1], 64, axis=0)
    ink = vary(images, 1.0, np.random.default_rng(4), group=1).sum(axis=1)
    assert ink.min() < 0.85 * images[0].sum()
    assert ink.max() > 1.15 * images[0].sum()


def test_varied_test_digits_can_still_be_read(data: DataSet) -> None:
    network = load_pretrained().network
    varied = vary(data.test.images, 1.0, np.random.default_rng(5))
    assert np.mean(network.predict(varied) == data.test.labels) > 0.85


# --- other hands ---


def test_some_digits_are_replaced_by_others_of_their_labels(data: DataSet) -> None:
    hands = OtherHands.write(2000, np.random.default_rng(1))
    assert hands.pixels.shape == (2000, 784)
    labels = data.train.labels[:2000]
    images = data.train.images[:2000].copy()
    hands.mix_in(images, labels, np.arange(2000) < 1500, 1.0, np.random.default_rng(3))
    changed = (images != data.train.images[:2000]).any(axis=1)
    assert 0.8 * WRITTEN_SHARE < changed[:1500].mean() < 1.2 * WRITTEN_SHARE
    assert not changed[1500:].any()
    own = {label: {row.tobytes() for row in hands.pixels[200 * label : 200 * (label + 1)]} for label in range(10)}
    for image, label in zip(images[changed], labels[changed], strict=True):
        assert np.rint(image * 255).astype(np.uint8).tobytes() in own[int(label)]


def test_without_strength_nobody_else_writes(data: DataSet) -> None:
    images = data.train.images[:500].copy()
    hands, may = OtherHands.write(500, np.random.default_rng(1)), np.ones(500, bool)
    hands.mix_in(images, data.train.labels[:500], may, 0.0, np.random.default_rng(3))
    np.testing.assert_array_equal(images, data.train.images[:500])


@pytest.mark.parametrize("seed", range(20))
def test_a_pen_that_writes_one_group_is_thicker_as_often_as_thinner(data: DataSet, seed: int) -> None:
    # a batch of 32 has one group in each of its halves
    images = np.repeat(data.train.images[:1], GROUP, axis=0)
    ink = [vary(images, 1.0, np.random.default_rng((seed, i))).sum() / images.sum() for i in range(40)]
    assert 5 <= sum(share > 1 for share in ink) <= 35
