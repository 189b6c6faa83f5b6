"""Which digits are taken for which."""

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.style import INK, blank


def how_often(n: int) -> str:
    """`never`, `once`, `1,000 times`."""
    return {0: "never", 1: "once"}.get(n, f"{n:,} times")


def confusion(matrix: np.ndarray, chosen: tuple[int, int] | None = None) -> go.Figure:
    """(10, 10) counts, row the true digit, column the answer; every cell can be clicked.

    The number stands in the cell; the colour of a mistake grows with it, right answers are green.
    `chosen` (true digit, answer) gets a frame. A point's customdata is [true digit, answer].
    """
    n = len(matrix)
    mistakes = matrix - np.diag(matrix.diagonal())
    # the square root, or one common mistake would leave all others without colour
    strengths = np.sqrt(mistakes / max(int(mistakes.max()), 1))
    np.fill_diagonal(strengths, -0.25)
    nothing, right = "rgba(128, 136, 156, 0.12)", "rgba(64, 176, 104, 0.35)"
    figure = blank("True digits against answers", "what the network answered", "what the digit really was", 520)
    figure.add_heatmap(
        z=strengths,
        zmin=-0.25,
        zmax=1,
        # clear colours, which lie on light and dark paper alike
        colorscale=[
            [0, right],
            [0.1999, right],
            [0.2, nothing],
            [0.201, "rgba(240, 120, 20, 0.15)"],
            [1, "rgba(232, 89, 12, 0.75)"],
        ],
        showscale=False,
        xgap=2,
        ygap=2,
        hoverinfo="skip",
    )
    # clicks on a heat map are not reported: these squares, which nobody sees, take them
    cells = [(true, answer) for true in range(n) for answer in range(n)]
    figure.add_scatter(
        x=[answer for _, answer in cells],
        y=[true for true, _ in cells],
        mode="markers+text",
        marker={"symbol": "square", "size": 28, "color": "rgba(0,0,0,0)"},
        unselected={"marker": {"opacity": 1}, "textfont": {"color": INK}},
        text=[str(matrix[cell]) if matrix[cell] else "" for cell in cells],
        textfont={"color": INK, "size": 12},
        customdata=[list(cell) for cell in cells],
        hovertext=[f"{true} read as {answer}: {how_often(int(matrix[true, answer]))}" for true, answer in cells],
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )
    if chosen is not None:
        true, answer = chosen
        edges = {"x0": answer - 0.5, "x1": answer + 0.5, "y0": true - 0.5, "y1": true + 0.5}
        figure.add_shape(type="rect", **edges, line={"color": INK, "width": 3})
    axis = {"tickvals": list(range(n)), "showgrid": False, "zeroline": False, "constrain": "domain"}
    figure.update_xaxes(**axis, range=[-0.5, n - 0.5], side="top")
    figure.update_yaxes(**axis, range=[n - 0.5, -0.5], scaleanchor="x")
    figure.update_layout(height=None, hovermode="closest", clickmode="event+select", margin={"t": 74})
    return figure
