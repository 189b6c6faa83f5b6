"""Where what is to be read comes from: the board, a file, a camera, or the examples."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import resources
from dashboard.parts import canvas, examples, photo
from dashboard.parts.sheet import Sheet

# each with what shows it and lets it be chosen, and what is said while there is nothing to read
SOURCES = {
    "Draw": (
        lambda: canvas.canvas("draw", with_brush=True),
        "Draw a digit, or a number of up to six, anywhere on the board: with the mouse, a finger or a pen.",
    ),
    "Photo or file": (photo.photo, "Choose a picture: dark ink on light paper reads best."),
    "Camera": (photo.camera, "Take a photo: dark ink on light paper reads best."),
    "Examples": (examples.examples, "Choose an example."),
}


TO_DRAW_OTHERS = (
    "Draw one of its pictures, and fill it, with the mouse, a finger or a pen: anywhere on the board, one at a time."
)


def pick() -> str:
    """Which of them."""
    sources = [each for each in SOURCES if each != "Examples" or resources.of_digits()]
    source: str = st.segmented_control(
        "What to read",
        sources,
        default=sources[0],
        required=True,
        key="source",
        bind="query-params",
        persist_state="session",
        label_visibility="collapsed",
    )
    return source


def show(source: str) -> tuple[DeltaGenerator, Sheet | None]:
    """Where marks can come over what is to be read, and what that is."""
    return SOURCES[source][0]()


def otherwise(source: str) -> str:
    """What to say while there is nothing to read."""
    if not resources.of_digits():
        return TO_DRAW_OTHERS if source == "Draw" else "Choose or take a picture of one thing on plain, light ground."
    return SOURCES[source][1]
