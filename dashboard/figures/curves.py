"""What goes on inside a training, and several trainings over each other."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.style import BLUE, GREEN, PLAIN, blank, linear_axis, log_axis
from nnlib.training import EpochRecord, Progress

# with each other and with light and dark paper, these can all be told apart; who sees no colours has the dashes
LINES = (
    *(("#4c6ef5", "solid"), ("#e8590c", "dash"), ("#2f9e44", "dot"), ("#be4bdb", "dashdot")),
    *(("#1098ad", "longdash"), ("#e64980", "solid"), ("#a9743b", "dash"), ("#868e96", "dot")),
)
FEW_POINTS = 30  # so few are marked: a run of a single epoch is no line
HEIGHT_PX = 340
# a healthy training moves each layer by about a thousandth of its length a correction (Karpathy, CS231n, "Babysitting
# the learning process"); within three times that, nobody would worry
HEALTHY_RATIO, HEALTHY = 1e-3, (3e-4, 3e-3)
MOST_RATIO = 100.0  # that room is made for


def learning_rate_curve(records: Sequence[EpochRecord], progress: Sequence[Progress], log: bool = True) -> go.Figure:
    """The learning rate that was really used, with schedule and changes by hand."""
    points = sorted({(p.epoch, p.learning_rate) for p in progress} | {(r.epoch, r.learning_rate) for r in records})
    rates = [rate for _, rate in points]
    figure = blank("How big each correction was", "epochs", "learning rate", HEIGHT_PX)
    figure.add_scatter(
        x=[epoch for epoch, _ in points],
        y=rates,
        mode="lines",
        line={"color": BLUE},
        name="learning rate",
        hovertemplate=f"%{{y:{PLAIN}}}",
    )
    # schedules end at next to nothing, which would leave no room for the rest
    _scale(figure, rates or [1e-3], log, decades=4)
    return figure


def per_layer_curve(
    title: str,
    y: str,
    epochs: Sequence[int],
    values: Sequence[Sequence[float]],
    names: Sequence[str],
    log: bool = False,
) -> go.Figure:
    """One line for each layer: values[epoch][layer]. An epoch of which nothing is known has no values."""
    dashes = ("solid", "dot", "dash", "dashdot", "longdash", "longdashdot", "solid")
    known = [(epoch, each) for epoch, each in zip(epochs, values, strict=True) if each]
    figure = blank(title, "epochs", y, HEIGHT_PX)
    for index, name in enumerate(names):
        figure.add_scatter(
            x=[epoch for epoch, _ in known],
            y=[each[index] for _, each in known],
            name=name,
            mode="lines" if len(known) != 1 else "markers",  # a line needs two
            line={"dash": dashes[index % len(dashes)]},
            hovertemplate=f"%{{y:{PLAIN}}}",
        )
    _scale(figure, [value for _, each in known for value in each], log)
    return figure


def overlay(
    curves: Mapping[str, Sequence[EpochRecord]],
    log_above: float,
    changes: Mapping[str, Sequence[tuple[float, str]]] | None = None,
) -> go.Figure:
    """The curves of runs by their names, at most as many as LINES: validation accuracy above, validation loss below.

    The loss has a logarithmic axis where one was `log_above` or more. `changes` says of a run at which epochs its
    settings were changed, and how: each has a mark on both its lines.
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
            marks = (changes or {}).get(name, ()) if records else ()
            if marks:
                traces.append(
                    go.Scatter(
                        x=[epoch for epoch, _ in marks],
                        y=np.interp([epoch for epoch, _ in marks], [record.epoch for record in records], values),
                        yaxis=axis,
                        legendgroup=name,
                        showlegend=False,
                        mode="markers",
                        marker={
                            "color": colour,
                            "symbol": "diamond",
                            "size": 11,
                            "line": {"color": "white", "width": 1},
                        },
                        hovertemplate=[f"{escape(text)}<extra></extra>" for _, text in marks],
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


def update_ratio_curve(
    epochs: Sequence[int], ratios: Sequence[Sequence[float]], names: Sequence[str], log: bool = True
) -> go.Figure:
    """How far a correction moved each layer, as a share of its length, and how far is healthy."""
    figure = per_layer_curve("How far a correction moves it", "change / weights", epochs, ratios, names, log)
    found = [min(ratio, MOST_RATIO) for each in ratios for ratio in each]
    _scale(figure, [*found, *HEALTHY], log)
    figure.add_hrect(*HEALTHY, fillcolor=GREEN, opacity=0.15, line_width=0, layer="below")
    figure.add_hline(HEALTHY_RATIO, line={"color": GREEN, "dash": "dash", "width": 1})
    return figure


def _scale(figure: go.Figure, values: Sequence[float], log: bool, decades: float = 12) -> None:
    axis = {"type": "linear", **linear_axis(values)} if not log else log_axis(values, decades)
    title = figure.layout.yaxis.title.text.removesuffix(" (log scale)")
    figure.update_yaxes(**axis, title=f"{title} (log scale)" if log else title)
    # another scale is another picture: what was zoomed into is no longer there
    figure.update_layout(uirevision=f"log {log}")
