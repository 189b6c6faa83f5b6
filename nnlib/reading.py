"""What a picture says: a number, digit by digit, with honest doubt; or why it says none.

reading = read_digits(picture, model)       all at once, or in two steps:
prepared = prepare(picture)                 what is the same for every network: the ink, and how it may be cut
reading = read_prepared(prepared, model)    what one of them makes of it

What is no digit (`whole_px`, and the names of what it may be) is read as one picture, whatever is on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nnlib import likeness
from nnlib.digits import (
    NUMBERS,
    Box,
    Candidate,
    Row,
    as_picture,
    cut_rows,
    find_ink,
    inked_box,
    stroke_width,
)
from nnlib.model_files import Model
from nnlib.study import calibrate
from nnlib.words import in_words

SURE = 0.5  # a digit is sure where it is at least so probably a digit, and this one
NO_DIGIT = 0.01  # less probably a digit than this, it is none
NO_NUMBER = 0.5  # less certain than this on average, several are no number

NO_INK = "There is no ink that stands out from the paper."
NOTHING_WRITTEN = "There is ink, but no number in it: it is in too many pieces, or in specks."

# what is no digit, but a dot, a comma, a dash or a printed line
MARK_HEIGHT = 0.4  # lower than that, in terms of its row's height
MARK_WIDTH = 0.5  # or of strokes narrower than that, in terms of the median

# of two ways to cut a row, what counts beside probabilities: logarithms, for each row's height
LOW = 8.0  # by which a digit is lower than LOW_FROM of its row
LOW_FROM = 0.75
APART = 10.0  # by which strokes of a digit lie apart, beyond APART_FROM
APART_FROM = 0.03
MARK = 2.0  # by which a mark beside digits is left out


@dataclass(frozen=True)
class ReadDigit:
    """One digit of a picture.

    `box` is left, top, right, bottom in pixels of the picture, the last two exclusive. `cut` is its ink
    as it was cut out, (h, w) float32 in [0, 1], and `image`, (784,) float32 in [0, 1], what the network
    read: both read-only. `probabilities` are (10,), calibrated. `likeness`, 0 to 1, is how probably it is
    a digit at all, and `kind` what it is most like: one of likeness.KINDS. `names` are what answers are called.
    """

    box: Box
    cut: np.ndarray
    image: np.ndarray
    probabilities: np.ndarray
    likeness: float
    kind: str
    threshold: float
    names: Sequence[str] = NUMBERS

    @property
    def name(self) -> str:
        """What the most probable one is called."""
        return self.names[self.digit]

    @property
    def digit(self) -> int:
        """The most probable one."""
        return int(self.probabilities.argmax())

    @property
    def probability(self) -> float:
        """Of that digit, 0 to 1, if it is one."""
        return float(self.probabilities.max())

    @property
    def certainty(self) -> float:
        """How probably it is a digit, and this one: 0 to 1."""
        return self.likeness * self.probability

    @property
    def sure(self) -> bool:
        """Whether that is enough."""
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
        """All of them, one row after the other."""
        return tuple(digit for row in self.rows for digit in row)

    @property
    def sure(self) -> bool:
        """Whether there is a number, and every digit of it is sure."""
        return self.reason is None


@dataclass(frozen=True)
class Prepared:
    """A picture in which the ink was found, and cut in every way that may be right.

    `ink` is (h, w) float32, 0 on paper and 1 in a typical stroke, `reduction` times smaller than the
    picture; `size` is the picture's (height, width).
    """

    ink: np.ndarray
    reduction: int
    size: tuple[int, int]
    rows: tuple[Row, ...]


def prepare(picture: np.ndarray, whole_px: float | None = None) -> Prepared:
    """All that is the same whichever network reads the picture; with `whole_px`, it is one picture of no digits, the
    larger side of which is to have so many pixels.

    `picture` is (h, w) grey, (h, w, 3) RGB or (h, w, 4) RGBA, uint8 or floats in [0, 1]: ink of any
    colour on paper of any other. Raises DrawingError for any other array.
    """
    ink, reduction = find_ink(picture)
    rows = cut_rows(ink, likeness.kinds) if whole_px is None else _whole(ink, whole_px)
    return Prepared(ink, reduction, picture.shape[:2], tuple(rows))


def _whole(ink: np.ndarray, whole_px: float) -> list[Row]:
    """All ink as the one candidate of one row, and not asked whether it is a digit."""
    found = inked_box(ink)
    if found is None:
        return []
    rows, columns = found
    cut, image = ink[found], as_picture(ink[found], whole_px)
    cut.flags.writeable = image.flags.writeable = False
    box = columns.start, rows.start, columns.stop, rows.stop
    kinds = np.eye(1, len(likeness.KINDS), dtype=np.float32)
    return [Row(1, (Candidate(0, 1, box, cut, image, 1.0, 0.0, ()),), kinds, np.zeros((1, kinds.shape[1])))]


def read_prepared(prepared: Prepared, model: Model, threshold: float = SURE, names: Sequence[str] = NUMBERS) -> Reading:
    """What the model makes of it; with less certainty than the `threshold`, 0 to 1, a digit is not sure.

    `names` (10,) are what its answers are called.
    """
    rows = tuple(_read_row(row, prepared, model, threshold, names) for row in prepared.rows)
    digits = [digit for row in rows for digit in row]
    if not digits:
        return Reading((), None, None, NOTHING_WRITTEN if prepared.ink.max() >= 0.5 else NO_INK)
    certainty = np.mean([digit.certainty for digit in digits])
    if (certainty < NO_NUMBER) if len(digits) > 1 else (digits[0].likeness < NO_DIGIT):
        nothing_sure = tuple(tuple(replace(digit, threshold=np.inf) for digit in row) for row in rows)
        return Reading(nothing_sure, None, None, _why_none(digits))
    number = "\n".join("".join(digit.name for digit in row) for row in rows)
    return Reading(rows, number, in_words(number) if names == NUMBERS else number, _why_unsure(digits))


def read_digits(picture: np.ndarray, model: Model, threshold: float = SURE) -> Reading:
    """The number in a picture, or why there is none; see `prepare` and `read_prepared`."""
    return read_prepared(prepare(picture), model, threshold)


def _read_row(
    row: Row, prepared: Prepared, model: Model, threshold: float, names: Sequence[str]
) -> tuple[ReadDigit, ...]:
    images = np.stack([candidate.image for candidate in row.candidates])
    probabilities = calibrate(model.network.predict_proba(images), model.temperature)
    path = _best_path(row, probabilities.max(axis=1))
    digits = _without_marks(row, path) or path
    return tuple(
        ReadDigit(
            _in_picture(row.candidates[index].box, prepared),
            row.candidates[index].cut,
            row.candidates[index].image,
            probabilities[index],
            float(row.likeness[index]),
            likeness.KINDS[int(row.kinds[index].argmax())],
            threshold,
            names,
        )
        for index in digits
    )


def _best_path(row: Row, probabilities: np.ndarray) -> list[int]:
    """Which candidates make up the whole row best; `probabilities` (n,) are those of each one's best digit."""
    scores = np.log(row.likeness + 1e-4) + np.log(probabilities)
    best: list[tuple[float, list[int]]] = [(0.0, []), *((-np.inf, []) for _ in range(row.end))]
    # they begin from left to right, so what ends where one begins has been looked at
    for index, candidate in enumerate(row.candidates):
        # a wide one counts as much as the narrow ones in its place, or it would win by being one only
        weight = candidate.cut.shape[1]
        own = -MARK if _stands_beside(candidate, row) else float(scores[index]) - _oddness(candidate)
        score = best[candidate.start][0] + weight * own
        if score > best[candidate.stop][0]:
            best[candidate.stop] = score, [*best[candidate.start][1], index]
    return best[-1][1]


