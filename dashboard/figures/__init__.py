"""The figures: each a pure function, data in, and out a chart of plotly's or, for pictures and bars, HTML.

The theme gives either its fonts and colours, in light and dark alike.
"""

from dashboard.figures.answers import probabilities, signal
from dashboard.figures.cells import cells
from dashboard.figures.curves import LINES, learning_rate_curve, overlay, per_layer_curve, update_ratio_curve
from dashboard.figures.digits import class_counts, gallery, ink, pixel_values, pixels, sheet
from dashboard.figures.distributions import distributions
from dashboard.figures.evidence import change, evidence, history, strongest_units
from dashboard.figures.landscape import landscape, mountains
from dashboard.figures.rates import rate_curve
from dashboard.figures.readings import boxes, digit_buttons, examples, inked, pictured, steps
from dashboard.figures.reliability import reliability
from dashboard.figures.style import NO_BAR, Beside, bar, plain
from dashboard.figures.threshold import cost
from dashboard.figures.weights import unit, unit_cells, units

__all__ = [
    "LINES",
    "NO_BAR",
    "Beside",
    "bar",
    "boxes",
    "cells",
    "change",
    "class_counts",
    "cost",
    "digit_buttons",
    "distributions",
    "evidence",
    "examples",
    "gallery",
    "history",
    "ink",
    "inked",
    "landscape",
    "learning_rate_curve",
    "mountains",
    "overlay",
    "per_layer_curve",
    "pictured",
    "pixel_values",
    "pixels",
    "plain",
    "probabilities",
    "rate_curve",
    "reliability",
    "sheet",
    "signal",
    "steps",
    "strongest_units",
    "unit",
    "unit_cells",
    "units",
    "update_ratio_curve",
]
