"""Every optimizer steps as its paper says, and every schedule runs the course it is named for."""

import math
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib.network.optimizers import OPTIMIZERS, SGD, Adam, Optimizer, RMSprop, Schedule, schedule_factor

START, FIRST, SECOND, RATE = 2.0, 0.5, -1.5, 0.1  # one parameter, its gradient in two steps, the learning rate


def two_steps(optimizer_class: type[Optimizer], **settings: float) -> list[float]:
    """The parameter after each of two steps."""
    parameters, gradient = np.array([START]), np.zeros(1)
    optimizer = optimizer_class(parameters, gradient, **settings)
    found = []
    for slope in (FIRST, SECOND):
        gradient[:] = slope
        optimizer.step(RATE)
        found.append(float(parameters[0]))
    return found


def test_every_optimizer_can_be_chosen_by_name() -> None:
    assert set(OPTIMIZERS.values()) == set(Optimizer.__subclasses__()) == {SGD, RMSprop, Adam}


def test_sgd_steps_straight_downhill() -> None:
    after_one = START - RATE * FIRST
    assert two_steps(SGD) == pytest.approx([after_one, after_one - RATE * SECOND], rel=1e-12)


def test_sgd_with_momentum_carries_over_a_share_of_its_velocity() -> None:
    velocity = FIRST
    after_one = START - RATE * velocity
    velocity = 0.9 * velocity + SECOND
    after_two = after_one - RATE * velocity
    assert two_steps(SGD, momentum=0.9) == pytest.approx([after_one, after_two], rel=1e-12)


def test_rmsprop_divides_by_the_recent_size_of_the_gradient() -> None:
    square = 0.01 * FIRST**2
    after_one = START - RATE * FIRST / (math.sqrt(square) + 1e-8)
    square = 0.99 * square + 0.01 * SECOND**2
    after_two = after_one - RATE * SECOND / (math.sqrt(square) + 1e-8)
    assert two_steps(RMSprop) == pytest.approx([after_one, after_two], rel=1e-12)


def adam_by_hand(gradients: list[float], decay: float = 0.0) -> list[float]:
    """Algorithm 1 of Kingma & Ba, line by line, with the decay of Loshchilov & Hutter's Algorithm 2."""
    parameter, m, v, found = START, 0.0, 0.0, []
    for t, g in enumerate(gradients, start=1):
        m = 0.9 * m + (1 - 0.9) * g
        v = 0.999 * v + (1 - 0.999) * g**2
        m_hat = m / (1 - 0.9**t)
        v_hat = v / (1 - 0.999**t)
        parameter = parameter - RATE * decay * parameter - RATE * m_hat / (math.sqrt(v_hat) + 1e-8)
        found.append(parameter)
    return found


def test_adam_follows_algorithm_1() -> None:
    assert two_steps(Adam) == pytest.approx(adam_by_hand([FIRST, SECOND]), rel=1e-12)


def test_adam_with_a_tiny_gradient_still_follows_algorithm_1() -> None:
    # here epsilon outweighs the gradient: it must stand outside the root, after the bias correction
    parameters, gradient = np.array([START]), np.array([1e-9])
    Adam(parameters, gradient).step(RATE)
    assert START - parameters[0] == pytest.approx(START - adam_by_hand([1e-9])[0], rel=1e-9)


def test_adam_with_weight_decay_is_adamw() -> None:
    assert two_steps(Adam, weight_decay=0.3) == pytest.approx(adam_by_hand([FIRST, SECOND], decay=0.3), rel=1e-12)


def test_l2_adds_the_slope_of_its_penalty_to_the_gradient() -> None:
    slope = FIRST + 0.2 * START
    velocity, after_one = slope, START - RATE * slope
    velocity = 0.9 * velocity + (SECOND + 0.2 * after_one)
    assert two_steps(SGD, momentum=0.9, l2=0.2) == pytest.approx([after_one, after_one - RATE * velocity], rel=1e-12)

    first, second = adam_by_hand([FIRST + 0.2 * START])[0], two_steps(Adam, l2=0.2)
    assert second == pytest.approx([first, adam_by_hand([FIRST + 0.2 * START, SECOND + 0.2 * first])[1]], rel=1e-12)


def test_weight_decay_shrinks_the_parameters_apart_from_the_gradient() -> None:
    velocity = FIRST
    after_one = START * (1 - RATE * 0.3) - RATE * velocity
    velocity = 0.9 * velocity + SECOND
    after_two = after_one * (1 - RATE * 0.3) - RATE * velocity
    assert two_steps(SGD, momentum=0.9, weight_decay=0.3) == pytest.approx([after_one, after_two], rel=1e-12)


