"""The pulse: how a page learns by itself what is new, as often as is good for everybody.

The browser asks, and the server says when to ask again. So nothing queues up where a browser or the
server is slow, and a hidden tab asks for nothing.
"""

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import streamlit as st

BROWSER = Path(__file__).with_name("browser")
LEAST_SECONDS = 1.0  # redrawn more often, a curve is not easier to follow, and on two cores the training feels it
SHARE = 0.15  # of one processor, for all who watch: the rest is for what they watch
OVERHEAD_SECONDS = 0.005  # of processor time, for a rerun that does nothing
USUAL_SECONDS = 0.05  # of processor time, for a run of a whole page
FORGOTTEN_SECONDS = 30.0  # after which a viewer who no longer asks is no viewer

_costs: dict[str, tuple[float, float]] = {}  # of each viewer: when last asked, and what an answer takes
_lock = threading.Lock()
_beats = itertools.count()


@contextmanager
def measured() -> Iterator[None]:
    """Notes what it takes to answer this viewer once."""
    began = time.thread_time()
    try:
        yield
    finally:
        # at most twice the last one: what is done once, like reading the digits, says nothing of the next answer
        usual = st.session_state.get("answer_seconds", USUAL_SECONDS)
        st.session_state["answer_seconds"] = min(time.thread_time() - began + OVERHEAD_SECONDS, 2 * usual)


def pace(cost: float, viewer: str, now: float, least: float = LEAST_SECONDS) -> float:
    """The seconds until this viewer may ask again, so that all together take no more than their share."""
    with _lock:
        _costs[viewer] = now, cost
        for other in [other for other, (asked, _) in _costs.items() if now - asked > FORGOTTEN_SECONDS]:
            del _costs[other]
        return max(least, sum(cost for _, cost in _costs.values()) / SHARE)


def data(live: bool, *, least: float = LEAST_SECONDS, cost: float | None = None) -> dict[str, Any]:
    """What a component with a pulse is told: when to ask again (never, unless `live`).

    `cost` is what an answer takes, in seconds of processor time; unless given, what the whole page takes.
    """
    interval = None
    if live:
        viewer = st.session_state.setdefault("viewer", uuid.uuid4().hex)
        cost = cost or st.session_state.get("answer_seconds", OVERHEAD_SECONDS)
        interval = round(1000 * pace(cost, viewer, time.monotonic(), least))
    # the beat makes every answer a new one: the browser counts the time from there
    return {"interval_ms": interval, "beat": next(_beats)}


def component(name: str, *files: str) -> Callable[..., Any]:
    """A component for the browser, made of files in `browser/`; with pulse.js among them, its trigger is `tick`."""
    parts = {"html": "", "css": "", "js": ""}
    for file in files:
        parts[file.rpartition(".")[2]] += (BROWSER / file).read_text(encoding="utf-8")
    return st.components.v2.component(name, html=parts["html"], css=parts["css"], js=parts["js"])


_status = component("pulse_status", "status.html", "status.css", "pulse.js", "status.js")
_silent = component("pulse_silent", "silent.css", "pulse.js", "silent.js")


def status(text: str, share: float | None, live: bool) -> None:
    """A line, and a bar where there is a share; the fragment around it reruns at each beat, while `live`."""
    _status(key="status", data={**data(live), "text": text, "share": share}, on_tick_change=lambda: None)


def silent(key: str, live: bool, seconds: float, on_tick: Callable[[], None] = lambda: None) -> None:
    """A pulse that shows nothing: the fragment around it reruns so often, while `live`; before, `on_tick` is called."""
    _silent(key=f"pulse_{key}", data=data(live, least=seconds), on_tick_change=on_tick)
