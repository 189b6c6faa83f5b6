"""What goes on inside a training, and several trainings over each other."""

from collections.abc import Mapping, Sequence
from html import escape

import plotly.graph_objects as go

from dashboard.figures.style import BLUE, PLAIN, blank, linear_axis, log_axis
from nnlib.training import EpochRecord, Progress

# with each other and with light and dark paper, these can all be told apart; who sees no colours has the dashes
LINES = (
    *(("#4c6ef5", "solid"), ("#e8590c", "dash"), ("#2f9e44", "dot"), ("#be4bdb", "dashdot")),
    *(("#1098ad", "longdash"), ("#e64980", "solid"), ("#a9743b", "dash"), ("#868e96", "dot")),
)
FEW_POINTS = 30  # so few are marked: a run of a single epoch is no line
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


def overlay(curves: Mapping[str, Sequence[EpochRecord]], log_above: float) -> go.Figure:
    """The curves of runs by their names, at most as many as LINES: validation accuracy above, validation loss below.

    The loss has a logarithmic axis where one was `log_above` or more.
    """
    traces = []
    for (name, records), (colour, dash) in zip(curves.items(), LINES, strict=False):
        for axis, values, form in (
            ("y", [record.validation_accuracy for record in records], ".2%"),
            ("y2", [record.validation_loss for record in records], PLAIN),
        ):
            traces.append(
                go.Scatter(
                    x=[record.epoch for record in records],
                    y=values,
                    yaxis=axis,
                    name=escape(name),  # plotly would take its signs for HTML
                    legendgroup=name,
                    showlegend=axis == "y",
                    mode="lines+markers" if len(records) <= FEW_POINTS else "lines",
                    line={"color": colour, "dash": dash},
                    hovertemplate=f"%{{y:{form}}}",
                )
            )
    losses = [record.validation_loss for records in curves.values() for record in records]
    needs_log = max(losses, default=0) >= log_above
    figure = blank("How they learned, epoch by epoch", "epochs", "read right (accuracy)", 640)
    figure.add_traces(traces)
    figure.update_layout(
        margin_t=40,
        legend={"yref": "container", "y": 0.935, "yanchor": "top"},  # below the title, however many lines it takes
        xaxis_anchor="y2",
        # with no range of its own, it makes the most of its height for those whose names are not clicked away
        yaxis={"domain": [0.54, 1], "minallowed": 0, "maxallowed": 1, "tickformat": ".1~%"},
        yaxis2={
            "domain": [0, 0.46],
            "title": f"loss{' (log scale)' if needs_log else ''}",
            "automargin": True,
            **(log_axis(losses, decades=12) if needs_log else linear_axis(losses)),
        },
        uirevision="overlay",
    )
    return figure
