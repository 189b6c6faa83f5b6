"""The store: what goes in comes out, whoever else reads and writes, and whatever breaks."""

import json
import math
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import astuple
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib.digits.mnist import load_mnist
from nnlib.errors import (
    DamagedStoreError,
    RunLostError,
    SettingError,
    StoreError,
    StoreFullError,
    StoreGoneError,
    UnknownRunError,
)
from nnlib.network.network import Network
from nnlib.runs import worker
from nnlib.runs.corrections import Correction, digits_of
from nnlib.runs.database import MIGRATIONS, MOST_PROGRESS_POINTS
from nnlib.runs.processes import this_machine
from nnlib.runs.run import ACTIVE, BEGINNING, DamagedRun, Run, Snapshot, State
from nnlib.runs.store import MOST_AT_ONCE, MOST_CHECKPOINTS, MOST_WAITING, RunStore
from nnlib.training.config import TrainingConfig
from nnlib.training.trainer import EpochRecord, Progress, Trainer

SMALL = TrainingConfig(hidden_widths=(1,), epochs=3, training_digits=100, validation_digits=100)
N_PARAMETERS = 784 + 1 + 10 + 10
PATIENCE_SECONDS = 60
PAGE = 4096  # bytes, in which SQLite writes


def progress_at(step: int, loss: float = 0.1 + 0.2) -> Progress:
    return Progress(step / 7, step, 0.001, loss, 1 / 3, step * 0.1)


def record_of(epoch: int, loss: float = 0.1 + 0.2) -> EpochRecord:
    return EpochRecord(epoch, 10 * epoch, 0.001, loss, 0.5, loss / 3, 2 / 3, (1e-300, loss, 7.0), (0, 3), epoch * 0.1)


def after(epoch: int) -> Snapshot:
    """The moment of that epoch's record."""
    return Snapshot(10 * epoch, epoch)


def parameters_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(N_PARAMETERS, dtype=np.float32)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with closing(RunStore(tmp_path / "store")) as store:
        yield store


@pytest.fixture
def other(store: RunStore) -> Iterator[RunStore]:
    """The same file, as another process would open it."""
    with closing(RunStore(store.folder)) as other:
        yield other


@contextmanager
def living_processes(count: int) -> Iterator[list[subprocess.Popen]]:
    """Processes that do nothing; all are gone at the end."""
    with ExitStack() as stack:
        processes = []
        for _ in range(count):
            process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
            stack.callback(end, process)
            processes.append(process)
        yield processes


def end(process: subprocess.Popen) -> None:
    process.kill()
    process.communicate()


def give(store: RunStore, run: int, process: subprocess.Popen) -> None:
    """Let a run live and die with that process."""
    store.hand_over(run, store.run(run).attempt, process.pid)


def take_orders(store: RunStore, run: int) -> list[tuple[str, Any]]:
    """The orders that wait for a run, and then no more."""
    found = store.orders(run)
    for order in found:
        store.drop_order(run, order)
    return [(order.name, order.value) for order in found]


def change(store: RunStore, run: int, name: str, value: Any, step: int = 0) -> None:
    """Order a change, and let it take effect."""
    store._insert_order(run, name, value)
    store.take_effect(run, store.orders(run)[-1], step)


def readers(store: RunStore) -> list[Callable[[int], Any]]:
    """All that can be asked about a run."""
    return [
        store.run,
        store.holder,
        store.records,
        store.progress,
        store.checkpoint,
        store.snapshots,
        lambda run: [store.model(run, moment.step).network for moment in store.snapshots(run)],
    ]


# --- what goes in comes out ---


def test_a_new_run_waits_in_line_with_all_that_was_said_of_it(store: RunStore) -> None:
    config = SMALL.with_changes(learning_rate=1 / 3, hidden_widths=(5, 4), optimizer="sgd", seed=2**32 - 1)
    before = time.time()
    run = store.run(store.create_run(config, "größer, mit 'Zeichen'", "/some/folder"))
    assert run.config == config
    assert (run.name, run.data_directory) == ("größer, mit 'Zeichen'", "/some/folder")
    assert run.config.learning_rate == 1 / 3
    assert before <= run.created <= time.time()
    assert (run.state, run.message, run.last, run.epoch) == ("queued", "", None, 0)
    assert run.active
    assert not run.resumable


def test_runs_are_listed_newest_first_and_numbers_are_never_used_again(store: RunStore) -> None:
    first, second, third = (store.create_run(SMALL, name) for name in "abc")
    assert [run.id for run in store.runs()] == [third, second, first]
    store.set_state(third, "stopped")
    store.delete_run(third)
    assert store.create_run(SMALL, "d") > third


@settings(max_examples=60, deadline=None)
@given(
    numbers=st.lists(st.floats(allow_nan=False), min_size=7, max_size=7),
    norms=st.lists(st.floats(allow_nan=False), max_size=7),
    dead=st.lists(st.integers(0, 1024), max_size=6),
)
def test_records_come_back_to_the_last_bit(
    open_store: RunStore, numbers: list[float], norms: list[float], dead: list[int]
) -> None:
    run = open_store.create_run(SMALL, "bits")
    a, b, c, d, e, f, g = numbers
    record = EpochRecord(1, 20, a, b, c, d, e, tuple(norms), tuple(dead), f)
    point = Progress(g, 9, f, e, d, c)
    open_store.append(run, record)
    open_store.append(run, point)
    # repr tells -0.0 from 0.0, and every float from its neighbours
    assert repr(open_store.records(run)) == repr([record])
    assert repr(open_store.progress(run)) == repr([point])
    assert repr(open_store.run(run).last) == repr(record)
    open_store.set_state(run, "finished")


@pytest.fixture(scope="module")
def open_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunStore]:
    with closing(RunStore(tmp_path_factory.mktemp("open"))) as store:
        store._connection.execute("PRAGMA synchronous = OFF")
        yield store


def test_records_come_back_in_order(store: RunStore) -> None:
    run = store.create_run(SMALL, "order")
    for epoch in (2, 11, 1, 3):
        store.append(run, record_of(epoch))
        store.append(run, progress_at(epoch))
    assert store.records(run) == [record_of(epoch) for epoch in (1, 2, 3, 11)]
    assert store.progress(run) == [progress_at(step) for step in (1, 2, 3, 11)]
    assert store.run(run).last == record_of(11)
    assert store.run(run).epoch == 11


def test_a_record_of_the_same_epoch_replaces_the_one_before(store: RunStore) -> None:
    run = store.create_run(SMALL, "again")
    store.append(run, record_of(1, 5.0), snapshot=parameters_of(1))
    store.append(run, record_of(1, 4.0), snapshot=parameters_of(2))
    assert store.records(run) == [record_of(1, 4.0)]
    assert store.model(run, 10).network.parameters.tobytes() == parameters_of(2).tobytes()


def test_snapshots_and_checkpoints_come_back_to_the_last_bit(store: RunStore, other: RunStore) -> None:
    run = store.create_run(SMALL, "parts")
    assert store.checkpoint(run) is None
    store.save_snapshot(run, BEGINNING, parameters_of(0))
    store.append(run, record_of(2), snapshot=parameters_of(2), checkpoint=b"\0two")
    store.append(run, progress_at(25), checkpoint=b"within three")
    store.append(run, record_of(3))
    assert other.snapshots(run) == [after(0), after(2)]
    for epoch in (0, 2):
        model = other.model(run, 10 * epoch)
        assert model.network.parameters.tobytes() == parameters_of(epoch).tobytes()
        assert (model.epoch, model.config, model.network.widths) == (epoch, SMALL, (784, 1, 10))
    assert other.checkpoint(run) == b"within three"
    store.save_checkpoint(run, Snapshot(26, 26 / 10), b"last")
    assert other.checkpoint(run) == b"last"


def test_of_very_many_points_some_are_kept_with_the_last(store: RunStore) -> None:
    run = store.create_run(SMALL, "long")
    store._connection.execute("PRAGMA synchronous = OFF")
    for step in [*range(1, 2000), *range(2000, 90_000, 37)]:
        store.append(run, progress_at(step))
        if step % 50 == 0:
            steps = [point.step for point in store.progress(run)]
            assert len(steps) <= MOST_PROGRESS_POINTS
            assert steps[-1] == step
    assert len(steps) > MOST_PROGRESS_POINTS / 3
    widths = np.diff(steps[:-1])
    assert max(widths) <= 2 * min(widths), "evenly spread"


