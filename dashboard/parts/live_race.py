"""A race while it is run, and what can be done with it: which one to look at, stop, go on, use what won."""

import contextlib

import streamlit as st

from dashboard import address, race_news, resources, session
from dashboard.parts import pulse, settings
from dashboard.resources import spoken
from dashboard.words import escape
from nnlib.errors import StoreError
from nnlib.runs import Run, race, worker

_library = pulse.component("race_library", "silent.css", "uPlot.iife.min.js", "spoken.js", "race_chart.js")
_race = pulse.component("pulse_race", "race.html", "uPlot.min.css", "race.css", "pulse.js", "race.js")


def choose() -> int | None:
    """The race to look at: the one in the address, the one that was chosen or started, else the newest."""
    races: dict[int, list[Run]] = {}
    with contextlib.suppress(StoreError):  # which the sidebar says
        for run in resources.runs():
            if run.race is not None:
                races.setdefault(run.race, []).insert(0, run)
    labels = {number: _label(number, runs) for number, runs in races.items() if race.raced_setting(runs)}
    if (asked := address.asked_number("race")) is not None:
        st.session_state["race"] = asked
    wanted = st.session_state.get("race")
    if wanted not in labels:
        if wanted is not None:
            st.warning(f"There is no race {escape(str(wanted), most=20)}: it may have been deleted.")
        st.session_state["race"] = next(iter(labels), None)
    if len(labels) > 1:
        st.selectbox(
            "Race to look at", list(labels), format_func=labels.__getitem__, key="race", persist_state="session"
        )
    number: int | None = st.session_state["race"]
    newest = next(iter(labels), None)
    address.keep("race", number if number != newest else None)
    return number


def _label(number: int, runs: list[Run]) -> str:
    setting = race.raced_setting(runs)
    assert setting is not None
    values = [getattr(run.began_with, setting.name) for run in runs]
    return f"{number} · {spoken(setting.term)}: {race.write_values(setting.name, values)}"


def draw(number: int) -> race.Race:
    """The race as it stands, and from then on as it goes on."""
    found = race_news.judged(number)
    _library(key="race_library")
    _race(
        key="live_race",
        data={
            **pulse.data(any(racer.run.active for racer in found.racers)),
            # the buttons show the race as it was read before: what has changed since is news
            "told": {**race_news.tell(number, 0, pulse.viewer()), "shown": race_news.shown(found)},
            "digit": spoken("digit"),
        },
        on_tick_change=lambda: None,
        on_look_change=_look,
    )
    return found


def say_what_is_missing(found: race.Race) -> None:
    """That runs of the race were deleted: the others were judged anew. Its runs were numbered one after the other."""
    left = [racer.run.id for racer in found.racers]
    if missing := sorted(set(range(found.number, max(left))) - set(left)):
        which = f"{'runs' if len(missing) > 1 else 'run'} {', '.join(map(str, missing))}"
        st.caption(f"Deleted since: {which} of this race. What is said above is about those that are left.")


def _look() -> None:
    run_id = st.session_state["live_race"].get("look")
    if isinstance(run_id, int | float):
        session.look_at(int(run_id))
        st.toast(f"All pages now look at run {int(run_id)}.", icon=":material/visibility:")


def orders(found: race.Race) -> None:
    """Stop it or go on with it, and use what won."""
    with st.container(horizontal=True, gap="small", key="race_orders"):
        active = any(racer.run.active for racer in found.racers)
        resumable = [racer.run for racer in found.racers if racer.run.resumable]
        st.button(
            "Go on with the race" if resumable and not active else "Stop the race",
            icon=":material/play_arrow:" if resumable and not active else ":material/stop:",
            key="race_stop",
            disabled=not (active or resumable),
            on_click=_stop if active else _go_on,
            args=(found.number,),
        )
        st.button(
            f"Use the winner's settings{f' ({found.winner.value})' if found.winner else ''}",
            icon=":material/content_copy:",
            key="race_use",
            disabled=found.winner is None,
            on_click=_use,
            args=(found.number,),
            help="Copy them into the form on the page Train.",
        )


def _stop(number: int) -> None:
    for run in resources.race(number):
        if run.active:
            with contextlib.suppress(StoreError):  # it may just have ended
                resources.store().send(run.id, "stop")


def _go_on(number: int) -> None:
    with session.sentences():
        for run in resources.race(number):
            if run.resumable:
                worker.resume(resources.store(), run.id)


def _use(number: int) -> None:
    winner = race_news.judged(number).winner  # of now: it may be another one than when the page was drawn
    if winner is not None:
        settings.use(winner.run.config)
        st.toast("They stand in the form on the page Train.", icon=":material/content_copy:")


def why(found: race.Race) -> None:
    """What the setting does, which explains what is seen."""
    setting = found.setting
    st.markdown(spoken(f"**Why?** {setting.label} ({setting.term}): {setting.help} {setting.advice}"))
