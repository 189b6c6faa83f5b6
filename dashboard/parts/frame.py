"""How things stand on a page, on every screen: places that keep their shape, and columns that stack in time.

Styles follow the theme without asking which it is: light-dark() is the browser's own choice.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

# less empty space above the title and beside the page: on a phone, and on a projector, there is none to spare
STYLE = """
.stMainBlockContainer { padding: 3rem clamp(1rem, 4vw, 4rem) 4rem; }
/* the theme's main colour is to be read on its dark page, too: white on it could not be */
.stApp [data-testid=stBaseButton-primary]:enabled { color: light-dark(#ffffff, #10141f); }
.stPlotlyChart .imagelayer image, [class*=st-key-pixels_] img { image-rendering: pixelated; }
/* pictures of dark ink on white paper: in the dark, the difference to chalk is chalk on slate */
[class*=st-key-ink_] [data-testid=stImageContainer], .ink { isolation: isolate; background: light-dark(#000, #e4ddcc); }
[class*=st-key-ink_] img, .ink img { mix-blend-mode: difference; border-radius: 0; }
[class*=st-key-ink_] [data-testid=stImageContainer] { width: fit-content; }
"""


def style() -> None:
    """What holds on all pages."""
    st.html(f"<style>{STYLE}</style>")


@contextmanager
def frame(key: str, aspect: float) -> Iterator[None]:
    """A place of a constant shape, width by height, that no screen is too low for: a figure alone has one height."""
    st.html(f"<style>{_shape(key, aspect)} .st-key-{key} > * {{ height: 100%; }}</style>")
    with st.container(key=key):
        yield


@contextmanager
def layers(key: str, aspect: float) -> Iterator[None]:
    """Such a place in which all parts lie on top of each other, and each fills it."""
    lie = f".st-key-{key} > * {{ position: absolute; inset: 0; width: 100%; height: 100%; }}"
    st.html(f"<style>{_shape(key, aspect)} {lie}</style>")
    with st.container(key=key):
        yield


def _shape(key: str, aspect: float) -> str:
    return (
        f".st-key-{key} {{ position: relative; aspect-ratio: {aspect:.3f}; min-height: 0; "
        f"max-width: calc(88vh * {aspect:.3f}); margin-inline: auto; }}"
    )


def columns(key: str, *sizes: tuple[float, float]) -> list[DeltaGenerator]:
    """Columns of these shares of the width, one below another where one would be narrower than its least.

    `sizes` are (share, least width in rem) each.
    """
    rules = (
        f".st-key-{key} > * > .stHorizontalBlock > .stColumn:nth-child({number}), "
        f".st-key-{key} > .stHorizontalBlock > .stColumn:nth-child({number}) {{ min-width: min(100%, {least}rem); }}"
        for number, (_, least) in enumerate(sizes, start=1)
    )
    st.html(f"<style>{''.join(rules)}</style>")
    with st.container(key=key):
        return st.columns([share for share, _ in sizes], gap="medium")
