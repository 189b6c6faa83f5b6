"""What takes clicks on a picture or a table below it: plotly reports none on heat maps and images."""

import math
from collections.abc import Sequence
from functools import cache

import plotly.graph_objects as go

from dashboard.figures.style import INK


@cache
def grid_shape(n: int) -> tuple[int, int]:
    """Columns and rows for n pictures: a little wider than high, as a screen below a title, and few places empty."""

    def rows(columns: int) -> int:
        return -(-n // columns)

    def flaws(columns: int) -> float:
        return abs(math.log(columns / rows(columns) / 1.4)) + columns * rows(columns) / n

    best = min(range(1, n + 1), key=flaws)
    return best, rows(best)


def clicks(
    columns: int,
    rows: int,
    places: Sequence[tuple[int, int]],
    customdata: Sequence[int | list[int]],
    hover: str,
    chosen: tuple[int, int] | None = None,
) -> go.Figure:
    """A clear figure over a grid of columns x rows cells, with a point in each of `places` (column, row).

    A click anywhere reports the nearest point, with its `customdata`; `hover` is shown there. `chosen` gets a frame.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[column + 0.5 for column, _ in places],
        y=[row + 0.5 for _, row in places],
        mode="markers",
        marker={"symbol": "square", "size": 24, "color": "rgba(0,0,0,0)"},
        unselected={"marker": {"opacity": 1}},
        customdata=list(customdata),
        hovertemplate=f"{hover}<extra></extra>",
        showlegend=False,
    )
    if chosen is not None:
        column, row = chosen
        edges = {"x0": column, "x1": column + 1, "y0": row, "y1": row + 1}
        figure.add_shape(type="rect", **edges, line={"color": INK, "width": 3})
    hidden = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[0, columns], **hidden)
    figure.update_yaxes(range=[rows, 0], **hidden)
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="closest",
        hoverdistance=-1,
        clickmode="event+select",
        dragmode=False,
    )
    return figure
