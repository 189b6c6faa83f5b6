"""What was read in a picture: boxes over it, its digits to choose from, and how one of them was prepared. All HTML.

Sure and unsure are told apart by their lines, whole or dashed, and by a question mark, not by colour alone.
"""

from collections.abc import Sequence
from html import escape

import numpy as np

from dashboard import images
from nnlib.digits import SIDE
from nnlib.reading import ReadDigit
from nnlib.words import percent

WIDEST = 2.0  # of pictures side by side: the larger side in terms of the height
TOP, BOTTOM = 0.14, 0.86  # beyond these, there is no room for an answer above or below a box


def inked(ink: np.ndarray) -> str:
    """(h, w) uint8 of ink on paper, or chalk on slate, as the theme is."""
    height, width = ink.shape
    return (
        f'<div class="paper" style="{_shape(width / height)}">'
        f'<div class="ink" style="--ink: url({images.ink_uri(ink)})"></div></div>'
    )


def pictured(file: bytes, shape: float) -> str:
    """A picture in a file, so many times wider than high."""
    return f'<img src="{images.uri(file)}" style="{_shape(shape)}" alt="">'


def _shape(shape: float) -> str:
    return f"--shape: {shape:.4f}; --wide: {min(shape, WIDEST):.4f}"


def boxes(digits: Sequence[ReadDigit], size: tuple[int, int], chosen: int) -> str:
    """A box around each digit with its answer, for a picture of that size, width and height, below them."""
    return f'<div class="boxes">{"".join(_box(digits, size, each, chosen) for each in range(len(digits)))}</div>'


def _box(digits: Sequence[ReadDigit], size: tuple[int, int], number: int, chosen: int) -> str:
    digit = digits[number]
    left, top, right, bottom = (side / size[i % 2] for i, side in enumerate(digit.box))
    # the answer stands above its digit; where that is off the picture, below; where a row's answers are there, inside
    rows_below = any(other.box[1] > digit.box[3] for other in digits)
    where = "" if top > TOP else "below" if bottom < BOTTOM and not rows_below else "inside"
    kinds = f"{where} {'' if digit.sure else 'unsure'} {'chosen' if number == chosen and len(digits) > 1 else ''}"
    return (
        f'<div class="{" ".join(kinds.split())}" data-number="{number}" data-word="{_in_words(digit)}" '
        f'style="left: {left:.2%}; top: {top:.2%}; width: {right - left:.2%}; height: {bottom - top:.2%}">'
        f"<b>{_answer(digit)}</b></div>"
    )


def digit_buttons(rows: Sequence[Sequence[ReadDigit]], chosen: int) -> str:
    """The digits of a number to choose from, row by row: each with its answer and how sure that is."""
    buttons = ""
    number = 0
    for row in rows:
        buttons += "<div>"
        for digit in row:
            buttons += (
                f'<button data-number="{number}" data-word="Look closer" aria-pressed="{_is(number == chosen)}" '
                f'aria-label="{_in_words(digit)}"{"" if digit.sure else " class=unsure"}>'
                f"<b>{_answer(digit)}</b><span>{digit.certainty:.0%}</span></button>"
            )
            number += 1
        buttons += "</div>"
    return f'<div class="digits">{buttons}</div>'


def _is(holds: bool) -> str:
    return "true" if holds else "false"


def _answer(digit: ReadDigit) -> str:
    return f"{escape(digit.name)}{'' if digit.sure else '?'}"


def _in_words(digit: ReadDigit) -> str:
    return f"{escape(digit.name)}, {percent(digit.certainty)} sure{'' if digit.sure else ': not enough'}"


def steps(as_drawn: str, ink: np.ndarray, strokes: np.ndarray | None, digit: ReadDigit, size: tuple[int, int]) -> str:
    """How a digit was prepared, in five pictures: the whole picture and the ink (h, w) uint8 in it, with the digit's
    box; its ink, cut out; its strokes (h, w) as wide as MNIST's, where they were made so; and what the network reads.
    """
    left, top, right, bottom = (side / size[i % 2] for i, side in enumerate(digit.box))
    frame = f'<b style="left: {left:.2%}; top: {top:.2%}; width: {right - left:.2%}; height: {bottom - top:.2%}"></b>'
    cut = np.round(255 * digit.cut).astype(np.uint8)
    image = np.round(255 * digit.image.reshape(SIDE, SIDE)).astype(np.uint8)
    pictures = (
        ("as it came", as_drawn + frame),
        ("ink found", inked(ink) + frame),
        ("cut out", inked(cut)),
        *([] if strokes is None else [("strokes evened", inked(strokes))]),
        ("centred", inked(image)),
    )
    parts = "".join(
        f"<li><div>{each}</div><figcaption>{number}. {title}</figcaption></li>"
        for number, (title, each) in enumerate(pictures, start=1)
    )
    return f'<figure class="steps"><ol>{parts}</ol></figure>'


def examples(names: Sequence[str], pictures: Sequence[str], chosen: int) -> str:
    """Pictures to choose from, each as HTML with its name below."""
    buttons = "".join(
        f'<button data-number="{number}" data-word="Read it" aria-pressed="{_is(number == chosen)}">'
        f"{each}{name}</button>"
        for number, (name, each) in enumerate(zip(names, pictures, strict=True))
    )
    return f'<div class="examples">{buttons}</div>'
