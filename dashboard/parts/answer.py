"""What a network answers for a picture, and how it comes to that."""

import numpy as np
import streamlit as st

from dashboard import figures
from dashboard.parts import picture
from nnlib.digits import FoundDigit
from nnlib.network import Network
from nnlib.words import percent

Reading = tuple[FoundDigit, np.ndarray]  # a digit and its probabilities (10,)


def read(digits: list[FoundDigit], network: Network) -> list[Reading]:
    """Each digit with what the network makes of it."""
    if not digits:
        return []
    probabilities = network.predict_proba(np.stack([digit.image for digit in digits]))
    return list(zip(digits, probabilities, strict=True))


def say_answers(readings: list[Reading], reader: str) -> Reading:
    """The answer in words, with the second guess, and which network says so; of several digits, one can be chosen."""
    place = st.container(horizontal=True, gap="medium")
    chosen = readings[0]
    if len(readings) == 1:
        st.caption(f"So says {reader}. It can be very sure and still be wrong: see *Mistakes*.")
    else:
        answers = " ".join(str(probabilities.argmax()) for _, probabilities in readings)
        number = st.segmented_control(
            f"From left to right: **{answers}**. Look closer at",
            range(1, len(readings) + 1),
            format_func="no. {}".format,
            default=1,
            required=True,
            key=f"which_of_{len(readings)}",
        )
        chosen = readings[number - 1]
    _, probabilities = chosen
    best, second = (int(digit) for digit in probabilities.argsort()[::-1][:2])
    sure = probabilities[best]
    certainly = "This is" if sure > 0.9 else "It looks like" if sure > 0.6 else "Not sure, perhaps"
    certainly += " an" if best == 8 else " a"
    with place:
        for label, digit, words in (
            (certainly, best, f"{percent(sure)} sure"),
            ("Second guess", second, percent(probabilities[second])),
        ):
            st.metric(label, str(digit), words, delta_color="off", delta_arrow="off", width="content")
    return chosen


def show_signal(image: np.ndarray, network: Network, key: str) -> None:
    """How one digit runs through the network."""
    activations = [layer[0] for layer in network.activations(image[None])]
    answer = int(activations[-1].argmax())
    picture.show(
        figures.signal(image, activations),
        key,
        f"The digit's pixels, what the units of each layer put out for it, and the ten probabilities: "
        f"{answer} is the highest.",
    )
    st.caption(
        "From left to right: the pixels go in; every little square is a *unit*, which reacts to something in what "
        "comes before it, the fuller its colour the more strongly; the longest bar is the answer."
    )
