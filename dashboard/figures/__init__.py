"""The figures: each a pure function, data in, plotly figure out.

Streamlit's theme gives them their fonts, backgrounds and grids, in light and dark alike.
"""

from dashboard.figures.answers import probabilities, signal
from dashboard.figures.curves import accuracy_curve, learning_rate_curve, loss_curve, per_layer_curve
from dashboard.figures.digits import class_counts, pixel_values, pixels
from dashboard.figures.mistakes import confusion, how_often
from dashboard.figures.style import NO_BAR, Beside, plain
from dashboard.figures.weights import grid_shape, weight_grid, weight_grid_aspect

__all__ = [
    "NO_BAR",
    "Beside",
    "accuracy_curve",
    "class_counts",
    "confusion",
    "grid_shape",
    "how_often",
    "learning_rate_curve",
    "loss_curve",
    "per_layer_curve",
    "pixel_values",
    "pixels",
    "plain",
    "probabilities",
    "signal",
    "weight_grid",
    "weight_grid_aspect",
]
