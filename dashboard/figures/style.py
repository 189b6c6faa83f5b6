"""What all figures have in common: colours, margins, titles."""

from collections.abc import Sequence

import plotly.graph_objects as go

from nnlib.training import EpochRecord

BLUE, ORANGE, GREEN, GREY = "#5c7cfa", "#f08c00", "#40a060", "#8c95a8"
Beside = tuple[str, Sequence[EpochRecord]]  # another run to compare with: its name and its records
NO_BAR = {"displayModeBar": False, "scrollZoom": False}


def blank(title: str, x: str, y: str, height: int = 350) -> go.Figure:
    """A figure with a title and named axes, and nothing in it."""
    figure = go.Figure()
    figure.update_layout(
        title={"text": title, "font_size": 16, "y": 0.98, "yanchor": "top"},
        height=height,
        margin={"l": 10, "r": 10, "t": 84, "b": 10},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.01, "xanchor": "left", "x": 0},
        hovermode="x unified",
        dragmode=False,
    )
    figure.update_xaxes(title=x, automargin=True)
    figure.update_yaxes(title=y, automargin=True)
    return figure
