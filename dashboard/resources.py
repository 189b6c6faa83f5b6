"""What the whole server shares, read once for all visitors: the digits, the store, the networks."""

import os
import re
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Literal

import numpy as np
import streamlit as st

from nnlib.digits import NO_DIGITS, DataSet, Digits, load_mnist, usual_side
from nnlib.errors import DamagedStoreError, DataError, SettingError, StoreError, UnknownRunError
from nnlib.likeness import likeness
from nnlib.model_files import Model, load_pretrained
from nnlib.runs import (
    MOST_PROGRESS_POINTS,
    Correction,
    DamagedRun,
    Happening,
    Run,
    RunStore,
    Snapshot,
    Verdict,
    advice_for,
)
from nnlib.runs import taught as learned_digits
from nnlib.study import (
    Doubts,
    Evaluation,
    Peculiarities,
    Spread,
    calibrate,
    doubtful_labels,
    evaluate,
    hidden_outputs,
    measure,
    out_of_sample,
)
from nnlib.training import Advice, EpochRecord, Progress, split

DIGITS_COUNTED = 500  # new digits, of which the outputs of every layer are counted
SIDES_MEASURED = 1000  # pictures
MOST_OUTPUTS = 8_000_000  # numbers of the last hidden layer that are kept of a network: 32 MB
DATA_DIRECTORY = os.environ.get("NNLIB_DATA") or None


@st.cache_resource(show_spinner="Reading the data …")
def data() -> DataSet:
    """The digits of everybody; read-only."""
    return load_mnist(DATA_DIRECTORY)


def of_digits() -> bool:
    """Whether the data are digits, or pictures of other things in the same form; where they cannot be read, what needs
    them says that."""
    try:
        return data().of_digits
    except DataError:
        return True


def class_name(label: int) -> str:
    """What a class of the data is called: `7`, or `sneaker`."""
    return data().names[label]


def spoken(text: str, a_digit: Literal["picture", "class"] = "picture") -> str:
    """A text about digits as it is to be said of the data: where they are no digits, it speaks of pictures, or of
    classes, whichever `a_digit` means in it."""
    if of_digits():
        return text
    one, several = {"picture": ("picture", "pictures"), "class": ("class", "classes")}[a_digit]

    def other(found: re.Match[str]) -> str:
        word = several if found[2] else one
        return word.capitalize() if found[1] == "D" else word

    # other hands write nothing else
    text = text.replace(", and some written in other hands", "")
    return re.sub(r"\b(?:handwritten )?([Dd])igit(s?)\b", other, text)


@st.cache_resource(show_spinner=False)
def whole_px() -> float | None:
    """How large a drawing is to be made, in pixels, where it is read as one picture; None for digits."""
    return None if of_digits() else usual_side(data().train.images[:SIDES_MEASURED])


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


def corrections() -> list[Correction]:
    """The digits that people corrected, the oldest first; none where the store cannot be read."""
    with suppress(StoreError):
        return _corrections(store().version(), store().file)
    return []


def damaged_corrections() -> str | None:
    """A sentence about corrected digits that are damaged; None where all are whole."""
    with suppress(StoreError):
        return _damaged_corrections(store().version(), store().file)
    return None


def taught(run_id: int) -> Digits:
    """The corrected digits that a run learns from."""
    return _taught(run_id, store().file)


def share_of_taught(run_id: int | None, step: int, taught_run: int) -> float:
    """Which share of the corrected digits of another run that network reads right, from 0 to 1."""
    return _share_of_taught(run_id, step, taught_run, store().file)


def verdicts() -> dict[str, Verdict]:
    """What people said of doubtful labels, by the pictures; nothing where the store cannot be read."""
    with suppress(StoreError):
        return _verdicts(store().version(), store().file)
    return {}


def damaged_runs() -> list[DamagedRun]:
    """The runs that are not what was written."""
    return _damaged_runs(store().version())


def records(run: Run) -> list[EpochRecord]:
    """What a run came to after each epoch. Read-only."""
    return _records(run.id, run.attempt, run.epoch, store().file)


def bests(runs: Sequence[Run]) -> dict[int, tuple[int, float]]:
    """After which epoch each run read most validation digits right, and their share; of those that have done one."""
    known, found = _bests(store().file), {}
    for run in runs:
        if run.last is not None and run.last.best_epoch:
            found[run.id] = (run.last.best_epoch, run.last.best_accuracy)
        elif run.last is not None:  # older versions did not keep it
            key = (run.id, run.attempt, run.epoch)
            if key not in known:
                best = max(store().records(run.id), key=lambda each: each.validation_accuracy, default=run.last)
                known[key] = (best.epoch, best.validation_accuracy)
            found[run.id] = known[key]
    return found


