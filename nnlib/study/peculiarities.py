"""What is odd about a digit, to human eyes: its strokes, its slant, its pieces, its form, or its label.

Each is measured, and compared with the digits of the same label that a network learns from. What few of those
have is a likely reason for a wrong answer; where nothing is odd, the fault is the network's alone.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from PIL import Image

from nnlib.digits import N_CLASSES, SIDE, Digits, stroke_width
from nnlib.study.labels import LIKE_IT
from nnlib.study.neighbours import Forms

MEASURED = 200  # digits of each label, whose measures the others' are compared with
ODD = 0.03  # what so few of them have, or less, is odd
ENLARGED = 4  # times: strokes are a few pixels wide
MOST = 0.8  # of the digits that look like it, which say what its label might be
NEAR_IT = 5  # so many of its label are nearer
SPECK_PX = 4  # fewer pixels are no piece

Kind = Literal["thin", "thick", "slanted", "broken", "unusual", "label"]


@dataclass(frozen=True)
class Peculiarity:
    """Something odd: of digits with the same label, the `share` 0 to 1 is as odd or more so. `value` is what was
    measured, and `usual` the median: strokes' width in pixels, a slant in degrees to the right, a number of pieces, or
    a distance to the nearest digits of its label. Of a label, the number of its LIKE_IT nearest digits with the label
    `suggested`, and `usual` how many have its own."""

    kind: Kind
    share: float
    value: float
    usual: float
    suggested: int | None = None


class Peculiarities:
    """Digits to compare with: those that a network learns from."""

    def __init__(self, digits: Digits) -> None:
        self.digits, self.forms = digits, Forms(digits)
        self.rows = [np.flatnonzero(digits.labels == label) for label in range(N_CLASSES)]
        self.usual: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def _usual(self, label: int) -> tuple[np.ndarray, np.ndarray]:
        """The measures of some digits with that label, (n, 3), and how far each is from its like, (n,)."""
        if label not in self.usual:
            some = self.digits.images[self.rows[label][:MEASURED]]
            measures = np.array([_measures(image) for image in some]).reshape(-1, 3)
            self.usual[label] = measures, self._distances(some, label)
        return self.usual[label]

    def of(self, image: np.ndarray, label: int) -> list[Peculiarity]:
        """All that is odd about a digit, (784,), that is labelled so: the oddest first, and a doubtful label before
        all else."""
        usual, distances = self._usual(label)
        if not len(usual):
            return []
        width, slant, pieces = _measures(image)
        (distance,) = self._distances(image[None], label)
        slants = np.abs(usual[:, 1] - np.median(usual[:, 1]))
        found = [
            _compared("thin", width, usual[:, 0], -1),
            _compared("thick", width, usual[:, 0]),
            Peculiarity(
                "slanted",
                float(np.mean(slants >= abs(slant - np.median(usual[:, 1])))),
                slant,
                float(np.median(usual[:, 1])),
            ),
            _compared("broken", pieces, usual[:, 2]),
            _compared("unusual", float(distance), distances),
        ]
        odd = sorted((each for each in found if each.share <= ODD), key=lambda each: each.share)
        return [*self._doubts(image, label), *odd]

    def _doubts(self, image: np.ndarray, label: int) -> list[Peculiarity]:
        """Whether most of the digits that look like it are labelled otherwise."""
        (like_it,) = self.forms.nearest(image[None], LIKE_IT)
        counts = np.bincount(self.forms.labels[like_it], minlength=N_CLASSES)
        suggested = int(counts.argmax())
        if suggested == label or counts[suggested] < MOST * len(like_it):
            return []
        own = int(counts[label])
        return [Peculiarity("label", own / len(like_it), int(counts[suggested]), own, suggested)]

    def _distances(self, images: np.ndarray, label: int) -> np.ndarray:
        """To the NEAR_IT-th nearest digit with that label, or the last: (n, 784) -> (n,)."""
        place = min(NEAR_IT, len(self.rows[label]) - 1) - 1
        if place < 0:
            return np.zeros(len(images))
        squared = self.forms.squared_distances(images, self.rows[label])
        distances: np.ndarray = np.sqrt(np.partition(squared, place, axis=1)[:, place])
        return distances


def _compared(kind: Kind, value: float, usual: np.ndarray, sign: int = 1) -> Peculiarity:
    return Peculiarity(kind, float(np.mean(sign * usual >= sign * value)), value, float(np.median(usual)))


def _measures(image: np.ndarray) -> tuple[float, float, int]:
    """Of a digit, (784,): its strokes' width in pixels, its slant to the right in degrees, and its pieces."""
    picture = image.reshape(SIDE, SIDE)
    size = SIDE * ENLARGED
    width = stroke_width(np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC))) / ENLARGED
    rows, columns = np.mgrid[:SIDE, :SIDE]
    total = max(float(picture.sum()), 1e-6)
    down, across = (each - (picture * each).sum() / total for each in (rows, columns))
    # how far the ink goes aside for each row that it goes down: of a slant to the right, to the left
    aside = float((picture * down * across).sum() / max((picture * down * down).sum(), 1e-6))
    labels, count = scipy.ndimage.label(picture >= 0.5, np.ones((3, 3)))
    pieces = sum(area >= SPECK_PX for area in np.bincount(labels.ravel())[1:]) if count else 0
    return width, math.degrees(math.atan(-aside)), int(pieces)
