"""How fast it is: `python -m nnlib benchmark`.

A second on one machine says little about another, so what counts is the ratio between contestants
that were measured side by side. Each has a process of its own, `python -m nnlib.benchmark NAME`,
which does an epoch whenever it is told to, and before it one that is not counted, since a processor
that just woke up is slow; they take turns, round after round, so that whatever else the machine does
meets them all, and the median of the rounds is reported.
"""

import importlib.util
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import psutil
from threadpoolctl import threadpool_limits

from nnlib.digits import load_mnist, vary
from nnlib.errors import NnlibError
from nnlib.model_files import load_pretrained
from nnlib.training import MNIST_TRAINING_DIGITS, EpochRecord, Trainer, TrainingConfig

BATCH_SIZES = (32, 128, 1024)
WIDTHS = (784, 128, 64, 64, 10)
LEARNING_RATE = 0.001
VALIDATION_DIGITS = 100  # the fewest that a Trainer takes
PAUSE_SECONDS = 0.3  # BLAS threads watch for more work for a tenth of a second, and would slow the next contestant
WARM_UP_SECONDS = 2.0  # of training
TARGETS = (0.975, 0.98)
# a short cycle with large steps: the quickest way found to 98 of 100
SHORT = TrainingConfig(epochs=8, batch_size=64, learning_rate=0.005, schedule="one_cycle")

Epoch = Callable[[], float]  # trains on all 60,000 digits once, and returns the seconds


@dataclass(frozen=True)
class Result:
    """The median of some epochs of one contestant."""

    name: str
    batch_size: int
    seconds_per_epoch: float


def compete(rounds: int, batch_sizes: Sequence[int]) -> list[Result]:
    """Every contestant that is installed, at every batch size; the floor first."""
    seconds: dict[tuple[str, int], list[float]] = {}
    with ExitStack() as stack:
        names = [name for name, contestant in CONTESTANTS.items() if contestant.installed]
        ask = {name: stack.enter_context(_process(name)) for name in names}
        for _ in range(rounds):
            for batch_size in batch_sizes:
                for name in names:
                    time.sleep(PAUSE_SECONDS)
                    seconds.setdefault((name, batch_size), []).append(ask[name](batch_size))
    return [Result(name, batch_size, statistics.median(found)) for (name, batch_size), found in seconds.items()]


