"""A partner does the same work in a process of its own, changes no result, and never outlives its parent."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from nnlib.digits.mnist import load_mnist
from nnlib.errors import PartnerLostError
from nnlib.training import partner as partner_module
from nnlib.training.config import TrainingConfig
from nnlib.training.halves import by_units
from nnlib.training.partner import POSSIBLE, Helper, Partner, SharedMemory
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
    label_smoothing=0.1,
    l2=0.001,
    schedule="cosine",
)
BY_DIGITS = CONFIG.with_changes(augmentation=0.5)

# what the partners of these tests do
TASKS = """
import os
import time
from nnlib.training.partner import serve

def prepare(job, memory):
    numbers = memory["numbers of the test"]

    def count():
        numbers[0] += job["step"]

    def say_who():
        numbers[1] = os.getpid()

    def fail():
        raise RuntimeError("on purpose")

    time.sleep(job.get("late", 0))
    return [count, say_who, fail]

if __name__ == "__main__":
    serve(prepare)
"""
COUNT, SAY_WHO, FAIL = range(3)


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


def wait_for(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def memory() -> SharedMemory:
    return SharedMemory({"numbers of the test": ((2,), "float64")})


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "counting_for_a_test.py").write_text(TASKS)
    monkeypatch.syspath_prepend(tmp_path)
    return "counting_for_a_test"


@pytest.fixture
def partner(module: str, memory: SharedMemory) -> Iterator[Partner]:
    found = Partner(module, {"step": 2}, memory)
    wait_for(lambda: found.ready)
    yield found
    found.dismiss()


def test_shared_memory_holds_zeros_of_that_shape_and_kind() -> None:
    memory = SharedMemory({"one": ((3,), "float32"), "none": ((0, 5), "int64"), "table": ((2, 2), "uint8")})
    memory["one"][:] = 7
    assert memory["one"].dtype == np.float32
    assert memory["none"].shape == (0, 5)
    assert memory["table"].tolist() == [[0, 0], [0, 0]]


@needs_partner
def test_shared_memory_leaves_no_descriptor() -> None:
    before = psutil.Process().num_fds()
    memory = SharedMemory({"one": ((3,), "float32")})
    view = memory["one"][1:]
    del memory
    view[:] = 1
    del view
    assert psutil.Process().num_fds() <= before


@needs_partner
def test_a_partner_does_each_task_once_in_a_process_of_its_own(partner: Partner, memory: SharedMemory) -> None:
    for _ in range(3):
        partner.wake()
        for _ in range(50):
            partner.ask(COUNT)
            partner.wait()
        partner.ask(SAY_WHO)
        partner.wait()
        partner.rest()
    total, who = memory["numbers of the test"]
    assert total == 300
    assert who not in (0, os.getpid())


@needs_partner
def test_a_partner_does_several_tasks_that_were_asked_for_at_once(partner: Partner, memory: SharedMemory) -> None:
    partner.wake()
    for _ in range(20):
        partner.ask(COUNT)
        partner.ask(COUNT)
        partner.ask(SAY_WHO)
        partner.wait()
    partner.rest()
    assert memory["numbers of the test"][0] == 80


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
    partner.ask(COUNT)
    with pytest.raises(PartnerLostError, match=r"second process of this training ended.*resume it"):
        partner.wait()
    assert partner.gone


@needs_partner
def test_a_partner_whose_task_fails_is_missed_too(partner: Partner) -> None:
    partner.wake()
    partner.ask(FAIL)
    with pytest.raises(PartnerLostError):
        partner.wait()


@needs_partner
def test_ctrl_c_in_a_terminal_does_not_reach_a_partner(partner: Partner) -> None:
    (child,) = children()
    # the terminal's signals go to a whole group
    assert os.getpgid(child.pid) != os.getpgid(0)


@needs_partner
@pytest.mark.parametrize("when", ["coming", "asleep", "at work"])
def test_a_partner_ends_when_its_parent_is_killed(module: str, when: str) -> None:
    program = f"""
