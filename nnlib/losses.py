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

    Softmax is part of it: log-softmax is computed without ever dividing tiny numbers, and the
    gradient of both together is simply (probabilities - targets) / n.

    With `label_smoothing` s the target is 1 - s on the right class and s spread evenly over all
    classes (Szegedy et al. 2016), which keeps the network from growing ever more certain.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing

    def forward(self, scores: np.ndarray, labels: np.ndarray) -> float:
        rows = np.arange(len(labels))
        log_probabilities = scores - scores.max(axis=1, keepdims=True)
        log_probabilities -= np.log(np.exp(log_probabilities).sum(axis=1, keepdims=True))
        right = log_probabilities[rows, labels].mean(dtype=np.float64)
        even = log_probabilities.mean(dtype=np.float64) if self.label_smoothing else 0.0
        self._log_probabilities, self._labels, self._rows = log_probabilities, labels, rows
        return -float((1 - self.label_smoothing) * right + self.label_smoothing * even)

    def backward(self) -> np.ndarray:
        gradient = np.exp(self._log_probabilities)
        n, n_classes = gradient.shape
        if self.label_smoothing:
            gradient -= self.label_smoothing / n_classes
        gradient[self._rows, self._labels] -= 1 - self.label_smoothing
        gradient /= n
        return gradient
