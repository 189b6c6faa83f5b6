"""The figures: each a pure function, data in, plotly figure out.

Streamlit's theme gives them their fonts, backgrounds and grids, in light and dark alike.
"""

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard import images
from nnlib.training import EpochRecord, Progress

BLUE, ORANGE, GREEN, GREY = "#5c7cfa", "#f08c00", "#40a060", "#8c95a8"
LOSS_THAT_NEEDS_LOG = 10  # guessing costs 2.3: beyond, a training has been thrown far off
ACTIVITY = [[0, "#eef1fb"], [0.5, "#748ffc"], [1, "#2b3a9e"]]  # silent to strong
Beside = tuple[str, Sequence[EpochRecord]]  # another run to compare with: its name and its records
NO_BAR = {"displayModeBar": False, "scrollZoom": False}


def _figure(title: str, x: str, y: str, height: int = 350) -> go.Figure:
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


def _curve(
    title: str,
    y: str,
    within: tuple[list[float], list[float]],
    training: tuple[list[int], list[float]],
    validation: tuple[list[int], list[float]],
    hover: str,
) -> go.Figure:
    figure = _figure(title, "epochs (passes over all training digits)", y)
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
    worst = max([p.training_loss for p in progress] + [record.training_loss for record in records], default=0)
    if worst > LOSS_THAT_NEEDS_LOG:
        figure.update_yaxes(type="log", dtick=1, title="loss (log scale; 0 would be perfect)")
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
    figure = _figure("How big each correction was: learning rate", "epochs", "learning rate (log scale)", 260)
    figure.add_scatter(
        x=[epoch for epoch, _ in points],
        y=[rate for _, rate in points],
        mode="lines",
        line={"color": BLUE},
        name="learning rate",
        hovertemplate="%{y:.3g}",
    )
    low, high = min([r for _, r in points if r > 0], default=1e-3), max([r for _, r in points], default=1e-3)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(max(high, low))) + 1)
    ticks = [float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]
    figure.update_yaxes(
        type="log",
        tickvals=ticks,
        ticktext=[f"{tick:g}" for tick in ticks],
        range=[math.log10(low) - 0.2, math.log10(max(high, low)) + 0.2],
    )
    figure.update_layout(uirevision="training")
    return figure


def per_layer_curve(
    title: str, y: str, epochs: Sequence[int], values: Sequence[Sequence[float]], names: Sequence[str]
) -> go.Figure:
    """One line for each layer: values[epoch][layer]."""
    dashes = ("solid", "dot", "dash", "dashdot", "longdash", "longdashdot", "solid")
    figure = _figure(title, "epochs", y, 280)
    for index, name in enumerate(names):
        figure.add_scatter(
            x=list(epochs),
            y=[each[index] for each in values],
            name=name,
            mode="lines",
            line={"dash": dashes[index % len(dashes)]},
            hovertemplate="%{y:.3g}",
        )
    figure.update_yaxes(rangemode="tozero")
    figure.update_layout(uirevision="training")
    return figure


def probabilities(
    values: np.ndarray, title: str = "How sure it is of each digit", height: int = 320, true: int | None = None
) -> go.Figure:
    """(10,) probabilities as bars, the highest in another colour; the `true` digit, where known, is marked."""
    best = int(np.argmax(values))
    names = [f"<b>{digit}<br>true</b>" if digit == true else str(digit) for digit in range(len(values))]
    percent = 100 * np.asarray(values, float)
    figure = _figure(title, "digit", "probability (%)", height)
    figure.add_bar(
        x=names,
        y=percent,
        marker_color=[GREEN if d == true else ORANGE if d == best and values[best] > 0 else BLUE for d in range(10)],
        text=[f"{p:.0f} %" if p >= 0.5 else "" for p in percent],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{x}: %{y:.2f} %<extra></extra>",
    )
    figure.update_yaxes(range=[0, 115], tickvals=[0, 25, 50, 75, 100])
    figure.update_xaxes(type="category")
    figure.update_layout(hovermode="closest")
    return figure


def class_counts(training: np.ndarray, test: np.ndarray) -> go.Figure:
    """How many examples of each digit there are: (10,) counts each."""
    figure = _figure("How many examples there are of each digit", "digit", "examples")
    names = [str(digit) for digit in range(len(training))]
    figure.add_bar(x=names, y=training, name="to learn from", marker_color=BLUE)
    figure.add_bar(x=names, y=test, name="to test with", marker_color=ORANGE, marker_pattern_shape="/")
    figure.update_xaxes(type="category")
    return figure


def pixel_values(counts: np.ndarray, edges: np.ndarray) -> go.Figure:
    """The share of pixels with each value: (n,) counts between (n + 1,) edges."""
    figure = _figure("How dark the pixels are", "pixel value (0 paper, 1 ink)", "share of all pixels (%, log scale)")
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=100 * counts / counts.sum(),
        width=np.diff(edges) * 0.9,
        marker_color=BLUE,
        hovertemplate="around %{x:.2f}: %{y:.2f} %<extra></extra>",
    )
    figure.update_yaxes(type="log", dtick=1)
    figure.update_layout(hovermode="closest")
    return figure


