"""What one visitor has chosen, kept in the URL: which network to look at, and as it was after which epoch."""

import contextlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from dashboard import resources
from dashboard.words import count, escape, sentence
from nnlib.errors import NnlibError
from nnlib.model_files import Model
from nnlib.runs import Run
from nnlib.study import Evaluation

PRETRAINED = 0  # stands for the pretrained model among the numbers of the runs
# in the narrow list of runs, what differs comes first and short
SHORT_TERMS = {"learning-rate schedule ": "", "learning rate ": "rate ", "optimizer ": "", "hidden widths ": "layers "}


@dataclass(frozen=True)
class Choice:
    """The network that a visitor looks at: a run (None: the pretrained model) and an epoch of it."""

    run: Run | None
    epoch: int

    @property
    def model(self) -> Model:
        """The network itself."""
        return resources.model(self.run.id if self.run else None, self.epoch)

    @property
    def test_readings(self) -> Evaluation:
        """What it answers for every test digit."""
        return resources.test_readings(self.run.id if self.run else None, self.epoch)

    @property
    def title(self) -> str:
        """What it is called in a sentence."""
        if self.run is None:
            return "the pretrained network"
        return f"run {self.run.id} ({escape(self.run.name)}) after {count(self.epoch, 'epoch')}"


def bind_number(name: str) -> Literal["query-params"] | None:
    """Keep a number field in the URL under its name, unless the URL asks for infinity, at which Streamlit fails."""
    with contextlib.suppress(ValueError):
        if not math.isfinite(float(st.query_params.get(name, "0"))):
            st.session_state[f"{name}_not_bound"] = True
    return None if st.session_state.get(f"{name}_not_bound") else "query-params"


def pick_run() -> None:
    """The box that says which network all pages look at."""
    runs = {run.id: run for run in resources.runs()}
    if _asks("run"):
        asked = st.query_params["run"]
        st.session_state["run"] = int(asked) if asked.isdecimal() and len(asked) < 10 else asked
        st.session_state["epoch"] = None
    wanted = st.session_state.setdefault("run", PRETRAINED)
    if wanted != PRETRAINED and wanted not in runs:
        st.warning(f"There is no run {escape(str(wanted))}: it may have been deleted. This is the pretrained network.")
        st.session_state["run"] = PRETRAINED
    st.selectbox(
        "Network to look at",
        [PRETRAINED, *runs],
        format_func=lambda run_id: label(runs.get(run_id)),
        key="run",
        persist_state="session",
        help="All pages show this network: the one that comes with the program, or one that was trained here.",
    )
    _to_url("run", st.session_state["run"] or None)


def pick_epoch() -> None:
    """The slider over the epochs of the chosen run that can be looked at; it follows the newest."""
    run_id = st.session_state["run"]
    epochs = resources.snapshot_epochs(run_id) if run_id != PRETRAINED else []
    newest = epochs[-1] if epochs else 0
    if _asks("epoch"):
        asked = st.query_params["epoch"]
        st.session_state["epoch"] = int(asked) if asked.isdecimal() and len(asked) < 10 else None
        if epochs and st.session_state["epoch"] not in epochs:
            st.warning(f"Epoch {escape(asked)} of run {run_id} is not kept: this is epoch {newest}.")
    followed = st.session_state.get("newest_epoch") == (run_id, st.session_state.get("epoch"))
    lost = followed or st.session_state.get("epoch") not in epochs
    # set even where it stays: in the sidebar and on the page are two sliders, each with a memory of its own
    st.session_state["epoch"] = newest if lost else st.session_state["epoch"]
    st.session_state["newest_epoch"] = (run_id, newest)
    if len(epochs) > 1:
        st.select_slider(
            "As it was after epoch",
            epochs,
            key="epoch",
            persist_state="session",
            help="Go back in time: epoch 0 is the network before it has seen a single digit.",
        )
    chosen = st.session_state["epoch"]
    _to_url("epoch", chosen if chosen != newest else None)


def choice() -> Choice:
    """What was chosen; ends the page with a sentence where there is nothing to look at yet."""
    run_id = st.session_state["run"]
    if run_id == PRETRAINED:
        return Choice(None, 0)
    run = chosen_run()
    if not resources.snapshot_epochs(run_id):
        st.info(f"Run {run_id} has not begun yet, so there is nothing to look at. Choose another network, or wait.")
        st.stop()
    return Choice(run, st.session_state["epoch"])


def chosen_run() -> Run | None:
    """The run that was chosen, as it stands; None for the pretrained model."""
    return next((run for run in resources.runs() if run.id == st.session_state["run"]), None)


def look_at(run_id: int) -> None:
    """Choose a run, at its newest epoch; for callbacks, which run before the page does."""
    st.session_state["run"] = run_id
    st.session_state["epoch"] = None
    st.session_state["url_run"] = st.session_state["url_epoch"] = None
    st.query_params.pop("run", None)
    st.query_params.pop("epoch", None)


@contextmanager
def sentences() -> Iterator[None]:
    """What goes wrong inside is said on the page, in its one sentence."""
    try:
        yield
    except NnlibError as error:
        st.error(sentence(str(error)), icon=":material/error:")


def fragment(function: Callable[..., None], run_every: float | None = None) -> Callable[..., None]:
    """A part of a page that reruns by itself, and says what goes wrong in it in its own place."""

    def guarded(*arguments: Any) -> None:
        with sentences():
            function(*arguments)

    # the name tells Streamlit which fragment it is, from one run of the script to the next
    guarded.__qualname__ = function.__qualname__
    guarded.__module__ = function.__module__
    return st.fragment(guarded, run_every=run_every)


def label(run: Run | None) -> str:
    """What a run is called in a list; without one, the pretrained network."""
    if run is None:
        return "Pretrained network"
    # nothing that changes: the box sends back the label it showed, and another one would be no run's
    preset, *changes = run.name.split(", ")
    for change, short in SHORT_TERMS.items():
        changes = [each.replace(change, short, 1) for each in changes]
    return f"{run.id} · {', '.join([*changes, preset])}"


def _asks(name: str) -> bool:
    """Whether the URL asks for something else than this session wrote there itself."""
    return st.query_params.get(name) not in (None, st.session_state.get(f"url_{name}"))


def _to_url(name: str, value: int | None) -> None:
    text = None if value is None else str(value)
    st.session_state[f"url_{name}"] = text
    if text is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != text:
        st.query_params[name] = text
