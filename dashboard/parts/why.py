"""Why a digit is read as it is: for one test digit, and for one that was drawn.

Each look is worked out when it is chosen, and only then.
"""

from collections.abc import Callable

import numpy as np
import streamlit as st

from dashboard import figures, images, resources, session
from dashboard.parts import answer, picture
from dashboard.parts.segments import segments
from dashboard.session import Choice
from dashboard.words import a, escape
from nnlib.digits import N_CLASSES
from nnlib.model_files import Model
from nnlib.runs import Snapshot
from nnlib.study import (
    Peculiarity,
    calibrate,
    gradient_times_input,
    integrated_gradients,
    nearest,
    occlusion,
    smallest_change,
)
from nnlib.words import count, percent

STRONGEST, NEIGHBOURS = 8, 12
MOST_RUNS = 12  # others that are asked
WAYS = (
    (
        "A little more ink",
        gradient_times_input,
        "Exact for a small change of each pixel, blind to a large one (gradient × input).",
    ),
    (
        "Ink, from none to all",
        integrated_gradients,
        "Together they add up to the whole answer, but stray pixels may get a part of it (integrated gradients).",
    ),
    (
        "Squares covered",
        occlusion,
        "What really happens without a piece of the digit, but a piece at a time (occlusion).",
    ),
)


def look(choice: Choice, image: np.ndarray, label: int | None, key: str) -> None:
    """The looks to choose from, and the chosen one, at a picture, (784,), that is a `label`, where that is known."""
    chosen = segments("Why? Choose a look", {name: title for name, (title, _) in LOOKS.items()}, "why")
    with st.container(key=key):
        LOOKS[chosen][1](choice, image, label)


def _probabilities(choice: Choice, image: np.ndarray) -> np.ndarray:
    return calibrate(choice.model.network.predict_proba(image[None]), choice.model.temperature)[0]


def _choose_digit(name: str, key: str, usual: int) -> int:
    """A digit to choose; `usual` until one is."""
    chosen: int | None = st.segmented_control(
        name, list(range(N_CLASSES)), default=usual, required=True, wrap=True, key=f"{key}_{usual}"
    )
    return usual if chosen is None else chosen


def _evidence(choice: Choice, image: np.ndarray, label: int | None) -> None:
    """Pixels that speak for and against an answer."""
    network = choice.model.network
    read_as = int(_probabilities(choice, image).argmax())
    about = _choose_digit("What speaks for and against it being a …", "evidence", read_as)

    # each way looks at all ten answers at once
    maps = session.kept("evidence", (image, network), lambda: [way(network, image) for _, way, _ in WAYS])
    html = session.kept(
        "evidence_html",
        (maps, about),
        lambda: figures.evidence(
            image, [(title, found[about], said) for found, (title, _, said) in zip(maps, WAYS, strict=True)]
        ),
    )
    picture.show(html, "evidence_maps", f"Three pictures of which pixels speak for {a(about)}, and which against it.")
    st.caption(
        f":orange[**Orange**] pixels speak for {a(about)}, :blue[**blue**] ones against it; in each picture, the "
        "fuller the colour, the more. Point at a pixel to see how much (in *log-odds*: 0 is fifty-fifty). None of "
        "these is the whole truth: what all three show can be believed."
    )


def _lit_up(choice: Choice, image: np.ndarray, label: int | None) -> None:
    """Its way through the network, and the units of the first layer that react most."""
    network = choice.model.network
    answer.show_signal(image, network, "why_signal")
    outputs = network.activations(image[None])[0][0]
    strongest = [int(unit) for unit in np.argsort(-outputs, kind="stable")[:STRONGEST]]
    weights = network.dense_layers[0].weights
    captions = [f"unit {unit}: {outputs[unit]:.2f}" for unit in strongest]
    html = session.kept(
        "strongest_html",
        (image, network),
        lambda: figures.strongest_units(weights[:, strongest], images.weight_limit(weights), captions),
    )
    st.markdown("**The units of the first layer that it excites most**, as what they look for, and what they put out:")
    picture.show(html, "strongest_units", f"The weights of {len(strongest)} units as pictures.")
    st.caption(
        "Where the digit has ink on orange, the unit is excited; ink on blue calms it. *Weights* shows them all."
    )


