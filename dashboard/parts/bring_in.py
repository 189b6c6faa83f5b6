"""Bring in a file: a network that was saved, or a whole run, to look at, draw for, study and train on."""

import streamlit as st

from dashboard import resources, session
from dashboard.parts import upload
from dashboard.words import sentence
from nnlib.errors import NnlibError
from nnlib.runs import import_file

MAX_MB = 100  # that a browser may send: `import` on the command line takes more


def panel() -> None:
    """A place for the file."""
    with st.expander("Bring in a network or a run from a file", icon=":material/upload_file:", key="bring_in"):
        st.file_uploader(
            f"A file that was saved here: .safetensors, .npz, .pkl, or a whole run as .zip (at most {MAX_MB} MB)",
            type=["safetensors", "npz", "pkl", "zip"],
            key=upload.key("bring_in"),
            on_change=_take,
            max_upload_size=MAX_MB,
        )
        st.caption("Nothing in a file is ever executed: it is read as numbers, and refused where it is anything else.")
        if problem := st.session_state.pop("bring_in_problem", None):
            st.error(problem, icon=":material/error:")


def _take() -> None:
    """Make a run of what was sent, and look at it."""
    with upload.taken("bring_in") as file:
        if file is not None:
            try:
                session.look_at(import_file(resources.store(), file.getvalue(), file.name, resources.data()))
            except NnlibError as error:
                st.session_state["bring_in_problem"] = sentence(str(error))
