"""Draw: a digit by hand or from a photo, and how the network reads it."""

import numpy as np
import streamlit as st

from dashboard import figures, session
from dashboard.parts import answer, canvas, moments, photo, picture, teach
from nnlib.digits import N_CLASSES, SIDE, FoundDigit
from nnlib.reading import SURE, ReadDigit

DRAWING, PHOTO = "Drawing", "Photo or scan"


def digits_of(source: str) -> tuple[list[FoundDigit], str]:
    """What is to be read, and what to say while there is nothing."""
    if source == DRAWING:
        return canvas.canvas("draw", with_brush=True), "Draw a digit in the square, large or small, anywhere in it."
    found = photo.photo()
    if found is None:
        return [], "Choose a picture: dark ink on light paper reads best."
    return found, "There is no ink in this picture that stands out from the paper."


def draw_and_read() -> None:
    """The canvas or the photo, and what the network makes of it."""
    source = st.segmented_control(
        "What to read",
        [DRAWING, PHOTO],
        default=DRAWING,
        required=True,
        key="source",
        bind="query-params",
        persist_state="session",
        label_visibility="collapsed",
    )
    board, said, bars = canvas.places()
    with bars:  # not above the board, which would move when a run has its second moment
        moments.pick()
    choice = session.choice()
    with board:
        digits, otherwise = digits_of(source)
    readings = answer.read(digits, choice.model.network)
    digit, probabilities = None, np.zeros(N_CLASSES)
    with said, st.container(key="said"):
        if readings:
            digit, probabilities = answer.say_answers(readings, choice.title)
        else:
            st.info(otherwise, icon=":material/draw:")
    with bars:
        said_of_it = "nothing is read yet" if digit is None else f"{probabilities.argmax()} is the highest"
        picture.show(
            figures.probabilities(probabilities), "draw_probabilities", f"Ten bars, one for each digit: {said_of_it}."
        )
        st.caption("The ten bars add up to 100%. Two tall ones: it hesitates between two digits.")
    read = None
    if digit is not None:
        read = ReadDigit(digit.box, digit.image.reshape(SIDE, SIDE), digit.image, probabilities, 1.0, SURE)
    teach.teach(read, choice)
    if digit is not None:
        st.header("Its way through the network", anchor=False)
        st.caption(
            "First it is cut out, made as large as the digits that the network learned from, and centred, with a "
            "stroke as thick as theirs."
        )
        answer.show_signal(digit.image, choice.model.network, "draw_signal")


st.title("Draw a digit", anchor=False)
st.markdown("Draw, lift the pen, and the network says what it reads. Try to fool it: where does a 1 become a 7?")
session.fragment(draw_and_read)()
