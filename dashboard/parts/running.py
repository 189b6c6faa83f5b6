"""The run that is looked at: what is wrong with it, and what was changed in it."""

import streamlit as st

from dashboard import news, resources
from dashboard.parts import mending
from dashboard.resources import spoken
from dashboard.words import count, escape, number, sentence
from nnlib.runs import Run

MOST_LINES = 12  # in the list of changes


def say_what_is_wrong(run: Run) -> None:
    """What the run or a look at its curves has to say, where that is not good, and what mends it."""
    advice = resources.advice(run)
    if run.message and run.state != "diverged":  # of which the advice says more
        calm = run.active or run.state == "finished"  # it ended as it was told to
        icon = ":material/info:" if calm else ":material/error:"
        (st.info if calm else st.warning)(spoken(sentence(run.message)), icon=icon)
    if run.parent is not None and run.state == "paused" and not run.message:
        parent, step = run.parent
        st.info(
            f"This is run {parent} as it was after {count(step, 'correction')}. Change what you like below, and press "
            f"Resume: run {parent} stays as it is.",
            icon=":material/undo:",
        )
    if advice is not None:
        mending.show(run, advice)


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
