"""Data: what the network learns from, and what it is tested with."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dashboard import figures, resources, session
from dashboard.parts import closer_look, frame, other_data, picture
from dashboard.parts.segments import segments
from dashboard.resources import spoken
from dashboard.words import escape
from nnlib.digits import N_CLASSES, N_PIXELS, Digits

EXAMPLES, EXAMPLES_IN_A_ROW = 60, 15
PARTS = {"learn": spoken("Training digits"), "test": spoken("Test digits")}


def part_of(name: str) -> Digits:
    """A part of the data, as this page calls it."""
    return resources.data().train if name == "learn" else resources.data().test


@st.cache_resource(show_spinner=False)
def averages() -> str:
    """The mean image of each digit."""
    training = resources.data().train
    own = [training.images[training.labels == digit] for digit in range(N_CLASSES)]
    means = [each.mean(axis=0) if len(each) else np.zeros(N_PIXELS, np.float32) for each in own]
    if resources.of_digits():
        return figures.ink(np.stack(means), N_CLASSES)
    names = resources.data().names
    return figures.sheet(np.stack(means), N_CLASSES // 2, names, names, None)


@st.cache_resource(show_spinner=False)
def counts() -> tuple[go.Figure, np.ndarray]:
    """The chart of how many examples there are of each digit, and the counts of the training digits, (10,)."""
    data = resources.data()
    training, test = (np.bincount(each.labels, minlength=N_CLASSES) for each in (data.train, data.test))
    return figures.class_counts(training, test, data.names), training


@st.cache_resource(show_spinner=False)
def darkness() -> tuple[go.Figure, float, float]:
    """The chart of how dark all training pixels are, the share of paper, and of the rest the share of full ink."""
    found, edges = np.histogram(resources.data().train.images, bins=16, range=(0, 1))
    inked = max(int(found[1:].sum()), 1)
    return figures.pixel_values(found, edges), found[0] / found.sum(), found[-1] / inked


@st.cache_resource(show_spinner=False, max_entries=2)
def where(part: str) -> list[np.ndarray]:
    """The indices of each digit's examples."""
    return [np.flatnonzero(part_of(part).labels == digit) for digit in range(N_CLASSES)]


@st.cache_resource(show_spinner=False, max_entries=64)
def examples(part: str, digit: int, page: int) -> str:
    """Some examples of a digit."""
    chosen = where(part)[digit][page * EXAMPLES :][:EXAMPLES]
    return figures.ink(part_of(part).images[chosen], EXAMPLES_IN_A_ROW)


def say_counts(training: np.ndarray) -> str:
    """What the chart of the counts shows."""
    if training.min() < 0.7 * training.max():
        return spoken("Some digits are there more often than others: the network learns those better.", "class")
    return spoken(
        "Every digit is there about equally often, so always guessing the same one is right about one time in ten.",
        "class",
    )


st.title(spoken("The digits"), anchor=False)
data = resources.data()
st.markdown(
    spoken(
        f"The network knows nothing but these: {len(data.train):,} handwritten digits to learn from, the *training "
        f"digits*, and {len(data.test):,} {'by *other people* ' if resources.of_digits() else ''}to test it with, the "
        "*test digits*. Each has 28 × 28 pixels, and is to the network 784 numbers from 0 (paper) to 1 (ink)."
    )
    + f" The collection is called *{escape(data.title)}*."
)
for remark in data.remarks:
    st.info(escape(remark, most=300), icon=":material/info:")
if not resources.of_digits():
    st.info(
        f"Each shows one of ten things, its *class*: {other_data.classes()}. The pretrained network learned digits, "
        "and was never meant for them: train one of your own.",
        icon=":material/info:",
    )
st.caption(
    spoken(
        "A training usually holds some of the training digits back and never learns from them: with these it checks, "
        "after every epoch, how it does on *new digits* (also called *validation digits*). The test digits are kept "
        "for the end."
    )
)

st.header("Examples", anchor=False)
left, right = frame.columns("example_columns")
with left:
    part = segments("Part of the data", PARTS, "part")
    classes = {str(digit): name for digit, name in enumerate(data.names)}
    digit = int(segments(spoken("Which digit", "class"), classes, "digit", usual="3"))
    n_pages = max(1, -(-len(where(part)[digit]) // EXAMPLES))
    page = st.number_input(
        f"Which sheet of {n_pages}", 1, n_pages, key="sheet", help=spoken(f"{EXAMPLES} digits a sheet.")
    )
with right:
    if len(where(part)[digit]):
        picture.show(examples(part, digit, page - 1), "examples", f"Examples of {data.names[digit]}.")
        example = f"a {digit}" if resources.of_digits() else escape(data.names[digit])
        st.caption(f"Examples of {example}: how different can one be before it is another?")
    else:
        st.info(f"This data has no {escape(data.names[digit])}.")

st.header(spoken("The average digit"), anchor=False)
picture.show(
    averages(), "averages", f"Ten blurred pictures: the average of all training examples of {', '.join(data.names)}."
)
st.caption(
    spoken("All training examples of a digit laid on top of each other. ", "class")
    + (
        "Where the stroke is strong, nearly everybody put ink; where it is faint, people differ."
        if resources.of_digits()
        else "Where it is sharp, all are alike; where it is faint, they differ."
    )
)

left, right = frame.columns("count_columns")
with left:
    chart, training = counts()
    st.plotly_chart(
        chart,
        key="class_counts",
        config=figures.NO_BAR,
        alt=f"Bars: between {training.min():,} and {training.max():,} training examples of each.",
    )
    st.caption(say_counts(training))
with right:
    chart, paper, full = darkness()
    st.plotly_chart(
        chart,
        key="pixel_values",
        config=figures.NO_BAR,
        alt=f"Bars: {paper:.0%} of all pixels are paper or nearly; of the others, {full:.0%} are full ink or nearly.",
    )
    st.caption(
        f"Most of a picture, {paper:.0%}, is paper. Of the rest, {full:.0%} is full ink or nearly so, "
        "and the others are greys" + (": the soft edges of the strokes." if resources.of_digits() else ".")
    )

st.header(spoken("Any digit"), anchor=False)
left, right = frame.columns("any_columns")
with left:
    which = segments("Part of the data", PARTS, "any_part", usual="test")
    digits = part_of(which)
    index = st.number_input(
        f"Its number, 0 to {len(digits) - 1:,}", 0, len(digits) - 1, key="index", bind=session.bind_number("index")
    )
    label = int(digits.labels[index])
    st.metric("It is labelled", data.names[label])
    st.caption("The *label* is what people said it is. Point at a pixel to see its number.")
with right:
    closer_look.show_pixels(digits.images[index], spoken(f"Digit number {index:,}"), data.names[label], "pixels")
