"""What can go wrong, as few exceptions as a caller can tell apart.

NnlibError              catch this one to catch them all; its text is a sentence for people
├── SettingError        a setting outside its limits
├── DataError           a data set that is missing, damaged or of another form
├── ModelFileError      a model file that is damaged, unsafe or of another form
├── DrawingError        a picture without a readable digit in it
├── DivergedError       a training whose loss stopped being a number
├── PartnerLostError    a training whose second process ended on its own
└── StoreError          the store of runs cannot be read or written
    ├── UnknownRunError     there is no such run, or it lacks what was asked of it
    └── StoreFullError      the disk has no room left; nothing was written
"""

from nnlib.words import printable

MOST_LETTERS = 1_000


class NnlibError(Exception):
    """The base of all: its text says what is wrong, with the value, and the way out.

    Whatever names and values from outside are in it, any page and terminal can show it.
    """

    def __init__(self, sentence: str = "") -> None:
        super().__init__(printable(sentence, MOST_LETTERS))


class SettingError(NnlibError):
    """A setting outside its limits."""


class DataError(NnlibError):
    """A data set that is missing, damaged or of another form."""


class ModelFileError(NnlibError):
    """A model file that is damaged, unsafe or of another form."""


class DrawingError(NnlibError):
    """A picture without a readable digit in it."""


class DivergedError(NnlibError):
    """A training whose loss stopped being a number."""


class PartnerLostError(NnlibError):
    """A training whose second process ended on its own; it can go on from its last checkpoint."""


class StoreError(NnlibError):
    """The store of runs cannot be read or written."""


class UnknownRunError(StoreError):
    """There is no such run, or it lacks what was asked of it."""


class StoreFullError(StoreError):
    """The disk has no room left; nothing was written."""
