"""The worker: a run in a process of its own, which obeys, and which no crash can hurt."""

import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from nnlib.digits.mnist import load_mnist
from nnlib.errors import (
    DataError,
    DivergedError,
    RunLostError,
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreGoneError,
)
from nnlib.runs import database, worker
from nnlib.runs.run import ACTIVE, BEGINNING, Run, Snapshot, State
from nnlib.runs.store import MOST_AT_ONCE, RunStore
from nnlib.training.config import TrainingConfig
from nnlib.training.partner import Helper
from nnlib.training.trainer import EARLY_STEPS, EpochRecord, Trainer

# with dropout and a schedule, so that no generator and no step may be lost on the way
SMALL = TrainingConfig(
    hidden_widths=(32, 16),
    epochs=6,
    batch_size=32,
    training_digits=3000,
    validation_digits=500,
    dropout=0.1,
    schedule="cosine",
)
# long enough to be stopped within an epoch, on most machines
LONG = SMALL.with_changes(hidden_widths=(128, 64), epochs=2, batch_size=2, training_digits=2500)
ENDLESS = SMALL.with_changes(epochs=1000, schedule="constant")
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with the first of MNIST's digits: a process reads them in no time."""
    folder = tmp_path_factory.mktemp("digits")
    data = load_mnist()
    for part, some in (("train", data.train[:6000]), ("t10k", data.test[:100])):
        pixels = (some.images * 255).round().astype(np.uint8)
        header = struct.pack(">4I", 0x0803, len(some), 28, 28)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
        header = struct.pack(">2I", 0x0801, len(some))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(header + some.labels.tobytes())
    return str(folder)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    """A store of its own; no process that works for it outlives the test."""
    with closing(RunStore(tmp_path / "store")) as store:
        yield store
        with suppress(StoreError):
            for run in store.waiting():
                store.set_state(run, "stopped")
        for process in workers_of(store):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        wait_until(lambda: store.path not in worker._starters, "without anything to start")


