"""A page that takes a second, with a pulse that would have it run anew ten times in that time."""

import time

import streamlit as st

from dashboard.parts import pulse

SECONDS, EVERY_SECONDS = 1.0, 0.1


def press() -> None:
    """Count how often the button was pressed."""
    st.session_state["pressed"] = st.session_state.get("pressed", 0) + 1


@st.fragment
def work() -> None:
    """A button, and what takes its time."""
    st.button("Press", on_click=press)
    st.markdown(f"Pressed {st.session_state.get('pressed', 0)} times.")
    time.sleep(SECONDS)
    st.markdown("This is the end.")


st.title("Slow")
pulse.silent("slow", live=True, seconds=EVERY_SECONDS)
work()
