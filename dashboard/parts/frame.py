"""A place of a constant shape for a figure."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st


@contextmanager
def frame(key: str, aspect: float) -> Iterator[None]:
    """A place of a constant shape, width by height: a figure alone has one height, on a phone and on a projector."""
    st.html(f"<style>.st-key-{key} {{ aspect-ratio: {aspect:.3f}; }}</style>")
    with st.container(key=key):
        yield