def workers_of(store: RunStore) -> list[psutil.Process]:
    """The processes, living or not yet buried, that work for this store, whoever started them."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if str(store.folder) in process.cmdline():
                found.append(process)
    return found


def wait_until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{PATIENCE_SECONDS} seconds, and still not {what}"
        time.sleep(0.005)


def wait_for_state(store: RunStore, run: int, *states: State) -> Run:
    """The run, once it is in one of these states; it may not end in another one."""
    wanted = set(states)
    over = {"finished", "diverged", "failed", "interrupted", "stopped"} - wanted

    def reached() -> bool:
        found = store.run(run)
        assert found.state not in over, f"the run is {found.state}: {found.message}"
        return found.state in wanted

    wait_until(reached, " or ".join(states))
    return store.run(run)


def process_of(store: RunStore, run: int) -> int:
    """The id of the process that works on a run, once it has one of its own."""
    wait_until(lambda: store.holder(run) != os.getpid(), "in a process of its own")
    return store.holder(run)


def wait_for_epoch(store: RunStore, run: int, epoch: int) -> None:
    wait_until(lambda: store.run(run).epoch >= epoch, f"in epoch {epoch}")


def without_seconds(records: list[EpochRecord]) -> list[EpochRecord]:
    return [replace(record, seconds=0.0) for record in records]


@dataclass(frozen=True)
class Solo:
    """What a training comes to that nothing disturbs."""

    records: list[EpochRecord] = field(default_factory=list)
    weights: list[bytes] = field(default_factory=list)  # after each epoch, from 0 on


@lru_cache
def train_undisturbed(config: TrainingConfig, digits: str | None) -> Solo:
    trainer = Trainer(config, load_mnist(digits))
    solo = Solo(weights=[trainer.network.parameters.tobytes()])
    for record in trainer:
        if isinstance(record, EpochRecord):
            solo.records.append(replace(record, seconds=0.0))
            solo.weights.append(trainer.network.parameters.tobytes())
    return solo


def assert_undisturbed(store: RunStore, run: int, digits: str | None) -> None:
    """The run is finished, and to the last bit what it would have been with nothing in its way."""
    found = store.run(run)
    solo = train_undisturbed(found.config, digits)
    epochs = found.config.epochs
    assert (found.state, found.message) == ("finished", "")
    assert without_seconds(store.records(run)) == solo.records
    assert [record.epoch for record in solo.records] == list(range(1, epochs + 1))
    assert [moment.epoch for moment in ends(store, run)] == list(range(epochs + 1))
    assert [store.model(run, moment.step).network.parameters.tobytes() for moment in ends(store, run)] == solo.weights
    early = {moment.step for moment in store.snapshots(run)} - {moment.step for moment in ends(store, run)}
    assert early == set(EARLY_STEPS) & set(range(found.config.steps_per_epoch * epochs))
    assert len(steps(store, run)) == len(set(steps(store, run)))
    seconds = [record.seconds for record in store.records(run)]
    assert seconds == sorted(seconds)


def ends(store: RunStore, run: int) -> list[Snapshot]:
    """The snapshots of whole epochs."""
    return [moment for moment in store.snapshots(run) if moment.whole_epoch]


# --- a run that nothing disturbs ---


def test_a_run_on_the_packaged_digits_is_that_of_a_trainer_here(store: RunStore) -> None:
    run = worker.start(store, SMALL, "whole")
    assert store.run(run).active
    wait_for_state(store, run, "finished")
    assert store.run(run).config == SMALL
    assert_undisturbed(store, run, None)
    wait_until(lambda: not psutil.pid_exists(store.holder(run)) or is_zombie(store.holder(run)), "gone")


def is_zombie(process_id: int) -> bool:
    try:
        return psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("fate", ["finished", "killed"])
def test_a_process_that_has_ended_is_buried_although_nothing_else_is_started(
    store: RunStore, digits: str, fate: str
) -> None:
    run = worker.start(store, SMALL if fate == "finished" else ENDLESS, "mortal", digits)
    process_id = process_of(store, run)
    if fate == "killed":
        wait_for_epoch(store, run, 1)
        os.kill(process_id, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(process_id), "buried: a zombie has its number still")


def test_work_yields_every_record_once_it_is_kept(store: RunStore, digits: str) -> None:
    run = store.create_run(SMALL, "here", digits)
    for record in worker.work(store, run):
        kept: list[Any] = [*store.records(run), *store.progress(run)]
        assert record in kept
        assert store.run(run).state == "running"
    assert_undisturbed(store, run, digits)


def test_of_many_epochs_at_most_so_many_snapshots_are_kept_with_the_last(store: RunStore, digits: str) -> None:
    config = SMALL.with_changes(hidden_widths=(1,), epochs=250, batch_size=100, training_digits=100)
    run = store.create_run(config, "thinned", digits)
    store._connection.execute("PRAGMA synchronous = OFF")
    list(worker.work(store, run))
    assert len(store.records(run)) == 250
    kept = {moment.step for moment in store.snapshots(run)}
    assert kept == {*range(0, 250, 3), 250, *(step for step in EARLY_STEPS if step <= 250)}
    assert len(kept - set(EARLY_STEPS)) <= worker.MOST_SNAPSHOTS


def test_the_newest_network_can_be_looked_at_also_between_those_that_are_kept(
    store: RunStore, digits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "NEWEST_SECONDS", 0)
    monkeypatch.setattr(worker, "CHECKPOINT_BYTES", float("inf"))
    config = SMALL.with_changes(hidden_widths=(1,), epochs=250, batch_size=100, training_digits=100)
    run = store.create_run(config, "followed", digits)
    store._connection.execute("PRAGMA synchronous = OFF")
    for record in worker.work(store, run):
        if isinstance(record, EpochRecord):
            assert store.snapshots(run)[-1].step == record.step
    kept = {moment.step for moment in store.snapshots(run)}
    assert kept == {*range(0, 250, 3), 250, *(step for step in EARLY_STEPS if step <= 250)}


# --- orders ---


def test_a_run_obeys(store: RunStore, digits: str) -> None:
    run = worker.start(store, ENDLESS, "obedient", digits)
    wait_for_epoch(store, run, 2)

    store.send(run, "pause")
    wait_for_state(store, run, "paused")
    records, points = store.records(run), store.progress(run)
    time.sleep(0.5)
    assert (store.records(run), store.progress(run)) == (records, points)
    assert store.run(run).state == "paused"

    store.send(run, "learning_rate", 0.0005)
    wait_until(lambda: store.run(run).config.learning_rate == 0.0005, "at the new rate")
    assert store.run(run).state == "paused"
    assert store.run(run).began_with.learning_rate == 0.001

    store.send(run, "resume")
    wait_for_state(store, run, "running")
    wait_for_epoch(store, run, len(records) + 2)
    rates = [record.learning_rate for record in store.records(run)]
    assert rates == [0.001] * len(records) + [0.0005] * (len(rates) - len(records))

    store.send(run, "learning_rate", 0.25)
    wait_until(lambda: store.records(run)[-1].learning_rate == 0.25, "training at the new rate")
    assert [record.epoch for record in store.records(run)] == list(range(1, store.run(run).epoch + 1))

    holder = store.holder(run)
    store.send(run, "stop")
    found = wait_for_state(store, run, "stopped")
    assert found.message == ""
    assert found.resumable
    wait_until(lambda: is_zombie(holder), "gone")


def test_a_paused_run_can_be_stopped(store: RunStore, digits: str) -> None:
    run = worker.start(store, ENDLESS, "paused", digits)
    store.send(run, "pause")
    wait_for_state(store, run, "paused")
    store.send(run, "stop")
    assert wait_for_state(store, run, "stopped").resumable


def test_a_learning_rate_set_by_hand_outlives_the_process(store: RunStore, digits: str) -> None:
    run = worker.start(store, ENDLESS, "steered", digits)
    store.send(run, "learning_rate", 0.0123)
    wait_for_epoch(store, run, 1)
    store.send(run, "stop")
    wait_for_state(store, run, "stopped")
    worker.resume(store, run)
    wait_for_epoch(store, run, len(store.records(run)) + 1)
    assert store.run(run).config.learning_rate == 0.0123
    assert {record.learning_rate for record in store.records(run)} == {0.0123}


def test_a_run_that_was_stopped_goes_on_as_if_nothing_had_been(store: RunStore, digits: str) -> None:
    run = worker.start(store, LONG, "stopped", digits)
    for _ in range(2):
        before = last_step(store, run)
        wait_until(partial(has_learned_since, store, run, before), "training")
        store.send(run, "stop")
        wait_for_state(store, run, "stopped")
        records, points = store.records(run), store.progress(run)
        assert_checkpoint_is_of_the_last_record(store, run, digits)
        worker.resume(store, run)
        assert (store.records(run), store.progress(run)[: len(points)]) == (records, points)
    wait_for_state(store, run, "finished")
    assert_undisturbed(store, run, digits)


def has_learned_since(store: RunStore, run: int, step: int) -> bool:
    return last_step(store, run) > step


def last_step(store: RunStore, run: int) -> int:
    return max(steps(store, run), default=0)


def steps(store: RunStore, run: int) -> list[int]:
    """After how many steps its records were taken, of both kinds."""
    return sorted([record.step for record in store.records(run)] + [point.step for point in store.progress(run)])


def assert_checkpoint_is_of_the_last_record(store: RunStore, run: int, digits: str) -> None:
    trainer = Trainer.resume(store.checkpoint(run) or b"", load_mnist(digits))
    assert trainer.step_count == last_step(store, run) > 0


def test_a_run_in_the_hands_of_a_process_is_not_resumed_twice(store: RunStore, digits: str) -> None:
    run = worker.start(store, SMALL.with_changes(epochs=20), "held", digits)
    wait_for_state(store, run, "running")
    with pytest.raises(StoreError, match=rf"^run {run} is running in process \d+: stop it there first\.$"):
        worker.resume(store, run)
    wait_until(lambda: sum(not is_zombie(process.pid) for process in workers_of(store)) <= 1, "one process")
    wait_for_state(store, run, "finished")
    assert_undisturbed(store, run, digits)


# --- crashes ---


CAREFUL = "from nnlib.runs import worker; worker.CHECKPOINT_SECONDS = 0.2; worker.main()"


def test_killed_again_and_again_a_run_ends_the_same(
    store: RunStore, digits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "COMMAND", (sys.executable, "-c", CAREFUL))
    config = SMALL.with_changes(epochs=30)
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    moments = random.Random(seed)
    run = worker.start(store, config, "killed", digits)
    kills = 0
    for _ in range(5):
        # some die while they begin, some in the middle of their work
        wait_until(lambda: not store.run(run).active or store.run(run).state == "running", "running")
        time.sleep(moments.uniform(0, 0.6))
        seen = store.records(run)
        with suppress(ProcessLookupError):
            os.kill(process_of(store, run), signal.SIGKILL)
        if wait_for_state(store, run, "interrupted", "finished").state == "finished":
            break
        kills += 1
        assert store.run(run).message == "its process ended before it was done; it can be resumed."
        assert store.records(run)[: len(seen)] == seen
        assert [record.epoch for record in store.records(run)] == list(range(1, len(store.records(run)) + 1))
        checkpoint = store.checkpoint(run)
        done = Trainer.resume(checkpoint, load_mnist(digits)).epoch if checkpoint else 0
        worker.resume(store, run)
        assert store.records(run)[:done] == seen[:done], "what is in the checkpoint is not trained again"
    assert kills >= 1
    wait_for_state(store, run, "finished")
    assert_undisturbed(store, run, digits)


def test_killed_before_it_began_a_run_can_be_resumed(store: RunStore, digits: str) -> None:
    run = worker.start(store, SMALL, "early", digits)
    os.kill(process_of(store, run), signal.SIGKILL)
    wait_for_state(store, run, "interrupted")
    worker.resume(store, run)
    wait_for_state(store, run, "finished")
    assert_undisturbed(store, run, digits)


OWNER = """
import sys, time
from nnlib.runs import database, worker
from nnlib.training.config import TrainingConfig
from nnlib.runs.store import MOST_AT_ONCE, RunStore

