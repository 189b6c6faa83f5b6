"""The pulse: how a page learns by itself what is new, as often as is good for everybody.

The browser asks, and the server says when to ask again. So nothing queues up where a browser or the
server is slow, and a hidden tab asks for nothing.
"""

import itertools
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard import pace

BROWSER = Path(__file__).with_name("browser")
OVERHEAD_SECONDS = 0.005  # of processor time, for a rerun that does nothing
USUAL_SECONDS = 0.05  # of processor time, for a run of a whole page

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


def viewer() -> str:
    """A name for whoever looks at the page."""
    name: str = st.session_state.setdefault("viewer", uuid.uuid4().hex)
    return name


def data(live: bool, reruns: bool = False, least: float = pace.LEAST_SECONDS) -> dict[str, Any]:
    """What a component with a pulse is told: whether to ask at all, and how long a page stands that `reruns` often."""
    cost = st.session_state.get("answer_seconds", OVERHEAD_SECONDS)
    interval = pace.seconds(cost, viewer(), least) if live and reruns else 0
    # the beat makes every answer a new one: the browser counts the time from there
    return {"live": live, "interval_ms": round(1000 * interval), "viewer": viewer(), "beat": next(_beats)}


def component(name: str, *files: str, isolated: bool = True) -> Callable[..., Any]:
    """A component for the browser, made of files in `browser/`; with pulse.js among them, its trigger is `tick`.

    If it is not `isolated`, it takes the document's styles, and the document its.
    """
    parts = {"html": "", "css": "", "js": ""}
    for file in files:
        parts[file.rpartition(".")[2]] += (BROWSER / file).read_text(encoding="utf-8")
    return st.components.v2.component(
        name, html=parts["html"], css=parts["css"], js=parts["js"], isolate_styles=isolated
    )


_status = component("pulse_status", "status.html", "status.css", "pulse.js", "status.js")
_silent = component("pulse_silent", "silent.css", "pulse.js", "silent.js")


def status(told: dict[str, Any], live: bool, follows: bool) -> None:
    """What `news.tell` has told, as a line with a bar; while `live`, it goes on by itself.

    The whole page is run anew where it has become another one; if it `follows`, for every new moment.
    """
    _status(
        key="status",
        data={**data(live, reruns=follows), "told": told, "follows": follows},
        on_tick_change=lambda: None,
    )


def silent(key: str, live: bool, seconds: float, on_tick: Callable[[], None] = lambda: None) -> None:
    """A pulse that shows nothing: the fragment around it reruns so often, while `live`; before, `on_tick` is called."""
    _silent(key=f"pulse_{key}", data=data(live, reruns=True, least=seconds), on_tick_change=on_tick)
