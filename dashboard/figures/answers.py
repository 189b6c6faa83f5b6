"""What a network makes of one digit: its ten probabilities, and the way through its layers."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.figures.style import BLUE, GREEN, ORANGE, blank

# Nothing to full, for pixels and units alike: clear, so that it is calm on the page's own ground, light or dark.
STRENGTH = [[0, "rgba(92, 124, 250, 0.1)"], [0.5, "rgba(92, 124, 250, 0.65)"], [1, "rgba(84, 116, 248, 1)"]]


def probabilities(
    values: np.ndarray, title: str = "How sure it is of each digit", height: int = 320, true: int | None = None
) -> go.Figure:
    """(10,) probabilities as bars, the highest in another colour; the `true` digit, where known, is marked."""
    best = int(np.argmax(values))
    names = [f"<b>{digit}<br>true</b>" if digit == true else str(digit) for digit in range(len(values))]
    percent = 100 * np.asarray(values, float)
    figure = blank(title, "digit", "probability (%)", height)
    figure.add_bar(
        x=names,
        y=percent,
        marker_color=[GREEN if d == true else ORANGE if d == best and values[best] > 0 else BLUE for d in range(10)],
        text=[f"{p:.0f}%" if p >= 0.5 else "" for p in percent],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{x}: %{y:.2f}%<extra></extra>",
    )
    figure.update_yaxes(range=[0, 115], tickvals=[0, 25, 50, 75, 100])
    figure.update_xaxes(type="category")
    figure.update_layout(hovermode="closest", margin_t=56)
    return figure


def signal(image: np.ndarray, activations: Sequence[np.ndarray], height: int = 260) -> go.Figure:
    """One digit's way through the network: (784,) pixels, then what every unit of each layer put out.

    Each layer is scaled to its own strongest unit; the last one, the probabilities, is drawn as bars.
    """
    *hidden, last = activations
    figure = make_subplots(
        rows=1,
        cols=len(activations) + 1,
        column_widths=[1.6, *(1 for _ in activations)],
        horizontal_spacing=0.03,
        subplot_titles=["784 pixels", *(f"{len(layer)} units" for layer in hidden), "10 answers"],
    )
    figure.add_heatmap(
        z=image.reshape(28, 28),
        colorscale=STRENGTH,
        zmin=0,
        zmax=1,
        hovertemplate="pixel: %{z:.2f}<extra></extra>",
        row=1,
        col=1,
    )
    for column, layer in enumerate(hidden, start=2):
        figure.add_heatmap(
            z=_as_grid(layer),
            colorscale=STRENGTH,
            xgap=1,
            ygap=1,
            zmin=min(0.0, float(layer.min())),
            zmax=max(float(layer.max()), 1e-6),
            hovertemplate="unit: %{z:.2f}<extra></extra>",
            row=1,
            col=column,
        )
    best = int(np.argmax(last))
    figure.add_bar(
        x=100 * last,
        y=[str(digit) for digit in range(len(last))],
        orientation="h",
        text=[str(digit) for digit in range(len(last))],
        textposition="outside",
        cliponaxis=False,
        marker_color=[ORANGE if digit == best else BLUE for digit in range(len(last))],
        hovertemplate="%{y}: %{x:.1f}%<extra></extra>",
        row=1,
        col=len(activations) + 1,
    )
    figure.update_traces(showscale=False, selector={"type": "heatmap"})
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", constrain="domain")
    for column in range(1, len(activations) + 1):
        x_axis = "x" if column == 1 else f"x{column}"
        figure.update_yaxes(scaleanchor=x_axis, row=1, col=column)
    figure.update_xaxes(range=[0, 115], row=1, col=len(activations) + 1)
    figure.update_yaxes(type="category", row=1, col=len(activations) + 1)
    figure.update_annotations(font_size=12)
    figure.update_layout(height=height, margin={"l": 5, "r": 5, "t": 34, "b": 5}, showlegend=False, dragmode=False)
    return figure


def _as_grid(layer: np.ndarray) -> np.ndarray:
    """(n,) outputs as a grid about twice as high as wide; what is left over stays empty."""
    columns = max(1, round(np.sqrt(len(layer) / 2)))
    rows = -(-len(layer) // columns)
    grid = np.full(rows * columns, np.nan)
    grid[: len(layer)] = layer
    return grid.reshape(rows, columns)
