"""What a run was made with, and what can be done with it: compare, save, delete."""

import contextlib
from functools import partial

import streamlit as st

from dashboard import figures, resources, session
from dashboard.parts.settings import MAIN_SETTINGS, use
from dashboard.words import escape
from nnlib.digits import N_CLASSES, N_PIXELS
from nnlib.errors import UnknownRunError
from nnlib.model_files import model_bytes, original_file_name
from nnlib.runs import Run
from nnlib.training import SETTINGS

FILES = {
    ".safetensors": "The usual form: numbers, settings and recipe; opens in many programs.",
    ".npz": "numpy's own form.",
    ".pkl": "As the first version of this project saved its networks.",
}


def rules_of(run: Run) -> None:
    """By which rules the run that is looked at learns, and a way to use them again."""
    st.subheader(f"Run {run.id}: {escape(run.name)}", anchor=False)
    settings = [SETTINGS[name] for name in (*MAIN_SETTINGS, "schedule", "seed")]
    said = " · ".join(f"{setting.term} {setting.show(getattr(run.config, setting.name))}" for setting in settings)
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.caption(said)
    right.button("Use these rules", on_click=use, args=(run.config,), help="Copy them to the rules for the next run.")


def choose_beside(run: Run) -> figures.Beside | None:
    """Another run whose curve to draw beside this one's."""
    others = {other.id: other for other in resources.runs() if other.id != run.id and other.last is not None}
    if not others:
        return None
    chosen = st.selectbox(
        "Compare with",
        [None, *others],
        format_func=lambda i: "no other run" if i is None else session.label(others[i]),
        key="beside",
        persist_state="session",
    )
    return None if chosen is None else (f"run {chosen}", resources.curves(chosen)[0])


def what_next(run: Run) -> None:
    """Where to look at what was learned, and what can be done with it."""
    if run.last is not None:
        with st.container(horizontal=True, gap="small"):
            st.page_link("views/weights.py", label="See its weights", icon=":material/blur_on:")
            st.page_link("views/draw.py", label="Draw for it", icon=":material/draw:")
            st.page_link("views/mistakes.py", label="Study its mistakes", icon=":material/search:")
    with st.expander("Save or delete this network", icon=":material/save:"):
        moments = resources.snapshots(run.id)
        for suffix, purpose in FILES.items() if moments else ():
            widths = (N_PIXELS, *run.config.hidden_widths, N_CLASSES)
            name = original_file_name(widths) if suffix == ".pkl" else f"run-{run.id}{suffix}"
            st.download_button(
                f"Save as {name}",
                partial(model_bytes, resources.model(run.id, moments[-1].step), suffix),
                name,
                "application/octet-stream",
                on_click="ignore",
                icon=":material/download:",
                help=purpose,
            )
        sure = st.checkbox("I no longer need this run", key=f"sure_{run.id}")
        st.button(f"Delete run {run.id}", icon=":material/delete:", disabled=not sure, on_click=delete, args=(run.id,))


def delete(run_id: int) -> None:
    """Forget the run, if nobody else has done so yet."""
    with session.sentences(), contextlib.suppress(UnknownRunError):
        resources.store().delete_run(run_id)
    session.look_at(session.PRETRAINED)
    st.toast(f"Run {run_id} is deleted.", icon=":material/delete:")
