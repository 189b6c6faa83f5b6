"""The landscape of the loss, as a map and as mountains, with the paths of trainings on it."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.style import blank, plain, some_ticks
from nnlib.study import Landscape, Path

# one hue from low to high, as the sea has on a map: the paths have the others, on light and dark pages alike
DEPTHS = ["#0b2545", "#13518a", "#2f86b8", "#7fbcd8", "#bddbea", "#dfe9f1"]
INK, PAPER, VEIL = "#0e1322", "#ffffff", "rgba(255, 255, 255, 0.88)"
LINES = (("#ff8c1a", "solid"), ("#e0218a", "dash"), ("#1f9d3f", "dot"), ("#8a5cf6", "dashdot"))
STEPS = 14  # of colour, from the lowest loss to the highest that is told apart
# a network that gives all ten digits the same probability has a loss of 2.3: what is twice as bad is all the same
HIGHEST = 2 * math.log(10)
LOWEST = 1e-6  # lower ones have the colour of this
MOST_MARKS = 7  # beside the bar, for a phone has no room for more
HEIGHT_PX = 560
BLOCK = (1.3, 1.3, 0.75)  # width, depth and height of the mountains
POINTS_BETWEEN = 8  # of a path, for each moment of it
SIGN = (0.2, 0.07)  # the room that a word takes on a phone, in widths and heights of the map


def landscape(found: Landscape) -> go.Figure:
    """The map: the darker, the lower the loss. Each path's dots have the colour of the loss it truly had there.

    The two may differ: a path also moves in all the directions that no map has.
    """
    whose = "its path" if len(found.paths) == 1 else "their paths"
    figure = blank(
        "The way down: the loss, seen from above",
        f"first main direction of {whose}",
        f"second main direction of {whose}",
        HEIGHT_PX,
    )
    height, low, high = _heights(found)
    figure.add_contour(
        x=found.x,
        y=found.y,
        z=height,
        customdata=[
            [f"loss {plain(loss)}, reads {accuracy:.1%}" for loss, accuracy in zip(losses, accuracies, strict=True)]
            for losses, accuracies in zip(found.loss, found.accuracy, strict=True)
        ],
        zmin=low,
        zmax=high,
        colorscale=DEPTHS,
        contours={"start": low, "end": high, "size": (high - low) / STEPS},
        line={"width": 0.5, "color": "rgba(255, 255, 255, 0.5)"},
        colorbar=_bar(low, high),
        hovertemplate="%{customdata}<extra>here</extra>",
    )
    for path, (color, dash) in zip(found.paths, LINES, strict=False):
        x, y = path.points.T
        line = {"mode": "lines", "x": x, "y": y, "legendgroup": path.name}
        figure.add_scatter(**line, line={"color": PAPER, "width": 6}, hoverinfo="skip", showlegend=False)
        figure.add_scatter(**line, line={"color": color, "width": 3, "dash": dash}, hoverinfo="skip", name=path.name)
        figure.add_scatter(
            x=x,
            y=y,
            mode="markers",
            marker={
                "size": 8,
                "color": np.log10(np.clip(path.loss, 10**low, 10**high)),
                "cmin": low,
                "cmax": high,
                "colorscale": DEPTHS,
                "line": {"color": color, "width": 2},
            },
            customdata=_says(path),
            hovertemplate="%{customdata}<extra></extra>",
            legendgroup=path.name,
            showlegend=False,
        )
    for (x, y), text, color, below in _signs(found):
        figure.add_annotation(
            x=x,
            y=y,
            text=text,
            showarrow=False,
            yshift=-19 if below else 19,
            bgcolor=VEIL,
            bordercolor=color,
            font={"color": INK, "size": 12},
        )
    figure.update_xaxes(range=[found.x[0], found.x[-1]], zeroline=False, showgrid=False)
    figure.update_yaxes(range=[found.y[0], found.y[-1]], zeroline=False, showgrid=False)
    figure.update_layout(hovermode="closest", uirevision="landscape")
    return figure


def mountains(found: Landscape) -> go.Figure:
    """The same as mountains that can be turned: the higher, the higher the loss."""
    figure = blank("The way down: the loss as mountains", "", "", HEIGHT_PX)
    height, low, high = _heights(found)
    size = (high - low) / STEPS
    figure.add_surface(
        x=found.x,
        y=found.y,
        z=height,
        cmin=low,
        cmax=high,
        colorscale=DEPTHS,
        colorbar=_bar(low, high),
        lighting={"ambient": 0.8, "diffuse": 0.4, "specular": 0.05, "roughness": 0.9},
        contours_z={"show": True, "start": low, "end": high, "size": size, "color": "rgba(255, 255, 255, 0.5)"},
        hoverinfo="skip",
    )
    for path, (color, dash) in zip(found.paths, LINES, strict=False):
        # between two moments, too, it stays on the ground
        line, moments = (
            {"x": points[:, 0], "y": points[:, 1], "z": _ground(found, height, points) + size / 3}
            for points in (_closer(path.points), path.points)
        )
        figure.add_scatter3d(
            **line,
            mode="lines",
            name=path.name,
            legendgroup=path.name,
            line={"color": color, "width": 7, "dash": dash},
            hoverinfo="skip",
        )
        figure.add_scatter3d(
            **moments,
            mode="markers",
            legendgroup=path.name,
            showlegend=False,
            marker={"size": 3.5, "color": color},
            customdata=_says(path),
            hovertemplate="%{customdata}<extra></extra>",
        )
    # how high the ground is, its colour says: numbers along edges that turn are hard to read
    edge = {"showticklabels": False, "showspikes": False, "showbackground": False}
    figure.update_layout(
        scene={
            "xaxis": {"title": {"text": "first direction"}, **edge},
            "yaxis": {"title": {"text": "second direction"}, **edge},
            "zaxis": {"title": {"text": "loss"}, **edge},
            "bgcolor": "rgba(0, 0, 0, 0)",
            "aspectratio": dict(zip("xyz", BLOCK, strict=True)),
            "camera": {"eye": _seen_best_from(found, height), "center": {"x": 0, "y": 0, "z": -0.1}},
        },
        dragmode="turntable",
        hovermode="closest",
        uirevision="mountains",
    )
    return figure


def _heights(found: Landscape) -> tuple[np.ndarray, float, float]:
    """The logarithms of the losses, (n, n), and the lowest and the highest that a colour tells apart."""
    lowest = max(min(float(found.loss.min()), *(float(path.loss.min()) for path in found.paths)), LOWEST)
    highest = max(HIGHEST, 2 * lowest)
    return np.log10(np.clip(found.loss, lowest, highest)), math.log10(lowest), math.log10(highest)


def _bar(low: float, high: float) -> dict:
    # the last one must not touch the word at the end
    marks = next(marks for marks in some_ticks(low, high - 0.15) if len(marks) <= MOST_MARKS)
    return {
        "title": {"text": "loss", "side": "top"},
        "orientation": "h",
        "y": -0.17,
        "yanchor": "top",
        "thickness": 12,
        "len": 1,
        "tickvals": [*np.log10(marks), high],
        "ticktext": [*map(plain, marks), "more"],
    }


def _says(path: Path) -> list[str]:
    return [
        f"{path.name}, {_when(epoch)}: loss {plain(loss)}" for epoch, loss in zip(path.epochs, path.loss, strict=True)
    ]


def _when(epoch: float) -> str:
    if not epoch:
        return "start"
    return f"epoch {epoch:.0f}" if epoch == int(epoch) else f"within epoch {math.ceil(epoch)}"


def _signs(found: Landscape) -> Iterator[tuple[np.ndarray, str, str, bool]]:
    """Words at some moments: where, what, in which colour, and whether below the path; none upon another."""
    taken: list[np.ndarray] = []
    size = np.array([np.ptp(found.x), np.ptp(found.y)])
    for path, index, text, color in _moments(found.paths):
        below = text == "start"
        place = path.points[index] / size + (0, -0.05 if below else 0.05)
        if all((np.abs(place - other) > SIGN).any() for other in taken):
            taken.append(place)
            yield path.points[index], text, color, below


def _moments(paths: Sequence[Path]) -> Iterator[tuple[Path, int, str, str]]:
    """The moments that are worth a word, the most important ones first."""
    drawn = [(path, color) for path, (color, _) in zip(paths, LINES, strict=False)]
    for path, color in drawn:
        yield path, 0, "start", INK if len(drawn) > 1 else color
    for path, color in drawn:
        yield path, len(path.epochs) - 1, f"end, {_when(path.epochs[-1])}", color
    for path, color in drawn:
        for index, epoch in enumerate(path.epochs):
            if epoch in (1, 2, 5, 10, 20, 50, 100, 200, 500):
                yield path, index, f"epoch {epoch:.0f}", color


def _ground(found: Landscape, height: np.ndarray, points: np.ndarray) -> np.ndarray:
    """How high the surface is at points (k, 2) on it, (k,): between four of its own, the mean by nearness."""
    side = len(found.x)
    places = [np.interp(points[:, axis], along, np.arange(side)) for axis, along in enumerate((found.x, found.y))]
    (column, right), (row, up) = ((np.minimum(place.astype(int), side - 2), place % 1) for place in places)
    below = height[row, column] * (1 - right) + height[row, column + 1] * right
    above = height[row + 1, column] * (1 - right) + height[row + 1, column + 1] * right
    return below * (1 - up) + above * up


def _closer(points: np.ndarray) -> np.ndarray:
    """A path's points (k, 2), and more between them."""
    at = np.linspace(0, len(points) - 1, (len(points) - 1) * POINTS_BETWEEN + 1)
    return np.stack([np.interp(at, np.arange(len(points)), along) for along in points.T], axis=1)


