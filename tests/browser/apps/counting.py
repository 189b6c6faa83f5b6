"""An app of one fragment that counts to five, by itself: `?by=timer` and `?by=pulse` are two ways to keep it alive.

By timer the browser asks for it again and again; by pulse a component in it asks for the next run, once it
was drawn.
"""

import streamlit as st

JAVASCRIPT = """
export default ({ data, setTriggerValue }) => {
    if (data.interval_ms === null) return;
    const timer = setTimeout(() => setTriggerValue("tick", data.count), data.interval_ms);
    return () => clearTimeout(timer);
};
"""
EPOCHS = 5
INTERVAL_MS = 100

pulse = st.components.v2.component("pulse", js=JAVASCRIPT)


def count() -> None:
    """Says one epoch more each time, up to the last."""
    done = st.session_state["done"] = min(st.session_state.get("done", -1) + 1, EPOCHS)
    if by_pulse:
        interval_ms = INTERVAL_MS if done < EPOCHS else None
        pulse(data={"count": done, "interval_ms": interval_ms}, key="pulse", on_tick_change=lambda: None)
    st.markdown(f"Epoch {done} of {EPOCHS} done.")


by_pulse = st.query_params["by"] == "pulse"
st.title("Counting")
st.fragment(count, run_every=None if by_pulse else INTERVAL_MS / 1000)()
