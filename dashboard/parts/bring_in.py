"""Bring in a file: a network or a whole run, to look at, draw for, study and train on; or a recipe, to repeat."""

import streamlit as st

from dashboard import resources, session
from dashboard.parts import upload
from dashboard.words import sentence
from nnlib.errors import NnlibError
from nnlib.runs import LONGEST_NAME, import_file, worker
from nnlib.training import Recipe

MAX_MB = 100  # that a browser may send: `import` on the command line takes more


def panel() -> None:
    """A place for the file."""
    with st.expander(
        "Bring in a network, a run or a recipe from a file", icon=":material/upload_file:", key="bring_in"
    ):
        st.file_uploader(
            f"A network (.safetensors, .npz, .pkl), a whole run (.zip), or a recipe (.json) to be trained anew; "
            f"at most {MAX_MB} MB",
            type=["safetensors", "npz", "pkl", "zip", "json"],
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
                session.look_at(_run_of(file.getvalue(), file.name))
            except NnlibError as error:
                st.session_state["bring_in_problem"] = sentence(str(error))


def _run_of(content: bytes, name: str) -> int:
    """The run that a file holds, or that its recipe begins."""
    if not name.lower().endswith(".json"):
        return import_file(resources.store(), content, name, resources.data())
    recipe = Recipe.from_json(content.decode(errors="replace"))
    return worker.start(resources.store(), recipe, name[: -len(".json")][:LONGEST_NAME], resources.DATA_DIRECTORY)
