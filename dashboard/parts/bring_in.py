"""Bring in a file: a network that was saved, or a whole run, to look at, draw for, study and train on."""

import streamlit as st

from dashboard import resources, session
from dashboard.words import sentence
from nnlib.errors import NnlibError
from nnlib.runs import import_file

MAX_MB = 100  # that a browser may send: `import` on the command line takes more


def panel() -> None:
    """A place for the file."""
    turn = st.session_state.setdefault("bring_in_turn", 0)
    with st.expander("Bring in a network or a run from a file", icon=":material/upload_file:", key="bring_in"):
        st.file_uploader(
            f"A file that was saved here: .safetensors, .npz, .pkl, or a whole run as .zip (at most {MAX_MB} MB)",
            type=["safetensors", "npz", "pkl", "zip"],
            key=f"bring_in_{turn}",
            on_change=_take,
            args=(f"bring_in_{turn}",),
            max_upload_size=MAX_MB,
        )
        st.caption("Nothing in a file is ever executed: it is read as numbers, and refused where it is anything else.")
        if problem := st.session_state.pop("bring_in_problem", None):
            st.error(problem, icon=":material/error:")


def _take(key: str) -> None:
    """Make a run of what was sent, and look at it."""
    upload = st.session_state[key]
    if upload is None:
        return
    st.session_state["bring_in_turn"] += 1  # an uploader that holds nothing
    try:
        session.look_at(import_file(resources.store(), upload.getvalue(), upload.name, resources.data()))
    except NnlibError as error:
        st.session_state["bring_in_problem"] = sentence(str(error))
