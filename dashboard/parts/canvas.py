"""The drawing board."""

import numpy as np
import streamlit as st
from streamlit_drawable_canvas import st_canvas

SIDE_PX = 280
INK, PAPER = "#111111", "#ffffff"


def canvas(key: str, brush_px: int = 18) -> np.ndarray | None:
    """A square to draw in, with a Clear button: RGBA (280, 280, 4), or None before the first stroke."""
    # another key is another canvas, an empty one
    generation = st.session_state.setdefault(f"{key}_generation", 0)
    drawn = st_canvas(
        stroke_width=brush_px,
        stroke_color=INK,
        background_color=PAPER,
        width=SIDE_PX,
        height=SIDE_PX,
        return_image_data=True,
        key=f"{key}_{generation}",
    )
    st.button("Clear", icon=":material/ink_eraser:", key=f"{key}_clear", on_click=_clear, args=(key,), shortcut="e")
    return drawn.image_data


def _clear(key: str) -> None:
    st.session_state[f"{key}_generation"] += 1
