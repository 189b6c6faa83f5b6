"""One digit of those that have a label, closer: its pixels, what the network thought of it, and why."""

import numpy as np
import streamlit as st

from dashboard import address, figures, resources, session
from dashboard.parts import frame, in_short, picture, why
from dashboard.resources import spoken
from dashboard.session import Choice
from dashboard.words import a, escape, sentence
from nnlib.study import Evaluation
from nnlib.words import percent


def show_pixels(image: np.ndarray, title: str, name: str, key: str, arrive: str = "") -> None:
    """A digit of this name, large enough to point at its pixels; see `picture.show`."""
    picture.show(figures.pixels(image, title), key, f"The picture of {a(name)}: 28 by 28 pixels.", arrive=arrive)


def choose(found: np.ndarray, n: int, part: str) -> int | None:
    """The number of the digit that is looked at, of n in that part: that of the address or the one that was clicked,
    else the first of those that were `found` (k,); None where there is none."""
    if st.session_state.get("closer_part", part) != part:
        look_at(None)
    st.session_state["closer_part"] = part
    asked = address.asked_number("no")
    if asked not in (None, ""):
        if isinstance(asked, int) and asked < n:
            look_at(asked, scroll=True)
        else:
            text = f"There is no digit {escape(str(asked), most=20)}: they are numbered from 0 to {n - 1:,}."
            st.session_state["closer_missing"] = spoken(text)
    if missing := st.session_state.get("closer_missing"):
        st.warning(missing)
    chosen: int | None = st.session_state.get("closer")
    if chosen is None or chosen >= n:
        chosen = int(found[0]) if len(found) else None
    return chosen


def look_at(index: int | None, *, scroll: bool = False) -> None:
    """Choose a digit, or with None the first of those that are shown; for callbacks. With `scroll`, it comes into
    sight, as for whoever follows a link to it."""
    st.session_state["closer"] = index
    st.session_state["closer_missing"] = None
    st.session_state["closer_arrives"] = index if scroll else None


def _take_number() -> None:
    look_at(st.session_state["closer_no"])


def show(choice: Choice, readings: Evaluation, images: np.ndarray, index: int, what: str) -> None:
    """The digit with that index among `images` (n, 784), which are called so: "Test digit"."""
    address.keep("no", index if st.session_state.get("closer") == index else None)
    label, read_as = int(readings.labels[index]), int(readings.predictions[index])
    names = resources.data().names
    true, answer = names[label], names[read_as]
    image = session.kept("closer_image", (images, index), lambda: images[index])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.header(f"{what} {index:,}, closer", anchor=False, width="stretch")
        st.session_state["closer_no"] = index
        st.number_input(
            "Another, by its number", 0, len(images) - 1, key="closer_no", width=170, on_change=_take_number
        )
    rightly = "rightly " if label == read_as else ""
    sure = percent(readings.probabilities[index].max())
    st.markdown(sentence(f"{a(true)}, {rightly}read as {answer}, {sure} sure."))
    left, right = frame.columns("closer_columns")
    with left:
        arrive = "closer" if st.session_state.get("closer_arrives") == index else ""
        show_pixels(image, f"{what} {index:,}, {a(true)}", true, "closer_pixels", arrive)
    with right:
        picture.show(
            figures.probabilities(readings.probabilities[index], "What the network thought", label, names),
            "closer_probabilities",
            spoken(f"Ten bars: {answer} is the highest, it is {a(true)}."),
        )
        wrong = (
            " If the true digit has a tall bar too, the network hesitated between two; if it has none, the network was "
            "sure of a wrong answer."
        )
        st.caption(f"The ten bars add up to 100%.{'' if rightly else spoken(wrong)}")
        short = st.container(key="in_short")
    why.look(choice, image, label, "why_digit")
    with short:  # which takes a second, once
        in_short.show(choice, image, label, readings.probabilities[index])
