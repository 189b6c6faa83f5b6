"""Why a digit is read as it is: for one test digit, and for one that was drawn.

Each look is worked out when it is chosen, and only then.
"""

import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
import streamlit as st

from dashboard import figures, images, resources, session
from dashboard.parts import answer, frame, picture
from dashboard.parts.segments import segments
from dashboard.resources import spoken
from dashboard.session import Choice
from dashboard.words import a, escape
from nnlib.digits import N_CLASSES
from nnlib.errors import NnlibError, StoreError
from nnlib.network import Network
from nnlib.runs import Run, Snapshot
from nnlib.study import (
    Redrawn,
    Turned,
    agreement,
    calibrate,
    gradient_times_input,
    integrated_gradients,
    nearest,
    occlusion,
    redraw,
    smallest_change,
)
from nnlib.words import count, percent

STRONGEST, NEIGHBOURS = 8, 12
RATHER = -1  # of two answers, one rather than the other
MOST_RUNS = 12  # others that are asked
WAYS = (
    (
        "Each pixel a little stronger",
        gradient_times_input,
        "Exact for a small change of each pixel, blind to a large one (gradient × input).",
    ),
    (
        "From no ink to all of it",
        integrated_gradients,
        "Together they add up to the whole answer, but stray pixels may get a part of it (integrated gradients).",
    ),
    (
        "With squares covered",
        occlusion,
        "What really happens without a piece of it, but a piece at a time (occlusion).",
    ),
)


def look(choice: Choice, image: np.ndarray, label: int | None, key: str) -> None:
    """The looks to choose from, and the chosen one, at a picture, (784,), that is a `label`, where that is known."""
    chosen = segments("Why? Choose a look", {name: title for name, (title, _) in LOOKS.items()}, "why")
    with st.container(key=key):
        LOOKS[chosen][1](choice, image, label)


def named(label: int) -> str:
    """What a class is called, for a text."""
    return escape(resources.class_name(label))


def a_class(label: int) -> str:
    """`a 7`, `an ankle boot`."""
    return escape(a(resources.class_name(label)))


def _probabilities(choice: Choice, image: np.ndarray) -> np.ndarray:
    return calibrate(choice.model.network.predict_proba(image[None]), choice.model.temperature)[0]


def _choose_digit(name: str, key: str, image: np.ndarray, usual: int, rather: str = "") -> int:
    """A digit to choose for this picture, or RATHER, which is called so; `usual` until one is."""
    chosen: int | None = st.segmented_control(
        name,
        [*([RATHER] if rather else []), *range(N_CLASSES)],
        format_func=lambda each: rather if each == RATHER else resources.class_name(each),
        default=usual,
        required=True,
        wrap=True,
        key=f"{key}_{usual}_{zlib.crc32(image.tobytes())}",
    )
    return usual if chosen is None else chosen


def maps_of(network: Network, image: np.ndarray) -> list[np.ndarray]:
    """What each of WAYS says of a picture, for each of the ten answers: (10, 784)."""
    return session.kept("evidence", (image, network), lambda: [way(network, image) for _, way, _ in WAYS])


def _evidence(choice: Choice, image: np.ndarray, label: int | None) -> None:
    """Pixels that speak for and against an answer, or for one rather than for another."""
    read_as = int(_probabilities(choice, image).argmax())
    true = read_as if label is None else label
    rather = "" if true == read_as else f"{resources.class_name(read_as)} rather than {resources.class_name(true)}"
    about = _choose_digit("What speaks for …", "evidence", image, RATHER if rather else read_as, rather)
    maps = maps_of(choice.model.network, image)
    html = session.kept("evidence_html", (maps, about, true), lambda: _maps(image, maps, about, read_as, true))
    it, against = (a_class(read_as), f"for {a_class(true)}") if about == RATHER else (a_class(about), "against it")
    picture.show(html, "evidence_maps", f"Four pictures of which pixels speak for {it}, and which {against}.")
    st.caption(
        f":orange[**Orange**] pixels speak for {it}, :blue[**blue**] ones {against}; in each picture, the fuller the "
        "colour, the more. Point at a pixel to see how much (in *log-odds*: 0 changes nothing). None of the three "
        "ways is the whole truth: what they agree on is the likeliest."
    )


