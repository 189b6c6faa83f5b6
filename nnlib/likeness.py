"""How much an image is like a digit: a second network knows digits, and much that is none.

The networks that people train only ever saw digits, and read a letter or a scribble as one of the ten,
and boldly. So another one, which comes with the package, is asked first. It learned from MNIST's digits,
from digits written stroke by stroke, from digits and letters of fonts, and from strokes that nobody means
(`nnlib/digits/non_digits.py`).

`python -m nnlib.likeness` makes it anew.
"""

from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache

import numpy as np
import safetensors.numpy

from nnlib.digits import N_CLASSES, N_PIXELS, PACKAGED, Digits, draw_kinds, load_mnist, vary, write
from nnlib.network import Adam, CategoricalCrossEntropy, Network, schedule_factor

KINDS = (*map(str, range(N_CLASSES)), "letter", "several", "part", "other")  # what it tells apart
FILE = PACKAGED / "likeness.safetensors"


def kinds(images: np.ndarray) -> np.ndarray:
    """How probably each image is each of KINDS: (n, 784) -> (n, 14) float32."""
    return _network().predict_proba(images)


def likeness(images: np.ndarray) -> np.ndarray:
    """How probably each image is one whole digit, whichever: (n, 784) -> (n,) float32."""
    return kinds(images)[:, :N_CLASSES].sum(axis=1)


@lru_cache(maxsize=1)
def _network() -> Network:
    arrays = safetensors.numpy.load_file(FILE)
    widths = (N_PIXELS, *(len(arrays[f"biases_{number}"]) for number in range(1, len(arrays) // 2 + 1)))
    network = Network(widths)
    for number, layer in enumerate(network.dense_layers, start=1):
        layer.weights[:], layer.biases[:] = arrays[f"weights_{number}"], arrays[f"biases_{number}"]
    network.parameters.flags.writeable = False
    return network


def save(network: Network) -> None:
    """Keep it as the one that comes with the package, in half precision: it answers the same."""
    arrays: dict[str, np.ndarray] = {}
    for number, layer in enumerate(network.dense_layers, start=1):
        arrays |= {f"weights_{number}": layer.weights.astype("<f2"), f"biases_{number}": layer.biases.astype("<f2")}
    safetensors.numpy.save_file(arrays, FILE)


HIDDEN_WIDTHS = (512, 256)
N_DRAWN, N_AT_ONCE = 200_000, 2_000
N_LEARNED = 55_000  # of MNIST's training digits; the others validate
WRITTEN_SHARE = 0.25
EPOCHS, BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY = 60, 256, 0.003, 0.05


def examples() -> tuple[np.ndarray, np.ndarray]:
    """What it learns from: (n, 784) uint8 and kinds (n,), MNIST's own digits and as many as N_DRAWN drawings."""
    with ProcessPoolExecutor() as processes:
        parts = list(processes.map(_draw, range(N_DRAWN // N_AT_ONCE)))
    digits, generator = _digits(), np.random.default_rng(0)
    images, written = digits.images.copy(), generator.random(N_LEARNED) < WRITTEN_SHARE
    images[written] = write(digits.labels[written], generator)
    own = np.rint(images * 255).astype(np.uint8), digits.labels.astype(np.int64)
    drawn, kinds = (np.concatenate(each) for each in zip(own, *parts, strict=True))
    return drawn, kinds


def _draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
    return draw_kinds(_digits(), N_AT_ONCE, np.random.default_rng(seed))


@lru_cache(maxsize=1)
def _digits() -> Digits:
    train = load_mnist().train
    return Digits(train.images[:N_LEARNED], train.labels[:N_LEARNED])


def learn(images: np.ndarray, kinds: np.ndarray) -> Network:
    """A network that tells these kinds apart; every image is varied anew in each epoch."""
    generator = np.random.default_rng(0)
    network = Network((N_PIXELS, *HIDDEN_WIDTHS, len(KINDS)), generator=generator)
    loss = CategoricalCrossEntropy()
    optimizer = Adam(network.parameters, network.gradient, weight_decay=WEIGHT_DECAY)
    n_batches = len(images) // BATCH_SIZE
    for epoch in range(EPOCHS):
        total = 0.0
        for batch, rows in enumerate(np.array_split(generator.permutation(len(images)), n_batches)):
            varied = vary(images[rows] / np.float32(255), 1.0, generator)
            total += loss.forward(network.forward(varied, training=True), kinds[rows])
            network.backward(loss.backward())
            progress = (epoch + batch / n_batches) / EPOCHS
            optimizer.step(LEARNING_RATE * schedule_factor("one_cycle", progress))
        print(f"epoch {epoch + 1} of {EPOCHS}: loss {total / n_batches:.3f}")
    return network


if __name__ == "__main__":
    save(learn(*examples()))
