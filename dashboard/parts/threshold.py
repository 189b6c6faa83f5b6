"""How sure it must be: a threshold that each visitor moves, and what that costs on the test digits."""

import numpy as np
import streamlit as st

from dashboard import figures, session
from dashboard.parts import picture
from dashboard.session import Choice
from nnlib.reading import SURE
from nnlib.study import Evaluation
from nnlib.words import percent

WIDTH_PX = 340
LEAST, MOST = 10, 99  # percent: of ten answers, the likeliest has never less


def pick(choice: Choice) -> float:
    """The threshold, 0 to 1; once it is opened, with what it costs this network."""
    opened = st.popover("How sure must it be?", icon=":material/tune:", key="threshold", on_change="rerun")
    with opened, st.container(width=WIDTH_PX):
        chosen = st.slider(
            "A digit counts as sure from (*threshold*, %)",
            LEAST,
            MOST,
            round(100 * SURE),
            key="sure",
            bind=session.bind_number("sure"),
            persist_state="session",
        )
        if opened.open:
            _show_cost(choice.test_readings, chosen)
    return chosen / 100


def _show_cost(readings: Evaluation, chosen: int) -> None:
    certainties = readings.probabilities.max(axis=1)
    right = readings.predictions == readings.labels
    thresholds, coverage, accuracy = session.kept("cost", (readings,), lambda: coverage_curve(certainties, right))
    answered = certainties >= chosen / 100
    now = chosen / 100, float(answered.mean()), float(right[answered].mean()) if answered.any() else np.nan
    to_choose = (thresholds >= LEAST / 100) & (thresholds <= MOST / 100)
    curve = (thresholds[to_choose], coverage[to_choose], accuracy[to_choose])
    said = f"At {chosen}% it answers {percent(now[1])} of the test digits, and {percent(now[2])} of those right."
    if not answered.any():
        said = f"At {chosen}% it answers none of the test digits."
    st.markdown(said)
    picture.show(figures.cost(*curve, now), "cost", said)


def coverage_curve(certainties: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds from 0 to 1, (n,); the share that is answered at each; and of those the share that is right."""
    thresholds = np.linspace(0, 1, 101)
    answered = np.array([certainties >= threshold for threshold in thresholds])
    with np.errstate(invalid="ignore"):
        return thresholds, answered.mean(axis=1), (answered & right).sum(axis=1) / answered.sum(axis=1)