def _maps(image: np.ndarray, maps: Sequence[np.ndarray], about: int, read_as: int, true: int) -> str:
    values = [each[read_as] - each[true] if about == RATHER else each[about] for each in maps]
    shown = [(title, own, said) for (title, _, said), own in zip(WAYS, values, strict=True)]
    agreed = "Only where all three point the same way, and as far as the most cautious of them."
    return figures.evidence(image, [*shown, ("What all three agree on", agreement(values), agreed)])


def _lit_up(choice: Choice, image: np.ndarray, label: int | None) -> None:
    """Its way through the network, and the units of the first layer that react most."""
    network = choice.model.network
    if label is not None:  # of a drawing, the page has shown it
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
        spoken(
            "Where the digit has ink on orange, the unit is excited; ink on blue calms it. *Weights* shows them all."
        )
    )


def neighbours_of(choice: Choice, image: np.ndarray) -> np.ndarray:
    """The indices of the training digits that the network takes for the most alike, (NEIGHBOURS,) or fewer."""
    outputs = resources.training_outputs(choice.run.id if choice.run else None, choice.moment.step)
    own = choice.model.network.activations(image[None])[-2][0]
    return session.kept("nearest", (image, outputs), lambda: nearest(outputs, own, NEIGHBOURS))


def _its_like(choice: Choice, image: np.ndarray, label: int | None) -> None:
    """The training digits that the network takes for the most alike."""
    places, train = neighbours_of(choice, image), resources.data().train
    labels = train.labels[places]
    html = figures.gallery(
        [(a(resources.class_name(train.labels[i])), f"no. {i:,}") for i in places],
        train.images[places],
        word="One of the most alike",
    )
    counts = np.bincount(labels, minlength=N_CLASSES)
    most = int(counts.argmax())
    st.markdown(
        spoken(f"**{counts[most]} of the {len(places)} training digits that it takes for the most alike are ")
        + (f"{most}s.**" if resources.of_digits() else f"labelled {named(most)}.**")
    )
    picture.show(
        html, "its_like", spoken(f"{len(places)} training digits: {', '.join(map(resources.class_name, labels))}.")
    )
    st.caption(
        spoken(
            "The nearest training digits in the *last hidden layer*, nearest first: what it puts out is all that the "
            "answer is made of. If they look alike to you, too, it learned what there was to learn; if not, "
            "it sees something else than you."
        )
    )


def _over_time(choice: Choice, image: np.ndarray, label: int | None) -> None:
    """What it answered at every moment, and what other networks answer."""
    if choice.run is not None:
        moments = resources.snapshots(choice.run.id)
        # of a run that learns, only what is new is worked out
        known: dict[Snapshot, np.ndarray] = session.kept("over_time", (image, choice.run.id), dict)
        known |= resources.answers_at(choice.run.id, [each for each in moments if each not in known], image)
        _show_history({each: known[each] for each in moments if each in known}, choice, image, label)
    if lines := [_line(name, probabilities, label) for name, probabilities in other_answers(choice, image)]:
        st.markdown("**What other networks say**\n\n" + "\n".join(lines))
    if choice.run is None:
        st.caption(
            "Of the pretrained network only its end is kept. Choose a run of yours, and see when it learned this."
        )


def _show_history(found: dict[Snapshot, np.ndarray], choice: Choice, image: np.ndarray, label: int | None) -> None:
    if len(found) < 2:
        return
    probabilities = calibrate(np.stack(list(found.values())), choice.model.temperature)
    now = int(_probabilities(choice, image).argmax())
    true = now if label is None else label
    name = resources.class_name
    lines = [(true, f"{name(true)}, {'its answer now' if label is None else spoken('the true digit', 'class')}")]
    if now != true:
        lines.append((now, f"{name(now)}, its answer now"))
    answers = probabilities.argmax(axis=1)
    html = figures.history([moment.epoch for moment in found], probabilities, lines, resources.data().names)
    picture.show(html, "history", f"How probable the answer {name(true)} was at {len(found)} moments of the training.")
    right = answers == true
    changes = int(np.count_nonzero(right[1:] != right[:-1]))
    first = next((moment for moment, holds in zip(found, right, strict=True) if holds), None)
    if first is None:
        said = f"At none of {len(found)} moments did it answer {named(true)}."
    else:
        said = f"It first answered {named(true)} {first.moment}"
        ever_since = changes <= 1 and right[-1]
        said += ", and ever since." if ever_since else f", and changed its mind {count(changes, 'time')}."
    st.caption(said)