def curves(run_id: int) -> tuple[list[EpochRecord], list[Progress]]:
    """What a run has learned so far: its epochs, and the points within them. Read-only."""
    return _curve(run_id, run(run_id).attempt, store().file).up_to_now()


def race(number: int) -> list[Run]:
    """The runs of a race as they stand, in their order."""
    return _race(number, *now())


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


@st.cache_resource(max_entries=64, show_spinner=False)
def _records(run_id: int, attempt: int, epoch: int, file: tuple[int, int] | None) -> list[EpochRecord]:
    return store().records(run_id)


@st.cache_resource(max_entries=1, show_spinner=False)
def _bests(file: tuple[int, int] | None) -> dict[tuple[int, int, int], tuple[int, float]]:
    """Those that were worked out: by run, attempt and newest epoch."""
    return {}


@st.cache_resource(max_entries=4, show_spinner=False)
def _runs(version: tuple[int, int], second: int) -> list[Run]:
    return store().runs()


@st.cache_resource(max_entries=4, show_spinner=False)
def _damaged_runs(version: tuple[int, int]) -> list[DamagedRun]:
    return store().damaged_runs()


@st.cache_resource(max_entries=16, show_spinner=False)
def _run(run_id: int, version: tuple[int, int], second: int) -> Run:
    return store().run(run_id)


@st.cache_resource(max_entries=4, show_spinner=False)
def _race(number: int, version: tuple[int, int], second: int) -> list[Run]:
    return store().race(number)


@st.cache_resource(max_entries=16, show_spinner=False)
def _snapshots(run_id: int, version: tuple[int, int], file: tuple[int, int] | None) -> list[Snapshot]:
    return store().snapshots(run_id)


@st.cache_resource(max_entries=16, show_spinner=False)
def _happenings(run_id: int, version: tuple[int, int], file: tuple[int, int] | None) -> list[Happening]:
    return store().happenings(run_id)


@st.cache_resource(max_entries=2, show_spinner=False)
def _corrections(version: tuple[int, int], file: tuple[int, int] | None) -> list[Correction]:
    return store().corrections.all()


@st.cache_resource(max_entries=2, show_spinner=False)
def _damaged_corrections(version: tuple[int, int], file: tuple[int, int] | None) -> str | None:
    return store().corrections.damage()


@st.cache_resource(max_entries=2, show_spinner=False)
def _verdicts(version: tuple[int, int], file: tuple[int, int] | None) -> dict[str, Verdict]:
    return store().verdicts.all()


@st.cache_resource(max_entries=16, show_spinner=False)
def _taught(run_id: int, file: tuple[int, int] | None) -> Digits:
    return learned_digits(store(), run_id)


@st.cache_resource(max_entries=64, show_spinner=False)
def _share_of_taught(run_id: int | None, step: int, taught_run: int, file: tuple[int, int] | None) -> float:
    return evaluate(model(run_id, step).network, taught(taught_run)).accuracy


def spreads(run_id: int, seconds: float) -> tuple[dict[Snapshot, Spread], int]:
    """How weights and outputs were spread at a run's moments, in order; and how many moments are yet to be counted.

    That is done for about so many seconds, and for one moment at least: ask again for the others.
    """
    return _spreads(run_id, run(run_id).attempt, store().file).up_to_now(seconds)


class _Spreads:
    """What was counted of a run's moments. Their networks are not kept: they would fill the memory."""

    def __init__(self, run_id: int) -> None:
        self.run_id = run_id
        self.lock = threading.Lock()
        self.images = split(data().train, run(run_id).config)[1].images[:DIGITS_COUNTED]
        self.found: dict[Snapshot, Spread | None] = {}  # None: it is damaged, or gone since

    def up_to_now(self, seconds: float) -> tuple[dict[Snapshot, Spread], int]:
        with self.lock:
            until, moments = time.monotonic() + seconds, snapshots(self.run_id)
            self.found = {moment: self.found[moment] for moment in moments if moment in self.found}
            # the newest, then ever finer steps through the others: a part of them shows the whole way, too
            steps = (moment for step in (64, 32, 16, 8, 4, 2, 1) for moment in moments[::step])
            for moment in dict.fromkeys([*moments[-1:], *steps]):
                if moment not in self.found:
                    self.found[moment] = self.count(moment)
                    if time.monotonic() > until:
                        break
            known = {moment: self.found.get(moment) for moment in moments}
            return {moment: each for moment, each in known.items() if each}, len(moments) - len(self.found)

    def count(self, moment: Snapshot) -> Spread | None:
        with suppress(UnknownRunError, DamagedStoreError):
            return measure(store().model(self.run_id, moment.step).network, self.images)
        return None


