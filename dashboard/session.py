"""What one visitor has chosen, kept in the URL: which network to look at, and as it was at which moment."""

import contextlib
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import streamlit as st

from dashboard import address, resources
from dashboard.words import escape, sentence
from nnlib.errors import NnlibError, StoreError, UnknownRunError
from nnlib.model_files import Model
from nnlib.runs import BEGINNING, Run, Snapshot
from nnlib.study import Evaluation
from nnlib.training import PRESETS
from nnlib.words import printable

PRETRAINED = 0  # stands for the pretrained model among the numbers of the runs
# in the narrow list of runs, what differs comes first and short
SHORT_TERMS = {"learning-rate schedule ": "", "learning rate ": "rate ", "optimizer ": "", "hidden widths ": "layers "}

Made = TypeVar("Made")


@dataclass(frozen=True)
class Choice:
    """The network that a visitor looks at: a run (None: the pretrained model) and a moment of it."""

    run: Run | None
    moment: Snapshot
    model: Model

    def readings(self, part: str = "test") -> Evaluation:
        """What it answers for every test digit, or every "validation" digit; calibrated, as all pages say it."""
        return resources.readings(self.run.id if self.run else None, self.moment.step, part)

    @property
    def title(self) -> str:
        """What it is called in a sentence."""
        if self.run is None:
            return "the pretrained network"
        return f"run {self.run.id} ({escape(self.run.name)}) {self.moment.moment}"


def bind_number(name: str) -> Literal["query-params"] | None:
    """Keep a number field in the URL under its name, unless the URL asks for infinity, at which Streamlit fails."""
    with contextlib.suppress(ValueError):
        if not math.isfinite(float(st.query_params.get(name, "0"))):
            st.session_state[f"{name}_not_bound"] = True
    return None if st.session_state.get(f"{name}_not_bound") else "query-params"


def pick_run() -> None:
    """The box that says which network all pages look at."""
    try:
        runs = {run.id: run for run in resources.runs()}
    except StoreError as error:
        # the pretrained network needs no store, and nor do most pages
        st.error(sentence(str(error)), icon=":material/error:")
        runs = {}
        st.session_state["run"] = PRETRAINED
        address.keep("run", None, on_all_pages=True)
    if (asked := address.asked_number("run")) not in (None, ""):
        st.session_state["run"] = asked
        st.session_state["step"] = None
    st.session_state.setdefault("run", PRETRAINED)
    wanted = settle_number("run")
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
    address.keep("run", st.session_state["run"] or None, on_all_pages=True)


def settle_number(key: str) -> Any:
    """What a box of runs holds: the number of a run again, where that was renamed while the box showed its label."""
    found = re.match(r"(\d{1,9}) · ", str(st.session_state.get(key)))
    if found:
        st.session_state[key] = int(found[1])
    return st.session_state.get(key)


def settle_moment() -> list[Snapshot]:
    """Which moment of the chosen run to look at: what the address asks for, what was chosen, else the newest.

    The moments that it is one of: a little later, a run that learns may have let it go for a newer one.
    """
    run_id, kept = st.session_state["run"], moments()
    steps = [moment.step for moment in kept]
    newest = kept[-1] if kept else BEGINNING
    if st.session_state.get("newest_step", (run_id,))[0] != run_id:  # another run was chosen: its step 0 is not meant
        st.session_state["step"] = newest.step
    epoch, step = address.asked("epoch"), address.asked("step")
    if asked := step or epoch:
        numbers = {str(m.step if step else int(m.epoch)): m for m in kept if step or m.whole_epoch}
        st.session_state["step"] = numbers[asked].step if asked in numbers else None
        if kept and asked not in numbers:
            what = "Correction" if step else "Epoch"
            st.warning(f"{what} {escape(asked, most=20)} of run {run_id} is not kept: this is {newest.moment}.")
    if follows_newest() or st.session_state.get("step") not in steps:
        st.session_state["step"] = newest.step
    # set even where it stays: every page has a slider of its own, with a memory of its own
    st.session_state["step"] = st.session_state["step"]
    st.session_state["newest_step"] = (run_id, newest.step)
    if not st.session_state.get("film"):  # whose every frame would be an address of its own
        chosen = next((moment for moment in kept if moment.step == st.session_state["step"]), newest)
        address.keep("epoch", int(chosen.epoch) if chosen.whole_epoch and chosen != newest else None, on_all_pages=True)
        address.keep("step", chosen.step if not chosen.whole_epoch and chosen != newest else None, on_all_pages=True)
    return kept