def test_two_runs_do_not_mix(store: RunStore) -> None:
    first, second = store.create_run(SMALL, "first"), store.create_run(SMALL, "second")
    for run, loss in ((first, 1.0), (second, 2.0)):
        store.append(run, progress_at(5, loss))
        store.append(run, record_of(1, loss), snapshot=parameters_of(run), checkpoint=str(run).encode())
    store.send(first, "pause")
    change(store, first, "learning_rate", 0.5)
    store.set_state(first, "paused", "because")
    assert store.records(second) == [record_of(1, 2.0)]
    assert store.progress(second) == [progress_at(5, 2.0)]
    assert store.checkpoint(second) == str(second).encode()
    assert store.model(second, 10).network.parameters.tobytes() == parameters_of(second).tobytes()
    assert take_orders(store, second) == []
    assert (store.run(second).state, store.run(second).message) == ("queued", "")
    assert store.run(second).config.learning_rate == SMALL.learning_rate
    store.set_state(first, "stopped")
    store.delete_run(first)
    assert store.records(second) == [record_of(1, 2.0)]
    assert store.snapshots(second) == [after(1)]


def test_what_is_not_there_is_named(store: RunStore) -> None:
    run = store.create_run(SMALL, "bare")
    for ask in (store.run, store.delete_run, lambda number: store.model(number, 0), lambda n: store.send(n, "stop")):
        with pytest.raises(UnknownRunError, match=r"^there is no run 77: it may have been deleted\.$"):
            ask(77)
    with pytest.raises(
        UnknownRunError, match=rf"^run {run} has no snapshot after 4 corrections: choose another one\.$"
    ):
        store.model(run, 4)
    assert store.records(77) == store.progress(77) == store.snapshots(77) == take_orders(store, 77) == []


def test_the_folder_is_that_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNLIB_HOME", str(tmp_path / "not yet" / "there"))
    with closing(RunStore()) as store:
        assert store.path == tmp_path / "not yet" / "there" / "runs.sqlite"
        assert store.path.is_file()


# --- all or nothing, and many at once ---


class PowerCutError(Exception):
    """What ends a process in the middle of a change."""


def test_record_snapshot_and_checkpoint_are_kept_all_or_none(
    store: RunStore, other: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create_run(SMALL, "cut")
    store.append(run, record_of(1), snapshot=parameters_of(1), checkpoint=b"one")

    def cut(*_: Any) -> None:
        raise PowerCutError

    with monkeypatch.context() as patch:
        patch.setattr(store, "_insert_checkpoint", cut)
        with pytest.raises(PowerCutError):
            store.append(run, record_of(2), snapshot=parameters_of(2), checkpoint=b"two")
    assert other.records(run) == [record_of(1)]
    assert other.snapshots(run) == [after(1)]
    assert other.checkpoint(run) == b"one"
    store.append(run, record_of(2), snapshot=parameters_of(2), checkpoint=b"two")
    assert (other.records(run)[1:], other.snapshots(run), other.checkpoint(run)) == (
        [record_of(2)],
        [after(1), after(2)],
        b"two",
    )


def test_who_reads_holds_up_no_one_who_writes(store: RunStore, other: RunStore) -> None:
    run = store.create_run(SMALL, "watched")
    store._connection.execute("PRAGMA busy_timeout = 0")
    other._connection.execute("BEGIN")
    assert other.records(run) == []
    store.append(run, record_of(1))
    assert other.records(run) == [], "what is being read stays as it was"
    other._connection.execute("COMMIT")
    assert other.records(run) == [record_of(1)]


def test_every_change_shows_in_every_version_and_nothing_else_does(store: RunStore, other: RunStore) -> None:
    run = store.create_run(SMALL, "seen")
    changes: list[Callable[[RunStore], Any]] = [
        lambda by: by.append(run, progress_at(1)),
        lambda by: by.append(run, record_of(1)),
        lambda by: by.save_snapshot(run, BEGINNING, parameters_of(0)),
        lambda by: by.save_checkpoint(run, Snapshot(10, 10 / 10), b"ten"),
        lambda by: change(by, run, "learning_rate", 0.5),
        lambda by: by.take(run),
        lambda by: by.send(run, "pause"),
        lambda by: take_orders(by, run),
        lambda by: by.set_state(run, "paused"),
        lambda by: by.create_run(SMALL, "another"),
        lambda by: by.set_state(run, "stopped"),
        lambda by: by.delete_run(run),
    ]
    seen = {store.version()}, {other.version()}
    for number, make_change in enumerate(changes):
        make_change((store, other)[number % 2])
        for watcher, versions in zip((store, other), seen, strict=True):
            assert watcher.version() not in versions, f"change {number} does not show"
            versions.add(watcher.version())
            watcher.runs(), watcher.records(run), watcher.checkpoint(run)
            assert watcher.version() in versions, "reading is no change"
    before = store.version(), other.version()
    with closing(RunStore(store.folder)):
        assert (store.version(), other.version()) == before, "opening the store is no change"


def test_many_threads_on_one_store_lose_nothing(store: RunStore) -> None:
    runs = [store.create_run(SMALL, str(number)) for number in range(6)]

    def write(run: int) -> None:
        store.take(run)
        for epoch in range(1, 13):
            store.append(run, record_of(epoch, run), checkpoint=bytes([run, epoch]))
            store.send(run, "learning_rate", epoch / 100)
            assert store.run(run).epoch == epoch

    with ThreadPoolExecutor(len(runs)) as pool:
        list(pool.map(write, runs))
    for run in runs:
        assert store.records(run) == [record_of(epoch, run) for epoch in range(1, 13)]
        assert store.checkpoint(run) == bytes([run, 12])
        assert take_orders(store, run) == [("learning_rate", epoch / 100) for epoch in range(1, 13)]


WRITER = """
import sys
from nnlib.training.config import TrainingConfig
from nnlib.runs.store import MOST_AT_ONCE, MOST_CHECKPOINTS, MOST_WAITING, RunStore
from nnlib.training.trainer import Progress

input()
store = RunStore(sys.argv[1])
run = store.create_run(TrainingConfig(), sys.argv[2])
for step in range(1, 31):
    store.append(run, Progress(step / 3, step, 0.1, float(sys.argv[2]), 0.5, 0.0), checkpoint=bytes([step]) * 50_000)
print(run)
"""


def test_many_processes_that_begin_at_once_lose_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WRITER, folder, str(number)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(4)
        ]
        for writer in writers:
            stack.callback(writer.kill)
        with ThreadPoolExecutor(len(writers)) as pool:
            answers = list(pool.map(lambda writer: writer.communicate("\n", PATIENCE_SECONDS), writers))
    assert [error for _, error in answers] == [""] * 4
    with closing(RunStore(folder)) as store:
        assert sorted(run.name for run in store.runs()) == list("0123")
        for number, (answer, _) in enumerate(answers):
            points = store.progress(int(answer))
            assert [point.step for point in points] == list(range(1, 31))
            assert {point.training_loss for point in points} == {float(number)}
            assert store.checkpoint(int(answer)) == bytes([30]) * 50_000


# --- whose turn it is ---


def test_first_come_first_served(store: RunStore) -> None:
    a, b, c = (store.create_run(SMALL, name) for name in "abc")
    assert not store.begin(b, 1), "a comes first"
    assert store.begin(a, 1)
    assert (store.run(a).state, store.run(a).message) == ("running", "")
    assert not store.begin(b, 1)
    assert store.run(b).state == "queued"
    assert not store.begin(c, 2), "b comes first"
    assert store.begin(b, 2)
    assert store.run(b).message == ""
    assert not store.begin(c, 2)
    store.set_state(a, "finished")
    assert store.begin(c, 2)


def test_whoever_goes_on_after_a_pause_waits_behind_the_others(store: RunStore) -> None:
    a, b = (store.create_run(SMALL, name) for name in "ab")
    assert store.begin(a, 1)
    store.set_state(a, "paused")
    store.set_state(a, "queued")
    assert not store.begin(a, 1)
    assert store.begin(b, 1)