def _stands_beside(candidate: Candidate, row: Row) -> bool:
    """Whether it is a mark, and neither over nor under a higher stroke, as the dot of an i is."""
    left, _, right, _ = candidate.box
    return candidate.height < MARK_HEIGHT and not any(
        left < other.box[2] and other.box[0] < right
        for other in row.candidates
        if other.stop <= candidate.start or candidate.stop <= other.start
        if other.height >= MARK_HEIGHT and not other.gap
    )


def _oddness(candidate: Candidate) -> float:
    """What speaks against a candidate, whatever it looks like."""
    return LOW * max(0.0, LOW_FROM - candidate.height) + APART * max(0.0, candidate.gap - APART_FROM)


def _without_marks(row: Row, path: list[int]) -> list[int]:
    """The candidates of a path that are neither too low for a digit nor in a much finer pen than the others."""
    widths = np.array([stroke_width(row.candidates[index].cut) for index in path])
    usual = np.median(widths)
    return [
        index
        for index, width in zip(path, widths, strict=True)
        if row.candidates[index].height >= MARK_HEIGHT and width >= MARK_WIDTH * usual
    ]


def _in_picture(box: Box, prepared: Prepared) -> Box:
    height, width = prepared.size
    left, top, right, bottom = (edge * prepared.reduction for edge in box)
    return left, top, min(right, width), min(bottom, height)


def _why_none(digits: list[ReadDigit]) -> str:
    kind = max(digits, key=lambda digit: digit.image.sum()).kind
    return {
        "letter": "This looks like a letter or a sign, not like a digit.",
        "several": "This looks like several digits in a tangle: write them further apart.",
        "part": "This looks like a part of a digit.",
    }.get(kind, "This does not look like a digit.")


def _why_unsure(digits: list[ReadDigit]) -> str | None:
    unsure = [digit for digit in digits if not digit.sure]
    if not unsure:
        return None
    which = "it" if len(digits) == 1 else f"{len(unsure)} of {len(digits)} digits"
    worst = min(unsure, key=lambda digit: digit.certainty)
    if worst.likeness < worst.probability:
        return f"Not sure of {which}: perhaps this is no digit."
    second = int(worst.probabilities.argsort()[-2])
    return f"Not sure of {which}: it could be {worst.name} or {worst.names[second]}."
