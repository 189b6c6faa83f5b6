"""Train: the settings, the run, and its curves while it learns."""

from functools import partial
from typing import Any

import streamlit as st

from dashboard import charts, resources, session
from nnlib import worker
from nnlib.config import PRESETS, SETTINGS, Setting, TrainingConfig
from nnlib.errors import NnlibError, SettingError
from nnlib.mnist import N_CLASSES, N_PIXELS
from nnlib.model_files import model_bytes, original_file_name
from nnlib.runs import Order, Run
from nnlib.training import EpochRecord, Progress

LIVE_SECONDS = 0.5
MAIN_SETTINGS = ("learning_rate", "epochs", "batch_size", "hidden_widths", "optimizer")
FIRST_PRESET = "quick"
FILES = {
    ".safetensors": "The usual form: numbers, settings and recipe; opens in many programs.",
    ".npz": "numpy's own form.",
    ".pkl": "As the first version of this project saved its networks.",
}
STATES = {
    "queued": (":material/hourglass_empty:", "waits in line"),
    "running": (":material/play_arrow:", "is learning"),
    "paused": (":material/pause:", "is paused"),
    "stopped": (":material/stop:", "was stopped"),
    "finished": (":material/check_circle:", "is finished"),
    "diverged": (":material/error:", "went astray"),
    "interrupted": (":material/power_off:", "was interrupted"),
    "failed": (":material/error:", "failed"),
}


# ---- the settings of the next training


def learning_rates(*others: float) -> list[float]:
    """What the slider offers: 1, 1.5, 2, 3, 5 and 7 of every power of ten within the limits, and `others`."""
    setting = SETTINGS["learning_rate"]
    grid = [float(f"{digit}e{power}") for power in range(-5, 2) for digit in (1, 1.5, 2, 3, 5, 7)]
    return sorted({rate for rate in grid if rate <= setting.high} | set(others))


def control(setting: Setting) -> Any:
    """The widget for one setting, in the URL under its name; its limits are the setting's own."""
    default = getattr(PRESETS[FIRST_PRESET].config, setting.name)
    label = f"{setting.label}: **{setting.term}**"
    common: dict[str, Any] = {
        "key": setting.name,
        "bind": "query-params",
        "help": f"{setting.help} {setting.advice} Allowed: {setting.limits}.",
    }
    if setting.choices:
        words = list(setting.choices)
        return st.selectbox(label, words, words.index(default), format_func=setting.choices.__getitem__, **common)
    if setting.name == "learning_rate":
        return st.select_slider(label, learning_rates(default), default, format_func="{:g}".format, **common)
    if setting.kind is tuple:
        return st.text_input(label, ",".join(map(str, default)), **common)
    limits = (setting.kind(setting.low), setting.kind(setting.high), default, setting.kind(setting.step))
    return st.number_input(label, *limits, format="%d" if setting.kind is int else "%g", **common)


def chosen_config() -> TrainingConfig | None:
    """The settings as they stand in the widgets; None, and a sentence on the page, where they are not allowed."""
    values = {name: st.session_state[name] for name in SETTINGS if name in st.session_state}
    try:
        return PRESETS[FIRST_PRESET].config.with_changes(**values)
    except SettingError as error:
        st.error(session.sentence(str(error)), icon=":material/error:")
        return None


def matching_preset(config: TrainingConfig) -> str | None:
    """The preset that has just these settings."""
    return next((name for name, preset in PRESETS.items() if preset.config == config), None)


def use_preset() -> None:
    """Set every widget as the chosen preset says."""
    preset = st.session_state["preset"]
    if preset is not None:
        for name in SETTINGS:
            value = getattr(PRESETS[preset].config, name)
            st.session_state[name] = ",".join(map(str, value)) if isinstance(value, tuple) else value


def start() -> None:
    """Start a run with the settings in the widgets, and look at it."""
    config = chosen_config()
    if config is None:
        return
    try:
        name = matching_preset(config) or "own settings"
        session.look_at(worker.start(resources.store(), config, name, resources.DATA_DIRECTORY))
    except NnlibError as error:
        st.error(session.sentence(str(error)), icon=":material/error:")


def settings() -> None:
    """All settings, the presets that fill them in, and Start."""
    st.subheader("The rules", anchor=False)
    presets = st.container()
    for name in MAIN_SETTINGS:
        control(SETTINGS[name])
    with st.expander("More settings", icon=":material/tune:"):
        for name, setting in SETTINGS.items():
            if name not in MAIN_SETTINGS:
                control(setting)
    config = chosen_config()
    # only now are the widgets what the URL says; the box above shows which preset that is
    st.session_state["preset"] = matching_preset(config) if config else None
    with presets:
        st.segmented_control("Ready-made rules (presets)", list(PRESETS), key="preset", on_change=use_preset)
        if st.session_state["preset"]:
            st.caption(PRESETS[st.session_state["preset"]].purpose)
        else:
            st.caption("Your own settings. A preset sets them all back.")
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


