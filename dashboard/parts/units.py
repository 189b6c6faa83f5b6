"""The units of the first layer: all their weights as pictures, and one of them closer."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from dashboard import figures, images, resources
from dashboard.parts import picture
from dashboard.resources import spoken
from nnlib.network import Activation, Network
from nnlib.study import unit_outputs

MOST_EXCITING = 12


@st.cache_resource(show_spinner=False, max_entries=16)
def _sheet(weights: np.ndarray) -> tuple[str, float]:
    """The picture of all units' weights (784, n), and the weight that gets the full colour."""
    limit = images.weight_limit(weights)
    return figures.units(weights, limit), limit


@st.cache_resource(show_spinner=False, max_entries=256)
def _exciting_digits(weights: np.ndarray, bias: float, activation: Activation) -> np.ndarray:
    """The test digits that a unit of weights (784,) reacts to most, by their numbers; none excites a dead unit."""
    outputs = unit_outputs(weights, bias, activation, resources.data().test.images)
    if outputs.min() == outputs.max():
        return np.array([], int)
    return np.argsort(-outputs, kind="stable")[:MOST_EXCITING]


def show_all(network: Network, chosen: int, choose: Callable[[], None]) -> None:
    """A picture for every unit, the chosen one in a frame; `choose` is called when one is clicked."""
    weights = network.dense_layers[0].weights
    n_units = weights.shape[1]
    sheet, _ = _sheet(weights)
    picture.show(
        figures.unit_cells(n_units, chosen, sheet),
        "weight_grid",
        f"{n_units} pictures of 28 by 28 pixels, one for each unit: blue below zero, orange above, clear at zero. "
        "The box Unit chooses one, too.",
        choose,
        reveals="unit_picture",
    )


def show_one(network: Network, unit: int) -> None:
    """One unit's weights, enlarged, and the digits that it reacts to most."""
    dense, test = network.dense_layers[0], resources.data().test
    _, limit = _sheet(dense.weights)
    own = dense.weights[:, unit]
    exciting = _exciting_digits(own, float(dense.biases[unit]), network.activation)
    weights = (
        f"{figures.unit(own, limit)}<p>Full orange is a weight of {limit:+.2f} or more, full blue {-limit:+.2f} or "
        f"less. This unit's own go from {own.min():+.2f} to {own.max():+.2f}.</p>"
    )
    alt = f"The 784 weights of unit {unit} as a picture."
    digits = ""
    if len(exciting):
        sheet = figures.ink(test.images[exciting], 6)
        digits = spoken(f"<div>{sheet}<p>The {len(exciting)} test digits that excite it most.</p></div>")
        alt += spoken(
            f" The test digits that excite it most: {', '.join(map(resources.class_name, test.labels[exciting]))}."
        )
    picture.show(f'<div class="unit"><div>{weights}</div>{digits}</div>', "unit_picture", alt)
    if not len(exciting):
        st.info(
            spoken("This unit is *dead*: it puts out the same for every test digit, so no digit excites it."),
            icon=":material/heart_broken:",
        )
