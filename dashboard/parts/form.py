"""The form of settings for the next run: presets, the few settings that matter most, Start, and all others."""

import re
from typing import Any

import numpy as np
import streamlit as st

from dashboard import figures, resources, session
from dashboard.parts import picture, rate, settings
from dashboard.resources import spoken
from nnlib.digits import vary, write
from nnlib.training import PRESETS, SETTINGS, Setting


def control(setting: Setting, label: str | None = None) -> None:
    """The widget for one setting."""
    label = spoken(label or f"{setting.label} ({setting.term})")
    common: dict[str, Any] = {
        "key": setting.name,
        "persist_state": "session",
        "help": spoken(f"{setting.label}: {setting.help} {setting.advice} Allowed: {setting.limits}."),
    }
    if setting.choices:
        st.selectbox(label, list(setting.choices), format_func=setting.choices.__getitem__, **common)
    else:
        st.text_input(label, **common)


def purpose(preset: str) -> str:
    """What a preset is for; how well it does is only known of digits."""
    text = PRESETS[preset].purpose
    return text if resources.of_digits() else spoken(re.sub(r",? and it reads .*? digits", "", text))


def learning_rate() -> None:
    """The field for the learning rate, with buttons for the next smaller and larger one."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", key="rate"):
        control(SETTINGS["learning_rate"], "Learning rate of the next run")
        for icon, upwards, said in (("remove", False, "Smaller"), ("add", True, "Larger")):
            st.button(
                f":material/{icon}:",
                key=f"rate_{said.lower()}",
                help=f"{said}: in steps of 1, 2, 5, 10",
                on_click=settings.step_learning_rate,
                args=(upwards,),
            )


@st.cache_data(max_entries=8, show_spinner=False)
def varied_digits(strength: float) -> str:
    """Some digits as they are, and what may be made of them at this strength: always the same, or it would flicker."""
    shown = resources.data().train[:200]
    rows = [int(np.argmax(shown.labels == digit)) for digit in (1, 7, 9, 4, 5, 8)]
    originals, generator = shown.images[rows], np.random.default_rng(1)
    # other hands write digits, and nothing else
    more = [write(shown.labels[rows], generator)] if resources.of_digits() else []
    varied = vary(np.concatenate([originals, *more]), strength, generator, group=1)
    return figures.ink(np.concatenate([originals, varied]), 6)


def other_settings(strength: float) -> None:
    """All settings that are not the first ones, out of the way; `strength` of the variation, to show it."""
    with st.expander("More settings", icon=":material/tune:", key="more_settings"):
        with st.container(key="other_settings"):
            for name, setting in SETTINGS.items():
                if name not in (*settings.MAIN_SETTINGS, "augmentation"):
                    control(setting)
        control(SETTINGS["augmentation"])
        if strength:
            hands, written = "", ""
            if resources.of_digits():
                hands, written = ", and in other hands", ", in the last row written by other hands, stroke by stroke"
            picture.show(
                varied_digits(strength),
                "varied_digits",
                spoken(f"Six training digits, the same digits turned, slanted, bent, thinner and thicker{hands}."),
            )
            st.caption(spoken(f"Top: digits as they are. Below: ways in which they may be shown{written}."))


def form() -> None:
    """All of it: a part that reruns by itself, so that a change here leaves the curves alone."""
    config, wrong = settings.read_form()
    st.session_state["preset"] = settings.preset_of(config)
    with st.container(key="form"):
        st.segmented_control(
            "Ready-made settings (presets)",
            list(PRESETS),
            key="preset",
            on_change=settings.use_preset,
            help="\n".join(f"- **{name}**: {purpose(name)}" for name in PRESETS),
        )
        learning_rate()
        st.button(
            "Start",
            key="start",
            type="primary",
            icon=":material/play_arrow:",
            on_click=settings.start,
            disabled=bool(wrong),
            width="stretch",
        )
        rate.button(possible=not wrong)
        for text in st.session_state.pop("link_problems", ()):
            st.warning(text, icon=":material/link_off:")
        for text in wrong:
            st.error(text, icon=":material/error:")
        if text := st.session_state.pop("not_started", None):
            st.error(text, icon=":material/error:")
        with st.container(horizontal=True, gap="small", key="main_numbers"):
            control(SETTINGS["epochs"], "Epochs")
            control(SETTINGS["batch_size"], "Batch size")
        other_settings(config.augmentation if config else 0)
        chosen = st.session_state["preset"]
        with st.container(key="purpose"):
            st.caption(purpose(chosen) if chosen else "Your own settings. A preset replaces them all.")
    if st.session_state.get("just_started"):
        st.rerun()  # the whole page: it looks at the new run
    rate.show()


def show() -> None:
    """The form, in the place of the page where it is called."""
    if run_id := st.session_state.pop("just_started", None):
        st.toast(f"Run {run_id} begins.", icon=":material/school:")
    session.fragment(form)()