# ---- the run that is looked at


def send(run: Run, order: Order, value: float | None = None) -> None:
    """Tell the run's process what to do; it may just have ended, which the page then shows anyway."""
    if resources.store().run(run.id).active:
        resources.store().send(run.id, order, value)


def change_learning_rate(run: Run) -> None:
    """Hand the slider's new value to the run."""
    send(run, "learning_rate", st.session_state[f"live_rate_{run.id}"])


def buttons(run: Run) -> None:
    """Pause, Resume and Stop, each where it makes sense."""
    with st.container(horizontal=True, gap="small"):
        if run.state in ("queued", "running"):
            if st.button("Pause", icon=":material/pause:", shortcut="p", key="pause"):
                send(run, "pause")
        elif st.button(
            "Resume",
            icon=":material/resume:",
            shortcut="p",
            key="resume",
            disabled=not (run.resumable or run.state == "paused"),
        ):
            if run.resumable:
                worker.resume(resources.store(), run.id)
                st.rerun()
            send(run, "resume")
        if st.button("Stop", icon=":material/stop:", shortcut="x", disabled=not run.active):
            send(run, "stop")


def how_far(run: Run, newest: EpochRecord | Progress | None) -> tuple[float, str]:
    """The share that is done, and the time left in words."""
    if newest is None:
        return 0.0, "the first epoch is under way" if run.state == "running" else "not begun"
    done = newest.epoch / run.config.epochs
    if not run.active:
        return done, f"took {duration(newest.seconds)}"
    return done, f"about {duration(newest.seconds / done * (1 - done))} left"


