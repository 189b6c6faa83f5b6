"""Train: the settings, the run, and its curves while it learns."""

import contextlib
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from dashboard import charts, images, resources, session
from nnlib.digits import N_CLASSES, N_PIXELS, rewrite, vary
from nnlib.errors import SettingError, StoreError, UnknownRunError
from nnlib.model_files import model_bytes, original_file_name
from nnlib.runs import Order, Run, worker
from nnlib.training import PRESETS, SETTINGS, EpochRecord, Progress, Setting, TrainingConfig, describe, what_is_wrong

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
    "diverged": (":material/error:", "failed: the loss grew beyond all numbers"),
    "interrupted": (":material/power_off:", "was interrupted"),
    "failed": (":material/error:", "failed"),
}


# ---- the settings of the next training


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
            st.error(session.sentence(in_words(error)), icon=":material/error:")
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


def settings() -> None:
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
            st.error(session.sentence(in_words(error)), icon=":material/error:")
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


# ---- the run that is looked at


def send(run: Run, order: Order, value: float | None = None) -> None:
    """Tell the run's process what to do; it may just have ended, which the page then shows anyway."""
    with contextlib.suppress(StoreError):
        resources.store().send(run.id, order, value)


def change_learning_rate(run: Run) -> None:
    """Hand the slider's new value to the run."""
    send(run, "learning_rate", st.session_state[f"live_rate_{run.id}"])


def resume(run: Run) -> None:
    """Let a run go on, in a new process where it has none."""
    with session.sentences():
        if run.resumable:
            worker.resume(resources.store(), run.id)
        else:
            send(run, "resume")


def buttons(run: Run) -> None:
    """Pause or Resume, and Stop."""
    # Callbacks, since no rerun in between can swallow them; and one button for both words, or the two would
    # stand side by side for a moment, and Stop slip away from under the pointer.
    going = run.state in ("queued", "running")
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Pause" if going else "Resume",
            icon=":material/pause:" if going else ":material/resume:",
            shortcut="p",
            key="pause_or_resume",
            disabled=not (run.active or run.resumable),
            on_click=send if going else resume,
            args=(run, "pause") if going else (run,),
            width=130,  # for either word
        )
        st.button(
            "Stop", icon=":material/stop:", shortcut="x", disabled=not run.active, on_click=send, args=(run, "stop")
        )


def how_far(run: Run, newest: EpochRecord | Progress | None) -> tuple[float, str]:
    """The share that is done, and in words how far it is and how long it will take."""
    if newest is None:
        return 0.0, "The first epoch is being prepared" if run.active else "No epoch was done"
    share = min(newest.epoch / run.config.epochs, 1.0)
    epochs = f"Epoch {run.epoch} of {run.config.epochs} done"
    if not run.active:
        return share, f"{epochs}, in {duration(newest.seconds)}"
    left = newest.seconds / share * (1 - share)
    return share, f"{epochs}, about {duration(left)} left" if left >= 2 else f"{epochs}, nearly there"


def duration(seconds: float) -> str:
    """`8 s` or `3 min 20 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def live(run_id: int, was_active: bool, beside: charts.Beside | None) -> None:
    """The run as it stands, drawn again twice a second while it learns."""
    run = resources.run(run_id)
    if was_active != run.active:
        st.rerun()  # the whole page: the picker gets its new epochs, and this part reruns by itself, or no more
    records, progress = resources.curves(run_id)
    points: list[EpochRecord | Progress] = [*progress[-1:], *records[-1:]]
    newest = max(points, key=lambda point: point.step, default=None)
    icon, state = STATES[run.state]
    last = run.last

    # every part has a place of its own, filled or not: else what follows would move, and for a moment stand twice
    with st.container():
        if run.message:
            (st.info if run.active else st.warning)(session.sentence(run.message), icon=icon)
    with st.container():
        warning = what_is_wrong(last, run.config) if last else None
        if warning:
            st.warning(warning, icon=":material/heart_broken:")
    share, said = how_far(run, newest)
    st.progress(share, text=f"{icon} It {state}. {said}.")
    with st.container():
        buttons(run)
    with st.container(horizontal=True, gap="medium", key="numbers"):
        st.metric("New digits read right", f"{last.validation_accuracy:.1%}" if last else "–", width="content")
        st.metric("Loss on new digits", f"{last.validation_loss:.3g}" if last else "–", width="content")
        st.metric("Training digits read right", f"{last.training_accuracy:.1%}" if last else "–", width="content")
        rate = newest.learning_rate if newest else run.learning_rate
        st.metric(f"Learning rate {'now' if run.active else 'at the end'}", f"{rate:.3g}", width="content")
    with st.container():
        if run.active:
            st.select_slider(
                "Change how big each correction is, while it learns (learning rate)",
                learning_rates(run.config.learning_rate, run.learning_rate),
                run.learning_rate,
                format_func="{:g}".format,
                key=f"live_rate_{run.id}",
                on_change=change_learning_rate,
                args=(run,),
                help="It holds from the next correction on. A schedule still scales it.",
            )
    curves(run, records, progress, beside)


def rules_of(run: Run) -> None:
    """By which rules the run that is looked at learns, and a way to use them again."""
    st.subheader(f"Run {run.id}: {run.name}", anchor=False)
    settings = [SETTINGS[name] for name in (*MAIN_SETTINGS, "schedule", "seed")]
    said = " · ".join(f"{setting.term} {setting.show(getattr(run.config, setting.name))}" for setting in settings)
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.caption(said)
    right.button("Use these rules", on_click=use, args=(run.config,), help="Copy them to the rules for the next run.")


def choose_beside(run: Run) -> charts.Beside | None:
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
    """Forget the run, if nobody else has done so yet."""
    with session.sentences(), contextlib.suppress(UnknownRunError):
        resources.store().delete_run(run_id)
    session.look_at(session.PRETRAINED)
    st.toast(f"Run {run_id} is deleted.", icon=":material/delete:")


def curves(run: Run, records: list[EpochRecord], progress: list[Progress], beside: charts.Beside | None) -> None:
    """Loss and accuracy, and what else is measured."""
    said = "no epoch is done yet."
    if records:
        said = f"after epoch {run.epoch}, {records[-1].training_loss:.3f} for training digits and "
        said += f"{records[-1].validation_loss:.3f} for new ones."
    left, right = st.columns(2, gap="medium")
    with left:
        st.plotly_chart(
            charts.loss_curve(records, progress, run.config.epochs, beside),
            key="loss",
            config=charts.NO_BAR,
            alt=f"The loss over the epochs: {said}",
        )
        st.caption(
            "Down is good. Solid: on digits that it never learns from. Dotted: on those it learns from, averaged over "
            "each epoch; the thin line is the same within the epoch."
        )
    with right:
        st.plotly_chart(
            charts.accuracy_curve(records, progress, run.config.epochs, beside),
            key="accuracy",
            config=charts.NO_BAR,
            alt="The share of digits read right, over the epochs: "
            + (f"{run.last.validation_accuracy:.1%} of new digits." if run.last else said),
        )
        st.caption(
            "Up is good. The dotted line lags at first, since it averages over the whole epoch (and always, where the "
            "digits are varied). Where it runs ahead of the solid one, examples are learned by heart: *overfitting*."
        )
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
resources.data()  # without digits there is nothing to train with: better said now than by every run
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
        rules_of(run)
        curves_place, choice_place = st.container(), st.container()
        with choice_place:
            beside = choose_beside(run)
        with curves_place:
            session.fragment(live, LIVE_SECONDS if run.active else None)(run.id, run.active, beside)
        if not run.active:
            what_next(run)
