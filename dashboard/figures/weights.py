"""The first layer's weights as pictures."""

import math

import numpy as np
import plotly.graph_objects as go

from dashboard import images
from nnlib.digits import SIDE


def grid_shape(n: int) -> tuple[int, int]:
    """Columns and rows for n pictures: somewhat wider than high, as what a screen shows below a title."""
    columns = math.ceil(math.sqrt(1.5 * n))
    return columns, -(-n // columns)


def weight_grid_aspect(n: int) -> float:
    """Width by height of the figure with n pictures."""
    columns, rows = grid_shape(n)
    return columns / rows


def weight_grid(sheet: str, n: int, chosen: int) -> go.Figure:
    """n units' pictures that can be clicked; a point's customdata is the unit's index.

    `sheet` is the address of images.weight_sheet, in as many columns as grid_shape says; `chosen` gets a frame.
    """
    columns, rows = grid_shape(n)
    picture = SIDE / (SIDE + images.GAP)  # of a picture and the gap after it
    figure = go.Figure()
    figure.add_layout_image(
        source=sheet,
        x=0,
        y=0,
        sizex=columns - 1 + picture,
        sizey=rows - 1 + picture,
        xref="x",
        yref="y",
        sizing="stretch",
        layer="below",
    )
    spots = np.arange(n)
    figure.add_scatter(
        x=spots % columns + picture / 2,
        y=spots // columns + picture / 2,
        mode="markers",
        marker={"symbol": "square", "size": 24, "color": "rgba(0,0,0,0)"},
        unselected={"marker": {"opacity": 1}},
        customdata=spots,
        hovertemplate="unit %{customdata}<extra></extra>",
        showlegend=False,
    )
    x, y = chosen % columns, chosen // columns
    edges = {"x0": x - 0.03, "x1": x + 0.97, "y0": y - 0.03, "y1": y + 0.97}
    for colour, width in (("#111111", 5), ("#ffd43b", 3)):
        figure.add_shape(type="rect", **edges, line={"color": colour, "width": width})
    hidden = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[-0.06, columns], constrain="domain", **hidden)
    figure.update_yaxes(range=[rows, -0.06], scaleanchor="x", constrain="domain", **hidden)
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        clickmode="event+select",
        dragmode=False,
    )
    return figure
