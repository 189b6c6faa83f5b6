"""Weights: what each unit of the first layer looks for, and how that came about."""

import streamlit as st

from dashboard import resources, session
from dashboard.parts import frame, moments, picture, units


def choose_unit() -> None:
    """Take the picture that was clicked."""
    unit = picture.chosen("weight_grid")
    if unit is not None:
        st.session_state["unit"] = unit


def look() -> None:
    """All units at one moment, and one of them closer."""
    moments.pick()
    choice = session.choice()
    network = choice.model.network
    n_units = network.dense_layers[0].weights.shape[1]
    left, right = frame.columns("weight_columns")
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
        units.show_one(network, unit)
    with left:
        st.header(f"All {n_units} units of {choice.title}", anchor=False)
        units.show_all(network, unit, choose_unit)
        st.caption(
            "**Click a picture** to enlarge it. Before the training they are noise. While the network learns, "
            + (
                "strokes, arcs and gaps appear. Nothing is learned about the rim, where there is never ink: it stays "
                "as it began, or fades where unused weights do."
                if resources.of_digits()
                else "forms appear: what each unit looks for."
            )
        )


st.title("What the first layer looks for", anchor=False)
st.markdown(
    "Every *unit* of the first layer has one number for each of the 784 pixels, its *weights*. Drawn as a picture, "
    "they show what it looks for: ink on :orange[**orange**] excites it, ink on :blue[**blue**] calms it, and where "
    "there is no colour, ink does not matter to it."
)
session.fragment(look)()
