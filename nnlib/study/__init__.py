"""Questions to a trained network: how many digits it reads right, which ones it does not, how sure it may be, and what
is in it."""

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
from nnlib.study.distributions import Distribution, Spread, distributions_as_csv, in_common_bins, measure
from nnlib.study.evaluation import Evaluation, evaluate, score_digits, unit_outputs
from nnlib.study.landscape import Landscape, Path, Trajectory, explore

__all__ = [
    "HIGHEST_TEMPERATURE",
    "LOWEST_TEMPERATURE",
    "NO_CHANGE",
    "Coverage",
    "Distribution",
    "Evaluation",
    "Landscape",
    "Path",
    "Reliability",
    "Spread",
    "Trajectory",
    "calibrate",
    "coverage_curve",
    "distributions_as_csv",
    "evaluate",
    "expected_calibration_error",
    "explore",
    "fit_temperature",
    "in_common_bins",
    "measure",
    "score_digits",
    "unit_outputs",
]
