"""The figures: each a pure function, data in, plotly figure out.

Streamlit's theme gives them their fonts, backgrounds and grids, in light and dark alike.
"""

from dashboard.figures.answers import probabilities, signal
from dashboard.figures.clicks import clicks, grid_shape
from dashboard.figures.curves import learning_rate_curve, per_layer_curve
from dashboard.figures.digits import class_counts, pixel_values, pixels
from dashboard.figures.style import NO_BAR, Beside, plain

__all__ = [
    "NO_BAR",
    "Beside",
    "class_counts",
    "clicks",
    "grid_shape",
    "learning_rate_curve",
    "per_layer_curve",
    "pixel_values",
    "pixels",
    "plain",
    "probabilities",
    "signal",
]
