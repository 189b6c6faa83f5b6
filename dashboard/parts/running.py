"""The panel of the run that is looked at: how far it is, what can be ordered, and its curves."""

import contextlib

import streamlit as st

from dashboard import figures, resources, session
from dashboard.parts.settings import learning_rates
from dashboard.words import duration, sentence
from nnlib.errors import StoreError
from nnlib.runs import Order, Run, worker
from nnlib.training import EpochRecord, Progress, what_is_wrong

LIVE_SECONDS = 0.5
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


def live(run_id: int, was_active: bool, beside: figures.Beside | None) -> None:
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
            (st.info if run.active else st.warning)(sentence(run.message), icon=icon)
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


def curves(run: Run, records: list[EpochRecord], progress: list[Progress], beside: figures.Beside | None) -> None:
    """Loss and accuracy, and what else is measured."""
    said = "no epoch is done yet."
    if records:
        said = f"after epoch {run.epoch}, {records[-1].training_loss:.3f} for training digits and "
        said += f"{records[-1].validation_loss:.3f} for new ones."
    left, right = st.columns(2, gap="medium")
    with left:
        st.plotly_chart(
            figures.loss_curve(records, progress, run.config.epochs, beside),
            key="loss",
            config=figures.NO_BAR,
            alt=f"The loss over the epochs: {said}",
        )
        st.caption(
            "Down is good. Solid: on digits that it never learns from. Dotted: on those it learns from, averaged over "
            "each epoch; the thin line is the same within the epoch."
        )
    with right:
        st.plotly_chart(
            figures.accuracy_curve(records, progress, run.config.epochs, beside),
            key="accuracy",
            config=figures.NO_BAR,
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
        figures.learning_rate_curve(records, progress),
        key="learning_rates",
        config=figures.NO_BAR,
        alt="The learning rate that was used, over the epochs.",
    )
    st.caption("With a schedule it changes by itself; a jump is where somebody moved the slider.")
    epochs = [record.epoch for record in records]
    layers = [f"layer {index}" for index in range(1, len(run.config.hidden_widths) + 1)]
    left, right = st.columns(2, gap="medium")
    with left:
        st.plotly_chart(
            figures.per_layer_curve(
                "How strongly it is pushed to change",
                "gradient norm",
                epochs,
                [record.gradient_norms for record in records],
                [*layers, "answers"],
            ),
            key="gradients",
            config=figures.NO_BAR,
            alt="The length of each layer's gradient at the end of every epoch.",
        )
        st.caption("One line per layer. Near zero it has nothing left to learn; very high, it is being thrown about.")
    with right:
        st.plotly_chart(
            figures.per_layer_curve(
                "Units that never react", "dead units", epochs, [record.dead_units for record in records], layers
            ),
            key="dead_units",
            config=figures.NO_BAR,
            alt="How many units of each layer put out the same for every validation digit.",
        )
        st.caption("A *dead* unit puts out the same for every digit: it is of no use. High learning rates kill units.")


def follow(run: Run, beside: figures.Beside | None) -> None:
    """The panel of a run, which follows it as long as it is active."""
    session.fragment(live, LIVE_SECONDS if run.active else None)(run.id, run.active, beside)
