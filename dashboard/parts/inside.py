"""Inside the network: what is measured of each layer while it learns, as charts, pictures and tables."""

from collections.abc import Callable
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from dashboard import figures, resources, session
from dashboard.parts import chart, pulse
from dashboard.resources import spoken
from nnlib.runs import Run, Snapshot, records_as_csv
from nnlib.study import Distribution, Spread, distributions_as_csv, in_common_bins
from nnlib.training import SATURATED, EpochRecord
from nnlib.words import count, exact

LOOK_SECONDS = 3.0  # between two looks at what changes slowly
COUNT_SECONDS = 0.25  # of counting before something is shown, and between two looks at how far it is
PICTURES = {"png": "PNG", "svg": "SVG"}
TILES = ("weights", "outputs")  # the looks that are of all moments, not of every epoch's record


@dataclass(frozen=True)
class Look:
    """A question to all layers: its name among the others, what the chart shows, and how to read it."""

    name: str
    alt: str
    how_to_read: str
    scales: bool = True  # whether a logarithmic and a linear scale both make sense


@dataclass(frozen=True)
class Found:
    """What a look shows: a chart, its values as CSV, and, where it is not all yet, how far it is."""

    figure: go.Figure
    table: Callable[[], str]
    so_far: str = ""
    goes_on: bool = False


LOOKS = {
    "gradients": Look(
        "Gradients",
        "The length of each layer's gradient at the end of every epoch.",
        "How strongly each layer is pushed to change: the length of its *gradient* (*gradient norm*). Near zero it has "
        "nothing left to learn, or nothing gets through to it; where it leaps up, the layer is being thrown about.",
    ),
    "updates": Look(
        "Updates",
        "How far the last correction of every epoch moved each layer, as a share of its weights.",
        "How far one correction moves a layer, as a share of how large its weights are (*update-to-weight ratio*). The "
        "green band is about 0.001, which is usually good: far below it the layer hardly learns, far above it is "
        "thrown about.",
    ),
    "dead": Look(
        "Dead units",
        "The share of each layer's units that put out the same for every validation digit.",
        "A *dead* unit puts out the same for every digit: it is of no use. High learning rates kill units.",
        scales=False,
    ),
    "saturated": Look(
        "Saturation",
        "The share of each hidden layer's outputs at the flat ends of its activation.",
        "A *saturated* output is at one of the flat ends of {activation}: {ends}. There it hardly changes, whatever "
        "comes in, and next to nothing is learned through it: near 100 %, the layer is stuck.",
        scales=False,
    ),
    "weights": Look(
        "Weights",
        "For each layer, tiles: how its weights are spread, from the first moment to the newest.",
        "Each column is one moment, from left to right; the fuller the colour, the more of the layer's weights have "
        "that value. A band that widens is learning; one that stays as it was learns nothing, and one that runs off "
        "blows up. The rows at the rim also hold what lies beyond.",
    ),
    "outputs": Look(
        "Outputs",
        "For each layer, tiles: how the outputs of its units are spread, from the first moment to the newest.",
        "What the units put out (*activations*) for a few hundred digits that it has never learned from: the fuller "
        "the colour, the more outputs have that value. All at zero, or all at the two ends, and little gets through. "
        "Good answers end as two lines: near 0 for nine digits, near 1 for one.",
    ),
    "rates": Look(
        "Learning rate",
        "The learning rate that was used, over the epochs.",
        "With a schedule it changes by itself; a jump is where somebody moved the slider.",
    ),
}


def panel(run: Run) -> None:
    """All of it, for who opens it."""
    opened = st.expander("Inside the network", icon=":material/monitor_heart:", key="inside", on_change="rerun")
    if opened.open:
        with opened:
            session.fragment(inside)(run.id)


def inside(run_id: int) -> None:
    """One look at all layers, and what it shows to take along."""
    run = resources.run(run_id)
    looks = [name for name in LOOKS if name != "saturated" or run.config.activation in SATURATED]
    if st.session_state.get("inside_look") not in looks:  # the run before may have had another activation
        st.session_state["inside_look"] = looks[0]
    chosen = st.segmented_control(
        "What to look at",
        looks,
        format_func=lambda name: LOOKS[name].name,
        required=True,
        wrap=True,
        key="inside_look",
        persist_state="session",
        label_visibility="collapsed",
    )
    assert chosen is not None  # it is required
    # always in this order, each in a place of its own: what comes and goes must not push what stands below
    place, reading, take_along = (
        st.container(),
        st.container(),
        st.container(horizontal=True, vertical_alignment="center", key="inside_take"),
    )
    with take_along:
        log = LOOKS[chosen].scales and st.toggle("Log scale", True, key="inside_log", persist_state="session")
        picture = st.segmented_control(
            "Pictures as",
            list(PICTURES),
            format_func=lambda name: PICTURES[name],
            default="png",
            required=True,
            key="inside_picture",
            persist_state="session",
            label_visibility="collapsed",
            help="What the camera beside the chart saves: PNG for a document, SVG to be scaled and edited.",
        )
    found = _tiles(run, chosen, log) if chosen in TILES else _curves(run, chosen, log)
    with take_along:
        st.download_button(
            "Values as a table",
            found.table,
            f"run-{run_id}-{chosen if chosen in TILES else 'epochs'}.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/download:",
            help="As CSV: one row for each epoch, or for each layer, moment and value.",
        )
    with place:
        name = f"run-{run_id}-{chosen}"
        chart.show(found.figure, f"inside_{name}", figures.bar(picture or "png", name), spoken(LOOKS[chosen].alt))
    with reading:
        st.caption(spoken(" ".join(filter(None, [found.so_far, _how_to_read(run, chosen)]))))
    pulse.silent("inside", run.active or found.goes_on, COUNT_SECONDS if found.goes_on else LOOK_SECONDS)


