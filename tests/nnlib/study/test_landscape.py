"""The landscape: every height is the network's own, and the map is the one that shows most."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp

from nnlib.digits.mnist import load_mnist
from nnlib.errors import DataError, SettingError
from nnlib.network.layers import Activation
from nnlib.network.losses import CategoricalCrossEntropy
from nnlib.network.network import Network, count_parameters
from nnlib.study.landscape import (
    COARSEST,
    DETAILS,
    MOST_LOSS,
    MOST_TRAJECTORIES,
    Landscape,
    Plane,
    Trajectory,
    _detail,
    _Surface,
    explore,
    span,
)
from nnlib.training.config import TrainingConfig
from nnlib.training.trainer import Trainer, split

CONFIG = TrainingConfig(hidden_widths=(16, 8), epochs=3, training_digits=1000, validation_digits=1000, batch_size=50)
DIGITS = split(load_mnist().train, CONFIG)[1]
WIDTHS = (784, 16, 8, 10)


def trained(learning_rate: float) -> Trajectory:
    """A training's path, from before its first correction on."""
    trainer = Trainer(CONFIG.with_changes(learning_rate=learning_rate), load_mnist())

    def moments() -> list[tuple[float, Network]]:
        found = [(0.0, copy(trainer.network))]
        found += [(record.epoch, copy(trainer.network)) for record in trainer]
        return found

    return Trajectory.of(f"rate {learning_rate}", moments())


def copy(network: Network) -> Network:
    return Network(network.widths, network.activation, parameters=network.parameters.copy())


@pytest.fixture(scope="module")
def slow() -> Trajectory:
    return trained(0.003)


@pytest.fixture(scope="module")
def fast() -> Trajectory:
    return trained(0.05)


@pytest.fixture(scope="module")
def both(slow: Trajectory, fast: Trajectory) -> Landscape:
    return whole(slow, fast)


def whole(*trajectories: Trajectory) -> Landscape:
    *_, last = explore(trajectories, DIGITS)
    return last


def resting(*factors: float, widths: tuple[int, ...] = WIDTHS, activation: Activation = "relu") -> Trajectory:
    """Moments that are multiples of one network: they lie on a straight line, or are all the same."""
    network = Network(widths, activation, generator=np.random.default_rng(1))
    network.parameters += 0.01
    moments = [Network(widths, activation, parameters=network.parameters * np.float32(factor)) for factor in factors]
    return Trajectory.of("line", enumerate(moments))


def own_loss(parameters: np.ndarray) -> float:
    """The loss of a network with these parameters, worked out in float64 and by another library."""
    scores = Network(WIDTHS, parameters=parameters.astype(np.float64)).forward(DIGITS.images)
    return float((logsumexp(scores, axis=1) - scores[np.arange(len(DIGITS)), DIGITS.labels]).mean())


# --- the plane ---


@pytest.mark.parametrize("factors", [(1,), (1, 1), (1, 1.5), (1, 1.5, 2), (0, 0)])
def test_directions_are_orthonormal_even_where_a_path_has_none(factors: tuple[float, ...]) -> None:
    trajectory = resting(*factors)
    plane, explained = span([trajectory], trajectory.parameters[-1])
    np.testing.assert_allclose(plane.directions @ plane.directions.T, np.eye(2), atol=1e-6)
    assert explained == pytest.approx(1)


def test_directions_are_the_main_components_of_a_path(slow: Trajectory) -> None:
    origin = slow.parameters[-1]
    plane, explained = span([slow], origin)
    _, strengths, components = np.linalg.svd((slow.parameters - origin).astype(np.float64), full_matrices=False)
    np.testing.assert_allclose(np.abs(plane.directions @ components[:2].T), np.eye(2), atol=1e-5)
    assert explained == pytest.approx((strengths[:2] ** 2).sum() / (strengths**2).sum())
    assert 0.5 < explained < 1


