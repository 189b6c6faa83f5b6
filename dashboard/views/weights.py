"""Weights: what each unit of the first layer looks for, and how that came about."""

import numpy as np
import streamlit as st

from dashboard import figures, images, resources, session
from dashboard.parts import frame, moments

MOST_EXCITING = 12


def exciting_digits(choice: session.Choice, unit: int) -> np.ndarray:
    """The indices of the test digits for which the unit's sum is highest, the highest first."""
    dense = choice.model.network.dense_layers[0]
    sums = resources.data().test.images @ dense.weights[:, unit]
    return np.argsort(-sums)[:MOST_EXCITING]


def choose_unit() -> None:
    """Take the picture that was clicked."""
    points = st.session_state["weight_grid"].selection.points
    if points:
        st.session_state["unit"] = int(points[0]["customdata"])


st.title("What the first layer looks for", anchor=False)
st.markdown(
    "Every *unit* of the first layer has one *weight* for each of the 784 pixels. Drawn as a picture, they show what "
    "it looks for: ink on :orange[**orange**] excites it, ink on :blue[**blue**] calms it, white does not matter to it."
)
moments.pick()
choice = session.choice()
weights = choice.model.network.dense_layers[0].weights
n_units = weights.shape[1]

left, right = st.columns([2, 1], gap="large")
with right:
    st.subheader("One unit, enlarged", anchor=False)
    if st.session_state.get("unit", 0) >= n_units:
        st.session_state["unit"] = 0
    unit = st.number_input(
        f"Unit, 0 to {n_units - 1}",
        0,
        n_units - 1,
        key="unit",
        bind=session.bind_number("unit"),
        help="Or click on a picture.",
    )
    limit = images.weight_limit(weights)
    picture = images.weight_pictures(weights[:, [unit]], limit)[0]
    st.image(
        images.enlarge(picture, 10),
        width=280,
        alt=f"The 784 weights of unit {unit} as a picture of 28 by 28 pixels.",
    )
    st.caption(
        f"Full orange is a weight of {limit:+.2f} or more, full blue {-limit:+.2f} or less. "
        f"This unit's own go from {weights[:, unit].min():+.2f} to {weights[:, unit].max():+.2f}."
    )
    found = exciting_digits(choice, unit)
    test = resources.data().test
    st.image(
        images.enlarge(images.tiles(images.digit_pictures(test.images[found]), 6), 2),
        width=280,
        alt="The test digits that excite this unit most: " + ", ".join(str(d) for d in test.labels[found]) + ".",
    )
    st.caption("The twelve test digits that excite it most.")
with left:
    st.subheader(f"All {n_units} units of {choice.title}", anchor=False)
    with frame.frame("weight_frame", figures.weight_grid_aspect(n_units)):
        st.plotly_chart(
            figures.weight_grid(weights, unit),
            height="stretch",
            key="weight_grid",
            on_select=choose_unit,
            selection_mode="points",
            config=figures.NO_BAR,
            alt=f"{n_units} pictures of 28 by 28 pixels, one for each unit: "
            "blue below zero, orange above, white at zero.",
        )
    st.caption(
        "At epoch 0 they are noise. While the network learns, strokes, arcs and gaps appear. Nothing is learned about "
        "the rim, where there is never ink: it stays as it began, or fades where unused weights do."
    )
