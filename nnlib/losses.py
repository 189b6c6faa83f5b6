"""The losses: how wrong an answer is, and in which direction it would be less wrong."""

import numpy as np


class Loss:
    """Scores (n, n_classes) and labels (n,) -> the mean loss, and its gradient."""

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
        log_probabilities = scores - np.maximum.reduce(scores, axis=1, keepdims=True)
        self._probabilities = np.exp(log_probabilities)
        total = np.add.reduce(self._probabilities, axis=1, keepdims=True)
        self._probabilities /= total
        log_probabilities -= np.log(total)
        self._labels = labels
        right = np.add.reduce(log_probabilities[self._rows, labels], dtype=np.float64) / len(labels)
        even = log_probabilities.mean(dtype=np.float64) if self.label_smoothing else 0.0
        return -float((1 - self.label_smoothing) * right + self.label_smoothing * even)

    def backward(self) -> np.ndarray:
        gradient = self._probabilities
        n, n_classes = gradient.shape
        if self.label_smoothing:
            gradient -= self.label_smoothing / n_classes
        gradient[self._rows, self._labels] -= 1 - self.label_smoothing
        gradient *= 1 / n
        return gradient
