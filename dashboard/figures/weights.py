"""The first layer's weights as pictures."""

import numpy as np
import plotly.graph_objects as go

from dashboard import images


def _grid_shape(n: int) -> tuple[int, int]:
    """Columns and rows for n pictures."""
    columns = min(16, n) if n <= 256 else 32
    return columns, -(-n // columns)


def weight_grid_aspect(n: int) -> float:
    """Width by height of the figure with n pictures."""
    columns, rows = _grid_shape(n)
    return columns / rows


def weight_grid(weights: np.ndarray, chosen: int) -> go.Figure:
    """(784, n) weights as n pictures that can be clicked; a point's customdata is the unit's index."""
    n = weights.shape[1]
    columns, rows = _grid_shape(n)
    sheet = images.tiles(images.weight_pictures(weights, images.weight_limit(weights)), columns)
    pitch_x, pitch_y = sheet.shape[1] + images.GAP, sheet.shape[0] + images.GAP
    figure = go.Figure()
    figure.add_layout_image(
        source=images.png_uri(images.enlarge(sheet, 2)),
        x=0,
        y=0,
        sizex=columns * sheet.shape[1] / pitch_x,
        sizey=rows * sheet.shape[0] / pitch_y,
        xref="x",
        yref="y",
        sizing="stretch",
        layer="below",
    )
    spots = np.arange(n)
    figure.add_scatter(
        x=spots % columns + 0.47,
        y=spots // columns + 0.47,
        mode="markers",
        marker={"symbol": "square", "size": 24, "color": "rgba(0,0,0,0)"},
        unselected={"marker": {"opacity": 1}},
        customdata=spots,
        hovertemplate="unit %{customdata}<extra></extra>",
        showlegend=False,
    )
    x, y = chosen % columns, chosen // columns
    figure.add_shape(
        type="rect", x0=x - 0.03, x1=x + 0.97, y0=y - 0.03, y1=y + 0.97, line={"color": "#111111", "width": 5}
    )
    figure.add_shape(
        type="rect", x0=x - 0.03, x1=x + 0.97, y0=y - 0.03, y1=y + 0.97, line={"color": "#ffd43b", "width": 3}
    )
    hidden = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[-0.06, columns], constrain="domain", **hidden)
    figure.update_yaxes(range=[rows, -0.06], scaleanchor="x", constrain="domain", **hidden)
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        clickmode="event+select",
        dragmode=False,
    )
    return figure
