"""What the whole server shares, read once for all visitors: the digits, the store, the networks."""

import os
import time

import streamlit as st

from nnlib.digits import DataSet, load_mnist
from nnlib.model_files import Model, load_pretrained
from nnlib.runs import Run, RunStore
from nnlib.study import Evaluation, evaluate
from nnlib.training import EpochRecord, Progress

DATA_DIRECTORY = os.environ.get("NNLIB_DATA") or None


@st.cache_resource(show_spinner="Reading the digits …")
def data() -> DataSet:
    """The digits of everybody; read-only."""
    return load_mnist(DATA_DIRECTORY)


@st.cache_resource(show_spinner=False)
def store() -> RunStore:
    """The store of everybody's runs."""
    return RunStore()


def runs() -> list[Run]:
    """All runs as they stand, the newest first."""
    # a killed process changes nothing in the store: so look again every second, too
    return _runs(store().version(), int(time.time()))


def run(run_id: int) -> Run:
    """One run as it stands."""
    return _run(run_id, store().version(), int(time.time()))


def curves(run_id: int) -> tuple[list[EpochRecord], list[Progress]]:
    """What a run has learned so far: its epochs, and the points within them."""
    return _curves(run_id, store().version())


def snapshot_epochs(run_id: int) -> list[int]:
    """The epochs of a run that can be looked at."""
    return _snapshot_epochs(run_id, store().version())


@st.cache_resource(max_entries=4, show_spinner=False)
def _runs(version: tuple[int, int], second: int) -> list[Run]:
    return store().runs()


@st.cache_resource(max_entries=16, show_spinner=False)
def _run(run_id: int, version: tuple[int, int], second: int) -> Run:
    return store().run(run_id)


@st.cache_resource(max_entries=16, show_spinner=False)
def _curves(run_id: int, version: tuple[int, int]) -> tuple[list[EpochRecord], list[Progress]]:
    return store().records(run_id), store().progress(run_id)


@st.cache_resource(max_entries=16, show_spinner=False)
def _snapshot_epochs(run_id: int, version: tuple[int, int]) -> list[int]:
    return store().snapshot_epochs(run_id)


@st.cache_resource(max_entries=64, show_spinner=False)
def model(run_id: int | None, epoch: int) -> Model:
    """The network of a run after an epoch; without a run, the pretrained one."""
    return load_pretrained() if run_id is None else store().model(run_id, epoch)


@st.cache_resource(max_entries=64, show_spinner="Reading all test digits …")
def test_readings(run_id: int | None, epoch: int) -> Evaluation:
    """What that network answers for every test digit."""
    return evaluate(model(run_id, epoch).network, data().test)
