"""What goes on inside a training: the learning rate, and what is measured of each layer."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures.style import BLUE, PLAIN, blank, linear_axis, log_axis
from nnlib.training import EpochRecord, Progress

LEVELS_THAT_NEED_LOG = 2000  # more than a layer has units; gradients of a healthy training are near 1


def learning_rate_curve(records: Sequence[EpochRecord], progress: Sequence[Progress]) -> go.Figure:
    """The learning rate that was really used, with schedule and changes by hand."""
    points = sorted({(p.epoch, p.learning_rate) for p in progress} | {(r.epoch, r.learning_rate) for r in records})
    figure = blank("How big each correction was: learning rate", "epochs", "learning rate (log scale)", 260)
    figure.add_scatter(
        x=[epoch for epoch, _ in points],
        y=[rate for _, rate in points],
        mode="lines",
        line={"color": BLUE},
        name="learning rate",
        hovertemplate=f"%{{y:{PLAIN}}}",
    )
    # schedules end at next to nothing, which would leave no room for the rest
    figure.update_yaxes(**log_axis([rate for _, rate in points] or [1e-3], decades=4))
    figure.update_layout(uirevision="training")
    return figure


def per_layer_curve(
    title: str, y: str, epochs: Sequence[int], values: Sequence[Sequence[float]], names: Sequence[str]
) -> go.Figure:
    """One line for each layer: values[epoch][layer]."""
    dashes = ("solid", "dot", "dash", "dashdot", "longdash", "longdashdot", "solid")
    figure = blank(title, "epochs", y, 280)
    for index, name in enumerate(names):
        figure.add_scatter(
            x=list(epochs),
            y=[each[index] for each in values],
            name=name,
            mode="lines",
            line={"dash": dashes[index % len(dashes)]},
            hovertemplate=f"%{{y:{PLAIN}}}",
        )
    found = [value for each in values for value in each]
    if max(found, default=0) > LEVELS_THAT_NEED_LOG:
        figure.update_yaxes(**log_axis(found, decades=12), title=f"{y} (log scale)")
    else:
        figure.update_yaxes(**linear_axis(found))
    figure.update_layout(uirevision="training")
    return figure
