"""Neighbours: by brute force."""

import numpy as np
import pytest

from nnlib.digits.mnist import load_mnist
from nnlib.model_files import load_pretrained
from nnlib.study.neighbours import Forms, beside, hidden_outputs, nearest


def test_the_answers_are_made_of_the_last_hidden_outputs() -> None:
    network, images = load_pretrained().network, load_mnist().test.images[:700]
    outputs = hidden_outputs(network, images)
    last = network.dense_layers[-1]
    assert outputs @ last.weights + last.biases == pytest.approx(network.forward(images), abs=1e-3)
    assert hidden_outputs(network, images[:0]).shape == (0, 64)


def test_the_nearest_come_first() -> None:
    outputs = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32)
    places = nearest(outputs, outputs[7], 5)
    distances = [float(np.sqrt(((each - outputs[7]) ** 2).sum())) for each in outputs]
    assert places.tolist() == sorted(range(50), key=distances.__getitem__)[:5]
    assert places[0] == 7
    assert len(nearest(outputs[:3], outputs[7], 5)) == 3


def test_most_digits_have_neighbours_of_their_own_kind() -> None:
    data, network = load_mnist(), load_pretrained().network
    outputs = hidden_outputs(network, data.train.images[:5000])
    right = [
        np.mean(data.train.labels[nearest(outputs, output, 5)] == label)
        for output, label in zip(hidden_outputs(network, data.test.images[:100]), data.test.labels[:100], strict=True)
    ]
    assert np.mean(right) > 0.95


def test_what_looks_like_a_digit_is_near_it_and_it_is_not_its_own_neighbour() -> None:
    digits = load_mnist().train[:2000]
    forms = Forms(digits)
    near = forms.nearest(digits.images[:50], 5)
    assert near.shape == (50, 5)
    assert not (near == np.arange(50)[:, None]).any()
    assert np.mean(digits.labels[near] == digits.labels[:50, None]) > 0.8
    moved = np.roll(digits.images[:50].reshape(-1, 28, 28), 1, axis=2).reshape(-1, 784)
    assert np.mean([index in row for index, row in enumerate(forms.nearest(moved, 5))]) > 0.8


def test_of_few_digits_all_are_the_nearest() -> None:
    few = load_mnist().train[:3]
    assert sorted(Forms(few).nearest(load_mnist().test.images[:1], 10)[0]) == [0, 1, 2]
    assert Forms(few).nearest(few.images[:0], 10).shape == (0, 10)


def test_the_nearest_of_its_kind_are_of_its_kind_and_not_itself() -> None:
    train = load_mnist().train
    forms, image = Forms(train[:2000]), train.images[7]
    found = forms.nearest_of_its_kind(image, int(train.labels[7]), 20)
    assert (train.labels[found] == train.labels[7]).all()
    assert 7 not in found
    squared = forms.squared_distances(image[None], found)[0]
    assert (np.diff(squared) >= 0).all()
    others = np.setdiff1d(np.flatnonzero(train.labels[:2000] == train.labels[7]), [*found, 7])
    assert squared.max() <= forms.squared_distances(image[None], others)[0].min()
    assert (
        len(forms.nearest_of_its_kind(image, int(train.labels[7]), 5000))
        == np.count_nonzero(train.labels[:2000] == train.labels[7]) - 1
    )


def test_beside_others_it_is_seen_where_a_stroke_is_missing() -> None:
    whole, broken = np.zeros((28, 28), np.float32), np.zeros((28, 28), np.float32)
    whole[4:24, 13:16] = broken[12:24, 13:16] = 1
    missing = beside(broken.reshape(-1), np.stack([whole.reshape(-1)] * 3)).reshape(28, 28)
    row, column = divmod(int(missing.argmax()), 28)
    assert row < 12
    assert 12 <= column <= 16
    assert missing.min() > -1e-6
    assert beside(whole.reshape(-1), whole.reshape(1, -1)) == pytest.approx(0)
