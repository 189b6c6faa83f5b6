"""Evidence: against finite differences, against brute force, and on real digits."""

import numpy as np
import pytest

from nnlib.digits.mnist import load_mnist
from nnlib.model_files import load_pretrained
from nnlib.network.layers import ACTIVATIONS, Activation
from nnlib.network.network import Network
from nnlib.study import evidence

EMPTY = np.zeros((1, 784), np.float32)


@pytest.fixture(scope="module")
def network() -> Network:
    return load_pretrained().network


def digit(index: int) -> np.ndarray:
    return load_mnist().test.images[index]


def test_log_odds_are_those_of_the_probabilities(network: Network) -> None:
    images = load_mnist().test.images[:50].astype(np.float64)
    network = Network(network.widths, network.activation, parameters=network.parameters.astype(np.float64))
    probabilities = network.predict_proba(images)
    expected = np.log(probabilities) - np.log1p(-probabilities)
    usual = np.abs(expected) < 20  # beyond, 1 - p has no digits left
    assert evidence.log_odds(network, images)[usual] == pytest.approx(expected[usual], abs=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_slope_at_a_pixel_is_what_a_little_more_ink_does(activation: Activation) -> None:
    generator = np.random.default_rng(0)
    network = Network((784, 20, 12, 10), activation, generator=generator, dtype=np.float64)
    image = generator.random(784)
    found = evidence.gradient_times_input(network, image)
    for pixel in generator.integers(0, 784, 40):
        more, less = image.copy(), image.copy()
        more[pixel] += 1e-6
        less[pixel] -= 1e-6
        odds = evidence.log_odds(network, np.stack([more, less]))
        assert found[:, pixel] == pytest.approx((odds[0] - odds[1]) / 2e-6 * image[pixel], rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("index", [0, 8, 115])
def test_integrated_gradients_add_up_to_what_the_digit_changed(network: Network, index: int) -> None:
    gained = (evidence.log_odds(network, digit(index)[None]) - evidence.log_odds(network, EMPTY))[0]
    assert evidence.integrated_gradients(network, digit(index)).sum(axis=1) == pytest.approx(gained, abs=0.15)


def test_occlusion_is_the_mean_over_all_squares_that_hold_a_pixel(network: Network) -> None:
    image = digit(8)
    found = evidence.occlusion(network, image)
    for row, column in ((0, 0), (14, 14), (9, 20), (27, 13)):
        falls = []
        for top in range(max(0, row - 3), min(row, 24) + 1):
            for left in range(max(0, column - 3), min(column, 24) + 1):
                covered = image.reshape(28, 28).copy()
                covered[top : top + 4, left : left + 4] = 0
                odds = evidence.log_odds(network, np.stack([image, covered.reshape(-1)]))
                falls.append(odds[0] - odds[1])
        assert found[:, 28 * row + column] == pytest.approx(np.mean(falls, axis=0), abs=1e-3)


def test_where_there_is_no_ink_slopes_say_nothing(network: Network) -> None:
    image = digit(3)
    for way in (evidence.gradient_times_input, evidence.integrated_gradients):
        assert not way(network, image)[:, image == 0].any()


@pytest.mark.parametrize("index", [0, 8, 18, 115, 247])
def test_the_smallest_change_turns_the_answer_and_less_of_it_does_not(network: Network, index: int) -> None:
    image = digit(index)
    second = int(network.predict_proba(image[None])[0].argsort()[-2])
    turned = evidence.smallest_change(network, image, second)
    assert turned.reached
    assert network.predict(turned.image[None])[0] == second
    assert turned.image.min() >= 0
    assert turned.image.max() <= 1
    assert turned.distance == pytest.approx(np.linalg.norm(turned.image - image), rel=1e-4)
    less = (image + 0.99 * (turned.image - image))[None]
    assert network.predict(less)[0] != second
    # a change at random, of the same size, hardly ever does that
    at_random = np.random.default_rng(0).standard_normal((200, 784))
    at_random *= turned.distance / np.linalg.norm(at_random, axis=1, keepdims=True)
    assert np.mean(network.predict(np.clip(image + at_random, 0, 1).astype(np.float32)) == second) < 0.2


def test_what_is_read_so_already_needs_no_change(network: Network) -> None:
    assert evidence.smallest_change(network, digit(0), 7).distance == pytest.approx(0, abs=1e-3)


def test_where_no_change_helps_that_is_said() -> None:
    network = Network((784, 10))  # all weights are zero: it answers 0 whatever it sees
    assert not evidence.smallest_change(network, digit(0), 3).reached
    assert not evidence.redraw(network, digit(0), 3).reached
    assert not evidence.redraw(network, EMPTY[0], 3).reached


def drawn_again(image: np.ndarray, dabs: tuple[evidence.Dab, ...]) -> np.ndarray:
    """A digit with these dabs, pixel by pixel."""
    picture = image.reshape(28, 28).copy()
    for dab in dabs:
        for row in range(28):
            for column in range(28):
                distance = np.hypot(row - dab.row, column - dab.column)
                covered = np.float32(min(max(evidence.DAB_PX + 0.5 - distance, 0), 1))
                old = picture[row, column]
                picture[row, column] = max(old, covered) if dab.adds else old * (1 - covered)
    return picture.reshape(-1)


@pytest.mark.parametrize("index", [0, 8, 625, 1393, 3869, 5745])
def test_pen_and_eraser_turn_the_answer_with_dabs_that_are_all_needed(network: Network, index: int) -> None:
    image = digit(index)
    for answer in range(10):
        found = evidence.redraw(network, image, answer)
        if network.predict(image[None])[0] == answer:
            assert (found.dabs, found.reached) == ((), True)
            continue
        assert found.image == pytest.approx(drawn_again(image, found.dabs), abs=1e-5)
        assert found.reached == (network.predict(found.image[None])[0] == answer)
        for place in range(len(found.dabs) if found.reached else 0):
            fewer = found.dabs[:place] + found.dabs[place + 1 :]
            assert network.predict(drawn_again(image, fewer)[None])[0] != answer
        dab, _ = evidence._best_dab(network, image, answer)  # a pen goes on where there is ink
        rows, columns = np.nonzero(image.reshape(28, 28) >= 0.5)
        near = np.hypot(rows - dab.row, columns - dab.column).min() <= evidence.REACH_PX
        assert near if dab.adds else image[28 * dab.row + dab.column] > 0


def test_the_first_dab_is_the_best_of_all(network: Network) -> None:
    image, leads = digit(3869), {}
    for row in range(28):
        for column in range(28):
            for adds in (True, False):
                dab = evidence.Dab(row, column, adds)
                scores = network.forward(drawn_again(image, (dab,))[None])[0]
                leads[dab] = scores[9] - np.delete(scores, 9).max()
    (best,) = evidence.redraw(network, image, 9).dabs
    assert leads[best] == pytest.approx(max(leads.values()), rel=1e-4)


def test_maps_agree_where_all_say_the_same_and_as_much_as_the_most_cautious() -> None:
    one, other = np.array([2.0, 1.0, -4.0, 0.0]), np.array([10.0, -5.0, -2.5, 10.0])
    assert evidence.agreement([one, other]).tolist() == [0.5, 0.0, -0.25, 0.0]
    assert evidence.agreement([one, np.zeros(4)]).tolist() == [0.0] * 4


def test_a_part_is_one_of_the_digit_and_not_of_the_paper() -> None:
    image = np.zeros((28, 28), np.float32)
    image[10:19, 6:12] = 1
    for row, column, expected in (
        (10, 6, (0, 0)),
        (14, 8, (1, 1)),
        (18, 11, (2, 2)),
        (11, 11, (0, 2)),
        (13, 11, (1, 2)),
        (0, 27, (0, 2)),
    ):
        weights = np.zeros((28, 28))
        weights[row, column] = 1
        assert evidence.part_of(weights.reshape(-1), image.reshape(-1)) == expected
    assert evidence.part_of(np.eye(28).reshape(-1), np.zeros(784)) in {(0, 0), (1, 1), (2, 2)}


def test_a_network_that_others_read_with_is_left_as_it_is(network: Network) -> None:
    before = network.gradient.copy()
    evidence.integrated_gradients(network, digit(1))
    assert np.array_equal(network.gradient, before)
    assert not network.dense_layers[0].needs_input_gradient
