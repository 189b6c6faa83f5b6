"""Varied digits are still digits: of the same labels, valid, decided by the seed, and never the same twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib.digits.augmentation import GROUP, REWRITTEN, REWRITTEN_SHARE, OtherHands, rewrite, vary
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


@settings(deadline=None, max_examples=40)
@given(n=st.integers(0, 300), seed=st.integers(0, 99))
def test_rewritten_digits_are_valid_images_and_most_stay_as_they_are(n: int, seed: int) -> None:
    digits = load_mnist().train[:n]
    written = rewrite(digits.images, digits.labels, np.random.default_rng(seed))
    assert written.shape == (n, 784)
    assert written.dtype == np.float32
    assert written.min(initial=0) >= 0
    assert written.max(initial=0) <= 1
    others = ~np.isin(digits.labels, REWRITTEN)
    np.testing.assert_array_equal(written[others], digits.images[others])


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 999), noise=st.booleans(), label=st.sampled_from(REWRITTEN), n=st.integers(1, 3))
def test_any_picture_can_be_rewritten(seed: int, noise: bool, label: int, n: int) -> None:
    # other data sets have pictures of the same form that are no digits: blank, full, or noise
    generator = np.random.default_rng(seed)
    images = generator.random((n, 784), np.float32) if noise else np.full((n, 784), generator.integers(2), np.float32)
    written = rewrite(images, np.full(n, label), generator)
    assert np.isfinite(written).all()
    assert written.min() >= 0
    assert written.max() <= 1


def ink_of_sevens(data: DataSet) -> np.ndarray:
    return data.train.images[data.train.labels == 7][:300]


def test_a_seven_gets_a_bar_through_its_middle(data: DataSet) -> None:
    sevens = ink_of_sevens(data)
    barred = rewrite(sevens, np.full(len(sevens), 7), np.random.default_rng(1))
    before, after = (images.reshape(-1, 28, 28)[:, 12:19].max(axis=1).sum(axis=1).mean() for images in (sevens, barred))
    assert after > before + 3


def test_a_nine_gets_a_tail_to_the_left(data: DataSet) -> None:
    nines = data.train.images[data.train.labels == 9][:300]
    tailed = rewrite(nines, np.full(len(nines), 9), np.random.default_rng(1))

    def lower_left(images: np.ndarray) -> float:
        return float(images.reshape(-1, 28, 28)[:, 20:, :13].sum(axis=(1, 2)).mean())

    assert lower_left(tailed) > 1.5 * lower_left(nines)


def test_a_one_gets_an_upstroke_on_its_left(data: DataSet) -> None:
    ones = data.train.images[data.train.labels == 1][:300]
    written = rewrite(ones, np.full(len(ones), 1), np.random.default_rng(1))

    def upper_left(images: np.ndarray) -> float:
        return float(images.reshape(-1, 28, 28)[:, :14, :12].sum(axis=(1, 2)).mean())

    assert upper_left(written) > 2 * upper_left(ones)


def test_rewritten_digits_are_as_large_and_as_central_as_those_of_mnist(data: DataSet) -> None:
    digits = data.train[:500]
    rows = np.isin(digits.labels, REWRITTEN)
    pictures = rewrite(digits.images, digits.labels, np.random.default_rng(1))[rows].reshape(-1, 28, 28)
    mass = pictures.sum(axis=(1, 2))
    for axis in (1, 2):
        centres = pictures.sum(axis=axis) @ np.arange(28) / mass
        assert abs(np.median(centres) - 14) < 0.2
        assert np.abs(centres - 14).max() < 2
    ink = pictures > 0.4
    sides = np.maximum(ink.any(axis=1).sum(axis=1), ink.any(axis=2).sum(axis=1))
    assert 19 <= np.median(sides) <= 21


def test_rewritten_digits_can_still_be_read(data: DataSet) -> None:
    digits = data.test[:3000]
    written = rewrite(digits.images, digits.labels, np.random.default_rng(5))
    assert np.mean(load_pretrained().network.predict(written) == digits.labels) > 0.95


def test_some_of_the_chosen_digits_are_mixed_in_and_no_others(data: DataSet) -> None:
    digits = data.train[:2000]
    hands = OtherHands.rewrite(digits, np.random.default_rng(1))
    rows = np.random.default_rng(2).permutation(2000)
    images = digits.images[rows]
    hands.mix_in(images, rows, 1.0, np.random.default_rng(3))
    changed = (images != digits.images[rows]).any(axis=1)
    candidates = np.isin(digits.labels[rows], REWRITTEN)
    assert not changed[~candidates].any()
    assert 0.8 * REWRITTEN_SHARE < changed[candidates].mean() < 1.2 * REWRITTEN_SHARE

    untouched = digits.images[rows]
    hands.mix_in(untouched, rows, 0.0, np.random.default_rng(3))
    np.testing.assert_array_equal(untouched, digits.images[rows])


@pytest.mark.parametrize("seed", range(20))
def test_a_pen_that_writes_one_group_is_thicker_as_often_as_thinner(data: DataSet, seed: int) -> None:
    # a batch of 32 has one group in each of its halves
    images = np.repeat(data.train.images[:1], GROUP, axis=0)
    ink = [vary(images, 1.0, np.random.default_rng((seed, i))).sum() / images.sum() for i in range(40)]
    assert 5 <= sum(share > 1 for share in ink) <= 35
