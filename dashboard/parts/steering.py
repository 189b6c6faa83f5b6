"""What can be ordered of a run while it learns: to wait, to go slowly, to learn on with other settings."""

import contextlib
import time
from typing import Any

import streamlit as st

from dashboard import resources, session
from dashboard.parts import settings
from dashboard.resources import spoken
from dashboard.words import count, sentence
from nnlib.errors import SettingError, StoreError
from nnlib.runs import Run, pace_of, worker
from nnlib.training import SETTINGS, STEERABLE, Setting
from nnlib.words import exact, typed

PACES = {"Full speed": 0.0, "10 batches a second": 10.0, "3 batches a second": 3.0, "1 batch a second": 1.0}
OTHER_SETTINGS = [SETTINGS[name] for name in STEERABLE if name != "learning_rate"]
OBEYED_SECONDS = 3.0  # until then, what was ordered is shown; an order takes half a second
MORE_EPOCHS = 10


def panel(run: Run) -> None:
    """All of it."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="orders"):
        buttons(run)
        if run.active:
            step_by_step(run)
    if run.active:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="steering"):
            learning_rate(run)
        other_settings(run)
        if text := st.session_state.pop(f"refused_{run.id}", None):
            st.error(text, icon=":material/error:")
    elif run.state == "finished":
        more_epochs(run)


# --- how it goes on ---


def buttons(run: Run) -> None:
    """Pause or Resume, and Stop."""
    # Callbacks, since no rerun in between can swallow them; and one button for both words, or the two would
    # stand side by side for a moment, and Stop slip away from under the pointer.
    going = run.state in ("queued", "running")
    st.button(
        "Pause" if going else "Resume",
        icon=":material/pause:" if going else ":material/resume:",
        key="pause_or_resume",
        disabled=not (run.active or run.resumable),
        on_click=send if going else resume,
        args=(run, "pause") if going else (run,),
        width=130,  # for either word
    )
    st.button("Stop", icon=":material/stop:", disabled=not run.active, on_click=send, args=(run, "stop"))


def step_by_step(run: Run) -> None:
    """One batch or one epoch more of a run that waits, and how fast it goes."""
    waits = run.state == "paused"
    for order, label, what in (
        ("batch", "One batch", spoken("Look at one batch of digits, correct the weights once, and wait again.")),
        ("epoch", "One epoch", spoken("Look at every training digit once more, and wait again.")),
    ):
        st.button(
            label,
            icon=":material/skip_next:",
            disabled=not waits,
            on_click=send,
            args=(run, order),
            help=what if waits else f"{what} Pause it first.",
        )
    now = _shown(run, "pace", pace_of(resources.happenings(run.id)))
    key = f"live_pace_{run.id}"
    _put(key, min(PACES, key=lambda label: abs(PACES[label] - now)))
    st.selectbox(
        "Speed",
        list(PACES),
        key=key,
        on_change=_change,
        args=(run, "pace", key),
        width=200,
        help="In slow motion every single correction can be watched, here and on the other pages.",
    )


def send(run: Run, order: str, value: Any = None) -> None:
    """Tell the run's process what to do; it may just have ended, which the page then shows anyway."""
    with contextlib.suppress(StoreError):
        resources.store().send(run.id, order, value)


def resume(run: Run) -> None:
    """Let a run go on, in a new process where it has none."""
    with session.sentences():
        if run.resumable:
            worker.resume(resources.store(), run.id)
        else:
            send(run, "resume")


def more_epochs(run: Run) -> None:
    """A finished run goes on, as if it had been meant to."""
    most = int(SETTINGS["epochs"].high) - run.epoch
    if most < 1:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="more_epochs"):
        more = st.number_input("More epochs", 1, most, min(MORE_EPOCHS, most), key=f"more_{run.id}", width=140)
        st.button(
            f"Train {count(more, 'epoch')} more",
            icon=":material/fast_forward:",
            on_click=_go_on,
            args=(run,),
            help="It goes on from its end, as it would have if it had been given so many epochs at once; only a "
            "learning rate that follows a schedule is then at another place of it.",
        )


def _go_on(run: Run) -> None:
    with session.sentences():
        worker.resume(resources.store(), run.id, {"epochs": run.epoch + st.session_state[f"more_{run.id}"]})


# --- its settings ---


def learning_rate(run: Run) -> None:
    """The learning rate, by a slider with fine steps, or typed."""
    now = float(_shown(run, "learning_rate", run.config.learning_rate))
    slider, field = f"live_rate_{run.id}", f"live_typed_rate_{run.id}"
    _put(slider, now)
    _put(field, typed(now))
    with st.container(width=420):
        st.select_slider(
            "Learning rate, from the next batch on",
            settings.fine_learning_rates(now),
            key=slider,
            format_func=exact,
            on_change=_change,
            args=(run, "learning_rate", slider),
            help="How big each correction is. With a schedule, it is what the schedule starts from.",
        )
    st.text_input(
        "or type it",
        key=field,
        on_change=_change,
        args=(run, "learning_rate", field),
        width=110,
    )


def other_settings(run: Run) -> None:
    """All else that can be changed on the way."""
    opened = st.expander("Change other settings", icon=":material/tune:", key="live_others", on_change="rerun")
    if not opened.open:
        return
    with opened:
        st.caption("What you change holds from the next batch on, and is marked on the curves.")
        with st.container(key="live_settings"):
            for setting in OTHER_SETTINGS:
                if setting.name != "momentum" or run.config.optimizer == "sgd":
                    _live_control(run, setting)


def _live_control(run: Run, setting: Setting) -> None:
    key, now = f"live_{setting.name}_{run.id}", _shown(run, setting.name, getattr(run.config, setting.name))
    common: dict[str, Any] = {
        "key": key,
        "on_change": _change,
        "args": (run, setting.name, key),
        "help": spoken(f"{setting.label}: {setting.help} Allowed: {setting.limits}."),
    }
    label = f"{setting.term[:1].upper()}{setting.term[1:]}{f' ({setting.unit})' if setting.unit else ''}"
    if setting.choices:
        _put(key, now)
        st.selectbox(label, list(setting.choices), format_func=setting.choices.__getitem__, **common)
    else:
        _put(key, typed(now))
        st.text_input(label, **common)


def _change(run: Run, order: str, key: str) -> None:
    """Hand a widget's new value to the run, or say why not."""
    value = st.session_state[key]
    try:
        value = PACES[value] if order == "pace" else SETTINGS[order].check(value)
        resources.store().send(run.id, order, value)
    except SettingError as error:
        st.session_state[f"refused_{run.id}"] = sentence(settings.in_words(str(error)))
    except StoreError:
        pass  # it has just ended, which the page shows
    else:
        st.session_state[f"ordered_{run.id}_{order}"] = value, time.monotonic()


def _put(key: str, value: Any) -> None:
    """Let a widget show this; untouched where it does, or it would jump back while somebody moves it on."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value


def _shown(run: Run, order: str, now: Any) -> Any:
    """What was ordered a moment ago, until it is obeyed; else what is."""
    ordered, when = st.session_state.get(f"ordered_{run.id}_{order}", (now, 0.0))
    return ordered if time.monotonic() - when < OBEYED_SECONDS else now
