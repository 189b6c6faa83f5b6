"""Doubtful labels: an example worked out by hand, wrong labels put in, and those of MNIST that are known."""

import numpy as np
import pytest

from nnlib.digits.mnist import NO_DIGITS, Digits, load_mnist
from nnlib.model_files import load_pretrained
from nnlib.study.calibration import calibrate
from nnlib.study.labels import doubtful_labels, out_of_sample
from nnlib.study.neighbours import Forms

# training digits that somebody listed as plainly mislabelled ("Finding Label Errors in MNIST train and test datasets"),
# and test digits of whose labels at least three of five people said that they are wrong (Northcutt, Athalye & Mueller
# 2021, "Pervasive Label Errors in Test Sets")
KNOWN_TRAINING = (
    *(21601, 40466, 29922, 40144, 51248, 43454, 59915, 57662, 25678, 2676, 24798, 31727, 7080, 26560, 10994, 53396),
    *(54264, 59701, 42566, 26940),
)
KNOWN = (947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729)


@pytest.fixture(scope="module")
def learned() -> Forms:
    return Forms(load_mnist().train)


def drawn(rows: list[int], labels: list[int], mark: float) -> Digits:
    """Digits with ink in one row each: those with the same row look alike."""
    images = np.zeros((len(rows), 28, 28), np.float32)
    images[np.arange(len(rows)), np.array(rows)] = 1
    images[:, 27, : len(rows)] += np.tri(len(rows), dtype=np.float32) * mark  # and no two are the same
    return Digits(images.reshape(-1, 784), np.array(labels))


def test_two_witnesses_are_weighed() -> None:
    others = drawn([4] * 10 + [20] * 10, [0] * 10 + [1] * 10, 0.2)
    digits = drawn([4, 4, 20, 20, 4], [0, 1, 1, 1, 0], 0.3)
    probabilities = np.zeros((5, 10))
    for row, (zero, one) in enumerate([(0.9, 0.1), (0.8, 0.2), (0.1, 0.9), (0.6, 0.4), (0.3, 0.7)]):
        probabilities[row, :2] = zero, one
    found = doubtful_labels(probabilities, digits, Forms(others))
    # row 1 looks like zeros, to both; row 4 like ones to the network only; row 3 does so less than it looks like a one
    assert found.indices.tolist() == [1, 4]
    assert found.suggested.tolist() == [0, 1]
    # zeros are 0 with (0.9 + 1, 0.3 + 1) / 2 on average, ones 1 with (0.2 + 0, 0.9 + 1, 0.4 + 1) / 2
    usual_zero, usual_one = np.mean([0.95, 0.65]), np.mean([0.1, 0.95, 0.7])
    assert found.gaps == pytest.approx(
        [(0.9 - usual_zero) - (0.1 - usual_one), (0.35 - usual_one) - (0.65 - usual_zero)]
    )
    assert found.by_network.tolist() == [[0.2, 0.8], [0.3, 0.7]]
    assert found.by_looks.tolist() == [[0, 10], [10, 0]]


def test_labels_that_were_exchanged_are_found(learned: Forms) -> None:
    test, network = load_mnist().test[:3000], load_pretrained().network
    generator = np.random.default_rng(0)
    labels = test.labels.copy()
    exchanged = generator.choice(len(labels), 60, replace=False)
    labels[exchanged] = (labels[exchanged] + generator.integers(1, 10, 60)) % 10
    found = doubtful_labels(network.predict_proba(test.images), Digits(test.images, labels), learned)
    assert np.isin(exchanged, found.indices[:70]).mean() >= 0.97
    rightly = np.isin(found.indices, exchanged)
    assert np.mean(found.suggested[rightly] == test.labels[found.indices[rightly]]) >= 0.97


def test_those_of_mnist_that_are_known_are_found(learned: Forms) -> None:
    test, model = load_mnist().test, load_pretrained()
    probabilities = calibrate(model.network.predict_proba(test.images), model.temperature)
    found = doubtful_labels(probabilities, test, learned)
    assert len(found.indices) <= 0.025 * len(test)  # few enough to be looked at
    assert np.isin(KNOWN, found.indices).sum() >= 13
    assert (np.diff(found.gaps) <= 0).all()


def test_those_of_the_training_digits_that_are_known_are_among_the_first(learned: Forms) -> None:
    found = doubtful_labels(out_of_sample(), load_mnist().train, learned)
    assert np.isin(KNOWN_TRAINING, found.indices).sum() >= 19
    assert np.isin(KNOWN_TRAINING, found.indices[:400]).sum() >= 15


def test_networks_that_did_not_learn_them_read_most_training_digits() -> None:
    probabilities = out_of_sample()
    assert probabilities.shape == (60_000, 10)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=5e-3)
    accuracy = np.mean(probabilities.argmax(axis=1) == load_mnist().train.labels)
    assert 0.97 < accuracy < 0.99  # whoever had learned them would read nearly all


def test_without_digits_there_are_no_doubts(learned: Forms) -> None:
    assert not len(doubtful_labels(np.zeros((0, 10)), NO_DIGITS, learned).indices)
