"""Are the labels right? Digits that are probably not what they are labelled as, with the evidence, to be judged."""

import csv
import io
from typing import NamedTuple

import numpy as np
import streamlit as st

from dashboard import address, figures, resources, session
from dashboard.parts import closer_look, frame, gallery, picture, which_digits
from dashboard.parts.gallery import MOST
from dashboard.parts.segments import segments
from dashboard.resources import spoken
from dashboard.session import Choice
from dashboard.words import a, escape, sentence
from nnlib.digits import N_CLASSES, Digits
from nnlib.errors import NnlibError
from nnlib.runs import Verdict, picture_of
from nnlib.study import LIKE_IT, Doubts
from nnlib.words import count, percent

UNCLEAR = "nobody can tell"
PROBLEM = "not_judged"


class Judged(NamedTuple):
    """The places of doubts, by what was said of them."""

    open: list[int]
    wrong: list[int]
    right: list[int]
    unclear: list[int]


def show(choice: Choice, digits: Digits, part: str) -> None:
    """The list, and one of them with the evidence and the question what it really is."""
    if part != "training" and choice.run is not None and choice.run.active:
        st.info("While a run learns, what it doubts changes every second: ask again when it has ended.")
        return
    doubts = resources.doubts(choice.run.id if choice.run else None, choice.moment.step, part)
    verdicts = resources.verdicts()
    judged = _by_verdict(doubts, digits, verdicts)
    who = "networks that did not learn from it" if part == "training" else choice.title
    st.markdown(
        spoken(
            f"Somebody once wrote down what each of these {len(digits):,} digits is, and was sometimes wrong. "
            f"**{count(len(doubts.indices), 'label')}** are worth a look: there {who} and the training digits that "
            "look most like it say something else, or nearly so."
        )
    )
    _say_judged(judged, doubts, choice, part, digits, verdicts)
    groups = {
        "all": ("All", list(range(len(doubts.indices)))),
        "open": ("Not judged yet", judged.open),
        "wrong": ("Label wrong", judged.wrong),
        "right": ("Label right", judged.right),
        "unclear": ("Unclear", judged.unclear),
    }
    chosen = segments(
        "Which of them", {name: f"{title} ({len(places):,})" for name, (title, places) in groups.items()}, "judged"
    )
    places = groups[chosen][1][:MOST]
    if not places:
        st.info("There is none of this kind among these: choose another one, or *All*.")
        return
    index = _chosen_index(doubts, places)
    left, right = frame.columns("doubt_columns")
    with left:
        _show_list(doubts, digits, places, index)
    with right, st.container(key="one_doubt"):
        _show_one(doubts, digits, doubts.indices.tolist().index(index), verdicts, part, who)


def _by_verdict(doubts: Doubts, digits: Digits, verdicts: dict[str, Verdict]) -> Judged:
    judged = Judged([], [], [], [])
    for place, index in enumerate(doubts.indices):
        verdict = verdicts.get(picture_of(digits.images[index])) if verdicts else None
        if verdict is None:
            judged.open.append(place)
        elif verdict.label is None:
            judged.unclear.append(place)
        else:
            (judged.right if verdict.label == digits.labels[index] else judged.wrong).append(place)
    return judged


def _say_judged(
    judged: Judged, doubts: Doubts, choice: Choice, part: str, digits: Digits, verdicts: dict[str, Verdict]
) -> None:
    """What people said so far, and what the accuracy would be with it."""
    n_judged = len(judged.wrong) + len(judged.right) + len(judged.unclear)
    if not n_judged:
        return
    said = f"Judged so far: {n_judged:,}, of which {len(judged.wrong):,} wrong, {len(judged.unclear):,} unclear."
    if part != "training" and (judged.wrong or judged.unclear):
        labels, kept = digits.labels.astype(int), np.ones(len(digits), bool)
        for place in (*judged.wrong, *judged.unclear):
            index = doubts.indices[place]
            label = verdicts[picture_of(digits.images[index])].label
            kept[index] = label is not None
            labels[index] = labels[index] if label is None else label
        answers = choice.readings(part).predictions
        before, after = np.mean(answers == digits.labels), np.mean(answers[kept] == labels[kept])
        said += f" With that, and without the unclear ones, {choice.title} reads **{after:.2%}** right, and not "
        said += f"{before:.2%}."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(said, width="stretch")
        st.download_button(
            "Save the verdicts",
            lambda: _as_csv(judged, doubts, part, digits, verdicts),
            "verdicts.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/download:",
        )


def _as_csv(judged: Judged, doubts: Doubts, part: str, digits: Digits, verdicts: dict[str, Verdict]) -> bytes:
    """A line for each that was judged: its number, its label, and what it really is."""
    file = io.StringIO()
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(["part", "number", "label", "verdict"])
    for place in sorted((*judged.wrong, *judged.right, *judged.unclear)):
        index = doubts.indices[place]
        label = verdicts[picture_of(digits.images[index])].label
        lines.writerow([part, index, digits.labels[index], "unclear" if label is None else label])
    return file.getvalue().encode()


