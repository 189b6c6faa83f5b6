"""Runs: all that were trained here, side by side."""

import streamlit as st

from dashboard import resources
from dashboard.parts import chosen_runs, frame, pulse, run_table
from nnlib.errors import StoreError

REFRESH_SECONDS = 2.0

st.title("Compare runs", anchor=False)
try:
    runs = resources.runs()
except StoreError:  # which the sidebar says
    st.stop()
listed = run_table.find(runs) if runs else []
if listed:
    run_table.say_best(listed)
    run_table.say_what_is_equal(listed)
elif runs:
    st.info("No run is like that: search for less, or for any state.")
else:
    st.info("Nothing was trained here yet. Each run gets a row in a table on this page.", icon=":material/table_rows:")
    st.page_link("views/train.py", label="Train a network", icon=":material/trending_up:")
chosen = run_table.choose(listed)
pulse.silent("runs", any(run.active for run in listed), REFRESH_SECONDS)
if chosen:
    left, right = frame.columns("compare_columns")
    with left:
        chosen_runs.compare(chosen)
    with right:
        if len(chosen) == 1:
            st.header(f"Run {chosen[0].id}", anchor=False)
            chosen_runs.look_at(chosen[0])
            chosen_runs.describe(chosen[0])
        else:
            st.header(f"{len(chosen)} runs", anchor=False)
            chosen_runs.tag(chosen)
        chosen_runs.delete(chosen)
elif listed:
    st.caption(
        "**Tick rows at their left** to lay their curves over each other, to name, tag or delete them. A click on a "
        "column's title sorts by it; pointing at the title says what it means."
    )
