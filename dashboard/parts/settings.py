"""The form of settings for the next run: presets, one widget for each setting, Start."""

from typing import Any

import numpy as np
import streamlit as st

from dashboard import images, resources, session
from dashboard.words import sentence
from nnlib.digits import rewrite, vary
from nnlib.errors import SettingError
from nnlib.runs import worker
from nnlib.training import PRESETS, SETTINGS, Setting, TrainingConfig, describe

MAIN_SETTINGS = ("learning_rate", "epochs", "batch_size", "hidden_widths", "optimizer")
FIRST_PRESET = "quick"


def learning_rates(*others: float) -> list[float]:
    """What the slider offers: 1, 1.5, 2, 3, 5 and 7 of every power of ten within the limits, and `others`."""
    setting = SETTINGS["learning_rate"]
    grid = [float(f"{digit}e{power}") for power in range(-5, 2) for digit in (1, 1.5, 2, 3, 5, 7)]
    return sorted({rate for rate in grid if rate <= setting.high} | set(others))


def take_link() -> bool:
    """Once in a session: note what the link asks that is not allowed, and the command line's words in it.

    True where there are such words: they are set in the next run of the page, since a widget takes its
    first value from the link, where it looks for the words on the page.
    """
    if st.session_state.get("link_taken"):
        return False
    st.session_state["link_taken"] = True
    for name, setting in SETTINGS.items():
        asked = st.query_params.get(name)
        if asked is None or asked in setting.choices.values():
            continue
        try:
            value = setting.check(asked)
        except SettingError as error:
            if setting.kind is tuple:  # its field keeps what was asked, and says so itself
                continue
            st.session_state.setdefault("link_errors", []).append(f"In the link, {in_words(error)}")
            continue
        if setting.choices:
            st.session_state.setdefault("linked_words", {})[name] = value
        if name == "learning_rate":
            st.session_state["linked_rate"] = value
    return "linked_words" in st.session_state


def in_words(error: SettingError) -> str:
    """The error's sentence, with what the settings are called on this page."""
    text = str(error)
    for name, setting in SETTINGS.items():
        text = text.replace(name, setting.term)
    return text


def control(setting: Setting) -> None:
    """The widget for one setting, in the URL under its name; its limits are the setting's own."""
    default = getattr(PRESETS[FIRST_PRESET].config, setting.name)
    label = f"{setting.label} ({setting.term})"
    common: dict[str, Any] = {
        "key": setting.name,
        "bind": session.bind_number(setting.name),
        "help": f"{setting.help} {setting.advice} Allowed: {setting.limits}.",
    }
    if setting.choices:
        words = list(setting.choices)
        st.selectbox(label, words, words.index(default), format_func=setting.choices.__getitem__, **common)
    elif setting.name == "learning_rate":
        linked = st.session_state.get("linked_rate", default)
        st.select_slider(label, learning_rates(default, linked), default, format_func="{:g}".format, **common)
    elif setting.kind is tuple:
        text = st.text_input(label, setting.show(default), **common)
        try:
            setting.check(text)
        except SettingError as error:
            st.error(sentence(in_words(error)), icon=":material/error:")
    else:
        limits = (setting.kind(setting.low), setting.kind(setting.high), default, setting.kind(setting.step))
        st.number_input(label, *limits, format="%d" if setting.kind is int else "%g", **common)


def chosen_config() -> TrainingConfig:
    """The settings as they stand in the widgets."""
    values = {name: st.session_state[name] for name in SETTINGS if name in st.session_state}
    return PRESETS[FIRST_PRESET].config.with_changes(**values)


def matching_preset(config: TrainingConfig) -> str | None:
    """The preset that has just these settings."""
    return next((name for name, preset in PRESETS.items() if preset.config == config), None)


def use(config: TrainingConfig) -> None:
    """Set every widget as the config says."""
    for name, setting in SETTINGS.items():
        value = getattr(config, name)
        st.session_state[name] = setting.show(value) if setting.kind is tuple else value
    st.session_state["linked_rate"] = config.learning_rate


def use_preset() -> None:
    """Set every widget as the chosen preset says."""
    if st.session_state["preset"] is not None:
        use(PRESETS[st.session_state["preset"]].config)


def start() -> None:
    """Start a run with the settings in the widgets, and look at it."""
    with session.sentences():
        config = chosen_config()
        run_id = worker.start(resources.store(), config, describe(config), resources.DATA_DIRECTORY)
        session.look_at(run_id)
        st.toast(f"Run {run_id} begins. On a narrow screen, its curves are below the rules.", icon=":material/school:")


def show_varied(strength: float) -> None:
    """Some digits as they are, and what may be made of them at this strength."""
    digits = resources.data().train
    shown = digits[:200]
    rows = [int(np.argmax(shown.labels == digit)) for digit in (1, 7, 9, 4, 5, 8)]
    originals, generator = shown.images[rows], np.random.default_rng()
    rewritten = rewrite(originals, shown.labels[rows], generator)
    varied = vary(np.concatenate([originals, rewritten]), strength, generator, group=1)
    pictures = images.digit_pictures(np.concatenate([originals, varied]))
    st.image(
        images.enlarge(images.tiles(pictures, 6), 2),
        width="stretch",
        alt="Six training digits, and the same digits turned, slanted, bent, thinner and thicker.",
    )
    st.caption(
        "Top: digits as they are. Below: ways in which they may be shown, in the last row a 1 with an upstroke, a "
        "7 with a bar and a 9 with a round tail, as many people write them."
    )


def show() -> None:
    """All settings, the presets that fill them in, and Start."""
    st.subheader("Rules for the next run", anchor=False)
    with_words = take_link()
    if not with_words:
        for name, word in st.session_state.pop("linked_words", {}).items():
            st.session_state[name] = word
    presets = st.container()
    for name in MAIN_SETTINGS:
        control(SETTINGS[name])
    with st.expander("More settings", icon=":material/tune:"):
        for name, setting in SETTINGS.items():
            if name not in MAIN_SETTINGS:
                control(setting)
                if name == "augmentation" and st.session_state[name]:
                    show_varied(st.session_state[name])
    if with_words:
        st.rerun()
    for text in st.session_state.pop("link_errors", []):
        st.warning(text, icon=":material/link_off:")
    config = None
    try:
        config = chosen_config()
    except SettingError as error:
        if "together" in str(error):  # the others are said beside their field
            st.error(sentence(in_words(error)), icon=":material/error:")
    # only now are the widgets what the URL says; the box above shows which preset that is
    st.session_state["preset"] = matching_preset(config) if config else None
    with presets:
        st.segmented_control("Ready-made rules (presets)", list(PRESETS), key="preset", on_change=use_preset)
        if st.session_state["preset"]:
            st.caption(PRESETS[st.session_state["preset"]].purpose)
        else:
            st.caption("Your own settings. Choosing a preset replaces them all.")
    st.button(
        "Start",
        type="primary",
        icon=":material/play_arrow:",
        shortcut="s",
        on_click=start,
        disabled=config is None,
        width="stretch",
        help="Train a new network by these rules, in the background. Every run is kept.",
    )
