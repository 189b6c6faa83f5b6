"""Why a digit was misread, in short: what each look at it finds, in a line; all of it is computed."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from dashboard import resources, session
from dashboard.parts.why import a_class, maps_of, named, neighbours_of, other_answers
from dashboard.resources import spoken
from dashboard.session import Choice
from nnlib.digits import N_CLASSES, N_PIXELS, SIDE
from nnlib.network import Network
from nnlib.study import Dab, Peculiarity, agreement, redraw, third_of
from nnlib.words import count

# where it is, from top to bottom and from left to right
PLACES = (
    ("at the upper left", "at the top", "at the upper right"),
    ("on the left", "in the middle", "on the right"),
    ("at the lower left", "at the bottom", "at the lower right"),
)


def show(choice: Choice, image: np.ndarray, label: int, answer: int) -> None:
    """The lines: of a digit, (784,), that is a `label` and was read as an `answer`."""
    odd = reason(image, label)
    if label == answer:
        st.markdown(f"**To the eye:** {odd}")
        return
    network = choice.model.network
    its_ink, a_pen = session.kept("in_short", (image, network, label), lambda: _looks(network, image, label, answer))
    like = resources.data().train.labels[neighbours_of(choice, image)]
    lines = [
        f"**Its ink:** {its_ink}",
        f"**A pen:** {a_pen}",
        spoken(f"**Its like:** of the {len(like)} training digits nearest to it in the network, {_shares(like)}."),
    ]
    others = [int(probabilities.argmax()) for _, probabilities in other_answers(choice, image)]
    if others:
        right = others.count(label)
        whose = (
            "the digit misleads" if not right else "this one is weak here" if 2 * right > len(others) else "it is hard"
        )
        lines.append(spoken(f"**Other networks:** {right or 'none'} of {len(others)} read it right: {whose}."))
    lines.append(f"**To the eye:** {odd}")
    st.markdown(f"**Why {named(answer)} and not {named(label)}?**\n\n" + "\n".join(f"- {line}" for line in lines))


def _looks(network: Network, image: np.ndarray, label: int, answer: int) -> tuple[str, str]:
    """What the evidence says, and what a pen would have to do."""
    told = agreement([each[answer] - each[label] for each in maps_of(network, image)]).clip(0)
    its_ink = "the three ways to tell, below, agree on no part of it."
    if told.any():
        its_ink = f"what it has {_place(told, image)} speaks most for {a_class(answer)} rather than {a_class(label)}."
    found = redraw(network, image, label)
    if not found.reached:
        return its_ink, f"no few strokes would make it {a_class(label)}."
    done = []
    for adds, does in ((True, "more"), (False, "erased")):
        dabs = [dab for dab in found.dabs if dab.adds == adds]
        if dabs:
            done.append(f"{count(len(dabs), 'dab')} {does} {_place(_weights(dabs), image)}")
    return its_ink, f"{' and '.join(done)}, and it would be read as {a_class(label)}."


def _place(weights: np.ndarray, image: np.ndarray) -> str:
    down, across = third_of(weights, image)
    return PLACES[down][across]


def _weights(dabs: Sequence[Dab]) -> np.ndarray:
    return np.bincount([SIDE * dab.row + dab.column for dab in dabs], minlength=N_PIXELS)


def _shares(labels: np.ndarray) -> str:
    """`9 are 7s and 3 are 1s`."""
    counts = np.bincount(labels, minlength=N_CLASSES)
    order = [int(each) for each in np.argsort(-counts, kind="stable")[:3] if counts[each]]
    *first, last = (f"{counts[each]} {_are(int(counts[each]), each)}" for each in order)
    return f"{', '.join(first)} and {last}" if first else last


def _are(n: int, label: int) -> str:
    if not resources.of_digits():
        return f"{'is' if n == 1 else 'are'} labelled {named(label)}"
    return f"is {a_class(label)}" if n == 1 else f"are {label}s"


def reason(image: np.ndarray, label: int) -> str:
    """What is odd about it, to human eyes, the likeliest reason for a mistake first."""
    found = resources.peculiarities().of(image, label)
    if not resources.of_digits():  # which alone are made of strokes
        found = [each for each in found if each.kind in ("label", "unusual")]
    if not found:
        return f"nothing about it is unusual for {a_class(label)}."
    first, *others = (_in_words(each, label) for each in found[:3])
    return f"{first}; also, {' and '.join(others)}." if others else f"{first}."


def _in_words(odd: Peculiarity, label: int) -> str:
    name = named(label)
    all_such = f"{name}s" if resources.of_digits() else f"pictures labelled {name}"
    of_all = f"only {odd.share:.1%} of all {all_such} are so" if odd.share >= 0.005 else f"hardly any {name} is so"
    match odd.kind:
        case "label":
            return spoken(
                f"the label is doubtful: of the ten training digits that look most like it, {odd.value:.0f} are "
                f"labelled {named(odd.suggested or 0)}, and {odd.usual:.0f} {name}"
            )
        case "thin" | "thick":
            return (
                f"its strokes are {odd.kind}, {odd.value:.1f} pixels where {odd.usual:.1f} are usual for "
                f"{a_class(label)}: {of_all}"
            )
        case "slanted":
            side = "right" if odd.value > odd.usual else "left"
            return f"it is slanted {abs(odd.value - odd.usual):.0f}° more to the {side} than most {name}s: {of_all}"
        case "broken":
            return f"it is broken into {odd.value:.0f} pieces: {of_all}"
        case _:
            return f"its form is unusual: {of_all} far from all others"
