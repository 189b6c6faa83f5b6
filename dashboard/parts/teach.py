"""Wrong? Teach it: say what a drawing really is, and let the network learn that (fine-tuning)."""

import hashlib
import io
import zipfile
from dataclasses import dataclass

import numpy as np
import streamlit as st

from dashboard import figures, news, resources, session
from dashboard.parts import picture, pulse
from dashboard.words import a, count, duration, sentence
from nnlib.digits import N_CLASSES, idx_files
from nnlib.errors import NnlibError, StoreError
from nnlib.model_files import Model
from nnlib.reading import ReadDigit
from nnlib.runs import CORRECTIONS_PART, MOST_CORRECTIONS, Correction, Run, digits_of
from nnlib.runs import teach as begin_teaching
from nnlib.study import calibrate
from nnlib.words import percent

LOOK_SECONDS = 1.0  # between two looks at a network that learns
USUAL_SECONDS = 10  # that it takes, until it was done once on this machine
SHOWN = 60  # of the corrected digits: the newest
FORGOTTEN = 0.001  # of the test digits: a few more or less are chance
STYLE = """<style>
.st-key-what_it_is button { min-width: 2.75rem; min-height: 2.75rem; justify-content: center; }
.st-key-corrected { max-width: 48rem; }
</style>"""


@dataclass(frozen=True)
class Lesson:
    """What this visitor taught last: the run that learns, and the network that it began with, a run's at a step."""

    run_id: int
    before: tuple[int | None, int]


def teach(digit: ReadDigit | None, choice: session.Choice) -> None:
    """All of it, for the digit that was read, if one was, and the network that read it."""
    st.html(STYLE)
    kept = resources.corrections()
    lesson: Lesson | None = st.session_state.get("lesson")
    run = _run_of(lesson)
    if digit is not None:
        ask(digit, kept)
    if notice := st.session_state.pop("notice", None):  # a callback of a fragment cannot show one
        st.toast(notice, icon=":material/edit:")
    if problem := st.session_state.pop("not_taught", None):
        st.error(problem, icon=":material/error:")
    if kept:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="teach"):
            st.button(
                f"Teach it (about {duration(seconds(choice))})",
                icon=":material/school:",
                key="begin_teaching",
                disabled=run is not None and run.active,
                on_click=begin,
                args=(choice,),
                help="*Fine-tuning*: a copy of this network learns on for a short while, in small corrections, from "
                f"the {count(len(kept), 'corrected digit')} mixed with the digits that it knows, so that it does not "
                "forget them. This network stays as it is.",
            )
            st.caption(f"{count(len(kept), 'digit')} corrected so far. The more of one hand, the better.")
    # always there: the browser counts the time from answer to answer
    pulse.silent("teach", run is not None and run.active, LOOK_SECONDS)
    if lesson is not None and run is not None:
        show(lesson, run, digit)
    if kept or resources.damaged_corrections():
        list_all(kept)


# --- what a digit is ---


def ask(digit: ReadDigit, kept: list[Correction]) -> None:
    """Ten buttons; what one says is kept at once."""
    told = _told(digit, kept)
    key = f"what_it_is_{hashlib.sha256(digit.image.tobytes()).hexdigest()[:16]}"
    st.session_state[key] = told.label if told else None
    with st.container(key="what_it_is", gap="small"):
        st.segmented_control(
            "**Wrong?** Tell it what this is",
            list(range(N_CLASSES)),
            key=key,
            wrap=True,
            on_change=tell,
            args=(digit, key),
        )
        if told:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.caption(f"Kept: this is {a(told.label)}. It is not learned until you teach it.", width="content")
                st.button("Undo", icon=":material/undo:", key="untell", on_click=forget, args=(told.id,))


def _told(digit: ReadDigit, kept: list[Correction]) -> Correction | None:
    """What was said of this very digit before."""
    pixels = np.rint(digit.image * np.float32(255)).astype(np.uint8)
    return next((each for each in kept if np.array_equal(each.pixels, pixels)), None)


