"""Uploaded files: taken once, and let go of. They may be large, and a session stay long."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile


def key(name: str) -> str:
    """The key of an uploader that holds nothing yet."""
    return f"{name}_{st.session_state.setdefault(f'{name}_turn', 0)}"


@contextmanager
def taken(name: str) -> Iterator[UploadedFile | None]:
    """The file in the uploader, if there is one; afterwards it is gone, and the uploader empty. For callbacks."""
    # an uploader that is emptied may speak once more, when the next one is not on the page yet
    file: UploadedFile | None = st.session_state.get(key(name))
    yield file
    if file is None:
        return
    st.session_state[f"{name}_turn"] += 1
    context = get_script_run_ctx()
    if context and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
