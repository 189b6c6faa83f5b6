"""Calibration: computed by hand, against another way to the same minimum, and at the ends of float32."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.calibration import calibration_curve

from nnlib.digits.mnist import load_mnist
from nnlib.errors import DataError
from nnlib.model_files import load_pretrained
from nnlib.study.calibration import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    NO_CHANGE,
    Reliability,
    calibrate,
    coverage_curve,
    expected_calibration_error,
    fit_temperature,
)

TEMPERATURES = st.floats(LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE)


def probable(scores: np.ndarray) -> np.ndarray:
    """Softmax as a network does it, in float32, where much becomes 0 or 1: (n, 10) -> (n, 10)."""
    powers = np.exp((scores - scores.max(axis=1, keepdims=True)).astype(np.float32))
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(right, np.finfo(np.float32).tiny)).mean())


def reader(n: int, spread: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores (n, 10) of somebody who is as sure as right, and labels (n,) drawn from the probabilities they give."""
    generator = np.random.default_rng(seed)
    scores = generator.normal(0, spread, (n, 10))
    labels = (scores + generator.gumbel(size=scores.shape)).argmax(axis=1)  # whose odds are softmax
    return scores, labels


PROBABILITIES = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 20), st.just(10)), elements=st.floats(-200, 200, width=32)
).map(probable)


# --- calibrating ---


def test_probabilities_at_a_temperature_by_hand() -> None:
    probabilities = np.array([[0.64, 0.16, 0.16, 0.04, *[0] * 6]], np.float32)
    warm, cold = calibrate(probabilities, 2.0), calibrate(probabilities, 0.5)
    assert warm[0, :4] == pytest.approx(np.array([8, 4, 4, 2]) / 18, rel=1e-5)
    assert cold[0, :4] == pytest.approx(np.array([256, 16, 16, 1]) / 289, rel=1e-5)
    assert (calibrate(probabilities, NO_CHANGE) == probabilities).all()


