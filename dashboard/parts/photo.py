"""A photo or scan to be read, from a file or a camera, which stays while its visitor looks at other pages."""

from concurrent.futures import ThreadPoolExecutor

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import resources, words
from dashboard.parts import sheet, upload
from dashboard.parts.sheet import Sheet
from nnlib.digits import MAX_FILE_BYTES, read_picture
from nnlib.errors import DrawingError

MAX_MB = min(MAX_FILE_BYTES >> 20, 64)
TYPES = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff", "heic", "heif"]
# one photo at a time, for all visitors, and in the same thread: every thread keeps the memory that it once needed
READER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="photo")


def photo() -> tuple[DeltaGenerator, Sheet | None]:
    """The chosen picture, and below it a way to choose one: where marks can come over it, and what is to be read."""
    shown = _show("photo")
    st.file_uploader(
        f"A picture{' of digits' if resources.of_digits() else ''} (at most {MAX_MB} MB)",
        type=TYPES,
        key=upload.key("photo"),
        on_change=_take,
        args=("photo",),
        max_upload_size=MAX_MB,
    )
    return shown


def camera() -> tuple[DeltaGenerator, Sheet | None]:
    """The photo that was taken, or a camera to take one: where marks can come over it, and what is to be read."""
    shown = _show("camera")
    if shown[1] is None:
        st.camera_input(
            f"Hold {'dark digits' if resources.of_digits() else 'something dark'} on light paper in front of it",
            key=upload.key("camera"),
            on_change=_take,
            args=("camera",),
        )
    else:
        st.button(
            "Take another", icon=":material/photo_camera:", key="take_another", on_click=_forget, args=("camera",)
        )
    return shown


def _show(name: str) -> tuple[DeltaGenerator, Sheet | None]:
    """The picture of this name, if there is one, and what went wrong with a newer one."""
    if problem := st.session_state.pop(f"{name}_problem", None):
        st.error(words.sentence(problem), icon=":material/error:")
    chosen: Sheet | None = st.session_state.get(name)
    if chosen is None:
        return st.container(), None
    paper = sheet.show(chosen)
    if name == "photo":
        st.caption(words.escape(chosen.name))
    return paper, chosen


def _take(name: str) -> None:
    """Keep of a file or photo what is needed."""
    with upload.taken(name) as file:
        if file is not None:
            try:
                st.session_state[name] = READER.submit(_read, file.name, file.getvalue()).result()
                st.session_state["which"] = 0
            except DrawingError as error:
                st.session_state[f"{name}_problem"] = str(error)


def _forget(name: str) -> None:
    st.session_state.pop(name, None)


def _read(name: str, content: bytes) -> Sheet:
    return sheet.of_picture(read_picture(content), name)
