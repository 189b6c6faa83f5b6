"""One test digit, closer: its pixels, and what the network thought of it."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dashboard import figures
from dashboard.parts import frame
from nnlib.study import Evaluation


@st.cache_resource(show_spinner=False, max_entries=64)
def pixels(image: np.ndarray, title: str) -> go.Figure:
    """The figure of a digit (784,), made once for all visitors."""
    return figures.pixels(image, title)


def show_pixels(image: np.ndarray, title: str, label: int, key: str) -> None:
    """A digit large enough to point at its pixels."""
    with frame.frame(f"{key}_frame", aspect=0.95):
        st.plotly_chart(
            pixels(image, title),
            height="stretch",
            key=key,
            config=figures.NO_BAR,
            alt=f"A handwritten {label} as 28 by 28 pixels.",
        )


def show(readings: Evaluation, shown: np.ndarray, test_images: np.ndarray) -> None:
    """One of the digits with the indices `shown` (n,)."""
    st.header("One of them, closer", anchor=False)
    left, right = frame.columns("closer", (1, 20), (1, 20))
    with left:
        index = st.selectbox(
            "Which digit",
            [int(i) for i in shown],
            format_func=lambda i: (
                f"no. {i:,}: {readings.labels[i]} read as {readings.predictions[i]}, "
                f"{readings.probabilities[i].max():.1%} sure"
            ),
        )
        label = int(readings.labels[index])
        show_pixels(test_images[index], f"Test digit {index:,}, a {label}", label, "closer_pixels")
    with right:
        st.plotly_chart(
            figures.probabilities(readings.probabilities[index], "What the network thought", 400, label),
            key="closer_probabilities",
            config=figures.NO_BAR,
            alt=f"Ten bars: {readings.predictions[index]} is the highest, the digit is a {label}.",
        )
        st.caption(
            "The ten bars add up to 100%. If the true digit has a tall bar too, the network hesitated between two; "
            "if it has none, the network was sure of a wrong answer."
        )
