"""Questions to a trained network: how many digits it reads right, which ones it does not and why, how sure it may be,
what is in it, and whether another one is better."""

from nnlib.study.calibration import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    NO_CHANGE,
    Coverage,
    Reliability,
    calibrate,
    coverage_curve,
    expected_calibration_error,
    fit_temperature,
)
from nnlib.study.comparison import Comparison, compare
from nnlib.study.distributions import Distribution, Spread, distributions_as_csv, in_common_bins, measure
from nnlib.study.evaluation import DigitScore, Evaluation, evaluate, score_digits, unit_outputs, wilson_interval
from nnlib.study.evidence import (
    Dab,
    Redrawn,
    Turned,
    agreement,
    gradient_times_input,
    integrated_gradients,
    log_odds,
    occlusion,
    part_of,
    redraw,
    smallest_change,
)
from nnlib.study.labels import LIKE_IT, Doubts, doubtful_labels, out_of_sample
from nnlib.study.landscape import Landscape, Path, Trajectory, explore
from nnlib.study.neighbours import Forms, beside, hidden_outputs, nearest
from nnlib.study.peculiarities import Peculiarities, Peculiarity

__all__ = [
    "HIGHEST_TEMPERATURE",
    "LIKE_IT",
    "LOWEST_TEMPERATURE",
    "NO_CHANGE",
    "Comparison",
    "Coverage",
    "Dab",
    "DigitScore",
    "Distribution",
    "Doubts",
    "Evaluation",
    "Forms",
    "Landscape",
    "Path",
    "Peculiarities",
    "Peculiarity",
    "Redrawn",
    "Reliability",
    "Spread",
    "Trajectory",
    "Turned",
    "agreement",
    "beside",
    "calibrate",
    "compare",
    "coverage_curve",
    "distributions_as_csv",
    "doubtful_labels",
    "evaluate",
    "expected_calibration_error",
    "explore",
    "fit_temperature",
    "gradient_times_input",
    "hidden_outputs",
    "in_common_bins",
    "integrated_gradients",
    "log_odds",
    "measure",
    "nearest",
    "occlusion",
    "out_of_sample",
    "part_of",
    "redraw",
    "score_digits",
    "smallest_change",
    "unit_outputs",
    "wilson_interval",
]