def test_a_path_ends_to_the_right_of_its_beginning_and_above(slow: Trajectory) -> None:
    plane, _ = span([slow], slow.parameters[-1])
    points = plane.project(slow.parameters)
    assert (points[-1] > points[0]).all()
    np.testing.assert_array_equal(points[-1], 0)


def test_a_path_that_went_far_does_not_hide_another(slow: Trajectory) -> None:
    random = np.random.default_rng(2).standard_normal((2, count_parameters(WIDTHS)))
    far = replace(slow, parameters=(slow.parameters[-1] + 1000 * np.stack([0 * random[0], *random])).astype(np.float32))
    plane, _ = span([slow, far], slow.parameters[-1])
    moved = slow.parameters[0] - slow.parameters[-1]
    assert np.linalg.norm(plane.project(slow.parameters)[0]) > 0.8 * np.linalg.norm(moved)


# --- the heights ---


def test_a_moment_on_the_plane_has_the_loss_of_its_network(both: Landscape, slow: Trajectory) -> None:
    # three moments are a plane: nothing of them lies off it
    few = replace(slow, parameters=slow.parameters[:3], epochs=slow.epochs[:3])
    surface, (plane, _) = _Surface(few.widths, few.activation, DIGITS), span([few], few.parameters[1])
    surface.lay(plane)
    for (x, y), parameters in zip(plane.project(few.parameters), few.parameters, strict=True):
        assert surface.at(x, y)[0] == pytest.approx(own_loss(parameters), rel=1e-4)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_three_products_of_the_first_layer_give_what_the_whole_network_does(activation: Activation) -> None:
    trajectory = resting(1, 1.2, 0.7, activation=activation)
    plane, _ = span([trajectory], trajectory.parameters[0])
    surface = _Surface(WIDTHS, activation, DIGITS)
    surface.lay(plane)
    for x, y in ((0, 0), (3, -2), (-5, 0.5)):
        network = Network(WIDTHS, activation, parameters=plane.parameters_at(x, y))
        expected = CategoricalCrossEntropy().forward(network.forward(DIGITS.images), DIGITS.labels)
        loss, accuracy = surface.at(x, y)
        assert loss == pytest.approx(expected, rel=1e-4)
        assert accuracy == pytest.approx(np.mean(network.predict(DIGITS.images) == DIGITS.labels), abs=0.002)


def test_each_point_of_the_map_has_its_own_height(both: Landscape, slow: Trajectory, fast: Trajectory) -> None:
    origin = min((own_loss(each), each.tobytes()) for each in (*slow.parameters, *fast.parameters))[1]
    plane, _ = span([slow, fast], np.frombuffer(origin, np.float32))
    for row, column in ((0, 0), (10, 50), (64, 63)):
        parameters = plane.parameters_at(both.x[column], both.y[row])
        assert both.loss[row, column] == pytest.approx(own_loss(parameters), rel=1e-3)
    assert both.n_digits == len(DIGITS)


