"""How well a network reads: accuracy, the confusion matrix, and the digits it gets wrong."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nnlib.digits import N_CLASSES, Digits
from nnlib.errors import DataError
from nnlib.network import ACTIVATIONS, Activation, Network


@dataclass(frozen=True)
class Evaluation:
    """What a network answered for n labelled digits.

    `probabilities` (n, 10) float32, `predictions` (n,), `labels` (n,).
    """

    probabilities: np.ndarray
    labels: np.ndarray

    @cached_property
    def predictions(self) -> np.ndarray:
        """The most probable digit of each, (n,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def accuracy(self) -> float:
        """The share that was read right, 0 to 1."""
        return float(np.mean(self.predictions == self.labels))

    @cached_property
    def confusion(self) -> np.ndarray:
        """(10, 10) counts: row the true digit, column the answer."""
        matrix = np.zeros((N_CLASSES, N_CLASSES), np.int64)
        np.add.at(matrix, (self.labels, self.predictions), 1)
        return matrix

    def mistakes(self) -> np.ndarray:
        """The indices of the misread digits, the most confident wrong answer first."""
        wrong = np.flatnonzero(self.predictions != self.labels)
        confidence = self.probabilities[wrong].max(axis=1)
        return wrong[np.argsort(-confidence, kind="stable")]


def evaluate(network: Network, digits: Digits) -> Evaluation:
    """Let the network read every digit. Raises DataError where there is none."""
    if not len(digits):
        raise DataError("there are no digits to read: take at least one.")
    return Evaluation(network.predict_proba(digits.images), digits.labels)


@dataclass(frozen=True)
class DigitScore:
    """How one digit fared, as in information retrieval.

    `recall`: of those that are this digit, the share read as it. `precision`: of those read as this
    digit, the share that are it. Both 0 to 1; None where there was none.
    """

    digit: int
    count: int
    recall: float | None
    precision: float | None


def score_digits(confusion: np.ndarray) -> list[DigitScore]:
    """Recall and precision of each digit, from a (10, 10) confusion matrix."""
    right = confusion.diagonal()
    true, answered = confusion.sum(axis=1), confusion.sum(axis=0)

    def share(part: int, whole: int) -> float | None:
        return part / whole if whole else None

    return [
        DigitScore(d, int(true[d]), share(int(right[d]), int(true[d])), share(int(right[d]), int(answered[d])))
        for d in range(len(confusion))
    ]


def unit_outputs(weights: np.ndarray, bias: float, activation: Activation, images: np.ndarray) -> np.ndarray:
    """What a unit of the first layer puts out for each image, (n,): `weights` (784,), `images` (n, 784).

    A unit that puts out the same for all of them is dead.
    """
    return ACTIVATIONS[activation]().forward(images @ weights + np.float32(bias))