def tell(digit: ReadDigit, key: str) -> None:
    """Keep what the buttons say, or nothing where none is pressed any more; a callback."""
    label, store = st.session_state[key], resources.store()
    try:
        if label is not None:
            store.corrections.add(digit.image, label, digit.digit)
            st.session_state["notice"] = f"Kept: this is {a(label)}. Undo is below the ten digits."
            return
        if told := _told(digit, store.corrections.all()):
            store.corrections.delete(told.id)
    except NnlibError as error:
        st.session_state["not_taught"] = sentence(str(error))


def forget(number: int | None) -> None:
    """Forget a corrected digit, or all; it may be gone already."""
    try:
        if number is None:
            resources.store().corrections.delete_all()
        elif any(each.id == number for each in resources.corrections()):
            resources.store().corrections.delete(number)
        st.session_state["notice"] = "Forgotten here; networks that have learned it keep it."
    except NnlibError as error:
        st.session_state["not_taught"] = sentence(str(error))


# --- teaching ---


def begin(choice: session.Choice) -> None:
    """Let a copy of the network learn; a callback."""
    run = _run_of(st.session_state.get("lesson"))
    if run is not None and run.active:
        return  # the second half of a double click
    before = (choice.run.id if choice.run else None, choice.moment.step)
    directory = choice.run.data_directory if choice.run else resources.DATA_DIRECTORY
    parent = (choice.run.id, choice.moment.step) if choice.run else None
    try:
        run_id = begin_teaching(resources.store(), choice.model, resources.data(), directory, parent)
        st.session_state["lesson"] = Lesson(run_id, before)
    except NnlibError as error:
        st.session_state["not_taught"] = sentence(str(error))


def seconds(choice: session.Choice) -> float:
    """About how long it takes: as long as such a network took last time."""
    widths = choice.model.network.widths[1:-1]
    done = (
        each.last.seconds
        for each in resources.runs()
        if each.corrections and each.state == "finished" and each.last and each.config.hidden_widths == widths
    )
    return max(1.0, next(done, USUAL_SECONDS))


def _run_of(lesson: Lesson | None) -> Run | None:
    """The run that learns, as it stands; None where there is none, or none any more."""
    try:
        return resources.run(lesson.run_id) if lesson else None
    except StoreError:
        return None


def show(lesson: Lesson, run: Run, digit: ReadDigit | None) -> None:
    """How far it is, or what became of it."""
    text, share = news.how_far(run)
    moments = resources.snapshots(run.id)
    if run.active or not moments or run.state != "finished":
        st.progress(share or 0.0, sentence(text))
        if not run.active and run.message:
            st.warning(sentence(run.message), icon=":material/warning:")
        return
    after = (run.id, moments[-1].step)
    with session.sentences(), st.container(border=True, key="taught"):
        st.markdown(f"**Taught** in {duration(run.last.seconds if run.last else 0)} (*fine-tuning*): before → after")
        say_numbers(run, lesson.before, after, digit)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            used = st.session_state["run"] == run.id
            st.button(
                "This network is used now" if used else "Use this network from now on",
                icon=":material/check:" if used else ":material/swap_horiz:",
                key="use_taught",
                disabled=used,
                on_click=use,
                args=(run.id,),
            )
            st.page_link(
                "views/train.py",
                label=f"See run {run.id}",
                icon=":material/trending_up:",
                query_params={"run": str(run.id)},
            )
    if st.session_state.pop("taught_is_used", False):
        st.rerun()  # the whole page: the list of networks stands in the sidebar


def use(run_id: int) -> None:
    """Let all pages show the network that was taught; a callback."""
    session.look_at(run_id)
    st.session_state["taught_is_used"] = True


