"""The layers: what each puts out for what comes in, and how a gradient finds its way back.

Every layer states its operation and its derivative side by side. `forward` with `training=True`
writes into buffers that the layer keeps from batch to batch and remembers what `backward` needs;
with `training=False` it touches nothing of its own, so that any number of threads may ask one
network at once.
"""

from typing import Literal, get_args

import numpy as np

Activation = Literal["relu", "leaky_relu", "sigmoid", "tanh"]


class Layer:
    """One step of a network: (n, n_inputs) in, (n, n_outputs) out.

    `forward(training=True)` must come before `backward`, with the same rows. Whatever a layer puts
    out or hands back is its own buffer: good until its next call.
    """

    def __init__(self) -> None:
        self._buffers: dict[tuple[str, tuple[int, ...], np.dtype], np.ndarray] = {}

    def forward(self, inputs: np.ndarray, training: bool = False) -> np.ndarray:
        """What the layer makes of a batch: (n, n_inputs) -> (n, n_outputs)."""
        raise NotImplementedError

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        """The loss's gradient with respect to the inputs, given that with respect to the outputs."""
        raise NotImplementedError

    def _buffer(self, name: str, shape: tuple[int, ...], dtype: np.dtype, value: float = 0) -> np.ndarray:
        """An array that stays allocated from batch to batch, filled with `value` once."""
        key = name, shape, dtype
        held = self._buffers.get(key)
        if held is None:
            held = self._buffers[key] = np.full(shape, value, dtype)
        return held


class Dense(Layer):
    """A fully connected layer: outputs = inputs @ weights + biases.

    `weights` (n_inputs, n_outputs) and `biases` (n_outputs,) are views into the network's flat
    parameter vector, `weights_gradient` and `biases_gradient` views into its flat gradient.
    """

    def __init__(
        self,
        weights: np.ndarray,
        biases: np.ndarray,
        weights_gradient: np.ndarray,
        biases_gradient: np.ndarray,
        needs_input_gradient: bool = True,
    ) -> None:
        super().__init__()
        self.weights, self.biases = weights, biases
        self.weights_gradient, self.biases_gradient = weights_gradient, biases_gradient
        # nobody trains the pixels: without this, a fifth of a batch's work would go to waste
        self.needs_input_gradient = needs_input_gradient

    def forward(self, inputs: np.ndarray, training: bool = False) -> np.ndarray:
        if not training:
            return inputs @ self.weights + self.biases
        self._inputs = inputs
        outputs = self._buffer("outputs", (len(inputs), self.weights.shape[1]), self.weights.dtype)
        inputs.dot(self.weights, out=outputs)
        outputs += self.biases
        return outputs

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        self._inputs.T.dot(gradient, out=self.weights_gradient)
        # the sum over the rows, as a product: several times as fast as np.sum along the first axis
        ones = self._buffer("ones", gradient.shape[:1], gradient.dtype, 1)
        ones.dot(gradient, out=self.biases_gradient)
        if not self.needs_input_gradient:
            return gradient[:, :0]
        inputs_gradient = self._buffer("inputs_gradient", self._inputs.shape, gradient.dtype)
        return gradient.dot(self.weights.T, out=inputs_gradient)


class ReLU(Layer):
    """max(x, 0): lets through what is above zero."""

    def forward(self, inputs: np.ndarray, training: bool = False) -> np.ndarray:
        if not training:
            return np.maximum(inputs, 0)
        self._outputs = self._buffer("outputs", inputs.shape, inputs.dtype)
        # against an array of zeros: numpy takes five times as long against the number 0
        self._zeros = self._buffer("zeros", inputs.shape, inputs.dtype)
        return np.maximum(inputs, self._zeros, out=self._outputs)

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        passes = self._buffer("passes", gradient.shape, np.dtype(bool))
        np.greater(self._outputs, self._zeros, out=passes)
        inputs_gradient = self._buffer("inputs_gradient", gradient.shape, gradient.dtype)
        return np.multiply(gradient, passes, out=inputs_gradient)


class LeakyReLU(Layer):
    """x above zero, x / 100 below: a unit that is off still learns (Maas, Hannun & Ng 2013)."""

    slope = 0.01

    def forward(self, inputs: np.ndarray, training: bool = False) -> np.ndarray:
        outputs = self._buffer("outputs", inputs.shape, inputs.dtype) if training else None
        outputs = np.multiply(inputs, self.slope, out=outputs)
        np.maximum(outputs, inputs, out=outputs)
        if training:
            self._outputs = outputs
        return outputs

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        inputs_gradient = self._buffer("inputs_gradient", gradient.shape, gradient.dtype)
        np.copyto(inputs_gradient, gradient)
        np.multiply(inputs_gradient, self.slope, out=inputs_gradient, where=self._outputs < 0)
        return inputs_gradient


