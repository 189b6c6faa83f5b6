"""The live part of the page Train: how far the run is, four numbers, and the curves of loss and accuracy.

The browser draws it, and asks for nothing but what is new; the page is left alone meanwhile.
"""

from typing import Any

from dashboard import figures, news, resources
from dashboard.parts import pulse
from dashboard.resources import spoken
from nnlib.runs import Run

LOSS_THAT_NEEDS_LOG = 10  # guessing costs 2.3: beyond, a training has been thrown far off

_library = pulse.component("curves_library", "silent.css", "uPlot.iife.min.js", "spoken.js", "curves.js")
_curves = pulse.component("pulse_curves", "curves.html", "uPlot.min.css", "curves.css", "pulse.js", "live.js")
NOTHING = {
    "run": 0,
    "text": "Nothing is learning yet.",
    "share": 0.0,
    "after": 0,
    "points": [],
    "records": [],
    "marks": [],
    "advice": [],
    "best": 0,
}


def draw(run: Run | None, beside: figures.Beside | None) -> None:
    """The run as it stands, and from then on as it goes on; without a run, empty curves."""
    told: dict[str, Any] = {**NOTHING, "numbers": news.numbers(None)}
    if run is not None:
        # the buttons show the run as it was read before: what has changed since is news
        told = {**news.tell(run.id, 0, pulse.viewer()), "shown": news.shown(run, resources.advice(run))}
    _library(key="curves_library")
    _curves(
        key="curves",
        data={
            **pulse.data(run is not None and run.active),
            "told": told,
            "epochs": run.config.epochs if run else 10,
            "beside": {"name": beside[0], "records": news.rows(beside[1])} if beside else None,
            "log_above": LOSS_THAT_NEEDS_LOG,
            "digit": spoken("digit"),
        },
        on_tick_change=lambda: None,
    )
