"""Values as words on a page: numbers, times and counts for people, and what came from outside made harmless."""

import math
import re
import unicodedata
from decimal import Decimal

JOINER = "\N{WORD JOINER}"  # has no width: it only keeps apart what together would be a sign
SMALLEST, LARGEST = 0.000001, 1e15


def escape(text: str, most: int = 80) -> str:
    """Text from outside (an address, a file, a store) as Markdown that shows just this text, cut to `most` characters.

    No link, picture, colour, formula or emoji comes of it, and no invisible or turning character is left in it.
    """
    seen = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text[: 20 * most])
    seen = " ".join(seen.split())
    if len(seen) > most:
        seen = seen[: most - 1] + "…"
    marked = re.sub(r"[\\`*_\[\]{}<>#|~$&!^]", r"\\\g<0>", seen)
    marked = re.sub(r"^(\d*)([-+.)])", r"\1\\\2", marked)  # at the beginning, it would be a list
    # Streamlit looks for these once more after Markdown has taken its backslashes away
    return re.sub(r":(?=[\w/+-])|@(?=[\w-])|www(?=\.)", rf"\g<0>{JOINER}", marked, flags=re.IGNORECASE)


def sentence(text: str) -> str:
    """A message, which may quote what came from outside, as a page says it: with a capital letter."""
    return escape(text[:1].upper() + text[1:], most=600)


def number(value: float, significant: int = 6) -> str:
    """`12,345`, `0.00001`, `under 0.000001`: a number as people write it."""
    if value < 0:
        return f"-{number(-value, significant)}"
    if value != value or value == math.inf:
        return "–"
    if value >= LARGEST:
        return f"over {LARGEST:,.0f}"
    if 0 < value < SMALLEST:
        return f"under {SMALLEST:f}"
    rounded = Decimal(value) if isinstance(value, int) else Decimal(f"{value:.{significant}g}")
    return f"{abs(rounded.normalize()):,f}"  # abs: there is a -0.0


def count(number: int, noun: str) -> str:
    """`1 epoch`, `2 epochs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """`8 s`, `3 min 20 s` or `2 h 5 min`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
