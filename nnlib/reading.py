"""What a picture says: a number, digit by digit, with honest doubt; or why it says none.

prepared = prepare(picture)                 what is the same for every network: the ink, and how to cut it
reading = read_prepared(prepared, model)    what one of them makes of it
reading = read_digits(picture, model)       both
"""

from dataclasses import dataclass

import numpy as np

from nnlib.digits import FoundDigit, find_digits
from nnlib.model_files import Model
from nnlib.study import calibrate
from nnlib.words import in_words

SURE = 0.5  # a digit is sure where it is at least so probable, and so probably a digit at all

Box = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True)
class ReadDigit:
    """One digit of a picture.

    `box` is left, top, right, bottom in pixels of the picture, the last two exclusive. `cut` is its ink
    as it was cut out, (h, w) float32 in [0, 1], and `image`, (784,) float32 in [0, 1], what the network
    read: both read-only. `probabilities` are (10,), calibrated; `digit` is the most probable one.
    `likeness`, 0 to 1, is how probably it is a digit at all.
    """

    box: Box
    cut: np.ndarray
    image: np.ndarray
    probabilities: np.ndarray
    likeness: float
    threshold: float

    @property
    def digit(self) -> int:
        return int(self.probabilities.argmax())

    @property
    def probability(self) -> float:
        return float(self.probabilities.max())

    @property
    def certainty(self) -> float:
        """How probably it is a digit, and this one."""
        return self.likeness * self.probability

    @property
    def sure(self) -> bool:
        return self.certainty >= self.threshold


@dataclass(frozen=True)
class Reading:
    """What a picture says: its digits row by row, each from left to right.

    `number` is in figures, a line for each row, and `words` in words; both None where there is no
    number. `reason` says why there is none, or why it is not sure.
    """

    rows: tuple[tuple[ReadDigit, ...], ...]
    number: str | None
    words: str | None
    reason: str | None

    @property
    def digits(self) -> tuple[ReadDigit, ...]:
        return tuple(digit for row in self.rows for digit in row)

    @property
    def sure(self) -> bool:
        return self.reason is None


@dataclass(frozen=True)
class Prepared:
    """A picture in which the ink was found, and cut in every way that may be right.

    `ink` is (h, w) float32, 0 on paper and 1 in a typical stroke, `reduction` times smaller than the picture.
    """

    ink: np.ndarray
    reduction: int
    found: tuple[FoundDigit, ...]


def prepare(picture: np.ndarray) -> Prepared:
    """All that is the same whichever network reads the picture: (h, w) grey, (h, w, 3) RGB or (h, w, 4) RGBA,
    uint8 or floats in [0, 1]. Raises DrawingError for any other array."""
    return Prepared(np.zeros((1, 1), np.float32), 1, tuple(find_digits(picture)))


def read_prepared(prepared: Prepared, model: Model, threshold: float = SURE) -> Reading:
    """What the model makes of it; below the `threshold`, 0 to 1, a digit is not sure."""
    if not prepared.found:
        return Reading((), None, None, "There is no ink that stands out from the paper.")
    images = np.stack([digit.image for digit in prepared.found])
    probabilities = calibrate(model.network.predict_proba(images), model.temperature)
    digits = tuple(
        ReadDigit(digit.box, digit.image.reshape(28, 28), digit.image, each, 1.0, threshold)
        for digit, each in zip(prepared.found, probabilities, strict=True)
    )
    number = "".join(str(digit.digit) for digit in digits)
    unsure = [digit for digit in digits if not digit.sure]
    return Reading((digits,), number, in_words(number), "It is not sure of all digits." if unsure else None)


def read_digits(picture: np.ndarray, model: Model, threshold: float = SURE) -> Reading:
    """The number in a picture, or why there is none; see `prepare` and `read_prepared`."""
    return read_prepared(prepare(picture), model, threshold)
