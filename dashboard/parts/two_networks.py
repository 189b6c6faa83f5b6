"""Another network beside it: what only one of the two reads right, and whether that can be chance."""

from contextlib import suppress

import numpy as np
import streamlit as st

from dashboard import address, figures, resources, session
from dashboard.parts import frame, gallery, picture
from dashboard.parts.gallery import MOST
from dashboard.parts.segments import segments
from dashboard.resources import spoken
from dashboard.session import PRETRAINED, Choice
from dashboard.words import a, escape
from nnlib.digits import Digits
from nnlib.errors import DataError
from nnlib.study import Comparison, Evaluation, compare

CHANCE = 0.05  # what is as improbable is no chance, by the usual rule


def show(choice: Choice, readings: Evaluation, digits: Digits, part: str) -> None:
    """Which other one, the test, and the digits on which they differ."""
    other = _pick_other(choice)
    if other is None:
        st.info("There is no other network yet to compare with: train one, on the page *Train*.")
        return
    run, name = other
    theirs = _readings(run, part)
    if theirs is None:
        st.info(f"{name[0].upper()}{name[1:]} has nothing to look at yet. Choose another one, or wait.")
        return
    # of validation digits, those that neither learned from: they are the last ones of all
    n = min(len(readings.labels), len(theirs.labels))
    digits = digits[len(digits) - n :]
    first, second = session.kept("both_readings", (readings, theirs), lambda: (_last(readings, n), _last(theirs, n)))
    found = session.kept("comparison", (first, second), lambda: compare(first, second))
    _say(found, first, second, choice.title, name)
    groups = {
        "first": (f"Only the first ({len(found.only_first):,})", found.only_first),
        "second": (f"Only the second ({len(found.only_second):,})", found.only_second),
        "neither": (f"Neither ({len(found.neither):,})", found.neither),
    }
    chosen = segments("Read right by …", {name: title for name, (title, _) in groups.items()}, "right_by")
    shown = groups[chosen][1][:MOST]
    if not len(shown):
        st.info(spoken("There is no such digit."))
        return
    _show_digits(shown, first, second, digits)


def _pick_other(choice: Choice) -> tuple[int, str] | None:
    """The number of the other run, or of the pretrained network, and what it is called."""
    own = choice.run.id if choice.run else PRETRAINED
    runs = {run.id: run for run in resources.runs()}
    # which learned digits
    pretrained = [PRETRAINED] if resources.of_digits() else []
    others = [number for number in (*pretrained, *runs) if number != own]
    if not others:
        return None
    asked = address.asked_number("other")
    if asked not in (None, ""):
        st.session_state["other"] = asked
    if session.settle_number("other") not in others:
        st.session_state["other"] = others[0]
    chosen: int = st.selectbox(
        "The second network",
        others,
        format_func=lambda number: session.label(runs.get(number)),
        key="other",
        width=420,
    )
    address.keep("other", chosen)
    return chosen, "the pretrained network" if chosen == PRETRAINED else f"run {chosen}"


def _readings(run_id: int, part: str) -> Evaluation | None:
    """What the other one answers at its newest moment; None where it has none."""
    moments = [] if run_id == PRETRAINED else resources.snapshots(run_id)
    with suppress(DataError):  # nobody knows which digits its training checked itself with
        if run_id == PRETRAINED:
            return resources.readings(None, 0, part)
        return resources.readings(run_id, moments[-1].step, part) if moments else None
    return None


def _p(value: float) -> str:
    return f"= {value:.3f}" if value >= 0.001 else "< 0.001"


def _last(readings: Evaluation, n: int) -> Evaluation:
    return Evaluation(readings.probabilities[-n:], readings.labels[-n:])


def _say(found: Comparison, first: Evaluation, second: Evaluation, one: str, other: str) -> None:
    """Who reads more, and how probable that is by chance."""
    more, fewer = len(found.only_first), len(found.only_second)
    with st.container(horizontal=True, gap="medium"):
        st.metric("The first reads right", f"{first.accuracy:.2%}", width="content", help=f"It is {one}.")
        st.metric("The second", f"{second.accuracy:.2%}", width="content", help=f"It is {escape(other)}.")
        st.metric("Only the first", f"{more:,}", width="content")
        st.metric("Only the second", f"{fewer:,}", width="content")
    if more == fewer:
        said = spoken("Neither is better on these digits.")
    else:
        which = "first" if more > fewer else "second"
        chance = found.p_value
        how_often = f"{chance:.0%} of" if chance >= 0.01 else f"fewer than 1 in {100 if chance > 0.001 else '1,000'}"
        said = (
            f"The {which} reads {abs(more - fewer):,} more. If neither were better, a difference like this or larger "
        )
        said += f"would come up in {how_often} such comparisons: "
        said += "so it **can well be chance**." if chance > CHANCE else "so it **is hardly chance**."
    st.markdown(said)
    st.caption(
        spoken(
            "Only the digits that one of them reads right and the other does not can say which is better; if they were "
            f"equal, each would go to either like a coin (*McNemar's test*, exact: p {_p(found.p_value)})."
        )
    )


def _show_digits(shown: np.ndarray, first: Evaluation, second: Evaluation, digits: Digits) -> None:
    left, right = frame.columns("two_columns")
    name = resources.class_name
    if isinstance(asked := address.asked_number("differs"), int):
        st.session_state["between_two"] = asked
    if st.session_state.get("between_two") not in shown:
        st.session_state["between_two"] = int(shown[0])
    chosen = st.session_state["between_two"]
    address.keep("differs", chosen)
    with left:
        labels = first.labels[shown].tolist()
        answers = [each.predictions[shown].tolist() for each in (first, second)]
        read = list(zip(shown.tolist(), labels, *answers, strict=True))
        captions = [f"{name(label)}: {name(one)}|{name(other)}" for _, label, one, other in read]
        if not resources.of_digits():  # what it is can be seen
            captions = [f"{name(one)}\n| {name(other)}" for _, _, one, other in read]
        says = [
            f"no. {index:,}: {a(name(label))}, read as {name(one)} by the first and as {name(other)} by the second"
            for index, label, one, other in read
        ]
        alt = spoken(f"{len(shown)} digits: what each is, and what the two networks read.")
        gallery.show_sheet(
            "gallery_of_two", shown, digits.images, captions, says, chosen, alt, _choose, reveals="two_answers"
        )
        what = "what it is, and " if resources.of_digits() else ""
        st.caption(f"Below each: {what}what the first and the second read. **Click one** to see both answers.")
    with right:
        label = int(first.labels[chosen])
        bars = "".join(
            f"<div>{figures.probabilities(each.probabilities[chosen], title, label, resources.data().names)}</div>"
            for title, each in (("The first", first), ("The second", second))
        )
        html = f'<div class="evidence two"><figure>{figures.ink(digits.images[chosen])}</figure>{bars}</div>'
        picture.show(
            html,
            "two_answers",
            spoken(f"Digit {chosen:,}, {a(name(label))}, and how sure each network is of each answer."),
        )
        st.caption(f"No. {chosen:,}, {escape(a(name(label)))}: how sure each of the two is of each answer.")


def _choose() -> None:
    index = gallery.chosen_index("gallery_of_two")
    if index is not None:
        st.session_state["between_two"] = index
