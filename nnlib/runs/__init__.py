"""Many trainings: each a run, kept in the store, and at work in a process of its own."""

from nnlib.runs import worker
from nnlib.runs.database import MOST_PROGRESS_POINTS
from nnlib.runs.run import BEGINNING, DamagedRun, Order, Run, Snapshot, State
from nnlib.runs.store import MOST_AT_ONCE, MOST_WAITING, RunStore

__all__ = [
    "BEGINNING",
    "MOST_AT_ONCE",
    "MOST_PROGRESS_POINTS",
    "MOST_WAITING",
    "DamagedRun",
    "Order",
    "Run",
    "RunStore",
    "Snapshot",
    "State",
    "worker",
]
