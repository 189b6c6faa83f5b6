"""Any number of digits as one picture, each with what was made of it: as quick for a thousand as for ten."""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from dashboard import figures, resources
from dashboard.parts import picture
from dashboard.resources import spoken
from dashboard.words import a
from nnlib.study import Evaluation
from nnlib.words import percent

MOST = 1000  # on a page
COLUMNS, COLUMNS_WITH_NAMES = 10, 6


def show(
    readings: Evaluation, found: np.ndarray, pictures: np.ndarray, chosen: int | None, choose: Callable[[], None]
) -> None:
    """The digits with the indices `found` (k,) among `pictures` (n, 784), as many as there is room for.

    That with the index `chosen` has a frame; `choose` is called when one is clicked: see `chosen_index`.
    """
    page = 1
    if len(found) > MOST:
        page = st.pagination(-(-len(found) // MOST), key=f"gallery_page_{len(found)}")
    shown = found[(page - 1) * MOST :][:MOST]
    labels, answers = readings.labels[shown].tolist(), readings.predictions[shown].tolist()
    sure = readings.probabilities[shown].max(axis=1)
    names, arrow = resources.data().names, "→" if resources.of_digits() else "\n→ "
    captions = [f"{names[label]}{arrow}{names[answer]}" for label, answer in zip(labels, answers, strict=True)]
    says = [
        f"no. {index:,}: {a(names[label])} read as {names[answer]}, {percent(share)} sure"
        for index, label, answer, share in zip(shown.tolist(), labels, answers, sure, strict=True)
    ]
    alt = spoken(f"{len(shown)} handwritten digits, each with what it is and what it was read as.")
    show_sheet("gallery", shown, pictures, captions, says, chosen, alt, choose, reveals="closer")


def show_sheet(
    key: str,
    shown: np.ndarray,
    pictures: np.ndarray,
    captions: Sequence[str],
    says: Sequence[str],
    chosen: int | None,
    alt: str,
    choose: Callable[[], None],
    reveals: str,
) -> None:
    """The digits with the indices `shown` (k,), each with a caption and words for the pointer; see `show`."""
    st.session_state[f"shown_{key}"] = shown
    place = shown.tolist().index(chosen) if chosen in shown else None
    picture.show(_sheet(pictures[shown], captions, says, place), key, alt, choose, reveals=reveals)


@st.cache_resource(show_spinner=False, max_entries=16)
def _sheet(pictures: np.ndarray, captions: Sequence[str], says: Sequence[str], chosen: int | None) -> str:
    columns = COLUMNS if resources.of_digits() else COLUMNS_WITH_NAMES
    return figures.sheet(pictures, columns, captions, says, chosen)


def chosen_index(key: str = "gallery") -> int | None:
    """For callbacks: the index of the digit that was clicked."""
    place, shown = picture.chosen(key), st.session_state.get(f"shown_{key}", ())
    return int(shown[place]) if place is not None and place < len(shown) else None