def _its_like(choice: Choice, image: np.ndarray, label: int | None) -> None:
    """The training digits that the network takes for the most alike."""
    run_id, step = choice.run.id if choice.run else None, choice.moment.step
    outputs, train = resources.training_outputs(run_id, step), resources.data().train
    own = choice.model.network.activations(image[None])[-2][0]
    places, _ = session.kept("nearest", (image, outputs), lambda: nearest(outputs, own, NEIGHBOURS))
    labels = train.labels[places]
    html = figures.gallery(
        [(a(train.labels[i]), f"no. {i:,}") for i in places], train.images[places], word="One of the most alike"
    )
    counts = np.bincount(labels, minlength=N_CLASSES)
    most = int(counts.argmax())
    st.markdown(
        f"**{counts[most]} of the {len(places)} training digits that it takes for the most alike are {most}s.**"
    )
    picture.show(html, "its_like", f"{len(places)} training digits: {', '.join(map(str, labels))}.")
    st.caption(
        f"The nearest of {len(outputs):,} training digits in the *last hidden layer*, nearest first: all that the "
        "answer is made of. If they look alike to you, too, it learned what there was to learn; if not, it sees "
        "something else than you."
    )


def _over_time(choice: Choice, image: np.ndarray, label: int | None) -> None:
    """What it answered at every moment, and what other runs answer."""
    if choice.run is None:
        st.info("Of the pretrained network only its end is kept. Choose a run of yours, and see when it learned this.")
    else:
        moments = resources.snapshots(choice.run.id)
        # of a run that learns, only what is new is worked out
        known: dict[Snapshot, np.ndarray] = session.kept("over_time", (image, choice.run.id), dict)
        known |= resources.answers_at(choice.run.id, [each for each in moments if each not in known], image)
        _show_history({each: known[each] for each in moments if each in known}, choice, image, label)
    _show_other_runs(choice, image, label)


def _show_history(found: dict[Snapshot, np.ndarray], choice: Choice, image: np.ndarray, label: int | None) -> None:
    if len(found) < 2:
        return
    probabilities = calibrate(np.stack(list(found.values())), choice.model.temperature)
    now = int(_probabilities(choice, image).argmax())
    true = now if label is None else label
    lines = [(true, f"{true}, the true digit" if label is not None else f"{true}, its answer now")]
    if now != true:
        lines.append((now, f"{now}, its answer now"))
    answers = probabilities.argmax(axis=1)
    html = figures.history([moment.epoch for moment in found], probabilities, lines)
    picture.show(html, "history", f"How probable the answer {true} was at {len(found)} moments of the training.")
    right = answers == true
    changes = int(np.count_nonzero(right[1:] != right[:-1]))
    first = next((moment for moment, holds in zip(found, right, strict=True) if holds), None)
    if first is None:
        said = f"At none of {len(found)} moments did it answer {true}."
    else:
        said = f"It first answered {true} {first.moment}"
        ever_since = changes <= 1 and right[-1]
        said += ", and ever since." if ever_since else f", and changed its mind {count(changes, 'time')}."
    st.caption(said)


def _show_other_runs(choice: Choice, image: np.ndarray, label: int | None) -> None:
    """What the other networks say."""
    others = [run for run in resources.runs() if choice.run is None or run.id != choice.run.id]
    lines = []
    if choice.run is not None:
        lines.append(_line("the pretrained network", resources.model(None, 0), image, label))
    for run in others[:MOST_RUNS]:
        with session.sentences():
            if moments := resources.snapshots(run.id):
                name = f"run {escape(session.label(run))}"
                lines.append(_line(name, resources.model(run.id, moments[-1].step), image, label))
    if lines:
        st.markdown("**What other networks say**\n\n" + "\n".join(lines))


