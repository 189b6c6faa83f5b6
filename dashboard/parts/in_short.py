"""Why a digit is read as it is and not as another one, in short: what each look at it finds, in a line; computed."""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from dashboard import resources, session
from dashboard.parts.why import a_class, maps_of, named, neighbours_of, other_answers
from dashboard.resources import spoken
from dashboard.session import Choice
from nnlib.digits import N_CLASSES, N_PIXELS, SIDE
from nnlib.network import Network
from nnlib.study import Dab, Peculiarity, agreement, beside, part_of, redraw
from nnlib.words import count

BESIDE = 50  # digits of its kind, of about its form
DIFFERS = 0.15  # from paper to ink: less is no difference
# where it is, from top to bottom and from left to right
PLACES = (
    ("at the upper left", "at the top", "at the upper right"),
    ("on the left", "in the middle", "on the right"),
    ("at the lower left", "at the bottom", "at the lower right"),
)


def show(choice: Choice, image: np.ndarray, label: int | None, probabilities: np.ndarray) -> None:
    """The lines: of a picture, (784,), that is a `label`, where that is known, and (10,) probabilities of answers.

    Of one that was read right, or that nobody knows, it is why it is not the second likeliest.
    """
    answer, second = (int(each) for each in probabilities.argsort()[::-1][:2])
    other = second if label in (None, answer) else int(label or 0)
    network = choice.model.network
    looks = session.kept("in_short", (image, network, other), lambda: _looks(network, image, answer, other))
    like = np.bincount(resources.data().train.labels[neighbours_of(choice, image)], minlength=N_CLASSES)
    others = np.bincount([int(each.argmax()) for _, each in other_answers(choice, image)], minlength=N_CLASSES)
    kind = answer if label is None else label
    lines = [
        f"**Its form:** {session.kept('its_form', (image, kind), lambda: form(image, kind))}",
        *looks,
        spoken(
            f"**Most alike:** of the {like.sum()} training digits nearest to it in the network, {_list(like, _are)}."
        ),
    ]
    if others.any():
        lines.append(f"**Other networks:** {_list(others, lambda n, each: f'say{_s(n)} {named(each)}')}.")
    st.markdown(f"**Why {named(answer)} and not {named(other)}?**\n\n" + "\n".join(f"- {line}" for line in lines))


def _looks(network: Network, image: np.ndarray, answer: int, other: int) -> tuple[str, str]:
    """What the evidence says, and what pen and eraser would have to do."""
    told = agreement([each[answer] - each[other] for each in maps_of(network, image)]).clip(0)
    speaks = f"what speaks most for {a_class(answer)} is {_where(told, image)}."
    if not told.any():
        speaks = "the three ways to tell, below, agree on no part of it."
    found = redraw(network, image, other)
    if not found.reached:
        return f"**Evidence:** {speaks}", f"**A pen:** no few touches of it would make it {a_class(other)}."
    done = []
    for tool, adds in (("a pen", True), ("an eraser", False)):
        dabs = [dab for dab in found.dabs if dab.adds == adds]
        if dabs:
            done.append(f"{count(len(dabs), 'touch', 'touches')} of {tool} {_where(_weights(dabs), image)}")
    turned = f"**A pen:** {' and '.join(done)}, and the answer would be {named(other)}."
    return f"**Evidence:** {speaks}", turned


def _where(weights: np.ndarray, image: np.ndarray) -> str:
    down, across = part_of(weights, image)
    return PLACES[down][across]


def _weights(dabs: Sequence[Dab]) -> np.ndarray:
    return np.bincount([SIDE * dab.row + dab.column for dab in dabs], minlength=N_PIXELS)


def _list(counts: np.ndarray, says: Callable[[int, int], str]) -> str:
    """What there is to say of each class, with how many it is said of, (10,): of the three with most."""
    order = [int(each) for each in np.argsort(-counts, kind="stable")[:3] if counts[each]]
    *first, last = (f"{counts[each]} {says(int(counts[each]), each)}" for each in order)
    return f"{', '.join(first)} and {last}" if first else last


def _s(n: int) -> str:
    return "s" if n == 1 else ""


def _are(n: int, label: int) -> str:
    if not resources.of_digits():
        return f"{'is' if n == 1 else 'are'} labelled {named(label)}"
    return f"is {a_class(label)}" if n == 1 else f"are {label}s"


def form(image: np.ndarray, label: int) -> str:
    """How it differs from others of its label, what is oddest first."""
    odd = resources.peculiarities().of(image, label)
    if not resources.of_digits():  # which alone are made of strokes
        odd = [each for each in odd if each.kind in ("label", "unusual")]
    said = [_in_words(each, label) for each in odd[:3]]
    if differs := _beside(image, label):
        said.append(differs)
    return f"{'; '.join(said) or f'nothing about it is unusual for {a_class(label)}'}."


def _beside(image: np.ndarray, label: int) -> str:
    """Where those of its label that have about its form have ink, and it has none, and the other way round."""
    train = resources.data().train
    alike = resources.peculiarities().forms.nearest_of_its_kind(image, label, BESIDE)
    if not len(alike):
        return ""
    missing = beside(image, train.images[alike])
    kin = f"{named(label)}s" if resources.of_digits() else _pictures(named(label))[1]
    lacks, has = ("lacks ink", "has more") if resources.of_digits() else ("is lighter", "is darker")
    both = np.maximum(image, train.images[alike].mean(axis=0) > 0.5)
    said = [
        f"{does} {_where(np.square(differs.clip(0)), both)}"
        for does, differs in ((lacks, missing), (has, -missing))
        if differs.max() > DIFFERS
    ]
    return f"beside the {len(alike)} most similar {kin}, it {' and '.join(said)}" if said else ""


def _pictures(name: str) -> tuple[str, str]:
    return f"picture labelled {name}", f"pictures labelled {name}"


def _in_words(odd: Peculiarity, label: int) -> str:
    name = named(label)
    one, all_such = (name, f"{name}s") if resources.of_digits() else _pictures(name)
    of_all = f"only {odd.share:.1%} of all {all_such} are so" if odd.share >= 0.005 else f"hardly any {one} is so"
    match odd.kind:
        case "label":
            counts = np.zeros(N_CLASSES, int)
            counts[[odd.suggested or 0, label]] = round(odd.value), round(odd.usual)
            alike = spoken("of the ten training digits that look most like it")
            return f"{alike}, {_list(counts, _are)}, so its label may be wrong"
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
            return f"its form is unusual: {of_all} unlike all others"
