"""A sheet to be read: a drawing, a photo or an example, and the boxes around its digits."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from dashboard import figures, resources, session
from dashboard.parts import picture
from dashboard.resources import spoken
from nnlib.model_files import Model
from nnlib.reading import Prepared, ReadDigit, Reading, prepare, read_prepared
from nnlib.words import count

SHOWN_PX = (660, 440)  # a picture is shown so large at most
MOST_TIMES = 8  # larger than it is, so that a tiny one is seen
SMALL_PX = 200  # the larger side of a picture that stands beside others
MOST_SIDE_PX = 1024


@dataclass(frozen=True)
class Sheet:
    """What is kept of a picture: what was prepared of it for any network, its size, which the boxes of digits are in,
    and, if it is not a drawing, a file to show; `as_drawn` is the small picture of it, as HTML."""

    prepared: Prepared
    size: tuple[int, int]  # width, height
    as_drawn: str
    name: str = ""
    shown: bytes = b""
    shown_width: int = 0


def of_drawing(png: bytes) -> Sheet:
    """The sheet of a drawing: ink on nothing, as the canvas sends it."""
    with Image.open(io.BytesIO(png)) as drawing:
        ink = np.asarray(drawing.convert("RGBA"))[..., 3]
    return Sheet(prepare(ink, resources.whole_px()), (ink.shape[1], ink.shape[0]), figures.inked(small(ink)))


def of_picture(content: np.ndarray, name: str) -> Sheet:
    """The sheet of a photo or scan, (h, w, 3 or 4) uint8; large ones are reduced: digits are found as well."""
    content = np.asarray(Image.fromarray(content).reduce(-(-max(content.shape[:2]) // MOST_SIDE_PX)))
    height, width = content.shape[:2]
    times = min(SHOWN_PX[0] / width, SHOWN_PX[1] / height, MOST_TIMES)
    shown, shown_width = _file(content, times), max(1, round(width * times))
    beside = _file(content, min(1, SMALL_PX / max(width, height)))
    as_drawn, prepared = figures.pictured(beside, width / height), prepare(content, resources.whole_px())
    return Sheet(prepared, (width, height), as_drawn, name, shown, shown_width)


def _file(content: np.ndarray, times: float) -> bytes:
    """The picture so many times larger, in a file that a page shows quickly."""
    image, file = Image.fromarray(content), io.BytesIO()
    size = [max(1, round(side * times)) for side in image.size]
    image = image.resize(size, Image.Resampling.NEAREST if times > 1 else Image.Resampling.LANCZOS)
    if image.mode == "RGBA":
        image.save(file, "PNG")
    else:
        image.save(file, "JPEG", quality=85)
    return file.getvalue()


def small(ink: np.ndarray) -> np.ndarray:
    """Ink, (h, w) uint8 or floats in [0, 1], as uint8 small enough to stand beside others."""
    if ink.dtype != np.uint8:
        ink = np.round(255 * ink).astype(np.uint8)
    return np.asarray(Image.fromarray(ink).reduce(max(1, -(-max(ink.shape) // SMALL_PX))))


def read(sheet: Sheet, model: Model, threshold: float) -> Reading:
    """What the network makes of it; worked out anew where one of the three is another."""
    names = resources.data().names
    return session.kept(
        "reading", (sheet, model, threshold), lambda: read_prepared(sheet.prepared, model, threshold, names)
    )


def chosen(reading: Reading) -> int:
    """The place, among the digits that were read, of the one that is looked at."""
    place: int = st.session_state.get("which", 0)
    return place if place < len(reading.digits) else 0


def choose(key: str) -> Callable[[], None]:
    """For a picture of digits with this key: looks closer at the one that is clicked."""

    def take() -> None:
        place = picture.chosen(key)
        if place is not None:
            st.session_state["which"] = place

    return take


def show(sheet: Sheet) -> DeltaGenerator:
    """The picture itself, of what is no drawing: the place where its boxes are to come, too."""
    paper = st.container(key="paper", width=sheet.shown_width)
    paper.image(sheet.shown, width="stretch", alt=f"The picture that is read: {sheet.name}.")
    return paper


def mark(paper: DeltaGenerator, sheet: Sheet | None, reading: Reading | None) -> None:
    """A box around each digit, with its answer, over the paper: where no pen is used, it can be clicked."""
    html, alt = "", spoken("No digit is marked.")
    if sheet is not None and reading is not None and reading.digits:
        digits, place = reading.digits, chosen(reading)
        html = session.kept("boxes", (sheet, reading, place), lambda: figures.boxes(digits, sheet.size, place))
        alt = spoken(f"{count(len(digits), 'digit')} marked: {', '.join(map(in_words, digits))}.")
    else:
        st.session_state["which"] = 0
    drawn = sheet is None or not sheet.shown
    with paper, st.container(key="boxes_on_paper" if drawn else "boxes_on_picture"):
        picture.show(html, "boxes", alt, None if drawn else choose("boxes"))


def in_words(digit: ReadDigit) -> str:
    """The answer for one digit, short."""
    return digit.name if digit.sure else f"{digit.name}, not sure"
