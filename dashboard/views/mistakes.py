"""Mistakes: how many test digits it misreads, which ones, and how sure it was."""

import numpy as np
import streamlit as st

from dashboard import figures, images, resources, session
from dashboard.parts import frame
from nnlib.digits import N_CLASSES
from nnlib.study import Evaluation, score_digits

A_PAGE = 20
ANY = "any"
NAMES = ("Zeros", "Ones", "Twos", "Threes", "Fours", "Fives", "Sixes", "Sevens", "Eights", "Nines")
DIGITS = [ANY, *(str(digit) for digit in range(N_CLASSES))]


def choose_cell() -> None:
    """Take the cell that was clicked."""
    points = st.session_state["confusion"].selection.points
    if points:
        true, answer = points[0]["customdata"]
        st.session_state["true"], st.session_state["answer"] = str(true), str(answer)


def show_all() -> None:
    """Forget the chosen cell."""
    st.session_state["true"] = st.session_state["answer"] = ANY


def chosen_digits(readings: Evaluation, true: str, answer: str) -> np.ndarray:
    """The indices to show: mistakes, or for a right cell what was read right but least surely first."""
    predictions = readings.predictions
    if true == answer != ANY:
        right = np.flatnonzero((readings.labels == int(true)) & (predictions == int(true)))
        return right[np.argsort(readings.probabilities[right].max(axis=1), kind="stable")]
    wrong = readings.mistakes()
    if true != ANY:
        wrong = wrong[readings.labels[wrong] == int(true)]
    if answer != ANY:
        wrong = wrong[predictions[wrong] == int(answer)]
    return wrong


def gallery_title(true: str, answer: str, n: int) -> str:
    """What the gallery shows, in words."""
    if n == 0:
        return "No digit was read like that"
    if true == answer != ANY:
        return f"{NAMES[int(true)]} rightly read as {true}: {n:,}, the least sure first"
    whose = NAMES[int(true)] if true != ANY else "Digits"
    as_what = f"wrongly read as {answer}" if answer != ANY else "misread"
    return f"{whose} {as_what}: {n:,}, the most confident first"


st.title("What it gets wrong", anchor=False)
choice = session.choice()
readings = choice.test_readings
confusion = readings.confusion
wrong = readings.mistakes()
scores = score_digits(confusion)
worst = min(scores, key=lambda score: 1 if score.recall is None else score.recall)
mistakes_only = confusion - np.diag(confusion.diagonal())
often = np.unravel_index(mistakes_only.argmax(), mistakes_only.shape)

st.markdown(
    f"Here {choice.title} reads the {len(readings.labels):,} *test digits*: none of them was used to train it, "
    "so this is how it does on digits it has never seen."
)
with st.container(horizontal=True, gap="small"):
    st.metric("Read right (test accuracy)", f"{readings.accuracy:.2%}", width="content")
    st.metric("Misread", f"{len(wrong):,} of {len(readings.labels):,}", width="content")
    st.metric("Hardest digit", f"{worst.digit} ({worst.recall or 0:.1%} right)", width="content")
    if len(wrong):
        st.metric("Most common mix-up", f"{often[0]} read as {often[1]}", width="content")

left, right = st.columns(2, gap="large")
with right:
    one, two, three = st.columns(3, vertical_alignment="bottom")
    true = one.selectbox("True digit", DIGITS, key="true", bind="query-params")
    answer = two.selectbox("Answer", DIGITS, key="answer", bind="query-params")
    three.button("Show all", on_click=show_all, disabled=true == answer == ANY, width="stretch")
with left:
    cell = (int(true), int(answer)) if ANY not in (true, answer) else None
    with frame.frame("confusion_frame", aspect=0.9):
        st.plotly_chart(
            figures.confusion(confusion, cell),
            height="stretch",
            key="confusion",
            on_select=choose_cell,
            selection_mode="points",
            config=figures.NO_BAR,
            alt=f"A table of 10 by 10 counts, true digit against answer. {readings.accuracy:.1%} are right; the most "
            f"common mistake is {often[0]} read as {often[1]}, {mistakes_only.max()} times.",
        )
    st.caption(
        "The *confusion matrix*: a row is what the digit was, a column what was answered. Green is right; the stronger "
        "the orange, the more often that mistake. **Click a cell** to see its digits."
    )
with right:
    found = chosen_digits(readings, true, answer)
    st.subheader(gallery_title(true, answer, len(found)), anchor=False)
    page = 1
    if len(found) > A_PAGE:
        page = st.pagination(-(-len(found) // A_PAGE), key=f"page_{true}_{answer}")
    shown = found[(page - 1) * A_PAGE :][:A_PAGE]
    if not len(found):
        st.info("Choose another cell, or show all.")
    else:
        test = resources.data().test
        with st.container(horizontal=True, gap="small", key="gallery"):
            for i, picture in zip(shown, images.digit_pictures(test.images[shown]), strict=True):
                st.image(
                    images.enlarge(picture, 3),
                    caption=f"{readings.labels[i]} read as {readings.predictions[i]}, "
                    f"{readings.probabilities[i].max():.0%} (no. {i:,})",
                    width=92,
                    alt=f"A handwritten {readings.labels[i]}, read as {readings.predictions[i]}.",
                )

if len(found):
    st.subheader("One of them, closer", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        index = st.selectbox(
            "Which digit",
            [int(i) for i in shown],
            format_func=lambda i: (
                f"test digit {i:,}: {readings.labels[i]} read as {readings.predictions[i]}, "
                f"{readings.probabilities[i].max():.1%} sure"
            ),
        )
        st.plotly_chart(
            figures.pixels(test.images[index], f"Test digit {index:,}, a {readings.labels[index]}"),
            key="closer_pixels",
            config=figures.NO_BAR,
            alt=f"A handwritten {readings.labels[index]} as 28 by 28 pixels.",
        )
    with right:
        st.plotly_chart(
            figures.probabilities(
                readings.probabilities[index], "What the network thought", 400, int(readings.labels[index])
            ),
            key="closer_probabilities",
            config=figures.NO_BAR,
            alt=f"Ten bars: {readings.predictions[index]} is the highest, the digit is a {readings.labels[index]}.",
        )
        st.caption("Where the true digit has a tall bar too, it was a close call; where it has none, it was fooled.")
