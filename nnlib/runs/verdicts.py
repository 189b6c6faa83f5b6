"""Verdicts: what people said of labels that are doubtful; kept with the picture, whichever data it is in."""

import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from nnlib.digits import N_CLASSES, N_PIXELS
from nnlib.errors import SettingError
from nnlib.runs.database import Database, checksum
from nnlib.runs.run import DAMAGE, LATEST_TIME, require_sound
from nnlib.words import shown


@dataclass(frozen=True)
class Verdict:
    """What a digit really is, `label`, or None where nobody can tell. `created` is in seconds since 1970."""

    label: int | None
    created: float


def picture_of(image: np.ndarray) -> str:
    """What tells a digit, (784,) in [0, 1], from all others: the SHA-256 of its pixels as bytes, in hexadecimal."""
    if image.shape != (N_PIXELS,):
        raise SettingError(f"the picture of a digit must be {N_PIXELS} numbers from 0 to 1.")
    return hashlib.sha256(np.rint(image * np.float32(255)).astype(np.uint8).tobytes()).hexdigest()


class Verdicts:
    """The verdicts in the store's file. Errors are those of RunStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def say(self, image: np.ndarray, label: int | None) -> None:
        """Keep what a digit really is, None for what nobody can tell; what was said of it before is forgotten."""
        if label is not None and (type(label) is not int or label not in range(N_CLASSES)):
            raise SettingError(f"the label is {shown(label)}: it must be a whole number from 0 to 9, or none.")
        content = picture_of(image), label, time.time()
        self._database.require_room(N_PIXELS)
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?)", (*content, checksum(*content)))

    def forget(self, image: np.ndarray) -> None:
        """As if nothing had been said of it."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM verdicts WHERE picture = ?", (picture_of(image),))

    def all(self) -> dict[str, Verdict]:
        """All that are what was written, by their pictures."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT picture, label, created, checksum FROM verdicts").fetchall()
        found = {}
        for *content, checked in rows:
            with suppress(*DAMAGE):
                require_sound(content, checked)
                picture, label, created = content
                if (label is None or label in range(N_CLASSES)) and 0 <= created < LATEST_TIME:
                    found[str(picture)] = Verdict(label, float(created))
        return found
