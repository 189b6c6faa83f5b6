"""What a run was made with, and what can be done with it: compare, look closer, save, delete."""

import contextlib
from functools import partial

import streamlit as st

from dashboard import address, figures, resources, session
from dashboard.parts import settings
from dashboard.resources import spoken
from dashboard.words import escape, number, sentence
from nnlib.digits import N_CLASSES, N_PIXELS
from nnlib.errors import StoreError, UnknownRunError
from nnlib.model_files import model_bytes, original_file_name
from nnlib.runs import DamagedRun, Run, Snapshot, export_run
from nnlib.training import PRESETS, SETTINGS

NO_RUN = 0  # among the numbers of the runs to compare with
FILES = {
    ".safetensors": "The usual form: numbers, settings and recipe; opens in many programs.",
    ".npz": "numpy's own form.",
    ".pkl": "As the first version of this project saved its networks.",
}


def choose_beside(run: Run) -> figures.Beside | None:
    """Another run whose curve to draw beside this one's."""
    others = {other.id: other for other in resources.runs() if other.id != run.id and other.last is not None}
    if not others:
        address.keep("beside", None)
        return None
    if isinstance(asked := address.asked_number("beside"), int):
        st.session_state["beside"] = asked
    if session.settle_number("beside") not in others:  # deleted since, or the run itself
        st.session_state["beside"] = NO_RUN
    chosen = st.selectbox(
        "Compare with",
        [NO_RUN, *others],
        format_func=lambda run_id: session.label(others[run_id]) if run_id else "no other run",
        key="beside",
        persist_state="session",
    )
    address.keep("beside", str(chosen) if chosen else None)
    return None if chosen == NO_RUN else (f"run {chosen}", resources.curves(chosen)[0])


def made_with(run: Run) -> None:
    """With which settings the run that is looked at learns, and a way to use them again."""
    name = settings.preset_of(run.config) or "quick"
    usual = PRESETS[name].config
    said = [
        f"{spoken(setting.term)} {setting.show(getattr(run.config, setting.name))}"
        for setting in SETTINGS.values()
        if setting.name in settings.MAIN_SETTINGS or getattr(run.config, setting.name) != getattr(usual, setting.name)
    ]
    with st.container(horizontal=True, vertical_alignment="center"):
        verb = "learns" if run.active else "learned"
        changed = " at last" if run.config != run.began_with else ""
        st.caption(f"Run {run.id} {verb}{changed} with {escape(' · '.join(said), most=600)}.", width="stretch")
        st.button(
            "Use these settings",
            on_click=settings.use,
            args=(run.config,),
            help="Copy them into the form for a new run.",
        )


def what_next(run: Run) -> None:
    """Where to look at what was learned, and what can be done with it."""
    if resources.snapshots(run.id):
        with st.container(horizontal=True, gap="small"):
            st.page_link("views/weights.py", label="See its weights", icon=":material/blur_on:")
            st.page_link("views/draw.py", label="Draw for it", icon=":material/draw:")
            st.page_link("views/mistakes.py", label="Study its mistakes", icon=":material/search:")
    with st.expander("Save or delete this network", icon=":material/save:"):
        moments = resources.snapshots(run.id)
        if moments:
            save(run, moments)
        st.download_button(
            f"Save all of run {run.id}",
            lambda: export_run(resources.store(), run.id),
            f"run-{run.id}.zip",
            "application/zip",
            on_click="ignore",
            icon=":material/folder_zip:",
            help="Its recipe, its curves and all its networks: to look at, fork and train on elsewhere.",
        )
        own, all_runs = resources.store().used_bytes(run.id), resources.store().used_bytes()
        st.caption(f"This run takes {_megabytes(own)} on the disk, all runs together {_megabytes(all_runs)}.")
        sure = st.checkbox("I no longer need this run", key=f"sure_{run.id}")
        st.button(f"Delete run {run.id}", icon=":material/delete:", disabled=not sure, on_click=delete, args=(run.id,))


def save(run: Run, moments: list[Snapshot]) -> None:
    """The network as files, as it was at a moment: at first its best epoch, or the moment that is looked at."""
    at = {moment.step: moment for moment in moments}
    best = next((each.step for each in moments if run.last and each.epoch == run.last.best_epoch), moments[-1].step)
    key = f"save_step_{run.id}"
    looked_at = st.session_state["step"]
    if st.session_state.get(f"looked_at_{run.id}") != looked_at or st.session_state.get(key) not in at:
        st.session_state[f"looked_at_{run.id}"] = looked_at
        st.session_state[key] = best if session.follows_newest() or looked_at not in at else looked_at
    step = st.selectbox(
        "As it was",
        sorted(at, reverse=True),
        format_func=lambda step: f"{at[step].moment}{', its best epoch' if step == best else ''}",
        key=key,
    )
    moment = at[step]
    when = f"epoch-{int(moment.epoch)}" if moment.whole_epoch else f"correction-{step}"
    for suffix, purpose in FILES.items():
        widths = (N_PIXELS, *run.config.hidden_widths, N_CLASSES)
        stem = original_file_name(widths).removesuffix(suffix) if suffix == ".pkl" else f"run-{run.id}"
        name = f"{stem}-{when}{suffix}"
        st.download_button(
            f"Save as {name}",
            partial(model_bytes, resources.model(run.id, step), suffix),
            name,
            "application/octet-stream",
            on_click="ignore",
            icon=":material/download:",
            help=purpose,
        )


def damaged() -> None:
    """The runs that can only be deleted."""
    lost_runs: list[DamagedRun] = []
    with contextlib.suppress(StoreError):  # which the sidebar says
        lost_runs = resources.damaged_runs()
    for lost in lost_runs:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(sentence(lost.message), icon=":material/broken_image:", width="stretch")
            st.button(f"Delete run {lost.id}", key=f"delete_{lost.id}", on_click=delete, args=(lost.id,))


def _megabytes(n_bytes: int) -> str:
    return f"{number(n_bytes / 2**20, 2)} MB"


def delete(run_id: int) -> None:
    """Forget the run, if nobody else has done so yet."""
    with session.sentences():
        with contextlib.suppress(UnknownRunError):
            resources.store().delete_run(run_id)
        session.look_at(session.PRETRAINED)
        st.toast(f"Run {run_id} is deleted.", icon=":material/delete:")
