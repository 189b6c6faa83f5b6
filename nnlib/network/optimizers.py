"""The optimizers: how a gradient becomes a change of the parameters; and how fast, over time.

All work in place on the network's flat vectors of shape (n_parameters,), whatever its layers are.
"""

import math
from typing import Literal, get_args

import numpy as np

OptimizerName = Literal["adam", "rmsprop", "sgd"]
Schedule = Literal["constant", "step", "cosine", "one_cycle"]

PARAMETERS_AT_ONCE = 65_536  # the vectors of a step, so much of each, fit the processor's cache
# What a weight without a gradient remembers shrinks until it is below float32's normal numbers, where a
# processor takes a hundred times as long, and stays there. Before that it is nothing to any step: it is set to 0.
NOTHING = 1e-34
STEPS_TO_NOTHING = 64  # 0.9^64 of it is still a normal number


class Optimizer:
    """Moves `parameters` against `gradient`; both are (n_parameters,), and are read and written in place.

    `l2` adds l2 * parameter to every gradient, the slope of the penalty l2 / 2 * |parameters|^2.
    `weight_decay` instead shrinks every parameter by learning_rate * weight_decay of itself, apart
    from the gradient ("decoupled": Loshchilov & Hutter 2019).
    `state` names the vectors which, with `step_count`, are all that an optimizer remembers.
    """

    state_names: tuple[str, ...] = ()

    def __init__(
        self, parameters: np.ndarray, gradient: np.ndarray, l2: float = 0.0, weight_decay: float = 0.0
    ) -> None:
        self.parameters, self.gradient = parameters, gradient
        self.l2, self.weight_decay = l2, weight_decay
        self.step_count = 0
        self.state = {name: np.zeros_like(parameters) for name in self.state_names}
        self._change = np.empty_like(parameters[:PARAMETERS_AT_ONCE])

    def step(self, learning_rate: float) -> None:
        """Move the parameters once."""
        self.step_count += 1
        if self.step_count % STEPS_TO_NOTHING == 0:
            for vector in self.state.values():
                vector[np.abs(vector) < NOTHING] = 0
        for start in range(0, len(self.parameters), PARAMETERS_AT_ONCE):
            part = slice(start, start + PARAMETERS_AT_ONCE)
            parameters, gradient = self.parameters[part], self.gradient[part]
            change = self._change[: len(parameters)]
            if self.l2:
                np.multiply(parameters, self.l2, out=change)
                gradient += change
            if self.weight_decay:
                parameters *= 1 - learning_rate * self.weight_decay
            self._set_change(change, gradient, [self.state[name][part] for name in self.state_names], learning_rate)
            parameters -= change

    def _set_change(
        self, change: np.ndarray, gradient: np.ndarray, state: list[np.ndarray], learning_rate: float
    ) -> None:
        """Fill `change` with what `step` will subtract; `state` is in the order of `state_names`."""
        raise NotImplementedError


class SGD(Optimizer):
    """Stochastic gradient descent with momentum (Polyak 1964), as PyTorch defines it:
    velocity = momentum * velocity + gradient; parameters -= learning_rate * velocity."""

    state_names = ("velocity",)

    def __init__(
        self,
        parameters: np.ndarray,
        gradient: np.ndarray,
        l2: float = 0.0,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
    ) -> None:
        super().__init__(parameters, gradient, l2, weight_decay)
        self.momentum = momentum

    def _set_change(
        self, change: np.ndarray, gradient: np.ndarray, state: list[np.ndarray], learning_rate: float
    ) -> None:
        (velocity,) = state
        velocity *= self.momentum
        velocity += gradient
        np.multiply(velocity, learning_rate, out=change)


class RMSprop(Optimizer):
    """Each parameter's step is divided by the recent size of its own gradient (Hinton 2012, lecture 6e):
    square = 0.99 * square + 0.01 * gradient^2; parameters -= learning_rate * gradient / (sqrt(square) + 1e-8)."""

    state_names = ("square",)
    memory, epsilon = 0.99, 1e-8

    def _set_change(
        self, change: np.ndarray, gradient: np.ndarray, state: list[np.ndarray], learning_rate: float
    ) -> None:
        (square,) = state
        np.multiply(gradient, gradient, out=change)
        change *= 1 - self.memory
        square *= self.memory
        square += change
        np.sqrt(square, out=change)
        change += self.epsilon
        np.divide(gradient, change, out=change)
        change *= learning_rate


class Adam(Optimizer):
    """Adam as in Kingma & Ba 2015, Algorithm 1:

        m = 0.9 m + 0.1 gradient          v = 0.999 v + 0.001 gradient^2
        parameters -= learning_rate * (m / (1 - 0.9^t)) / (sqrt(v / (1 - 0.999^t)) + 1e-8)

    Every factor that all parameters share is moved out of the vectors into the step size and epsilon:
    the two bias corrections, as their section 2 recommends, and the factors 0.1 and 0.001 too, so that
    the state is m / 0.1 and v / 0.001. That saves two passes over the vectors.
    """

    state_names = ("m", "v")
    beta1, beta2, epsilon = 0.9, 0.999, 1e-8

    def _set_change(
        self, change: np.ndarray, gradient: np.ndarray, state: list[np.ndarray], learning_rate: float
    ) -> None:
        m, v = state
        m *= self.beta1
        m += gradient
        np.multiply(gradient, gradient, out=change)
        v *= self.beta2
        v += change
        mean = (1 - self.beta1) / (1 - self.beta1**self.step_count)
        root = math.sqrt((1 - self.beta2) / (1 - self.beta2**self.step_count))
        np.sqrt(v, out=change)
        change += self.epsilon / root
        np.divide(m, change, out=change)
        change *= learning_rate * mean / root


OPTIMIZERS: dict[OptimizerName, type[Optimizer]] = {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD}
assert tuple(OPTIMIZERS) == get_args(OptimizerName)


def schedule_factor(schedule: Schedule, progress: float) -> float:
    """What the learning rate is multiplied by, `progress` (0 to 1) of the way through a training.

    constant: 1. step: halved after each quarter. cosine: from 1 down to 0 along half a wave
    (Loshchilov & Hutter 2017). one_cycle: warms up from 1/25 over the first 30 %, then falls to
    almost nothing (Smith & Topin 2018).
    """
    if schedule == "step":
        return 0.5 ** int(progress * 4)
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * progress))
    if schedule == "one_cycle":
        start, warm_up = 1 / 25, 0.3
        if progress < warm_up:
            return start + (1 - start) * 0.5 * (1 - math.cos(math.pi * progress / warm_up))
        return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))
    return 1.0
