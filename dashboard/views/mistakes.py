"""Mistakes: how many test digits it misreads, which ones, and how sure it was."""

import numpy as np
import streamlit as st

from dashboard import resources, session
from dashboard.parts import closer_look, confusion, frame, gallery, moments, picture
from nnlib.digits import N_CLASSES
from nnlib.study import Evaluation, score_digits

A_PAGE = 20
ANY = "any"
NAMES = ("Zeros", "Ones", "Twos", "Threes", "Fours", "Fives", "Sixes", "Sevens", "Eights", "Nines")
DIGITS = [ANY, *(str(digit) for digit in range(N_CLASSES))]


def choose_cell() -> None:
    """Take the cell that was clicked."""
    cell = confusion.chosen_cell()
    if cell is not None:
        st.session_state["true"], st.session_state["answer"] = (str(digit) for digit in cell)


def choose_digit() -> None:
    """Take the digit of the gallery that was clicked."""
    place = picture.chosen("gallery")
    if place is not None and place < len(st.session_state["shown"]):
        st.session_state["closer"] = st.session_state["shown"][place]


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
        return "No digit was misread" if true == answer == ANY else "No digit was read like that"
    if true == answer != ANY:
        return f"{NAMES[int(true)]} rightly read as {true}: {n:,}, the least sure first"
    whose = NAMES[int(true)] if true != ANY else "Digits"
    as_what = f"wrongly read as {answer}" if answer != ANY else "misread"
    return f"{whose} {as_what}: {n:,}, the most confident first"


def say_numbers(readings: Evaluation) -> None:
    """The numbers that come first."""
    wrong, matrix = readings.mistakes(), readings.confusion
    worst = min(score_digits(matrix), key=lambda score: 1 if score.recall is None else score.recall)
    mistakes_only = matrix - np.diag(matrix.diagonal())
    true, answer = np.unravel_index(mistakes_only.argmax(), mistakes_only.shape)
    times = confusion.how_often(int(mistakes_only.max()))
    with st.container(horizontal=True, gap="medium"):
        st.metric("Read right", f"{readings.accuracy:.2%}", width="content")
        st.metric("Misread", f"{len(wrong):,} of {len(readings.labels):,}", width="content")
        if len(wrong):
            st.metric("Hardest digit", f"{worst.digit} ({worst.recall or 0:.1%} right)", width="content")
            st.metric("Most common mix-up", f"{true} read as {answer}", width="content", help=f"It happened {times}.")


def study() -> None:
    """How many digits it misreads at one moment, which ones, and one of them closer."""
    moments.pick()
    choice = session.choice()
    readings, pictures = choice.test_readings, resources.data().test.images
    st.markdown(
        f"Here {choice.title} reads the {len(readings.labels):,} *test digits*. None of them was used to train it, so "
        "the share that it reads right, its *test accuracy*, is how it does on digits that it has never seen."
    )
    say_numbers(readings)
    left, right = frame.columns("mistake_columns")
    with right, st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        true = st.selectbox("True digit", DIGITS, key="true", bind="query-params", width=110) or ANY
        answer = st.selectbox("Answer", DIGITS, key="answer", bind="query-params", width=110) or ANY
        st.button("Show all", on_click=show_all, disabled=true == answer == ANY)
    with left:
        cell = (int(true), int(answer)) if ANY not in (true, answer) else None
        confusion.show(readings.confusion, cell, choose_cell)
        st.caption(
            "The *confusion matrix*: a row is what the digit was, a column what was answered. Green is right; the "
            "stronger the orange, the more often that mistake. **Click a cell** to see its digits."
        )
    with right:
        found = chosen_digits(readings, true, answer)
        st.header(gallery_title(true, answer, len(found)), anchor=False)
        page = 1
        if len(found) > A_PAGE:
            page = st.pagination(-(-len(found) // A_PAGE), key=f"page_{true}_{answer}")
        shown = found[(page - 1) * A_PAGE :][:A_PAGE]
        st.session_state["shown"] = shown.tolist()
        if len(shown):
            chosen = closer_look.choose(shown.tolist())
            gallery.show(readings, shown, pictures[shown], chosen, choose_digit)
            st.caption("**Click a digit** to look closer at it, below.")
        elif cell is None and readings.accuracy == 1:
            st.info("It read every test digit right.")
        else:
            st.info("Choose another cell, or show all.")
    if len(shown):
        closer_look.show(readings, shown, pictures)


st.title("What it gets wrong", anchor=False)
session.fragment(study)()
