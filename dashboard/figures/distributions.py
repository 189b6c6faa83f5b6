"""How the numbers of every layer are spread, moment after moment, as tiles: the fuller the colour, the more."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.style import PLAIN, blank, plain
from nnlib.study import Distribution

# clear where there is next to nothing: so it is the page that is seen, light or dark
COLORS = ["rgba(92, 124, 250, 0.12)", "rgba(92, 124, 250, 0.65)", "#5c7cfa", "#c04ad0", "#f08c00"]
LEAST_PERCENT = 0.01  # of a layer's numbers; what is less has the colour of this
MARKS = (0.01, 0.1, 1, 10, 100)
# of the figure's height; what lies around the tiles is the title above, axis and colours below
LAYER_PX, BETWEEN_PX, AROUND_PX, BELOW_PX = 118, 30, 200, 66
MOST_TICKS = 14  # if they were evenly spread
ROUND = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def distributions(
    title: str, what: str, epochs: Sequence[float], layers: Sequence[tuple[str, Distribution]], log: bool = True
) -> go.Figure:
    """A row of tiles for each layer, with its name: a column for each moment, the share of `what` by its value.

    Moments are equally wide, for most happens in the first epoch. `log`: colours by the share's logarithm.
    """
    height = AROUND_PX + len(layers) * (LAYER_PX + BETWEEN_PX) - BETWEEN_PX
    figure = blank(title, "epoch (moments equally wide)", what, height)
    names = [f"{epoch:.5f}".rstrip("0").rstrip(".") for epoch in epochs]
    rows = height - AROUND_PX
    for index, (name, found) in enumerate(layers):
        top = 1 - index * (LAYER_PX + BETWEEN_PX) / rows
        number = str(index + 1) if index else ""
        percent = 100 * found.shares.T.astype(np.float32)
        with np.errstate(divide="ignore"):
            colour = np.log10(np.maximum(percent, LEAST_PERCENT)) if log else percent
        figure.add_heatmap(
            x=names,
            y=found.edges,
            z=np.where(percent > 0, colour, np.nan),
            customdata=percent,
            yaxis=f"y{number}",
            coloraxis="coloraxis",
            hovertemplate=f"{name}, epoch %{{x}}<br>{what} about %{{y:{PLAIN}}}: "
            f"%{{customdata:{PLAIN}}} %<extra></extra>",
            hoverongaps=False,
        )
        figure.update_layout(
            {
                f"yaxis{number}": {
                    "domain": [max(0.0, top - LAYER_PX / rows), top],
                    "title": what,
                    "range": [found.edges[0], found.edges[-1]],
                    "nticks": 5,
                    "tickformat": PLAIN,
                    "automargin": True,
                    "zeroline": False,
                    "showgrid": False,
                }
            }
        )
        figure.add_annotation(
            text=name, x=0, xref="paper", xanchor="left", y=top, yref="paper", yanchor="bottom", showarrow=False
        )
    ticks = _some_whole_epochs(names)
    figure.update_xaxes(
        type="category",
        tickvals=ticks,
        ticktext=ticks,
        tickangle=0,
        anchor=f"y{len(layers)}" if len(layers) > 1 else "y",
        showgrid=False,
    )
    figure.update_layout(
        coloraxis=_colours(layers, -BELOW_PX / rows, log), hovermode="closest", uirevision=f"tiles {log}"
    )
    return figure


def _colours(layers: Sequence[tuple[str, Distribution]], below: float, log: bool) -> dict:
    """What a share's colour is, and the bar that says so; `below` is where that begins."""
    bar = {"title": {"text": "share of the layer's numbers (%)", "side": "top"}, "orientation": "h", "thickness": 10}
    bar |= {"y": below, "yanchor": "top", "len": 1}
    if log:
        marks = np.log10(MARKS)
        bar |= {"tickvals": marks, "ticktext": [plain(mark) for mark in MARKS]}
        return {"colorscale": COLORS, "cmin": marks[0], "cmax": marks[-1], "colorbar": bar}
    most = max((100 * float(found.shares.max()) for _, found in layers), default=100.0)
    return {"colorscale": COLORS, "cmin": 0, "cmax": most, "colorbar": {**bar, "nticks": 6}}


def _some_whole_epochs(names: Sequence[str]) -> list[str]:
    """The beginning, the first epoch, and as many round numbers as have room beside each other."""
    whole = [(place, int(name)) for place, name in enumerate(names) if "." not in name]
    chosen = whole
    for every in ROUND:
        chosen = [(place, epoch) for place, epoch in whole if epoch <= 1 or epoch % every == 0]
        gaps = [after - before for (before, epoch), (after, _) in pairwise(chosen) if epoch]
        if min(gaps, default=len(names)) >= len(names) / MOST_TICKS:
            break
    return [str(epoch) for _, epoch in chosen]
