"""How well a network reads: accuracy, the confusion matrix, and the digits it gets wrong."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nnlib.digits import N_CLASSES, Digits
from nnlib.errors import DataError
from nnlib.network import ACTIVATIONS, Activation, Network

NORMAL_95 = 1.959964  # standard deviations around the mean of a normal distribution that hold 95 %


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

    @property
    def interval(self) -> tuple[float, float]:
        """Between which shares, with 95 %, the accuracy on all such digits lies: see `wilson_interval`."""
        return wilson_interval(int(np.sum(self.predictions == self.labels)), len(self.labels))

    @cached_property
    def losses(self) -> np.ndarray:
        """The cross-entropy of each answer, (n,): 0 where the true digit got all of it, and no upper limit."""
        own = self.probabilities[np.arange(len(self.labels)), self.labels]
        return -np.log(np.maximum(own, np.finfo(np.float32).tiny))

    @cached_property
    def margins(self) -> np.ndarray:
        """By how much the true digit's probability is above the highest of the others, (n,): -1 to 1, below 0 where it
        was misread."""
        rows = np.arange(len(self.labels))
        others = self.probabilities.copy()
        others[rows, self.labels] = -1
        margins: np.ndarray = self.probabilities[rows, self.labels] - others.max(axis=1)
        return margins

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


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """Between which shares, 0 to 1, the true one lies with 95 % where `successes` of `n` were counted.

    Wilson's score interval (1927), which stays within 0 and 1 near its ends. Raises DataError where n is 0.
    """
    if not n:
        raise DataError("of no digits there is no share: take at least one.")
    share, spread = successes / n, NORMAL_95**2 / n
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


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
