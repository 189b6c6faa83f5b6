"""Two networks that read the same digits: which ones only one of them reads right, and whether that can be chance."""

import math
from dataclasses import dataclass

import numpy as np

from nnlib.errors import DataError
from nnlib.study.evaluation import Evaluation


@dataclass(frozen=True)
class Comparison:
    """The digits by who reads them right, `both`, `only_first`, `only_second` or `neither`: each (k,) indices."""

    both: np.ndarray
    only_first: np.ndarray
    only_second: np.ndarray
    neither: np.ndarray

    @property
    def p_value(self) -> float:
        """How probable a difference at least as large is, 0 to 1, if neither were the better one.

        McNemar's exact test (McNemar 1947): then each digit that only one of them reads right would be either's with
        equal probability, as with a coin. The digits that both read, or neither, say nothing about it.
        """
        fewer, more = sorted((len(self.only_first), len(self.only_second)))
        n = fewer + more
        as_few = sum(math.comb(n, k) for k in range(fewer + 1))
        return min(1.0, 2 * as_few / 2**n)


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    """What two networks answered for the very same digits. Raises DataError where those are not the same."""
    if not np.array_equal(first.labels, second.labels):
        raise DataError("the two networks did not read the same digits: let both read the same ones.")
    one, other = first.predictions == first.labels, second.predictions == second.labels
    parts = (one & other, one & ~other, ~one & other, ~one & ~other)
    return Comparison(*map(np.flatnonzero, parts))
