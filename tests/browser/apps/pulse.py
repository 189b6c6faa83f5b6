"""An app of one fragment that counts, and whose component asks for the next run of it after each."""

import streamlit as st

JAVASCRIPT = """
export default ({ data, setTriggerValue }) => {
    if (data.interval_ms === null) return;
    const timer = setTimeout(() => setTriggerValue("beat", data.count), data.interval_ms);
    return () => clearTimeout(timer);
};
"""
EPOCHS = 5

pulse = st.components.v2.component("pulse", js=JAVASCRIPT)


@st.fragment
def counting() -> None:
    """Says one epoch more each time, up to the last."""
    st.session_state.setdefault("beats", [])
    count = st.session_state["count"] = st.session_state.get("count", -1) + 1
    interval_ms = 100 if count < EPOCHS else None
    result = pulse(data={"count": count, "interval_ms": interval_ms}, key="pulse", on_beat_change=lambda: None)
    st.session_state["beats"].append(result.beat)
    st.markdown(f"Epoch {count} of {EPOCHS} done, beats: {st.session_state['beats']}.")


st.title("Counting")
counting()
