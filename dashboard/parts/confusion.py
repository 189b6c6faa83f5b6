"""The confusion matrix: which digits are taken for which, as a table that can be clicked."""

from collections.abc import Callable, Sequence
from html import escape

import numpy as np
import streamlit as st

from dashboard import figures, resources, words
from dashboard.parts import picture
from dashboard.resources import spoken
from nnlib.digits import N_CLASSES, NUMBERS
from nnlib.study import DigitScore

# colours that cover what is below only in part: they lie on light and dark paper alike
RIGHT, NOTHING, MISTAKE = "64, 176, 104", "128, 136, 156", "232, 89, 12"


def cell_words(names: Sequence[str]) -> list[str]:
    """What its cells say, and those above and beside them do not."""
    return [
        f"{names[true]} read as {names[answer]}" if min(true, answer) >= 0 else ""
        for true in range(-1, N_CLASSES)
        for answer in range(-1, N_CLASSES)
    ]


def how_often(n: int) -> str:
    """`never`, `once`, `1,000 times`."""
    return {0: "never", 1: "once"}.get(n, f"{n:,} times")


def table(matrix: np.ndarray, names: Sequence[str] = NUMBERS) -> str:
    """(10, 10) counts, row the true digit, column the answer, as HTML; with the `names` of what are no digits.

    The colour of a mistake grows with its number; right answers are green.
    """
    n = len(matrix)
    mistakes = matrix - np.diag(matrix.diagonal())
    # the square root, or one common mistake would leave all others without colour
    strengths = np.sqrt(mistakes / max(int(mistakes.max()), 1))

    def cell(true: int, answer: int) -> str:
        count, strength = int(matrix[true, answer]), strengths[true, answer]
        colour = f"{RIGHT}, 0.35" if true == answer else f"{MISTAKE}, {0.12 + 0.63 * strength:.2f}"
        return f'<td style="background: rgba({colour if count else f"{NOTHING}, 0.12"})">{count or ""}</td>'

    called = [f"{each}{'' if names == NUMBERS else f'<small>{escape(names[each])}</small>'}" for each in range(n)]
    head = "".join(f'<th scope="col">{each}</th>' for each in called)
    rows = (
        f'<th scope="row">{called[true]}</th>{"".join(cell(true, answer) for answer in range(n))}' for true in range(n)
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table class="confusion"><tr><td></td>{head}</tr>{body}</table>'


def digit_by_digit(scores: Sequence[DigitScore]) -> None:
    """How each digit fared, as a table."""
    lines = [
        spoken("| digit | how many | read right (*recall*) | right when read so (*precision*) |", "class"),
        "| --- | --: | --: | --: |",
    ]
    for score in scores:
        lines.append(
            f"| **{words.escape(resources.class_name(score.digit))}** | {score.count:,} | {_share(score.recall)} | "
            f"{_share(score.precision)} |"
        )
    st.markdown("\n".join(lines))


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def chosen_cell() -> tuple[int, int] | None:
    """For callbacks: the true digit and the answer whose cell was clicked."""
    number = picture.chosen("confusion")
    if number is None:
        return None
    true, answer = divmod(number, N_CLASSES + 1)
    return true - 1, answer - 1


def show(matrix: np.ndarray, chosen: tuple[int, int] | None, on_click: Callable[[], None]) -> None:
    """The table, with a frame around the chosen cell; `on_click` is called when one is clicked."""
    st.markdown(spoken("↓ what the digit really was &emsp; → what the network answered"))
    side = N_CLASSES + 1  # with the digits above and beside
    names = resources.data().names
    frame = None if chosen is None else side * (chosen[0] + 1) + chosen[1] + 1
    picture.show(
        figures.cells(side, side, cell_words(names), frame, below=table(matrix, names)),
        "confusion",
        spoken(
            "A table of how often each digit was taken for each other one. The two boxes of digits choose a cell, too.",
            "class",
        ),
        on_click,
        reveals="gallery",
    )