def test_a_paused_run_gives_its_place_away(store: RunStore) -> None:
    a, b = (store.create_run(SMALL, name) for name in "ab")
    assert store.begin(a, 1)
    store.set_state(a, "paused")
    assert store.begin(b, 1)


def test_of_many_that_ask_at_once_no_more_than_allowed_run(store: RunStore) -> None:
    runs = [store.create_run(SMALL, str(number)) for number in range(8)]
    together = threading.Barrier(len(runs))

    def ask(run: int) -> bool:
        with closing(RunStore(store.folder)) as own:
            together.wait()
            # the first in line may be the last to ask
            return any(own.begin(run, 3) for _ in range(5))

    with ThreadPoolExecutor(len(runs)) as pool:
        begun = list(pool.map(ask, runs))
    running = [run.id for run in store.runs() if run.state == "running"]
    assert sum(begun) == len(running) <= 3
    assert sorted(running) == runs[: len(running)]
    assert begun[0]


def test_the_dead_hold_no_place_and_no_turn(store: RunStore) -> None:
    running, waiting, mine = (store.create_run(SMALL, name) for name in "abc")
    with living_processes(2) as processes:
        for run, process in zip((running, waiting), processes, strict=True):
            give(store, run, process)
        assert store.begin(running, 1)
        assert not store.begin(mine, 1)
        end(processes[1])
        assert not store.begin(mine, 1)
        end(processes[0])
        assert store.begin(mine, 1)


def test_whose_process_is_suspended_holds_up_nobody_and_keeps_its_turn(store: RunStore) -> None:
    held, mine, later = (store.create_run(SMALL, name) for name in "abc")
    with living_processes(1) as (process,):
        give(store, held, process)
        assert not store.begin(mine, 1)
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        assert store.begin(mine, 1)
        run = store.run(held)
        assert (run.state, run.message.partition(":")[0]) == ("queued", "its process is suspended")
        process.send_signal(signal.SIGCONT)
        os.waitid(os.P_PID, process.pid, os.WCONTINUED)
        store.set_state(mine, "finished")
        assert not store.begin(later, 1), "it is first in line still"
        assert store.begin(held, 1)


# --- whether it lives ---


@pytest.mark.parametrize("state", ACTIVE)
def test_a_run_whose_process_is_gone_shows_as_interrupted(store: RunStore, other: RunStore, state: State) -> None:
    run = store.create_run(SMALL, "mortal")
    with living_processes(1) as (process,):
        give(store, run, process)
        store.set_state(run, state)
        assert other.run(run).state == state
        process.kill()
        # not waited for: a zombie is as dead
        deadline = time.monotonic() + PATIENCE_SECONDS
        while other.run(run).active and time.monotonic() < deadline:
            time.sleep(0.01)
        for _ in range(2):
            found = other.run(run)
            assert found == other.runs()[0]
            assert found.state == "interrupted"
            assert found.message == "its process ended before it was done; it can be resumed."
            assert found.resumable
            process.wait()


@pytest.mark.parametrize("state", ["stopped", "finished", "diverged", "failed", "interrupted"])
def test_what_is_over_stays_as_it_was_left(store: RunStore, state: State) -> None:
    run = store.create_run(SMALL, "over")
    with living_processes(1) as (process,):
        give(store, run, process)
        store.set_state(run, state, "so it ended")
    assert (store.run(run).state, store.run(run).message) == (state, "so it ended")
    assert store.run(run).resumable == (state in ("stopped", "interrupted", "failed"))


def test_a_process_id_that_another_process_got_is_not_the_run_s(store: RunStore) -> None:
    run = store.create_run(SMALL, "reused")
    assert store.run(run).state == "queued"
    store._connection.execute("UPDATE runs SET process_started = process_started - 1")
    assert store.run(run).state == "interrupted"
    assert not store.begin(run, 1)


def test_a_run_in_other_hands_cannot_be_taken(store: RunStore) -> None:
    run = store.create_run(SMALL, "held")
    with living_processes(2) as (holder, thief):
        give(store, run, holder)
        assert store.holder(run) == holder.pid
        for state in ACTIVE:
            store.set_state(run, state)
            sentence = rf"^run {run} is {state} in process {holder.pid}: stop it there first\.$"
            with pytest.raises(StoreError, match=sentence):
                store.enqueue(run)
            assert store.holder(run) == holder.pid
        end(holder)
        store.enqueue(run)
        give(store, run, thief)
        assert (store.holder(run), store.run(run).state) == (thief.pid, "queued")


def test_putting_in_line_forgets_what_came_after_the_checkpoint(store: RunStore) -> None:
    run = store.create_run(SMALL, "again")
    for step in range(1, 6):
        store.append(run, progress_at(step), checkpoint=b"three" if step == 3 else None)
    store.send(run, "pause")
    store.set_state(run, "interrupted", "it fell")
    store.enqueue(run)
    assert [point.step for point in store.progress(run)] == [1, 2, 3]
    assert take_orders(store, run) == []
    assert (store.run(run).state, store.run(run).message) == ("queued", "")


def test_putting_in_line_a_run_without_checkpoint_forgets_all_its_points(store: RunStore) -> None:
    run, untouched = store.create_run(SMALL, "a"), store.create_run(SMALL, "b")
    for each in (run, untouched):
        store.append(each, progress_at(1))
    store.set_state(run, "stopped")
    store.enqueue(run)
    assert store.progress(run) == []
    assert len(store.progress(untouched)) == 1


# --- orders ---


def test_orders_come_in_order_and_once(store: RunStore, other: RunStore) -> None:
    run, another = store.create_run(SMALL, "ordered"), store.create_run(SMALL, "another")
    for each in (run, another):
        store.take(each)
    assert take_orders(store, run) == []
    store.send(run, "pause")
    other.send(run, "learning_rate", 0.02)
    store.send(another, "pause")
    store.send(run, "learning_rate", 1 / 3)
    other.send(run, "resume")
    store.send(run, "stop")
    assert [name for name, _ in take_orders(other, run)] == [
        "pause",
        "learning_rate",
        "learning_rate",
        "resume",
        "stop",
    ]
    assert take_orders(store, run) == take_orders(other, run) == []
    store.send(run, "learning_rate", 1 / 3)
    assert take_orders(other, run) == [("learning_rate", 1 / 3)]
    assert take_orders(other, another) == [("pause", None)]


@pytest.mark.parametrize("state", ["stopped", "finished", "diverged", "interrupted", "failed"])
def test_a_run_that_is_over_takes_no_orders(store: RunStore, state: State) -> None:
    run = store.create_run(SMALL, "over")
    store.set_state(run, state)
    with pytest.raises(StoreError, match=rf"^run {run} is {state}: it takes no more orders\.$"):
        store.send(run, "resume")
    if state == "diverged":
        with pytest.raises(StoreError, match=rf"^run {run} diverged: go on from an earlier moment"):
            store.enqueue(run)
    else:
        store.enqueue(run)
    assert take_orders(store, run) == []


@pytest.mark.parametrize("learning_rate", [0, -1, 11, math.nan, math.inf, None, "fast"])
def test_a_bad_learning_rate_is_refused(store: RunStore, learning_rate: Any) -> None:
    run = store.create_run(SMALL, "rate")
    with pytest.raises(SettingError, match=r"^learning_rate is .*above 0 and at most 10"):
        store.send(run, "learning_rate", learning_rate)
    assert take_orders(store, run) == []


# --- deleting ---


def test_a_deleted_run_leaves_nothing(store: RunStore, other: RunStore) -> None:
    run = store.create_run(SMALL, "gone")
    store.append(run, progress_at(1))
    store.append(run, record_of(1), snapshot=parameters_of(1), checkpoint=b"one")
    store.send(run, "stop")
    store.set_state(run, "stopped")
    other.delete_run(run)
    assert store.runs() == []
    with pytest.raises(UnknownRunError):
        store.run(run)
    tables = store._connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    left = [name for (name,) in tables if store._connection.execute(f"SELECT 1 FROM {name}").fetchone()]
    assert left == ["sqlite_sequence"]


