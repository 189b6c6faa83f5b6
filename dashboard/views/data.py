"""Data: what the network learns from, and what it is tested with."""

import numpy as np
import streamlit as st

from dashboard import figures, images, resources, session
from nnlib.digits import N_CLASSES, N_PIXELS, Digits

EXAMPLES = 60


@st.cache_resource(show_spinner=False)
def averages() -> np.ndarray:
    """The mean image of each digit, (10, 784)."""
    training = resources.data().train
    own = [training.images[training.labels == digit] for digit in range(N_CLASSES)]
    return np.stack([each.mean(axis=0) if len(each) else np.zeros(N_PIXELS, np.float32) for each in own])


@st.cache_resource(show_spinner=False)
def pixel_histogram() -> tuple[np.ndarray, np.ndarray]:
    """Counts and edges of the values of all training pixels."""
    return np.histogram(resources.data().train.images, bins=16, range=(0, 1))


@st.cache_resource(show_spinner=False, max_entries=64)
def examples(part: str, digit: int, page: int) -> np.ndarray:
    """A sheet of some examples of a digit."""
    digits = parts()[part]
    chosen = np.flatnonzero(digits.labels == digit)[page * EXAMPLES :][:EXAMPLES]
    return images.enlarge(images.tiles(images.digit_pictures(digits.images[chosen]), 15), 2)


def parts() -> dict[str, Digits]:
    """The two parts of the data, as this page calls them."""
    return {"learn": resources.data().train, "test": resources.data().test}


PARTS = {"learn": "Training digits", "test": "Test digits"}


def choose_part(key: str, default: str) -> str:
    """The widget that chooses a part of the data, in the URL as `key`."""
    return st.segmented_control(
        "Part of the data",
        list(PARTS),
        format_func=PARTS.__getitem__,
        default=default,
        required=True,
        key=key,
        bind="query-params",
    )


st.title("The digits", anchor=False)
data = resources.data()
st.markdown(
    f"The network knows nothing but these: {len(data.train):,} handwritten digits to learn from, and "
    f"{len(data.test):,} by *other people* to test with. Each is a picture of 28 × 28 pixels, and to the network just "
    "784 numbers from 0 (paper) to 1 (ink). The collection is called *MNIST*."
)

st.subheader("Examples", anchor=False)
left, right = st.columns([1, 2], gap="large")
with left:
    part = choose_part("part", "learn")
    digit = st.segmented_control(
        "Which digit", list(range(N_CLASSES)), default=3, required=True, wrap=True, key="digit", bind="query-params"
    )
    n_examples = int(np.sum(parts()[part].labels == digit))
    n_pages = max(1, -(-n_examples // EXAMPLES))
    page = st.number_input(f"Which sheet of {n_pages}", 1, n_pages, key="sheet", help=f"{EXAMPLES} digits a sheet.")
with right:
    if n_examples:
        sheet = examples(part, digit, page - 1)
        st.image(sheet, width="stretch", alt=f"Handwritten examples of the digit {digit}.")
        st.caption(f"Examples of a {digit}: how different can one digit be before it is another?")
    else:
        st.info(f"This data has no {digit}.")

st.subheader("The average digit", anchor=False)
st.image(
    images.enlarge(images.tiles(images.digit_pictures(averages()), N_CLASSES), 4),
    width="stretch",
    alt="Ten blurred pictures: the average of all training examples of each digit, 0 to 9.",
)
st.caption(
    "All examples of a digit laid on top of each other. Where it is dark, nearly everybody put ink; "
    "where it is grey, people differ."
)

left, right = st.columns(2, gap="large")
with left:
    counts = [np.bincount(each.labels, minlength=N_CLASSES) for each in (data.train, data.test)]
    st.plotly_chart(
        figures.class_counts(*counts),
        key="class_counts",
        config=figures.NO_BAR,
        alt=f"Bars: between {counts[0].min():,} and {counts[0].max():,} training examples of each digit.",
    )
    st.caption(
        "Every digit is there about equally often, so always guessing the same one is right about one time in ten."
    )
with right:
    histogram, edges = pixel_histogram()
    paper = histogram[0] / histogram.sum()
    st.plotly_chart(
        figures.pixel_values(histogram, edges),
        key="pixel_values",
        config=figures.NO_BAR,
        alt=f"Bars: {paper:.0%} of all pixels are paper or nearly, most of the others full ink.",
    )
    st.caption(f"Most of a picture, {paper:.0%}, is paper. The rest is mostly full ink, with a grey rim.")

st.subheader("Any digit", anchor=False)
left, right = st.columns([1, 2], gap="large")
with left:
    which = choose_part("any_part", "test")
    digits = parts()[which]
    index = st.number_input(
        f"Its number, 0 to {len(digits) - 1:,}", 0, len(digits) - 1, key="index", bind=session.bind_number("index")
    )
    st.metric("It is labelled", str(digits.labels[index]))
    st.caption("The *label* is what people said it is. Point at a pixel to see its number.")
with right:
    st.plotly_chart(
        figures.pixels(digits.images[index], f"Digit number {index:,}"),
        key="pixels",
        config=figures.NO_BAR,
        alt=f"A handwritten {digits.labels[index]} as 28 by 28 pixels.",
    )
