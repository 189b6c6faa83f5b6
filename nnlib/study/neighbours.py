"""Which digits are alike: to a network, by its last hidden layer, and to the eye, by where their ink is."""

import numpy as np
import scipy

from nnlib.digits import SIDE, Digits
from nnlib.network import ROWS_AT_ONCE, Network

BLUR_PX = 0.5  # at half the size: two digits of the same form lie over each other but for a pixel
STROKE_BLUR_PX = 1.5  # what is less than a stroke is no difference
SAME = 1e-4  # less is no distance: it is the very same picture


def hidden_outputs(network: Network, images: np.ndarray) -> np.ndarray:
    """What the last hidden layer puts out: (n, 784) -> (n, width). All that the answers are made of."""
    parts = range(0, max(len(images), 1), ROWS_AT_ONCE)
    return np.concatenate([network.activations(images[i : i + ROWS_AT_ONCE])[-2] for i in parts])


def nearest(outputs: np.ndarray, output: np.ndarray, n: int) -> np.ndarray:
    """The indices of the n of `outputs` (m, width) that are nearest to `output` (width,), the nearest first: (n,), or
    (m,) where m is less; by Euclidean distance."""
    return np.argsort(np.linalg.norm(outputs - output, axis=1), kind="stable")[:n]


class Forms:
    """Digits by where their ink is, blurred and at half the size: so a pixel more or less makes no difference."""

    def __init__(self, digits: Digits) -> None:
        self.labels = digits.labels
        self.forms = _forms(digits.images)
        self.squares = np.einsum("ij,ij->i", self.forms, self.forms)

    def nearest(self, images: np.ndarray, n: int) -> np.ndarray:
        """The indices of those most like each image, and not the very same picture: (m, 784) -> (m, n) in any order, or
        all where they are fewer."""
        found = []
        for start in range(0, len(images), ROWS_AT_ONCE):
            squared = self.squared_distances(images[start : start + ROWS_AT_ONCE])
            found.append(np.argpartition(squared, n - 1, axis=1)[:, :n] if n < squared.shape[1] else squared.argsort())
        return np.concatenate(found) if found else np.zeros((0, n), int)

    def nearest_of_its_kind(self, image: np.ndarray, label: int, n: int) -> np.ndarray:
        """The indices of the n of that label that are most like an image, (784,), and not the very same, the nearest
        first: (n,), or all where they are fewer."""
        own = np.flatnonzero(self.labels == label)
        squared = self.squared_distances(image[None], own)[0]
        return own[np.argsort(squared, kind="stable")[: min(n, np.isfinite(squared).sum())]]

    def squared_distances(self, images: np.ndarray, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """From each image, (m, 784), to the digits in these rows: (m, n), infinite to the very same picture."""
        forms = _forms(images)
        own = np.einsum("ij,ij->i", forms, forms)
        squared: np.ndarray = own[:, None] + self.squares[rows] - 2 * (forms @ self.forms[rows].T)
        squared[squared < SAME] = np.inf
        return squared


def beside(image: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How much more ink others, (n, 784), have on average than this one, (784,), blurred: (784,), below 0 where they
    have less."""
    missing = (others.mean(axis=0) - image).reshape(SIDE, SIDE)
    blurred: np.ndarray = scipy.ndimage.gaussian_filter(missing, STROKE_BLUR_PX, mode="constant")
    return blurred.reshape(-1)


def _forms(images: np.ndarray) -> np.ndarray:
    """(n, 784) -> (n, 196)."""
    halves = images.reshape(-1, SIDE // 2, 2, SIDE // 2, 2).mean(axis=(2, 4), dtype=np.float32)
    blurred: np.ndarray = scipy.ndimage.gaussian_filter(halves, (0, BLUR_PX, BLUR_PX), mode="constant")
    return blurred.reshape(len(images), -1)
