"""The line in the sidebar that says what the run is doing; through it every page follows the run."""

import streamlit as st

from dashboard import resources, session
from dashboard.parts import pulse
from dashboard.words import count, duration
from nnlib.runs import Run
from nnlib.training import EpochRecord, Progress

SILENT_SECONDS = 10.0  # an epoch of a large network may take as long; beyond, people should know
STATES = {
    "queued": "waits in line",
    "running": "is learning",
    "paused": "is paused",
    "stopped": "was stopped",
    "finished": "is finished",
    "diverged": "failed: the loss grew beyond all numbers",
    "interrupted": "was interrupted",
    "failed": "failed",
}


def show(follows: bool, told_by_page: bool) -> None:
    """The line. Where the page `follows`, it is run anew for every new network; some tell the line themselves."""
    run = session.chosen_run()
    if run is None:
        return
    # only this line asks, until there is news
    session.fragment(_line)(run.id, _news(run, follows), follows, told_by_page)


def _line(run_id: int, news: tuple, follows: bool, told_by_page: bool) -> None:
    run = resources.run(run_id)
    if _news(run, follows) != news:
        st.rerun()
    text, share = how_far(run)
    pulse.status(text, share if run.active else None, run.active and not told_by_page)


def _news(run: Run, follows: bool) -> tuple:
    """What the page shows of the run: where this changes, the page is run anew."""
    newest = resources.snapshots(run.id)[-1:] if follows and session.follows_newest() else []
    return run.state, run.message, newest


def how_far(run: Run) -> tuple[str, float | None]:
    """In words how far the run is and how long it will take, and the share that is done."""
    records, progress = resources.curves(run.id)
    points: list[EpochRecord | Progress] = [*progress[-1:], *records[-1:]]
    newest = max(points, key=lambda point: point.step, default=None)
    said = f"Run {run.id} {STATES[run.state]}"
    if run.silent_seconds > SILENT_SECONDS:
        return f"Run {run.id} has shown no sign of life for {duration(run.silent_seconds)}.", None
    if newest is None:
        return (f"{said}." if run.state != "running" else f"{said}: its first epoch begins."), 0.0
    epochs = run.config.epochs
    share = min(newest.epoch / epochs, 1.0)
    if not run.active:
        return f"{said}: {count(run.epoch, 'epoch')} in {duration(newest.seconds)}.", share
    left = newest.seconds / share * (1 - share)
    soon = f"about {duration(left)} left" if left >= 2 else "nearly there"
    done = f"epoch {run.epoch:,} of {epochs:,} is done" if run.epoch else "its first epoch"
    return f"{said}: {done}, {soon}.", share
