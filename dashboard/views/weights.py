"""Weights: what each unit of the first layer looks for, and how that came about."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dashboard import figures, images, resources, session
from dashboard.parts import frame, moments
from nnlib.network import Activation
from nnlib.study import unit_outputs

MOST_EXCITING = 12


@st.cache_resource(show_spinner=False, max_entries=16)
def sheet(weights: np.ndarray) -> tuple[bytes, float]:
    """The picture of all units' weights (784, n), and the weight that gets the full colour."""
    columns, _ = figures.grid_shape(weights.shape[1])
    limit = images.weight_limit(weights)
    return images.weight_sheet(weights, limit, columns), limit


@st.cache_resource(show_spinner=False, max_entries=64)
def places(n_units: int, unit: int) -> go.Figure:
    """What takes the clicks on that picture."""
    columns, rows = figures.grid_shape(n_units)
    spots = [(spot % columns, spot // columns) for spot in range(n_units)]
    return figures.clicks(columns, rows, spots, list(range(n_units)), "unit %{customdata}", spots[unit])


@st.cache_resource(show_spinner=False, max_entries=256)
def enlarged(weights: np.ndarray, limit: float) -> bytes:
    """The picture of one unit's weights (784, 1)."""
    return images.weight_sheet(weights, limit, 1)


@st.cache_resource(show_spinner=False, max_entries=256)
def exciting_digits(weights: np.ndarray, bias: float, activation: Activation) -> tuple[bytes, list[int]] | None:
    """The test digits that a unit of weights (784,) reacts to most, as a sheet and as labels; None for a dead unit."""
    test = resources.data().test
    outputs = unit_outputs(weights, bias, activation, test.images)
    if outputs.min() == outputs.max():
        return None
    found = np.argsort(-outputs, kind="stable")[:MOST_EXCITING]
    return images.digit_sheet(test.images[found], 6), [int(label) for label in test.labels[found]]


def choose_unit() -> None:
    """Take the picture that was clicked."""
    points = st.session_state["weight_grid"].selection.points
    if points:
        st.session_state["unit"] = int(points[0]["customdata"])


st.title("What the first layer looks for", anchor=False)
st.markdown(
    "Every *unit* of the first layer has one number for each of the 784 pixels, its *weights*. Drawn as a picture, "
    "they show what it looks for: ink on :orange[**orange**] excites it, ink on :blue[**blue**] calms it, and where "
    "there is no colour, ink does not matter to it."
)
moments.pick()
choice = session.choice()
network = choice.model.network
dense = network.dense_layers[0]
n_units = dense.weights.shape[1]
picture, limit = sheet(dense.weights)

left, right = frame.columns("weight_columns", (2, 28), (1, 17))
with right:
    st.header("One unit, enlarged", anchor=False)
    if not 0 <= (st.session_state.get("unit") or 0) < n_units:
        st.session_state["unit"] = 0
    unit = st.number_input(
        f"Unit, 0 to {n_units - 1}",
        0,
        n_units - 1,
        key="unit",
        bind=session.bind_number("unit"),
        help="Or click on a picture.",
    )
    own = dense.weights[:, unit]
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=280, key="pixels_unit"):
            st.image(
                enlarged(own[:, None], limit),
                width=280,
                alt=f"The 784 weights of unit {unit} as a picture of 28 by 28 pixels.",
            )
            st.caption(
                f"Full orange is a weight of {limit:+.2f} or more, full blue {-limit:+.2f} or less. "
                f"This unit's own go from {own.min():+.2f} to {own.max():+.2f}."
            )
        with st.container(width=280, key="ink_exciting"):
            exciting = exciting_digits(own, float(dense.biases[unit]), network.activation)
            if exciting is None:
                st.info(
                    "This unit is *dead*: it puts out the same for every test digit, so no digit excites it.",
                    icon=":material/heart_broken:",
                )
            else:
                digits, labels = exciting
                said = ", ".join(str(label) for label in labels)
                st.image(digits, width=280, alt=f"The test digits that excite this unit most: {said}.")
                st.caption(f"The {len(labels)} test digits that excite it most.")
with left:
    st.header(f"All {n_units} units of {choice.title}", anchor=False)
    columns, rows = figures.grid_shape(n_units)
    # the figure above the picture stays as it is while the network learns: nothing is drawn anew, nothing flickers
    with frame.layers("pixels_weights", columns / rows):
        st.image(
            picture,
            width="stretch",
            alt=f"{n_units} pictures of 28 by 28 pixels, one for each unit: "
            "blue below zero, orange above, clear at zero.",
        )
        st.plotly_chart(
            places(n_units, unit),
            height="stretch",
            key="weight_grid",
            on_select=choose_unit,
            selection_mode="points",
            config=figures.NO_BAR,
            alt=f"{n_units} places to click, one for each unit; the box Unit does the same.",
        )
    st.caption(
        "**Click a picture** to enlarge it. Before the training they are noise. While the network learns, strokes, "
        "arcs and gaps appear. Nothing is learned about the rim, where there is never ink: it stays as it began, or "
        "fades where unused weights do."
    )