@st.cache_resource(max_entries=4, show_spinner=False)
def _spreads(run_id: int, attempt: int, file: tuple[int, int] | None) -> _Spreads:
    return _Spreads(run_id)


def model(run_id: int | None, step: int) -> Model:
    """The network of a run after so many corrections, calibrated; without a run, the pretrained one."""
    return load_pretrained() if run_id is None else _model(run_id, step, store().file)


def readings(run_id: int | None, step: int, part: str = "test", *, calibrated: bool = True) -> Evaluation:
    """What that network answers for every test digit, or every validation digit: calibrated, or as it says itself."""
    return _readings(run_id, step, part, calibrated, store().file if run_id else None)


def digits(model: Model, part: str = "test") -> Digits:
    """The test digits, the "training" digits, or the "validation" digits of that network's training: none where those
    are not known."""
    if part != "validation":
        return data().test if part == "test" else data().train
    with suppress(SettingError):  # the data is another one than it learned from
        if model.config is not None:
            return split(data().train, model.config)[1]
    return NO_DIGITS


def training_outputs(run_id: int | None, step: int) -> np.ndarray:
    """What that network's last hidden layer puts out for the training digits, or the first of them: (n, width)."""
    return _training_outputs(run_id, step, store().file if run_id else None)


@st.cache_resource(max_entries=1, show_spinner="Comparing it with all that was learned from …")
def peculiarities() -> Peculiarities:
    """What is odd about a digit, compared with the training digits."""
    return Peculiarities(data().train)


def doubts(run_id: int | None, step: int, part: str) -> Doubts:
    """The labels of a part that are doubtful to that network; or of the training digits, to others."""
    if part == "training":
        return _doubts(None, 0, part, None)
    return _doubts(run_id, step, part, store().file if run_id else None)


@st.cache_resource(max_entries=8, show_spinner="Asking two witnesses about each label …")
def _doubts(run_id: int | None, step: int, part: str, file: tuple[int, int] | None) -> Doubts:
    learned = peculiarities().forms
    if part == "training":
        return doubtful_labels(out_of_sample(), data().train, learned)
    return doubtful_labels(readings(run_id, step, part).probabilities, digits(model(run_id, step), part), learned)


def answers_at(run_id: int, moments: Sequence[Snapshot], image: np.ndarray) -> dict[Snapshot, np.ndarray]:
    """What a run's network answered for a picture, (784,), at these moments, those that are still kept: (10,) each."""
    found = {}
    for moment in moments:
        with suppress(UnknownRunError, DamagedStoreError):
            found[moment] = store().model(run_id, moment.step).network.predict_proba(image[None])[0]
    return found


@st.cache_resource(max_entries=1, show_spinner=False)
def test_likeness() -> np.ndarray:
    """How probably each test digit is a digit at all, (n,), whichever network reads it; of other data nobody asks."""
    images = data().test.images
    found = likeness(images) if of_digits() else np.ones(len(images), np.float32)
    found.flags.writeable = False
    return found


@st.cache_resource(max_entries=64, show_spinner=False)
def _model(run_id: int, step: int, file: tuple[int, int] | None) -> Model:
    # a run may be at a moment that no epoch ended with, or of an older version: so it is done here and not where it
    # learns. It takes as long as the run's own look at its validation digits, once for all who look at that moment
    return store().model(run_id, step).calibrated(run(run_id).data_directory)


@st.cache_resource(max_entries=2, show_spinner="Comparing it with all that was learned from …")
def _training_outputs(run_id: int | None, step: int, file: tuple[int, int] | None) -> np.ndarray:
    network, digits = model(run_id, step).network, data().train
    most = MOST_OUTPUTS // network.widths[-2]
    outputs = hidden_outputs(network, digits.images[:most])
    outputs.flags.writeable = False
    return outputs


@st.cache_resource(max_entries=64, show_spinner="Reading all of them …")
def _readings(run_id: int | None, step: int, part: str, calibrated: bool, file: tuple[int, int] | None) -> Evaluation:
    found = model(run_id, step)
    if not calibrated:
        return evaluate(found.network, digits(found, part))
    plain = readings(run_id, step, part, calibrated=False)
    return replace(plain, probabilities=calibrate(plain.probabilities, found.temperature))
