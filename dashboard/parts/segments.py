"""A choice between a few things, side by side, which stands in the address by a short name."""

from collections.abc import Mapping

import streamlit as st

from dashboard import address


def segments(
    label: str, options: Mapping[str, str], key: str, *, usual: str | None = None, visible: bool = True
) -> str:
    """The name of what is chosen among `options`, which say what each is called: until another one is, the `usual` one,
    or else the first."""
    usual = usual or next(iter(options))
    if (asked := address.asked(key)) is not None:
        st.session_state[key] = asked
    if st.session_state.get(key) not in options:
        st.session_state[key] = usual
    st.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        required=True,
        wrap=True,
        key=key,
        persist_state="session",
        label_visibility="visible" if visible else "collapsed",
    )
    chosen: str = st.session_state[key]
    address.keep(key, chosen if chosen != usual else None)
    return chosen
