"""Every layer does what its formula says, and its gradient is that of its formula."""

import math
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nnlib.network.layers import (
    ACTIVATIONS,
    Activation,
    Dense,
    Dropout,
    Layer,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    initial_weights,
)

N_INPUTS, N_OUTPUTS = 5, 4


def make_dense(needs_input_gradient: bool = True) -> Dense:
    generator = np.random.default_rng(3)
    weights, biases = generator.standard_normal((N_INPUTS, N_OUTPUTS)), generator.standard_normal(N_OUTPUTS)
    return Dense(weights, biases, np.zeros_like(weights), np.zeros_like(biases), needs_input_gradient)


CASES: dict[type[Layer], Callable[[], Layer]] = {
    Dense: make_dense,
    ReLU: ReLU,
    LeakyReLU: LeakyReLU,
    Sigmoid: Sigmoid,
    Tanh: Tanh,
    Dropout: lambda: Dropout(0.4, np.random.default_rng(0)),
    Softmax: Softmax,
}


def every_subclass(parent: type) -> list[type]:
    children: list[type] = parent.__subclasses__()
    found = [each for child in children for each in (child, *every_subclass(child))]
    return [each for each in found if each.__module__.startswith("nnlib.")]


every_layer = pytest.mark.parametrize("layer_class", every_subclass(Layer), ids=lambda each: each.__name__)


def some_inputs(rows: int = 6, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, N_INPUTS))


def train_forward(layer: Layer, inputs: np.ndarray) -> np.ndarray:
    """A training pass; a dropout silences the same units each time."""
    if isinstance(layer, Dropout):
        layer.generator = np.random.default_rng(7)
    return layer.forward(inputs, training=True)


