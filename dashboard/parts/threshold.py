"""How sure it must be: a threshold that each visitor moves, and what that costs on the test digits."""

import numpy as np
import streamlit as st

from dashboard import figures, resources, session
from dashboard.parts import picture
from dashboard.resources import spoken
from dashboard.session import Choice
from nnlib.reading import SURE
from nnlib.study import Evaluation, coverage_curve
from nnlib.words import percent

WIDTH_PX = 340
LEAST, MOST = 10, 99  # percent: of ten answers, the likeliest has never less


def pick(choice: Choice) -> float:
    """The threshold, 0 to 1; once it is opened, with what it costs this network."""
    opened = st.popover("How sure must it be?", icon=":material/tune:", key="threshold", on_change="rerun")
    with opened, st.container(width=WIDTH_PX, gap="small"):
        chosen = st.slider(
            spoken("A digit counts as sure from (*threshold*, %)"),
            LEAST,
            MOST,
            round(100 * SURE),
            key="sure",
            bind=session.bind_number("sure"),
            persist_state="session",
        )
        if opened.open:
            _show_cost(choice.readings(), chosen)
    return chosen / 100


def _show_cost(readings: Evaluation, chosen: int) -> None:
    thresholds, answered, right = session.kept("cost", (readings,), lambda: _curve(readings))
    now = chosen - LEAST
    said = spoken(f"At {chosen}% it answers {percent(answered[now])} of the test digits")
    said += f", and {percent(right[now])} of those right." if answered[now] else ", so it says nothing."
    st.markdown(said)
    picture.show(figures.cost(thresholds, answered, right, now), "cost", said)


def _curve(readings: Evaluation) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each percent that can be chosen: itself, the share of digits that are answered, and of those that are right,
    NaN where none is."""
    # as ReadDigit has it: a digit at all, and this one
    return curve(resources.test_likeness() * readings.probabilities.max(axis=1), readings)


def curve(certainties: np.ndarray, readings: Evaluation) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same where each answer is so certain, (n,)."""
    found = coverage_curve(certainties, readings.predictions == readings.labels)
    percents = np.arange(LEAST, MOST + 1)
    place = np.searchsorted(found.thresholds, percents / 100)
    return percents, np.append(found.coverage, 0)[place], np.append(found.accuracy, np.nan)[place]
