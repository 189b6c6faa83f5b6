"""Words for people: texts from outside made harmless, numbers without exponents and in words, one thing or several."""

import math
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

MOST_LETTERS, MOST_LETTERS_OF_A_VALUE = 200, 60  # of a name, a path or a value within a sentence
MOST_FIGURES = 7  # of a number in words; a longer one is rather a telephone's than millions
SMALLEST, LARGEST = 1e-6, 10**9  # beyond, a measured number is only said to be beyond


def printable(text: str, most: int | None = MOST_LETTERS) -> str:
    """A text of whatever origin, as any page and terminal can show it: one line, and at most so many letters.

    Line ends and spaces of all kinds become plain spaces; control characters, marks that turn the
    direction of writing, and bytes that are no text become a replacement character (U+FFFD). Of a text
    that is longer, the middle is left out.
    """
    if most is not None and len(text) > most:
        start = most // 2
        text = f"{text[:start]}…{text[len(text) - (most - start - 1) :]}"
    return "".join(letter if letter.isprintable() else " " if letter.isspace() else "\ufffd" for letter in text)


def shown(value: Any) -> str:
    """A value of any kind and size, as somebody set it or a file holds it, for the middle of a sentence."""
    match value:
        case None:
            return "missing"
        case bool():
            return "true" if value else "false"
        case str():
            return printable(value, MOST_LETTERS_OF_A_VALUE) or "empty"
        case Integral():
            return str(value) if abs(value) < 10**MOST_LETTERS_OF_A_VALUE else "a number of very many digits"
        case Real():
            return printable(exact(float(value)), MOST_LETTERS_OF_A_VALUE)
        case []:
            return "empty"
        case [*parts] if not any(isinstance(part, list | tuple) for part in parts):
            return printable(",".join(map(shown, parts[:MOST_LETTERS_OF_A_VALUE])), MOST_LETTERS_OF_A_VALUE)
    return "neither text nor a number"


def number(value: float, digits: int = 3) -> str:
    """A measured number in about so many significant digits: "0.00012", "1,234", "under 0.000001"."""
    if math.isnan(value):
        return "not a number"
    if abs(value) > LARGEST:
        return f"over {LARGEST:,}" if value > 0 else f"below -{LARGEST:,}"
    if abs(value) < SMALLEST:
        return "just below 0" if value < 0 else f"under {exact(SMALLEST)}" if value else "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def exact(value: float) -> str:
    """A number that somebody set, with all its digits: "0.00001"; what is next to nothing is "almost 0"."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    if 0 < abs(value) < 1e-12:
        return "almost 0" if value > 0 else "just below 0"
    text = f"{Decimal(repr(float(value))):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def typed(value: Any) -> str:
    """A setting's value as it is typed into a field or a command line, all of it: "128,64,64", "0.00001", "60000"."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{Decimal(str(value)).normalize():f}" if isinstance(value, float) else str(value)


def percent(probability: float) -> str:
    """A probability as people read it, never quite 0 or 1: "97.4%", "more than 99.9%"."""
    if probability > 0.999:
        return "more than 99.9%"
    return "less than 0.1%" if probability < 0.001 else f"{probability:.1%}"


def count(how_many: int, noun: str, nouns: str | None = None) -> str:
    """`1 epoch`, `2 epochs`; `nouns` where an s is not enough."""
    return f"{how_many:,} {noun if how_many == 1 else nouns or noun + 's'}"


_TO_NINETEEN = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def in_words(figures: str) -> str:
    """A number as it is spoken: "402" is "four hundred and two"; rows of figures, one a line, have "; " between them.

    What no one would speak as a number is read digit by digit: "042" is "zero four two", and so is what is longer
    than MOST_FIGURES. `figures` are 0 to 9; ValueError for anything else.
    """
    return "; ".join(_row_in_words(row) for row in figures.split("\n"))


def _row_in_words(figures: str) -> str:
    if not (figures.isascii() and figures.isdigit()):
        raise ValueError(f"{shown(figures)} is no number: it must be figures from 0 to 9.")
    if len(figures) > MOST_FIGURES or (figures[0] == "0" and len(figures) > 1):
        return " ".join(_TO_NINETEEN[int(figure)] for figure in figures)
    value, parts = int(figures), []
    for unit, name in ((1_000_000, "million"), (1_000, "thousand")):
        if value >= unit:
            parts.append(f"{_below_a_thousand(value // unit)} {name}")
            value %= unit
    if parts and 0 < value < 100:
        return f"{', '.join(parts)} and {_below_a_thousand(value)}"
    return ", ".join([*parts, _below_a_thousand(value)] if value or not parts else parts)


def _below_a_thousand(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    tens, ones = divmod(rest, 10)
    small = _TO_NINETEEN[rest] if rest < 20 else _TENS[tens] + (f"-{_TO_NINETEEN[ones]}" if ones else "")
    if not hundreds:
        return small
    return f"{_TO_NINETEEN[hundreds]} hundred" + (f" and {small}" if rest else "")