def _chosen_index(doubts: Doubts, places: list[int]) -> int:
    """The number of the digit that is looked at: that of the address, or that was clicked, else the first."""
    asked = address.asked_number("doubt")
    if isinstance(asked, int):
        st.session_state["doubt"] = asked
    shown = doubts.indices[places].tolist()
    if st.session_state.get("doubt") not in shown:
        st.session_state["doubt"] = shown[0]
    chosen: int = st.session_state["doubt"]
    address.keep("doubt", chosen)
    return chosen


def _show_list(doubts: Doubts, digits: Digits, places: list[int], chosen: int) -> None:
    shown = doubts.indices[places]
    pairs = [
        (int(digits.labels[index]), int(doubts.suggested[place])) for index, place in zip(shown, places, strict=True)
    ]
    name, apart = resources.class_name, ", " if resources.of_digits() else ",\n"
    captions = [f"{name(label)}{apart}{name(suggested)}?" for label, suggested in pairs]
    says = [
        f"no. {index:,}: labelled {name(label)}, perhaps {a(name(suggested))}"
        for index, (label, suggested) in zip(shown, pairs, strict=True)
    ]
    alt = spoken(f"{len(shown)} digits whose labels are doubtful, the most doubtful first.")
    gallery.show_sheet(
        "gallery_of_doubts", shown, digits.images, captions, says, chosen, alt, _choose, reveals="one_doubt"
    )
    st.caption("Below each: its label, and what it may be. The most doubtful first. **Click one** to judge it.")


def _choose() -> None:
    index = gallery.chosen_index("gallery_of_doubts")
    if index is not None:
        st.session_state["doubt"] = index


def _show_one(doubts: Doubts, digits: Digits, place: int, verdicts: dict[str, Verdict], part: str, who: str) -> None:
    """The evidence, and the verdict."""
    index, suggested = int(doubts.indices[place]), int(doubts.suggested[place])
    label, image = int(digits.labels[index]), digits.images[index]
    of_label, of_other = (escape(resources.class_name(each)) for each in (label, suggested))
    st.header(f"{which_digits.what(part)} {index:,}: labelled {of_label}", anchor=False)
    learned = resources.data().train
    alike = session.kept("looks_like", (digits.images, index), lambda: _alike(image))
    by_network, by_looks = doubts.by_network[place], doubts.by_looks[place]
    said = spoken(f"The {len(alike)} training digits that look most like it")
    if resources.of_digits():
        said += f" are labelled {', '.join(map(str, learned.labels[alike]))}"
    html = (
        f'<div class="doubt"><div>{figures.ink(image)}</div><div>{figures.ink(learned.images[alike], 5)}'
        f"<p>{said}.</p></div></div>"
    )
    picture.show(
        html,
        "doubt",
        spoken(f"A digit that is labelled {resources.class_name(label)}, and {len(alike)} that look like it."),
    )
    st.markdown(
        f"- For {who}, it is {a(of_other)} with **{percent(float(by_network[1]))}**, and {a(of_label)} with "
        f"**{percent(float(by_network[0]))}**.\n"
        f"- Of the {LIKE_IT} that look most like it, **{by_looks[1]}** are labelled {of_other}, and "
        f"**{by_looks[0] or 'none'}** {of_label}."
    )
    _ask(image, label, verdicts)
    if part == "training":
        st.caption("The networks of these pages have learned from it: why they say what they say would tell little.")
    else:
        st.button("Why does the network say so?", icon=":material/search:", on_click=_ask_why, args=(index,))


def _ask_why(index: int) -> None:
    st.session_state["ask"] = "mistakes"
    closer_look.look_at(index, scroll=True)


def _alike(image: np.ndarray) -> np.ndarray:
    """The indices of the training digits that look most like it, the nearest first."""
    squared = resources.peculiarities().forms.squared_distances(image[None])[0]
    return np.argsort(squared, kind="stable")[:LIKE_IT]


def _ask(image: np.ndarray, label: int, verdicts: dict[str, Verdict]) -> None:
    """What it really is, to the eyes of whoever looks."""
    name = picture_of(image)
    told, key = verdicts.get(name), f"verdict_{name[:16]}"
    st.session_state[key] = None if told is None else UNCLEAR if told.label is None else str(told.label)
    st.segmented_control(
        "**What is it really?**",
        [*map(str, range(N_CLASSES)), UNCLEAR],
        format_func=lambda said: said if said == UNCLEAR else resources.class_name(int(said)),
        key=key,
        wrap=True,
        on_change=_judge,
        args=(image, key),
        help=spoken("A digit is a verdict: its own label says that it is right, another one that it is wrong."),
    )
    if problem := st.session_state.pop(PROBLEM, None):
        st.error(problem, icon=":material/error:")
    elif told is None:
        st.caption(
            f"Press {escape(resources.class_name(label))} if the label is right. What you say is kept on this computer."
        )
    else:
        said = (
            "nobody can tell"
            if told.label is None
            else "right"
            if told.label == label
            else f"wrong: {a(escape(resources.class_name(told.label)))}"
        )
        st.caption(f"Judged: {said}. Press it again to take it back.")


def _judge(image: np.ndarray, key: str) -> None:
    """Keep the verdict, or forget it where none is pressed any more; a callback."""
    said, verdicts = st.session_state[key], resources.store().verdicts
    try:
        if said is None:
            verdicts.forget(image)
        else:
            verdicts.say(image, None if said == UNCLEAR else int(said))
    except NnlibError as error:
        st.session_state[PROBLEM] = sentence(str(error))
