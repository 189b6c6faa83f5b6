"""A step in two halves is the step of the whole network, whichever way it is shared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib.digits.mnist import DataSet, Digits, load_mnist
from nnlib.network.losses import CategoricalCrossEntropy
from nnlib.network.network import Network, count_parameters
from nnlib.training.config import PRESETS, TrainingConfig
from nnlib.training.halves import _n_rest, _places_by_units, _Stock, by_units, share_memory
from nnlib.training.trainer import Trainer

SMALL = TrainingConfig(hidden_widths=(16, 8), epochs=1, batch_size=64, training_digits=300, validation_digits=100)


@pytest.fixture(scope="module")
def data() -> DataSet:
    return load_mnist()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (PRESETS["quick"].config, True),
        (PRESETS["standard"].config, True),
        # every digit is varied; the batch is large
        (PRESETS["best"].config, False),
        (PRESETS["original"].config, False),
        (TrainingConfig(batch_size=128), True),
        (TrainingConfig(batch_size=129), False),
        # a batch of more than all digits is all of them
        (TrainingConfig(batch_size=60_000, training_digits=100), True),
        # what comes after the first layer is most of it
        (TrainingConfig(batch_size=32, hidden_widths=(128, 512, 512)), False),
        (TrainingConfig(batch_size=32, hidden_widths=(1, 1, 1)), True),
    ],
)
def test_small_batches_are_shared_by_units_where_the_rest_is_little(config: TrainingConfig, expected: bool) -> None:
    assert by_units(config) == expected


@pytest.mark.parametrize("batch_size", [64, 150])
@pytest.mark.parametrize("widths", [(16, 8), (15, 7), (9,), (1,), (2, 1, 3)])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "sigmoid", "tanh"])
def test_a_step_has_the_gradient_of_the_whole_network(
    data: DataSet, widths: tuple[int, ...], activation: str, batch_size: int
) -> None:
    config = SMALL.with_changes(
        hidden_widths=widths, activation=activation, batch_size=batch_size, label_smoothing=0.1, optimizer="sgd"
    )
    assert by_units(config) == (batch_size == 64)
    trainer = Trainer(config, data, progress_seconds=0)
    network, loss = Network((784, *widths, 10), trainer.network.activation), CategoricalCrossEntropy(0.1)
    network.parameters[:] = trainer.network.parameters
    rows = trainer._order[:batch_size]

    record = next(iter(trainer))

    expected = loss.forward(network.forward(data.train.images[rows], training=True), data.train.labels[rows])
    network.backward(loss.backward())
    np.testing.assert_allclose(trainer.network.gradient, network.gradient, rtol=1e-3, atol=1e-6)
    assert record.training_loss == pytest.approx(expected, rel=1e-5)
    network.parameters -= np.float32(config.learning_rate) * network.gradient
    np.testing.assert_allclose(trainer.network.parameters, network.parameters, rtol=1e-5, atol=1e-7)


@settings(deadline=None, max_examples=50)
@given(widths=st.lists(st.integers(1, 40), min_size=1, max_size=4))
def test_every_parameter_has_a_place_of_its_own_by_units(widths: list[int]) -> None:
    config = SMALL.with_changes(hidden_widths=tuple(widths))
    places, n_rest = _places_by_units(config), _n_rest(config)
    n_parameters = count_parameters((784, *widths, 10))
    # those that are left over are the second rest
    middle = (784 + 1 + [*widths, 10][1]) * ((widths[0] + 1) // 2)
    second_rest = set(range(middle + n_rest, middle + 2 * n_rest))
    assert len(places) == n_parameters
    assert set(places.tolist()) == set(range(n_parameters + n_rest)) - second_rest


@pytest.mark.parametrize(("share", "kept"), [(1.0, np.uint8), (0.3, np.float32)])
def test_digits_are_kept_as_bytes_where_that_gives_the_very_same_images(
    data: DataSet, share: float, kept: type[np.generic]
) -> None:
    digits = Digits(data.train.images[:300] * np.float32(share), data.train.labels[:300])
    memory = share_memory(SMALL, digits, None)
    assert memory["images"].dtype == kept
    rows = np.array([5, 0, 299])
    images, labels = _Stock(SMALL, memory).fetch(rows)
    np.testing.assert_array_equal(images, digits.images[rows])
    np.testing.assert_array_equal(labels, digits.labels[rows])


@pytest.mark.parametrize("batch_size", [64, 150])
def test_what_is_put_into_the_network_between_two_records_is_learned_from(data: DataSet, batch_size: int) -> None:
    config = SMALL.with_changes(optimizer="sgd", momentum=0, batch_size=batch_size)
    trainer = Trainer(config, data, progress_seconds=0)
    records = iter(trainer)
    next(records)
    trainer.network.parameters[:] = 0
    next(records)
    # where everything is zero, no gradient reaches a weight: only what stands behind them all
    assert 0 < np.count_nonzero(trainer.network.parameters) <= 10
    assert np.count_nonzero(trainer.network.dense_layers[-1].biases) > 0