def say_numbers(run: Run, before: tuple[int | None, int], after: tuple[int, int], digit: ReadDigit | None) -> None:
    """Three numbers before and after, and what they mean."""
    n_digits = len(resources.taught(run.id))
    learned, test = (
        [share(*which, *extra) for which in (before, after)]
        for share, extra in ((resources.share_of_taught, (run.id,)), (_share_of_test, ()))
    )
    right = [round(each * n_digits) for each in learned]
    numbers = {
        "Corrected digits read right": f"{right[0]} → {right[1]} of {n_digits}",
        "Test digits read right": f"{test[0]:.2%} → {test[1]:.2%}",
    }
    if digit is not None:
        was, now = (_probabilities(resources.model(*which), digit) for which in (before, after))
        numbers["This drawing"] = f"{was.argmax()} → {now.argmax()} ({percent(now.max())} sure)"
    with st.container(horizontal=True, gap="medium", key="taught_numbers"):
        for label, value in numbers.items():
            st.metric(label, value, width="content")
    st.caption(f"{_say_learned(right[1], n_digits)} {_say_forgotten(test[0] - test[1])}")


def _probabilities(model: Model, digit: ReadDigit) -> np.ndarray:
    return calibrate(model.network.predict_proba(digit.image[None]), model.temperature)[0]


def _share_of_test(run_id: int | None, step: int) -> float:
    return resources.readings(run_id, step).accuracy


def _say_learned(right: int, n_digits: int) -> str:
    if right == n_digits:
        return "It has learned all that you told it."
    return "It has learned most of what you told it." if right > n_digits / 2 else "It has learned little of it."


def _say_forgotten(lost: float) -> str:
    if lost > FORGOTTEN:
        return "But it misreads more of the test digits now: so odd a hand costs something of all others."
    return (
        "And it has forgotten next to nothing: it reads about as many of the test digits, by other people, as before."
    )


# --- all that is kept ---


def list_all(kept: list[Correction]) -> None:
    """The corrected digits, to look through, save and delete."""
    opened = st.expander(
        f"The corrected digits ({len(kept):,})", icon=":material/edit:", key="corrected", on_change="rerun"
    )
    if not opened.open:
        return
    with opened:
        if damage := resources.damaged_corrections():
            st.warning(sentence(damage), icon=":material/broken_image:")
        shown = kept[::-1][:SHOWN]
        if shown:
            numbers = [each.id for each in shown]
            if st.session_state.get("correction") not in numbers:
                st.session_state["correction"] = numbers[0]
            st.caption(
                f"The newest first{f', {SHOWN} of {len(kept):,}' if len(kept) > SHOWN else ''}. At most "
                f"{MOST_CORRECTIONS:,} are kept, for everybody who uses this store."
            )
            captions = [(f"is {a(e.label)}", "" if e.answer is None else f"read as {e.answer}") for e in shown]
            html = figures.gallery(
                captions, digits_of(shown).images, numbers.index(st.session_state["correction"]), "Choose it"
            )
            picture.show(html, "corrections", f"{count(len(shown), 'corrected digit')}, each with its label.", choose)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="corrected_orders"):
            if shown:
                labels = {each.id: f"no. {each.id}, {a(each.label)}" for each in shown}
                number = st.selectbox(
                    "One of them",
                    numbers,
                    format_func=lambda each: labels.get(each, str(each)),
                    key="correction",
                    width=170,
                )
                st.button("Delete it", icon=":material/delete:", key="forget_one", on_click=forget, args=(number,))
                st.download_button(
                    "Save all",
                    lambda: _as_zip(kept),
                    "corrected-digits.zip",
                    "application/zip",
                    on_click="ignore",
                    icon=":material/folder_zip:",
                    help="As a pair of IDX files, in the form of MNIST's.",
                )
            sure = st.checkbox("I no longer need them", key="sure_of_corrections")
            st.button(
                "Delete all", icon=":material/delete_sweep:", key="forget_all", disabled=not sure, on_click=forget_all
            )


def choose() -> None:
    """The corrected digit that was clicked is the one in the box; a callback."""
    place, shown = picture.chosen("corrections"), resources.corrections()[::-1][:SHOWN]
    if place is not None and place < len(shown):
        st.session_state["correction"] = shown[place].id


def forget_all() -> None:
    """Forget all of them, once; a callback."""
    st.session_state["sure_of_corrections"] = False
    forget(None)


def _as_zip(kept: list[Correction]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in idx_files(digits_of(kept), CORRECTIONS_PART).items():
            archive.writestr(name, content)
    return file.getvalue()