def _how_to_read(run: Run, chosen: str) -> str:
    low, high = SATURATED.get(run.config.activation, (0.0, 0.0))
    ends = f"below {exact(low)} or above {exact(high)}"
    return LOOKS[chosen].how_to_read.format(activation=run.config.activation, ends=ends)


def _curves(run: Run, chosen: str, log: bool) -> Found:
    """What every epoch has measured."""
    records, progress = resources.curves(run.id)
    epochs = [record.epoch for record in records]
    widths = run.config.hidden_widths
    hidden = [f"layer {number}" for number in range(1, len(widths) + 1)]
    layers = [*hidden, "answers"]
    match chosen:
        case "gradients":
            norms = [record.gradient_norms for record in records]
            figure = figures.per_layer_curve("How strongly it is pushed", "gradient norm", epochs, norms, layers, log)
        case "updates":
            ratios = [record.update_ratios for record in records]
            figure = figures.update_ratio_curve(epochs, ratios, layers, log)
        case "dead":
            dead = [
                [100 * each / width for each, width in zip(record.dead_units, widths, strict=True)]
                for record in records
            ]
            figure = figures.per_layer_curve("Units that never react", "dead units (%)", epochs, dead, hidden)
        case "saturated":
            shares = [[100 * share for share in record.saturated] for record in records]
            figure = figures.per_layer_curve("Outputs that are stuck", "saturated (%)", epochs, shares, hidden)
        case _:
            figure = figures.learning_rate_curve(records, progress, log)
    return Found(figure, lambda: records_as_csv(records), _nothing_yet(run, chosen, records))


def _nothing_yet(run: Run, chosen: str, records: list[EpochRecord]) -> str:
    """Why there is no curve, where there is none."""
    measured = {"updates": "update_ratios", "saturated": "saturated"}
    if chosen == "rates":
        return ""  # known from the first correction on
    if not records:
        return "**The first values come at the end of the first epoch.**" if run.active else "**No epoch was done.**"
    if chosen in measured and not any(getattr(record, measured[chosen]) for record in records):
        return "**This run is of an older version, which did not measure this.**"
    return ""


def _tiles(run: Run, chosen: str, log: bool) -> Found:
    """How the numbers of every layer are spread, at the moments that are counted so far."""
    spreads, missing = resources.spreads(run.id, COUNT_SECONDS)
    # the same step of another attempt may have other weights
    training = run.id, run.attempt, resources.store().file
    figure, layers = _draw(training, tuple(spreads), chosen, log, run.config.hidden_widths, spreads)
    steps = [(moment.step, moment.epoch) for moment in spreads]
    so_far = ""
    if missing:
        so_far = f"**{len(spreads)} of {count(len(spreads) + missing, 'moment')} counted so far …**"
    elif not spreads:
        so_far = "**There is no moment of this run yet that could be looked at.**"
    return Found(figure, lambda: distributions_as_csv(steps, layers), so_far, missing > 0)


@st.cache_resource(max_entries=16, show_spinner=False)
def _draw(
    training: tuple[object, ...],
    moments: tuple[Snapshot, ...],
    chosen: str,
    log: bool,
    widths: tuple[int, ...],
    _spreads: dict[Snapshot, Spread],
) -> tuple[go.Figure, list[tuple[str, Distribution]]]:
    """The chart of these moments, the same for all who look, and what it shows of each layer."""
    names = [f"layer {number} ({width} units)" for number, width in enumerate(widths, start=1)]
    names.append("answers" if chosen == "weights" else "answers (probabilities)")
    found = [each.weights if chosen == "weights" else each.outputs for each in _spreads.values()]
    layers = [(name, in_common_bins(each)) for name, each in zip(names, zip(*found, strict=True), strict=False)]
    title = f"How its {chosen} are spread"
    return figures.distributions(
        title, chosen.removesuffix("s"), [moment.epoch for moment in moments], layers, log
    ), layers
