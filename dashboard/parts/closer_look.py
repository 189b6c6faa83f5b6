"""One test digit, closer: its pixels, and what the network thought of it."""

import numpy as np
import streamlit as st

from dashboard import figures
from dashboard.parts import frame, picture
from nnlib.study import Evaluation
from nnlib.words import percent


def show_pixels(image: np.ndarray, title: str, label: int, key: str) -> None:
    """A digit large enough to point at its pixels."""
    picture.show(figures.pixels(image, title), key, f"A handwritten {label} as 28 by 28 pixels.")


def choose(shown: list[int]) -> int:
    """The place, among the digits with these indices, of the one that is looked at: the first, until one is chosen."""
    if st.session_state.get("closer") not in shown:
        st.session_state["closer"] = shown[0]
    return shown.index(st.session_state["closer"])


def show(readings: Evaluation, shown: np.ndarray, test_images: np.ndarray) -> None:
    """One of the digits with the indices `shown` (n,)."""
    st.header("One of them, closer", anchor=False)
    left, right = frame.columns("closer_columns")
    with left:
        index = st.selectbox(
            "Which digit",
            [int(i) for i in shown],
            key="closer",
            persist_state="session",
            format_func=lambda i: (
                f"no. {i:,}: {readings.labels[i]} read as {readings.predictions[i]}, "
                f"{percent(readings.probabilities[i].max())} sure"
            ),
        )
        label = int(readings.labels[index])
        show_pixels(test_images[index], f"Test digit {index:,}, a {label}", label, "closer_pixels")
    with right:
        picture.show(
            figures.probabilities(readings.probabilities[index], "What the network thought", label),
            "closer_probabilities",
            f"Ten bars: {readings.predictions[index]} is the highest, the digit is a {label}.",
        )
        st.caption(
            "The ten bars add up to 100%. If the true digit has a tall bar too, the network hesitated between two; "
            "if it has none, the network was sure of a wrong answer."
        )
