"""Learning rates, tried: how the loss goes while the rate grows, and what single rates led to."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures.style import BLUE, GREEN, GREY, ORANGE, PLAIN, blank, log_axis, plain
from nnlib.training import LOWEST_RATE, SETTINGS, RatePoint, RateTrial, smooth

LOSSES = (0.07, 5.0)  # of interest: guessing costs 2.3, and what lies above is thrown about
HOVER = f"rate %{{x:{PLAIN}}}: loss %{{y:{PLAIN}}}"


def rate_curve(points: Sequence[RatePoint], trials: Sequence[RateTrial], suggested: float | None) -> go.Figure:
    """The range test as far as it has come, the rates that were tried, and the one that is suggested."""
    figure = blank("Loss against learning rate", "learning rate (log scale)", "loss (log scale)", 380)
    rates = [point.learning_rate for point in points]
    figure.add_scatter(
        x=rates,
        y=[point.loss for point in points],
        mode="lines",
        line={"color": GREY, "width": 1},
        opacity=0.5,
        showlegend=False,  # on a phone there is no room for three
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=rates,
        y=smooth(points),
        mode="lines",
        line={"color": BLUE, "width": 3},
        name="while the rate grows",
        hovertemplate=HOVER,
    )
    found = [trial for trial in trials if trial.loss is not None]
    figure.add_scatter(
        x=[trial.tried for trial in found],
        y=[trial.loss for trial in found],
        mode="markers",
        marker={"color": ORANGE, "size": 10},
        name="tried by itself",
        hovertemplate=HOVER,
    )
    if suggested is not None:
        figure.add_vline(x=suggested, line={"color": GREEN, "dash": "dash"})
        figure.add_annotation(
            x=math.log10(suggested),  # plotly takes a logarithm here, and the number itself for a line
            y=1,
            yref="paper",
            text=f"suggested: {plain(suggested)}",
            showarrow=False,
            xanchor="right",
            yanchor="top",
            xshift=-6,
        )
    # the same from the first point on: so the curve grows into its place
    figure.update_xaxes(**log_axis([LOWEST_RATE, SETTINGS["learning_rate"].high]))
    lowest = min([LOSSES[0], *(trial.loss for trial in found if trial.loss is not None)])
    figure.update_yaxes(**log_axis([lowest, LOSSES[1]]))
    figure.update_layout(uirevision="rate", hovermode="closest")
    return figure
