"""The losses: how wrong an answer is, and in which direction it would be less wrong."""

import numpy as np


class Loss:
    """Scores (n, n_classes) and labels (n,) -> the mean loss, and its gradient.

    `predictions` (n,) are the classes with the highest scores in the last `forward`.
    """

    predictions: np.ndarray

    def forward(self, scores: np.ndarray, labels: np.ndarray) -> float:
        """The mean loss of the batch; remembers what `backward` needs."""
        raise NotImplementedError

    def backward(self) -> np.ndarray:
        """The gradient with respect to the scores, (n, n_classes), of the last `forward`."""
        raise NotImplementedError


class CategoricalCrossEntropy(Loss):
    """-log of the probability that softmax gives to the right class, averaged over the batch.

    Softmax is part of it: its logarithm is computed without ever dividing tiny numbers, and the
    gradient of both together is simply (probabilities - targets) / n.

    With `label_smoothing` s the target is 1 - s on the right class and s spread evenly over all
    classes (Szegedy et al. 2016), which keeps the network from growing ever more certain.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing
        self._starts = np.arange(0)  # of the rows, in the flat vector of all scores

    def forward(self, scores: np.ndarray, labels: np.ndarray) -> float:
        n, n_classes = scores.shape
        if len(self._starts) != n:
            self._starts = np.arange(0, n * n_classes, n_classes)
        self.predictions = scores.argmax(axis=1)
        self._right = self._starts + labels
        # the largest score becomes 0: exp cannot overflow, and the probabilities are the same
        logarithms = scores - scores.take(self._starts + self.predictions)[:, None]
        self._probabilities = np.exp(logarithms)
        totals = np.add.reduce(self._probabilities, axis=1, keepdims=True)
        self._probabilities /= totals
        logarithms -= np.log(totals)
        right = np.add.reduce(logarithms.take(self._right), dtype=np.float64) / n
        even = logarithms.mean(dtype=np.float64) if self.label_smoothing else 0.0
        return -float((1 - self.label_smoothing) * right + self.label_smoothing * even)

    def backward(self) -> np.ndarray:
        gradient = self._probabilities
        n, n_classes = gradient.shape
        if self.label_smoothing:
            gradient -= self.label_smoothing / n_classes
        gradient.reshape(-1)[self._right] -= 1 - self.label_smoothing
        gradient *= 1 / n
        return gradient
