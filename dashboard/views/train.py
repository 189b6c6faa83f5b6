"""Train: the settings, the run, and its curves while it learns."""

import streamlit as st

from dashboard import resources, session
from dashboard.parts import kept_run, live_curves, running, settings

st.title("Train a network", anchor=False)
resources.data()  # without digits there is nothing to train with: better said now than by every run
st.markdown(
    "It looks at digits, guesses, and after every *batch* corrects all its weights a little, so that the same guess "
    "would have been less wrong. **The learning rate decides how big each correction is.** Press Start and watch."
)
left, right = st.columns([1, 2.6], gap="large")
with left:
    settings.show()
with right:
    run = session.chosen_run()
    if run is None:
        st.subheader("Nothing is learning yet", anchor=False)
        st.markdown(
            "You are looking at the pretrained network, which has learned already. **Start** trains a new one by the "
            "rules on this page; its curves then grow here. A run that was made before is under *Network to look at*."
        )
        live_curves.library()
        live_curves.draw(None, None)
    else:
        kept_run.rules_of(run)
        curves_place, choice_place = st.container(), st.container()
        with choice_place:
            beside = kept_run.choose_beside(run)
        with curves_place:
            running.follow(run, beside)
        if not run.active:
            kept_run.what_next(run)
