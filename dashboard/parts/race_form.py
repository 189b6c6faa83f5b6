"""What is to race: a setting, its values and how long; all other settings are those of the form on the page Train."""

import time

import streamlit as st

from dashboard import address, resources
from dashboard.parts import settings
from dashboard.resources import spoken
from dashboard.words import sentence
from nnlib.errors import SettingError, StoreError
from nnlib.runs import race
from nnlib.training import SETTINGS, TrainingConfig, describe

FIRST_SETTING, FIRST_EPOCHS = "learning_rate", "6"
FIELDS = ("race_setting", "race_values", "race_epochs")


def show() -> None:
    """The form, and under it with which other settings all of them learn."""
    config, wrong = _read()
    raced = SETTINGS[st.session_state["race_setting"]]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="race_form"):
        st.selectbox(
            "Setting to race",
            list(SETTINGS),
            format_func=lambda name: spoken(SETTINGS[name].term),
            key="race_setting",
            persist_state="session",
            on_change=_suggest_values,
            help=spoken(f"All networks are the same but for this one setting. {raced.label}: {raced.help}"),
        )
        st.text_input(
            f"{race.FEWEST} to {race.MOST} values, with {'/' if raced.kind is tuple else 'commas'} between",
            key="race_values",
            persist_state="session",
            help=spoken(f"Each is one network. Allowed: {raced.limits}. {raced.advice}"),
        )
        st.text_input(
            "Epochs",
            key="race_epochs",
            persist_state="session",
            disabled=raced.name == "epochs",
            help=spoken("How often each of them sees every digit. A few are enough to see who is ahead."),
        )
        st.button(
            "Start the race",
            key="race_start",
            type="primary",
            icon=":material/flag:",
            disabled=bool(wrong),
            on_click=start,
        )
    for text in (*wrong, *filter(None, [st.session_state.pop("race_not_started", None)])):
        st.error(text, icon=":material/error:")
    if config is not None:
        name = (
            describe(config.with_changes(epochs=settings.FIRST.epochs)) if raced.name != "epochs" else describe(config)
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="race_settings"):
            st.caption(f"All else is as in the form on the page Train: {name}.", width="content")
            st.page_link("views/train.py", label="Change it there", icon=":material/tune:")


def start() -> None:
    """Start the race that stands in the form, and look at it; once, also for a double click."""
    config, wrong = _read()
    if config is None or wrong:
        return  # the form says why
    asked = (config, *(st.session_state[field] for field in FIELDS))
    last, when = st.session_state.get("last_race", (None, 0.0))
    if last != asked or time.monotonic() - when > settings.AGAIN_SECONDS:
        try:
            setting = st.session_state["race_setting"]
            values = race.read_values(setting, st.session_state["race_values"])
            st.session_state["race"] = race.start_race(
                resources.store(), config, setting, values, resources.DATA_DIRECTORY
            )[0]
        except StoreError as error:
            st.session_state["race_not_started"] = sentence(str(error))
            return
    st.session_state["last_race"] = (asked, time.monotonic())


def start_ready_made() -> None:
    """Race learning rates around the one in the form of the page Train."""
    st.session_state["race_setting"] = FIRST_SETTING
    _suggest_values()
    start()


def _suggest_values() -> None:
    """Put values into the form that are worth a race."""
    config = settings.read_form()[0] or settings.FIRST
    setting = st.session_state["race_setting"]
    text = race.write_values(setting, race.usual_values(config, setting))
    st.session_state["race_values"] = st.session_state["race_suggested"] = text


def _read() -> tuple[TrainingConfig | None, list[str]]:
    """What all networks of the race have in common, or what is wrong in the form; for before its widgets."""
    config, wrong = settings.read_form()
    if wrong or config is None:
        wrong = [f"On the page Train: {text}" for text in wrong]
    for field in FIELDS:
        asked = address.asked(field)
        if asked is not None and (field != "race_setting" or asked in SETTINGS):
            st.session_state[field] = asked[:200]
    if st.session_state.setdefault("race_setting", FIRST_SETTING) not in SETTINGS:
        st.session_state["race_setting"] = FIRST_SETTING
    if st.session_state.get("race_values") in (None, st.session_state.get("race_suggested")):
        _suggest_values()  # the form on the page Train may have changed meanwhile
    st.session_state.setdefault("race_epochs", FIRST_EPOCHS)
    setting = st.session_state["race_setting"]
    if config is not None:
        try:
            if setting != "epochs":
                config = config.with_changes(epochs=st.session_state["race_epochs"])
            values = race.read_values(setting, st.session_state["race_values"])
            race.plan(config, setting, values, race.FEWEST)
            st.session_state["race_values"] = race.write_values(setting, values)
        except SettingError as error:
            wrong = [sentence(settings.in_words(str(error)))]
    for field, usual in zip(FIELDS, (FIRST_SETTING, st.session_state.get("race_suggested"), FIRST_EPOCHS), strict=True):
        text = st.session_state[field] = st.session_state[field]  # kept, also where another page has no such field
        address.keep(field, text if text != usual else None)
    return config, wrong
