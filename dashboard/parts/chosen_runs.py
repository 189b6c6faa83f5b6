"""What can be done with the runs that are chosen: compare their curves, name, note, tag, delete."""

from collections.abc import Sequence

import streamlit as st

from dashboard import figures, news, resources, session
from dashboard.parts.live_curves import LOSS_THAT_NEEDS_LOG
from dashboard.parts.run_table import differing
from dashboard.resources import spoken
from dashboard.words import escape, number, sentence
from nnlib.errors import StoreError
from nnlib.runs import LONGEST_NAME, LONGEST_NOTE, LONGEST_TAG, MOST_TAGS, Run
from nnlib.training import SETTINGS
from nnlib.words import count

TAGS_HELP = f"Words to find it by, with commas between: at most {MOST_TAGS}, each of at most {LONGEST_TAG} characters."
LONGEST_LABEL = 32  # letters beside a line: with eight of them, a phone still has room for the curves


def compare(runs: Sequence[Run]) -> None:
    """Their curves over each other, and in which settings they differ."""
    with_curves = [run for run in runs if run.last is not None]
    drawn = with_curves[: len(figures.LINES)]
    if not drawn:
        st.info("There is no curve to draw: no epoch was finished.")
        return
    curves = {_short(session.label(run)): resources.records(run) for run in drawn}
    changes = {
        _short(session.label(run)): [(each.epoch, each.text) for each in news.changes(run) if each.number]
        for run in drawn
    }
    st.plotly_chart(
        figures.overlay(curves, LOSS_THAT_NEEDS_LOG, changes),
        key="overlay",
        config=figures.NO_BAR,
        alt=spoken(f"Accuracy and loss on the validation digits, epoch by epoch, of {', '.join(curves)}."),
    )
    if len(drawn) < len(runs):
        more = len(with_curves) > len(drawn)
        why = "more lines could not be told apart" if more else "the others have finished no epoch"
        st.caption(f"Drawn are {len(drawn)} of the {len(runs)} chosen runs: {why}.")
    st.caption(
        spoken(
            "Each line is one run, on *validation digits*, which it never learns from: above, the higher the better; "
            "below, the lower the better. Where a loss turns and climbs again, the run has begun to learn its digits "
            "by heart (*overfitting*). A click on a name hides its line."
        )
        + (" A diamond is where a setting was changed." if any(changes.values()) else "")
    )
    if len(runs) > 1:
        _say_differences(drawn)


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"


def _say_differences(runs: Sequence[Run]) -> None:
    said = []
    for setting in map(SETTINGS.__getitem__, differing(runs)):
        both = [(setting.show(getattr(each, setting.name)) for each in (run.began_with, run.config)) for run in runs]
        values = dict.fromkeys(" → ".join(dict.fromkeys(began_and_now)) for began_and_now in both)
        said.append(f"{spoken(setting.term)}: {', '.join(values)}")
    st.caption(f"They differ in {escape('; '.join(said), most=600)}." if said else "All their settings are the same.")


def look_at(run: Run) -> None:
    """Make it the run that all pages show."""
    looked_at = st.session_state["run"] == run.id
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Look at it",
            icon=":material/visibility:",
            on_click=session.look_at,
            args=(run.id,),
            disabled=looked_at,
            help="All pages then show this run: its weights, its mistakes, its answers.",
        )
        if looked_at:
            st.page_link("views/train.py", label="See it on the page Train", icon=":material/trending_up:")


def describe(run: Run) -> None:
    """Fields for its name, note and tags."""
    # with the number in the keys: another run's fields are others
    with st.form(f"about_{run.id}", border=False):
        name = st.text_input("Name", run.name, key=f"name_{run.id}", help=f"1 to {LONGEST_NAME} characters.")
        tags = st.text_input("Tags", ", ".join(run.tags), key=f"tags_{run.id}", help=TAGS_HELP)
        note = st.text_area(
            "Note", run.note, key=f"note_{run.id}", help=f"At most {LONGEST_NOTE:,} characters.", height=90
        )
        saved = st.form_submit_button("Save", icon=":material/check:")
    if saved:
        with session.sentences():
            store = resources.store()
            store.annotate(run.id, note=note, tags=tags.split(","))
            if name != run.name:  # an older one may be longer than is allowed now
                store.rename(run.id, name)
            st.toast("Saved.", icon=":material/check:")
            st.rerun()  # the table and the list of runs stand above


def tag(runs: Sequence[Run]) -> None:
    """A field for tags that all of them get, or lose."""
    with st.form("tag_all", border=False):
        typed = st.text_input("Tags", key="tags_of_all", placeholder="good, for class", help=TAGS_HELP)
        with st.container(horizontal=True, gap="small"):
            added = st.form_submit_button(f"Add to all {len(runs)}", icon=":material/new_label:")
            removed = st.form_submit_button("Take away", icon=":material/label_off:")
    tags = [tag.strip() for tag in typed.split(",")]
    if (added or removed) and not any(tags):
        st.warning("Write at least one tag first.")
    elif added or removed:
        with session.sentences():
            store = resources.store()
            for run in runs:
                others = [tag for tag in store.run(run.id).tags if tag not in tags]
                store.annotate(run.id, tags=[*others, *tags] if added else others)
            st.toast("Added to all of them." if added else "Taken away.", icon=":material/check:")
            st.rerun()


def delete(runs: Sequence[Run]) -> None:
    """A button that deletes them, once it is said that this is meant."""
    numbers = [run.id for run in runs]
    what = f"run {numbers[0]}" if len(runs) == 1 else f"{len(runs)} runs"
    # with the numbers in its key: it is not meant for other runs
    sure = st.checkbox(
        f"I no longer need {'this run' if len(runs) == 1 else f'these {len(runs)} runs'}",
        key=f"sure_{hash(tuple(sorted(numbers)))}",
    )
    if sure:
        room = number(resources.store().used_bytes(*numbers) / 2**20, 2)
        st.caption(f"That gives back {room} MB of the disk, and cannot be undone.")
    st.button(f"Delete {what}", icon=":material/delete:", disabled=not sure, on_click=_delete, args=(numbers,))
    if problem := st.session_state.pop("not_deleted", None):
        st.error(problem, icon=":material/error:")


def _delete(numbers: list[int]) -> None:
    try:
        resources.store().delete_runs(numbers)
    except StoreError as error:
        st.session_state["not_deleted"] = sentence(str(error))
        return
    if st.session_state["run"] in numbers:
        session.look_at(session.PRETRAINED)
    st.toast(f"{count(len(numbers), 'run')} deleted.", icon=":material/delete:")