@pytest.mark.parametrize("state", ACTIVE)
def test_an_active_run_is_not_deleted(store: RunStore, state: State) -> None:
    run = store.create_run(SMALL, "busy")
    store.append(run, record_of(1))
    store.set_state(run, state)
    with pytest.raises(StoreError, match=rf"^run {run} is {state}: stop it before you delete it\.$"):
        store.delete_run(run)
    assert store.records(run) == [record_of(1)]


# --- a file that is not as it should be ---


def test_a_store_of_the_first_version_keeps_its_curves_and_snapshots(tmp_path: Path) -> None:
    config = SMALL.with_changes(training_digits=3000, batch_size=32)
    with closing(sqlite3.connect(tmp_path / "runs.sqlite")) as old:
        old.executescript(MIGRATIONS[0])
        old.execute("PRAGMA user_version = 1")
        for run, text in ((1, config.to_json()), (2, "no config")):
            row = (run, "old", text, 0.001, None, 1e9, 1e9, "finished", "", 1, 1.0)
            old.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            for epoch in (0, 1, 3):
                old.execute("INSERT INTO snapshots VALUES (?, ?, ?)", (run, epoch, parameters_of(epoch).tobytes()))
        old.execute("INSERT INTO records VALUES (1, 3, ?)", (json.dumps(vars(record_of(3))),))
        old.execute("INSERT INTO progress VALUES (1, 7, ?)", (json.dumps(vars(progress_at(7))),))
        old.commit()
    for _ in range(2):
        with closing(RunStore(tmp_path)) as store:
            assert store.snapshots(1) == [Snapshot(0, 0.0), Snapshot(94, 1.0), Snapshot(282, 3.0)]
            assert store.model(1, 282).network.parameters.tobytes() == parameters_of(3).tobytes()
            assert (store.run(1).config, store.run(1).last) == (config, record_of(3))
            assert store.progress(1) == [progress_at(7)]


def test_runs_of_the_first_version_go_on_from_their_beginning_where_all_is_known_of_them(tmp_path: Path) -> None:
    config = SMALL.with_changes(epochs=2)
    with closing(sqlite3.connect(tmp_path / "runs.sqlite")) as old:
        old.executescript(MIGRATIONS[0])
        old.execute("PRAGMA user_version = 1")
        for run, rate in ((1, 0.001), (2, 0.01)):
            row = (run, "old", config.to_json(), rate, None, 1e9, 1e9, "interrupted", "", 1, 1.0)
            old.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            old.execute("INSERT INTO records VALUES (?, 1, ?)", (run, json.dumps(vars(record_of(1)))))
            old.execute("INSERT INTO checkpoints VALUES (?, 1, ?)", (run, b"of the first version"))
        old.execute("INSERT INTO orders (run, name, value) VALUES (1, 'learning_rate', 0.5)")
        old.commit()
    with closing(RunStore(tmp_path)) as store:
        assert store.run(1).message.startswith("it was begun by an earlier version: resumed, it learns everything")
        assert [(order.name, order.value) for order in store.orders(1)] == [("learning_rate", 0.5)]
        store.enqueue(1)
        list(worker.work(store, 1))
        assert (store.run(1).state, store.run(1).epoch) == ("finished", 2)
        # when the other's rate was changed, nobody knows
        assert (store.run(2).began_with, store.run(2).config.learning_rate) == (config, 0.01)
        sentence = "^not all is known of what was changed in run 2 while it learned, as in runs of older versions"
        for call in (store.recipe, store.enqueue, partial(store.fork, step=0)):
            with pytest.raises(DamagedStoreError, match=sentence):
                call(2)
        assert store.records(2) == [record_of(1)]
        assert store.run(2).state == "interrupted"


def test_a_network_says_when_it_was_so(store: RunStore) -> None:
    run = store.create_run(SMALL, "film")
    for step, epoch, moment in (
        (0, 0.0, "after epoch 0"),
        (1, 0.02, "after 1 correction"),
        (1000, 1.5, "after 1,000 corrections"),
        (2000, 2.0, "after epoch 2"),
    ):
        store.save_snapshot(run, Snapshot(step, epoch), parameters_of(step))
        model = store.model(run, step)
        assert model.name == f"run {run}, film, {moment}"
        assert model.recipe.startswith(model.name)
        assert model.epoch == int(epoch)


def test_only_what_is_new_can_be_asked_for(store: RunStore) -> None:
    run = store.create_run(SMALL, "followed")
    for epoch in (1, 2, 3):
        store.append(run, progress_at(10 * epoch - 5))
        store.append(run, record_of(epoch))
    assert store.records(run, after_epoch=2) == [record_of(3)]
    assert store.progress(run, after_step=15) == [progress_at(25)]
    assert store.records(run, after_epoch=3) == store.progress(run, after_step=25) == []


def test_a_newer_store_is_left_alone(tmp_path: Path) -> None:
    with closing(RunStore(tmp_path)) as store:
        run = store.create_run(SMALL, "future")
        store._connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="was made by a newer version of this program: update, or set NNLIB_HOME"):
        RunStore(tmp_path)
    with closing(sqlite3.connect(tmp_path / "runs.sqlite")) as connection:
        assert connection.execute("SELECT id FROM runs").fetchall() == [(run,)]
        assert connection.execute("PRAGMA user_version").fetchone() == (99,)


def with_bytes(content: bytes, place: int, bytes_: bytes) -> bytes:
    return content[:place] + bytes_ + content[place + len(bytes_) :]


UNREADABLE: dict[str, Callable[[bytes], bytes]] = {
    "a letter": lambda _: b"this is a letter, and no database\n" * 200,
    "its first words": lambda _: b"SQLite format 3\0" * 300,
    "another database": lambda content: with_bytes(content, 60, bytes(4)),  # the place of its version
    "an older version": lambda content: with_bytes(content, 60, bytes([0, 0, 0, 1])),
    "a damaged beginning": lambda content: with_bytes(content, 100, b"\xff" * 2000),
}


