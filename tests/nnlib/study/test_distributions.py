"""The distributions: every number is counted once, in its own bin, and early and late moments share their bins."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nnlib.digits.mnist import load_mnist
from nnlib.network.layers import Activation
from nnlib.network.network import Network
from nnlib.study.distributions import (
    MOST_SHOWN,
    OUTLIERS,
    Counts,
    distributions_as_csv,
    in_common_bins,
    measure,
)

IMAGES = load_mnist().train.images[-200:]
# nearer to zero, a number may be counted as zero
FLOATS = st.floats(-(2.0**20), 2.0**20, width=32).filter(lambda number: not 0 < abs(number) < 1e-30)


def networks(activation: Activation) -> list[Network]:
    """Moments of a network whose weights have grown a hundred times, in the end with a few that ran off."""
    found = []
    for growth in (0.1, 1, 3, 10):
        network = Network((784, 40, 20, 10), activation, generator=np.random.default_rng(1))
        network.parameters *= np.float32(growth)
        found.append(network)
    found[-1].dense_layers[0].weights[0, :3] = -30, 15, 20
    return found


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "sigmoid", "tanh"])
def test_counts_are_those_of_numpy_in_the_same_bins(activation: Activation) -> None:
    moments = networks(activation)
    spreads = [measure(network, IMAGES) for network in moments]
    outputs = [network.activations(IMAGES) for network in moments]
    for layer in range(3):
        for found, numbers in (
            ([each.weights[layer] for each in spreads], [each.dense_layers[layer].weights for each in moments]),
            ([each.outputs[layer] for each in spreads], [each[layer] for each in outputs]),
        ):
            for one, values in zip(found, numbers, strict=True):
                np.testing.assert_array_equal(one.counts, np.histogram(values, one.edges)[0])
            shared = in_common_bins(found)
            lowest, highest = shared.edges[0], np.nextafter(shared.edges[-1], 0)
            for counts, values in zip(shared.counts, numbers, strict=True):
                inside = np.clip(values.astype(np.float64), lowest, highest)
                np.testing.assert_array_equal(counts, np.histogram(inside, shared.edges)[0])
            np.testing.assert_allclose(shared.shares.sum(axis=1), 1)


@given(arrays.arrays(np.float32, st.integers(1, 60), elements=FLOATS))
def test_any_numbers_are_counted_where_they_are(numbers: np.ndarray) -> None:
    found = Counts.of(numbers)
    np.testing.assert_array_equal(found.counts, np.histogram(numbers, found.edges)[0])
    assert found.counts.sum() == len(numbers)


def test_early_and_late_moments_are_seen_and_a_few_that_ran_off_take_no_room() -> None:
    spreads = [measure(network, IMAGES) for network in networks("relu")]
    shared = in_common_bins([each.weights[0] for each in spreads])
    late = networks("relu")[-1].dense_layers[0].weights
    assert MOST_SHOWN / 4 <= len(shared.edges) - 1 <= MOST_SHOWN + 2
    assert shared.edges[0] > -10, "-30 is in the bin at the rim"
    assert np.mean((late < shared.edges[0]) | (late >= shared.edges[-1])) <= 2 * OUTLIERS
    seen = [np.count_nonzero(counts) for counts in shared.counts]
    assert seen[-1] > seen[1] > 2, "what was narrow is narrow"


def test_bounded_outputs_have_the_bins_that_they_can_reach() -> None:
    for activation, low in (("sigmoid", 0), ("tanh", -1)):
        network = Network((784, 30, 10), activation, generator=np.random.default_rng(1))  # type: ignore[arg-type]
        network.parameters *= 100
        edges = in_common_bins([measure(network, IMAGES).outputs[0]]).edges
        assert (edges[0], edges[-1]) == (low, 1)


@pytest.mark.parametrize("number", [0.0, 1e-40, 1.0, -1.0, 3e38, np.inf, -np.inf, np.nan])
def test_numbers_that_are_all_one_can_be_shown(number: float) -> None:
    shared = in_common_bins([Counts.of(np.full(7, number, np.float32))])
    assert np.isfinite(shared.edges).all()
    assert shared.counts.sum() == 7
    assert (np.diff(shared.edges) > 0).all()


def test_a_network_that_is_about_to_blow_up_can_be_measured() -> None:
    network = Network((784, 8, 10), generator=np.random.default_rng(1))
    network.parameters *= np.float32(1e38)
    found = measure(network, IMAGES)
    assert [each.counts.sum() for each in found.outputs] == [8 * len(IMAGES), 10 * len(IMAGES)]


def test_the_table_has_every_count() -> None:
    moments = networks("tanh")[:2]
    found = in_common_bins([measure(network, IMAGES).weights[0] for network in moments])
    rows = list(csv.DictReader(io.StringIO(distributions_as_csv([(0, 0.0), (50, 0.5)], [("layer 1", found)]))))
    assert len(rows) == found.counts.size
    assert [int(row["count"]) for row in rows] == found.counts.ravel().tolist()
    assert {(row["step"], row["epoch"]) for row in rows} == {("0", "0.0"), ("50", "0.5")}
    assert (float(rows[0]["from"]), float(rows[0]["to"])) == (found.edges[0], found.edges[1])
    assert sum(float(row["share"]) for row in rows) == pytest.approx(2)
