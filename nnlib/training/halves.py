"""A step of the training in two halves, which two processes can do at the same time.

There are two ways to share it, and the config decides which:

*By units*, for small batches. Each half owns one half of the first hidden layer's units, with all
weights into and out of them: nineteen of twenty parameters. Both halves see the whole batch. What
their units send to the next layer is all that they exchange; the little that comes after it, the
rest, both compute in full. No gradient and no parameter ever crosses from one process to the other.

*By digits*, for large ones, where the rest is much. Each half learns from half of the batch, with all
parameters; then each adds up both gradients of half of the parameters, and corrects these.

Either way the same products are computed and added up in the same order, whether one process does
both halves or two do one each: no bit depends on it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nnlib.digits import N_CLASSES, N_PIXELS, NO_DIGITS, Digits, OtherHands, vary
from nnlib.network import (
    ACTIVATIONS,
    OPTIMIZERS,
    ROWS_AT_ONCE,
    SGD,
    CategoricalCrossEntropy,
    Dense,
    Dropout,
    Layer,
    Network,
    Optimizer,
    count_parameters,
)
from nnlib.training.blas import BLAS
from nnlib.training.config import TrainingConfig
from nnlib.training.partner import Helper, SharedMemory, Task

MOST_DIGITS_BY_UNITS = 128  # in a batch; measured: both ways are as fast between 128 and 256
LARGEST_REST = 0.1  # of all parameters, since both halves compute it

RENEW, SEND, LEARN_BY_UNITS = range(3)  # the tasks of a half of the units
LEARN, CORRECT = range(2)  # those of a half of the digits


class Halves:
    """Both halves of every step of a training: the first is done here, the second wherever a helper does its `tasks`.

        halves.begin(helper)
        for ...:
            loss, correct = halves.step(helper)
        halves.end()

    In between, `network` is neither read nor written by others. `places` says where in the shared
    vectors the network's parameters lie, in its own order.
    """

    network: Network
    tasks: Sequence[Task]

    def __init__(self, config: TrainingConfig, memory: SharedMemory, places: np.ndarray | slice) -> None:
        self._memory, self._places = memory, places
        self._state_names = _state_names(config)

    def begin(self, helper: Helper) -> None:
        """Before a stretch of steps."""

    def step(self, helper: Helper) -> tuple[float, int]:
        """Correct the network once, as `memory["step"]` says; the sum of the losses, and how many digits were right."""
        raise NotImplementedError

    def end(self) -> None:
        """After a stretch of steps."""

    def state(self) -> dict[str, np.ndarray]:
        """What the optimizer remembers: vectors (n_parameters,) in the network's order."""
        return {name: self._memory[name][self._places] for name in self._state_names}

    def set_state(self, state: Mapping[str, np.ndarray | float]) -> None:
        """Let the optimizer remember this."""
        for name in self._state_names:
            self._memory[name][self._places] = state[name]


def share_memory(
    config: TrainingConfig,
    digits: Digits,
    other_hands: OtherHands | None,
    before: SharedMemory | None = None,
    extra: Digits = NO_DIGITS,
) -> SharedMemory:
    """All that both processes see of a training, the digits to learn from among it, with the `extra` ones at the end.

    `order` is that of the digits in this epoch. `step` says what to do now: where in it the batch begins
    and ends, the step's number, its learning rate. Where the memory that a training had `before` its
    settings changed will do, it is that one.
    """
    n_digits = len(digits) + len(extra)
    n_parameters, batch_size = count_parameters(_widths(config)), min(config.batch_size, n_digits)
    vectors = ["parameters", *_state_names(config)]
    if by_units(config):
        vectors.append("gradient")
        # the rest is in them twice
        n_parameters += _n_rest(config)
    shapes: dict[str, tuple[Sequence[int], str]] = {
        "labels": ((n_digits,), "uint8"),
        "order": ((n_digits,), "int64"),
        "step": ((4,), "float64"),
        **dict.fromkeys(vectors, ((n_parameters,), "float32")),
    }
    if other_hands is not None:
        shapes["written"] = other_hands.pixels.shape, "uint8"
    if by_units(config):
        shapes |= {"sent": ((2, 2, batch_size, _widths(config)[2]), "float32")}
    else:
        shapes |= {"gradients": ((2, n_parameters), "float32"), "results": ((2, 2), "float64")}
    kept_as = ("uint8", "float32") if before is None else (before["images"].dtype.name,)
    for dtype in kept_as:
        shapes["images"] = (n_digits, N_PIXELS), dtype
        if before is not None and before.has_shapes(shapes):
            return before
        memory = SharedMemory(shapes)
        first, last = np.split(memory["images"], [len(digits)])
        if _keep(digits.images, first) and _keep(extra.images, last):
            break
    memory["labels"][: len(digits)], memory["labels"][len(digits) :] = digits.labels, extra.labels
    if other_hands is not None:
        memory["written"][:] = other_hands.pixels
    return memory


