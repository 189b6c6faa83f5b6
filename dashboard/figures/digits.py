"""The digits themselves: how many there are, how dark they are, and one of them pixel by pixel."""

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.style import BLUE, GREY, INK, ORANGE, PAPER, PLAIN, blank, linear_axis, log_axis


def class_counts(training: np.ndarray, test: np.ndarray) -> go.Figure:
    """How many examples of each digit there are: (10,) counts each."""
    figure = blank("How many examples there are of each digit", "digit", "examples")
    names = [str(digit) for digit in range(len(training))]
    figure.add_bar(x=names, y=training, name="to learn from", marker_color=BLUE)
    figure.add_bar(x=names, y=test, name="to test with", marker_color=ORANGE, marker_pattern_shape="/")
    figure.update_xaxes(type="category")
    figure.update_yaxes(**linear_axis([*training, *test]))
    return figure


def pixel_values(counts: np.ndarray, edges: np.ndarray) -> go.Figure:
    """The share of pixels with each value: (n,) counts between (n + 1,) edges."""
    figure = blank("How dark the pixels are", "pixel value (0 paper, 1 ink)", "share of all pixels (%, log scale)")
    shares = 100 * counts / counts.sum()
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=shares,
        width=np.diff(edges) * 0.9,
        marker_color=BLUE,
        hovertemplate=f"around %{{x:.2f}}: %{{y:{PLAIN}}} %<extra></extra>",
    )
    figure.update_yaxes(**log_axis(shares))
    figure.update_layout(hovermode="closest")
    return figure


def pixels(image: np.ndarray, title: str) -> go.Figure:
    """One digit, (784,), with the value of each pixel under the pointer; as large as its place."""
    square = image.reshape(28, 28)
    figure = go.Figure(
        go.Heatmap(
            z=square,
            zmin=0,
            zmax=1,
            colorscale=[[0, PAPER], [1, INK]],
            showscale=False,
            xgap=0.5,
            ygap=0.5,
            hovertemplate="row %{y}, column %{x}: %{z:.2f}<extra></extra>",
        )
    )
    figure.update_layout(
        title={"text": title, "font_size": 16},
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        dragmode=False,
    )
    frame = {"showgrid": False, "zeroline": False, "showline": True, "mirror": True, "linecolor": GREY}
    figure.update_xaxes(title="column (pixels)", constrain="domain", **frame)
    figure.update_yaxes(title="row (pixels)", autorange="reversed", scaleanchor="x", constrain="domain", **frame)
    return figure
