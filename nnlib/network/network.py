"""The network: layers in a row, over one flat vector of parameters."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from nnlib.network.layers import ACTIVATIONS, Activation, Dense, Dropout, Layer, Softmax, initial_weights

ROWS_AT_ONCE = 512  # many images go through in parts: the cache is small, and so may be the laptop


class Network:
    """A multilayer perceptron: Dense and an activation per hidden width, then Dense and softmax.

    All its weights and biases are views into `parameters`, a flat vector of shape (n_parameters,);
    their gradients are views into `gradient`, of the same shape. So an optimizer, a snapshot and a
    checkpoint need to know nothing about layers. In the vector, each layer's weights (n_inputs,
    n_outputs) in C order are followed by its biases.

    `generator` draws the first weights; without one they are zero, to be filled from a file.
    `dropout_generator` decides which units are silent during training. Networks that are given the
    same `parameters` are one network with several gradients; a given `gradient` is filled in place.
    """

    def __init__(
        self,
        widths: Sequence[int] = (784, 128, 64, 64, 10),
        activation: Activation = "relu",
        *,
        dropout: float = 0.0,
        generator: np.random.Generator | None = None,
        dropout_generator: np.random.Generator | None = None,
        dtype: type[np.floating] = np.float32,
        parameters: np.ndarray | None = None,
        gradient: np.ndarray | None = None,
    ) -> None:
        self.widths = tuple(widths)
        self.activation: Activation = activation
        shapes = list(pairwise(self.widths))
        n_parameters = count_parameters(self.widths)
        self.parameters = np.zeros(n_parameters, dtype) if parameters is None else parameters
        self.gradient = np.zeros(n_parameters, dtype) if gradient is None else gradient
        self.softmax = Softmax()
        self.layers: list[Layer] = []
        self.dense_layers: list[Dense] = []
        self.layer_parts: list[slice] = []  # where each Dense layer lies in the flat vectors
        start = 0
        for index, (n_inputs, n_outputs) in enumerate(shapes):
            middle = start + n_inputs * n_outputs
            end = middle + n_outputs
            dense = Dense(
                self.parameters[start:middle].reshape(n_inputs, n_outputs),
                self.parameters[middle:end],
                self.gradient[start:middle].reshape(n_inputs, n_outputs),
                self.gradient[middle:end],
                needs_input_gradient=index > 0,
            )
            self.layer_parts.append(slice(start, end))
            start = end
            hidden = index < len(shapes) - 1
            self.dense_layers.append(dense)
            self.layers.append(dense)
            if hidden:
                self.layers.append(ACTIVATIONS[activation]())
                if dropout:
                    self.layers.append(Dropout(dropout, dropout_generator or np.random.default_rng()))
        if generator is not None:
            self.draw_weights(generator)

    def draw_weights(self, generator: np.random.Generator) -> None:
        """Give every weight its random first value, and every bias zero."""
        self.parameters.fill(0)
        for dense in self.dense_layers:
            followed_by = None if dense is self.dense_layers[-1] else self.activation
            n_inputs, n_outputs = dense.weights.shape
            dense.weights[:] = initial_weights(n_inputs, n_outputs, followed_by, generator)

    def forward(self, images: np.ndarray, training: bool = False) -> np.ndarray:
        """The scores before softmax: (n, n_inputs) -> (n, n_classes)."""
        values = images
        for layer in self.layers:
            values = layer.forward(values, training)
        return values

    def backward(self, scores_gradient: np.ndarray) -> None:
        """Fill `gradient`, from the loss's gradient with respect to the scores of the last forward."""
        for layer in reversed(self.layers):
            scores_gradient = layer.backward(scores_gradient)

    def input_gradient(self, images: np.ndarray, scores_gradient: np.ndarray) -> np.ndarray:
        """How something changes with each pixel, from how it changes with each score: (n, n_classes) -> (n, n_inputs).

        It touches nothing of this network's own, so that any number of threads may ask at once.
        """
        twin = Network(self.widths, self.activation, parameters=self.parameters, dtype=self.parameters.dtype.type)
        twin.dense_layers[0].needs_input_gradient = True
        twin.forward(images, training=True)
        gradient = scores_gradient
        for layer in reversed(twin.layers):
            gradient = layer.backward(gradient)
        return gradient

    def predict_proba(self, images: np.ndarray) -> np.ndarray:
        """Each class's probability: (n, n_inputs) -> (n, n_classes), every row summing to 1.

        Raises ValueError, as `predict` and `activations` do, for images of any other shape.
        """
        self._require_rows(images)
        parts = [images[i : i + ROWS_AT_ONCE] for i in range(0, len(images), ROWS_AT_ONCE)]
        scores = [self.forward(part) for part in parts or [images]]
        return self.softmax.forward(np.concatenate(scores))

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The most probable class of each image: (n, n_inputs) -> (n,) integers."""
        return self.predict_proba(images).argmax(axis=1)

    def activations(self, images: np.ndarray) -> list[np.ndarray]:
        """What every layer put out, (n, width) each: the hidden layers in order, then the probabilities."""
        self._require_rows(images)
        values, found = images, []
        for layer in self.layers:
            values = layer.forward(values)
            if type(layer) is ACTIVATIONS[self.activation]:
                found.append(values)
        return [*found, self.softmax.forward(values)]

    def _require_rows(self, images: np.ndarray) -> None:
        shape, n_inputs = np.shape(images), self.widths[0]
        if len(shape) != 2 or shape[1] != n_inputs:
            size = math.prod(shape)
            way_out = f"; images.reshape(-1, {n_inputs}) makes them so" if size and size % n_inputs == 0 else ""
            raise ValueError(f"images are of shape {shape}: they must be (n, {n_inputs}), one row each{way_out}.")


def count_parameters(widths: Sequence[int]) -> int:
    """How many weights and biases a network of these widths has."""
    return sum(n_inputs * n_outputs + n_outputs for n_inputs, n_outputs in pairwise(widths))
