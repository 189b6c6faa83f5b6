"""Why a network gives an answer: which pixels speak for it and which against it, and what would turn it.

What is explained is an answer's log-odds, log(p / (1 - p)): above 0 it is likelier than all others together, and
pieces of evidence add up in it. Every function looks at all ten answers at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from nnlib.digits import N_CLASSES, N_PIXELS, SIDE
from nnlib.network import Network

STEPS = 200  # from an empty picture to the digit
PATCH_SIDE = 4  # pixels that are covered at a time: about a stroke's width

MOST_TURNS = 300
STEP, LEAST_STEP = 0.1, 0.01  # of the missing log-odds, and in log-odds: further on, the slope is another one
SMOOTH_PX = 0.8  # a pen does not change single pixels
HALVINGS = 12


def log_odds(network: Network, images: np.ndarray) -> np.ndarray:
    """How likely each answer is against all others together: (n, 784) -> (n, 10), natural logarithms."""
    return _log_odds(network.forward(images))


def gradient_times_input(network: Network, image: np.ndarray) -> np.ndarray:
    """(784,) -> (10, 784): the log-odds' slope at each pixel, times the pixel.

    What the next bit of ink would do, where there is ink: exact for a small change, and blind to what a large one
    does (Shrikumar et al. 2016). Where there is no ink, it says 0.
    """
    return _slopes(network, np.broadcast_to(image, (1, N_PIXELS)))[0] * image


def integrated_gradients(network: Network, image: np.ndarray) -> np.ndarray:
    """(784,) -> (10, 784): the slopes on the way from an empty picture to this one, added up.

    Each row sums to what the log-odds gained on that way (Sundararajan, Taly & Yan 2017, midpoint rule).
    """
    way = ((np.arange(STEPS, dtype=np.float32) + 0.5) / STEPS)[:, None] * image
    return _slopes(network, way).mean(axis=0) * image


def occlusion(network: Network, image: np.ndarray) -> np.ndarray:
    """(784,) -> (10, 784): by how much the log-odds fall when paper covers a square of pixels, for each pixel the
    mean over the squares that hold it (Zeiler & Fergus 2014)."""
    places = SIDE - PATCH_SIDE + 1
    covers = np.zeros((places, places, SIDE, SIDE), bool)
    for row in range(places):
        for column in range(places):
            covers[row, column, row : row + PATCH_SIDE, column : column + PATCH_SIDE] = True
    covered = covers.reshape(-1, N_PIXELS)
    falls = log_odds(network, image[None]) - log_odds(network, np.where(covered, np.float32(0), image))
    return (falls.T @ covered.astype(np.float32)) / covered.sum(axis=0)


@dataclass(frozen=True)
class Turned:
    """A digit, changed until the answer is another one: `image` (784,) in [0, 1], and how far it is from what it was,
    `distance`, the square root of the sum of the squares of all changes. `reached` is False where no way was found."""

    image: np.ndarray
    distance: float
    reached: bool


def smallest_change(network: Network, image: np.ndarray, answer: int) -> Turned:
    """About the smallest smooth change of a digit, (784,), after which the network gives that answer.

    Step by step towards where the answer would turn if the network were as straight as it is here (DeepFool:
    Moosavi-Dezfooli et al. 2016, here towards one answer, with pixels kept in [0, 1]); then as far back as may be.
    """
    changed = image.astype(np.float64)
    for _ in range(MOST_TURNS):
        at = changed[None].astype(np.float32)
        if network.predict(at)[0] == answer:
            return _back(network, image, changed, answer)
        missing = -float(log_odds(network, at)[0, answer])
        slope = _slopes(network, at, [answer])[0, 0].astype(np.float64)
        way = _smooth(_smooth(slope))
        way[((changed <= 0) & (way < 0)) | ((changed >= 1) & (way > 0))] = 0  # no less than paper, no more than ink
        gain = float(way @ slope)
        if gain <= 0:
            break
        changed = np.clip(changed + max(STEP * missing, LEAST_STEP) / gain * way, 0, 1)
    return Turned(changed.astype(np.float32), float(np.linalg.norm(changed - image)), False)


def _back(network: Network, image: np.ndarray, changed: np.ndarray, answer: int) -> Turned:
    """The least of that change which is still enough."""
    least, most = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (least + most) / 2
        between = (image + middle * (changed - image)).astype(np.float32)
        if network.predict(between[None])[0] == answer:
            most = middle
        else:
            least = middle
    turned = (image + most * (changed - image)).astype(np.float32)
    return Turned(turned, float(np.linalg.norm(turned - image)), True)


def _smooth(picture: np.ndarray) -> np.ndarray:
    return scipy.ndimage.gaussian_filter(picture.reshape(SIDE, SIDE), SMOOTH_PX, mode="constant").reshape(-1)


def _log_odds(scores: np.ndarray) -> np.ndarray:
    others = np.where(np.eye(N_CLASSES, dtype=bool), -np.inf, scores[:, None, :])
    highest = others.max(axis=2)
    return scores - highest - np.log(np.exp(others - highest[:, :, None]).sum(axis=2))


def _slopes(network: Network, images: np.ndarray, answers: Sequence[int] = range(N_CLASSES)) -> np.ndarray:
    """The gradients of these answers' log-odds at each image: (n, 784) -> (n, n_answers, 784)."""
    scores = network.forward(images)
    # of log-odds with respect to the scores: 1 for its own, minus the others' shares among themselves
    others = np.where(np.eye(N_CLASSES, dtype=bool), -np.inf, scores[:, None, :])
    shares = np.exp(others - others.max(axis=2, keepdims=True))
    along = (np.eye(N_CLASSES) - shares / shares.sum(axis=2, keepdims=True))[:, answers]
    rows = np.repeat(images, len(answers), axis=0)
    gradients = network.input_gradient(rows, along.reshape(-1, N_CLASSES).astype(scores.dtype))
    return gradients.reshape(-1, len(answers), N_PIXELS)
