"""The run that is looked at: what is wrong with it, what was changed in it, and a look inside."""

import streamlit as st

from dashboard import figures, news, resources, session
from dashboard.parts import mending, pulse
from dashboard.words import count, escape, number, sentence
from nnlib.runs import Run

MOST_LINES = 12  # in the list of changes
INSIDE_SECONDS = 3.0  # between two looks at what changes slowly


def say_what_is_wrong(run: Run) -> None:
    """What the run or a look at its curves has to say, where that is not good, and what mends it."""
    advice = resources.advice(run)
    if run.message and run.state != "diverged":  # of which the advice says more
        calm = run.active or run.state == "finished"  # it ended as it was told to
        icon = ":material/info:" if calm else ":material/error:"
        (st.info if calm else st.warning)(sentence(run.message), icon=icon)
    if advice is not None:
        mending.show(run, advice)


def look_inside(run: Run) -> None:
    """What goes on in the network, for who opens it."""
    opened = st.expander("Inside the network", icon=":material/monitor_heart:", key="inside", on_change="rerun")
    if opened.open:
        with opened:
            session.fragment(inside)(run.id)


def list_changes(run: Run) -> None:
    """All that was changed on the way, with the numbers of their marks on the curves."""
    changes = news.changes(run)
    if not changes:
        return
    st.markdown("**What was changed while it learned**")
    lines, counted = [], 0
    for change, later in zip(changes, [*changes[1:], None], strict=True):
        counted += 1
        if later is not None and not change.number and later.text == change.text:  # batch by batch, say
            continue
        mark = f"**{change.number}** · " if change.number else ""
        times = f" ({counted} times)" if counted > 1 else ""
        counted = 0
        where = f"epoch {number(change.epoch, 3)}, after {count(change.step, 'correction')}"
        lines.append(f"- {mark}{where}: {escape(change.text)}{times}")
    hidden = len(lines) - MOST_LINES
    st.markdown("\n".join(lines[-MOST_LINES:]))
    if hidden > 0:
        st.caption(f"{count(hidden, 'earlier change')} {'is' if hidden == 1 else 'are'} not listed here.")


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
