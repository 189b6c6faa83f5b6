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
        self._rows = np.arange(0)

    def forward(self, scores: np.ndarray, labels: np.ndarray) -> float:
        if len(self._rows) != len(labels):
            self._rows = np.arange(len(labels))
        self.predictions, self._labels = scores.argmax(axis=1), labels
        # the largest score becomes 0: exp cannot overflow, and the probabilities are the same
        shifted = scores - scores[self._rows, self.predictions][:, None]
        self._probabilities = np.exp(shifted)
        totals = np.add.reduce(self._probabilities, axis=1, keepdims=True)
        self._probabilities /= totals
        # the logarithm of a probability is shifted - log(total)
        log_total = np.add.reduce(np.log(totals), axis=None, dtype=np.float64) / len(labels)
        right = np.add.reduce(shifted[self._rows, labels], dtype=np.float64) / len(labels) - log_total
        even = shifted.mean(dtype=np.float64) - log_total if self.label_smoothing else 0.0
        return -float((1 - self.label_smoothing) * right + self.label_smoothing * even)

    def backward(self) -> np.ndarray:
        gradient = self._probabilities
        n, n_classes = gradient.shape
        if self.label_smoothing:
            gradient -= self.label_smoothing / n_classes
        gradient[self._rows, self._labels] -= 1 - self.label_smoothing
        gradient *= 1 / n
        return gradient
