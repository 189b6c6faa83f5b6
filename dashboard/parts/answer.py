"""What a network answers for a picture, and how it comes to that."""

from html import escape

import numpy as np
import streamlit as st

from dashboard import figures, resources, session, words
from dashboard.parts import picture, sheet
from dashboard.parts.sheet import Sheet
from dashboard.resources import spoken
from nnlib.digits import N_CLASSES, with_mnist_strokes
from nnlib.network import Network
from nnlib.reading import ReadDigit, Reading
from nnlib.words import percent

STYLE = """<style>
.st-key-said { min-height: 13rem; }
.reading p { margin: 0; line-height: 1.3; }
.reading .number {
    font-size: 3.2rem; line-height: 1.15; font-weight: 600; white-space: pre-line; overflow-wrap: anywhere;
}
.reading.unsure .number { opacity: 0.65; }
.reading .words { font-size: 1.15rem; }
.reading .hint { font-size: 1.15rem; line-height: 1.5; }
</style>"""


def say(reading: Reading | None, otherwise: str, reader: str) -> ReadDigit | None:
    """The number, in figures and words, which network says so, and how sure it is; or `otherwise`, where there is
    nothing to read. Of several digits, one can be chosen: that one, if there is any."""
    digits = reading.digits if reading else ()
    st.html(STYLE + _said(reading, otherwise))
    if reading is None or not digits:
        return None
    place = sheet.chosen(reading)
    if len(digits) > 1:
        rows = reading.rows
        html = session.kept("buttons", (reading, place), lambda: figures.digit_buttons(rows, place))
        picture.show(html, "digits", spoken("The digits: choose one to look closer at it."), sheet.choose("digits"))
    st.caption(f"So says {reader}. {_doubt(digits[place])}")
    return digits[place]


def _said(reading: Reading | None, otherwise: str) -> str:
    """The answer as HTML, which a screen reader says by itself."""
    if reading is None:
        lines = [("hint", otherwise)]
    elif reading.number is None:
        lines = [("lead", "No number"), ("hint", reading.reason or "")]
    else:
        sure = "It reads" if resources.of_digits() else "It takes this for"
        lines = [("lead", sure if reading.sure else "Not sure, perhaps"), ("number", reading.number)]
        if reading.words != reading.number:
            lines.append(("words", reading.words or ""))
        if reading.reason:
            lines.append(("reason", reading.reason))
    kind = "reading" if reading is None or reading.sure else "reading unsure"
    parts = "".join(f'<p class="{name}">{escape(line)}</p>' for name, line in lines)
    return f'<div class="{kind}" role="status">{parts}</div>'


def _doubt(digit: ReadDigit) -> str:
    """How sure it is of a digit, and what else it might be."""
    second = int(digit.probabilities.argsort()[-2])
    return (
        f"**{words.escape(digit.name)}**: {percent(digit.certainty)} sure; second guess "
        f"**{words.escape(digit.names[second])}**, {percent(digit.probabilities[second])}. It can be very sure and "
        "still be wrong: see *Mistakes*."
    )


def show_bars(digit: ReadDigit | None) -> None:
    """The ten probabilities of the chosen digit; none where nothing is read."""
    said = "nothing is read yet" if digit is None else f"{digit.name} is the highest"
    probabilities = np.zeros(N_CLASSES) if digit is None else digit.probabilities
    html = figures.probabilities(
        probabilities, spoken("How sure it is of each digit", "class"), names=resources.data().names
    )
    picture.show(html, "draw_probabilities", spoken(f"Ten bars, one for each digit: {said}.", "class"))
    st.caption(spoken("The ten bars add up to 100%. Two tall ones: it hesitates between two digits.", "class"))


def show_way(read: Sheet, digit: ReadDigit, network: Network) -> None:
    """How a digit becomes an answer: how it was prepared, and how it runs through the network."""
    st.header("From the picture to the answer", anchor=False)
    how = "drawn in strokes as wide as theirs, and centred" if resources.of_digits() else "made as large, and centred"
    st.caption(
        spoken(f"Each digit is made like those that the network learned from (*preprocessing*): found, cut out, {how}.")
    )
    html = session.kept("way", (read, digit, network), lambda: _steps(read, digit) + _signal(digit, network))
    picture.show(html, "draw_way", spoken(f"Some pictures of how the digit was prepared, then: {_alt(digit.name)}"))
    st.caption(HOW_TO_READ)


def _steps(read: Sheet, digit: ReadDigit) -> str:
    strokes = sheet.small(255 * with_mnist_strokes(digit.cut).astype(np.uint8)) if resources.of_digits() else None
    return figures.steps(read.as_drawn, sheet.small(read.prepared.ink), strokes, digit, read.size)


HOW_TO_READ = (
    "From left to right: the pixels go in; every little square is a *unit*, which reacts to something in what "
    "comes before it, the fuller its colour the more strongly; the longest bar is the answer."
)


def show_signal(digit: ReadDigit | np.ndarray, network: Network, key: str) -> None:
    """How one digit, read or (784,), runs through the network."""
    html = session.kept(key, (digit, network), lambda: _signal(digit, network))
    place = digit.digit if isinstance(digit, ReadDigit) else int(network.predict_proba(digit[None]).argmax())
    picture.show(html, key, _alt(resources.class_name(place)))
    st.caption(HOW_TO_READ)


def _signal(digit: ReadDigit | np.ndarray, network: Network) -> str:
    image = digit.image if isinstance(digit, ReadDigit) else digit
    *layers, answers = (layer[0] for layer in network.activations(image[None]))
    if isinstance(digit, ReadDigit):
        answers = digit.probabilities  # as all the page says them
    return figures.signal(image, [*layers, answers], resources.data().names)


def _alt(answer: str) -> str:
    return spoken(
        "The digit's pixels, what the units of each layer put out for it, and the ten probabilities: "
        f"{answer} is the highest."
    )
