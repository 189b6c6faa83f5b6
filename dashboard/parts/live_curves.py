"""The live part of the page Train: how far the run is, four numbers, and the curves of loss and accuracy.

The browser draws it, and is sent only what is new; nothing else of the page is touched meanwhile.
"""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard import figures, resources
from dashboard.parts import following, pulse
from dashboard.words import number
from nnlib.runs import Run
from nnlib.training import EpochRecord

EAGER_SECONDS = 0.15  # between two looks for the first point: whoever pressed Start is waiting
LOSS_THAT_NEEDS_LOG = 10  # guessing costs 2.3: beyond, a training has been thrown far off
A_BEAT_SECONDS = 0.003  # of processor time, beside what every rerun takes

_library = pulse.component("curves_library", "silent.css", "uPlot.iife.min.js", "curves.js")
_curves = pulse.component("pulse_curves", "curves.html", "uPlot.min.css", "curves.css", "pulse.js", "live.js")


def library() -> None:
    """What the browser needs to draw, sent once; outside of all fragments."""
    _library(key="curves_library")


def draw(run: Run | None, beside: figures.Beside | None) -> None:
    """The run as it stands, for a fragment; without a run, empty curves."""
    seen = st.session_state.pop("curves_seen", None)
    after = seen["step"] if seen and run and seen["run"] == run.id else 0
    records, progress = resources.curves(run.id) if run else ([], [])
    newest = max([p.step for p in progress[-1:]] + [r.step for r in records[-1:]], default=0)
    if newest < after:  # the run went back to its last checkpoint
        after = 0
    text, share = following.how_far(run) if run else ("Nothing is learning yet.", 0.0)
    news = {
        "run": run.id if run else 0,
        "epochs": run.config.epochs if run else 10,
        "after": after,
        "points": [[p.step, p.epoch, p.training_loss, 100 * p.training_accuracy] for p in progress if p.step > after],
        "records": _rows([record for record in records if record.step > after]),
        "beside": {"name": beside[0], "records": _rows(beside[1])} if beside else None,
        "log_above": LOSS_THAT_NEEDS_LOG,
        "status": {"text": text, "share": share},
        "numbers": _numbers(run),
    }
    beat = pulse.data(
        run is not None and run.active,
        least=pulse.LEAST_SECONDS if newest else EAGER_SECONDS,
        cost=A_BEAT_SECONDS + pulse.OVERHEAD_SECONDS,
    )
    _curves(key="curves", data={**beat, **news}, on_tick_change=_note)


def _note() -> None:
    # popped by what then reruns: a run of the whole page sends everything, since the browser may have begun anew;
    # a last beat of a page that was just left finds no curves any more
    st.session_state["curves_seen"] = st.session_state.get("curves", {}).get("tick")


def _rows(records: Sequence[EpochRecord]) -> list[list[Any]]:
    return [
        [
            record.step,
            record.epoch,
            record.training_loss,
            100 * record.training_accuracy,
            record.validation_loss,
            100 * record.validation_accuracy,
        ]
        for record in records
    ]


def _numbers(run: Run | None) -> dict[str, str]:
    """The four numbers, by their names in the component."""
    last = run.last if run else None
    return {
        "validation_accuracy": f"{last.validation_accuracy:.1%}" if last else "–",
        "validation_loss": number(last.validation_loss, 3) if last else "–",
        "training_accuracy": f"{last.training_accuracy:.1%}" if last else "–",
        "learning_rate": number(run.learning_rate, 3) if run else "–",
    }