@pytest.mark.parametrize("damage", UNREADABLE)
def test_a_file_that_is_no_store_is_named_and_kept(whole: Path, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "runs.sqlite"
    content = UNREADABLE[damage](whole.read_bytes())
    path.write_bytes(content)
    with pytest.raises(StoreError, match=rf"^{path} is no store, or damaged as a whole \(.*\): it is left as it is; "):
        RunStore(tmp_path)
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["runs.sqlite"]


def test_of_a_file_that_was_emptied_the_log_is_kept(store: RunStore, tmp_path: Path) -> None:
    store.create_run(SMALL, "in the log")
    log = tmp_path / "runs.sqlite-wal"
    shutil.copy(store.folder / log.name, log)
    (tmp_path / "runs.sqlite").touch()
    before = log.read_bytes()
    with pytest.raises(StoreError, match=r"it is empty, and its log runs\.sqlite-wal is not"):
        RunStore(tmp_path)
    assert log.read_bytes() == before
    assert before


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs.sqlite").mkdir()
    with pytest.raises(StoreError, match=r"runs\.sqlite cannot be opened .*: allow that for"):
        RunStore(tmp_path)


@pytest.mark.parametrize("place", ["file", "file/below", "file/far/below"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        StoreError, match=r"^the folder .*file.* cannot be made \(.*\): set NNLIB_HOME to another one\.$"
    ):
        RunStore(tmp_path / place)


@pytest.mark.parametrize("fate", ["deleted", "moved", "replaced"])
def test_a_store_that_is_taken_away_is_followed_by_who_looks_and_not_by_who_trains(
    store: RunStore, other: RunStore, fate: str
) -> None:
    run = store.create_run(SMALL, "homeless")
    store.take(run)
    before = other.version()
    assert other.run(run).active
    if fate == "deleted":
        shutil.rmtree(store.folder)
    else:
        store.folder.rename(store.folder.with_name("elsewhere"))
    if fate == "replaced":
        with closing(RunStore(store.folder)) as new:
            new.create_run(SMALL, "of another store")
            new.create_run(SMALL, "of another store, too")
    writes: list[Callable[[], Any]] = [
        lambda: store.append(run, record_of(1)),
        lambda: store.save_checkpoint(run, Snapshot(1, 1 / 10), b""),
        lambda: store.save_snapshot(run, BEGINNING, parameters_of(0)),
        lambda: store.set_state(run, "finished"),
        lambda: store.run(run),
    ]
    for write in writes:
        with pytest.raises(StoreGoneError, match=r"^the store .*runs\.sqlite is gone: it was deleted or moved"):
            write()
    assert other.version() != before
    assert len(other.runs()) == (2 if fate == "replaced" else 0)
    assert other.create_run(SMALL, "new") in [found.id for found in other.runs()]
    if fate != "deleted":
        with closing(RunStore(store.folder.with_name("elsewhere"))) as moved:
            assert moved.run(run).name == "homeless"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real store's file: runs, records, points, snapshots, checkpoints, orders, corrected digits."""
    with closing(RunStore(tmp_path_factory.mktemp("whole"))) as store:
        for seed in (1, 2):
            run = store.create_run(SMALL.with_changes(seed=seed, batch_size=32), f"seed {seed}")
            trainer = Trainer(store.run(run).config, load_mnist(), progress_seconds=0)
            store.save_snapshot(run, BEGINNING, trainer.network.parameters)
            for record in trainer:
                ended = isinstance(record, EpochRecord)
                snapshot = trainer.network.parameters if ended else None
                store.append(run, record, snapshot=snapshot, checkpoint=trainer.checkpoint() if ended else None)
            store.send(run, "learning_rate", 0.01)
            store.corrections.add(load_mnist().test.images[seed], seed)
    return store.path


def read_all(content: bytes) -> None:
    """Do all that can be done with a store of these bytes; only StoreErrors with a sentence may come of it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "runs.sqlite").write_bytes(content)
        try:
            store = RunStore(folder)
        except StoreError as error:
            assert_sentence(error)
            return
        with closing(store):
            store._connection.execute("PRAGMA synchronous = OFF")
            read_whole_store(store)


def read_whole_store(store: RunStore) -> None:
    changes: list[Callable[[int], Any]] = [
        lambda run: store.send(run, "stop"),
        store.orders,
        lambda run: store.begin(run, 1),
        store.enqueue,
        store.take,
        lambda run: store.append(run, record_of(1), snapshot=parameters_of(1), checkpoint=b"new"),
        store.delete_run,
    ]
    calls: list[Callable[[], Any]] = [store.version, store.runs]
    calls += [partial(ask, run) for ask in readers(store) + changes for run in (1, 2, 3)]
    for call in calls:
        try:
            call()
        except StoreError as error:
            assert_sentence(error)


def assert_sentence(error: StoreError) -> None:
    text = str(error)
    assert text.endswith(".")
    assert ": " in text
    assert "\n" not in text


def test_the_undamaged_file_reads_without_error(whole: Path, tmp_path: Path) -> None:
    shutil.copy(whole, tmp_path / "runs.sqlite")
    with closing(RunStore(tmp_path)) as store:
        for run in store.runs():
            assert len(store.records(run.id)) == 3
            assert len(store.progress(run.id)) == 9
            assert store.snapshots(run.id) == [Snapshot(4 * epoch, epoch) for epoch in range(4)]
            assert Trainer.resume(store.checkpoint(run.id) or b"", load_mnist()).finished
            for moment in store.snapshots(run.id):
                assert isinstance(store.model(run.id, moment.step).network, Network)


# of about so many in the file, and among them those that say what tables there are
PLACES = st.integers(0, 2**20 - 1) | st.integers(0, PAGE - 1)


@settings(max_examples=150, deadline=None)
@given(
    edits=st.lists(st.tuples(PLACES, st.integers(0, 255)), max_size=12),
    page=st.none() | st.tuples(PLACES, st.sampled_from([b"\0", b"\xff", b"{"])),
    cut=st.none() | PLACES,
)
def test_damaged_bytes_end_in_a_sentence(
    whole: Path, edits: list[tuple[int, int]], page: tuple[int, bytes] | None, cut: int | None
) -> None:
    damaged = bytearray(whole.read_bytes())
    size = len(damaged)
    for place, value in edits:
        damaged[place % size] = value
    if page is not None:
        start = page[0] * PAGE % size
        damaged[start : start + PAGE] = page[1] * PAGE
    if cut is not None:
        del damaged[cut % size :]
    read_all(bytes(damaged))


@settings(max_examples=60, deadline=None)
@given(edits=st.lists(st.tuples(PLACES, st.integers(0, 200), st.sampled_from(b'0-.eE"{}[],:n\xff\0')), min_size=1))
def test_damaged_text_ends_in_a_sentence(whole: Path, edits: list[tuple[int, int, int]]) -> None:
    # what SQLite's own checks cannot see: letters within what we wrote
    damaged = bytearray(whole.read_bytes())
    starts = [found.start() for found in re.finditer(rb'\{"', damaged[:-200])]
    for start, offset, letter in edits:
        damaged[starts[start % len(starts)] + offset] = letter
    read_all(bytes(damaged))


COLUMNS = {
    "runs": "id name config data_directory created queued state message process_id process_started "
    "machine sign attempt taken checksum now parent parent_step weights race note tags corrections",
    "records": "run epoch record checksum",
    "progress": "run step progress checksum",
    "snapshots": "run step epoch parameters checksum",
    "checkpoints": "run step epoch state checksum",
    "events": "run number step name value checksum",
    "orders": "id run name value checksum",
    "corrections": "id label answer created pixels checksum",
    "verdicts": "picture label created checksum",
}
ODD_VALUES = [
    *(None, -1, 2**62, 1e300, -1e300, math.inf, "", "nonsense", "[" * 100_000, b"", b"\xff\xfe", b"\0" * 3220),
    *('{"epoch": 1}', "[]", "null", "5", '"x"', '{"hidden_widths": [1024, 1024]}', '{"a b": 1}'),
    json.dumps(vars(record_of(1)) | {"training_loss": "low"}),
    json.dumps(vars(record_of(1)) | {"dead_units": 5}),
    json.dumps(vars(record_of(1)) | {"dead_units": [None]}),
    json.dumps(vars(record_of(1)) | {"surprise": 1}),
    json.dumps(vars(progress_at(1)) | {"step": None}),
    np.full(N_PARAMETERS, np.nan, "<f4").tobytes(),
]


def test_the_columns_that_are_damaged_are_all_there_are(store: RunStore) -> None:
    query = "SELECT m.name, group_concat(c.name, ' ') FROM sqlite_schema m, pragma_table_info(m.name) c GROUP BY m.name"
    tables = dict(store._connection.execute(query))
    del tables["sqlite_sequence"]
    assert tables == COLUMNS


@pytest.mark.parametrize(("table", "column"), [(table, each) for table in COLUMNS for each in COLUMNS[table].split()])
def test_odd_values_in_any_column_end_in_a_sentence(whole: Path, tmp_path: Path, table: str, column: str) -> None:
    shutil.copy(whole, tmp_path / "runs.sqlite")
    with closing(RunStore(tmp_path)) as store:
        store._connection.execute("PRAGMA synchronous = OFF")
        for value in ODD_VALUES:
            store._connection.execute("BEGIN")
            with suppress(sqlite3.IntegrityError):
                store._connection.execute(f"UPDATE OR REPLACE {table} SET {column} = ?", (value,))
                calls: list[Callable[[], Any]] = [store.runs, store.corrections.all, store.corrections.damage]
                calls += [partial(ask, run) for ask in readers(store) for run in (1, 2)]
                for call in calls:
                    try:
                        answer = call()
                    except StoreError as error:
                        assert_sentence(error)
                    else:
                        assert_usable(answer)
            store._connection.execute("ROLLBACK")


def assert_usable(answer: Any) -> None:
    """What was read without error has the form that its readers rely on."""
    for each in answer if isinstance(answer, list) else [answer]:
        match each:
            case Run():
                assert time.localtime(each.created)
                assert f"{each.id:4} {each.name:9} {each.state:9} {each.config.learning_rate:g} {each.message:9}"
            case EpochRecord() | Progress():
                numbers = [n for value in astuple(each) for n in (value if isinstance(value, tuple) else [value])]
                assert all(type(number) in (int, float) for number in numbers)
            case Network():
                assert np.isfinite(each.parameters).all()
            case Correction():
                assert digits_of([each]).labels.tolist() == [each.label]


@pytest.mark.parametrize("table", sorted(set(COLUMNS) - {"corrections", "verdicts"}))  # which no run needs
def test_a_missing_table_ends_in_a_sentence(whole: Path, tmp_path: Path, table: str) -> None:
    shutil.copy(whole, tmp_path / "runs.sqlite")
    with closing(RunStore(tmp_path)) as store:
        store._connection.execute(f"DROP TABLE {table}")
        read_whole_store(store)
        if table != "runs":
            store._connection.execute("UPDATE runs SET state = 'stopped'")
        with pytest.raises(StoreError, match=f"no such table: {table}"):
            store.delete_run(1)


def test_a_closed_store_says_so(store: RunStore) -> None:
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.runs()


# --- a disk that is full ---


def test_a_full_disk_keeps_nothing_by_halves(store: RunStore, other: RunStore) -> None:
    run = store.create_run(SMALL, "full")
    store.append(run, record_of(1), snapshot=parameters_of(1), checkpoint=b"one")
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    writes: list[Callable[[], Any]] = [
        lambda: store.append(run, record_of(2), snapshot=parameters_of(2), checkpoint=bytes(10**6)),
        lambda: store.append(run, progress_at(11), checkpoint=bytes(10**6)),
        lambda: store.save_checkpoint(run, Snapshot(20, 20 / 10), bytes(10**6)),
        lambda: store.save_snapshot(run, Snapshot(20, 2.0), np.zeros(10**6, np.float32)),
        lambda: store.create_run(SMALL, "x" * 10**6),
        lambda: store.set_state(run, "paused", "x" * 10**6),
    ]
    for write in writes:
        with pytest.raises(StoreFullError, match=r"^the disk with .* is full: make room, or delete old runs\.$"):
            write()
        for reader in (store, other):
            assert reader.records(run) == [record_of(1)]
            assert reader.progress(run) == []
            assert reader.snapshots(run) == [after(1)]
            assert reader.checkpoint(run) == b"one"
            assert len(reader.runs()) == 1
    store._connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
    store.append(run, record_of(2), snapshot=parameters_of(2), checkpoint=bytes(10**6))
    assert other.snapshots(run) == [after(1), after(2)]


def test_a_nearly_full_disk_is_refused_before_anything_is_written(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create_run(SMALL, "nearly")
    size, empty = (
        store._connection.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_size", "freelist_count")
    )
    free = 32 * 2**20 + 999 - size * empty
    asked = []

    def disk_usage(folder: Path) -> SimpleNamespace:
        asked.append(folder)
        return SimpleNamespace(free=free)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    version = store.version()
    for write in (
        lambda: store.append(run, record_of(1), checkpoint=bytes(1000)),
        lambda: store.append(run, record_of(1), snapshot=np.zeros(250, np.float32)),
        lambda: store.save_checkpoint(run, Snapshot(1, 1 / 10), bytes(1000)),
        lambda: store.save_snapshot(run, BEGINNING, np.zeros(250, np.float32)),
    ):
        with pytest.raises(StoreFullError, match=r"^the disk with .* is full \(32 MB left\): make room, or delete"):
            write()
    assert store.version() == version
    assert set(asked) == {store.folder}
    # what says so, and what makes room, still goes
    store.set_state(run, "paused", "the disk is full")
    store.append(run, record_of(1), checkpoint=bytes(999))
    assert store.records(run) == [record_of(1)]


# --- a run that waits is a row ---


def test_a_run_that_no_process_has_obeys_by_itself(store: RunStore, other: RunStore) -> None:
    run = store.create_run(SMALL, "row")
    assert store.waiting() == other.waiting() == [run]
    other.send(run, "learning_rate", 0.25)
    other.send(run, "pause")
    assert store.run(run).state == "paused"
    assert store.waiting() == [run]
    assert not store.begin(run, 1)
    other.send(run, "resume")
    assert store.run(run).state == "queued"
    # the change waits for whoever trains it
    assert [(order.name, order.value) for order in store.orders(run)] == [("learning_rate", 0.25)]
    other.send(run, "stop")
    assert store.run(run).state == "stopped"
    assert store.run(run).resumable
    assert store.waiting() == []


def test_the_line_has_an_end(store: RunStore) -> None:
    runs = [store.create_run(SMALL, "one of many") for _ in range(MOST_WAITING)]
    sentence = rf"^{MOST_WAITING} runs wait in line, and no more may: wait until one of them begins, or stop one\.$"
    with pytest.raises(StoreError, match=sentence):
        store.create_run(SMALL, "too many")
    assert store.begin(runs[0])
    stopped = store.create_run(SMALL, "a place is free")
    store.set_state(stopped, "stopped")
    last = store.create_run(SMALL, "the last")
    with pytest.raises(StoreError, match=sentence):
        store.enqueue(stopped)
    assert store.run(stopped).state == "stopped"
    with living_processes(1) as (process,):
        give(store, last, process)
    store.enqueue(stopped)  # the dead take no place


def test_a_run_that_waits_says_where_in_the_line(store: RunStore) -> None:
    busy = [store.create_run(SMALL, "busy") for _ in range(MOST_AT_ONCE)]
    assert [store.run(run).message for run in busy] == [""] * MOST_AT_ONCE
    assert all(store.begin(run) for run in busy)
    first, second = store.create_run(SMALL, "first"), store.create_run(SMALL, "second")
    now = f"run {busy[0]} does" if len(busy) == 1 else f"runs {' and '.join(map(str, busy))} do"
    words = f"in line: at most {MOST_AT_ONCE} runs train at once, and now {now}."
    assert store.run(second).message == f"waits for its turn, number 2 {words}"
    assert [run.message for run in store.runs()[:2]] == [
        f"waits for its turn, number {place} {words}" for place in (2, 1)
    ]
    store.send(first, "stop")
    assert store.run(second).message == f"waits for its turn, number 1 {words}"


def test_a_clock_that_is_set_back_does_not_change_whose_turn_it_is(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = store.create_run(SMALL, "a")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    b = store.create_run(SMALL, "b")
    assert not store.begin(b, 1)
    assert store.begin(a, 1)


def test_who_waits_holds_nobody_up(store: RunStore, other: RunStore) -> None:
    a, b = store.create_run(SMALL, "a"), store.create_run(SMALL, "b")
    assert store.begin(a, 1)
    store._connection.execute("PRAGMA busy_timeout = 0")
    with other._database.writing():
        assert not store.begin(b, 1)
        assert store.waiting() == [b]
        assert store.orders(b) == []


# --- in whose hands it is ---


def test_whoever_lost_a_run_writes_no_more_to_it(store: RunStore, other: RunStore) -> None:
    run = store.create_run(SMALL, "lost")
    store.take(run)
    store.append(run, record_of(1), checkpoint=b"one")
    # as somebody sees it who cannot see its process
    store._connection.execute("UPDATE runs SET machine = 'another', sign = 0")
    assert other.run(run).state == "interrupted"
    other.enqueue(run)
    other.take(run)
    other.append(run, record_of(2))
    before = other.records(run), other.run(run)
    writes: list[Callable[[], Any]] = [
        lambda: store.append(run, record_of(3)),
        lambda: store.save_snapshot(run, BEGINNING, parameters_of(0)),
        lambda: store.save_checkpoint(run, Snapshot(20, 20 / 10), b"two"),
        lambda: store.set_state(run, "failed"),
        lambda: change(store, run, "learning_rate", 0.5),
        lambda: store.begin(run),
        lambda: store.show_life(run),
    ]
    for write in writes:
        store._held[run] = 1
        store._signed.clear()
        with pytest.raises(RunLostError, match=rf"^run {run} was deleted, or goes on in another process: this one"):
            write()
    assert (other.records(run), other.run(run)) == before
    assert other.checkpoint(run) == b"one"
    assert other.snapshots(run) == []
    with pytest.raises(RunLostError, match=rf"^run {run} is queued, and in other hands: this process leaves it alone"):
        store.take(run)


def test_a_run_that_somebody_has_taken_begins_by_their_hands_only(store: RunStore, other: RunStore) -> None:
    run = store.create_run(SMALL, "taken")
    other.take(run)
    assert not store.begin(run)
    assert other.run(run).state == "queued"
    assert other.begin(run)
    assert store.run(run).state == "running"


def test_nothing_is_written_to_a_run_that_was_deleted(store: RunStore, other: RunStore) -> None:
    run = store.create_run(SMALL, "deleted")
    store.take(run)
    store._connection.execute("UPDATE runs SET machine = 'another', sign = 0")
    other.delete_run(run)
    with pytest.raises(RunLostError, match=rf"^run {run} was deleted, or goes on in another process: this one leaves"):
        store.append(run, record_of(1), snapshot=parameters_of(1), checkpoint=b"one")
    with pytest.raises(UnknownRunError):
        other.append(run, record_of(1))
    assert other.records(run) == other.snapshots(run) == []
    assert other.checkpoint(run) is None


@pytest.mark.parametrize("seconds", [3, 60, -60])
def test_a_clock_that_is_set_loses_no_run(
    store: RunStore, other: RunStore, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    run = store.create_run(SMALL, "steady")
    store.take(run)
    assert store.begin(run, 1)
    now, boot = time.time(), psutil.boot_time()
    monkeypatch.setattr(time, "time", lambda: now + seconds)
    monkeypatch.setattr(psutil, "boot_time", lambda: boot + seconds)
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: boot + seconds)
    assert other.run(run).state == "running"
    with pytest.raises(StoreError, match="stop it there first"):
        other.enqueue(run)
    with pytest.raises(StoreError, match="stop it before you delete it"):
        other.delete_run(run)
    store.append(run, record_of(1))


def test_a_run_in_another_container_lives_by_its_signs(store: RunStore, other: RunStore) -> None:
    run = store.create_run(SMALL, "elsewhere")
    store.take(run)
    assert store.begin(run, 1)
    boot = this_machine().partition(" ")[0]
    store._connection.execute("UPDATE runs SET machine = ?, process_id = 4", (f"{boot} another",))
    assert other.run(run).state == "running"
    store._connection.execute("UPDATE runs SET sign = sign - 1000")
    assert other.run(run).state == "interrupted"
    store._signed.clear()
    store.append(run, progress_at(1))
    assert other.run(run).state == "running", "whatever it writes is a sign of life"
    store._connection.execute("UPDATE runs SET sign = sign - 1000")
    store._signed.clear()
    store.show_life(run)
    assert other.run(run).state == "running"


def test_a_process_that_hangs_is_seen(store: RunStore, other: RunStore) -> None:
    run = store.create_run(SMALL, "silent")
    store.take(run)
    assert store.begin(run)
    assert other.run(run).silent_seconds < 10
    store._connection.execute("UPDATE runs SET sign = sign - 30")
    assert 30 <= other.run(run).silent_seconds == pytest.approx(30, abs=10)
    assert other.runs()[0].silent_seconds >= 30
    store._signed.clear()
    store.append(run, progress_at(1))
    assert other.run(run).silent_seconds < 10
    store.set_state(run, "paused")
    store._connection.execute("UPDATE runs SET sign = sign - 30")
    assert other.run(run).silent_seconds == 0


def test_a_learning_rate_waits_for_who_goes_on(store: RunStore) -> None:
    run = store.create_run(SMALL, "steered")
    store.take(run)
    store.send(run, "learning_rate", 0.25)
    store.send(run, "pause")
    store.set_state(run, "interrupted")
    store.enqueue(run)
    assert [(order.name, order.value) for order in store.orders(run)] == [("learning_rate", 0.25)]
    store.take(run)
    (order,) = store.orders(run)
    store.take_effect(run, order, 7)
    assert store.orders(run) == []
    assert store.run(run).config.learning_rate == 0.25


def test_each_attempt_has_a_number(store: RunStore) -> None:
    run = store.create_run(SMALL, "again")
    first = store.run(run).attempt
    store.take(run, first)
    store.set_state(run, "stopped")
    store.enqueue(run)
    assert store.run(run).attempt == first + 1
    with pytest.raises(RunLostError):
        store.take(run, first)
    store.take(run, first + 1)


# --- what people say of a run ---


def test_a_name_a_note_and_tags_are_kept_whatever_the_run_does_meanwhile(store: RunStore, other: RunStore) -> None:
    run = store.create_run(SMALL, "quick")
    store.begin(run)
    store.take(run)
    other.rename(run, "  the one for\tFriday ")
    other.annotate(run, note="first line\n second line \n", tags=["good", " for class", "good", ""])
    store.append(run, record_of(1))
    store.set_state(run, "finished")
    found = other.run(run)
    assert (found.name, found.note) == ("the one for Friday", "first line\n second line")
    assert found.tags == ("good", "for class")
    other.annotate(run, tags=[])
    assert (other.run(run).note, other.run(run).tags) == (found.note, ())
    other.annotate(run, note="")
    assert store.run(run).note == ""


def test_what_is_typed_can_be_shown_anywhere(store: RunStore) -> None:
    run = store.create_run(SMALL, "quick")
    store.rename(run, "turn\u202eed \x1b[2J \ud800")
    store.annotate(run, note="a\x00b", tags=["c\u2066d"])
    found = store.run(run)
    assert (found.name, found.note, found.tags) == ("turn\ufffded \ufffd[2J \ufffd", "a\ufffdb", ("c\ufffdd",))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda store: store.rename(1, " "), "the name is empty: it must have 1 to 100 characters."),
        (lambda store: store.rename(1, "x" * 101), "the name has 101 characters: it must have 1 to 100 characters."),
        (
            lambda store: store.annotate(1, note="x" * 1001, tags=["good"]),
            "the note has 1,001 characters: it may have at most 1,000, so shorten it.",
        ),
        (
            lambda store: store.annotate(1, note="fine", tags=["good", "y" * 31]),
            f"the tag {'y' * 31} has 31 characters: it must have 1 to 30 characters and no comma.",
        ),
        (
            lambda store: store.annotate(1, tags=["a,b"]),
            "the tag a,b has 3 characters: it must have 1 to 30 characters and no comma.",
        ),
        (
            lambda store: store.annotate(1, tags=map(str, range(11))),
            "a run would have 11 tags: it may have at most 10, so take some away.",
        ),
    ],
)
def test_what_is_too_long_is_refused_in_a_sentence_and_changes_nothing(
    store: RunStore, change: Callable[[RunStore], None], sentence: str
) -> None:
    store.create_run(SMALL, "x" * 100)
    store.annotate(1, note="y" * 1000, tags=[str(number) * 3 for number in range(10)])
    before = store.run(1)
    with pytest.raises(SettingError, match=rf"^{re.escape(sentence)}$"):
        change(store)
    assert store.run(1) == before


def test_a_run_that_is_gone_cannot_be_named(store: RunStore) -> None:
    for change in (partial(store.rename, 7, "lost"), partial(store.annotate, 7, note="lost")):
        with pytest.raises(UnknownRunError):
            change()


# --- damage ---


def spoil(store: RunStore, table: str, column: str, value: Any, condition: str = "1") -> None:
    store._connection.execute(f"UPDATE {table} SET {column} = ? WHERE {condition}", (value,))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("name", "deep nets"),
        ("config", "{}"),
        ("now", "{}"),
        ("parent", 1),
        ("note", "fine"),
        ("created", 5.0),
        ("state", "running"),
        ("message", "fine"),
        ("data_directory", "/"),
        ("checksum", 1),
    ],
)
def test_a_damaged_run_is_marked_and_can_be_deleted_and_stops_no_other(
    store: RunStore, other: RunStore, column: str, value: Any
) -> None:
    good, bad, better = (store.create_run(SMALL, "deep net") for _ in range(3))
    for run in (good, bad, better):
        store.append(run, record_of(1), snapshot=parameters_of(run))
        store.set_state(run, "stopped")
    assert len(other.runs()) == 3
    spoil(store, "runs", column, value, f"id = {bad}")
    sentence = f"run {bad} is damaged (it is not what was written): it can only be deleted."
    assert [run.id for run in other.runs()] == [better, good]
    assert other.damaged_runs() == [DamagedRun(bad, sentence)]
    with pytest.raises(DamagedStoreError, match=rf"^{re.escape(sentence)}$"):
        other.run(bad)
    with pytest.raises(DamagedStoreError):
        other.set_state(bad, "finished")
    other.enqueue(good)
    other.delete_run(bad)
    assert other.damaged_runs() == []
    assert other.records(bad) == other.snapshots(bad) == []


def test_a_damaged_run_blocks_no_line(store: RunStore) -> None:
    bad, good = store.create_run(SMALL, "first"), store.create_run(SMALL, "second")
    spoil(store, "runs", "name", "worst", f"id = {bad}")
    assert not store.begin(bad, 1)
    assert store.begin(good, 1)
    store.delete_run(bad)
    assert store.waiting() == []


def test_a_damaged_record_is_left_out_and_said(store: RunStore) -> None:
    run = store.create_run(SMALL, "hole")
    for epoch in (1, 2, 3):
        store.append(run, record_of(epoch), snapshot=parameters_of(epoch), checkpoint=b"whole")
        store.append(run, progress_at(epoch))
    assert store.damage(run) is None
    text = json.dumps(vars(record_of(3))).replace("0.5", "0.6")
    spoil(store, "records", "record", text, "epoch = 3")
    spoil(store, "progress", "step", 7, "step = 2")
    assert store.records(run) == [record_of(1), record_of(2)]
    assert store.run(run).last == record_of(2)
    assert store.progress(run) == [progress_at(1), progress_at(3)]
    assert store.damage(run) == (
        f"of run {run}, 1 of 3 epochs and 1 of 3 points within them are damaged in the store: "
        "the curves leave them out."
    )
    spoil(store, "snapshots", "parameters", parameters_of(9).tobytes(), "step = 20")
    with pytest.raises(DamagedStoreError, match=rf"^the snapshot of run {run} after 20 corrections is damaged"):
        store.model(run, 20)
    store.model(run, 10)
    spoil(store, "checkpoints", "state", b"whale", "step = 30")
    assert store.checkpoint(run) == b"whole"
    assert store.checkpoint(run, 19) == b"whole"
    spoil(store, "checkpoints", "state", b"whale")
    assert store.checkpoint(run) is None
    store.take(run)
    store.send(run, "learning_rate", 0.5)
    spoil(store, "orders", "value", 5.0)
    assert store.orders(run) == []


def test_a_damaged_page_hides_only_the_runs_on_it(tmp_path: Path) -> None:
    with closing(RunStore(tmp_path)) as store:
        for number in range(60):
            run = store.create_run(SMALL, f"run {number} " + "x" * 500)
            store.set_state(run, "stopped")
    content = bytearray(store.path.read_bytes())
    pages = {content.find(f"run {number} xxx".encode()) // PAGE for number in (20, 21)}
    for page in pages:
        content[page * PAGE : page * PAGE + 100] = b"\xff" * 100
    store.path.write_bytes(content)
    with closing(RunStore(tmp_path)) as store:
        whole, lost = store.runs(), store.damaged_runs()
        assert sorted([run.id for run in whole] + [run.id for run in lost]) == list(range(1, 61))
        assert len(whole) >= 40
        assert {21, 22} <= {run.id for run in lost}
        store.delete_run(whole[0].id)
        store.enqueue(whole[1].id)


def test_what_was_read_before_is_not_worked_out_again(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [store.create_run(SMALL, str(number)) for number in range(20)]
    for run in runs:
        store.set_state(run, "stopped")
    first = store.runs()
    parse, parsed = TrainingConfig.from_json, []

    def count(text: str) -> TrainingConfig:
        parsed.append(text)
        return parse(text)

    monkeypatch.setattr(TrainingConfig, "from_json", count)
    assert store.runs() == first
    assert parsed == []
    store.set_state(runs[3], "finished")
    store.append(runs[5], record_of(1))
    changed = store.runs()
    assert len(parsed) == 2
    assert [run.id for run, before in zip(changed, first, strict=True) if run != before] == [runs[5], runs[3]]


# --- room ---


def test_what_is_deleted_the_disk_gets_back(store: RunStore, other: RunStore) -> None:
    empty = store.used_bytes()
    runs = [store.create_run(SMALL, str(number)) for number in range(3)]
    for run in runs:
        for epoch in range(1, 30):
            parameters = np.random.default_rng(epoch).standard_normal(50_000, dtype=np.float32)
            store.append(run, record_of(epoch), snapshot=parameters, checkpoint=b"x" * 100_000)
        store.set_state(run, "stopped")
    size = 29 * 200_000 + MOST_CHECKPOINTS * 100_000
    assert store.used_bytes(runs[0]) == pytest.approx(size, rel=0.1)
    full = store.used_bytes()
    assert full > 3 * size
    other.delete_run(runs[1])
    assert store.used_bytes() < full - 0.9 * size
    other.delete_run(runs[0])
    other.delete_run(runs[2])
    assert store.used_bytes() < empty + 200_000
    assert store.used_bytes(runs[0]) == 0


def test_several_runs_are_deleted_at_once_and_the_disk_gets_their_room(store: RunStore, other: RunStore) -> None:
    empty = store.used_bytes()
    runs = [store.create_run(SMALL, str(number)) for number in range(4)]
    for run in runs:
        store.append(run, record_of(1), snapshot=parameters_of(run), checkpoint=b"x" * 1_000_000)
        store.set_state(run, "stopped")
    spoil(store, "runs", "name", "not what was written", f"id = {runs[1]}")
    size = store.used_bytes(*runs[:3])
    assert size == sum(map(store.used_bytes, runs[:3])) > 3_000_000
    full = store.used_bytes()
    other.delete_runs([*runs[:3], 99, runs[0]])
    assert [run.id for run in store.runs()] == runs[3:]
    assert store.damaged_runs() == []
    assert store.used_bytes() < full - 0.9 * size
    other.delete_runs(runs)
    assert store.used_bytes() < empty + 200_000


def test_of_several_runs_none_is_deleted_while_one_is_active(store: RunStore) -> None:
    over, active = store.create_run(SMALL, "over"), store.create_run(SMALL, "active")
    store.set_state(over, "stopped")
    with pytest.raises(StoreError, match=rf"^run {active} is queued: stop it before you delete it\.$"):
        store.delete_runs([over, active])
    assert [run.id for run in store.runs()] == [active, over]


def test_a_store_of_the_first_version_gives_room_back_too(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "runs.sqlite")) as old:
        old.execute("PRAGMA journal_mode = WAL")
        old.executescript(MIGRATIONS[0])
        old.execute("PRAGMA user_version = 1")
        for run in (1, 2):
            row = (run, "old", SMALL.to_json(), 0.001, None, 1e9, 1e9, "finished", "", 1, 1.0)
            old.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            old.execute("INSERT INTO snapshots VALUES (?, 1, ?)", (run, bytes(4_000_000)))
        old.commit()
    with closing(RunStore(tmp_path)) as store:
        store.delete_run(1)
        assert store.path.stat().st_size < 5_000_000
        store.delete_run(2)
        assert store.path.stat().st_size < 500_000
        assert store.runs() == []


def test_what_was_deleted_inside_the_file_is_room(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.create_run(SMALL, "replaced")
    store.save_checkpoint(run, Snapshot(1, 1 / 10), bytes(10**7))
    store._connection.execute("DELETE FROM checkpoints")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=30 * 2**20))
    store.save_checkpoint(run, Snapshot(1, 1 / 10), bytes(10**6))
    with pytest.raises(StoreFullError):
        store.save_checkpoint(run, Snapshot(1, 1 / 10), bytes(10**7))


def test_a_deletion_without_any_room_takes_the_spare(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.create_run(SMALL, "in the way")
    store.set_state(run, "stopped")
    spare = store.folder / "runs.spare"
    delete = RunStore._delete

    def delete_if_room(own: RunStore, run_id: int) -> None:
        if spare.exists():
            raise StoreFullError("there is no room, not even to delete.")
        delete(own, run_id)

    monkeypatch.setattr(RunStore, "_delete", delete_if_room)
    store.delete_run(run)
    assert store.runs() == []
    assert spare.exists(), "for the next time"
