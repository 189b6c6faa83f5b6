"""The settings of the next run as they stand in its form: from a link, a preset or typed, and checked before Start.

Numbers are typed as text: a field of numbers alone would keep silent about what is out of range, and Start would
train with another number than the one that is seen.
"""

import re
import time

import streamlit as st

from dashboard import address, resources, session
from dashboard.resources import spoken
from dashboard.words import sentence
from nnlib.errors import SettingError, StoreError
from nnlib.runs import worker
from nnlib.training import PRESETS, ROUND_RATES, SETTINGS, TrainingConfig, describe
from nnlib.words import typed

MAIN_SETTINGS = ("learning_rate", "epochs", "batch_size")
FIRST_PRESET = "quick"
FIRST = PRESETS[FIRST_PRESET].config
AGAIN_SECONDS = 1.5  # a Start so soon after the same one is a double click, or a key held down


def learning_rates(*others: float) -> list[float]:
    """1, 2 and 5 of every power of ten within the limits, and `others`, in order."""
    return sorted({*ROUND_RATES, *others})


def fine_learning_rates(*others: float) -> list[float]:
    """Some sixty for every power of ten, as many as a hand can tell apart on a slider, and `others`, in order."""
    steps = [*range(100, 200, 5), *range(200, 500, 10), *range(500, 1000, 20)]
    grid = [float(f"{step}e{power}") for power in range(-7, 0) for step in steps]
    return sorted({rate for rate in grid if 1e-5 <= rate <= SETTINGS["learning_rate"].high} | set(others))


def read_form() -> tuple[TrainingConfig | None, list[str]]:
    """The settings as they stand in the form, or what is wrong with them in sentences; for before its widgets.

    What a link asks for is put into the form, what was typed is written plainly, and the address follows.
    """
    wrong = []
    values = {}
    for name, setting in SETTINGS.items():
        default = typed(getattr(FIRST, name))
        asked = address.asked(name)
        if asked is not None:
            asked = next((word for word, said in setting.choices.items() if asked == said), asked)
            if setting.choices and asked not in setting.choices:
                text = f"in the link, {setting.term} is {asked}: it must be {setting.limits}."
                st.session_state.setdefault("link_problems", []).append(sentence(text))
            else:
                st.session_state[name] = asked[:100]
        try:
            values[name] = setting.check(st.session_state.setdefault(name, default))
            st.session_state[name] = typed(values[name])
        except SettingError as error:
            wrong.append(str(error))
        text = st.session_state[name]
        address.keep(name, text if text != default else None)
    try:
        config = TrainingConfig(**values) if len(values) == len(SETTINGS) else None
    except SettingError as error:
        wrong.append(str(error))
        config = None
    return config, [spoken(sentence(in_words(text))) for text in wrong]


def in_words(text: str) -> str:
    """A message about settings with what they are called on the page."""
    for name, setting in SETTINGS.items():
        text = re.sub(rf"\b{name}\b", setting.term, text)
    return text


def preset_of(config: TrainingConfig | None) -> str | None:
    """The preset that has just these settings."""
    return next((name for name, preset in PRESETS.items() if preset.config == config), None)


# --- what the form's buttons do, before the page is drawn anew ---


def use(config: TrainingConfig) -> None:
    """Put these settings into the form."""
    for name in SETTINGS:
        st.session_state[name] = typed(getattr(config, name))


def use_preset() -> None:
    """Put the chosen preset's settings into the form."""
    if st.session_state["preset"] is not None:
        use(PRESETS[st.session_state["preset"]].config)


def step_learning_rate(upwards: bool) -> None:
    """Go to the next learning rate of 1, 2, 5, 10, ..., where the typed one makes sense."""
    try:
        now = SETTINGS["learning_rate"].check(st.session_state["learning_rate"])
    except SettingError:
        now = FIRST.learning_rate
    others = [rate for rate in learning_rates() if (rate > now if upwards else rate < now)]
    st.session_state["learning_rate"] = typed((others[0] if upwards else others[-1]) if others else now)


def start() -> None:
    """Start a run with the settings in the form, and look at it; once, also for a double click."""
    config, wrong = read_form()
    if config is None or wrong:
        return  # the form says why
    last, when = st.session_state.get("last_start", (None, 0.0))
    if last != config or time.monotonic() - when > AGAIN_SECONDS:
        try:
            run_id = worker.start(resources.store(), config, describe(config), resources.DATA_DIRECTORY)
        except StoreError as error:
            st.session_state["not_started"] = sentence(str(error))
            return
        session.look_at(run_id)
        st.session_state["just_started"] = run_id
    st.session_state["last_start"] = (config, time.monotonic())
