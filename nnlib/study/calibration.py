"""Calibration: of the digits that a network is 90 % sure of, nine in ten should be read right.

Most networks are too sure, and those that learned from smoothed labels too modest. One number mends most of
that, the temperature: every probability p becomes p^(1/T), and each row is divided by its sum. Above 1 it takes
certainty away, below 1 it adds some; which digit is the most probable it never changes (temperature scaling:
Guo et al. 2017, "On Calibration of Modern Neural Networks").
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy

from nnlib.errors import DataError

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0
NO_CHANGE = 1.0  # the temperature of probabilities that stay as they are
PRECISION = 1e-4  # of a temperature, as a share of it
LEAST_PROBABILITY = float(np.finfo(np.float32).tiny)  # what float32 rounds to 0 has a logarithm all the same
BINS = 15  # as in the paper


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature at which the cross-entropy of `probabilities` (n, 10) for digits with these `labels` (n,) is
    least, from LOWEST_TEMPERATURE to HIGHEST_TEMPERATURE.

    The digits must be new to the network: with those that it learned from, it is right to be sure. Before any
    digit is seen, 1 is the likeliest: its logarithm is taken to be normal with a variance of 1, which weighs about as
    much as one misread digit. Without that, a network that reads all of a few hundred digits right could
    not be sure enough. It is 1, too, where there is no digit, or an answer is not a number.
    """
    if not len(labels) or not np.isfinite(probabilities).all():
        return NO_CHANGE
    logarithms = _logarithms(probabilities)
    right = logarithms[np.arange(len(labels)), labels].mean()

    def loss(logarithm: float) -> float:
        certainty = math.exp(-logarithm)
        totals = np.exp(certainty * logarithms).sum(axis=1)  # of which the largest is exp(0)
        return float(np.log(totals).mean() - certainty * right + logarithm**2 / (2 * len(labels)))

    # in 1/T the cross-entropy is convex, so it has one minimum in log T
    bounds = math.log(LOWEST_TEMPERATURE), math.log(HIGHEST_TEMPERATURE)
    found = scipy.optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": PRECISION})
    return min(max(math.exp(found.x), LOWEST_TEMPERATURE), HIGHEST_TEMPERATURE)


def calibrate(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The probabilities (n, 10) at this temperature, above 0: (n, 10) float32, each row summing to 1.

    The most probable digit of each row stays the most probable one.
    """
    if temperature == NO_CHANGE:
        return probabilities.astype(np.float32)
    calibrated = np.exp(_logarithms(probabilities) / temperature)
    calibrated = (calibrated / calibrated.sum(axis=1, keepdims=True)).astype(np.float32)
    # float32 may have made a first and a second guess the same
    rows, best = np.arange(len(probabilities)), probabilities.argmax(axis=1)
    overtaken = calibrated.argmax(axis=1) != best
    rows, best = rows[overtaken], best[overtaken]
    calibrated[rows, best] = np.nextafter(calibrated[rows].max(axis=1, initial=0), np.float32(1))
    return calibrated


def _logarithms(probabilities: np.ndarray) -> np.ndarray:
    """Those of the probabilities in each row, less that of the largest: (n, 10) float64, at most 0."""
    logarithms = np.log(np.maximum(probabilities, LEAST_PROBABILITY, dtype=np.float64))
    return logarithms - logarithms.max(axis=1, keepdims=True)


@dataclass(frozen=True)
class Reliability:
    """How often a network is right when it is how sure: answers, gathered into equal bins from 0 to 1 sure.

    `counts` (bins,): the answers in each, which holds its upper edge. `certainty` and `accuracy` (bins,), 0 to 1:
    how sure they were on average, and the share that was right; 0 where there is none.
    """

    counts: np.ndarray
    certainty: np.ndarray
    accuracy: np.ndarray

    @classmethod
    def of(cls, probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> "Reliability":
        """That of the most probable answers among `probabilities` (n, 10) for digits with these `labels` (n,)."""
        certainties = probabilities.max(axis=1, initial=0).astype(np.float64)
        right = probabilities.argmax(axis=1) == labels
        places = np.clip(np.ceil(certainties * bins).astype(int) - 1, 0, bins - 1)
        counts = np.bincount(places, minlength=bins)
        some = np.maximum(counts, 1)
        return cls(
            counts,
            np.bincount(places, certainties, minlength=bins) / some,
            np.bincount(places, right, minlength=bins) / some,
        )

    @property
    def error(self) -> float:
        """The expected calibration error: by how much, on average over all answers, certainty and accuracy differ."""
        return float((self.counts * np.abs(self.accuracy - self.certainty)).sum() / max(self.counts.sum(), 1))


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """By how much the certainty of answers (n, 10) differs from the share that is right, 0 to 1: Guo et al. 2017,
    equation 3. Raises DataError where there is no answer."""
    _require_some(labels)
    return Reliability.of(probabilities, labels, bins).error


@dataclass(frozen=True)
class Coverage:
    """What becomes of n answers where only those that are sure enough are given.

    `thresholds` (k,) are how sure an answer must be at least, rising: each certainty that occurs. `coverage` (k,) is
    the share that is then answered, `accuracy` (k,) the share of those that is right, both above or at 0 and at most 1.
    """

    thresholds: np.ndarray
    coverage: np.ndarray
    accuracy: np.ndarray


def coverage_curve(certainties: np.ndarray, right: np.ndarray) -> Coverage:
    """How many answers are given, and how many of those are right, at every threshold: `certainties` (n,), 0 to 1,
    and whether each was `right` (n,). Raises DataError where there is no answer."""
    _require_some(right)
    order = np.argsort(certainties, kind="stable")
    sorted_certainties = np.asarray(certainties)[order]
    thresholds, first = np.unique(sorted_certainties, return_index=True)
    answered = len(order) - first
    right_from = np.cumsum(np.asarray(right, bool)[order][::-1])[
        ::-1
    ]  # of this answer and all that are as sure or more
    return Coverage(thresholds, answered / len(order), right_from[first] / answered)


def _require_some(answers: np.ndarray) -> None:
    if not len(answers):
        raise DataError("there are no answers to compare: take at least one digit.")
