"""The weights of the first layer as pictures: orange above zero, blue below, clear at zero. All as HTML."""

import numpy as np

from dashboard import images
from dashboard.figures.cells import cells, grid_shape
from dashboard.figures.digits import pixel_cells


def units(weights: np.ndarray, limit: float) -> str:
    """A picture for every unit, of weights (784, n); `limit` is the weight that gets the full colour.

    It belongs below the `cells` that take the clicks.
    """
    columns, _ = grid_shape(weights.shape[1])
    return f'<img src="{images.uri(images.weight_sheet(weights, limit, columns))}" alt="">'


def unit_cells(n_units: int, chosen: int, below: str) -> str:
    """A cell for each picture; the chosen one has a frame."""
    return cells(*grid_shape(n_units), [str(unit) for unit in range(n_units)], chosen, below, "unit {says}")


def unit(weights: np.ndarray, limit: float) -> str:
    """One unit's weights, (784,), enlarged, with the weight of each pixel under the pointer."""
    source = images.uri(images.weight_sheet(weights[:, None], limit, 1))
    return pixel_cells([f"{weight:+.2f}" for weight in weights], f'<img src="{source}" alt="">')