def central_differences(function: Callable[[], float], values: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """The gradient of `function()` with respect to `values`, which it reads, one value at a time."""
    slopes = np.empty_like(values)
    for index in np.ndindex(values.shape):
        kept = values[index]
        values[index] = kept + step
        higher = function()
        values[index] = kept - step
        lower = function()
        values[index] = kept
        slopes[index] = (higher - lower) / (2 * step)
    return slopes


@every_layer
def test_gradient_of_inputs_matches_central_differences(layer_class: type[Layer]) -> None:
    layer, inputs = CASES[layer_class](), some_inputs()
    gradient = np.random.default_rng(2).standard_normal(train_forward(layer, inputs).shape)

    expected = central_differences(lambda: float(np.sum(train_forward(layer, inputs) * gradient)), inputs)

    train_forward(layer, inputs)
    np.testing.assert_allclose(layer.backward(gradient), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("needs_input_gradient", [True, False])
def test_gradient_of_dense_parameters_matches_central_differences(needs_input_gradient: bool) -> None:
    layer, inputs = make_dense(needs_input_gradient), some_inputs()
    gradient = np.random.default_rng(2).standard_normal((len(inputs), N_OUTPUTS))

    def value() -> float:
        return float(np.sum(layer.forward(inputs, training=True) * gradient))

    expected_weights = central_differences(value, layer.weights)
    expected_biases = central_differences(value, layer.biases)

    value()
    inputs_gradient = layer.backward(gradient)
    np.testing.assert_allclose(layer.weights_gradient, expected_weights, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(layer.biases_gradient, expected_biases, rtol=1e-6, atol=1e-8)
    assert inputs_gradient.shape == (len(inputs), N_INPUTS if needs_input_gradient else 0)


@every_layer
def test_a_reading_equals_a_training_pass(layer_class: type[Layer]) -> None:
    layer, inputs = CASES[layer_class](), some_inputs()
    if isinstance(layer, Dropout):
        layer.rate = 0.0
    np.testing.assert_allclose(layer.forward(inputs), train_forward(layer, inputs), rtol=1e-12)


@every_layer
def test_a_reading_changes_no_state(layer_class: type[Layer]) -> None:
    layer = CASES[layer_class]()
    gradient = np.ones_like(train_forward(layer, some_inputs()))
    state = pickle.dumps(vars(layer))
    expected = layer.backward(gradient).copy()
    state_after_backward = pickle.dumps(vars(layer))

    train_forward(layer, some_inputs())
    # bigger and smaller than the batch in between whose passes it happens
    for rows in (1, 50):
        layer.forward(some_inputs(rows, seed=9))
    np.testing.assert_array_equal(layer.backward(gradient), expected)

    assert pickle.dumps(vars(layer)) == state_after_backward
    untouched = CASES[layer_class]()
    train_forward(untouched, some_inputs())
    untouched.forward(some_inputs(50, seed=9))
    assert pickle.dumps(vars(untouched)) == state


@every_layer
def test_many_threads_read_at_once(layer_class: type[Layer]) -> None:
    layer = CASES[layer_class]()
    batches = [some_inputs(200 + 10 * seed, seed) for seed in range(8)]
    expected = [CASES[layer_class]().forward(batch) for batch in batches]

    def read_often(batch: np.ndarray) -> list[np.ndarray]:
        return [layer.forward(batch) for _ in range(30)]

    with ThreadPoolExecutor(len(batches)) as pool:
        for found, outputs in zip(pool.map(read_often, batches), expected, strict=True):
            for each in found:
                np.testing.assert_array_equal(each, outputs)


@every_layer
def test_batches_of_two_sizes_keep_their_buffers_and_are_right(layer_class: type[Layer]) -> None:
    used, fresh = CASES[layer_class](), CASES[layer_class]()
    small = some_inputs(3, seed=5)
    large_outputs = train_forward(used, some_inputs(20))
    large_gradient = used.backward(np.ones_like(large_outputs))

    outputs = train_forward(used, small)
    assert outputs.shape == (3, large_outputs.shape[1])
    np.testing.assert_array_equal(outputs, train_forward(fresh, small))
    gradient = used.backward(np.ones_like(outputs))
    np.testing.assert_array_equal(gradient, fresh.backward(np.ones_like(outputs)))

    assert train_forward(used, some_inputs(20, seed=6)) is large_outputs
    assert used.backward(np.ones_like(large_outputs)) is large_gradient


@every_layer
def test_a_larger_batch_after_a_smaller_one_is_right(layer_class: type[Layer]) -> None:
    used, fresh = CASES[layer_class](), CASES[layer_class]()
    used.backward(np.ones_like(train_forward(used, some_inputs(3))))
    large = some_inputs(20, seed=5)

    outputs = train_forward(used, large)
    np.testing.assert_array_equal(outputs, train_forward(fresh, large))
    ones = np.ones_like(outputs)
    np.testing.assert_array_equal(used.backward(ones), fresh.backward(ones))


@every_layer
def test_inputs_and_incoming_gradient_stay_as_they_are(layer_class: type[Layer]) -> None:
    layer, inputs = CASES[layer_class](), some_inputs()
    inputs.flags.writeable = False
    gradient = np.ones_like(train_forward(layer, inputs))
    gradient.flags.writeable = False
    layer.backward(gradient)
    layer.forward(inputs)


@every_layer
def test_single_precision_stays_single(layer_class: type[Layer]) -> None:
    layer, inputs = CASES[layer_class](), some_inputs().astype(np.float32)
    if isinstance(layer, Dense):
        layer = Dense(*(each.astype(np.float32) for each in list(vars(make_dense()).values())[1:5]))
    outputs = train_forward(layer, inputs)
    assert outputs.dtype == layer.forward(inputs).dtype == np.float32
    assert layer.backward(np.ones_like(outputs)).dtype == np.float32


@pytest.mark.parametrize(
    ("activation", "formula"),
    [
        ("relu", lambda x: max(x, 0.0)),
        ("leaky_relu", lambda x: x if x > 0 else x / 100),
        ("sigmoid", lambda x: 1 / (1 + math.exp(-x))),
        ("tanh", lambda x: (math.exp(x) - math.exp(-x)) / (math.exp(x) + math.exp(-x))),
    ],
)
def test_activation_follows_its_formula(activation: Activation, formula: Callable[[float], float]) -> None:
    inputs = np.array([[-3.0, -0.5, 0.0, 0.25, 2.0]])
    expected = [[formula(x) for x in inputs[0].tolist()]]
    np.testing.assert_allclose(ACTIVATIONS[activation]().forward(inputs), expected, rtol=1e-12, atol=1e-15)


def test_dense_follows_its_formula() -> None:
    weights, biases = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, -0.5])
    layer = Dense(weights, biases, np.zeros((2, 2)), np.zeros(2))
    np.testing.assert_array_equal(layer.forward(np.array([[10.0, 1.0]])), [[13.5, 23.5]])


def test_softmax_follows_its_formula() -> None:
    expected = np.exp([1.0, 2.0, 3.0]) / (math.e + math.e**2 + math.e**3)
    np.testing.assert_allclose(Softmax().forward(np.array([[1.0, 2.0, 3.0]])), [expected], rtol=1e-12)


@pytest.mark.parametrize("layer_class", [Sigmoid, Tanh, Softmax])
def test_huge_inputs_do_not_overflow(layer_class: type[Layer]) -> None:
    layer, inputs = layer_class(), np.array([[-1e4, 0.0, 1e4]], np.float32)
    outputs = layer.forward(inputs, training=True)
    assert np.isfinite(outputs).all()
    assert np.isfinite(layer.backward(np.ones_like(outputs))).all()


def test_dropout_silences_the_asked_share_and_scales_up_the_rest() -> None:
    outputs = Dropout(0.3, np.random.default_rng(1)).forward(np.ones((500, 400)), training=True)
    assert np.mean(outputs == 0) == pytest.approx(0.3, abs=0.005)
    np.testing.assert_allclose(outputs[outputs != 0], 1 / 0.7)
    assert outputs.mean() == pytest.approx(1, abs=0.01)


def test_dropout_silences_other_units_each_time() -> None:
    layer, inputs = Dropout(0.5, np.random.default_rng(1)), np.ones((10, 10))
    first = layer.forward(inputs, training=True).copy()
    assert not np.array_equal(first, layer.forward(inputs, training=True))


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_first_weights_follow_he_before_a_rectifier(activation: Activation) -> None:
    weights = initial_weights(300, 700, activation, np.random.default_rng(1))
    assert weights.shape == (300, 700)
    assert weights.std() == pytest.approx(math.sqrt(2 / 300), rel=0.01)
    assert weights.mean() == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", None])
def test_first_weights_follow_glorot_elsewhere(activation: Activation | None) -> None:
    weights = initial_weights(300, 700, activation, np.random.default_rng(1))
    assert weights.std() == pytest.approx(math.sqrt(2 / (300 + 700)), rel=0.01)
    assert weights.mean() == pytest.approx(0, abs=0.001)
