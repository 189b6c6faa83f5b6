"""Questions to a trained network: how many digits it reads right, and which ones it does not."""

from nnlib.study.evaluation import Evaluation, evaluate, score_digits, unit_outputs

__all__ = ["Evaluation", "evaluate", "score_digits", "unit_outputs"]