def _seen_best_from(found: Landscape, height: np.ndarray) -> dict[str, float]:
    """Where to look from for as little of the paths as can be to lie behind a mountain."""
    corner, size = np.array([found.x[0], found.y[0]]), np.array([np.ptp(found.x), np.ptp(found.y)])
    block = np.array(BLOCK)
    low, thickness = height.min(), np.ptp(height) or 1.0

    def up(points: np.ndarray) -> np.ndarray:
        return (_ground(found, height, points) - low) / thickness * block[2]

    points = np.concatenate([_closer(path.points) for path in found.paths])
    start = np.column_stack([(points - corner) / size * block[:2], up(points)])
    least, best = math.inf, (0.0, 0.0, 0.0)
    for turn in np.linspace(-0.75 * np.pi, 1.25 * np.pi, 16, endpoint=False):
        eye = (1.3 * math.cos(turn), 1.3 * math.sin(turn), 1.6)
        # along the lines of sight, from a path's points to where they leave the block
        sight = start[:, None] + np.linspace(0.03, 0.7, 24)[:, None] * (np.array(eye) + block / 2 - start)[:, None]
        across = sight[..., :2] / block[:2]
        ground = up((across * size + corner).reshape(-1, 2)).reshape(across.shape[:2])
        inside = ((across >= 0) & (across <= 1)).all(axis=-1)
        hidden = (inside & (ground > sight[..., 2])).any(axis=1).mean()
        if hidden < least:
            least, best = hidden, eye
    return dict(zip("xyz", best, strict=True))