def duration(seconds: float) -> str:
    """`8 s` or `3 min 20 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def live(run_id: int, was_active: bool) -> None:
    """The run as it stands, drawn again twice a second while it learns."""
    run = resources.store().run(run_id)
    if was_active and not run.active:
        st.rerun()  # the whole page: the picker gets its new epochs, and nothing reruns by itself any more
    records, progress = resources.curves(run_id)
    points: list[EpochRecord | Progress] = [*progress[-1:], *records[-1:]]
    newest = max(points, key=lambda point: point.step, default=None)
    icon, state = STATES[run.state]

    st.subheader(f"Run {run.id}, {run.name}, {state}", anchor=False)
    if run.message:
        (st.info if run.active else st.warning)(session.sentence(run.message), icon=icon)
    if run.last is not None:
        say_what_is_dead(run.config.hidden_widths, run.last.dead_units)
    share, time_left = how_far(run, newest)
    st.progress(min(share, 1.0), text=f"Epoch {run.epoch} of {run.config.epochs} done, {time_left}")
    buttons(run)

    with st.container(horizontal=True, gap="small"):
        last = run.last
        st.metric("New digits read right", f"{last.validation_accuracy:.1%}" if last else "–", width="content")
        st.metric("Loss on new digits", f"{last.validation_loss:.3f}" if last else "–", width="content")
        st.metric("Training digits read right", f"{last.training_accuracy:.1%}" if last else "–", width="content")
        st.metric("Learning rate now", f"{newest.learning_rate if newest else run.learning_rate:.3g}", width="content")
    if run.active:
        st.select_slider(
            "Change how big each correction is, while it learns: **learning rate**",
            learning_rates(run.config.learning_rate, run.learning_rate),
            run.learning_rate,
            format_func="{:g}".format,
            key=f"live_rate_{run.id}",
            on_change=change_learning_rate,
            args=(run,),
            help="It holds from the next correction on. A schedule still scales it.",
        )
    curves(run, records, progress)


def what_next(run: Run) -> None:
    """Where to look at what was learned, and what can be done with it."""
    if run.last is not None:
        with st.container(horizontal=True, gap="small"):
            st.page_link("views/weights.py", label="See its weights", icon=":material/blur_on:")
            st.page_link("views/draw.py", label="Draw for it", icon=":material/draw:")
            st.page_link("views/mistakes.py", label="Study its mistakes", icon=":material/search:")
    with st.expander("Save or delete this network", icon=":material/save:"):
        epochs = resources.snapshot_epochs(run.id)
        for suffix, purpose in FILES.items() if epochs else ():
            widths = (N_PIXELS, *run.config.hidden_widths, N_CLASSES)
            name = original_file_name(widths) if suffix == ".pkl" else f"run-{run.id}{suffix}"
            st.download_button(
                f"Save as {name}",
                partial(model_bytes, resources.model(run.id, epochs[-1]), suffix),
                name,
                "application/octet-stream",
                on_click="ignore",
                icon=":material/download:",
                help=purpose,
            )
        sure = st.checkbox("I no longer need this run", key=f"sure_{run.id}")
        st.button(f"Delete run {run.id}", icon=":material/delete:", disabled=not sure, on_click=delete, args=(run.id,))


def delete(run_id: int) -> None:
    """Forget the run."""
    resources.store().delete_run(run_id)


def say_what_is_dead(widths: tuple[int, ...], dead_units: tuple[int, ...]) -> None:
    """Say so where a whole layer has died, which no loss of "not a number" would ever tell."""
    for layer, (width, dead) in enumerate(zip(widths, dead_units, strict=True), start=1):
        if dead == width:
            st.warning(
                f"All {width} units of layer {layer} put out the same for every digit: nothing gets through, and "
                "nothing more can be learned. A lower learning rate keeps them alive: press Start again with one.",
                icon=":material/heart_broken:",
            )
            return


def curves(run: Run, records: list[EpochRecord], progress: list[Progress]) -> None:
    """Loss and accuracy, and what else is measured."""
    said = "no epoch is done yet."
    if records:
        said = f"after epoch {run.epoch}, {records[-1].training_loss:.3f} for training digits and "
        said += f"{records[-1].validation_loss:.3f} for new ones."
    left, right = st.columns(2, gap="medium")
    with left:
        st.plotly_chart(
            charts.loss_curve(records, progress, run.config.epochs),
            key="loss",
            config=charts.NO_BAR,
            alt=f"The loss over the epochs: {said}",
        )
        st.caption("Down is good. The dotted line is on digits it learns from, the solid one on digits it never saw.")
    with right:
        st.plotly_chart(
            charts.accuracy_curve(records, progress, run.config.epochs),
            key="accuracy",
            config=charts.NO_BAR,
            alt="The share of digits read right, over the epochs: "
            + (f"{run.last.validation_accuracy:.1%} of new digits." if run.last else said),
        )
        st.caption("Up is good. Where the two lines part, it learns its examples by heart: *overfitting*.")
    with st.expander("Inside the network", icon=":material/monitor_heart:"):
        inside(run, records, progress)


def inside(run: Run, records: list[EpochRecord], progress: list[Progress]) -> None:
    """The learning rate, the size of the gradients, and the dead units."""
    st.plotly_chart(
        charts.learning_rate_curve(records, progress),
        key="learning_rates",
        config=charts.NO_BAR,
        alt="The learning rate that was used, over the epochs.",
    )
    st.caption("With a schedule it changes by itself; a jump is where somebody moved the slider.")
    epochs = [record.epoch for record in records]
    layers = [f"layer {index}" for index in range(1, len(run.config.hidden_widths) + 1)]
    left, right = st.columns(2, gap="medium")
    with left:
        st.plotly_chart(
            charts.per_layer_curve(
                "How strongly it is pushed to change",
                "gradient norm",
                epochs,
                [record.gradient_norms for record in records],
                [*layers, "answers"],
            ),
            key="gradients",
            config=charts.NO_BAR,
            alt="The length of each layer's gradient at the end of every epoch.",
        )
        st.caption("One line per layer. Near zero it has nothing left to learn; very high, it is being thrown about.")
    with right:
        st.plotly_chart(
            charts.per_layer_curve(
                "Units that never react", "dead units", epochs, [record.dead_units for record in records], layers
            ),
            key="dead_units",
            config=charts.NO_BAR,
            alt="How many units of each layer put out the same for every validation digit.",
        )
        st.caption("A *dead* unit puts out the same for every digit: it is of no use. High learning rates kill units.")


st.title("Train a network", anchor=False)
st.markdown(
    "It looks at digits, guesses, and after every *batch* corrects all its weights a little, so that the same guess "
    "would have been less wrong. **The learning rate decides how big each correction is.** Press Start and watch."
)
left, right = st.columns([1, 2.6], gap="large")
with left:
    settings()
with right:
    run = session.chosen_run()
    if run is None:
        st.subheader("Nothing is learning yet", anchor=False)
        st.markdown(
            "You are looking at the pretrained network, which has learned already. **Start** trains a new one by the "
            "rules on this page; its curves then grow here. A run that was made before is under *Network to look at*."
        )
        st.plotly_chart(
            charts.loss_curve([], [], 10), key="loss", config=charts.NO_BAR, alt="An empty chart: nothing is learning."
        )
    else:
        session.fragment(live, LIVE_SECONDS if run.active else None)(run.id, run.active)
        if not run.active:
            what_next(run)
