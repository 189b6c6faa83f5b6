"""Landscape: the way that a training took over the hills and valleys of the loss."""

import json
from dataclasses import replace

import streamlit as st

from dashboard import address, figures, jobs, resources, session
from dashboard.parts import pulse
from dashboard.parts.run_table import differing
from dashboard.resources import spoken
from dashboard.words import sentence
from nnlib.errors import NnlibError
from nnlib.runs import Run
from nnlib.study import Landscape
from nnlib.training import SETTINGS
from nnlib.words import percent

LOOK_SECONDS = 0.6  # between two looks at a map that is being drawn
ALONE = 0  # among the numbers of the runs
JOB = "landscape_job"


def choose_second(run: Run) -> int:
    """Another run on the same ground; only one of the same layers can be."""
    same = {
        other.id: other
        for other in resources.runs()
        if other.id != run.id
        and (other.config.hidden_widths, other.config.activation) == (run.config.hidden_widths, run.config.activation)
        and other.data_directory == run.data_directory
    }
    if isinstance(asked := address.asked_number("second"), int):
        st.session_state["second"] = asked
    if st.session_state.get("second") not in same:
        st.session_state["second"] = ALONE
    second: int = st.selectbox(
        "A second run on the same ground",
        [ALONE, *same],
        format_func=lambda number: session.label(same[number]) if number else "none",
        key="second",
        help="Any run whose network has the same layers. Two learning rates side by side show what overshooting is.",
    )
    address.keep("second", second or None)
    return second


def begin(words: tuple[str, ...]) -> None:
    """Let the map be drawn."""
    try:
        st.session_state[JOB] = jobs.start(f"{pulse.viewer()} landscape", words)
    except NnlibError as error:
        st.session_state["landscape_problem"] = sentence(str(error))


def look(words: tuple[str, ...], runs: list[Run]) -> None:
    """The map of these runs, as far as it is drawn."""
    job: jobs.Job | None = st.session_state.get(JOB)
    if job is None or job.words != words:
        return
    ended = job.ended  # before its lines are read: they are then all
    pulse.silent("landscape", not ended, LOOK_SECONDS)
    if job.problem:
        st.error(sentence(job.problem), icon=":material/error:")
        return
    if not job.lines:
        st.markdown("Looking for the way that it took …")
        return
    found = _named(Landscape.from_json(json.dumps(job.lines[-1])), runs)
    way = st.segmented_control("Seen", ["From above", "As mountains"], default="From above", required=True, key="seen")
    draw = figures.mountains if way == "As mountains" else figures.landscape
    st.plotly_chart(
        draw(found),
        key=f"landscape_{way}",
        config={"displayModeBar": False, "scrollZoom": False},
        alt="The loss around the path of the training, and the path itself, from its start to its end.",
    )
    if not ended:
        st.progress(found.done, "The map is being drawn, ever finer.")
    whose = "of how far it moved" if len(found.paths) == 1 else "of how far they moved"
    st.caption(
        spoken(
            f"Every point is a network; **the darker, the less wrong it is** (*loss*) with {found.n_digits:,} new "
            "digits. The line is the way that the training took from start to end. Small corrections go down into the "
            "nearest valley; too big ones leap over it (*overshooting*). A network has a hundred thousand directions "
            f"and a map two: those in which it moved most, which are {percent(found.explained)} {whose}. So each dot "
            f"has the colour of the loss that it truly had there, which may differ from the ground."
        )
    )


def _named(found: Landscape, runs: list[Run]) -> Landscape:
    """The map with each path named by its run, and by the first of the settings in which that is not like the other."""
    names = [f"run {run.id}" for run in runs]
    for setting in map(SETTINGS.__getitem__, differing(runs)[:1]):
        for place, run in enumerate(runs):
            values = (setting.show(getattr(config, setting.name)) for config in (run.began_with, run.config))
            names[place] += f": {spoken(setting.term)} {' → '.join(dict.fromkeys(values))}"
    paths = tuple(replace(path, name=name) for path, name in zip(found.paths, names, strict=True))
    return replace(found, paths=paths)


st.title("The landscape of the loss", anchor=False)
st.markdown(
    "Learning is a walk downhill: how wrong a network is (its *loss*) is the height, and every correction is a step. "
    "Here you see the ground, and the way that a training took over it."
)
run = session.chosen_run()
if run is None or not resources.snapshots(run.id):
    st.info(
        "The pretrained network shows only where it ended. Choose a run under *Network to look at*, or train one: its "
        "way can be drawn as soon as it has begun.",
        icon=":material/landscape:",
    )
    st.page_link("views/train.py", label="Train a network", icon=":material/trending_up:")
else:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        second = choose_second(run)
        words = ("landscape", "--json-lines", str(run.id), *([str(second)] if second else []))
        st.button("Draw the landscape", type="primary", icon=":material/landscape:", on_click=begin, args=(words,))
    if text := st.session_state.pop("landscape_problem", None):
        st.error(text, icon=":material/error:")
    session.fragment(look)(words, [run, *([resources.run(second)] if second else [])])