def _line(name: str, model: Model, image: np.ndarray, label: int | None) -> str:
    probabilities = calibrate(model.network.predict_proba(image[None]), model.temperature)[0]
    read_as = int(probabilities.argmax())
    mark = "" if label is None else (" ✓" if read_as == label else " ✗")
    return f"- {name}: **{read_as}**{mark}, {percent(probabilities.max())} sure"


def _what_turns_it(choice: Choice, image: np.ndarray, label: int | None) -> None:
    """The smallest change that turns the answer."""
    network = choice.model.network
    first, second = (int(each) for each in _probabilities(choice, image).argsort()[::-1][:2])
    usual = label if label not in (None, first) else second
    wanted = _choose_digit("What would make it a …", "turned", int(usual))
    if wanted == first:
        st.info(f"It reads it as {a(first)} already: choose another digit.")
        return
    turned = session.kept("turned_to", (image, network, wanted), lambda: smallest_change(network, image, wanted))
    if not turned.reached:
        st.info(f"No small change was found that makes it {a(wanted)} to this network.")
        return
    titles = (f"Read as {a(first)}", "The change", f"Read as {a(wanted)}")
    html = session.kept("turned_html", (turned,), lambda: figures.change(image, turned.image, titles))
    picture.show(html, "turned", f"The digit, the change, and the digit that is read as {a(wanted)}.")
    share = np.abs(turned.image - image).sum() / max(float(image.sum()), 1e-6)
    st.caption(
        f"About the smallest change with which it answers {wanted}: {share:.0%} as much as there is ink, drawn "
        f"{1 / max(float(np.abs(turned.image - image).max()), 1e-3):.0f} times as strong. "
        ":orange[**Orange**] is ink added, :blue[**blue**] ink taken away. If you still see the same digit, this is a "
        "weakness of the network; if you do not, the digit was close to it."
    )


LOOKS: dict[str, tuple[str, Callable[[Choice, np.ndarray, int | None], None]]] = {
    "evidence": ("For and against", _evidence),
    "units": ("What lit up", _lit_up),
    "alike": ("Its like", _its_like),
    "time": ("Over time, other runs", _over_time),
    "turn": ("What would turn it", _what_turns_it),
}


def reason(image: np.ndarray, label: int, right: bool) -> str:
    """What is odd about it, to human eyes, the likeliest reason for a mistake first; it was read `right`, or wrong."""
    found = resources.peculiarities().of(image, label)
    if not found:
        whose = "" if right else ": the mistake is all the network's"
        return f"Nothing about it is unusual for {a(label)}{whose}."
    first, *others = (_in_words(each, label) for each in found[:3])
    said = f"**{first[0].upper()}{first[1:]}.**"
    return f"{said} Also, {' and '.join(others)}." if others else said


def _in_words(odd: Peculiarity, label: int) -> str:
    of_all = f"only {odd.share:.1%} of all {label}s are so" if odd.share >= 0.005 else f"hardly any {label} is so"
    match odd.kind:
        case "label":
            return (
                f"the label is doubtful: of the ten training digits that look most like it, {odd.value:.0f} are "
                f"labelled {odd.suggested}, and {odd.usual:.0f} {label}"
            )
        case "thin" | "thick":
            return (
                f"its strokes are {odd.kind}, {odd.value:.1f} pixels where {odd.usual:.1f} are usual for {a(label)}: "
                f"{of_all}"
            )
        case "slanted":
            side = "right" if odd.value > odd.usual else "left"
            return f"it is slanted {abs(odd.value - odd.usual):.0f}° more to the {side} than most {label}s: {of_all}"
        case "broken":
            return f"it is broken into {odd.value:.0f} pieces: {of_all}"
        case _:
            return f"its form is unusual: {of_all} far from all others"
