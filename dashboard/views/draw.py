"""Draw: a digit by hand or from a photo, and how the network reads it."""

import numpy as np
import streamlit as st

from dashboard import figures, session
from dashboard.parts import answer, canvas
from nnlib.digits import N_CLASSES, FoundDigit, read_picture

DRAWING, PHOTO = "Drawing", "Photo or scan"


def picture_of(source: str) -> tuple[np.ndarray | None, str]:
    """What is to be read, and what to say while there is nothing in it."""
    if source == DRAWING:
        picture = canvas.canvas("draw", st.session_state.get("brush", 18))
        st.slider("Brush (pixels)", 6, 40, 18, key="brush", bind=session.bind_number("brush"))
        return picture, "Draw a digit in the white square, large or small, anywhere in it."
    upload = st.file_uploader(
        "A picture of one digit, or of several side by side (at most 20 MB)",
        type=["png", "jpg", "jpeg", "webp", "bmp"],
        key="photo",
    )
    if upload is None:
        return None, "Choose a picture: dark ink on light paper reads best."
    picture = read_picture(upload.getvalue())
    st.image(picture, width=canvas.SIDE_PX, caption=upload.name, alt="The picture that was chosen.")
    return picture, "There is no ink in this picture that stands out from the paper."


def draw_and_read() -> None:
    """The canvas or the photo, and what the network makes of it."""
    choice = session.choice()
    left, middle, right = st.columns([4, 4, 5], gap="large")
    with left:
        source = st.segmented_control(
            "What to read", [DRAWING, PHOTO], default=DRAWING, required=True, key="source", bind="query-params"
        )
        picture, otherwise = picture_of(source)
    readings = answer.read(picture, choice.model.network)
    digit, probabilities = None, np.zeros(N_CLASSES)
    with middle:
        if readings:
            digit, probabilities = one_of(readings)
            answer.say_answer(probabilities, choice.title)
            answer.show_seen(digit)
            st.caption(
                "Cut out, made as large as the digits it learned from, and centred, with a stroke as thick as theirs."
            )
        else:
            st.info(otherwise, icon=":material/edit:")
    with right:
        said = "nothing is read yet" if digit is None else f"{probabilities.argmax()} is the highest"
        st.plotly_chart(
            figures.probabilities(probabilities),
            key="draw_probabilities",
            config=figures.NO_BAR,
            alt=f"Ten bars, one for each digit: {said}.",
        )
        st.caption("The ten bars add up to 100%. Two tall ones: it hesitates between two digits.")
    if digit is not None:
        st.subheader("Its way through the network", anchor=False)
        answer.show_signal(digit.image, choice.model.network, "draw_signal")


def one_of(readings: list[tuple[FoundDigit, np.ndarray]]) -> tuple[FoundDigit, np.ndarray]:
    """The reading to show in full: of several, which are all said, the one that is chosen."""
    if len(readings) == 1:
        return readings[0]
    answers = " ".join(str(probabilities.argmax()) for _, probabilities in readings)
    st.markdown(f"{len(readings)} digits, from left to right: **{answers}**")
    numbers = list(range(1, len(readings) + 1))
    chosen = st.selectbox("Look closer at digit number", numbers, key=f"which_of_{len(readings)}")
    return readings[chosen - 1]


st.title("Draw a digit", anchor=False)
st.markdown("Draw, lift the pen, and the network says what it reads. Try to fool it: where does a 1 become a 7?")
session.fragment(draw_and_read)()
