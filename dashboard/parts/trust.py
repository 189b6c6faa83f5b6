"""Can its certainty be trusted? How sure it says it is, before and after calibration, and what a threshold buys."""

from functools import partial

import streamlit as st

from dashboard import figures, resources, session
from dashboard.parts import frame, picture
from dashboard.parts.threshold import LEAST, MOST, curve
from dashboard.resources import spoken
from dashboard.session import Choice
from nnlib.study import Evaluation, Reliability
from nnlib.words import count, percent


def show(choice: Choice, readings: Evaluation, part: str) -> None:
    """Two diagrams, and the digits that are answered where it must be so sure."""
    plain = resources.readings(choice.run.id if choice.run else None, choice.moment.step, part, calibrated=False)
    both = {"before": plain, "after": readings}
    left, right = frame.columns("trust_columns")
    with left:
        st.header("Is it right as often as it says?", anchor=False)
        before, after = (session.kept(name, (each,), partial(_reliability, each)) for name, each in both.items())
        html = session.kept(
            "diagrams",
            (before, after),
            lambda: (
                f'<div class="evidence">{figures.reliability(before, "As it says itself")}'
                f"{figures.reliability(after, 'Calibrated')}</div>"
            ),
        )
        picture.show(html, "reliability", "Two diagrams: how often it was right when it was how sure.")
        st.markdown(
            f"On average, certainty and truth are **{before.error:.2%}** apart, and calibrated **{after.error:.2%}** "
            "(the *expected calibration error*)."
        )
        st.caption(
            spoken(
                "Bars on the dashed line: of what it is 80% sure of, 80% is right. Below it, it is too sure; above, "
                "too modest. The paler a bar, the fewer answers are behind it. One number mends most of that, the "
                f"*temperature*, here {choice.model.temperature:.2f}: it was fitted on validation digits, and is in "
                "all percentages of these pages. The answers stay as they are."
            )
        )
    with right:
        st.header("What if it must be surer?", anchor=False)
        chosen = st.slider(
            "It answers only from (*threshold*, %)", LEAST, MOST, 90, key="trusted", bind=session.bind_number("trusted")
        )
        thresholds, answered, correct = session.kept(
            "trust_curve", (readings,), lambda: curve(readings.probabilities.max(axis=1), readings)
        )
        now = chosen - LEAST
        said = spoken(f"It answers **{percent(answered[now])}** of these digits")
        wrong = round((1 - correct[now]) * answered[now] * len(readings.labels)) if answered[now] else 0
        left_over = count(wrong, "mistake is", "mistakes are")
        said += f", and **{percent(correct[now])}** of those right: {left_over} left." if answered[now] else "."
        st.markdown(said)
        picture.show(figures.cost(thresholds, answered, correct, now), "coverage", said.replace("*", ""))
        st.caption(
            spoken(
                "The surer it must be, the fewer digits it answers (*coverage*), and the more of those right "
                "(*selective accuracy*). Where an error is dear, let people read the rest."
            )
        )


def _reliability(readings: Evaluation) -> Reliability:
    return Reliability.of(readings.probabilities, readings.labels)
