"""A partner does the same work in a process of its own, changes no result, and never outlives its parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from nnlib.digits.mnist import load_mnist
from nnlib.errors import PartnerLostError
from nnlib.training import partner as partner_module
from nnlib.training.config import TrainingConfig
from nnlib.training.partner import POSSIBLE, Helper, Partner, shared_zeros
from nnlib.training.trainer import EpochRecord, Trainer

ROOT = Path(__file__).parents[3]
needs_partner = pytest.mark.skipif(not POSSIBLE, reason="this machine has one core, or another system")

CONFIG = TrainingConfig(
    hidden_widths=(32, 16),
    epochs=3,
    batch_size=50,
    training_digits=2010,
    validation_digits=200,
    dropout=0.1,
    augmentation=0.5,
    label_smoothing=0.1,
    l2=0.001,
    schedule="cosine",
)


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


def wait_for(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def numbers() -> np.ndarray:
    return shared_zeros(4, np.float64)


@pytest.fixture
def partner(numbers: np.ndarray) -> Iterator[Partner]:
    def count() -> None:
        numbers[0] += 1

    def say_who() -> None:
        numbers[1] = os.getpid()

    found = Partner([count, say_who])
    yield found
    found.dismiss()


def test_shared_zeros_are_zeros_of_that_length_and_kind() -> None:
    assert shared_zeros(3).tolist() == [0, 0, 0]
    assert shared_zeros(3).dtype == np.float32
    assert shared_zeros(0, np.int64).shape == (0,)


@needs_partner
def test_a_partner_does_each_task_once_in_a_process_of_its_own(partner: Partner, numbers: np.ndarray) -> None:
    for _ in range(3):
        partner.wake()
        for _ in range(50):
            partner.ask(0)
            partner.wait()
        partner.ask(1)
        partner.wait()
        partner.rest()
    assert numbers[0] == 150
    assert numbers[1] not in (0, os.getpid())


@needs_partner
def test_a_resting_partner_uses_no_processor(partner: Partner) -> None:
    (child,) = children()
    partner.wake()
    partner.rest()
    before = child.cpu_times().user
    time.sleep(0.5)
    assert child.cpu_times().user - before <= 0.1


@needs_partner
def test_a_partner_that_is_killed_is_missed_in_one_sentence(partner: Partner) -> None:
    partner.wake()
    (child,) = children()
    child.kill()
    partner.ask(0)
    with pytest.raises(PartnerLostError, match=r"second process of this training ended.*resume it"):
        partner.wait()


@needs_partner
def test_a_partner_whose_task_fails_is_missed_too(numbers: np.ndarray) -> None:
    failing = Partner([lambda: numbers.__setitem__(99, 1)])
    failing.wake()
    failing.ask(0)
    with pytest.raises(PartnerLostError):
        failing.wait()
    failing.dismiss()


@needs_partner
@pytest.mark.parametrize("awake", [True, False])
def test_a_partner_ends_when_its_parent_is_killed(awake: bool) -> None:
    program = f"""
import time
from nnlib.training.partner import Partner
partner = Partner([])
if {awake}:
    partner.wake()
