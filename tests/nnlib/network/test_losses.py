"""Every loss has the value of its formula, and its gradient is that of its formula."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from nnlib.network.losses import CategoricalCrossEntropy, Loss

CASES: dict[type[Loss], list[Callable[[], Loss]]] = {
    CategoricalCrossEntropy: [CategoricalCrossEntropy, lambda: CategoricalCrossEntropy(label_smoothing=0.2)],
}


def every_subclass(parent: type) -> list[type]:
    children: list[type] = parent.__subclasses__()
    found = [each for child in children for each in (child, *every_subclass(child))]
    return [each for each in found if each.__module__.startswith("nnlib.")]


@pytest.mark.parametrize("loss_class", every_subclass(Loss), ids=lambda each: each.__name__)
def test_gradient_matches_central_differences(loss_class: type[Loss]) -> None:
    generator = np.random.default_rng(1)
    for make_loss in CASES[loss_class]:
        loss, labels = make_loss(), generator.integers(0, 10, 7)
        scores = generator.standard_normal((7, 10)) * 3
        step, expected = 1e-6, np.empty_like(scores)
        for index in np.ndindex(scores.shape):
            change = np.zeros_like(scores)
            change[index] = step
            expected[index] = (loss.forward(scores + change, labels) - loss.forward(scores - change, labels)) / 2 / step

        loss.forward(scores, labels)
        np.testing.assert_allclose(loss.backward(), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("loss_class", every_subclass(Loss), ids=lambda each: each.__name__)
def test_scores_and_labels_stay_as_they_are(loss_class: type[Loss]) -> None:
    for make_loss in CASES[loss_class]:
        loss, scores, labels = make_loss(), np.eye(4, 10), np.arange(4)
        scores.flags.writeable = labels.flags.writeable = False
        loss.forward(scores, labels)
        assert loss.backward().shape == scores.shape


def test_cross_entropy_is_the_mean_of_minus_the_log_of_the_right_probability() -> None:
    first = -math.log(math.exp(3) / (math.exp(1) + math.exp(2) + math.exp(3)))
    second = -math.log(math.exp(0) / (math.exp(0) + math.exp(5) + math.exp(-1)))
    scores, labels = np.array([[1.0, 2.0, 3.0], [0.0, 5.0, -1.0]]), np.array([2, 0], np.uint8)
    assert CategoricalCrossEntropy().forward(scores, labels) == pytest.approx((first + second) / 2, rel=1e-12)


def test_label_smoothing_spreads_a_share_evenly_over_all_classes() -> None:
    total = math.exp(1) + math.exp(2) + math.exp(3)
    logs = [score - math.log(total) for score in (1, 2, 3)]
    # targets 0.1, 0.1, 0.8: of 0.3, a third each; and 0.7 more on the right one
    expected = -(0.1 * logs[0] + 0.1 * logs[1] + 0.8 * logs[2])
    found = CategoricalCrossEntropy(label_smoothing=0.3).forward(np.array([[1.0, 2.0, 3.0]]), np.array([2]))
    assert found == pytest.approx(expected, rel=1e-12)


def test_gradient_of_cross_entropy_is_probabilities_minus_targets_over_n() -> None:
    loss = CategoricalCrossEntropy()
    loss.forward(np.array([[0.0, 0.0], [math.log(3), 0.0]]), np.array([0, 1]))
    np.testing.assert_allclose(loss.backward(), [[-0.25, 0.25], [0.375, -0.375]], rtol=1e-12)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
@pytest.mark.parametrize("label", [0, 1, 2])
def test_huge_scores_give_finite_losses_and_gradients(label_smoothing: float, label: int) -> None:
    loss = CategoricalCrossEntropy(label_smoothing)
    value = loss.forward(np.array([[1e4, 0, -1e4]], np.float32), np.array([label]))
    right = [0.0, 1e4, 2e4][label]
    assert value == pytest.approx((1 - label_smoothing) * right + label_smoothing * 1e4)
    gradient = loss.backward()
    assert gradient.dtype == np.float32
    assert np.isfinite(gradient).all()
    assert gradient.sum() == pytest.approx(0, abs=1e-6)


def test_equal_scores_cost_the_log_of_the_number_of_classes() -> None:
    assert CategoricalCrossEntropy().forward(np.zeros((3, 10)), np.arange(3)) == pytest.approx(math.log(10))