import time
from nnlib.training.partner import Partner, SharedMemory
memory = SharedMemory({{"numbers of the test": ((2,), "float64")}})
partner = Partner({module!r}, {{"step": 1, "late": {0.5 if when == "coming" else 0}}}, memory)
while {when != "coming"} and not partner.ready:
    time.sleep(0.01)
if {when == "at work"}:
    partner.wake()
print(partner._process.pid, flush=True)
time.sleep(60)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
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

    def __init__(self) -> None:
        self.tasks: list[Callable[[], None]] = [lambda: self.done.append(1)]
        self.done: list[int] = []
        self.ready, self.gone, self.awake = True, False, False

    def ask(self, task: int) -> None:
        assert self.awake
        self.tasks[task]()

    def wait(self) -> None: ...

    def wake(self) -> None:
        self.awake = True

    def rest(self) -> None:
        self.awake = False

    def dismiss(self) -> None:
        self.gone = True


@pytest.fixture(autouse=True)
def both_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training may have a partner."""
    monkeypatch.delenv("NNLIB_PROCESSES", raising=False)


def test_who_wants_one_process_gets_no_partner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNLIB_PROCESSES", "1")
    monkeypatch.setattr(partner_module, "_MEASURE_SECONDS", 0.0)
    trainer = Trainer(CONFIG, load_mnist(), progress_seconds=0)
    monkeypatch.setattr(trainer, "_engage", lambda: pytest.fail("nobody may be engaged"))
    list(trainer)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(partner_module, "time", clock)
    monkeypatch.setattr(partner_module, "POSSIBLE", True)
    return clock


class Company:
    """A helper, the partners that it engaged, and what both sides did."""

    def __init__(self, clock: Clock, *partners: FakePartner) -> None:
        self.clock, self.partners, self.engaged = clock, iter(partners), 0
        self.alone: list[int] = []
        self.helper = Helper([lambda: self.alone.append(1)], self.engage)

    def engage(self) -> Any:
        self.engaged += 1
        return next(self.partners)

    def work(self, alone: float, together: float) -> bool:
        """A stretch of a quarter of a second, at so many tasks a second; whether the partner took part."""
        with self.helper.at_work():
            working = self.helper._at_work is not None
            for _ in range(int((together if working else alone) / 4)):
                self.helper.ask(0)
                self.helper.wait()
            self.clock.now += 0.25
        return working


def test_a_partner_that_is_faster_is_kept(clock: Clock) -> None:
    partner = FakePartner()
    company = Company(clock, partner)
    taking_part = [company.work(100, 160) for _ in range(400)]  # 100 seconds
    assert sum(taking_part[:2]) == 0
    assert all(taking_part[2:8])
    # tried without it for a moment, now and then
    assert sum(taking_part) >= 385
    assert company.engaged == 1
    assert not partner.awake
    assert len(company.alone) == 25 * (400 - sum(taking_part))
    assert len(partner.done) == 40 * sum(taking_part)
    company.helper.dismiss()
    assert partner.gone


def test_work_goes_on_alone_until_the_partner_has_come(clock: Clock) -> None:
    partner = FakePartner()
    partner.ready = False
    company = Company(clock, partner)
    # it slows the work while it comes
    assert not any(company.work(50, 80) for _ in range(10))
    partner.ready = True
    assert sum(company.work(100, 80) for _ in range(40)) == 2
    assert company.engaged == 1


def test_a_partner_that_slows_the_work_is_tried_ever_more_seldom(clock: Clock) -> None:
    company = Company(clock, FakePartner())
    taking_part = [company.work(100, 60) for _ in range(400)]  # 100 seconds
    tries = [place for place, working in enumerate(taking_part) if working]
    pauses = np.diff(tries)
    assert list(pauses) == sorted(pauses)
    assert pauses[-1] == pytest.approx(64, abs=2)  # sixteen seconds
    # and comes back for good once there is room
    later = [company.work(100, 160) for _ in range(200)]
    assert sum(later[65:]) >= 128


def test_when_the_work_slows_down_the_other_way_is_tried_at_once(clock: Clock) -> None:
    company = Company(clock, FakePartner())
    for _ in range(40):
        company.work(100, 160)
    # somebody else wants one of the two processors
    taking_part = [company.work(100, 60) for _ in range(10)]
    assert taking_part[0]
    assert not any(taking_part[1:])


def test_a_long_pause_brings_no_trial_nearer(clock: Clock) -> None:
    company = Company(clock, FakePartner())
    for _ in range(4):
        company.work(100, 160)
    clock.now += 3600
    assert all(company.work(100, 160) for _ in range(4))


def test_when_everything_is_slower_the_partner_stays(clock: Clock) -> None:
    company = Company(clock, FakePartner())
    for _ in range(40):
        company.work(100, 160)
    taking_part = [company.work(50, 80) for _ in range(40)]
    assert sum(taking_part) >= 36


def test_a_partner_that_ended_in_its_sleep_is_not_missed(clock: Clock) -> None:
    first, second = FakePartner(), FakePartner()
    company = Company(clock, first, second)
    for _ in range(5):
        company.work(100, 160)
    first.gone = True
    assert not company.work(100, 160)
    assert company.engaged == 1
    later = [company.work(100, 160) for _ in range(100)]
    assert later[-1]
    assert company.engaged == 2


def test_where_there_is_no_room_for_a_process_it_goes_on_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", no_room)
    monkeypatch.setattr(partner_module, "_MEASURE_SECONDS", 0.0)
    trainer = Trainer(CONFIG, load_mnist(), progress_seconds=0)
    open_before = psutil.Process().num_fds()
    assert len(list(trainer)) == trainer.total_steps
    assert psutil.Process().num_fds() <= open_before


def test_where_memory_cannot_be_shared_it_goes_on_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_allowed(_: str) -> int:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(os, "memfd_create", not_allowed)
    monkeypatch.setattr(partner_module, "_MEASURE_SECONDS", 0.0)
    trainer = Trainer(CONFIG, load_mnist(), progress_seconds=0)
    assert len(list(trainer)) == trainer.total_steps


def test_where_none_is_possible_none_is_sought(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partner_module, "POSSIBLE", False)
    company = Company(clock)
    for _ in range(5):
        company.work(100, 160)
    assert company.engaged == 0


# --- in a training ---


def always_with_partner(helper: Helper, rate: float, now: float) -> None:
    helper._at_work = helper._partner = helper._partner or helper._engage()


@pytest.fixture
def with_partner(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the second batch on, and for good."""
    monkeypatch.setattr(partner_module, "_MEASURE_SECONDS", 0.0)
    monkeypatch.setattr(Helper, "_choose", always_with_partner)


