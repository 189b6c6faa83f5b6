"""The confusion matrix: which digits are taken for which, as a table that can be clicked."""

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dashboard import figures
from dashboard.parts import frame

# colours that cover what is below only in part: they lie on light and dark paper alike
RIGHT, NOTHING, MISTAKE = "64, 176, 104", "128, 136, 156", "232, 89, 12"
STYLE = """<style>
.st-key-confusion_layers { container-type: inline-size; }
.confusion { width: 100%; height: 100%; margin: 0; table-layout: fixed; }
.confusion { border-collapse: separate; border-spacing: 2px; }
.confusion th, .confusion td { padding: 0; border: 0; text-align: center; font-size: clamp(0.6rem, 2.6cqw, 1.1rem); }
.confusion th { font-weight: 400; }
.st-key-confusion_layers > *, .st-key-confusion_layers > * > *, .st-key-confusion_layers .stHtml { height: 100%; }
</style>"""


def how_often(n: int) -> str:
    """`never`, `once`, `1,000 times`."""
    return {0: "never", 1: "once"}.get(n, f"{n:,} times")


def table(matrix: np.ndarray) -> str:
    """(10, 10) counts, row the true digit, column the answer, as HTML.

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

    head = "".join(f'<th scope="col">{answer}</th>' for answer in range(n))
    rows = (f'<th scope="row">{true}</th>{"".join(cell(true, answer) for answer in range(n))}' for true in range(n))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table class="confusion"><tr><td></td>{head}</tr>{body}</table>'


@st.cache_resource(show_spinner=False, max_entries=128)
def _places(n: int, chosen: tuple[int, int] | None) -> go.Figure:
    cells = [(true, answer) for true in range(n) for answer in range(n)]
    frame_of = None if chosen is None else (chosen[1] + 1, chosen[0] + 1)
    places = [(answer + 1, true + 1) for true, answer in cells]
    hover = "%{customdata[0]} read as %{customdata[1]}"
    return figures.clicks(n + 1, n + 1, places, [list(cell) for cell in cells], hover, frame_of)


def chosen_cell() -> tuple[int, int] | None:
    """For callbacks: the true digit and the answer whose cell was clicked."""
    points = st.session_state["confusion"].selection.points
    if not points:
        return None
    true, answer = points[0]["customdata"]
    return true, answer


def show(matrix: np.ndarray, chosen: tuple[int, int] | None, on_click: Callable[[], None]) -> None:
    """The table, with a frame around the chosen cell; `on_click` is called when one is clicked."""
    st.html(STYLE)
    st.markdown("↓ what the digit really was &emsp; → what the network answered")
    # the figure above the table stays as it is while the network learns: nothing flickers
    with frame.layers("confusion_layers", 1.05):
        st.html(table(matrix))
        st.plotly_chart(
            _places(len(matrix), chosen),
            height="stretch",
            key="confusion",
            on_select=on_click,
            selection_mode="points",
            config=figures.NO_BAR,
            alt="A place to click for each cell of the table; the two boxes of digits do the same.",
        )