print(partner._pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.send_signal(signal.SIGKILL)
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


# --- when a helper seeks one ---


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class FakePartner:
    """Does tasks here, and says what became of it."""

    alive: int = 0

    def __init__(self, tasks: list[Callable[[], None]]) -> None:
        self.tasks = tasks
        FakePartner.alive += 1

    def ask(self, task: int) -> None:
        self.tasks[task]()

    def wait(self) -> None: ...

    def wake(self) -> None: ...

    def rest(self) -> None: ...

    def dismiss(self) -> None:
        FakePartner.alive -= 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(partner_module, "time", clock)
    monkeypatch.setattr(partner_module, "Partner", FakePartner)
    monkeypatch.setattr(partner_module, "POSSIBLE", True)
    FakePartner.alive = 0
    return clock


def work(helper: Helper, clock: Clock, rate: float) -> None:
    """A stretch of a quarter of a second."""
    with helper.at_work():
        for _ in range(int(rate / 4)):
            helper.ask(0)
            helper.wait()
        clock.now += 0.25


def test_a_partner_that_is_faster_is_kept(clock: Clock) -> None:
    done: list[int] = []
    helper = Helper([lambda: done.append(1)])
    assert FakePartner.alive == 0
    work(helper, clock, 100)
    assert FakePartner.alive == 1
    for _ in range(20):
        work(helper, clock, 160)
    assert FakePartner.alive == 1
    assert len(done) == 25 + 20 * 40
    helper.dismiss()
    assert FakePartner.alive == 0


def test_a_partner_that_slows_the_work_is_dismissed_and_tried_again_later(clock: Clock) -> None:
    helper = Helper([lambda: None])
    work(helper, clock, 100)
    # once is nothing
    work(helper, clock, 60)
    work(helper, clock, 160)
    work(helper, clock, 60)
    assert FakePartner.alive == 1
    work(helper, clock, 60)
    assert FakePartner.alive == 0
    with_partner = []
    for _ in range(80):  # 20 seconds
        work(helper, clock, 60 if FakePartner.alive else 100)
        with_partner.append(FakePartner.alive)
    assert 4 <= sum(with_partner) <= 10
    assert with_partner[:19] == [0] * 19
    helper.dismiss()


def test_where_there_is_no_room_for_a_process_it_goes_on_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room() -> int:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", no_room)
    monkeypatch.setattr(partner_module, "_MEASURE_SECONDS", 0.0)
    open_before = psutil.Process().num_fds()
    trainer = Trainer(CONFIG, load_mnist(), progress_seconds=0)
    assert len(list(trainer)) == trainer.total_steps
    assert psutil.Process().num_fds() == open_before


def test_where_none_is_possible_none_is_sought(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partner_module, "POSSIBLE", False)
    helper = Helper([lambda: None])
    for _ in range(5):
        work(helper, clock, 100)
    assert FakePartner.alive == 0


# --- in a training ---


@needs_partner
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_a_partner_changes_no_bit_of_a_training(monkeypatch: pytest.MonkeyPatch, optimizer: str) -> None:
    data = load_mnist()
    config = CONFIG.with_changes(optimizer=optimizer)
    # never: the work ends before it is measured
    monkeypatch.setattr(partner_module, "_MEASURE_SECONDS", 1e9)
    alone = Trainer(config, data, progress_seconds=0)
    records_alone = [record.training_loss for record in alone]

    # at once, and for good
    monkeypatch.setattr(partner_module, "_MEASURE_SECONDS", 0.0)
    monkeypatch.setattr(Helper, "_choose", _always_with_partner)
    together = Trainer(config, data, progress_seconds=0)
    seen = []
    losses = []
    for record in together:
        seen.append(len(children()))
        losses.append(record.training_loss)
    assert sum(seen) >= len(seen) - 1
    assert children() == []
    assert losses == records_alone
    for name, vector in alone._vectors().items():
        assert vector.tobytes() == together._vectors()[name].tobytes(), name


def _always_with_partner(helper: Helper, rate: float) -> None:
    helper._partner = helper._partner or Partner(helper._tasks)


@needs_partner
def test_a_training_that_is_left_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partner_module, "_MEASURE_SECONDS", 0.0)
    monkeypatch.setattr(Helper, "_choose", _always_with_partner)
    records = iter(Trainer(CONFIG, load_mnist(), progress_seconds=0))
    for _ in range(3):
        next(records)
    assert len(children()) == 1
    del records
    assert children() == []


@needs_partner
def test_a_training_whose_partner_is_killed_says_so_and_goes_on_from_its_checkpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(partner_module, "_MEASURE_SECONDS", 0.0)
    monkeypatch.setattr(Helper, "_choose", _always_with_partner)
    data = load_mnist()
    whole, broken = (Trainer(CONFIG, data, progress_seconds=0) for _ in range(2))
    *_, last = whole
    records = iter(broken)
    for _ in range(10):
        next(records)
    checkpoint = broken.checkpoint()
    children()[0].kill()
    with pytest.raises(PartnerLostError):
        list(records)
    resumed = Trainer.resume(checkpoint, data)
    *_, found = resumed
    assert isinstance(last, EpochRecord)
    assert isinstance(found, EpochRecord)
    assert found.validation_loss == last.validation_loss
    np.testing.assert_array_equal(resumed.network.parameters, whole.network.parameters)