CONFIGS = {
    "adam": CONFIG,
    "sgd": CONFIG.with_changes(optimizer="sgd"),
    "rmsprop": CONFIG.with_changes(optimizer="rmsprop", activation="tanh", weight_decay=0.1),
    "one hidden layer": CONFIG.with_changes(hidden_widths=(33,), activation="leaky_relu"),
    "one unit": CONFIG.with_changes(hidden_widths=(1,), activation="sigmoid"),
    "by digits": BY_DIGITS,
    "by digits, full batch": CONFIG.with_changes(batch_size=60_000),
}


@needs_partner
@pytest.mark.parametrize("name", CONFIGS)
def test_a_partner_changes_no_bit_of_a_training(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    data, config = load_mnist(), CONFIGS[name]
    assert by_units(config) == (not name.startswith("by digits"))
    # never: the work ends before it is measured
    monkeypatch.setattr(partner_module, "_MEASURE_SECONDS", 1e9)
    alone = Trainer(config, data, progress_seconds=0)
    records_alone = [record.training_loss for record in alone]

    monkeypatch.setattr(partner_module, "_MEASURE_SECONDS", 0.0)
    monkeypatch.setattr(Helper, "_choose", always_with_partner)
    together = Trainer(config, data, progress_seconds=0)
    seen = []
    losses = []
    for record in together:
        seen.append(len(children()))
        losses.append(record.training_loss)
    assert sum(seen) == len(seen)
    assert children() == []
    assert losses == records_alone
    for vector_name, vector in alone._vectors().items():
        assert vector.tobytes() == together._vectors()[vector_name].tobytes(), vector_name


@needs_partner
def test_a_partner_that_comes_and_goes_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = itertools.count()

    def now_and_then(helper: Helper, rate: float, now: float) -> None:
        always_with_partner(helper, rate, now)
        if next(turns) % 3 == 2:
            helper._at_work = None

    data = load_mnist()
    alone = Trainer(CONFIG, data, progress_seconds=0)
    *_, last = alone
    monkeypatch.setattr(partner_module, "_MEASURE_SECONDS", 0.0)
    monkeypatch.setattr(Helper, "_choose", now_and_then)
    together = Trainer(CONFIG, data, progress_seconds=0)
    *_, found = together
    assert next(turns) > 100
    assert isinstance(last, EpochRecord)
    assert isinstance(found, EpochRecord)
    assert found.validation_loss == last.validation_loss
    np.testing.assert_array_equal(together.network.parameters, alone.network.parameters)


@needs_partner
def test_trainings_beside_threads_that_multiply_never_hang() -> None:
    program = """
import os
import threading
import numpy as np
from nnlib.digits import load_mnist
from nnlib.training import Trainer, TrainingConfig, partner

def multiply():
    matrix = np.ones((300, 300), np.float32)
    while True:
        matrix @ matrix

partner._MEASURE_SECONDS = 0
for _ in range(3):
    threading.Thread(target=multiply, daemon=True).start()
config = TrainingConfig(hidden_widths=(16, 8), epochs=1, batch_size=50, training_digits=200, validation_digits=100)
data = load_mnist()
for _ in range(3):
    *_, last = Trainer(config, data, progress_seconds=0)
print(last.epoch, flush=True)
os._exit(0)  # OpenBLAS itself may hang where a process ends while others of its threads multiply
"""
    environment = {name: value for name, value in os.environ.items() if name != partner_module.PROCESSES}
    # a process that hangs would hang for ever
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=300, env=environment
    )
    assert done.stdout == "1\n", done.stderr


