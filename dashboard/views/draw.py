"""Draw: a digit by hand, and how the network reads it."""

import numpy as np
import streamlit as st

from dashboard import board, charts, session
from nnlib.drawing import read_picture
from nnlib.mnist import N_CLASSES


def draw_and_read() -> None:
    """The canvas and the upload, and what the network makes of either."""
    choice = session.choice()
    left, middle, right = st.columns([4, 3, 5], gap="large")
    with left:
        brush_px = st.slider("Brush (pixels)", 6, 40, 18, key="brush", bind="query-params")
        picture = board.canvas("draw", brush_px)
        with st.expander("Or read a photo or scan", icon=":material/image:"):
            upload = st.file_uploader("A picture of one or more digits", type=["png", "jpg", "jpeg", "webp", "bmp"])
        if upload is not None:
            picture = read_picture(upload.getvalue())
            st.image(picture, width=board.SIDE_PX, caption=upload.name, alt="The picture that was chosen.")
    readings = board.read(picture, choice.model.network)
    with middle:
        if not readings:
            st.info(
                "The picture has no ink that stands out."
                if upload is not None
                else "Draw a digit in the white square, large or small, anywhere in it.",
                icon=":material/edit:",
            )
        elif len(readings) > 1:
            answer = "".join(str(probabilities.argmax()) for _, probabilities in readings)
            st.metric(f"{len(readings)} digits, from left to right", answer)
        digit, probabilities = _which(readings)
        if digit is not None:
            board.say_answer(probabilities)
            board.show_seen(digit)
            st.caption(
                "Cut out, made as large as the digits it learned from, and centred, with a stroke as thick as theirs."
            )
    with right:
        st.plotly_chart(
            charts.probabilities(probabilities),
            key="draw_probabilities",
            config=charts.NO_BAR,
            alt="Ten bars, one for each digit: "
            + ("nothing is drawn yet." if digit is None else f"{probabilities.argmax()} is the highest."),
        )
        st.caption("The ten bars add up to 100 %. Two tall ones: it hesitates between two digits.")
    if digit is not None:
        st.subheader("Its way through the network", anchor=False)
        board.show_signal(digit.image, choice.model.network, "draw_signal")


def _which(readings: list) -> tuple:
    """The reading to show in full, of several the one that was chosen; without one, no digit and zeros."""
    if not readings:
        return None, np.zeros(N_CLASSES)
    if len(readings) == 1:
        return readings[0]
    chosen = st.segmented_control(
        "Look at digit number", list(range(1, len(readings) + 1)), default=1, required=True, key="which_digit"
    )
    return readings[min(chosen, len(readings)) - 1]


st.title("Draw a digit", anchor=False)
st.markdown("Draw, lift the pen, and the network says what it reads. Try to fool it: where does a 1 become a 7?")
session.fragment(draw_and_read)()