def moments() -> list[Snapshot]:
    """The moments of the chosen run that can be looked at; none of the pretrained network."""
    run_id = st.session_state["run"]
    return resources.snapshots(run_id) if run_id != PRETRAINED else []


def follows_newest() -> bool:
    """Whether the visitor was shown the newest moment last: they are then shown every newer one."""
    return st.session_state.get("newest_step") == (st.session_state["run"], st.session_state.get("step"))


def newest_shown() -> int:
    """The step of the newest moment that the page knows."""
    step: int = st.session_state["newest_step"][1]
    return step


def look_at_moment(step: int | None) -> None:
    """Choose a moment, or with None to follow the newest; for callbacks, which run before the page does."""
    st.session_state["step"] = step


def choice() -> Choice:
    """What was chosen; ends the page with a sentence where there is nothing to look at yet."""
    run_id = st.session_state["run"]
    if run_id == PRETRAINED:
        return Choice(None, BEGINNING, resources.model(None, BEGINNING.step))
    run = chosen_run()
    kept = {moment.step: moment for moment in moments()}
    if run is None or not kept:
        said = "was deleted" if run is None else "has not begun yet" if run.active else "ended before it began"
        st.info(f"Run {run_id} {said}, so there is nothing to look at. Choose another network, or wait.")
        st.stop()
    moment = kept.get(st.session_state["step"], moments()[-1])
    try:
        return Choice(run, moment, resources.model(run.id, moment.step))
    except UnknownRunError:
        if moment in moments():
            raise
        return choice()  # the run learned on just now, and a newer moment has taken its place


def chosen_run() -> Run | None:
    """The run that was chosen, as it stands; None for the pretrained model."""
    if st.session_state["run"] == PRETRAINED:
        return None
    try:
        return resources.run(st.session_state["run"])
    except UnknownRunError:  # deleted, perhaps by somebody else
        return None


def look_at(run_id: int) -> None:
    """Choose a run, at its newest moment; for callbacks, which run before the page does."""
    st.session_state["run"] = run_id
    st.session_state["step"] = None
    st.session_state["film"] = False
    for name in ("run", "epoch", "step"):
        address.keep(name, None, on_all_pages=True)


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


def kept(name: str, of: tuple[Any, ...], make: Callable[[], Made]) -> Made:
    """What was made under this name last time, if it was of these very objects, or equal numbers; else made anew.

    So a rerun that changes nothing works out nothing, and nothing outlives its visit.
    """
    key = f"kept_{name}"  # no widget's
    before = st.session_state.get(key)
    if before is None or not all(map(_same, before[0], of)):
        before = st.session_state[key] = (of, make())
    made: Made = before[1]
    return made


def _same(one: Any, other: Any) -> bool:
    return one is other or (isinstance(one, int | float) and one == other)


def label(run: Run | None) -> str:
    """What a run is called in a list; without one, the pretrained network."""
    if run is None:
        return "Pretrained network"
    # nothing that changes by itself: the box sends back the label it showed; see settle_number for a new name
    name = printable(run.name)
    preset, *changes = name.split(", ")
    if preset not in PRESETS:
        return f"{run.id} · {name}"
    for change, short in SHORT_TERMS.items():
        changes = [each.replace(change, short, 1) for each in changes]
    return f"{run.id} · {', '.join([*changes, preset])}"
