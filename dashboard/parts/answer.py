"""What a network answers for a picture, and how it comes to that."""

import numpy as np
import streamlit as st

from dashboard import figures, images
from nnlib.digits import FoundDigit, find_digits
from nnlib.network import Network


def say_answer(probabilities: np.ndarray, reader: str) -> None:
    """The answer in words, the second guess beside it, and which network says so."""
    best, second = (int(digit) for digit in probabilities.argsort()[::-1][:2])
    sure = probabilities[best]
    certainly = "This is a" if sure > 0.9 else "This looks like a" if sure > 0.6 else "I am not sure. Perhaps a"
    with st.container(horizontal=True, gap="medium"):
        st.metric(certainly, str(best), f"{percent(sure)} sure", delta_color="off", delta_arrow="off", width="content")
        st.metric(
            "Second guess",
            str(second),
            percent(probabilities[second]),
            delta_color="off",
            delta_arrow="off",
            width="content",
        )
    st.caption(f"Says {reader}. To be sure is not to be right: see *Mistakes*.")


def percent(share: float) -> str:
    """A probability as people read it, never quite 0 or 1."""
    if share > 0.999:
        return "more than 99.9%"
    return "less than 0.1%" if share < 0.001 else f"{share:.1%}"


def read(picture: np.ndarray | None, network: Network) -> list[tuple[FoundDigit, np.ndarray]]:
    """The digits in a picture, from left to right, each with its probabilities (10,)."""
    found = find_digits(picture) if picture is not None else []
    return [(digit, network.predict_proba(digit.image[None])[0]) for digit in found]


def show_seen(digit: FoundDigit, width: int = 140) -> None:
    """The 28 x 28 pixels that the network gets to see."""
    picture = images.enlarge(images.digit_pictures(digit.image[None])[0], 10)
    st.image(picture, width=width, caption="What the network sees", alt="The drawing as 28 by 28 pixels.")


def show_signal(image: np.ndarray, network: Network, key: str) -> None:
    """How one digit runs through the network."""
    activations = [layer[0] for layer in network.activations(image[None])]
    answer = int(activations[-1].argmax())
    st.plotly_chart(
        figures.signal(image, activations),
        key=key,
        config=figures.NO_BAR,
        alt=f"The digit's pixels, what the units of each layer put out for it, and the ten probabilities: "
        f"{answer} is the highest.",
    )
    st.caption(
        "From left to right: the pixels go in; every little square is a *unit* that reacts to something in them, "
        "the darker the more strongly; each layer looks at the one before; the longest bar is the answer."
    )
