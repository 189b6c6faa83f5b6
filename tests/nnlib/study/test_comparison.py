"""Two networks: counted by hand, and McNemar's test against tables that others published."""

import numpy as np
import pytest

from nnlib.errors import DataError
from nnlib.study.comparison import Comparison, compare
from nnlib.study.evaluation import Evaluation


def answering(answers: list[int], labels: list[int]) -> Evaluation:
    return Evaluation(np.eye(10, dtype=np.float32)[answers], np.array(labels))


def disagreeing(only_first: int, only_second: int) -> Comparison:
    return Comparison(np.arange(1000), np.arange(only_first), np.arange(only_second), np.arange(7))


def test_digits_are_told_by_who_reads_them() -> None:
    labels = [1, 2, 3, 4, 5]
    found = compare(answering([1, 2, 0, 0, 5], labels), answering([1, 0, 3, 0, 5], labels))
    parts = (found.both, found.only_first, found.only_second, found.neither)
    assert [part.tolist() for part in parts] == [[0, 4], [1], [2], [3]]


# 121 and 59: the exact test in the documentation of statsmodels; the others by hand, from Pascal's triangle
@pytest.mark.parametrize(
    ("only_first", "only_second", "p_value"),
    [(121, 59, 4.434e-06), (59, 121, 4.434e-06), (5, 1, 14 / 64), (3, 0, 2 / 8), (4, 4, 1), (0, 0, 1)],
)
def test_the_p_value_is_mcnemars(only_first: int, only_second: int, p_value: float) -> None:
    assert disagreeing(only_first, only_second).p_value == pytest.approx(p_value, rel=1e-3)


def test_thousands_of_differences_are_no_trouble() -> None:
    assert disagreeing(9000, 1000).p_value == pytest.approx(0, abs=1e-12)


def test_other_digits_are_refused() -> None:
    with pytest.raises(DataError, match="did not read the same digits"):
        compare(answering([1], [1]), answering([1, 2], [1, 2]))
