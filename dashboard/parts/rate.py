"""Finding a learning rate: a button in the form of settings, and a dialog that shows the test while it goes on."""

import streamlit as st

from dashboard import figures, jobs, resources
from dashboard.parts import pulse, settings
from dashboard.resources import spoken
from dashboard.words import sentence
from nnlib.errors import NnlibError
from nnlib.training import MOST_TRIALS, SETTINGS, RatePoint, RateSuggestion, RateTrial, TrainingConfig
from nnlib.words import count, exact, typed

LOOK_SECONDS = 0.4  # between two looks at what is new: the whole test takes only seconds
JOB = "rate_job"


def button(possible: bool) -> None:
    """What opens the dialog; only where the settings in the form are `possible` ones."""
    st.button(
        "Find a good rate",
        key="find_rate",
        icon=":material/query_stats:",
        help="A learning-rate range test with the settings in this form: it tries many learning rates within seconds, "
        "and suggests one.",
        on_click=begin,
        disabled=not possible,
        width="stretch",
    )


def begin() -> None:
    """Start the test with the settings in the form; a callback, which reads what was typed a moment ago."""
    config, wrong = settings.read_form()
    if config is None or wrong:
        return  # the form says why
    try:
        st.session_state[JOB] = jobs.start(pulse.viewer(), words(config))
    except NnlibError as error:
        st.session_state["not_started"] = sentence(str(error))


def words(config: TrainingConfig) -> list[str]:
    """The command line that finds a rate for these settings."""
    given = [f"--{name.replace('_', '-')}={typed(getattr(config, name))}" for name in SETTINGS]
    data = [f"--data={resources.DATA_DIRECTORY}"] if resources.DATA_DIRECTORY else []
    return ["find-rate", "--json-lines", *given, *data]


def leave() -> None:
    """The dialog is closed: nobody waits for the test any more."""
    if job := st.session_state.pop(JOB, None):
        job.cancel()


def use(rate: float) -> None:
    """Put this rate into the form, and close the dialog."""
    leave()
    st.session_state["learning_rate"] = typed(rate)


def show() -> None:
    """The dialog, where a test was begun and not left."""
    if JOB in st.session_state:
        dialog()


@st.dialog("Find a good learning rate", width="medium", icon=":material/query_stats:", on_dismiss=leave)
def dialog() -> None:
    """The test as far as it has come; in the end, the suggestion and a button that takes it."""
    if JOB not in st.session_state:
        st.rerun()  # the whole page, without it
    job: jobs.Job = st.session_state[JOB]
    ended = job.ended  # before its lines are read: they are then all
    pulse.silent("rate", not ended, LOOK_SECONDS)
    told = list(job.lines)
    points = [RatePoint(**line) for line in told if "learning_rate" in line]
    trials = [RateTrial(**line) for line in told if "tried" in line]
    suggestion = next((RateSuggestion(**line) for line in told if "suggested" in line), None)
    rate = suggestion.suggested if suggestion else None
    st.plotly_chart(
        figures.rate_curve(points, trials, rate),
        key="rate_curve",
        config=figures.NO_BAR,
        alt="The loss while the learning rate grows, and the losses that single rates led to.",
    )
    st.caption(
        "A network learns while its learning rate grows from next to nothing. Where the curve falls, it learns; "
        "where it rises, the corrections are so big that it is thrown about. The dots are rates that were then tried "
        "by themselves. Of those that are about as low as the lowest the smallest is suggested: it is the gentlest."
    )
    with st.container(key="rate_result"):
        if job.problem:
            st.error(sentence(job.problem), icon=":material/error:")
        elif suggestion and rate is None:
            st.warning(spoken(sentence(suggestion.why)), icon=":material/heart_broken:")
        elif suggestion:
            st.markdown(spoken(sentence(suggestion.why)))
        else:
            tried = f"{count(len(trials), 'rate')} tried of at most {MOST_TRIALS}"
            st.markdown(f"Testing: {tried} …" if trials else "Testing: the rate grows …")
    with st.container(horizontal=True, key="rate_answers"):
        if rate is not None:
            st.button(f"Use {exact(rate)}", key="use_rate", type="primary", on_click=use, args=(rate,))
        st.button("Close" if ended else "Cancel", key="leave_rate", on_click=leave)