def _keep(images: np.ndarray, kept: np.ndarray) -> bool:
    """Keep the images, as bytes where `kept` has them; False where these would not give the very same images.

    Bytes take a quarter of the memory, and less time to fetch.
    """
    for start in range(0, len(images), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        if kept.dtype != np.uint8:
            kept[part] = images[part]
            continue
        with np.errstate(invalid="ignore"):
            np.rint(images[part] * np.float32(255), out=kept[part], casting="unsafe")
        if not np.array_equal(kept[part] / np.float32(255), images[part]):
            return False
    return True


def make_halves(config: TrainingConfig, memory: SharedMemory, alone: bool = True) -> Halves:
    """The halves of this config's steps, in a process that may have to do both, or with `alone` false, the second."""
    return ByUnits(config, memory, alone) if by_units(config) else ByDigits(config, memory)


def by_units(config: TrainingConfig) -> bool:
    """Whether the halves of a step are halves of the first layer, and not of the batch."""
    return (
        min(config.batch_size, config.training_digits) <= MOST_DIGITS_BY_UNITS
        and _n_rest(config) <= LARGEST_REST * count_parameters(_widths(config))
        and not config.augmentation  # which is too much work to be done twice
    )


def _n_rest(config: TrainingConfig) -> int:
    """How many parameters do not belong to the first layer's units: neither into nor out of them."""
    n_inputs, n_units, n_send, *_ = widths = _widths(config)
    return count_parameters(widths) - (n_inputs + 1 + n_send) * n_units


class ByUnits(Halves):
    """Each half owns half of the first layer's units, and has the rest besides.

    In the shared memory a vector of all parameters holds one half's, the rest, the rest again, the
    other half's: so what a half corrects lies side by side. The second rest is that of the second
    process, which makes it anew before each stretch of steps, and corrects it alike.
    """

    def __init__(self, config: TrainingConfig, memory: SharedMemory, alone: bool) -> None:
        super().__init__(config, memory, _places_by_units(config))
        self.network = Network(_widths(config), config.activation, dropout=config.dropout)
        self._vectors = [memory[name] for name in ("parameters", *self._state_names)]
        n_rest, n_of_unit = _n_rest(config), N_PIXELS + 1 + _widths(config)[2]
        middle = n_of_unit * _middle(config)
        self._rest, self._second_rest = slice(middle, middle + n_rest), slice(middle + n_rest, middle + 2 * n_rest)
        first, second = slice(0, middle), slice(middle + 2 * n_rest, None)
        rest = _Rest(config, memory, self._rest)
        if alone:  # then the rest is needed but once
            others, corrected = rest, second
        else:
            others, corrected = _Rest(config, memory, self._second_rest), slice(middle + n_rest, None)
        self.halves = [
            _HalfOfUnits(config, memory, 0, first, slice(0, middle + n_rest), rest),
            _HalfOfUnits(config, memory, 1, second, corrected, others),
        ]
        self.tasks = [self.renew_rest, self.halves[1].send, self.halves[1].learn]

    def begin(self, helper: Helper) -> None:
        self._memory["parameters"][self._places] = self.network.parameters
        helper.ask(RENEW)

    def renew_rest(self) -> None:
        """Take over what the first half has made of the rest."""
        for vector in self._vectors:
            vector[self._second_rest] = vector[self._rest]

    def step(self, helper: Helper) -> tuple[float, int]:
        helper.ask(SEND)
        self.halves[0].send()
        helper.wait()
        helper.ask(LEARN_BY_UNITS)
        return self.halves[0].learn()

    def end(self) -> None:
        self.network.parameters[:] = self._memory["parameters"][self._places]
        self.network.gradient[:] = self._memory["gradient"][self._places]


def _middle(config: TrainingConfig) -> int:
    """How many of the first layer's units are the first half's."""
    return (config.hidden_widths[0] + 1) // 2


def _places_by_units(config: TrainingConfig) -> np.ndarray:
    """Where in the shared vectors each of a network's parameters lies: (n_parameters,), in the network's order.

    A half's are its units' weights, in C order as a whole layer's are, their biases, and the weights out of them.
    """
    n_inputs, n_units, n_send, *_ = widths = _widths(config)
    n_rest, n_of_unit, middle = _n_rest(config), n_inputs + 1 + n_send, _middle(config)
    places = np.empty(count_parameters(widths), np.intp)
    weights, biases, sending, rest = np.split(places, np.cumsum([n_inputs * n_units, n_units, n_units * n_send]))
    rest[:] = np.arange(n_rest) + n_of_unit * middle
    for units, start in ((slice(0, middle), 0), (slice(middle, n_units), n_of_unit * middle + 2 * n_rest)):
        n = units.stop - units.start
        owned = np.split(np.arange(n_of_unit * n) + start, [n_inputs * n, (n_inputs + 1) * n])
        weights.reshape(n_inputs, n_units)[:, units] = owned[0].reshape(n_inputs, n)
        biases[units] = owned[1]
        sending.reshape(n_units, n_send)[units] = owned[2].reshape(n, n_send)
    return places


class _HalfOfUnits:
    """Half of the first layer's units, with the weights into and out of them.

    They lie in the part `owned` of the shared vectors; `corrected` is that or has the rest besides.
    """

    def __init__(
        self,
        config: TrainingConfig,
        memory: SharedMemory,
        number: int,
        owned: slice,
        corrected: slice,
        rest: "_Rest",
    ) -> None:
        self._config, self._memory, self._number, self._rest = config, memory, number, rest
        self._stock = _Stock(config, memory)
        parameters, gradient = memory["parameters"][owned], memory["gradient"][owned]
        n_send = memory["sent"].shape[-1]
        n_units = len(parameters) // (N_PIXELS + 1 + n_send)
        ends = N_PIXELS * n_units, (N_PIXELS + 1) * n_units
        weights, biases, sending = np.split(parameters, ends)
        weights_gradient, biases_gradient, sending_gradient = np.split(gradient, ends)
        self._layers: list[Layer] = [
            Dense(
                weights.reshape(N_PIXELS, n_units),
                biases,
                weights_gradient.reshape(N_PIXELS, n_units),
                biases_gradient,
                needs_input_gradient=False,
            ),
            *_activation_layers(config),
        ]
        self._sending = sending.reshape(n_units, n_send)
        self._sending_gradient = sending_gradient.reshape(n_units, n_send)
        self._optimizer = _make_optimizer(config, memory, corrected, memory["gradient"][corrected])

    def send(self) -> None:
        """What these units send to the next layer, for every digit of the batch."""
        first, end, step_number, self._learning_rate = self._memory["step"].tolist()
        rows = self._memory["order"][int(first) : int(end)]
        self._step_number = int(step_number)
        _use_chance(self._layers, self._config, self._step_number, self._number)
        values, self._labels = self._stock.fetch(rows)
        for layer in self._layers:
            values = layer.forward(values, training=True)
        self._outputs = values
        # in two places by turns: one process may be a step ahead of the other
        self._sent = self._memory["sent"][self._step_number % 2, :, : len(rows)]
        values.dot(self._sending, out=self._sent[self._number])
        self._rest.forget()

    def learn(self) -> tuple[float, int]:
        """Go on with what both halves sent, and correct the parameters; losses and right answers."""
        gradient, loss, correct = self._rest.learn(self._sent, self._labels, self._step_number)
        self._outputs.T.dot(gradient, out=self._sending_gradient)
        gradient = gradient.dot(self._sending.T)
        for layer in reversed(self._layers):
            gradient = layer.backward(gradient)
        self._optimizer.step_count = self._step_number - 1
        self._optimizer.step(self._learning_rate)
        return loss, correct


class _Rest:
    """What comes after the first layer's units have sent: a bias, and all further layers."""

    def __init__(self, config: TrainingConfig, memory: SharedMemory, part: slice) -> None:
        self._config = config
        parameters, gradient = memory["parameters"][part], memory["gradient"][part]
        n_send = memory["sent"].shape[-1]
        self._biases, self._biases_gradient = parameters[:n_send], gradient[:n_send]
        after = Network(
            _widths(config)[2:],
            config.activation,
            dropout=config.dropout,
            parameters=parameters[n_send:],
            gradient=gradient[n_send:],
        )
        self._layers: list[Layer] = []
        if after.layers:
            after.dense_layers[0].needs_input_gradient = True
            self._layers = [*_activation_layers(config), *after.layers]
        self._loss = CategoricalCrossEntropy(config.label_smoothing)
        self._learned: tuple[np.ndarray, float, int] | None = None

    def forget(self) -> None:
        """Be ready for a new batch."""
        self._learned = None

    def learn(self, sent: np.ndarray, labels: np.ndarray, step_number: int) -> tuple[np.ndarray, float, int]:
        """Fill the rest's gradient, given what both halves sent, (2, n, n_send); once for a batch, for both halves.

        Returns the gradient with respect to what they sent together, (n, n_send), the sum of the losses,
        and how many answers were right.
        """
        if self._learned is not None:
            return self._learned
        _use_chance(self._layers, self._config, step_number, 2)
        values = sent[0] + sent[1]
        values += self._biases
        for layer in self._layers:
            values = layer.forward(values, training=True)
        loss = self._loss.forward(values, labels) * len(labels)
        correct = int(np.count_nonzero(self._loss.predictions == labels))
        gradient = self._loss.backward()
        for layer in reversed(self._layers):
            gradient = layer.backward(gradient)
        np.add.reduce(gradient, axis=0, out=self._biases_gradient)
        self._learned = gradient, loss, correct
        return self._learned


class ByDigits(Halves):
    """Each half learns from half of the batch, and corrects half of the parameters."""

    def __init__(self, config: TrainingConfig, memory: SharedMemory) -> None:
        super().__init__(config, memory, slice(None))
        self.halves = [_HalfOfDigits(config, memory, number) for number in (0, 1)]
        self.network = self.halves[0].network
        self.tasks = [self.halves[1].learn, self.halves[1].correct]
        self._results = memory["results"]

    def step(self, helper: Helper) -> tuple[float, int]:
        helper.ask(LEARN)
        self.halves[0].learn()
        helper.wait()
        helper.ask(CORRECT)
        self.halves[0].correct()
        helper.wait()
        (loss, correct), (other_loss, other_correct) = self._results.tolist()
        return loss + other_loss, int(correct + other_correct)


class _HalfOfDigits:
    """Learns from half of each batch, and corrects half of the parameters; `number`, 0 or 1, says which.

    It writes nothing that the other half writes, or reads at the same time.
    """

    def __init__(self, config: TrainingConfig, memory: SharedMemory, number: int) -> None:
        self._config, self._memory, self._number = config, memory, number
        self._stock = _Stock(config, memory)
        parameters, gradients = memory["parameters"], memory["gradients"]
        self.network = Network(
            _widths(config),
            config.activation,
            dropout=config.dropout,
            parameters=parameters,
            gradient=gradients[number],
        )
        self._loss = CategoricalCrossEntropy(config.label_smoothing)
        middle = len(parameters) // 2
        part = slice(0, middle) if number == 0 else slice(middle, None)
        self._gradient, self._other_gradient = (gradient[part] for gradient in gradients)
        self._optimizer = _make_optimizer(config, memory, part, self._gradient)

    def learn(self) -> None:
        """Fill this half's gradient and results."""
        first, end, step_number = map(int, self._memory["step"][:3].tolist())
        middle = (first + end + 1) // 2
        rows = self._memory["order"][first:middle] if self._number == 0 else self._memory["order"][middle:end]
        chance = _use_chance(self.network.layers, self._config, step_number, self._number)
        loss, correct = 0.0, 0
        gradient = self.network.gradient
        # a huge batch goes through in parts, whose gradients add up to the whole's: it then needs
        # no huge memory, and the parts fit the processor's cache
        parts = [rows[i : i + ROWS_AT_ONCE] for i in range(0, len(rows), ROWS_AT_ONCE)]
        sum_of_gradients = np.zeros_like(gradient) if len(parts) != 1 else None
        for part in parts:
            images, labels = self._stock.fetch(part, chance)
            scores = self.network.forward(images, training=True)
            loss += self._loss.forward(scores, labels) * len(part)
            correct += int(np.count_nonzero(self._loss.predictions == labels))
            scores_gradient = self._loss.backward()
            scores_gradient *= len(part) / (end - first)
            self.network.backward(scores_gradient)
            if sum_of_gradients is not None:
                sum_of_gradients += gradient
        if sum_of_gradients is not None:
            gradient[:] = sum_of_gradients
        self._memory["results"][self._number] = loss, correct

    def correct(self) -> None:
        """Add up both gradients of this half's parameters, in the first half's vector, and correct these."""
        _, _, step_number, learning_rate = self._memory["step"].tolist()
        self._gradient += self._other_gradient
        self._optimizer.step_count = int(step_number) - 1
        self._optimizer.step(learning_rate)


class _Stock:
    """The digits to learn from, fetched by their rows into arrays that stay allocated."""

    def __init__(self, config: TrainingConfig, memory: SharedMemory) -> None:
        self._kept, self._labels = memory["images"], memory["labels"]
        self._scale = np.float32(255 if self._kept.dtype == np.uint8 else 1)
        n = min(config.batch_size, len(self._labels), ROWS_AT_ONCE)
        self._fetched, self._images = np.empty((n, N_PIXELS), self._kept.dtype), np.empty((n, N_PIXELS), np.float32)
        self._variety, self._n_own = config.augmentation, config.training_digits
        self._other_hands = OtherHands(memory["written"]) if self._variety and "written" in memory.shapes else None

    def fetch(self, rows: np.ndarray, chance: np.random.Generator | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Images (n, 784) float32, varied by chance where the config wants that, and labels (n,)."""
        fetched = np.take(self._kept, rows, axis=0, out=self._fetched[: len(rows)], mode="clip")
        images = np.divide(fetched, self._scale, out=self._images[: len(rows)])
        if self._variety and chance is not None:
            if self._other_hands is not None:
                own = rows < self._n_own  # what is corrected is in a hand that counts
                self._other_hands.mix_in(images, self._labels[rows], own, self._variety, chance)
            images = vary(images, self._variety, chance)
        return images, self._labels[rows]


def _use_chance(
    layers: Sequence[Layer], config: TrainingConfig, step_number: int, number: int
) -> np.random.Generator | None:
    """What decides by chance in a step, for one part of the work; None where nothing does."""
    if not config.augmentation and not config.dropout:
        return None
    # made anew from the step's number: so a checkpoint need not keep it
    chance = np.random.default_rng((config.seed, step_number, number))
    for layer in layers:
        if isinstance(layer, Dropout):
            layer.generator = chance
    return chance


def _widths(config: TrainingConfig) -> tuple[int, ...]:
    return N_PIXELS, *config.hidden_widths, N_CLASSES


def _state_names(config: TrainingConfig) -> list[str]:
    return [f"optimizer.{name}" for name in OPTIMIZERS[config.optimizer].state_names]


def _activation_layers(config: TrainingConfig) -> list[Layer]:
    """What follows the sums of a hidden layer."""
    activation = ACTIVATIONS[config.activation]()
    return [activation, Dropout(config.dropout, np.random.default_rng())] if config.dropout else [activation]


def _make_optimizer(config: TrainingConfig, memory: SharedMemory, part: slice, gradient: np.ndarray) -> Optimizer:
    """Corrects one part of the shared parameters, remembering in the shared vectors."""
    kind = OPTIMIZERS[config.optimizer]
    extra = {"momentum": config.momentum} if kind is SGD else {}
    optimizer = kind(memory["parameters"][part], gradient, config.l2, config.weight_decay, **extra)
    optimizer.state = {name: memory[f"optimizer.{name}"][part] for name in kind.state_names}
    return optimizer


def partner_tasks(job: dict[str, Any], memory: SharedMemory) -> Sequence[Task]:
    """What a partner does for a training, as its job says."""
    config = TrainingConfig.from_json(job["config"])
    # as in the process that it helps
    BLAS.limit(limits=job["threads"])
    np.seterr(over="ignore", invalid="ignore")
    return make_halves(config, memory, alone=False).tasks
