"""What the dashboard makes of values: safe, short and without a computer's way of writing numbers."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashboard.words import JOINER, a, duration, escape, sentence

# what Streamlit 1.67 gives a meaning to, from its frontend: before Markdown takes the backslashes away, and after
BEFORE = re.compile(r"(?<!\\)(?:\\\\)*([`*_\[\]<>|~$&!])")
DIRECTIVE = re.compile(r":[\w-]+\[|:\w+\\\[")
AFTER = [
    re.compile(r":material[/_]\w+:"),
    re.compile(r":[\w+-]+:"),
    re.compile(r"(https?://|www(?=\.))[-.\w]+", re.IGNORECASE),
    re.compile(r"[-.\w+]+@[-\w]+(\.[-\w]+)+"),
]
HOSTILE = [
    "![x](https://example.org/a.png)",
    "[click](http://example.org)",
    "<img src=x onerror=alert(1)>",
    "<https://example.org>",
    ":red[all is lost] :material/delete: :smile:",
    "$\\frac{1}{2}$ and $$x$$",
    "www.example.org, me@example.org and HTTPS://EXAMPLE.ORG",
    "**bold** _slanted_ ~~gone~~ `code`",
    "\\![x](y) \\\\[a](b)",
    "# a heading",
    "- a list",
    "1. a list",
    "> said\n\n---\n| a | b |",
    "&lt;b&gt; &#33;",
    "\u202eturned\u200b \x1b[31mred\x00",
    "[1]: http://example.org",
    "x[^1]",
]


def shown(markdown: str) -> str:
    """What is left once Markdown has taken its backslashes away."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)


@given(st.text(alphabet=st.sampled_from(list("ab1w.:/@![]()<>*_`$~|&#\\-+ \n\x00\u202e")), max_size=60))
@example("http://a.b")
def test_nothing_from_outside_is_markup(text: str) -> None:
    assert_harmless(escape(text))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_hostile_text_is_markup(text: str) -> None:
    assert_harmless(escape(text))
    assert_harmless(sentence(text))


def assert_harmless(markdown: str) -> None:
    assert not BEFORE.search(markdown)
    assert not DIRECTIVE.search(markdown)
    assert not re.match(r"\s|#|[-+]|\d+[.)]", markdown)
    for pattern in AFTER:
        assert not pattern.search(shown(markdown))


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), max_size=80))
def test_what_is_shown_is_the_text_itself(text: str) -> None:
    assert shown(escape(text)).replace(JOINER, "") == text


def test_outside_text_is_cut_and_keeps_no_invisible_characters() -> None:
    assert escape("a" * 100) == "a" * 79 + "…"
    assert escape("a\x00b\u202ec\n\n d") == "a b c d"
    assert len(escape("x" * 10**6)) == 80


def test_times() -> None:
    assert (duration(7.6), duration(200), duration(7500)) == ("8 s", "3 min 20 s", "2 h 5 min")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (7, "a 7"),
        (8, "an 8"),
        ("ankle boot", "an ankle boot"),
        ("T-shirt", "a T-shirt"),
        ("dress", "a dress"),
        ("trousers", "trousers"),
    ],
)
def test_what_begins_with_a_vowel_has_an_n(name: object, said: str) -> None:
    assert a(name) == said
