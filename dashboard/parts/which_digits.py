"""Which digits of those that a network read are shown, and in which order; all of it in the address."""

import csv
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from dashboard import address, images, resources
from dashboard.parts.segments import segments
from dashboard.resources import spoken
from dashboard.words import escape, sentence
from nnlib.digits import N_CLASSES, SIDE, Digits, idx_files
from nnlib.study import Evaluation

ANY = "any"
DIGITS = [ANY, *(str(digit) for digit in range(N_CLASSES))]
NAMES = ("Zeros", "Ones", "Twos", "Threes", "Fours", "Fives", "Sixes", "Sevens", "Eights", "Nines")
PARTS = {"test": "Test digit", "validation": "Validation digit", "training": "Training digit"}
WIDTH_PX = 320
PICTURE_COLUMNS = 20
# each with what it is called, and what comes first
ORDERS = {
    "sure": ("How sure it was", "the most confident first"),
    "unsure": ("How unsure it was", "the least sure first"),
    "loss": ("Its loss", "the highest loss first"),
    "margin": ("Its margin", "the narrowest first"),
}


@dataclass(frozen=True)
class Wanted:
    """Digits that are `true` and were read as `answer`, each None for any; with `low` to `high` percent sure."""

    true: int | None
    answer: int | None
    low: int
    high: int
    order: str

    @property
    def right(self) -> bool:
        """Whether they are those that were read right: a cell on the diagonal."""
        return self.true is not None and self.true == self.answer

    def among(self, readings: Evaluation) -> np.ndarray:
        """Their indices, in their order."""
        answers, sure = readings.predictions, readings.probabilities.max(axis=1)
        wanted = (answers == readings.labels) == self.right
        if self.true is not None:
            wanted &= readings.labels == self.true
        if self.answer is not None:
            wanted &= answers == self.answer
        wanted &= (100 * sure >= self.low) & (100 * sure <= self.high)
        keys = {"sure": -sure, "unsure": sure, "loss": -readings.losses, "margin": np.abs(readings.margins)}
        found = np.flatnonzero(wanted)
        return found[np.argsort(keys[self.order][found], kind="stable")]

    def title(self, n: int) -> str:
        """What they are, in words."""
        first = ORDERS[self.order][1]
        sure = "" if (self.low, self.high) == (0, 100) else f" and {self.low} to {self.high}% sure"
        if n == 0 and not sure:
            return spoken(f"No digit was {'misread' if self.true is self.answer is None else 'read like that'}")
        if self.right:
            return f"{_several(self.true or 0)} rightly read as {_name(self.true)}{sure}: {n:,}, {first}"
        whose = spoken("Digits") if self.true is None else _several(self.true)
        as_what = "misread" if self.answer is None else f"wrongly read as {_name(self.answer)}"
        return f"{whose} {as_what}{sure}: {n:,}, {first}"


def what(part: str) -> str:
    """What one of a part is called: `Test digit`."""
    return spoken(PARTS[part])


def _name(label: int | None) -> str:
    return escape(resources.class_name(label or 0))


def _several(label: int) -> str:
    """`Sevens`, or `Sneaker`."""
    return NAMES[label] if resources.of_digits() else sentence(resources.class_name(label))


def _box(choice: str) -> str:
    """What a box of digits says: `7`, or `7 sneaker`."""
    return choice if choice == ANY or resources.of_digits() else f"{choice} {resources.class_name(int(choice))}"


def choose_cell(cell: tuple[int, int]) -> None:
    """Take a cell of the confusion matrix; for callbacks."""
    st.session_state["true"], st.session_state["answer"] = (str(digit) for digit in cell)


def pick_part(*more: str) -> str:
    """The test digits, or `more` of PARTS."""
    parts = {name: f"{what(name)}s" for name in ("test", *more)}
    return segments(spoken("Which digits"), parts, "of", visible=False) if more else "test"


