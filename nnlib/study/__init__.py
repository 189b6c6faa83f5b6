"""Questions to a trained network: how many digits it reads right, and which ones it does not."""

from nnlib.study.evaluation import Evaluation, evaluate, score_digits, unit_outputs
from nnlib.study.landscape import Landscape, Path, Trajectory, explore

__all__ = ["Evaluation", "Landscape", "Path", "Trajectory", "evaluate", "explore", "score_digits", "unit_outputs"]