def test_far_points_are_high_and_finite_and_nobody_is_warned() -> None:
    network = Network(WIDTHS, generator=np.random.default_rng(1))
    vectors = np.stack([network.parameters, network.parameters * np.float32(1e15)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = whole(Trajectory("far", WIDTHS, "relu", (0, 1), vectors))
    assert np.isfinite(found.loss).all()
    assert found.loss.max() == MOST_LOSS == found.paths[0].loss[1]


# --- the map ---


def test_two_runs_are_on_one_map_with_their_true_losses(both: Landscape, slow: Trajectory, fast: Trajectory) -> None:
    assert [path.name for path in both.paths] == ["rate 0.003", "rate 0.05"]
    for path, trajectory in zip(both.paths, (slow, fast), strict=True):
        assert path.epochs == trajectory.epochs
        np.testing.assert_allclose(path.loss, [own_loss(each) for each in trajectory.parameters], rtol=1e-4)
        assert ((path.points > [both.x[0], both.y[0]]) & (path.points < [both.x[-1], both.y[-1]])).all()
    np.testing.assert_allclose(both.paths[0].points[0], both.paths[1].points[0], atol=1e-5)
    # the best moment of both is where the two directions begin
    best = min(both.paths, key=lambda path: path.loss.min())
    np.testing.assert_array_equal(best.points[best.loss.argmin()], 0)


@pytest.mark.parametrize("factors", [(1,), (1, 1, 1), (1, 1.5), (0,)])
def test_a_path_that_stands_still_or_goes_straight_has_a_map_too(factors: tuple[float, ...]) -> None:
    found = whole(resting(*factors))
    assert (np.diff(found.x) > 0).all()
    assert (np.diff(found.y) > 0).all()
    assert np.ptp(found.y) > 0.4 * np.ptp(found.x)
    assert np.isfinite(found.paths[0].points).all()
    assert np.ptp(found.loss) > 0 or factors == (0,)


def test_the_same_runs_have_the_same_map(both: Landscape, slow: Trajectory, fast: Trajectory) -> None:
    assert whole(slow, fast).to_json() == both.to_json()
    assert whole(resting(1, 1.5)).to_json() == whole(resting(1, 1.5)).to_json()


def test_a_map_comes_ever_finer_and_never_with_a_gap(slow: Trajectory) -> None:
    seen = list(explore([slow], DIGITS))
    done = [each.done for each in seen]
    assert done == sorted(set(done))
    assert done[-1] == 1
    assert len(done) > 100
    first, last = seen[0], seen[-1]
    assert first.done == pytest.approx((64 / COARSEST + 1) ** 2 / 65**2)
    assert (first.loss > 0).all()
    np.testing.assert_array_equal(first.loss[::COARSEST, ::COARSEST], last.loss[::COARSEST, ::COARSEST])


def test_a_map_can_be_sent_as_json(both: Landscape) -> None:
    again = Landscape.from_json(both.to_json())
    assert again.to_json() == both.to_json()
    np.testing.assert_array_equal(again.paths[1].points, both.paths[1].points)
    np.testing.assert_array_equal(again.loss, both.loss)


@pytest.mark.parametrize(
    ("hidden", "detail"), [((128, 64, 64), DETAILS[0]), ((1024,) * 6, DETAILS[-1]), ((1,), DETAILS[0])]
)
def test_a_larger_network_has_a_coarser_map(hidden: tuple[int, ...], detail: tuple[int, int]) -> None:
    assert _detail((784, *hidden, 10)) == detail
    assert all((side - 1) % COARSEST == 0 for side, _ in DETAILS)


# --- what is refused ---


def test_networks_of_two_forms_have_no_landscape(slow: Trajectory) -> None:
    with pytest.raises(SettingError) as refused:
        whole(slow, resting(1, 2, widths=(784, 5, 10), activation="tanh"))
    assert str(refused.value) == (
        "rate 0.003 is 784-16-8-10, relu, but line is 784-5-10, tanh: only networks with the same layers and "
        "activation have one landscape, so choose such runs."
    )


@pytest.mark.parametrize("n", [0, MOST_TRAJECTORIES + 1])
def test_none_and_too_many_have_no_landscape(n: int) -> None:
    with pytest.raises(SettingError, match=rf"^a landscape is asked for {n} runs: it takes 1 to 4, so choose .*\.$"):
        whole(*[resting(1)] * n)


def test_a_path_needs_a_moment_and_a_map_digits(slow: Trajectory) -> None:
    with pytest.raises(DataError, match=r"^run 3 has no snapshot: .*\.$"):
        Trajectory.of("run 3", [])
    with pytest.raises(DataError, match="no digits"):
        next(explore([slow], DIGITS[:0]))


def test_a_plane_is_at_its_origin_where_it_begins() -> None:
    plane = Plane(np.array([1, 2, 3], np.float32), np.eye(3, dtype=np.float32)[:2])
    assert plane.parameters_at(0, 0).tolist() == [1, 2, 3]
    assert plane.parameters_at(2, -1).tolist() == [3, 1, 3]
    assert plane.project(np.array([[3, 1, 9]], np.float32)).tolist() == [[2, -1]]
