"""Why a network gives an answer: which pixels speak for it and which against it, and what would turn it.

What is explained is an answer's log-odds, log(p / (1 - p)): above 0 it is likelier than all others together, and
pieces of evidence add up in it. Every function looks at all ten answers at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

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

DAB_PX = 1.6  # the radius of a pen's dab, and of an eraser's: about a stroke's width, with a soft rim
REACH_PX = 2.5  # so near to ink a dab begins: a pen goes on where it was
MOST_DABS = 16

OUTER = 0.3  # of a digit, what is not its middle: at the top, say


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


def agreement(maps: Sequence[np.ndarray]) -> np.ndarray:
    """What several maps of evidence, (784,) each, all say: 0 where they contradict each other, else what the most
    cautious of them says, each in terms of its strongest pixel."""
    scaled = np.stack([each / (np.abs(each).max() or 1) for each in maps])
    one_sign = np.abs(np.sign(scaled).sum(axis=0)) == len(scaled)
    return np.where(one_sign, np.sign(scaled[0]) * np.abs(scaled).min(axis=0), 0)


def part_of(weights: np.ndarray, image: np.ndarray) -> tuple[int, int]:
    """In which part of a digit, (784,), most of the weights, (784,), not below 0, lie: from top to bottom and from left
    to right 0, 1 for the middle, or 2 each."""
    inked = np.argwhere(image.reshape(SIDE, SIDE) > 0) if image.any() else np.array([[0, 0], [SIDE - 1, SIDE - 1]])
    first, size = inked.min(axis=0), np.ptp(inked, axis=0) + 1
    places = np.stack(np.divmod(np.arange(N_PIXELS), SIDE))
    shares = (places + 0.5 - first[:, None]) / size[:, None]
    parts = (shares > OUTER).astype(int) + (shares > 1 - OUTER)
    sums = np.bincount(3 * parts[0] + parts[1], weights=weights, minlength=9)
    down, across = divmod(int(sums.argmax()), 3)
    return down, across


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


@dataclass(frozen=True)
class Dab:
    """What a pen, or an eraser, does at one pixel: it `adds` ink or takes it away."""

    row: int
    column: int
    adds: bool


@dataclass(frozen=True)
class Redrawn:
    """A digit to which a pen and an eraser went until the answer was another one: `image` (784,) in [0, 1], and its
    `dabs`. `reached` is False where not even MOST_DABS turned it."""

    image: np.ndarray
    dabs: tuple[Dab, ...]
    reached: bool


def redraw(network: Network, image: np.ndarray, answer: int) -> Redrawn:
    """What pen and eraser would have to do to a digit, (784,), for that answer: about as few dabs as will do.

    Each time the dab that brings the answer furthest ahead of the others, or nearest to them; ink is only added near
    other ink. Then every dab is left out that turns out not to be needed.
    """
    dabs: list[Dab] = []
    now = image
    while not (reached := _lead(network, now[None], answer)[0] > 0) and now.any() and len(dabs) < MOST_DABS:
        dab, now = _best_dab(network, now, answer)
        dabs.append(dab)
    place = 0
    while reached and place < len(dabs):
        fewer = dabs[:place] + dabs[place + 1 :]
        without = _with_dabs(image, fewer)
        if _lead(network, without[None], answer)[0] > 0:
            dabs, now, place = fewer, without, 0  # and others may not be needed then
        else:
            place += 1
    return Redrawn(now, tuple(dabs), bool(reached))


def _best_dab(network: Network, image: np.ndarray, answer: int) -> tuple[Dab, np.ndarray]:
    """The dab that helps the answer most, and the digit with it."""
    paper = image.reshape(SIDE, SIDE) < min(0.5, image.max() / 2)
    added = np.flatnonzero(scipy.ndimage.distance_transform_edt(paper) <= REACH_PX)
    erased = np.flatnonzero(image)
    dabs = _all_dabs()
    tried = np.concatenate([np.maximum(image, dabs[added]), image * (1 - dabs[erased])])
    best = int(_lead(network, tried, answer).argmax())
    row, column = divmod(int(np.concatenate([added, erased])[best]), SIDE)
    return Dab(row, column, best < len(added)), tried[best]


def _with_dabs(image: np.ndarray, dabs: Sequence[Dab]) -> np.ndarray:
    for dab in dabs:
        own = _all_dabs()[dab.row * SIDE + dab.column]
        image = np.maximum(image, own) if dab.adds else image * (1 - own)
    return image


def _lead(network: Network, images: np.ndarray, answer: int) -> np.ndarray:
    """By how much that answer's score is above the highest of the others': (n, 784) -> (n,)."""
    scores = network.forward(images)
    return scores[:, answer] - np.delete(scores, answer, axis=1).max(axis=1)


@lru_cache(maxsize=1)
def _all_dabs() -> np.ndarray:
    """(784, 784): how much ink a dab at each pixel leaves at every other one."""
    places = np.stack(np.divmod(np.arange(N_PIXELS), SIDE))
    distances = np.sqrt(np.square(places[:, :, None] - places[:, None, :]).sum(axis=0))
    return np.clip(DAB_PX + 0.5 - distances, 0, 1).astype(np.float32)


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