def pick(on_change: Callable[[], None]) -> Wanted:
    """The boxes; `on_change` is called when another digit or answer is chosen there."""
    for key in ("true", "answer"):
        if (asked := address.asked(key)) in DIGITS:
            st.session_state[key] = asked
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        true, answer = (
            st.selectbox(
                name,
                DIGITS,
                format_func=_box,
                key=key,
                width=110 if resources.of_digits() else 160,
                on_change=on_change,
            )
            or ANY
            for name, key in ((spoken("True digit", "class"), "true"), ("Answer", "answer"))
        )
        low, high, order = _pick_order(true == answer != ANY)
        for key, chosen in (("true", true), ("answer", answer)):
            address.keep(key, chosen if chosen != ANY else None)
        st.button("Show all", on_click=_show_all, disabled=(true, answer, low, high) == (ANY, ANY, 0, 100))
    return Wanted(_number(true), _number(answer), low, high, order)


def _number(chosen: str) -> int | None:
    return None if chosen == ANY else int(chosen)


def _pick_order(right: bool) -> tuple[int, int, str]:
    usual = "unsure" if right else "sure"
    if (asked := address.asked("sorted")) in ORDERS:
        st.session_state["sorted"] = asked
    if between := re.fullmatch(r"(\d{1,3})-(\d{1,3})", address.asked("between") or "", re.ASCII):
        first, last = (int(each) for each in between.groups())
        if first <= last <= 100:
            st.session_state["between"] = first, last
    if st.session_state.get("sorted") in (None, st.session_state.get("usual_order")):
        st.session_state["sorted"] = usual  # which another cell may have changed
    st.session_state["usual_order"] = usual
    with st.popover("Sort and filter", icon=":material/sort:", key="sort_and_filter"), st.container(width=WIDTH_PX):
        order = st.radio(
            "What comes first",
            list(ORDERS),
            format_func=lambda name: f"{ORDERS[name][0]}: {ORDERS[name][1]}",
            key="sorted",
            help=spoken(
                "The *loss* is high where the true digit got next to nothing. The *margin* is how far the true digit "
                "and the strongest other one are apart: where it is narrow, it nearly went the other way."
            ),
        )
        low, high = st.slider("How sure it was (%)", 0, 100, (0, 100), key="between")
    address.keep("sorted", order if order != usual else None)
    address.keep("between", None if (low, high) == (0, 100) else f"{low}-{high}")
    return low, high, order


def _show_all() -> None:
    st.session_state["true"] = st.session_state["answer"] = ANY
    st.session_state["between"] = (0, 100)


def save(readings: Evaluation, digits: Digits, found: np.ndarray, part: str) -> None:
    """The list as a table, and its pictures as one, or as data to go on with."""
    name = f"{what(part).lower().replace(' ', '-')}s"
    files = (
        ("As a table (.csv)", f"{name}.csv", "text/csv", lambda: as_csv(readings, found)),
        ("As one picture (.png)", f"{name}.png", "image/png", lambda: as_picture(digits.images[found])),
        ("As data (.zip of IDX files)", f"{name}.zip", "application/zip", lambda: as_idx(digits, found)),
    )
    with st.popover(f"Save these {len(found):,}", icon=":material/download:", key="save_these"):
        for label, file, kind, make in files:
            st.download_button(label, make, file, kind, on_click="ignore", width="stretch")


def as_csv(readings: Evaluation, found: np.ndarray) -> bytes:
    """A line for each digit: its number, label, answer, how sure, loss, margin, and the ten probabilities."""
    file = io.StringIO()
    lines = csv.writer(file, lineterminator="\n")
    probabilities = [f"probability_of_{digit}" for digit in range(N_CLASSES)]
    lines.writerow(["number", "label", "answer", "probability", "loss", "margin", *probabilities])
    for index in found:
        own = readings.probabilities[index]
        numbers = [own.max(), readings.losses[index], readings.margins[index], *own]
        lines.writerow(
            [index, readings.labels[index], readings.predictions[index], *(f"{number:.6g}" for number in numbers)]
        )
    return file.getvalue().encode()


def as_picture(digits: np.ndarray) -> bytes:
    """(n, 784) as a PNG, ink on paper."""
    pictures = np.round(255 * (1 - digits.reshape(-1, SIDE, SIDE))).astype(np.uint8)
    return images.png(images.tiles(pictures, min(PICTURE_COLUMNS, len(digits)), 255, 255))


def as_idx(digits: Digits, found: np.ndarray) -> bytes:
    """A zip of IDX files, that can be opened as data."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in idx_files(Digits(digits.images[found], digits.labels[found]), "mistakes").items():
            archive.writestr(name, content)
    return file.getvalue()
