"""What all figures have in common: colours, margins, titles, and numbers on their axes."""

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import plotly.graph_objects as go

from nnlib.training import EpochRecord

BLUE, ORANGE, GREEN, GREY = "#5c7cfa", "#f08c00", "#40a060", "#8c95a8"
Beside = tuple[str, Sequence[EpochRecord]]  # another run to compare with: its name and its records
NO_BAR = {"displayModeBar": False, "scrollZoom": False}
ZOOM = ["zoom2d", "pan2d", "autoScale2d", "toImage"]  # the buttons of a chart that can be zoomed and saved
PLAIN = ",.3~r"  # d3's name for: three digits that count, thousands apart, and never a power of ten
MOST_TICKS = 6


def blank(title: str, x: str, y: str, height: int = 350) -> go.Figure:
    """A figure with a title and named axes, and nothing in it."""
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


def bar(picture: str, name: str) -> dict[str, Any]:
    """Settings of a chart with buttons: zoom, and a camera that saves it under this name as a "png" or "svg"."""
    return {
        "displayModeBar": True,
        "displaylogo": False,
        "scrollZoom": False,
        "doubleClick": "autosize",
        "modeBarButtons": [ZOOM],
        # as wide as it is seen; dots twice as fine, for print
        "toImageButtonOptions": {"format": picture, "filename": name, "scale": 1 if picture == "svg" else 2},
    }


def plain(number: float) -> str:
    """A number as people write it, with three digits that count: 0.00002, 1,500, 20 million, never a power of ten."""
    if not math.isfinite(number):
        return "beyond all numbers"
    size = abs(number)
    if size >= 1e15:
        return f"{plain(number / 1e12)} trillion"
    for unit, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if size >= unit:
            return f"{plain(number / unit)} {name}"
    if size >= 100:
        return f"{number:,.0f}"
    return format(Decimal(f"{number:.3g}"), "f")


def log_axis(values: Sequence[float], decades: float = 50) -> dict:
    """A logarithmic axis that holds these values and has two to six ticks, in plain numbers.

    What lies more than `decades` powers of ten below the highest falls off its end, and so does what has no logarithm.
    """
    logarithms = [math.log10(value) for value in values if 0 < value < math.inf] or [0.0]
    high = max(logarithms) + 0.1
    low = max(min(logarithms) - 0.1, high - decades)
    wider = max(0.0, 0.8 - (high - low)) / 2  # a constant, too, stands between two ticks
    low, high = low - wider, high + wider
    ticks = next(ticks for ticks in some_ticks(low, high) if len(ticks) <= MOST_TICKS)
    return {"type": "log", "range": [low, high], "tickvals": ticks, "ticktext": [plain(tick) for tick in ticks]}


def linear_axis(values: Sequence[float]) -> dict:
    """An axis from zero that holds these values, its ticks in plain numbers."""
    highest = max((value for value in values if math.isfinite(value)), default=0) or 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    step = next(step for step in (power / 5, power / 2, power, 2 * power) if highest / step <= MOST_TICKS - 1)
    ticks = [step * n for n in range(MOST_TICKS) if step * n <= highest * 1.05]
    return {"range": [0, highest * 1.05], "tickvals": ticks, "ticktext": [plain(tick) for tick in ticks]}


def some_ticks(low: float, high: float) -> Iterator[list[float]]:
    """Ever fewer ticks between two powers of ten."""
    whole = range(math.floor(low), math.ceil(high) + 1)
    for digits, every in (((1, 2, 5), 1), *(((1,), every) for every in range(1, 100))):
        numbers = [float(f"{digit}e{power}") for power in whole if power % every == 0 for digit in digits]
        yield [number for number in numbers if low <= math.log10(number) <= high]
