"""An app with nothing in it, which only reruns: what every other page can be compared with."""

import streamlit as st


def counting() -> None:
    """A slider, and a line that says where it is."""
    st.title("Empty")
    number = st.select_slider("Number", range(101), 100, key="number")
    with st.container(key="said"):
        st.markdown(f"It is {number}.")


def other() -> None:
    """Another page."""
    st.title("Other")


st.navigation([st.Page(counting, title="Empty", default=True), st.Page(other, title="Other")]).run()
