"""Many digits side by side, each with what was made of it."""

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st

from dashboard import images
from nnlib.study import Evaluation

STYLE = (
    "<style>.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(5.2rem, 1fr)); gap: 0.7rem; }"
    ".gallery figure { margin: 0; }"
    ".gallery img { width: 100%; display: block; }"
    ".gallery figcaption { font-size: 0.8rem; line-height: 1.25; text-align: center; opacity: 0.8; }</style>"
)


def show(readings: Evaluation, shown: np.ndarray, pictures: np.ndarray) -> None:
    """The digits with the indices `shown` (n,); `pictures` (n, 784) are their pixels."""
    captions = [
        (
            f"{readings.labels[i]} read as {readings.predictions[i]}",
            f"{readings.probabilities[i].max():.0%} sure",
            f"no. {i:,}",
        )
        for i in shown
    ]
    st.html(STYLE)
    with st.container(key="gallery"):
        st.html(_gallery(captions, pictures))


@st.cache_resource(show_spinner=False, max_entries=64)
def _gallery(captions: Sequence[tuple[str, str, str]], pictures: np.ndarray) -> str:
    # one element for all: twenty of Streamlit's own cost more than all else on the page
    figures = []
    for (said, *more), picture in zip(captions, pictures, strict=True):
        source = images.png_uri(images.digit_sheet(picture[None], 1))
        text = " <br>".join(html.escape(line) for line in (said, *more))
        figures.append(
            f'<figure><div class="ink"><img src="{source}" alt="A handwritten {html.escape(said)}"></div>'
            f"<figcaption>{text}</figcaption></figure>"
        )
    return f'<div class="gallery">{"".join(figures)}</div>'
