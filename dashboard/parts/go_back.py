"""A run is its recipe: go back to any moment of it, repeat it, or take the recipe along."""

import streamlit as st

from dashboard import resources, session
from dashboard.resources import spoken
from dashboard.words import sentence
from nnlib.errors import DamagedStoreError, NnlibError, SettingError
from nnlib.runs import Run, records_as_csv, worker
from nnlib.training import SETTINGS


def panel(run: Run) -> None:
    """All of it, for who opens it."""
    opened = st.expander("Go back, or repeat it", icon=":material/history:", key="go_back", on_change="rerun")
    if not opened.open:
        return
    with opened:
        try:
            recipe = resources.store().recipe(run.id)
        except DamagedStoreError as error:
            st.info(sentence(str(error)), icon=":material/info:")
            return
        st.markdown(
            "**Go back** to a moment of this run (*rewind*): another run begins as this one did, the same to the last "
            "bit, and waits there. Change its settings and let it go on (a *fork*). This run stays as it is."
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="rewind"):
            newest = resources.snapshots(run.id)[-1:]
            reached = newest[0].step if newest else 0
            best = run.last.best_epoch if run.last else 0
            st.number_input(
                "To the end of epoch",
                0,
                run.epoch,
                min(best, run.epoch),
                key=f"back_epoch_{run.id}",
                width=150,
                help="At first, its best epoch. 0 is before it has learned anything.",
            )
            st.number_input(
                "or to correction",
                0,
                reached,
                None,
                key=f"back_step_{run.id}",
                placeholder="any",
                width=150,
                help=spoken("One correction is one batch of digits. Where this is filled in, it counts."),
            )
            st.button("Go back there", icon=":material/undo:", on_click=rewind, args=(run,))
        if run.weights is not None:
            learned = "" if run.corrections is None else spoken(" and learns from corrected digits")
            began = "a network from a file" if run.parent is None and not learned else "another network"
            st.caption(f"It began with {began}{learned}, which no recipe holds: save all of the run to take it along.")
            say_problem(run)
            return
        st.markdown(
            "**Repeat it** (*same recipe*): the same settings and the same changes at the same corrections. With the "
            "same random seed it comes to the same last bit; with another one, you see how much was luck."
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="repeat"):
            st.text_input("Random seed", str(run.began_with.seed), key=f"repeat_seed_{run.id}", width=150)
            st.button("Repeat it", icon=":material/replay:", on_click=repeat, args=(run,))
        with st.container(horizontal=True, gap="small"):
            st.download_button(
                "Recipe",
                recipe.to_json(),
                f"run-{run.id}-recipe.json",
                "application/json",
                on_click="ignore",
                icon=":material/download:",
                help="All that decides this run. python -m nnlib train --recipe FILE repeats it.",
            )
            st.download_button(
                "Curves as a table",
                lambda: records_as_csv(resources.curves(run.id)[0]),
                f"run-{run.id}.csv",
                "text/csv",
                on_click="ignore",
                icon=":material/download:",
                help="One row for each epoch, as CSV.",
            )
        say_problem(run)


def say_problem(run: Run) -> None:
    """Why what was asked for could not be."""
    if text := st.session_state.pop(f"not_back_{run.id}", None):
        st.error(text, icon=":material/error:")


def rewind(run: Run) -> None:
    """Begin a run that waits at the moment in the fields, and look at it."""
    # read here: what was typed a moment ago comes with the click
    epoch, step = st.session_state[f"back_epoch_{run.id}"], st.session_state[f"back_step_{run.id}"]
    try:
        store = resources.store()
        at = store.step_of(run.id, epoch) if step is None else step
        session.look_at(worker.fork(store, run.id, at, {}, pause=True))
        st.session_state["beside"] = run.id  # what it was compared with is what it is now
    except NnlibError as error:
        st.session_state[f"not_back_{run.id}"] = sentence(str(error))


def repeat(run: Run) -> None:
    """Begin a run with the same recipe and the seed in the field, and look at it."""
    seed = st.session_state[f"repeat_seed_{run.id}"]
    try:
        recipe = resources.store().recipe(run.id).with_seed(SETTINGS["seed"].check(seed))
        name = f"{run.name.split(', repeats run')[0]}, repeats run {run.id}"
        session.look_at(worker.start(resources.store(), recipe, name, run.data_directory))
    except SettingError as error:
        st.session_state[f"not_back_{run.id}"] = sentence(str(error).replace("seed", SETTINGS["seed"].term, 1))
    except NnlibError as error:
        st.session_state[f"not_back_{run.id}"] = sentence(str(error))