@needs_partner
@pytest.mark.usefixtures("with_partner")
def test_a_training_that_is_left_leaves_no_process() -> None:
    trainer = Trainer(CONFIG, load_mnist(), progress_seconds=0)
    before = psutil.Process().num_fds()
    records = iter(trainer)
    for _ in range(3):
        next(records)
    assert len(children()) == 1
    del records
    assert children() == []
    assert psutil.Process().num_fds() <= before


@needs_partner
@pytest.mark.usefixtures("with_partner")
@pytest.mark.parametrize("config", [CONFIG, BY_DIGITS], ids=["by units", "by digits"])
def test_a_training_whose_partner_is_killed_says_so_and_goes_on_from_its_checkpoint(config: TrainingConfig) -> None:
    data = load_mnist()
    whole, broken = (Trainer(config, data, progress_seconds=0) for _ in range(2))
    *_, last = whole
    records = iter(broken)
    for _ in range(10):
        next(records)
    checkpoint = broken.checkpoint()
    step = broken._train_batch

    def lose_it(helper: Helper) -> None:
        children()[0].kill()
        step(helper)
        step(helper)

    broken._train_batch = lose_it  # type: ignore[method-assign]
    with pytest.raises(PartnerLostError):
        list(records)
    assert children() == []
    resumed = Trainer.resume(checkpoint, data)
    *_, found = resumed
    assert isinstance(last, EpochRecord)
    assert isinstance(found, EpochRecord)
    assert found.validation_loss == last.validation_loss
    np.testing.assert_array_equal(resumed.network.parameters, whole.network.parameters)
