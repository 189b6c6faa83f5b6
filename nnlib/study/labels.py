"""Doubtful labels: digits that are probably not what they are labelled as.

Two witnesses are heard: a network that did not learn from these digits, and the digits that look most like each, with
their labels. Their mean is weighed as in confident learning (Northcutt, Jiang & Chuang 2021), of which these few
lines are needed: cleanlab, which has all of it, brings scikit-learn along.

`python -m nnlib.study.labels` asks the first witness about the training digits, once for all: five networks, each of
which learns from four fifths of them and is asked about the others (cross-validation).
"""

from dataclasses import dataclass

import numpy as np

from nnlib.digits import N_CLASSES, PACKAGED, DataSet, Digits, load_mnist
from nnlib.study.neighbours import Forms
from nnlib.training import PRESETS, Trainer

LIKE_IT = 10  # the digits that look most like one
BEYOND_DOUBT = 0.99  # so probable, a label is not asked about: it would only take time
MOST_ASKED = 2_000  # labels, the least probable: to a network that has hardly learned, all are
DOUBTFUL_FROM = -0.5  # another digit that is less probable than the label by so much, or more, is no doubt

FILE = PACKAGED / "out_of_sample.npz"
FOLDS = 5
CHECKED = 1_000  # digits of the others, with which each network's training checks itself


@dataclass(frozen=True)
class Doubts:
    """Digits whose labels are doubtful, the most doubtful first: their `indices` (k,), what they probably are,
    `suggested` (k,), and how much more probable that is than the label, `gaps` (k,): below 0 where it is less so, but
    not by far.

    The evidence: the network's probabilities of label and suggestion, `by_network` (k, 2), and how many of the
    LIKE_IT digits that look most like each are labelled as the one and the other, `by_looks` (k, 2).
    """

    indices: np.ndarray
    suggested: np.ndarray
    gaps: np.ndarray
    by_network: np.ndarray
    by_looks: np.ndarray


def doubtful_labels(probabilities: np.ndarray, digits: Digits, learned: Forms) -> Doubts:
    """Those among the digits, from `probabilities` (n, 10) by a network that did not learn from them (having learned
    from a wrong label, it would agree with it), and the digits `learned` that they are compared with.

    How probable another digit is, and how probable the label, are each measured by how probable they are on average for
    the digits that are labelled so. That is fair to digits of which the witnesses are never quite sure.
    """
    labels, rows = digits.labels.astype(int), np.arange(len(digits))
    looks = np.zeros((len(digits), N_CLASSES))
    looks[rows, labels] = LIKE_IT
    own = probabilities[rows, labels]
    unsure = np.argsort(own, kind="stable")[: min(MOST_ASKED, np.count_nonzero(own < BEYOND_DOUBT))]
    alike = learned.labels[learned.nearest(digits.images[unsure], LIKE_IT)]
    looks[unsure] = (alike[:, :, None] == np.arange(N_CLASSES)).sum(axis=1)
    both = (probabilities + looks / LIKE_IT) / 2
    usual = np.ones(N_CLASSES)
    for digit in np.unique(labels):
        usual[digit] = both[labels == digit, digit].mean()
    weighed = both - usual
    own = weighed[rows, labels]
    weighed[rows, labels] = -np.inf
    suggested = weighed.argmax(axis=1)
    gaps = weighed.max(axis=1) - own
    doubtful = np.flatnonzero(gaps > DOUBTFUL_FROM)
    found = doubtful[np.argsort(-gaps[doubtful], kind="stable")]
    pair = np.stack([labels[found], suggested[found]], axis=1)
    return Doubts(
        found,
        suggested[found],
        gaps[found],
        np.take_along_axis(probabilities[found], pair, axis=1),
        np.take_along_axis(looks[found], pair, axis=1).astype(int),
    )


def out_of_sample() -> np.ndarray:
    """What networks that did not learn from them say of MNIST's training digits: (60,000, 10) float32."""
    with np.load(FILE, allow_pickle=False) as file:
        return np.asarray(file["probabilities"], np.float32)


def _cross_validated(digits: Digits) -> np.ndarray:
    """(n, 10): each digit is read by the network that learned from none of its fifth, nor from its writers."""
    found = np.empty((len(digits), N_CLASSES), np.float32)
    for own in np.array_split(np.arange(len(digits)), FOLDS):  # a writer's digits follow each other
        others = Digits(np.delete(digits.images, own, axis=0), np.delete(digits.labels, own))
        config = PRESETS["standard"].config.with_changes(
            training_digits=len(others) - CHECKED, validation_digits=CHECKED
        )
        trainer = Trainer(config, DataSet(others, others))
        for _ in trainer:
            pass
        found[own] = trainer.network.predict_proba(digits.images[own])
    return found


if __name__ == "__main__":
    np.savez_compressed(FILE, probabilities=_cross_validated(load_mnist().train).astype(np.float16))
