"""Many trainings: each a run, kept in the store, and at work in a process of its own."""

from nnlib.runs import worker
from nnlib.runs.store import BEGINNING, MOST_PROGRESS_POINTS, Order, Run, RunStore, Snapshot, State

__all__ = ["BEGINNING", "MOST_PROGRESS_POINTS", "Order", "Run", "RunStore", "Snapshot", "State", "worker"]