def pixels(image: np.ndarray, title: str) -> go.Figure:
    """One digit, (784,), with the value of each pixel under the pointer."""
    square = image.reshape(28, 28)
    figure = go.Figure(
        go.Heatmap(
            z=square,
            zmin=0,
            zmax=1,
            colorscale=[[0, "#ffffff"], [1, "#111111"]],
            showscale=False,
            xgap=0.5,
            ygap=0.5,
            hovertemplate="row %{y}, column %{x}: %{z:.2f}<extra></extra>",
        )
    )
    figure.update_layout(
        title={"text": title, "font_size": 16},
        height=340,
        margin={"l": 10, "r": 10, "t": 50, "b": 10},
        dragmode=False,
    )
    frame = {"showgrid": False, "zeroline": False, "showline": True, "mirror": True, "linecolor": GREY}
    figure.update_xaxes(title="column (pixels)", constrain="domain", **frame)
    figure.update_yaxes(title="row (pixels)", autorange="reversed", scaleanchor="x", constrain="domain", **frame)
    return figure


def confusion(matrix: np.ndarray, chosen: tuple[int, int] | None = None) -> go.Figure:
    """(10, 10) counts, row the true digit, column the answer; every cell can be clicked.

    The number stands in the cell; the colour of a mistake grows with it, right answers are green.
    `chosen` (true digit, answer) gets a frame. A point's customdata is [true digit, answer].
    """
    n = len(matrix)
    mistakes = matrix - np.diag(matrix.diagonal())
    # the square root, or one common mistake would leave all others without colour
    strengths = np.sqrt(mistakes / max(int(mistakes.max()), 1))
    np.fill_diagonal(strengths, -0.25)
    figure = _figure("True digits against answers", "what the network answered", "what the digit really was", 520)
    figure.add_heatmap(
        z=strengths,
        zmin=-0.25,
        zmax=1,
        colorscale=[[0, "#c3ecd0"], [0.1999, "#c3ecd0"], [0.2, "#f4f5f9"], [0.6, "#f7b267"], [1, "#e8590c"]],
        showscale=False,
        xgap=2,
        ygap=2,
        hoverinfo="skip",
    )
    # clicks on a heat map are not reported: these squares, which nobody sees, take them
    cells = [(true, answer) for true in range(n) for answer in range(n)]
    figure.add_scatter(
        x=[answer for _, answer in cells],
        y=[true for true, _ in cells],
        mode="markers+text",
        marker={"symbol": "square", "size": 28, "color": "rgba(0,0,0,0)"},
        unselected={"marker": {"opacity": 1}, "textfont": {"color": "#1c2233"}},
        text=[str(matrix[cell]) if matrix[cell] else "" for cell in cells],
        textfont={"color": "#1c2233", "size": 11},
        customdata=[list(cell) for cell in cells],
        hovertemplate="%{customdata[0]} read as %{customdata[1]}: %{text} times<extra></extra>",
        showlegend=False,
    )
    if chosen is not None:
        true, answer = chosen
        edges = {"x0": answer - 0.5, "x1": answer + 0.5, "y0": true - 0.5, "y1": true + 0.5}
        figure.add_shape(type="rect", **edges, line={"color": "#2b3a9e", "width": 3})
    axis = {"tickvals": list(range(n)), "showgrid": False, "zeroline": False, "constrain": "domain"}
    figure.update_xaxes(**axis, range=[-0.5, n - 0.5], side="top")
    figure.update_yaxes(**axis, range=[n - 0.5, -0.5], scaleanchor="x")
    figure.update_layout(height=None, hovermode="closest", clickmode="event+select", margin={"t": 90})
    return figure


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


def signal(image: np.ndarray, activations: Sequence[np.ndarray], height: int = 260) -> go.Figure:
    """One digit's way through the network: (784,) pixels, then what every unit of each layer put out.

    Each layer is scaled to its own strongest unit; the last one, the probabilities, is drawn as bars.
    """
    *hidden, last = activations
    figure = make_subplots(
        rows=1,
        cols=len(activations) + 1,
        horizontal_spacing=0.03,
        subplot_titles=["784 pixels", *(f"{len(layer)} units" for layer in hidden), "10 answers"],
    )
    figure.add_heatmap(
        z=image.reshape(28, 28),
        colorscale=[[0, "#ffffff"], [1, "#111111"]],
        zmin=0,
        zmax=1,
        hovertemplate="pixel: %{z:.2f}<extra></extra>",
        row=1,
        col=1,
    )
    for column, layer in enumerate(hidden, start=2):
        figure.add_heatmap(
            z=_as_grid(layer),
            colorscale=ACTIVITY,
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
        hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
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
