"""Mistakes: how many digits a network misreads, which ones, and why."""

import numpy as np
import streamlit as st

from dashboard import resources, session
from dashboard.parts import (
    closer_look,
    confusion,
    frame,
    gallery,
    label_doubts,
    moments,
    other_data,
    trust,
    two_networks,
    which_digits,
)
from dashboard.parts.segments import segments
from dashboard.resources import spoken
from dashboard.session import Choice
from nnlib.digits import N_CLASSES, Digits
from nnlib.study import Evaluation, score_digits


def choose_cell() -> None:
    """Take the cell that was clicked."""
    cell = confusion.chosen_cell()
    if cell is not None:
        which_digits.choose_cell(cell)
        closer_look.look_at(None)


def choose_digit() -> None:
    """Take the digit of the gallery that was clicked."""
    index = gallery.chosen_index()
    if index is not None:
        closer_look.look_at(index)


def say_numbers(readings: Evaluation) -> None:
    """The numbers that come first."""
    wrong, matrix = readings.mistakes(), readings.confusion
    scores = score_digits(matrix)
    worst = min(scores, key=lambda score: 1 if score.recall is None else score.recall)
    mistakes_only = matrix - np.diag(matrix.diagonal())
    true, answer = divmod(int(mistakes_only.argmax()), N_CLASSES)
    name = resources.class_name
    times = confusion.how_often(int(mistakes_only.max()))
    low, high = readings.interval
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        st.metric(
            "Read right",
            f"{readings.accuracy:.2%} ± {(high - low) / 2:.2%}",
            width="content",
            help=spoken(
                f"Of {len(readings.labels):,} digits. With other digits of this kind it would be from {low:.2%} to "
                f"{high:.2%}: Wilson's *95% confidence interval*."
            ),
        )
        st.metric("Misread", f"{len(wrong):,} of {len(readings.labels):,}", width="content")
        if len(wrong):
            st.metric(
                spoken("Hardest digit", "class"),
                f"{name(worst.digit)} ({worst.recall or 0:.1%} right)",
                width="content",
            )
            st.metric(
                "Most common mix-up",
                f"{name(true)} read as {name(answer)}",
                width="content",
                help=f"It happened {times}.",
            )
        with st.popover(spoken("Digit by digit", "class"), icon=":material/table_rows:", key="digit_by_digit"):
            confusion.digit_by_digit(scores)


def show_mistakes(choice: Choice, readings: Evaluation, digits: Digits, part: str) -> None:
    """Which digits it misreads, and one of them closer."""
    notices = st.container()
    left, right = frame.columns("mistake_columns")
    with right:
        wanted = which_digits.pick(lambda: closer_look.look_at(None))
    found = wanted.among(readings)
    with notices:
        index = closer_look.choose(found, len(digits), part)
    with left:
        cell = None if wanted.true is None or wanted.answer is None else (wanted.true, wanted.answer)
        confusion.show(readings.confusion, cell, choose_cell)
        st.caption(
            spoken(
                "The *confusion matrix*: a row is what the digit was, a column what was answered. Green is right; the "
                "stronger the orange, the more often that mistake. **Click a cell** to see its digits."
            )
        )
    with right:
        st.header(wanted.title(len(found)), anchor=False)
        if len(found):
            gallery.show(readings, found, digits.images, index, choose_digit)
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(spoken("**Click a digit** to look closer at it, below."), width="stretch")
                which_digits.save(readings, digits, found, part)
        elif readings.accuracy == 1:
            st.info(spoken("It read every digit right."))
        else:
            st.info("Choose another cell, or show all.")
    if index is not None:
        with st.container(key="closer"):
            closer_look.show(choice, readings, digits.images, index, which_digits.what(part))


QUESTIONS = {
    "mistakes": "Which ones, and why?",
    "trust": "Can it be trusted?",
    "two": "Is another one better?",
    "labels": "Are the labels right?",
}


def study() -> None:
    """How many digits it misreads at one moment, and what there is to ask about that."""
    moments.pick()
    choice = session.choice()
    with st.container(horizontal=True, gap="medium"):
        question = segments("What to ask", QUESTIONS, "ask", visible=False)
        more = ["validation"] if len(resources.digits(choice.model, "validation")) else []
        if question == "labels" and resources.DATA_DIRECTORY is None:
            more.append("training")
        part = which_digits.pick_part(*more)
    digits = resources.digits(choice.model, part)
    other_data.warn(choice)
    if not resources.of_digits():
        st.caption(f"Where a number stands for a class: {other_data.classes()}.")
    if question == "labels":
        label_doubts.show(choice, digits, part)
        return
    readings = choice.readings(part)
    st.markdown(
        spoken(
            f"Here {choice.title} reads {len(digits):,} *{which_digits.what(part).lower()}s*. It never learned from "
            "them, so the share that it reads right, its *accuracy*, is how it does on digits that it has never seen."
        )
    )
    say_numbers(readings)
    match question:
        case "trust":
            trust.show(choice, readings, part)
        case "two":
            two_networks.show(choice, readings, digits, part)
        case _:
            show_mistakes(choice, readings, digits, part)


st.title("What it gets wrong", anchor=False)
session.fragment(study)()
