"""Corrected digits: drawings that a network misread, with what they really are; kept until somebody deletes them."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from nnlib.digits import N_CLASSES, N_PIXELS, NO_DIGITS, Digits
from nnlib.errors import SettingError, StoreError, StoreFullError
from nnlib.runs.database import Database, checksum
from nnlib.runs.run import DAMAGE, LATEST_TIME, require_sound
from nnlib.words import count, shown

MOST_CORRECTIONS = 2_000
CORRECTIONS_PART = "corrections"  # what their files are called


@dataclass(frozen=True)
class Correction:
    """A digit as a network gets it, `pixels` (784,) uint8, 0 being paper; what it is, and what was answered.

    `created` is in seconds since 1970.
    """

    id: int
    pixels: np.ndarray
    label: int
    answer: int | None
    created: float


class Corrections:
    """The corrected digits in the store's file. Errors are those of RunStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, image: np.ndarray, label: int, answer: int | None = None) -> int:
        """Keep what a digit, (784,) float32 in [0, 1], really is; its number. What was said of it before is forgotten.

        Raises SettingError for what is no digit, and StoreError where too many are kept already.
        """
        for what, digit in (("label", label), ("answer", answer)):
            whole = isinstance(digit, int | np.integer) and not isinstance(digit, bool)
            if (what == "label" or digit is not None) and not (whole and 0 <= int(digit or 0) < N_CLASSES):
                raise SettingError(f"the {what} is {shown(digit)}: it must be a whole number from 0 to 9.")
        if image.shape != (N_PIXELS,) or not (np.isfinite(image).all() and 0 <= image.min() <= image.max() <= 1):
            raise SettingError(f"the picture of a corrected digit must be {N_PIXELS} numbers from 0 to 1.")
        pixels = np.rint(image * np.float32(255)).astype(np.uint8).tobytes()
        content = (int(label), None if answer is None else int(answer), time.time(), pixels)
        self._database.require_room(len(pixels))
        with self._database.writing() as connection:
            # of one drawing, the network can learn only one thing; and a double click is one correction
            connection.execute("DELETE FROM corrections WHERE pixels = ?", (pixels,))
            (kept,) = connection.execute("SELECT count(*) FROM corrections").fetchone()
            if kept >= MOST_CORRECTIONS:
                raise StoreError(
                    f"{kept:,} corrected digits are kept, and no more may be: delete some, or save and delete all."
                )
            number: int = connection.execute(
                "INSERT INTO corrections (label, answer, created, pixels, checksum) VALUES (?, ?, ?, ?, ?)"
                " RETURNING id",
                (*content, checksum(*content)),
            ).fetchone()[0]
        return number

    def all(self) -> list[Correction]:
        """All that are what was written, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT id, label, answer, created, pixels, checksum FROM corrections ORDER BY id"
            ).fetchall()
        found = []
        for number, *content, checked in rows:
            with suppress(*DAMAGE):
                require_sound(content, checked)
                label, answer, created, pixels = content
                if type(label) is not int or label not in range(N_CLASSES) or not 0 <= created < LATEST_TIME:
                    raise ValueError("it is of no digit")
                if answer is not None and answer not in range(N_CLASSES):
                    raise ValueError("no digit was answered")
                image = np.frombuffer(pixels, np.uint8)
                if image.shape == (N_PIXELS,):
                    found.append(Correction(number, image, label, answer, float(created)))
        return found

    def damage(self) -> str | None:
        """A sentence about those that are damaged, and left out; None where all are whole."""
        with self._database.reading() as connection:
            (kept,) = connection.execute("SELECT count(*) FROM corrections").fetchone()
        lost = kept - len(self.all())
        if not lost:
            return None
        return f"{count(lost, 'corrected digit')} of {kept} cannot be read any more: deleting all makes room."

    def delete(self, number: int) -> None:
        """Forget one; StoreError where there is none of this number. Runs that learned from it keep it."""
        if not self._delete("WHERE id = ?", number):
            raise StoreError(f"there is no corrected digit {number}: it may have been deleted.")

    def delete_all(self) -> int:
        """Forget all, damaged ones too; how many there were."""
        return self._delete("")

    def _delete(self, which: str, *values: int) -> int:
        try:
            deleted = self._delete_now(which, *values)
        except StoreFullError:
            self._database.give_up_spare()
            deleted = self._delete_now(which, *values)
        self._database.give_back()
        return deleted

    def _delete_now(self, which: str, *values: int) -> int:
        with self._database.writing() as connection:
            return connection.execute(f"DELETE FROM corrections {which}", values).rowcount


def digits_of(corrections: Sequence[Correction]) -> Digits:
    """Corrected digits as digits to learn from."""
    if not corrections:
        return NO_DIGITS
    labels = np.array([each.label for each in corrections], np.uint8)
    return Digits.from_bytes(np.stack([each.pixels for each in corrections]), labels)
