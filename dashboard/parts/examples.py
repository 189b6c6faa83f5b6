"""Examples to be read, for whoever has nothing at hand to draw or photograph with."""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import address, figures
from dashboard.parts import picture, sheet
from dashboard.parts.sheet import Sheet
from nnlib.digits import read_picture

FOLDER = Path(__file__).parents[1] / "examples"
NAMES = {
    "digit.png": "A digit",
    "number.png": "A number",
    "touching.png": "Touching",
    "rows.png": "Two rows",
    "photo.jpg": "A photo",
    "unsure.png": "Four or nine?",
    "letter.png": "A letter",
    "scribble.png": "A scribble",
}
FILES = list(NAMES)


def examples() -> tuple[DeltaGenerator, Sheet]:
    """The chosen example, and below it all of them: where marks can come over it, and what is to be read."""
    if (asked := address.asked("example")) is not None:
        st.session_state["example"] = asked
    if st.session_state.get("example") not in NAMES:
        st.session_state["example"] = FILES[0]
    file = st.session_state["example"]
    address.keep("example", file if file != FILES[0] else None)
    chosen = _sheet(file)
    paper = sheet.show(chosen)
    picture.show(_gallery(file), "examples", "Pictures to choose from.", _choose)
    return paper, chosen


def _choose() -> None:
    place = picture.chosen("examples")
    if place is not None and place < len(FILES):
        st.session_state["example"] = FILES[place]
        st.session_state["which"] = 0


@st.cache_resource(show_spinner=False, max_entries=len(NAMES))
def _sheet(file: str) -> Sheet:
    return sheet.of_picture(read_picture(FOLDER / file), NAMES[file])


@st.cache_resource(show_spinner=False, max_entries=len(NAMES))
def _gallery(file: str) -> str:
    return figures.examples(list(NAMES.values()), [_sheet(each).as_drawn for each in FILES], FILES.index(file))
