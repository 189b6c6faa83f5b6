"""Words on a page: what came from outside made harmless, and times for people. Numbers are in `nnlib.words`."""

import re
import unicodedata

from nnlib.words import count, number

__all__ = ["a", "count", "duration", "escape", "number", "sentence"]

JOINER = "\N{WORD JOINER}"  # has no width: it only keeps apart what together would be a sign


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


def a(name: object) -> str:
    """`a 7`, `an 8`, `an ankle boot`, and `trousers`, of which there are always several."""
    if re.search("[^s]s$", str(name)):
        return str(name)
    return f"an {name}" if str(name)[:1].lower() in "8aeiou" else f"a {name}"


def sentence(text: str) -> str:
    """A message, which may quote what came from outside, as a page says it: with a capital letter."""
    return escape(text[:1].upper() + text[1:], most=600)


def duration(seconds: float) -> str:
    """`8 s`, `3 min 20 s` or `2 h 5 min`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
