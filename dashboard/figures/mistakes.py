"""Which digits are taken for which."""

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.style import blank


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
    figure = blank("True digits against answers", "what the network answered", "what the digit really was", 520)
    figure.add_heatmap(
        z=strengths,
        zmin=-0.25,
        zmax=1,
        colorscale=[[0, "#c3ecd0"], [0.1999, "#c3ecd0"], [0.2, "#f4f5f9"], [0.6, "#f7b267"], [1, "#e8590c"]],
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
        unselected={"marker": {"opacity": 1}, "textfont": {"color": "#1c2233"}},
        text=[str(matrix[cell]) if matrix[cell] else "" for cell in cells],
        textfont={"color": "#1c2233", "size": 11},
        customdata=[list(cell) for cell in cells],
        hovertemplate="%{customdata[0]} read as %{customdata[1]}: %{text} times<extra></extra>",
        showlegend=False,
    )
    if chosen is not None:
        true, answer = chosen
        edges = {"x0": answer - 0.5, "x1": answer + 0.5, "y0": true - 0.5, "y1": true + 0.5}
        figure.add_shape(type="rect", **edges, line={"color": "#2b3a9e", "width": 3})
    axis = {"tickvals": list(range(n)), "showgrid": False, "zeroline": False, "constrain": "domain"}
    figure.update_xaxes(**axis, range=[-0.5, n - 0.5], side="top")
    figure.update_yaxes(**axis, range=[n - 0.5, -0.5], scaleanchor="x")
    figure.update_layout(height=None, hovermode="closest", clickmode="event+select", margin={"t": 90})
    return figure
