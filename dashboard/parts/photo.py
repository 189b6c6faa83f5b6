"""A photo or scan to be read, which stays while its visitor looks at other pages."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image

from dashboard import words
from dashboard.parts import upload
from nnlib.digits import FoundDigit, find_digits, read_picture
from nnlib.errors import DrawingError

SHOWN_SIDE_PX = 420
MOST_SIDE_PX = 1024
MAX_MB = 20
# one photo at a time, for all visitors, and in the same thread: every thread keeps the memory that it once needed
READER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="photo")


@dataclass(frozen=True)
class Photo:
    """What is kept of a file: its name, a small picture of it, and the digits in it."""

    name: str
    shown: bytes
    digits: tuple[FoundDigit, ...]


def photo() -> list[FoundDigit] | None:
    """The chosen picture, or a way to choose one: the digits in it, or None where none is chosen."""
    chosen: Photo | None = st.session_state.get("photo")
    st.file_uploader(
        f"A picture of one digit, or of several side by side (at most {MAX_MB} MB)",
        type=["png", "jpg", "jpeg", "webp", "bmp"],
        key=upload.key("photo"),
        on_change=_take,
        max_upload_size=MAX_MB,
    )
    if problem := st.session_state.pop("photo_problem", None):
        st.error(words.sentence(problem), icon=":material/error:")
    if chosen is None:
        return None
    st.image(chosen.shown, caption=words.escape(chosen.name), alt="The picture that was chosen.")
    return list(chosen.digits)


def _take() -> None:
    """Keep of an uploaded file what is needed."""
    with upload.taken("photo") as file:
        if file is not None:
            try:
                st.session_state["photo"] = READER.submit(_read, file.name, file.getvalue()).result()
            except DrawingError as error:
                st.session_state["photo_problem"] = str(error)


def _read(name: str, content: bytes) -> Photo:
    picture = _reduced(read_picture(content))
    return Photo(name, _small_png(picture), tuple(find_digits(picture)))


def _reduced(picture: np.ndarray) -> np.ndarray:
    """The same picture, (h, w, 3 or 4), a whole number of times smaller where it is large: digits are found as well."""
    return np.asarray(Image.fromarray(picture).reduce(-(-max(picture.shape[:2]) // MOST_SIDE_PX)))


def _small_png(picture: np.ndarray) -> bytes:
    """A picture of whatever proportions in a file that a page shows quickly."""
    shown, file = Image.fromarray(picture), io.BytesIO()
    shown.thumbnail((SHOWN_SIDE_PX, SHOWN_SIDE_PX))
    shown.save(file, "PNG")
    return file.getvalue()
