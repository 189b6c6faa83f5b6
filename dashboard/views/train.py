"""Train: the settings, the run, and its curves while it learns."""

import streamlit as st

from dashboard import resources, session
from dashboard.parts import bring_in, form, go_back, inside, kept_run, live_curves, running, steering
from dashboard.resources import spoken

# Beside the run where there is room, above it in a row or two where there is less: the learning rate, Start and the
# curves are to be seen without scrolling. So are, where there is room, the orders to a run and what they do to it.
LAYOUT = """<style>
.st-key-train > :first-child { flex: 0 0 18.5rem; }
.st-key-train > :last-child { flex: 1 1 0; min-width: 0; }
.st-key-live_settings { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); align-items: end; }
@media (max-width: 1200px) {
    .st-key-train { flex-direction: column; flex-wrap: nowrap; gap: 0.5rem; }
    .st-key-form > :has(> .st-key-purpose) { display: none; }
    .st-key-train > :first-child, .st-key-train > :last-child { flex: none; width: 100%; }
    .st-key-of_run > :has(> .st-key-orders_place) { order: 1; }
    .st-key-of_run > :has(> .st-key-orders_place) ~ :not(:has(> .st-key-curves_place)) { order: 2; }
}
@media (min-width: 640px) and (max-width: 1200px) {
    .st-key-form { flex-direction: row; flex-wrap: wrap; align-items: end; }
    .st-key-form > * { flex: 1 1 100%; width: auto; }
    .st-key-form > .st-key-preset { flex: none; }
    .st-key-form > :has(> .st-key-rate) { flex: 1 1 14rem; }
    .st-key-form > .st-key-start { flex: 0 0 5.75rem; }
    .st-key-form > :has(> .st-key-main_numbers) { flex: 1 1 14rem; }
    .st-key-form > .st-key-find_rate { flex: 1 1 11rem; }
    .st-key-main_numbers { flex-wrap: nowrap; }
    .st-key-main_numbers > * { flex: 1 1 0; min-width: 0; }
    .st-key-other_settings { display: grid; grid-template-columns: 1fr 1fr; align-items: end; }
    .st-key-form > .st-key-more_settings:not(:has(details[open])) { flex: 1 1 12rem; }
}
</style>"""

st.html(LAYOUT)
st.title("Train a network", anchor=False)
resources.data()  # without digits there is nothing to train with: better said now than by every run
with st.container(horizontal=True, gap="medium", key="train"):
    with st.container():
        form.show()
    with st.container(key="of_run"):
        run, beside = session.chosen_run(), None
        # always in this order: the curves of a new run grow where there were none
        first, orders, curves = st.container(), st.container(key="orders_place"), st.container(key="curves_place")
        last, changes, below = (st.container() for _ in range(3))
        with below:
            if run is None:
                st.markdown(
                    "You are looking at the pretrained network, which has learned already. **Start** trains a new "
                    "one, and its curves grow here. Earlier runs are under *Network to look at*."
                )
            else:
                beside = kept_run.choose_beside(run)
                kept_run.made_with(run)
                go_back.panel(run)
                inside.panel(run)
                if not run.active:
                    kept_run.what_next(run)
        with curves:
            live_curves.draw(run, beside)
        if run is not None:
            # while it learns, no warning that comes may move a button away from under the pointer
            with last if run.active else first:
                running.say_what_is_wrong(run)
            with orders:
                steering.panel(run)
            with changes:
                running.list_changes(run)
bring_in.panel()
kept_run.damaged()
st.header("What happens when it learns", anchor=False)
st.markdown(
    spoken(
        "It looks at a *batch* of digits and guesses what each is. How far off its guesses are is one number, the "
        "*loss*: 0 would be perfect, and blind guessing costs 2.3. Then it turns all its weights a little, in the "
        "direction that makes the loss smaller: one correction. **The learning rate decides how big each correction "
        "is.** Once it has seen all its digits, an *epoch* is over, and the next begins."
    )
)
