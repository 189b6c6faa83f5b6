"""Many trainings: each a run, kept in the store, and at work in a process of its own."""

from nnlib.runs import race, worker
from nnlib.runs.corrections import CORRECTIONS_PART, MOST_CORRECTIONS, Correction, digits_of
from nnlib.runs.database import MOST_PROGRESS_POINTS
from nnlib.runs.run import (
    BEGINNING,
    FASTEST_PACE,
    LONGEST_NAME,
    LONGEST_NOTE,
    LONGEST_TAG,
    MOST_TAGS,
    DamagedRun,
    Happening,
    Order,
    Run,
    Snapshot,
    State,
    advice_for,
    pace_of,
    records_as_csv,
    say_happenings,
)
from nnlib.runs.store import MOST_AT_ONCE, MOST_WAITING, RunStore
from nnlib.runs.teaching import settings_for, taught, teach
from nnlib.runs.transfer import MOST_BYTES, export_run, import_file
from nnlib.runs.verdicts import Verdict, picture_of

__all__ = [
    "BEGINNING",
    "CORRECTIONS_PART",
    "FASTEST_PACE",
    "LONGEST_NAME",
    "LONGEST_NOTE",
    "LONGEST_TAG",
    "MOST_AT_ONCE",
    "MOST_BYTES",
    "MOST_CORRECTIONS",
    "MOST_PROGRESS_POINTS",
    "MOST_TAGS",
    "MOST_WAITING",
    "Correction",
    "DamagedRun",
    "Happening",
    "Order",
    "Run",
    "RunStore",
    "Snapshot",
    "State",
    "Verdict",
    "advice_for",
    "digits_of",
    "export_run",
    "import_file",
    "pace_of",
    "picture_of",
    "race",
    "records_as_csv",
    "say_happenings",
    "settings_for",
    "taught",
    "teach",
    "worker",
]
