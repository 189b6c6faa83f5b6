"""The whole network: its gradient, its one flat vector, and its answers."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from nnlib.network.layers import Activation, Softmax
from nnlib.network.losses import CategoricalCrossEntropy
from nnlib.network.network import ROWS_AT_ONCE, Network, count_parameters

WIDTHS = (6, 5, 4, 3)
every_activation = pytest.mark.parametrize("activation", get_args(Activation))


def make_network(
    activation: Activation = "relu", widths: tuple[int, ...] = WIDTHS, dropout: float = 0.0, dtype: type = np.float64
) -> Network:
    """A network with random weights, and random biases too."""
    network = Network(widths, activation, dropout=dropout, dropout_generator=np.random.default_rng(0), dtype=dtype)
    network.parameters[:] = np.random.default_rng(1).standard_normal(len(network.parameters)) / 2
    return network


def some_images(n: int, width: int = WIDTHS[0]) -> np.ndarray:
    return np.random.default_rng(n).random((n, width))


@every_activation
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_gradient_matches_central_differences(activation: Activation, dropout: float, label_smoothing: float) -> None:
    network, loss = make_network(activation, dropout=dropout), CategoricalCrossEntropy(label_smoothing)
    images, labels = some_images(8), np.arange(8) % 3
    silent = np.random.default_rng(5).bit_generator.state

    def mean_loss() -> float:
        # the same units are silent each time
        for layer in network.layers:
            if hasattr(layer, "generator"):
                layer.generator.bit_generator.state = silent
        return loss.forward(network.forward(images, training=True), labels)

    step, expected = 1e-6, np.empty_like(network.parameters)
    for index, kept in enumerate(network.parameters.tolist()):
        network.parameters[index] = kept + step
        higher = mean_loss()
        network.parameters[index] = kept - step
        expected[index] = (higher - mean_loss()) / (2 * step)
        network.parameters[index] = kept

    mean_loss()
    network.backward(loss.backward())
    np.testing.assert_allclose(network.gradient, expected, rtol=1e-5, atol=1e-8)
    assert np.count_nonzero(network.gradient) > len(network.gradient) / 4


@every_activation
def test_scores_and_gradient_equal_those_of_torch(activation: Activation) -> None:
    torch = pytest.importorskip("torch")
    network, images, labels = make_network(activation), some_images(8), np.arange(8) % 3
    loss = CategoricalCrossEntropy(label_smoothing=0.1)
    scores = network.forward(images, training=True)
    value = loss.forward(scores, labels)
    network.backward(loss.backward())

    theirs = {
        "relu": torch.nn.ReLU(),
        "leaky_relu": torch.nn.LeakyReLU(0.01),
        "sigmoid": torch.nn.Sigmoid(),
        "tanh": torch.nn.Tanh(),
    }[activation]
    values, tensors = torch.tensor(images), []
    for index, dense in enumerate(network.dense_layers):
        weights = torch.tensor(dense.weights, requires_grad=True)
        biases = torch.tensor(dense.biases, requires_grad=True)
        tensors += [weights, biases]
        values = values @ weights + biases
        if index < len(network.dense_layers) - 1:
            values = theirs(values)
    their_loss = torch.nn.functional.cross_entropy(values, torch.tensor(labels), label_smoothing=0.1)
    their_loss.backward()

    np.testing.assert_allclose(scores, values.detach().numpy(), rtol=1e-10)
    assert value == pytest.approx(their_loss.item(), rel=1e-10)
    their_gradient = np.concatenate([tensor.grad.numpy().ravel() for tensor in tensors])
    np.testing.assert_allclose(network.gradient, their_gradient, rtol=1e-8, atol=1e-12)


def test_parameters_and_gradients_are_views_of_two_flat_vectors() -> None:
    network = make_network()
    assert network.parameters.shape == network.gradient.shape == (count_parameters(WIDTHS),)
    network.parameters[:] = np.arange(len(network.parameters))
    network.gradient[:] = -np.arange(len(network.gradient))
    start = 0
    for dense, (n_inputs, n_outputs) in zip(network.dense_layers, pairwise(WIDTHS), strict=True):
        weights = np.arange(start, start + n_inputs * n_outputs).reshape(n_inputs, n_outputs)
        biases = np.arange(start + n_inputs * n_outputs, start + n_inputs * n_outputs + n_outputs)
        np.testing.assert_array_equal(dense.weights, weights)
        np.testing.assert_array_equal(dense.biases, biases)
        np.testing.assert_array_equal(dense.weights_gradient, -weights)
        np.testing.assert_array_equal(dense.biases_gradient, -biases)
        start += weights.size + biases.size
    assert start == len(network.parameters)


def test_the_usual_network_has_as_many_parameters_as_its_widths_say() -> None:
    by_hand = (784 * 128 + 128) + (128 * 64 + 64) + (64 * 64 + 64) + (64 * 10 + 10)
    network = Network(generator=np.random.default_rng(1))
    assert len(network.parameters) == by_hand == 113_546
    assert network.parameters.dtype == network.gradient.dtype == np.float32


def test_first_weights_are_random_and_first_biases_zero() -> None:
    network = Network(generator=np.random.default_rng(1))
    for dense in network.dense_layers:
        assert dense.weights.std() > 0
        assert not dense.biases.any()
    rectified, last = network.dense_layers[0], network.dense_layers[-1]
    assert rectified.weights.std() == pytest.approx(np.sqrt(2 / 784), rel=0.02)
    # no rectifier follows the last layer
    assert last.weights.std() == pytest.approx(np.sqrt(2 / (64 + 10)), rel=0.1)


def test_without_a_generator_all_parameters_are_zero() -> None:
    assert not Network().parameters.any()


@pytest.mark.parametrize("n", [0, 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1, 2 * ROWS_AT_ONCE + 5])
def test_probabilities_are_those_of_all_images_at_once(n: int) -> None:
    network, images = make_network(dtype=np.float32), some_images(n).astype(np.float32)
    probabilities = network.predict_proba(images)
    assert probabilities.shape == (n, WIDTHS[-1])
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(probabilities, Softmax().forward(network.forward(images)), rtol=1e-5)
    np.testing.assert_array_equal(network.predict(images), probabilities.argmax(axis=1))


@every_activation
def test_activations_are_the_hidden_layers_and_the_probabilities(activation: Activation) -> None:
    network, images = make_network(activation, dropout=0.5), some_images(7)
    found = network.activations(images)
    assert [each.shape for each in found] == [(7, width) for width in WIDTHS[1:]]
    np.testing.assert_array_equal(found[-1], network.predict_proba(images))

    first, second, third = network.dense_layers
    respond = network.layers[1].forward
    np.testing.assert_allclose(found[0], respond(images @ first.weights + first.biases), rtol=1e-12)
    np.testing.assert_allclose(found[1], respond(found[0] @ second.weights + second.biases), rtol=1e-12)
    np.testing.assert_allclose(found[2], Softmax().forward(found[1] @ third.weights + third.biases), rtol=1e-12)


def test_a_reading_does_not_disturb_a_training() -> None:
    network, loss, images, labels = make_network(), CategoricalCrossEntropy(), some_images(8), np.arange(8) % 3
    loss.forward(network.forward(images, training=True), labels)
    network.backward(loss.backward())
    expected = network.gradient.copy()

    loss.forward(network.forward(images, training=True), labels)
    network.predict_proba(some_images(50))
    network.activations(some_images(3))
    network.backward(loss.backward())
    np.testing.assert_array_equal(network.gradient, expected)


def test_dropout_acts_in_training_only() -> None:
    network, images = make_network(dropout=0.5), some_images(8)
    plain = make_network()
    np.testing.assert_array_equal(network.forward(images), plain.forward(images))
    assert not np.array_equal(network.forward(images, training=True), plain.forward(images))


def test_many_threads_get_the_same_answers() -> None:
    network = make_network(widths=(784, 32, 16, 10), dtype=np.float32)
    batches = [some_images(100 + 37 * i, 784).astype(np.float32) for i in range(8)]
    expected = [network.predict_proba(batch) for batch in batches]

    def read_often(batch: np.ndarray) -> list[np.ndarray]:
        return [network.predict_proba(batch) for _ in range(20)]

    with ThreadPoolExecutor(len(batches)) as pool:
        for found, probabilities in zip(pool.map(read_often, batches), expected, strict=True):
            for each in found:
                np.testing.assert_array_equal(each, probabilities)


@pytest.mark.parametrize("name", ["predict", "predict_proba", "activations"])
@pytest.mark.parametrize(
    ("shape", "way_out"),
    [
        ((784,), "; images.reshape(-1, 784) makes them so."),
        ((5, 28, 28), "; images.reshape(-1, 784) makes them so."),
        ((3, 783), "one row each."),
        ((0,), "one row each."),
        ((), "one row each."),
    ],
)
def test_images_of_another_shape_are_refused_in_a_sentence(name: str, shape: tuple[int, ...], way_out: str) -> None:
    network = Network((784, 4, 10))
    with pytest.raises(ValueError, match=r"^images are of shape \(.*\): they must be \(n, 784\), ") as caught:
        getattr(network, name)(np.zeros(shape, np.float32))
    assert str(caught.value).endswith(way_out)


def test_no_images_give_no_answers() -> None:
    assert Network((784, 4, 10)).predict(np.zeros((0, 784), np.float32)).shape == (0,)