@settings(deadline=None)
@given(probabilities=PROBABILITIES, temperature=TEMPERATURES)
# what float32 cannot tell apart any more once it is warm
@example(np.array([[0.1] * 8 + [0.1 - 1e-7, 0.1 + 1e-7]], np.float32), HIGHEST_TEMPERATURE)
@example(np.eye(10, dtype=np.float32), HIGHEST_TEMPERATURE)
@example(np.eye(10, dtype=np.float32), LOWEST_TEMPERATURE)
@example(np.full((1, 10), 0.1, np.float32), LOWEST_TEMPERATURE)
def test_whatever_the_temperature_the_answer_is_the_same_and_a_row_sums_to_1(
    probabilities: np.ndarray, temperature: float
) -> None:
    calibrated = calibrate(probabilities, temperature)
    assert (calibrated.shape, calibrated.dtype) == (probabilities.shape, np.float32)
    assert (calibrated.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert calibrated.min() >= 0
    assert calibrated.max() <= 1
    assert calibrated.sum(axis=1) == pytest.approx(np.ones(len(calibrated)), abs=1e-5)


def test_above_1_certainty_is_taken_away_and_below_some_is_added() -> None:
    probabilities = probable(np.random.default_rng(1).normal(0, 3, (50, 10)))
    at = [calibrate(probabilities, temperature).max(axis=1) for temperature in (0.2, 0.7, 1, 1.5, 10)]
    assert (np.diff(at, axis=0) < 0).all()


def test_no_digit_at_all_is_calibrated_to_none() -> None:
    assert calibrate(np.zeros((0, 10), np.float32), 2.0).shape == (0, 10)


# --- fitting ---


@pytest.mark.parametrize("factor", [0.3, 0.8, 1, 2, 6])
def test_the_temperature_undoes_what_made_a_reader_too_sure_or_too_modest(factor: float) -> None:
    scores, labels = reader(20_000, 2, seed=3)
    assert fit_temperature(probable(scores * factor), labels) == pytest.approx(factor, rel=0.05)


def test_no_temperature_near_it_has_a_lower_cross_entropy() -> None:
    scores, labels = reader(5000, 3, seed=4)
    probabilities = probable(scores * 3)
    fitted = fit_temperature(probabilities, labels)
    least = cross_entropy(calibrate(probabilities, fitted), labels)
    for other in (*(fitted * np.array([0.9, 0.97, 1.03, 1.1])), NO_CHANGE):
        assert cross_entropy(calibrate(probabilities, other), labels) > least


@settings(deadline=None, max_examples=25)
@given(spread=st.floats(0.5, 4), factor=st.floats(0.15, 0.6) | st.floats(1.7, 6), seed=st.integers(0, 10**6))
def test_who_is_too_sure_or_too_modest_is_less_so_afterwards(spread: float, factor: float, seed: int) -> None:
    scores, labels = reader(4000, spread, seed)
    fit_on, check_on = slice(0, 2000), slice(2000, 4000)
    probabilities = probable(scores * factor)
    temperature = fit_temperature(probabilities[fit_on], labels[fit_on])
    before, after = (
        expected_calibration_error(each[check_on], labels[check_on])
        for each in (probabilities, calibrate(probabilities, temperature))
    )
    assert after <= before or after < 0.03  # so much is chance among 2,000
    assert cross_entropy(calibrate(probabilities[fit_on], temperature), labels[fit_on]) <= cross_entropy(
        probabilities[fit_on], labels[fit_on]
    )


@settings(deadline=None)
@given(probabilities=PROBABILITIES, seed=st.integers(0, 1000))
def test_every_fit_is_in_range_and_no_worse_than_none(probabilities: np.ndarray, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 10, len(probabilities))
    temperature = fit_temperature(probabilities, labels)
    assert type(temperature) is float
    assert LOWEST_TEMPERATURE <= temperature <= HIGHEST_TEMPERATURE
    before = cross_entropy(np.maximum(probabilities, np.finfo(np.float32).tiny), labels)
    assert cross_entropy(calibrate(probabilities, temperature), labels) <= before + 1e-4


def test_a_network_that_misreads_nothing_is_not_made_surer_without_end() -> None:
    labels = np.arange(300) % 10
    certain = np.eye(10, dtype=np.float32)[labels]
    assert fit_temperature(certain, labels) == pytest.approx(NO_CHANGE, abs=0.01)
    sure = probable(12.0 * certain)
    assert 0.5 < fit_temperature(sure, labels) <= 1
    modest = probable(2.0 * certain)  # half sure, and always right
    assert LOWEST_TEMPERATURE < fit_temperature(modest, labels) < 0.4


def test_an_untrained_network_is_told_that_it_knows_nothing() -> None:
    scores, labels = reader(5000, 0, seed=5)
    guesses = probable(np.random.default_rng(6).normal(0, 1, scores.shape))
    temperature = fit_temperature(guesses, labels)
    assert temperature > 10
    assert calibrate(guesses, temperature).max() < 0.2


def test_who_is_sure_and_wrong_is_made_as_unsure_as_can_be() -> None:
    labels = np.arange(100) % 10
    wrong = np.eye(10, dtype=np.float32)[(labels + 1) % 10]
    assert fit_temperature(wrong, labels) == pytest.approx(HIGHEST_TEMPERATURE, rel=0.01)


def test_one_who_is_sure_and_wrong_among_many_has_a_finite_price() -> None:
    labels = np.arange(5000) % 10
    answers = np.eye(10, dtype=np.float32)[labels]
    answers[7] = answers[8]
    assert 1 < fit_temperature(answers, labels) < HIGHEST_TEMPERATURE


@pytest.mark.parametrize("n", [0, 5])
def test_where_there_is_nothing_to_fit_nothing_is_changed(n: int) -> None:
    assert fit_temperature(np.full((n, 10), np.nan, np.float32), np.zeros(n, int)) == NO_CHANGE


def test_the_fit_changes_none_of_what_it_was_given() -> None:
    scores, labels = reader(100, 2, seed=7)
    probabilities = probable(scores)
    probabilities.flags.writeable = labels.flags.writeable = False
    calibrate(probabilities, fit_temperature(probabilities, labels.astype(np.uint8)))


# --- how far certainty and truth are apart ---


def answers(*certainties: float) -> np.ndarray:
    """Probabilities of as many digits, each read as 0, and so surely."""
    probabilities = np.repeat((1 - np.array(certainties, np.float32)[:, None]) / 9, 10, axis=1)
    probabilities[:, 0] = certainties
    return probabilities


def test_the_error_of_a_small_example_by_hand() -> None:
    # 0.9 and 0.8 in one bin, of which half is right; 0.3 and 0.4 in another, of which all is
    probabilities, labels = answers(0.9, 0.8, 0.3, 0.4), np.array([0, 1, 0, 0])
    assert expected_calibration_error(probabilities, labels, bins=2) == pytest.approx((2 * 0.35 + 2 * 0.65) / 4)
    found = Reliability.of(probabilities, labels, bins=2)
    assert found.counts.tolist() == [2, 2]
    assert found.certainty == pytest.approx([0.35, 0.85])
    assert found.accuracy == pytest.approx([1, 0.5])


@pytest.mark.parametrize(("share_right", "error"), [(0, 1), (0.25, 0.75), (1, 0)])
def test_who_is_always_sure_errs_by_the_share_that_is_wrong(share_right: float, error: float) -> None:
    labels = np.where(np.arange(100) < 100 * share_right, 0, 1)
    assert expected_calibration_error(answers(*[1.0] * 100), labels) == pytest.approx(error)


def test_a_bin_holds_its_upper_edge_and_empty_ones_count_nothing() -> None:
    found = Reliability.of(answers(0.5, 0.5000001, 1.0), np.zeros(3, int), bins=2)
    assert found.counts.tolist() == [1, 2]
    assert Reliability.of(answers(0.95), np.zeros(1, int)).error == pytest.approx(0.05)


@settings(deadline=None)
@given(probabilities=PROBABILITIES, seed=st.integers(0, 1000), bins=st.integers(1, 30))
def test_the_error_equals_brute_force(probabilities: np.ndarray, seed: int, bins: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 10, len(probabilities))
    sure, right = probabilities.max(axis=1).astype(float), probabilities.argmax(axis=1) == labels
    expected = 0.0
    for low in range(bins):
        inside = (sure * bins > low) & (sure * bins <= low + 1)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    assert expected_calibration_error(probabilities, labels, bins) == pytest.approx(expected, abs=1e-6)


# --- answering only when sure ---


def test_coverage_of_a_small_example_by_hand() -> None:
    found = coverage_curve(np.array([0.9, 0.5, 0.7, 0.9]), np.array([True, False, True, False]))
    assert found.thresholds.tolist() == [0.5, 0.7, 0.9]
    assert found.coverage.tolist() == [1, 0.75, 0.5]
    assert found.accuracy == pytest.approx([0.5, 2 / 3, 0.5])


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0]) | st.floats(0, 1), st.booleans()), min_size=1),
)
def test_coverage_equals_brute_force(answered: list[tuple[float, bool]]) -> None:
    certainties, right = (np.array(each) for each in zip(*answered, strict=True))
    found = coverage_curve(certainties, right)
    assert found.thresholds.tolist() == sorted(set(certainties))
    assert found.coverage[0] == 1
    for threshold, coverage, accuracy in zip(found.thresholds, found.coverage, found.accuracy, strict=True):
        given = certainties >= threshold
        assert coverage == pytest.approx(given.mean())
        assert accuracy == pytest.approx(right[given].mean())


def test_no_answers_at_all_are_an_error_in_words() -> None:
    none = np.zeros((0, 10), np.float32), np.zeros(0, int)
    for ask in (lambda: expected_calibration_error(*none), lambda: coverage_curve(none[1], none[1])):
        with pytest.raises(DataError, match=r"^there are no answers to compare: take at least one digit\.$"):
            ask()


def test_the_diagram_is_scikit_learns() -> None:
    test, network = load_mnist().test, load_pretrained().network
    probabilities = network.predict_proba(test.images)
    found = Reliability.of(probabilities, test.labels, bins=10)
    right = probabilities.argmax(axis=1) == test.labels
    accuracy, certainty = calibration_curve(right, probabilities.max(axis=1).astype(float), n_bins=10)
    some = found.counts > 0
    assert found.accuracy[some] == pytest.approx(accuracy, abs=1e-6)
    assert found.certainty[some] == pytest.approx(certainty, abs=1e-6)
