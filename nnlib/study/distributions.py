"""Distributions: how the weights and the outputs of every layer are spread, moment after moment of a training.

What is counted of one moment never has to be counted anew when others come: the bins of each are as wide as a
power of two, so bins that suit all moments are made of whole ones.
"""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from nnlib.network import Activation, Network

N_FINE = 1024  # bins of one moment, each layer
MOST_SHOWN = 64  # bins, about, that all moments then share
OUTLIERS = 0.001  # the share at either end of a moment's numbers that no room is made for
# outputs that reach no further; those of the last layer are probabilities
BOUNDED: dict[Activation, float] = {"sigmoid": 1.0, "tanh": 1.0}
LEAST_REACH = 2.0**-30  # of numbers that are all zero


@dataclass(frozen=True)
class Counts:
    """How often numbers of each size were seen: `counts` (N_FINE,), in equal bins from -`reach` up to `reach`.

    The reach is a power of two, and so is the width of a bin. A bin holds its lower edge; the last one both.
    """

    reach: float
    counts: np.ndarray

    @classmethod
    def of(cls, numbers: np.ndarray, reach: float | None = None) -> "Counts":
        """Count numbers of any shape; a reach that is given must hold them all. Beyond all numbers is the largest."""
        most = float(np.finfo(numbers.dtype).max) if reach is None else reach
        numbers = np.nan_to_num(numbers, nan=most, posinf=most, neginf=-most)
        if reach is None:
            furthest = max(float(numbers.max()), -float(numbers.min()))
            # frexp's power is the first one beyond: a number of just that size would not be in its own bin
            reach = math.ldexp(1.0, math.frexp(furthest)[1]) if furthest > LEAST_REACH else LEAST_REACH
        # a power of two is multiplied by without rounding: so no number lands beside its bin, unless it is next to zero
        places = np.floor(numbers.ravel() * np.float32(N_FINE / 2 / reach)).astype(np.int32) + N_FINE // 2
        np.minimum(places, N_FINE - 1, out=places)
        return cls(reach, np.bincount(places, minlength=N_FINE).astype(np.int32))

    @property
    def width(self) -> float:
        """The width of a bin."""
        return 2 * self.reach / N_FINE

    @property
    def edges(self) -> np.ndarray:
        """Where bins begin and end, (N_FINE + 1,)."""
        return np.arange(-N_FINE // 2, N_FINE // 2 + 1) * self.width

    @property
    def span(self) -> tuple[float, float]:
        """From where to where nearly all the numbers lie."""
        shares = np.cumsum(self.counts) / self.counts.sum()
        first, last = np.searchsorted(shares, [OUTLIERS, 1 - OUTLIERS], side="right")
        return float(self.edges[first]), float(self.edges[last + 1])


@dataclass(frozen=True)
class Spread:
    """One moment of a network: for each Dense layer, its weights, and what it put out after its activation."""

    weights: tuple[Counts, ...]
    outputs: tuple[Counts, ...]


@dataclass(frozen=True)
class Distribution:
    """Numbers of k moments in n bins that all share: `edges` (n + 1,), `counts` (k, n).

    The first and the last bin also hold what lies beyond them.
    """

    edges: np.ndarray
    counts: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """Of each moment's numbers, the share in each bin, (k, n), 0 to 1."""
        return self.counts / self.counts.sum(axis=1, keepdims=True)


def measure(network: Network, images: np.ndarray) -> Spread:
    """Count the weights of a network and what its layers put out for some images, (n, n_inputs), at least one."""
    with np.errstate(over="ignore", invalid="ignore"):  # a training that is about to blow up has such moments
        *hidden, answers = network.activations(images)
    outputs = [Counts.of(each, BOUNDED.get(network.activation)) for each in hidden]
    weights = tuple(Counts.of(dense.weights) for dense in network.dense_layers)
    return Spread(weights, (*outputs, Counts.of(answers, 1.0)))


def in_common_bins(moments: Sequence[Counts]) -> Distribution:
    """The moments of one layer, at least one, in bins that leave room for nearly all numbers of every moment."""
    lows, highs = zip(*(each.span for each in moments), strict=True)
    low, high = min(lows), max(highs)
    enough = math.ldexp(1.0, math.ceil(math.log2((high - low) / MOST_SHOWN)))
    width = max(enough, *(each.width for each in moments))
    first, last = math.floor(low / width), math.ceil(high / width)
    counts = [
        np.bincount(
            np.clip(np.floor(each.edges[:-1] / width).astype(np.int64), first, last - 1) - first,
            weights=each.counts,
            minlength=last - first,
        )
        for each in moments
    ]
    return Distribution(np.arange(first, last + 1) * width, np.stack(counts).astype(np.int64))


def distributions_as_csv(steps: Iterable[tuple[int, float]], layers: Sequence[tuple[str, Distribution]]) -> str:
    """A table with one row for each layer, moment and bin; `steps` has each moment's step and epoch."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["layer", "step", "epoch", "from", "to", "count", "share"])
    moments = list(steps)
    for name, found in layers:
        bounds = list(zip(found.edges[:-1].tolist(), found.edges[1:].tolist(), strict=True))
        for (step, epoch), counts, shares in zip(moments, found.counts.tolist(), found.shares.tolist(), strict=True):
            table.writerows(
                [name, step, epoch, low, high, count, share]
                for (low, high), count, share in zip(bounds, counts, shares, strict=True)
            )
    return text.getvalue()