def test_l2_and_weight_decay_both_look_at_the_parameters_before_the_step() -> None:
    after_one = START * (1 - RATE * 0.3) - RATE * (FIRST + 0.2 * START)
    assert two_steps(SGD, l2=0.2, weight_decay=0.3)[0] == pytest.approx(after_one, rel=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_step_changes_the_given_vector_in_place_and_counts(name: Any) -> None:
    parameters, gradient = np.ones(5, np.float32), np.full(5, 0.5, np.float32)
    optimizer = OPTIMIZERS[name](parameters, gradient)
    optimizer.step(0.01)
    assert optimizer.parameters is parameters
    assert (parameters < 1).all()
    assert optimizer.step_count == 1
    assert all(vector.dtype == np.float32 for vector in optimizer.state.values())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_and_step_count_are_all_that_it_remembers(name: Any) -> None:
    generator = np.random.default_rng(1)
    gradients = generator.standard_normal((6, 4))
    parameters, gradient = np.ones(4), np.empty(4)
    optimizer = OPTIMIZERS[name](parameters, gradient)
    for each in gradients[:3]:
        gradient[:] = each
        optimizer.step(0.1)

    copied = parameters.copy()
    other = OPTIMIZERS[name](copied, gradient)
    other.step_count = optimizer.step_count
    for key, vector in optimizer.state.items():
        other.state[key][:] = vector
    for each in gradients[3:]:
        for one in (optimizer, other):
            gradient[:] = each
            one.step(0.1)
    np.testing.assert_array_equal(copied, parameters)


@pytest.mark.parametrize(
    ("make_ours", "torch_name", "torch_settings"),
    [
        (lambda p, g: SGD(p, g), "SGD", {}),
        (lambda p, g: SGD(p, g, momentum=0.9), "SGD", {"momentum": 0.9}),
        (lambda p, g: SGD(p, g, momentum=0.9, l2=0.05), "SGD", {"momentum": 0.9, "weight_decay": 0.05}),
        (lambda p, g: RMSprop(p, g), "RMSprop", {}),
        (lambda p, g: RMSprop(p, g, l2=0.05), "RMSprop", {"weight_decay": 0.05}),
        (lambda p, g: Adam(p, g), "Adam", {}),
        (lambda p, g: Adam(p, g, l2=0.05), "Adam", {"weight_decay": 0.05}),
        (lambda p, g: Adam(p, g, weight_decay=0.05), "AdamW", {"weight_decay": 0.05}),
    ],
    ids=["sgd", "momentum", "momentum-l2", "rmsprop", "rmsprop-l2", "adam", "adam-l2", "adamw"],
)
def test_twenty_steps_equal_those_of_torch(
    make_ours: Callable[[np.ndarray, np.ndarray], Optimizer], torch_name: str, torch_settings: dict[str, float]
) -> None:
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(1)
    parameters, gradient = generator.standard_normal(50), np.empty(50)
    ours = make_ours(parameters, gradient)
    tensor = torch.tensor(parameters, requires_grad=True)
    theirs = getattr(torch.optim, torch_name)([tensor], lr=0.01, **torch_settings)
    for _ in range(20):
        gradient[:] = generator.standard_normal(50)
        tensor.grad = torch.tensor(gradient)
        ours.step(0.01)
        theirs.step()
    np.testing.assert_allclose(parameters, tensor.detach().numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("schedule", "start", "middle", "end"),
    [
        ("constant", 1, 1, 1),
        ("step", 1, 1 / 4, 1 / 16),
        ("cosine", 1, 1 / 2, 0),
        # half of the way is 2/7 of the way down
        ("one_cycle", 1 / 25, 0.5 + 0.5 * math.cos(math.pi * 2 / 7), 0),
    ],
)
def test_schedule_at_start_middle_and_end(schedule: Schedule, start: float, middle: float, end: float) -> None:
    found = [schedule_factor(schedule, progress) for progress in (0, 0.5, 1)]
    assert found == pytest.approx([start, middle, end], abs=1e-12)


@settings(deadline=None)
@given(schedule=st.sampled_from(get_args(Schedule)), progress=st.floats(0, 1))
def test_schedule_stays_between_0_and_1(schedule: Schedule, progress: float) -> None:
    assert 0 <= schedule_factor(schedule, progress) <= 1


def test_step_schedule_halves_after_each_quarter() -> None:
    found = [schedule_factor("step", progress) for progress in (0.24, 0.25, 0.49, 0.5, 0.74, 0.75, 0.99)]
    assert found == [1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]


def test_cosine_schedule_only_falls() -> None:
    assert (np.diff([schedule_factor("cosine", progress) for progress in np.linspace(0, 1, 101)]) < 0).all()


def test_one_cycle_peaks_at_30_percent() -> None:
    factors = np.array([schedule_factor("one_cycle", percent / 100) for percent in range(101)])
    assert factors[30] == factors.max() == 1
    assert (np.diff(factors[:31]) > 0).all()
    assert (np.diff(factors[30:]) < 0).all()


@pytest.mark.parametrize(
    ("optimizer_class", "settings"), [(Adam, {}), (RMSprop, {}), (SGD, {"momentum": 0.9}), (SGD, {"momentum": 0.999})]
)
def test_what_is_remembered_of_a_weight_without_gradient_becomes_nothing_and_never_less_than_normal(
    optimizer_class: type[Optimizer], settings: dict[str, float]
) -> None:
    # numbers below the smallest normal one take a processor a hundred times as long
    parameters, gradient = np.ones(3, np.float32), np.array([1e-3, 1e-14, 0], np.float32)
    optimizer = optimizer_class(parameters, gradient, **settings)
    optimizer.step(RATE)
    gradient[:] = 0
    smallest = np.finfo(np.float32).tiny
    for _ in range(1500):
        optimizer.step(RATE)
        for vector in optimizer.state.values():
            assert not np.any((vector != 0) & (np.abs(vector) < smallest))
    if settings != {"momentum": 0.999}:
        assert optimizer.state[optimizer.state_names[0]][1] == 0
    assert np.isfinite(parameters).all()
