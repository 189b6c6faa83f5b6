"""Many digits side by side, each with what was made of it."""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from dashboard import figures
from dashboard.parts import picture
from nnlib.study import Evaluation


def show(readings: Evaluation, shown: np.ndarray, pictures: np.ndarray, choose: Callable[[], None]) -> None:
    """The digits with the indices `shown` (n,); `pictures` (n, 784) are their pixels.

    `choose` is called when one is clicked: `picture.chosen("gallery")` is then its place among them.
    """
    captions = [
        (
            f"{readings.labels[i]} read as {readings.predictions[i]}",
            f"{readings.probabilities[i].max():.0%} sure",
            f"no. {i:,}",
        )
        for i in shown
    ]
    picture.show(_gallery(captions, pictures), "gallery", f"{len(shown)} handwritten digits that were misread.", choose)


@st.cache_resource(show_spinner=False, max_entries=64)
def _gallery(captions: Sequence[tuple[str, str, str]], pictures: np.ndarray) -> str:
    # one element for all: twenty of Streamlit's own cost more than all else on the page
    return figures.gallery(captions, pictures)
