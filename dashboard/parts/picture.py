"""What is drawn as HTML: shown at once, with a word beside the pointer, and parts that can be chosen."""

from collections.abc import Callable

import streamlit as st

from dashboard.parts import pulse

_picture = pulse.component("picture", "picture.html", "picture.css", "picture.js")


def show(
    html: str, key: str, alt: str, choose: Callable[[], None] | None = None, reveals: str = "", arrive: str = ""
) -> None:
    """A figure as HTML, which `alt` describes; `choose` is called when one of its cells is clicked: see `chosen`.

    What a click `reveals`, an element's key, then comes into sight where it is not. Where somebody is to `arrive` who
    opens the page, an element's key, comes into sight once it is drawn.
    """
    _picture(
        key=key,
        data={"html": html, "alt": alt, "choose": choose is not None, "reveals": reveals, "arrive": arrive},
        on_chosen_change=choose or (lambda: None),
    )


def chosen(key: str) -> int | None:
    """For callbacks: the number of the cell that was clicked."""
    number = st.session_state.get(key, {}).get("chosen")
    return int(number) if isinstance(number, int | float) and number >= 0 else None
