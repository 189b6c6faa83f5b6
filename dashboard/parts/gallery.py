"""Many digits side by side, each with what was made of it."""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from dashboard import figures
from dashboard.parts import picture
from nnlib.study import Evaluation
from nnlib.words import percent


def show(
    readings: Evaluation, shown: np.ndarray, pictures: np.ndarray, chosen: int, choose: Callable[[], None]
) -> None:
    """The digits with the indices `shown` (n,); `pictures` (n, 784) are their pixels.

    The one at the place `chosen` has a frame; `choose` is called when one is clicked: `picture.chosen("gallery")` is
    then its place.
    """
    captions = [
        (
            f"{readings.labels[i]} read as {readings.predictions[i]}",
            f"{percent(readings.probabilities[i].max())} sure".replace("more than ", "> "),
            f"no. {i:,}",
        )
        for i in shown
    ]
    alt = f"{len(shown)} handwritten digits that were misread."
    picture.show(_gallery(captions, pictures, chosen), "gallery", alt, choose, reveals="closer_pixels")


@st.cache_resource(show_spinner=False, max_entries=64)
def _gallery(captions: Sequence[tuple[str, str, str]], pictures: np.ndarray, chosen: int) -> str:
    # one element for all: twenty of Streamlit's own cost more than all else on the page
    return figures.gallery(captions, pictures, chosen)
