"""Questions to a trained network: how many digits it reads right, which ones it does not, and what is in it."""

from nnlib.study.distributions import Distribution, Spread, distributions_as_csv, in_common_bins, measure
from nnlib.study.evaluation import Evaluation, evaluate, score_digits, unit_outputs
from nnlib.study.landscape import Landscape, Path, Trajectory, explore

__all__ = [
    "Distribution",
    "Evaluation",
    "Landscape",
    "Path",
    "Spread",
    "Trajectory",
    "distributions_as_csv",
    "evaluate",
    "explore",
    "in_common_bins",
    "measure",
    "score_digits",
    "unit_outputs",
]