class Sigmoid(Layer):
    """1 / (1 + exp(-x)), written with tanh, which cannot overflow."""

    def forward(self, inputs: np.ndarray, training: bool = False) -> np.ndarray:
        outputs = self._buffer("outputs", inputs.shape, inputs.dtype) if training else None
        outputs = np.multiply(inputs, 0.5, out=outputs)
        np.tanh(outputs, out=outputs)
        outputs += 1
        outputs *= 0.5
        if training:
            self._outputs = outputs
        return outputs

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        inputs_gradient = self._buffer("inputs_gradient", gradient.shape, gradient.dtype)
        np.subtract(1, self._outputs, out=inputs_gradient)
        inputs_gradient *= self._outputs
        inputs_gradient *= gradient
        return inputs_gradient


class Tanh(Layer):
    """tanh(x), whose derivative is 1 - tanh(x)^2."""

    def forward(self, inputs: np.ndarray, training: bool = False) -> np.ndarray:
        if not training:
            return np.tanh(inputs)
        self._outputs = self._buffer("outputs", inputs.shape, inputs.dtype)
        return np.tanh(inputs, out=self._outputs)

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        inputs_gradient = self._buffer("inputs_gradient", gradient.shape, gradient.dtype)
        np.square(self._outputs, out=inputs_gradient)
        np.subtract(1, inputs_gradient, out=inputs_gradient)
        inputs_gradient *= gradient
        return inputs_gradient


class Dropout(Layer):
    """Silences a share of the units at random while training, so that none is relied on too much.

    What is left is scaled up by 1 / (1 - rate), so that reading needs no change at all ("inverted"
    dropout; Srivastava et al. 2014).
    """

    def __init__(self, rate: float, generator: np.random.Generator) -> None:
        super().__init__()
        self.rate, self.generator = rate, generator

    def forward(self, inputs: np.ndarray, training: bool = False) -> np.ndarray:
        if not training:
            return inputs
        draws = self._buffer("draws", inputs.shape, np.dtype(np.float32))
        self.generator.random(dtype=np.float32, out=draws)
        self._scale = self._buffer("scale", inputs.shape, inputs.dtype)
        np.greater_equal(draws, self.rate, out=self._scale)
        self._scale /= 1 - self.rate
        outputs = self._buffer("outputs", inputs.shape, inputs.dtype)
        return np.multiply(inputs, self._scale, out=outputs)

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        inputs_gradient = self._buffer("inputs_gradient", gradient.shape, gradient.dtype)
        return np.multiply(gradient, self._scale, out=inputs_gradient)


class Softmax(Layer):
    """Scores to probabilities: exp(x) / sum(exp(x)) in each row, which then sums to 1.

    Training does not pass through it: `CategoricalCrossEntropy` takes the scores themselves, since the
    two together have one short, stable gradient.
    """

    def forward(self, inputs: np.ndarray, training: bool = False) -> np.ndarray:
        outputs = self._buffer("outputs", inputs.shape, inputs.dtype) if training else None
        # the largest score becomes 0: exp cannot overflow, and the quotient is the same
        outputs = np.subtract(inputs, inputs.max(axis=1, keepdims=True), out=outputs)
        np.exp(outputs, out=outputs)
        outputs /= outputs.sum(axis=1, keepdims=True)
        if training:
            self._outputs = outputs
        return outputs

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        inputs_gradient = self._buffer("inputs_gradient", gradient.shape, gradient.dtype)
        along = np.einsum("ij,ij->i", gradient, self._outputs)
        np.subtract(gradient, along[:, None], out=inputs_gradient)
        inputs_gradient *= self._outputs
        return inputs_gradient


ACTIVATIONS: dict[Activation, type[Layer]] = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
}
assert tuple(ACTIVATIONS) == get_args(Activation)


def initial_weights(
    n_inputs: int, n_outputs: int, activation: Activation | None, generator: np.random.Generator
) -> np.ndarray:
    """Random first weights (n_inputs, n_outputs) that keep the signal's size from layer to layer.

    He et al. 2015 where a rectifier follows (standard deviation sqrt(2 / n_inputs)), Glorot & Bengio
    2010 elsewhere (sqrt(2 / (n_inputs + n_outputs))).
    """
    rectified = activation in ("relu", "leaky_relu")
    variance = 2 / n_inputs if rectified else 2 / (n_inputs + n_outputs)
    return generator.standard_normal((n_inputs, n_outputs)) * np.sqrt(variance)
