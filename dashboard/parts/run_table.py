"""The table of runs: which are listed, what their columns say, and which rows are chosen."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import address, resources
from dashboard.parts.settings import MAIN_SETTINGS
from dashboard.resources import spoken
from dashboard.words import escape
from nnlib.runs import Run, State
from nnlib.training import SETTINGS
from nnlib.words import count

STATES: dict[State, str] = {
    "running": "learning",
    "queued": "waits in line",
    "paused": "paused",
    "finished": "finished",
    "stopped": "stopped",
    "interrupted": "interrupted",
    "diverged": "blew up",
    "failed": "failed",
}
MOST_COLOURED = 200  # rows: with more of them, pandas takes longer to colour one cell than all else takes together
BEST = "Best"
GREEN = "background-color: rgba(64, 160, 96, 0.3); font-weight: 700"

Column = tuple[str, Any, Callable[[Run], Any]]  # its title, its form, and what it says of a run


def find(runs: Sequence[Run]) -> list[Run]:
    """The boxes that choose which runs are listed, and those runs."""
    with st.container(horizontal=True, gap="small"):
        text = st.text_input(
            "Find",
            key="find",
            type="search",
            bind="query-params",
            placeholder="in names, tags and notes",
            width=280,
        )
        states = st.multiselect(
            "State",
            list(STATES),
            format_func=STATES.__getitem__,
            key="state",
            bind="query-params",
            placeholder="any",
            width=320,
        )
    words = (text or "").casefold().split()
    return [
        run
        for run in runs
        if (not states or run.state in states)
        and all(word in f"{run.name} {' '.join(run.tags)} {run.note}".casefold() for word in words)
    ]


def choose(runs: Sequence[Run]) -> list[Run]:
    """The table; the runs whose rows are chosen, in the order in which they were."""
    listed = {run.id: run for run in runs}
    asked = _settle_chosen(listed)
    numbers = list(listed)
    # a table of other rows is another table: the browser remembers rows by their places
    key = f"runs_{hash(tuple(numbers))}"

    def take() -> None:
        rows = {numbers[place] for place in st.session_state[key]["selection"]["rows"] if place < len(numbers)}
        # in the order of the clicks: a line keeps its colour when another run is chosen
        before = [number for number in st.session_state["chosen_runs"] if number in rows]
        new = rows.difference(before)
        st.session_state["chosen_runs"] = [*before, *(number for number in numbers if number in new)]

    if asked or key not in st.session_state:
        chosen = set(st.session_state["chosen_runs"])
        places = [place for place, number in enumerate(numbers) if number in chosen]
        st.session_state[key] = {"selection": {"rows": places, "columns": [], "cells": []}}
    if runs:
        _show(runs, key, take)
    found = [listed[number] for number in st.session_state["chosen_runs"] if number in listed]
    address.keep("compare", ",".join(str(run.id) for run in found) or None)
    return found


def _show(runs: Sequence[Run], key: str, take: Callable[[], None]) -> None:
    columns = _columns(runs)
    table = pd.DataFrame({title: [say(run) for run in runs] for title, _, say in columns})
    best = table[BEST].max()
    colour = len(table) <= MOST_COLOURED and best == best
    st.dataframe(
        table.style.map(lambda value: GREEN if value == best else "", subset=[BEST]) if colour else table,
        key=key,
        hide_index=True,
        column_config={title: form for title, form, _ in columns},
        placeholder="–",
        on_select=take,
        selection_mode="multi-row",
        alt="All runs that were found, one a row",
    )


def _settle_chosen(listed: dict[int, Run]) -> bool:
    """Choose what the address asks for, and say whether it asks."""
    chosen = st.session_state.setdefault("chosen_runs", [])
    asked = address.asked("compare")
    if asked is not None:
        parts = [part for part in asked.split(",") if part]
        chosen = [int(part) for part in parts if part.isdecimal() and len(part) < 10]
        missing = [part for part in parts if not part.isdecimal() or int(part[:10]) not in listed]
        if missing:
            what = escape(", ".join(missing), most=40)
            st.warning(f"The link also names {what}: not among the runs listed here, and perhaps deleted.")
    st.session_state["chosen_runs"] = list(dict.fromkeys(chosen))
    return asked is not None


def say_best(runs: Sequence[Run]) -> None:
    """How many runs they are, and which of them is the best."""
    bests = resources.bests(runs)
    if bests:
        run = max((run for run in runs if run.id in bests), key=lambda run: bests[run.id][1])
        accuracy = bests[run.id][1]
        changed = f", changed on the way: {escape(_changes(run) or '', most=200)}" if _changes(run) else ""
        which = f"**run {run.id}** ({escape(run.name)}{changed})"
        st.markdown(
            spoken(
                f"{count(len(runs), 'run')}. "
                f"{f'The best of them, {which},' if len(runs) > 1 else f'It is {which}, and'} reads **{accuracy:.2%}** "
                "of the validation digits right."
            )
        )


def say_what_is_equal(runs: Sequence[Run]) -> None:
    """The settings that all of the runs share, and that have no column for that reason."""
    if len(runs) > 1:
        shown = {*MAIN_SETTINGS, *differing(runs)}
        own = [(setting, getattr(runs[0].config, name)) for name, setting in SETTINGS.items() if name not in shown]
        said = [f"{spoken(setting.term)} {setting.show(value)}" for setting, value in own if value != setting.default]
        same = f"The same in all of them: {escape(' · '.join(said), most=900)}. " if said else ""
        st.caption(f"{same}Settings without a column are {'otherwise ' if said else ''}the usual ones in all of them.")


def differing(runs: Sequence[Run]) -> list[str]:
    """The names of the settings that are not the same in all these runs."""
    first = runs[0].config
    return [name for name in SETTINGS if any(getattr(run.config, name) != getattr(first, name) for run in runs)]


def _columns(runs: Sequence[Run]) -> list[Column]:
    """The columns that say something of at least one run."""
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    bests = resources.bests(runs)
    settings = dict.fromkeys((*differing(runs), *MAIN_SETTINGS))  # first what makes the difference
    columns: list[Column] = [
        ("Run", number("Run", help="Its number.", format="%d", pinned=True), lambda run: run.id),
        ("Name", text("Name", width=180), lambda run: run.name),
        (
            BEST,
            number(
                "Best: read right",
                help=spoken(
                    "The largest share of the validation digits that it read right (*best validation accuracy*)."
                ),
                format="%.2f%%",
                width=122,  # with room for the arrow of the sorting
            ),
            lambda run: 100 * bests[run.id][1] if run.id in bests else None,
        ),
        (
            "At",
            number("After epoch", help="The epoch after which it was best.", format="%d"),
            lambda run: bests[run.id][0] if run.id in bests else None,
        ),
        (
            "Last",
            number(
                "Last: read right",
                help="What it read right after its newest epoch (*last validation accuracy*).",
                format="%.2f%%",
            ),
            lambda run: 100 * run.last.validation_accuracy if run.last else None,
        ),
        ("State", text("State", help="*Blew up*: its loss was no number any more (diverged)."), _state),
        *map(_setting_column, settings),
        ("Done", number("Epochs done", format="%d"), lambda run: run.epoch),
        (
            "Seconds",
            number("Seconds", help="How long it has trained, pauses not counted.", format="%.1f"),
            lambda run: run.last.seconds if run.last else None,
        ),
    ]
    if any(map(_changes, runs)):
        help = "What was changed while it learned: a column of a setting has the last value of it."
        columns.append(("Changed", text("Changed on the way", width=190, help=help), _changes))
    if any(run.parent for run in runs):
        columns.append(
            (
                "Parent",
                text("Goes on from", width=130, help="The run it is a *fork* of, and after which correction."),
                _parent,
            )
        )
    if any(run.race for run in runs):
        columns.append(("Race", number("Race", help="Runs of one race share it.", format="%d"), lambda run: run.race))
    if any(run.tags for run in runs):
        columns.append(("Tags", st.column_config.ListColumn("Tags", width=150), lambda run: list(run.tags)))
    if any(run.note for run in runs):
        columns.append(("Note", text("Note", width=200), lambda run: run.note))
    started = st.column_config.DatetimeColumn("Started", format="D MMM YYYY, HH:mm", timezone=st.context.timezone)
    columns.append(("Started", started, lambda run: pd.Timestamp(run.created, unit="s", tz="UTC")))
    return columns


def _setting_column(name: str) -> Column:
    setting = SETTINGS[name]
    title, help = spoken(setting.term).capitalize(), spoken(f"{setting.label}. {setting.help}")
    if setting.kind in (int, float):
        # without a form, Streamlit rounds small numbers to 0, and its "plain" makes 998.9999999999999 of 999
        form = st.column_config.NumberColumn(title, help=help, format="%d" if setting.kind is int else "%.7g")
        return name, form, lambda run: getattr(run.config, name)
    return name, st.column_config.TextColumn(title, help=help), lambda run: setting.show(getattr(run.config, name))


def _changes(run: Run) -> str | None:
    """From which value to which the settings of a run were changed while it learned."""
    began, now = run.began_with, run.config
    changed = [setting for name, setting in SETTINGS.items() if getattr(began, name) != getattr(now, name)]
    said = [
        f"{each.term} {each.show(getattr(began, each.name))} → {each.show(getattr(now, each.name))}" for each in changed
    ]
    return spoken(", ".join(said)) or None


def _state(run: Run) -> str:
    return STATES[run.state]


def _parent(run: Run) -> str | None:
    return f"run {run.parent[0]}, at {run.parent[1]:,}" if run.parent else None
