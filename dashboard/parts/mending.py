"""What goes wrong in a run, in a sentence, and one click that mends it."""

from typing import Any

import streamlit as st

from dashboard import resources, session
from dashboard.parts import settings, steering
from dashboard.resources import spoken
from nnlib.runs import Run, worker
from nnlib.training import SETTINGS, Advice, describe


def show(run: Run, advice: Advice) -> None:
    """The sentence, and the button; of a run that learns, it stands below the curves, so a new one is announced."""
    if run.active and st.session_state.get("announced") != (run.id, advice.kind):
        st.session_state["announced"] = (run.id, advice.kind)
        st.toast(f"{spoken(advice.sentence)} Below the curves, one click mends it.", icon=":material/heart_broken:")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="advice"):
        st.warning(spoken(advice.sentence), icon=":material/heart_broken:", width="stretch")
        st.button(
            label(run, advice),
            icon=":material/healing:",
            key=f"mend_{run.id}",
            on_click=mend,
            args=(run, advice),
            help=_consequence(run, advice),
        )


def label(run: Run, advice: Advice) -> str:
    """What the click does: "Go back to epoch 3 with a learning rate of 0.001"."""
    changed = {name: value for name, value in advice.changes.items() if value != getattr(run.config, name)}
    what = " and ".join(_say(name, value) for name, value in changed.items()) or "the settings of now"
    if advice.live and run.active:
        return f"Go on with {what}"
    if advice.back_to is None:
        return f"Use {what} in a new run"
    return f"Go back to epoch {advice.back_to} with {what}" if advice.back_to else f"Start again with {what}"


def _say(name: str, value: Any) -> str:
    setting = SETTINGS[name]
    if setting.choices:
        return setting.show(value)
    if setting.kind is tuple:
        return f"{setting.term} {setting.show(value)}"
    article = "an" if setting.term[0] in "aeioL" else "a"  # an L2 penalty
    return f"{article} {setting.term} of {setting.show(value)}"


def _consequence(run: Run, advice: Advice) -> str:
    if advice.live and run.active:
        return "It holds from the next batch on, and is marked on the curves."
    if advice.back_to is None:
        return "Copies the settings of this run, with that change, into the form. Start then trains with them."
    stays = "This one stops, and can be resumed." if run.active else "This one stays as it is."
    return f"Another run begins there (a *fork*), which you then look at. {stays}"


def mend(run: Run, advice: Advice) -> None:
    """Do what the button says."""
    if st.session_state["run"] != run.id:
        return  # the second half of a double click
    if advice.live and run.active:
        for name, value in advice.changes.items():
            steering.send(run, name, value)
    elif advice.back_to is None:
        settings.use(run.config.with_changes(**advice.changes))
        st.toast("The settings are in the form: Start trains with them.", icon=":material/edit_note:")
    else:
        with session.sentences():
            _go_back(run, advice.back_to, advice.changes)


def _go_back(run: Run, epoch: int, changes: dict[str, Any]) -> None:
    store = resources.store()
    step = store.step_of(run.id, epoch)
    config = store.recipe(run.id).until(step).final_config.with_changes(**changes)
    forked = worker.fork(store, run.id, step, changes, f"{describe(config)}, from run {run.id}")
    if run.active:
        steering.send(run, "stop")
    session.look_at(forked)