def other_answers(choice: Choice, image: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """What other networks are called, and how probable each answer, (10,), is to them at their newest moments."""
    others = []
    if choice.run is not None and resources.of_digits():
        others.append(("the pretrained network", resources.model(None, 0)))
    runs: list[Run] = []
    with suppress(StoreError):  # which the list of networks says
        runs = [run for run in resources.runs()[:MOST_RUNS] if choice.run is None or run.id != choice.run.id]
    for run in runs:
        with suppress(NnlibError):  # it is damaged, or a newer moment takes its place just now
            if moments := resources.snapshots(run.id):
                others.append((f"run {escape(session.label(run))}", resources.model(run.id, moments[-1].step)))
    return [(name, calibrate(model.network.predict_proba(image[None]), model.temperature)[0]) for name, model in others]


def _line(name: str, probabilities: np.ndarray, label: int | None) -> str:
    read_as = int(probabilities.argmax())
    mark = "" if label is None else (" ✓" if read_as == label else " ✗")
    return f"- {name}: **{named(read_as)}**{mark}, {percent(probabilities.max())} sure"


def _what_turns_it(choice: Choice, image: np.ndarray, label: int | None) -> None:
    """What pen and eraser would have to do for another answer, and the smallest change of all."""
    network = choice.model.network
    first, second = (int(each) for each in _probabilities(choice, image).argsort()[::-1][:2])
    usual = label if label not in (None, first) else second
    wanted = _choose_digit("What would turn it into …", "turned", image, int(usual))
    if wanted == first:
        st.info(f"It reads it as {a_class(first)} already: choose another one.")
        return
    left, right = frame.columns("turn_columns")
    with left:
        redrawn = session.kept("redrawn", (image, network, wanted), lambda: redraw(network, image, wanted))
        _show_change("With pen and eraser", "redrawn", image, redrawn, wanted)
        if redrawn.reached:
            touches = count(len(redrawn.dabs), "touch", "touches")
            st.caption(
                f"**{touches}** of a pen (:orange[orange]) or an eraser (:blue[blue]): about as few as will do. Where "
                "you still see the same, this is a weakness of the network."
            )
    with right:
        turned = session.kept("turned", (image, network, wanted), lambda: smallest_change(network, image, wanted))
        _show_change("The smallest change of all", "turned", image, turned, wanted)
        if turned.reached:
            st.caption(_how_much(image, turned.image))


def _show_change(title: str, key: str, image: np.ndarray, found: Redrawn | Turned, wanted: int) -> None:
    """What a picture, (784,), was changed to, so that it is read as what is `wanted`."""
    st.markdown(f"**{title}**")
    if not found.reached:
        st.info(f"This search found no such change that makes it {a_class(wanted)} to this network.")
        return
    titles = ("More ink, and less", f"Read as {a(resources.class_name(wanted))}")
    html = session.kept(f"{key}_html", (found,), lambda: figures.change(image, found.image, titles))
    picture.show(html, key, f"The change, and what is read as {a_class(wanted)}.")


def _how_much(image: np.ndarray, turned: np.ndarray) -> str:
    """How large a change is that can hardly be seen."""
    change = np.abs(turned - image)
    share, times = change.sum() / max(float(image.sum()), 1e-6), 1 / max(float(change.max()), 1e-3)
    return (
        f"Ink added (:orange[orange]) and taken away (:blue[blue]), {share:.0%} of all that there is; it is drawn "
        f"{times:.0f} times as strong, or it could hardly be seen."
    )


LOOKS: dict[str, tuple[str, Callable[[Choice, np.ndarray, int | None], None]]] = {
    "evidence": ("For and against", _evidence),
    "units": ("What lit up", _lit_up),
    "alike": ("Most alike", _its_like),
    "time": ("Over time, other runs", _over_time),
    "turn": ("What would turn it", _what_turns_it),
}
