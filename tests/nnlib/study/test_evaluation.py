"""How well a network reads: counted by hand, and by brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from nnlib.digits.mnist import Digits, load_mnist
from nnlib.errors import DataError
from nnlib.model_files import load_pretrained
from nnlib.network.layers import Activation
from nnlib.network.network import Network
from nnlib.study.evaluation import Evaluation, evaluate, score_digits, unit_outputs, wilson_interval


def answers(*pairs: tuple[int, float], labels: list[int]) -> Evaluation:
    """An evaluation in which each digit was read as the pair's first, with the pair's second as its probability."""
    probabilities = np.zeros((len(pairs), 10), np.float32)
    for row, (digit, probability) in zip(probabilities, pairs, strict=True):
        row[:] = (1 - probability) / 9
        row[digit] = probability
    return Evaluation(probabilities, np.array(labels, np.uint8))


@pytest.fixture
def evaluation() -> Evaluation:
    """Six digits, of which the third, fourth and sixth are misread."""
    return answers((7, 0.9), (2, 0.8), (1, 0.6), (9, 0.95), (4, 0.5), (0, 0.6), labels=[7, 2, 7, 4, 4, 8])


def test_predictions_are_the_most_probable_digits(evaluation: Evaluation) -> None:
    assert evaluation.predictions.tolist() == [7, 2, 1, 9, 4, 0]


def test_accuracy_is_the_share_read_right(evaluation: Evaluation) -> None:
    assert evaluation.accuracy == 0.5
    assert type(evaluation.accuracy) is float


def test_mistakes_come_with_the_most_confident_wrong_answer_first(evaluation: Evaluation) -> None:
    # the third and the sixth are equally sure: they keep their order
    assert evaluation.mistakes().tolist() == [3, 2, 5]


def test_without_mistakes_there_are_none() -> None:
    evaluation = answers((3, 0.9), (1, 0.9), labels=[3, 1])
    assert evaluation.accuracy == 1
    assert evaluation.mistakes().tolist() == []


def test_confusion_has_true_digits_in_rows_and_answers_in_columns(evaluation: Evaluation) -> None:
    expected = np.zeros((10, 10), int)
    for true, answer in ((7, 7), (2, 2), (7, 1), (4, 9), (4, 4), (8, 0)):
        expected[true, answer] = 1
    np.testing.assert_array_equal(evaluation.confusion, expected)


@settings(deadline=None)
@given(pairs=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=60))
def test_confusion_and_scores_equal_brute_force(pairs: list[tuple[int, int]]) -> None:
    evaluation = answers(*[(answer, 0.9) for _, answer in pairs], labels=[true for true, _ in pairs])
    confusion = evaluation.confusion
    for true in range(10):
        for answer in range(10):
            assert confusion[true, answer] == pairs.count((true, answer))

    assert evaluation.accuracy == pytest.approx(sum(true == answer for true, answer in pairs) / len(pairs))
    for score in score_digits(confusion):
        of_this = [answer for true, answer in pairs if true == score.digit]
        read_as_this = [true for true, answer in pairs if answer == score.digit]
        assert score.count == len(of_this)
        recall = of_this.count(score.digit) / len(of_this) if of_this else None
        precision = read_as_this.count(score.digit) / len(read_as_this) if read_as_this else None
        assert score.recall == pytest.approx(recall)
        assert score.precision == pytest.approx(precision)


def test_scores_of_a_small_example(evaluation: Evaluation) -> None:
    scores = score_digits(evaluation.confusion)
    assert [score.digit for score in scores] == list(range(10))
    assert (scores[7].count, scores[7].recall, scores[7].precision) == (2, 0.5, 1)
    assert (scores[4].count, scores[4].recall, scores[4].precision) == (2, 0.5, 1)
    assert (scores[8].count, scores[8].recall) == (1, 0)
    assert scores[8].precision is None
    assert scores[9].precision == 0
    assert scores[9].recall is None


def test_evaluate_lets_the_network_read_every_digit() -> None:
    network = Network((784, 8, 10), generator=np.random.default_rng(1))
    generator = np.random.default_rng(2)
    digits = Digits(generator.random((3000, 784), np.float32), generator.integers(0, 10, 3000, np.uint8))
    evaluation = evaluate(network, digits)
    np.testing.assert_array_equal(evaluation.probabilities, network.predict_proba(digits.images))
    assert evaluation.labels is digits.labels
    assert evaluation.confusion.sum() == 3000
    assert np.trace(evaluation.confusion) == round(evaluation.accuracy * 3000)


@pytest.mark.parametrize("labels", [[3], [3, 3], [0, 9]])
def test_few_digits_and_absent_classes_are_scored(labels: list[int]) -> None:
    network = Network((784, 8, 10), generator=np.random.default_rng(1))
    digits = Digits(np.zeros((len(labels), 784), np.float32), np.array(labels, np.uint8))
    evaluation = evaluate(network, digits)
    assert evaluation.confusion.shape == (10, 10)
    scores = score_digits(evaluation.confusion)
    assert [score.count for score in scores] == [labels.count(digit) for digit in range(10)]
    assert all((score.recall is None) == (score.count == 0) for score in scores)


def test_no_digits_at_all_are_an_error_in_words() -> None:
    with pytest.raises(DataError, match="there are no digits to read"):
        evaluate(Network((784, 8, 10)), Digits(np.zeros((0, 784), np.float32), np.zeros(0, np.uint8)))


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "sigmoid", "tanh"])
def test_a_unit_puts_out_what_it_does_in_the_network(activation: Activation) -> None:
    network = Network((784, 3, 10), activation, generator=np.random.default_rng(1))
    network.dense_layers[0].biases[:] = 0.5
    images = np.random.default_rng(2).random((5, 784), np.float32)
    dense = network.dense_layers[0]
    outputs = unit_outputs(dense.weights[:, 2], float(dense.biases[2]), activation, images)
    assert outputs == pytest.approx(network.activations(images)[0][:, 2], rel=1e-5, abs=1e-6)


# Wilson's interval, from the table in Brown, Cai & DasGupta 2001 and by hand
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0, 0.2775), (10, 10, 0.7225, 1), (9929, 10_000, 0.99106, 0.99437)],
)
def test_the_interval_is_wilsons(successes: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=2e-4)


def test_the_interval_holds_the_true_share_about_95_times_in_100() -> None:
    counts = np.random.default_rng(0).binomial(400, 0.97, 2000)
    held = [low <= 0.97 <= high for low, high in (wilson_interval(int(count), 400) for count in counts)]
    assert 0.93 < np.mean(held) < 0.98


def test_of_no_digits_there_is_no_interval() -> None:
    with pytest.raises(DataError, match="take at least one"):
        wilson_interval(0, 0)


def test_losses_and_margins_are_those_of_the_true_digits(evaluation: Evaluation) -> None:
    # the third, a 7, was read as a 1 with 0.6; each other digit got 0.4 / 9
    assert evaluation.losses[[0, 2]] == pytest.approx([-np.log(0.9), -np.log(0.4 / 9)], rel=1e-5)
    assert evaluation.margins[[0, 2]] == pytest.approx([0.9 - 0.1 / 9, 0.4 / 9 - 0.6], rel=1e-5)
    assert np.array_equal(evaluation.margins < 0, evaluation.predictions != evaluation.labels)
    assert np.isfinite(Evaluation(np.eye(10, dtype=np.float32)[[1]], np.array([2])).losses).all()


def test_matrix_precision_and_recall_are_scikit_learns() -> None:
    test, network = load_mnist().test, load_pretrained().network
    found = evaluate(network, test)
    assert np.array_equal(found.confusion, metrics.confusion_matrix(test.labels, found.predictions))
    precision, recall, _, count = metrics.precision_recall_fscore_support(test.labels, found.predictions)
    scores = score_digits(found.confusion)
    assert [score.precision for score in scores] == pytest.approx(precision.tolist())
    assert [score.recall for score in scores] == pytest.approx(recall.tolist())
    assert [score.count for score in scores] == count.tolist()
    assert found.losses.mean() == pytest.approx(metrics.log_loss(test.labels, found.probabilities), rel=1e-4)
