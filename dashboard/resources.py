"""What the whole server shares, read once for all visitors: the digits, the store, the networks."""

import os
import threading
import time

import streamlit as st

from nnlib.digits import DataSet, load_mnist
from nnlib.model_files import Model, load_pretrained
from nnlib.runs import MOST_PROGRESS_POINTS, DamagedRun, Happening, Run, RunStore, Snapshot, advice_for
from nnlib.study import Evaluation, evaluate
from nnlib.training import Advice, EpochRecord, Progress

DATA_DIRECTORY = os.environ.get("NNLIB_DATA") or None


@st.cache_resource(show_spinner="Reading the digits …")
def data() -> DataSet:
    """The digits of everybody; read-only."""
    return load_mnist(DATA_DIRECTORY)


@st.cache_resource(show_spinner=False)
def store() -> RunStore:
    """The store of everybody's runs."""
    return RunStore()


def now() -> tuple[tuple[int, int], int]:
    """What changes whenever anything may have changed that is read from the store, and at least every second."""
    return store().version(), int(time.time())


def runs() -> list[Run]:
    """All runs as they stand, the newest first."""
    # a killed process changes nothing in the store: so look again every second, too
    return _runs(*now())


def run(run_id: int) -> Run:
    """One run as it stands."""
    return _run(run_id, *now())


def damaged_runs() -> list[DamagedRun]:
    """The runs that are not what was written."""
    return _damaged_runs(store().version())


def curves(run_id: int) -> tuple[list[EpochRecord], list[Progress]]:
    """What a run has learned so far: its epochs, and the points within them. Read-only."""
    return _curve(run_id, run(run_id).attempt, store().file).up_to_now()


def snapshots(run_id: int) -> list[Snapshot]:
    """The moments of a run that can be looked at."""
    return _snapshots(run_id, store().version(), store().file)


def happenings(run_id: int) -> list[Happening]:
    """What happened to a run: the orders that took effect."""
    return _happenings(run_id, store().version(), store().file)


def advice(run: Run) -> Advice | None:
    """What goes wrong in a run, and mends it."""
    return advice_for(run, happenings(run.id), *curves(run.id))


class _Curve:
    """A run's curve, of which only what is new is read from the store."""

    def __init__(self, run_id: int) -> None:
        self.run_id = run_id
        self.lock = threading.Lock()
        self.version: object = None
        self.records: list[EpochRecord] = []
        self.progress: list[Progress] = []

    def up_to_now(self) -> tuple[list[EpochRecord], list[Progress]]:
        with self.lock:
            version = store().version()
            if version != self.version:
                self.read()
                self.version = version
            return self.records, self.progress

    def read(self) -> None:
        known = self.progress[-1].step if self.progress else 0
        records = store().records(self.run_id, self.records[-1].epoch if self.records else 0)
        progress = store().progress(self.run_id, known)
        if len(self.progress) > 2 * MOST_PROGRESS_POINTS:  # of which the store keeps some by now
            progress, self.progress = store().progress(self.run_id), []
        # new lists: those who have the old ones are still reading them
        self.records, self.progress = [*self.records, *records], [*self.progress, *progress]


@st.cache_resource(max_entries=16, show_spinner=False)
def _curve(run_id: int, attempt: int, file: tuple[int, int] | None) -> _Curve:
    return _Curve(run_id)


@st.cache_resource(max_entries=4, show_spinner=False)
def _runs(version: tuple[int, int], second: int) -> list[Run]:
    return store().runs()


@st.cache_resource(max_entries=4, show_spinner=False)
def _damaged_runs(version: tuple[int, int]) -> list[DamagedRun]:
    return store().damaged_runs()


@st.cache_resource(max_entries=16, show_spinner=False)
def _run(run_id: int, version: tuple[int, int], second: int) -> Run:
    return store().run(run_id)


@st.cache_resource(max_entries=16, show_spinner=False)
def _snapshots(run_id: int, version: tuple[int, int], file: tuple[int, int] | None) -> list[Snapshot]:
    return store().snapshots(run_id)


@st.cache_resource(max_entries=16, show_spinner=False)
def _happenings(run_id: int, version: tuple[int, int], file: tuple[int, int] | None) -> list[Happening]:
    return store().happenings(run_id)


def model(run_id: int | None, step: int) -> Model:
    """The network of a run after so many corrections; without a run, the pretrained one."""
    return load_pretrained() if run_id is None else _model(run_id, step, store().file)


def test_readings(run_id: int | None, step: int) -> Evaluation:
    """What that network answers for every test digit."""
    return _test_readings(run_id, step, store().file if run_id else None)


@st.cache_resource(max_entries=64, show_spinner=False)
def _model(run_id: int, step: int, file: tuple[int, int] | None) -> Model:
    return store().model(run_id, step)


@st.cache_resource(max_entries=64, show_spinner="Reading all test digits …")
def _test_readings(run_id: int | None, step: int, file: tuple[int, int] | None) -> Evaluation:
    return evaluate(model(run_id, step).network, data().test)