folder, config, digits = sys.argv[1:]
worker.start(RunStore(folder), TrainingConfig.from_json(config), "owned", digits)
print("started", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("doing", ["training", "pausing"])
def test_a_run_ends_with_the_program_that_started_it(store: RunStore, digits: str, doing: str) -> None:
    command = [sys.executable, "-c", OWNER, str(store.folder), LONG.to_json(), digits]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout is not None
            assert owner.stdout.readline() == "started\n"
            (run,) = (run.id for run in store.runs())
            wait_until(lambda: last_step(store, run), "training")
            if doing == "pausing":
                store.send(run, "pause")
                wait_for_state(store, run, "paused")
        finally:
            owner.kill()
        holder = psutil.Process(store.holder(run))
        found = wait_for_state(store, run, "interrupted")
        assert found.message == "the program that started it was closed; it can be resumed."
        assert found.resumable
        wait_until(lambda: not holder.is_running() or is_zombie(holder.pid), "gone")
    assert_checkpoint_is_of_the_last_record(store, run, digits)
    worker.resume(store, run)
    wait_for_state(store, run, "finished")
    assert_undisturbed(store, run, digits)


# --- many at once ---


def test_two_runs_at_once_do_not_mix(store: RunStore, digits: str) -> None:
    configs = SMALL.with_changes(epochs=10), SMALL.with_changes(epochs=10, seed=2, learning_rate=0.01)
    runs = [worker.start(store, config, "twin", digits) for config in configs]
    store.send(runs[0], "learning_rate", 0.001)
    for run, config in zip(runs, configs, strict=True):
        wait_for_state(store, run, "finished")
        assert store.run(run).config == config
        assert_undisturbed(store, run, digits)


def test_no_more_runs_train_at_once_than_there_are_processors(store: RunStore, digits: str) -> None:
    most = os.cpu_count() or 1
    runs = [worker.start(store, SMALL, str(number), digits) for number in range(most + 2)]
    messages: set[str] = set()

    def all_done() -> bool:
        found = store.runs()
        assert sum(run.state == "running" for run in found) <= most
        assert {run.state for run in found} <= {"queued", "running", "finished"}
        messages.update(run.message for run in found if run.state == "queued")
        return all(run.state == "finished" for run in found)

    wait_until(all_done, "all finished")
    assert any(each.startswith(f"waits for its turn, number 2 in line: at most {most} runs") for each in messages)
    wait_until(lambda: not worker._children, "all buried")
    for run in runs:
        assert_undisturbed(store, run, digits)


def test_a_run_that_waits_for_its_turn_can_be_stopped(store: RunStore, digits: str) -> None:
    busy = [store.create_run(SMALL, "busy") for _ in range(os.cpu_count() or 1)]
    for each in busy:
        assert store.begin(each, len(busy))
    run = worker.start(store, SMALL, "waiting", digits)
    time.sleep(3 * worker.LOOK_SECONDS)
    assert store.run(run).message.startswith("waits for its turn, number 1 in line")
    assert workers_of(store) == [], "who waits is no process"
    store.send(run, "stop")
    assert store.run(run).state == "stopped"
    assert store.records(run) == []
    store.set_state(busy[0], "finished")
    worker.resume(store, run)
    wait_for_state(store, run, "finished")
    assert_undisturbed(store, run, digits)


def test_whoever_waits_goes_on_when_another_is_killed(store: RunStore, digits: str) -> None:
    runs = [worker.start(store, ENDLESS, "busy", digits) for _ in range(MOST_AT_ONCE)]
    waiting = worker.start(store, SMALL, "waiting", digits)
    for run in runs:
        wait_for_epoch(store, run, 1)
    assert store.run(waiting).state == "queued"
    os.kill(process_of(store, runs[0]), signal.SIGKILL)
    wait_for_state(store, waiting, "running", "finished")
    wait_until(lambda: len(worker._children) <= MOST_AT_ONCE, "without the killed one, which is buried")


# --- what goes wrong ---


def test_a_run_that_diverges_says_so_and_keeps_its_last_good_weights(store: RunStore, digits: str) -> None:
    config = ENDLESS.with_changes(hidden_widths=(128, 64, 64), optimizer="sgd", learning_rate=0.05, dropout=0)
    run = worker.start(store, config, "wild", digits)
    wait_for_epoch(store, run, 2)
    store.send(run, "learning_rate", 10)
    found = wait_for_state(store, run, "diverged")
    assert found.message == (
        f"the loss stopped being a number in epoch {found.epoch + 1}: a learning rate of 10 is too high here. "
        f"Try 1; the weights of epoch {found.epoch} are kept."
    )
    assert not found.resumable
    assert found.epoch in [moment.epoch for moment in ends(store, run)]
    assert np.isfinite(store.model(run, ends(store, run)[-1].step).network.parameters).all()


def test_a_run_that_diverges_at_once_keeps_its_first_weights(store: RunStore, digits: str) -> None:
    config = SMALL.with_changes(hidden_widths=(128, 64, 64), optimizer="sgd", learning_rate=10, dropout=0)
    run = store.create_run(config, "wild", digits)
    with pytest.raises(DivergedError):
        list(worker.work(store, run))
    assert store.run(run).state == "diverged"
    assert ends(store, run) == [BEGINNING]
    first = Trainer(config, load_mnist(digits)).network.parameters
    assert store.model(run, 0).network.parameters.tobytes() == first.tobytes()


def test_a_wrong_data_directory_fails_with_a_sentence(store: RunStore, tmp_path: Path) -> None:
    run = worker.start(store, SMALL, "homeless", str(tmp_path / "nowhere"))
    found = wait_for_state(store, run, "failed")
    assert found.message.startswith(str(tmp_path / "nowhere"))
    assert "is missing" in found.message
    with pytest.raises(DataError):
        load_mnist(tmp_path / "nowhere")


def test_a_damaged_checkpoint_fails_with_a_sentence(store: RunStore, digits: str) -> None:
    run = store.create_run(SMALL, "damaged", digits)
    store.save_checkpoint(run, Snapshot(5, 5 / 5), b"no checkpoint")
    with pytest.raises(StoreError):
        list(worker.work(store, run))
    assert store.run(run).state == "failed"
    assert store.run(run).message.startswith("the checkpoint cannot be continued")


def test_another_numpy_is_said_to_round_otherwise(
    store: RunStore, digits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create_run(SMALL, "older", digits)
    trainer = Trainer(SMALL, load_mnist(digits))
    with monkeypatch.context() as patch:
        patch.setattr(np, "__version__", "2.0.0")
        store.save_checkpoint(run, Snapshot(0, 0 / 5), trainer.checkpoint())
    next(training := worker.work(store, run))
    assert store.run(run).state == "running"
    assert store.run(run).message.startswith("this training began under numpy 2.0.0")
    training.close()


def test_a_process_that_comes_too_late_leaves_the_run_alone(
    store: RunStore, digits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create_run(SMALL, "mine", digits)
    late = store.run(run).attempt
    store.set_state(run, "stopped")
    store.enqueue(run)
    words = [str(run), "--attempt", str(late), "--store", str(store.folder), "--owner", str(os.getpid())]
    monkeypatch.setattr(sys, "argv", ["worker", *words])
    with pytest.raises(SystemExit, match=rf"^run {run} is queued, and in other hands: this process leaves it alone\.$"):
        worker.main()
    assert store.run(run).state == "queued"
    assert store.waiting() == [run]


def test_a_process_that_dies_before_it_begins_is_noticed(
    store: RunStore, digits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "COMMAND", ("/bin/false",))
    run = worker.start(store, SMALL, "stillborn", digits)
    assert wait_for_state(store, run, "interrupted").resumable
    monkeypatch.setattr(worker, "COMMAND", ("/nowhere/at/all",))
    worker.resume(store, run)
    assert wait_for_state(store, run, "failed").message.startswith("no process could be started for it (No such file")


def test_a_process_that_dies_while_the_store_is_locked_is_noticed(
    store: RunStore, digits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = [StoreBusyError("the store is locked: wait.")]
    hand_over = RunStore.hand_over

    def hand_over_later(own: RunStore, *what: int) -> None:
        if locked:
            raise locked.pop()
        hand_over(own, *what)

    monkeypatch.setattr(worker, "COMMAND", ("/bin/false",))
    monkeypatch.setattr(RunStore, "hand_over", hand_over_later)
    run = worker.start(store, SMALL, "stillborn", digits)
    assert wait_for_state(store, run, "interrupted").resumable


def test_a_run_that_somebody_else_took_is_left_quietly(store: RunStore, digits: str) -> None:
    run = store.create_run(SMALL, "lost", digits)
    training = worker.work(store, run)
    next(training)
    with closing(RunStore(store.folder)) as other:
        # as somebody sees it who cannot see its process
        other._connection.execute("UPDATE runs SET machine = 'another', sign = 0")
        other.enqueue(run)
        before = other.run(run), other.records(run), other.progress(run)
        with pytest.raises(RunLostError, match=rf"^run {run} was deleted, or goes on in another process"):
            list(training)
        assert (other.run(run), other.records(run), other.progress(run)) == before
        list(worker.work(other, run))
    assert_undisturbed(store, run, digits)


@pytest.mark.parametrize("fate", ["deleted", "moved"])
def test_a_training_whose_store_is_taken_away_ends_and_says_so(store: RunStore, digits: str, fate: str) -> None:
    run = store.create_run(SMALL, "homeless", digits)
    training = worker.work(store, run)
    next(training)
    elsewhere = store.folder.with_name("elsewhere")
    if fate == "deleted":
        shutil.rmtree(store.folder)
    else:
        store.folder.rename(elsewhere)
    with pytest.raises(StoreGoneError, match=r"^the store .* is gone: it was deleted or moved while it was in use"):
        list(training)
    assert not store.folder.exists()
    if fate == "moved":
        with closing(RunStore(elsewhere)) as moved:
            moved._connection.execute("UPDATE runs SET machine = ''")  # as once this process has ended
            moved.enqueue(run)
            list(worker.work(moved, run))
            assert_undisturbed(moved, run, digits)


def test_a_store_that_somebody_locks_is_waited_for(
    store: RunStore, digits: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    run = store.create_run(SMALL.with_changes(epochs=20), "locked", digits)
    with working(store, run, Disk()) as thread:
        for epoch in (1, 5):
            wait_for_epoch(store, run, epoch)
            with store._database.writing():
                wait_until(lambda: said_more(capfd), "waiting")
        thread.join(PATIENCE_SECONDS)
    assert_undisturbed(store, run, digits)


def said_more(capfd: pytest.CaptureFixture[str]) -> bool:
    said = capfd.readouterr().err
    assert not said or re.match(r"run \d+ waits: the store .* is locked: another program .*\.\n", said)
    return bool(said)


DEAF = "from nnlib.runs import worker; worker._Worker.obey = lambda self: None; worker.main()"


@pytest.mark.parametrize("obeyed", [True, False])
def test_a_learning_rate_outlives_a_process_that_is_killed(
    store: RunStore, digits: str, monkeypatch: pytest.MonkeyPatch, obeyed: bool
) -> None:
    with monkeypatch.context() as patch:
        if not obeyed:
            patch.setattr(worker, "COMMAND", (sys.executable, "-c", DEAF))
        run = worker.start(store, ENDLESS, "steered", digits)
        wait_for_epoch(store, run, 1)
    store.send(run, "learning_rate", 0.0123)
    if obeyed:
        wait_until(partial(trains_at, store, run, 0.0123), "at the new rate")
    os.kill(process_of(store, run), signal.SIGKILL)
    wait_for_state(store, run, "interrupted")
    worker.resume(store, run)
    wait_until(partial(trains_at, store, run, 0.0123), "at the new rate")
    wait_until(lambda: 0.0123 in (record.learning_rate for record in store.records(run)), "an epoch at the new rate")


def trains_at(store: RunStore, run: int, rate: float) -> bool:
    return store.run(run).config.learning_rate == rate


# --- how much is written ---


@pytest.mark.parametrize(("seconds", "bytes_a_second", "most"), [(1000, 2**40, 0), (0, 1, 1), (0, 2**40, 10**6)])
def test_checkpoints_are_written_no_more_often_than_they_may(
    store: RunStore, digits: str, monkeypatch: pytest.MonkeyPatch, seconds: float, bytes_a_second: int, most: int
) -> None:
    monkeypatch.setattr(worker, "CHECKPOINT_SECONDS", seconds)
    monkeypatch.setattr(worker, "CHECKPOINT_BYTES", bytes_a_second)
    insert, written = RunStore._insert_checkpoint, []

    def count(own: RunStore, run_id: int, step: int, *more: Any) -> None:
        written.append(step)
        insert(own, run_id, step, *more)

    monkeypatch.setattr(RunStore, "_insert_checkpoint", count)
    run = store.create_run(SMALL, "thrifty", digits)
    records = len(list(worker.work(store, run)))
    assert len(written) == min(most, records) + 1, "and one at the end"
    assert_undisturbed(store, run, digits)


def test_a_huge_network_gets_fewer_snapshots(store: RunStore, digits: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SNAPSHOT_BYTES", 10**6)
    config = SMALL.with_changes(hidden_widths=(32,), epochs=60, batch_size=100, training_digits=100)
    run = store.create_run(config, "huge", digits)
    store._connection.execute("PRAGMA synchronous = OFF")
    list(worker.work(store, run))
    kept = {moment.step for moment in store.snapshots(run)} - set(EARLY_STEPS)
    last = store.run(run).last
    assert last is not None
    assert last.best_epoch in kept
    assert len(kept - {last.best_epoch}) in (worker.FEWEST_SNAPSHOTS, worker.FEWEST_SNAPSHOTS + 1)
    assert max(kept) == 60


# --- left in the middle ---


class Talkative(Trainer):
    """A trainer with a record for every batch."""

    def __init__(self, *args: Any, **_: Any) -> None:
        super().__init__(*args, progress_seconds=0)


@pytest.mark.parametrize("batches", [1, 2, 93, 94, 95, 150])
def test_a_training_that_is_left_can_be_resumed(
    store: RunStore, digits: str, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    monkeypatch.setattr(worker, "Trainer", Talkative)
    store._connection.execute("PRAGMA synchronous = OFF")
    run = store.create_run(SMALL.with_changes(epochs=2), "left", digits)
    training = worker.work(store, run)
    for _ in range(batches):
        record = next(training)
    training.close()
    found = store.run(run)
    assert (found.state, found.message) == ("interrupted", "it was left before it was done; it can be resumed.")
    assert found.resumable
    assert record.step == batches
    assert_checkpoint_is_of_the_last_record(store, run, digits)
    store.enqueue(run)
    list(worker.work(store, run))
    assert_undisturbed(store, run, digits)
    assert steps(store, run) == list(range(1, 2 * 94 + 1))


def test_a_training_that_the_keyboard_interrupts_can_be_resumed(
    store: RunStore, digits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create_run(SMALL, "Ctrl-C", digits)
    train_batch = Trainer._train_batch

    def interrupted(trainer: Trainer, helper: Helper) -> None:
        if trainer.step_count == 250:
            # the worst moment: the weights have moved, their books have not been kept
            trainer.network.parameters += 1
            raise KeyboardInterrupt
        train_batch(trainer, helper)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_train_batch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(worker.work(store, run))
    assert store.run(run).state == "interrupted"
    assert store.run(run).resumable
    assert store.run(run).epoch == 2
    store.enqueue(run)
    list(worker.work(store, run))
    assert_undisturbed(store, run, digits)


# --- a full disk ---


class Disk:
    """The disk, which can be full."""

    def __init__(self) -> None:
        self.full = False
        self.no_room_for_records = False

    def usage(self, _: Any) -> SimpleNamespace:
        return SimpleNamespace(free=0 if self.full else 2**40)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(shutil, "disk_usage", disk.usage)
    return disk


@contextmanager
def working(store: RunStore, run: int, disk: Disk) -> Iterator[threading.Thread]:
    """Train in a thread of this process; at the end there is room, and the run is stopped."""

    def train() -> None:
        with closing(RunStore(store.folder)) as own:
            list(worker.work(own, run))

    thread = threading.Thread(target=train)
    thread.start()
    try:
        yield thread
    finally:
        disk.full = disk.no_room_for_records = False
        with suppress(StoreError):
            store.send(run, "stop")
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


def assert_waits_for_room(store: RunStore, run: int) -> None:
    wait_until(lambda: store.run(run).message, "waiting for room")
    found = store.run(run)
    assert found.state == "paused"
    assert found.message == (
        f"the disk with {store.folder} is full (0 MB left): make room, or delete old runs. "
        "It goes on by itself once there is room."
    )
    assert found.active


def test_a_full_disk_is_waited_for(store: RunStore, digits: str, disk: Disk) -> None:
    run = store.create_run(SMALL.with_changes(epochs=20), "full", digits)
    with working(store, run, disk) as thread:
        for epoch in (1, 5):
            wait_for_epoch(store, run, epoch)
            disk.full = True
            assert_waits_for_room(store, run)
            records = store.records(run)
            time.sleep(0.3)
            assert store.records(run) == records
            disk.full = False
        wait_for_state(store, run, "finished")
        thread.join(PATIENCE_SECONDS)
    assert_undisturbed(store, run, digits)


def test_a_run_can_be_stopped_while_the_disk_is_full(store: RunStore, digits: str, disk: Disk) -> None:
    run = store.create_run(SMALL.with_changes(epochs=20), "full", digits)
    with working(store, run, disk):
        wait_for_epoch(store, run, 2)
        disk.full = True
        assert_waits_for_room(store, run)
        store.send(run, "stop")
        assert wait_for_state(store, run, "stopped").resumable
    store.enqueue(run)
    list(worker.work(store, run))
    assert_undisturbed(store, run, digits)


def test_no_checkpoint_runs_ahead_of_a_record_that_found_no_room(
    store: RunStore, digits: str, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = RunStore.append

    def append_if_room(own: RunStore, *what: Any, **parts: Any) -> None:
        if disk.no_room_for_records:
            raise StoreFullError("there is no room for a record, though for all else.")
        append(own, *what, **parts)

    monkeypatch.setattr(RunStore, "append", append_if_room)
    run = store.create_run(SMALL.with_changes(epochs=20), "full", digits)
    with working(store, run, disk):
        wait_for_epoch(store, run, 2)
        disk.no_room_for_records = True
        wait_for_state(store, run, "paused")
        store.send(run, "stop")
        wait_for_state(store, run, "stopped")
    disk.no_room_for_records = False
    store.enqueue(run)
    list(worker.work(store, run))
    assert_undisturbed(store, run, digits)


def test_a_run_that_is_paused_while_the_disk_is_full_stays_paused(store: RunStore, digits: str, disk: Disk) -> None:
    run = store.create_run(SMALL.with_changes(epochs=20), "full", digits)
    with working(store, run, disk):
        wait_for_epoch(store, run, 2)
        disk.full = True
        assert_waits_for_room(store, run)
        store.send(run, "pause")
        wait_until(lambda: not store.run(run).message, "paused by hand")
        time.sleep(0.3)
        assert (store.run(run).state, store.run(run).message) == ("paused", "")
        disk.full = False
        time.sleep(0.3)
        assert store.run(run).state == "paused"
        store.send(run, "resume")
        wait_for_state(store, run, "finished")
    assert_undisturbed(store, run, digits)


def test_a_run_that_is_paused_as_the_disk_fills_is_paused(store: RunStore, digits: str, disk: Disk) -> None:
    run = store.create_run(SMALL.with_changes(epochs=20), "full", digits)
    with working(store, run, disk):
        wait_for_epoch(store, run, 2)
        store.send(run, "pause")
        wait_for_state(store, run, "paused")
        disk.full = True
        store.send(run, "pause")
        store.send(run, "learning_rate", 0.002)
        store.send(run, "learning_rate", SMALL.learning_rate)
        wait_until(partial(no_orders_wait, store, run), "obeyed")
        assert store.run(run).state == "paused"
        store.send(run, "resume")
        assert_waits_for_room(store, run)
        disk.full = False
        wait_for_state(store, run, "finished")
    assert_undisturbed(store, run, digits)


def no_orders_wait(store: RunStore, run: int) -> bool:
    return not store._connection.execute("SELECT 1 FROM orders WHERE run = ?", (run,)).fetchone()


def test_a_disk_that_is_full_from_the_start_is_waited_for(store: RunStore, digits: str, disk: Disk) -> None:
    run = store.create_run(SMALL, "full", digits)
    disk.full = True
    with working(store, run, disk) as thread:
        assert_waits_for_room(store, run)
        assert store.snapshots(run) == []
        disk.full = False
        thread.join(PATIENCE_SECONDS)
    assert_undisturbed(store, run, digits)


def test_every_active_state_is_one_that_work_shows() -> None:
    assert set(ACTIVE) == {"queued", "running", "paused"}
