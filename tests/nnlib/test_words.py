"""Words for people: whatever comes in, what goes out can be shown."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlib.errors import NnlibError
from nnlib.words import MOST_FIGURES, MOST_LETTERS, count, exact, in_words, number, percent, printable, shown


@given(st.text(max_size=1000), st.integers(1, 300))
def test_any_text_becomes_one_short_line_that_can_be_shown(text: str, most: int) -> None:
    line = printable(text, most)
    assert len(line) <= most
    assert line.isprintable()
    line.encode()
    assert printable(line, most) == line
    if text.isprintable() and len(text) <= most:
        assert line == text


def test_what_could_rule_a_terminal_or_hide_a_name_is_replaced() -> None:
    assert printable("a\x1b[31mb\u202egnp.\x00\udcff") == "a\ufffd[31mb\ufffdgnp.\ufffd\ufffd"
    assert printable("one\ntwo\tthree\u00a0four") == "one two three four"
    assert printable("Grüße, 数字") == "Grüße, 数字"


def test_of_a_long_text_the_ends_stay() -> None:
    line = printable("begin" + "x" * 5000 + ".png")
    assert len(line) == MOST_LETTERS
    assert line.startswith("begin")
    assert line.endswith(".png")


def test_every_sentence_can_be_shown() -> None:
    sentence = str(NnlibError("\x1b]0;owned\x07 is no file:\nname another."))
    assert sentence == "\ufffd]0;owned\ufffd is no file: name another."
    assert len(str(NnlibError("x" * 10**6))) == 1000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1e-5, "0.00001"),
        (1.2345e-5, "0.0000123"),
        (2.27e-11, "under 0.000001"),
        (-2.27e-11, "just below 0"),
        (0.5, "0.5"),
        (99.99, "100"),
        (12345.6, "12,346"),
        (1e20, "over 1,000,000,000"),
        (-math.inf, "below -1,000,000,000"),
        (math.nan, "not a number"),
        (np.float32(0.1), "0.1"),
    ],
)
def test_a_measured_number_is_short_and_without_exponent(value: float, text: str) -> None:
    assert number(value) == text


@given(st.floats())
def test_no_number_has_an_exponent(value: float) -> None:
    for text in (number(value), shown(value)):
        assert not re.search(r"\de", text)
        assert len(text) <= 60


@given(st.floats(-1e9, 1e9).filter(lambda value: not 0 < abs(value) < 1e-12))
def test_a_number_that_was_set_is_shown_whole(value: float) -> None:
    assert float(exact(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "missing"),
        (True, "true"),
        ("", "empty"),
        ("a\nb", "a b"),
        (5, "5"),
        (-0.5, "-0.5"),
        (math.nan, "not a number"),
        (math.inf, "infinite"),
        (10**70, "a number of very many digits"),
        ((128, 64), "128,64"),
        ([], "empty"),
        ([[1]], "neither text nor a number"),
        ({"a": 1}, "neither text nor a number"),
        (np.float32(0.5), "0.5"),
        (np.int64(7), "7"),
    ],
)
def test_any_value_can_stand_in_a_sentence(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_probability_is_never_quite_0_or_1() -> None:
    assert [percent(share) for share in (0, 0.0009, 0.001, 0.974, 0.9991, 1)] == [
        "less than 0.1%",
        "less than 0.1%",
        "0.1%",
        "97.4%",
        "more than 99.9%",
        "more than 99.9%",
    ]


def test_one_thing_is_not_several() -> None:
    assert [count(n, "epoch") for n in (0, 1, 2, 1000)] == ["0 epochs", "1 epoch", "2 epochs", "1,000 epochs"]
    assert (count(1, "bias", "biases"), count(2, "bias", "biases")) == ("1 bias", "2 biases")


# --- numbers as they are spoken ---


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ("0", "zero"),
        ("7", "seven"),
        ("10", "ten"),
        ("19", "nineteen"),
        ("20", "twenty"),
        ("42", "forty-two"),
        ("100", "one hundred"),
        ("402", "four hundred and two"),
        ("418", "four hundred and eighteen"),
        ("999", "nine hundred and ninety-nine"),
        ("1000", "one thousand"),
        ("1002", "one thousand and two"),
        ("1099", "one thousand and ninety-nine"),
        ("1100", "one thousand, one hundred"),
        ("2024", "two thousand and twenty-four"),
        ("70210", "seventy thousand, two hundred and ten"),
        ("1000000", "one million"),
        ("1000001", "one million and one"),
        ("1234567", "one million, two hundred and thirty-four thousand, five hundred and sixty-seven"),
        ("9000300", "nine million, three hundred"),
    ],
)
def test_a_number_is_spoken(figures: str, words: str) -> None:
    assert in_words(figures) == words


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ("042", "zero four two"),
        ("00", "zero zero"),
        ("0000000", "zero zero zero zero zero zero zero"),
        ("12345678", "one two three four five six seven eight"),
        ("1" * 40, " ".join(["one"] * 40)),
    ],
)
def test_what_is_no_plain_number_is_spoken_digit_by_digit(figures: str, words: str) -> None:
    assert in_words(figures) == words


def test_rows_are_spoken_one_after_the_other() -> None:
    assert in_words("402\n7\n05") == "four hundred and two; seven; zero five"


@pytest.mark.parametrize("figures", ["", "12\n", "-1", "1,000", "1.5", " 1", "٣", "²", "one"])
def test_only_figures_are_spoken(figures: str) -> None:
    with pytest.raises(ValueError, match="is no number: it must be figures from 0 to 9"):
        in_words(figures)


BELOW_A_HUNDRED = {in_words(str(n)): n for n in range(100)}


def value_of(words: str) -> int:
    """What somebody who hears it writes down."""
    total = hundreds = 0
    for word in re.sub(r",| and", "", words).split():
        if word == "hundred":
            hundreds *= 100
        elif word in ("thousand", "million"):
            total += hundreds * (1_000 if word == "thousand" else 1_000_000)
            hundreds = 0
        else:
            hundreds += BELOW_A_HUNDRED[word]
    return total + hundreds


@given(st.integers(0, 10**MOST_FIGURES - 1))
def test_every_number_can_be_written_down_again(value: int) -> None:
    words = in_words(str(value))
    assert value_of(words) == value
    assert words.isascii()
    assert "  " not in words
