"""The curves of a training: loss, accuracy, learning rate, and what is measured of each layer."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures.style import BLUE, GREY, ORANGE, PLAIN, Beside, blank, linear_axis, log_axis
from nnlib.training import EpochRecord, Progress

LOSS_THAT_NEEDS_LOG = 10  # guessing costs 2.3: beyond, a training has been thrown far off
LEVELS_THAT_NEED_LOG = 2000  # more than a layer has units; gradients of a healthy training are near 1


def _curve(
    title: str,
    y: str,
    within: tuple[list[float], list[float]],
    training: tuple[list[int], list[float]],
    validation: tuple[list[int], list[float]],
    hover: str,
) -> go.Figure:
    figure = blank(title, "epochs (passes over all training digits)", y)
    figure.add_scatter(
        x=within[0],
        y=within[1],
        name="training, within the epoch",
        mode="lines",
        line={"color": BLUE, "width": 1},
        opacity=0.6,
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=training[0],
        y=training[1],
        name="training digits",
        mode="lines+markers",
        line={"color": BLUE, "dash": "dot"},
        marker={"symbol": "circle-open", "size": 6},
        hovertemplate=hover,
    )
    figure.add_scatter(
        x=validation[0],
        y=validation[1],
        name="new digits (validation)",
        mode="lines+markers",
        line={"color": ORANGE, "width": 3},
        marker={"symbol": "diamond", "size": 6},
        hovertemplate=hover,
    )
    # the same for every redrawing: so a zoom stays while the curve grows
    figure.update_layout(uirevision="training", showlegend=True)
    figure.update_traces(showlegend=False, selector={"hoverinfo": "skip"})
    if len(training[0]) > 60:
        figure.update_traces(mode="lines")
    return figure


def loss_curve(
    records: Sequence[EpochRecord], progress: Sequence[Progress], epochs: int, beside: Beside | None = None
) -> go.Figure:
    """The loss of training and validation digits over the epochs; `beside` it, another run's."""
    x = [record.epoch for record in records]
    figure = _curve(
        "How wrong it is: loss",
        "loss (0 is perfect)",
        ([p.epoch for p in progress], [p.training_loss for p in progress]),
        (x, [record.training_loss for record in records]),
        (x, [record.validation_loss for record in records]),
        "%{y:.4f}",
    )
    if beside is not None:
        _add_beside(figure, beside, [record.validation_loss for record in beside[1]], "%{y:.4f}")
    figure.update_xaxes(range=[0, epochs * 1.02])
    losses = [p.training_loss for p in progress]
    losses += [loss for record in records for loss in (record.training_loss, record.validation_loss)]
    if max(losses, default=0) > LOSS_THAT_NEEDS_LOG:
        figure.update_yaxes(**log_axis(losses), title="loss (log scale; 0 would be perfect)")
    else:
        figure.update_yaxes(rangemode="tozero", autorangeoptions={"include": [0, 0.5]})
    return figure


def accuracy_curve(
    records: Sequence[EpochRecord], progress: Sequence[Progress], epochs: int, beside: Beside | None = None
) -> go.Figure:
    """The share of digits read right, of training and validation digits, over the epochs; likewise."""
    x = [record.epoch for record in records]
    figure = _curve(
        "How many it reads right: accuracy",
        "digits read right (%)",
        ([p.epoch for p in progress], [100 * p.training_accuracy for p in progress]),
        (x, [100 * record.training_accuracy for record in records]),
        (x, [100 * record.validation_accuracy for record in records]),
        "%{y:.2f} %",
    )
    if beside is not None:
        _add_beside(figure, beside, [100 * record.validation_accuracy for record in beside[1]], "%{y:.2f} %")
    figure.update_xaxes(range=[0, epochs * 1.02])
    figure.update_yaxes(autorangeoptions={"include": [100], "clipmin": 0, "maxallowed": 101})
    if not records and not progress:
        figure.update_yaxes(range=[0, 100])
    return figure


def _add_beside(figure: go.Figure, beside: Beside, values: list[float], hover: str) -> None:
    name, records = beside
    figure.add_scatter(
        x=[record.epoch for record in records],
        y=values,
        name=f"new digits, {name}",
        mode="lines",
        line={"color": GREY, "dash": "dash", "width": 2},
        hovertemplate=hover,
    )


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