@contextmanager
def _process(name: str) -> Iterator[Callable[[Any], Any]]:
    """A contestant's process; what it is asked is one line of JSON, and so is its answer."""
    command = [sys.executable, "-m", "nnlib.benchmark", name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        questions, answers = process.stdin, process.stdout
        assert questions is not None
        assert answers is not None

        def ask(question: Any) -> Any:
            print(json.dumps(question), file=questions, flush=True)
            answer = answers.readline()
            if not answer:
                raise NnlibError(f"the contestant {name} gave up: what it said is above. Leave its package out.")
            return json.loads(answer)

        yield ask
        questions.close()


# --- the contestants: all but the floor as they come, with as many threads as they choose themselves ---


def _floor(batch_size: int) -> Epoch:
    """Nothing but the matrix products of an epoch, each into an array that is there already; with one
    BLAS thread and with two, each time, and what counts is the faster."""
    generator = np.random.default_rng(1)
    batches = [batch_size] * (MNIST_TRAINING_DIGITS // batch_size)
    if MNIST_TRAINING_DIGITS % batch_size:
        batches.append(MNIST_TRAINING_DIGITS % batch_size)
    weights = [generator.standard_normal(shape, np.float32) * np.float32(0.05) for shape in pairwise(WIDTHS)]
    gradients = [np.empty_like(each) for each in weights]
    values = [generator.random((batch_size, width), np.float32) for width in WIDTHS]
    slopes = [generator.standard_normal((batch_size, width), np.float32) for width in WIDTHS]

    def epoch() -> float:
        started = time.perf_counter()
        for n in batches:
            for layer, each in enumerate(weights):
                np.matmul(values[layer][:n], each, out=values[layer + 1][:n])
            for layer in reversed(range(len(weights))):
                np.matmul(values[layer][:n].T, slopes[layer + 1][:n], out=gradients[layer])
                if layer:
                    np.matmul(slopes[layer + 1][:n], weights[layer].T, out=slopes[layer][:n])
        return time.perf_counter() - started

    def with_threads(threads: int) -> float:
        with threadpool_limits(threads):
            return epoch()

    return lambda: min(with_threads(1), with_threads(2))


def _ours(batch_size: int) -> Epoch:
    """The very Trainer that users run; all but its fewest validation digits are learned from."""
    config = TrainingConfig(
        learning_rate=LEARNING_RATE,
        batch_size=batch_size,
        epochs=1000,
        training_digits=MNIST_TRAINING_DIGITS - VALIDATION_DIGITS,
        validation_digits=VALIDATION_DIGITS,
    )
    records = iter(Trainer(config, load_mnist()))
    seconds = 0.0

    def epoch() -> float:
        nonlocal seconds
        before = seconds
        seconds = next(record for record in records if isinstance(record, EpochRecord)).seconds
        return (seconds - before) * MNIST_TRAINING_DIGITS / config.training_digits

    # it takes a moment before its partner has come, and is tried
    while seconds < WARM_UP_SECONDS:
        epoch()
    return epoch


def _textbook(batch_size: int) -> Epoch:
    """What a textbook prints: float64, an array for every result, plain SGD."""
    generator = np.random.default_rng(1)
    digits = load_mnist().train
    images, targets = digits.images.astype(np.float64), np.eye(10)[digits.labels]
    weights = [generator.standard_normal(shape) * np.sqrt(2 / shape[0]) for shape in pairwise(WIDTHS)]
    biases = [np.zeros(width) for width in WIDTHS[1:]]

    def step(values: np.ndarray, targets: np.ndarray) -> None:
        outputs = [values]
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            outputs.append(np.maximum(0, outputs[-1] @ weight + bias))
        scores = outputs[-1] @ weights[-1] + biases[-1]
        exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
        slope = (exponentials / exponentials.sum(axis=1, keepdims=True) - targets) / len(targets)
        for layer in reversed(range(len(weights))):
            weight_slope, bias_slope = outputs[layer].T @ slope, slope.sum(axis=0)
            slope = (slope @ weights[layer].T) * (outputs[layer] > 0)
            weights[layer] = weights[layer] - LEARNING_RATE * weight_slope
            biases[layer] = biases[layer] - LEARNING_RATE * bias_slope

    return lambda: _step_through(batch_size, lambda rows: step(images[rows], targets[rows]))


def _neural_network_digits(batch_size: int) -> Epoch:
    """neural-network-digits from PyPI: plain SGD, which is less work than Adam."""
    from nn_digits.neural_net.network import NeuralNetwork

    digits = load_mnist().train
    images, targets = digits.images, np.eye(10, dtype=np.float32)[digits.labels]
    network = NeuralNetwork(WIDTHS)
    return lambda: _step_through(
        batch_size, lambda rows: network.train_step(images[rows], targets[rows], LEARNING_RATE)
    )


def _sklearn(batch_size: int) -> Epoch:
    """scikit-learn's MLPClassifier: one pass of partial_fit."""
    from sklearn.neural_network import MLPClassifier

    digits = load_mnist().train
    classifier = MLPClassifier(WIDTHS[1:-1], batch_size=batch_size, learning_rate_init=LEARNING_RATE, alpha=0)

    def epoch() -> float:
        started = time.perf_counter()
        classifier.partial_fit(digits.images, digits.labels, classes=range(10))
        return time.perf_counter() - started

    return epoch


def _torch(batch_size: int) -> Epoch:
    """PyTorch, eager, on the processor, with its fused Adam; batches by index."""
    import torch

    digits = load_mnist().train
    images, labels = torch.tensor(digits.images), torch.tensor(digits.labels, dtype=torch.int64)
    layers: list[torch.nn.Module] = []
    for shape in pairwise(WIDTHS):
        layers += [torch.nn.Linear(*shape), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
    loss = torch.nn.CrossEntropyLoss()

    def step(rows: Any) -> None:
        optimizer.zero_grad()
        loss(model(images[rows]), labels[rows]).backward()
        optimizer.step()

    return lambda: _step_through(batch_size, step, torch.from_numpy)


def _step_through(batch_size: int, step: Callable[[Any], None], convert: Callable = lambda rows: rows) -> float:
    """The seconds of an epoch: a step for every batch of all digits in a random order."""
    started = time.perf_counter()
    order = convert(np.random.default_rng().permutation(MNIST_TRAINING_DIGITS))
    for first in range(0, len(order), batch_size):
        step(order[first : first + batch_size])
    return time.perf_counter() - started


@dataclass(frozen=True)
class Contestant:
    """Who takes part, and what has to be installed for it."""

    label: str
    prepare: Callable[[int], Epoch]
    package: str = "numpy"

    @property
    def installed(self) -> bool:
        """Whether it can take part."""
        return importlib.util.find_spec(self.package) is not None


CONTESTANTS: dict[str, Contestant] = {
    "floor": Contestant("the matrix products alone", _floor),
    "ours": Contestant("this project: Adam", _ours),
    "neural-network-digits": Contestant("neural-network-digits: plain SGD", _neural_network_digits, "nn_digits"),
    "torch": Contestant("PyTorch, eager, fused Adam", _torch, "torch"),
    "sklearn": Contestant("scikit-learn's MLPClassifier: Adam", _sklearn, "sklearn"),
    "textbook": Contestant("a textbook's step: float64, plain SGD", _textbook),
}


# --- other figures, each measured in a process of its own too ---


@dataclass(frozen=True)
class Figure:
    """Something measured that no other contestant has."""

    label: str
    value: float
    unit: str


def measure() -> list[Figure]:
    """All figures beside the contest."""
    found = []
    for name in FIGURES:
        with _process(name) as ask:
            found += [Figure(**each) for each in ask(None)]
    return found


def _loading() -> list[Figure]:
    return [Figure("to load the 70,000 digits", _median_seconds(load_mnist, 1), "s")]


def _reading() -> list[Figure]:
    network, image = load_pretrained().network, load_mnist().test.images[:1]
    with threadpool_limits(1):
        seconds = min(_median_seconds(lambda: network.predict(image), 1000) for _ in range(5))
    return [Figure("to read one digit", seconds * 1e6, "microseconds")]


def _varying() -> list[Figure]:
    images, generator = load_mnist().train.images[:20_480], np.random.default_rng(1)
    with threadpool_limits(1):
        seconds = _median_seconds(lambda: vary(images, 1.0, generator), 5)
    return [Figure("augmented digits, one process", len(images) / seconds, "a second")]


def _training() -> list[Figure]:
    """Seconds to a validation accuracy, and the most memory that the training took, with its partner."""
    reached: dict[float, float] = {}
    memory = 0
    me = psutil.Process()
    for record in Trainer(SHORT, load_mnist()):
        memory = max(memory, sum(each.memory_full_info().pss for each in (me, *me.children())))
        if isinstance(record, EpochRecord):
            for target in TARGETS:
                if record.validation_accuracy >= target:
                    reached.setdefault(target, record.seconds)
    figures = [
        Figure(f"to a validation accuracy of {target:.1%}", reached.get(target, np.nan), "s") for target in TARGETS
    ]
    return [*figures, Figure("memory of a training, with its partner", memory / 1e6, "MB")]


def _median_seconds(action: Callable[[], Any], times: int) -> float:
    found = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        found.append(time.perf_counter() - started)
    return statistics.median(found)


FIGURES: dict[str, Callable[[], list[Figure]]] = {
    "loading": _loading,
    "reading": _reading,
    "varying": _varying,
    "training": _training,
}


def main() -> None:
    """Answer whatever the process that started this one asks: for an epoch, or for figures."""
    name = sys.argv[1]
    epochs: dict[int, Epoch] = {}
    for line in sys.stdin:
        question = json.loads(line)
        answer: Any
        if name in FIGURES:
            answer = [asdict(figure) for figure in FIGURES[name]()]
        else:
            if question not in epochs:
                epochs[question] = CONTESTANTS[name].prepare(question)
            epochs[question]()
            answer = epochs[question]()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
