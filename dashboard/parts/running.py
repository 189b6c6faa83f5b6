"""The run that is looked at: what is wrong with it, what can be ordered, and a look inside."""

import contextlib

import streamlit as st

from dashboard import figures, resources, session
from dashboard.parts import pulse
from dashboard.parts.settings import learning_rates
from dashboard.words import sentence
from nnlib.errors import StoreError
from nnlib.runs import Run, worker
from nnlib.training import what_is_wrong
from nnlib.words import exact

INSIDE_SECONDS = 3.0  # between two looks at what changes slowly


def say_what_is_wrong(run: Run) -> None:
    """What the run or a look at its curves has to say, where that is not good."""
    if run.message:
        icon = ":material/info:" if run.active else ":material/error:"
        (st.info if run.active else st.warning)(sentence(run.message), icon=icon)
    wrong = what_is_wrong(run.last, run.config) if run.last else None
    if wrong:
        st.warning(wrong, icon=":material/heart_broken:")


def take_orders(run: Run) -> None:
    """What can be ordered, and a look inside."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="orders"):
        buttons(run)
        if run.active:
            change_rate(run)
    opened = st.expander("Inside the network", icon=":material/monitor_heart:", key="inside", on_change="rerun")
    if opened.open:
        with opened:
            session.fragment(inside)(run.id)


def change_rate(run: Run) -> None:
    """The learning rate, while it learns."""
    st.select_slider(
        "Change the learning rate while it learns",
        learning_rates(run.config.learning_rate, run.config.learning_rate),
        run.config.learning_rate,
        format_func=exact,
        key=f"live_rate_{run.id}",
        on_change=change_learning_rate,
        args=(run,),
        help="It holds from the next correction on. With a schedule, it is what the schedule starts from.",
    )


def send(run: Run, order: str, value: float | None = None) -> None:
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
            key="pause_or_resume",
            disabled=not (run.active or run.resumable),
            on_click=send if going else resume,
            args=(run, "pause") if going else (run,),
            width=130,  # for either word
        )
        st.button("Stop", icon=":material/stop:", disabled=not run.active, on_click=send, args=(run, "stop"))


def inside(run_id: int) -> None:
    """The learning rate, the size of the gradients, and the dead units."""
    run = resources.run(run_id)
    records, progress = resources.curves(run_id)
    pulse.silent("inside", run.active, INSIDE_SECONDS)
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
