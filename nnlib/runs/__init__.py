"""Many trainings: each a run, kept in the store, and at work in a process of its own."""

from nnlib.runs import worker
from nnlib.runs.store import Order, Run, RunStore, Snapshot, State

__all__ = ["Order", "Run", "RunStore", "Snapshot", "State", "worker"]
