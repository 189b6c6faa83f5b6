"""The moments of a run that can be looked at: a slider over them, and a film through them."""

import streamlit as st

from dashboard import session
from dashboard.parts import pulse
from dashboard.resources import spoken
from nnlib.runs import Snapshot

SPEEDS = {"Slow": 1.0, "Normal": 0.5, "Fast": 0.25}  # seconds a frame


def pick() -> None:
    """The slider, and beside it the film; whoever went back stays there, and may follow the newest again.

    For the beginning of a fragment, which alone is run anew for another moment.
    """
    kept = session.settle_moment()
    if len(kept) < 2:
        return
    at = {moment.step: moment for moment in kept}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="film_controls"):
        st.select_slider(
            "As it was",
            list(at),
            key="step",
            format_func=lambda step: at[step].moment,
            persist_state="session",
            help=spoken(
                "Go back in time. The first moment is before it has seen a single digit; the next ones are within "
                "its first epoch, where most happens."
            ),
        )
        st.button(
            "Pause" if playing() else "Play",
            icon=":material/pause:" if playing() else ":material/play_arrow:",
            key="film_button",
            on_click=_pause if playing() else _play,
            help="Watch it learn, moment by moment.",
        )
        st.segmented_control(
            "Speed of the film",
            list(SPEEDS),
            default="Normal",
            required=True,
            key="film_speed",
            persist_state="session",
            label_visibility="collapsed",
        )
        run = session.chosen_run()
        if run is not None and run.active and not session.follows_newest():
            st.button("Follow the newest", icon=":material/last_page:", key="follow_newest", on_click=_follow_newest)
    pulse.silent("film", playing(), SPEEDS.get(st.session_state["film_speed"], SPEEDS["Normal"]), _next_frame)


def playing() -> bool:
    """Whether the film runs."""
    return bool(st.session_state.get("film")) and len(session.moments()) > 1


def _next_frame() -> None:
    """Go on to the next moment; the last one ends the film."""
    later = _later()
    if later:
        session.look_at_moment(later[0].step)
    st.session_state["film"] = len(later) > 1


def _later() -> list[Snapshot]:
    return [moment for moment in session.moments() if moment.step > st.session_state["step"]]


def _play() -> None:
    if not _later():
        session.look_at_moment(session.moments()[0].step)
    st.session_state["film"] = True


def _pause() -> None:
    st.session_state["film"] = False


def _follow_newest() -> None:
    _pause()
    session.look_at_moment(None)  # not the newest of now: there may be a newer one when the page is run
