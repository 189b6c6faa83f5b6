"""A run in a process of its own: `python -m nnlib.runs RUN`.

The process that trains and those that watch share only the store: what is learned goes in, orders
come out. So no page change, refresh or second viewer can disturb a training, and no crash costs
more than the epoch that was being trained.
"""

import argparse
import contextlib
import math
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Generator, Iterator
from typing import Literal

import psutil

from nnlib.digits import load_mnist
from nnlib.errors import DivergedError, NnlibError, StoreError, StoreFullError
from nnlib.runs.store import BEGINNING, MOST_SNAPSHOTS, Order, RunStore, Snapshot, State
from nnlib.training import EARLY_STEPS, EpochRecord, Progress, Trainer, TrainingConfig, kernel_environment

POLL_SECONDS = 0.1  # how often a run that waits looks for orders
CHECKPOINT_SECONDS = 10  # between two checkpoints, within an epoch that takes longer
HAND_OVER_SECONDS = 30  # for a new process to be given its run

_children: list[subprocess.Popen] = []


def start(store: RunStore, config: TrainingConfig, name: str, data_directory: str | None = None) -> int:
    """Train a new run in a process of its own, which ends when this one does; its number."""
    run_id = store.create_run(config, name, data_directory)
    resume(store, run_id)
    return run_id


def resume(store: RunStore, run_id: int) -> None:
    """Go on with a run that stopped or was interrupted, in a process of its own.

    Raises StoreError where a process is at work on it already.
    """
    command = [sys.executable, "-m", "nnlib.runs", str(run_id)]
    command += ["--store", str(store.folder), "--owner", str(os.getpid())]
    # a session of its own: Ctrl-C in the terminal must not kill it before it has saved its checkpoint
    environment = {**os.environ, **kernel_environment()}
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, env=environment)
    try:
        store.take(run_id, child.pid)
    except NnlibError:
        child.kill()
        raise
    finally:
        # asked for their end now and then, ended children do not linger as zombies
        _children[:] = [each for each in [*_children, child] if each.poll() is None]


def work(
    store: RunStore, run_id: int, owner: psutil.Process | None = None
) -> Generator[Progress | EpochRecord, None, None]:
    """Train a run, which this process has taken, to its end; yields every record once it is kept.

    Orders are obeyed between two records. The run ends early, its checkpoint saved, when it is told
    to stop, when `owner` is gone, or when the iterator is closed. Where the disk is full it waits for
    room. Raises DivergedError, or whatever else kept it from going on; the run then says so too.
    """
    worker = _Worker(store, run_id, owner)
    try:
        yield from worker.records()
    except GeneratorExit:
        worker.leave("interrupted", "it was left before it was done; it can be resumed.")
        raise
    except KeyboardInterrupt:
        # in the middle of a batch: the last checkpoint is whole, this moment is not
        store.set_state(run_id, "interrupted", "it was left before it was done; it can be resumed.")
        raise
    except DivergedError as error:
        worker.save_good_snapshot()
        store.set_state(run_id, "diverged", str(error))
        raise
    except Exception as error:
        store.set_state(run_id, "failed", str(error) or type(error).__name__)
        raise


class _Worker:
    """Carries one run through: trains, keeps, and obeys."""

    def __init__(self, store: RunStore, run_id: int, owner: psutil.Process | None) -> None:
        self.store, self.run_id, self.owner = store, run_id, owner
        self.run = store.run(run_id)
        self.state: State | Literal["waiting"] = "queued"
        self.learning_rate = self.run.learning_rate
        self.trainer: Trainer | None = None
        self.record: Progress | EpochRecord | None = None  # what the store has not taken yet
        self.snapshot_every = math.ceil(self.run.config.epochs / MOST_SNAPSHOTS)
        self.checkpoint_time = time.monotonic()

    def records(self) -> Iterator[Progress | EpochRecord]:
        if not self.may_train():
            return
        trainer = self.trainer = self.make_trainer()
        trainer.learning_rate = self.learning_rate
        for record in trainer:
            self.record = record
            if not self.may_train():
                return
            yield record
            trainer.learning_rate = self.learning_rate
        self.store.set_state(self.run_id, "finished")

    def make_trainer(self) -> Trainer:
        data = load_mnist(self.run.data_directory)
        checkpoint = self.store.checkpoint(self.run_id)
        if checkpoint is None:
            trainer = Trainer(self.run.config, data)
            self.store.save_snapshot(self.run_id, BEGINNING, trainer.network.parameters)
            return trainer
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trainer = Trainer.resume(checkpoint, data)
        if caught:
            self.store.set_state(self.run_id, "running", str(caught[0].message))
        return trainer

    def may_train(self) -> bool:
        """Keep what was learned and obey what was ordered, however long that takes; False when the run is to end."""
        while True:
            try:
                self.keep_record()
            except StoreFullError as error:
                self.wait_for_room(error)
            if self.owner is not None and not _is_running(self.owner):
                self.leave("interrupted", "the program that started it was closed; it can be resumed.")
                return False
            for order, value in self.store.take_orders(self.run_id):
                self.obey(order, value)
            if self.state == "queued" and self.store.begin(self.run_id, os.cpu_count() or 1):
                self.state = "running"
            if self.state == "running":
                return True
            if self.state == "stopped":
                return False
            time.sleep(POLL_SECONDS)

    def keep_record(self) -> None:
        if self.record is None or self.trainer is None:
            return
        ended_epoch = isinstance(self.record, EpochRecord)
        with_checkpoint = ended_epoch or time.monotonic() - self.checkpoint_time > CHECKPOINT_SECONDS
        with_snapshot = self.record.step in EARLY_STEPS or (
            ended_epoch and (self.trainer.epoch % self.snapshot_every == 0 or self.trainer.finished)
        )
        self.store.append(
            self.run_id,
            self.record,
            snapshot=self.trainer.network.parameters if with_snapshot else None,
            checkpoint=self.trainer.checkpoint() if with_checkpoint else None,
        )
        self.record = None
        if with_checkpoint:
            self.checkpoint_time = time.monotonic()
        if self.state == "waiting":
            self.state = "queued"
            self.store.set_state(self.run_id, "queued")

    def wait_for_room(self, error: StoreFullError) -> None:
        """Say that the disk is full, where there is room for that much; training waits for the rest."""
        if self.state == "paused":  # by hand: it does not go on by itself
            return
        self.state = "waiting"
        with contextlib.suppress(StoreFullError):
            self.store.set_state(self.run_id, "paused", f"{error} It goes on by itself once there is room.")

    def obey(self, order: Order, value: float) -> None:
        if order == "learning_rate":
            self.learning_rate = value
            self.store.set_learning_rate(self.run_id, value)
        elif order == "pause":
            self.state = "paused"
            with contextlib.suppress(StoreFullError):  # the checkpoint before it will do
                self.save_checkpoint()
            self.store.set_state(self.run_id, "paused")
        elif order == "resume" and self.state == "paused":
            self.state = "queued"
            self.store.set_state(self.run_id, "queued")
        elif order == "stop":
            self.state = "stopped"
            self.leave("stopped", "")

    def leave(self, state: State, message: str) -> None:
        """End the run so that it can be resumed where it is."""
        try:
            self.save_checkpoint()
            self.store.set_state(self.run_id, state, message)
        except StoreFullError as error:
            self.store.set_state(
                self.run_id, state, f"{message} {error} It can be resumed from its last epoch.".strip()
            )

    def save_checkpoint(self) -> None:
        # it must not run ahead of the records: a record that the store has not taken would be lost
        if self.trainer is not None and self.record is None:
            self.store.save_checkpoint(self.run_id, self.trainer.step_count, self.trainer.checkpoint())

    def save_good_snapshot(self) -> None:
        if self.trainer is not None:
            moment = Snapshot(self.trainer.step_count, self.trainer.epoch)
            self.store.save_snapshot(self.run_id, moment, self.trainer.good_parameters)


def _is_running(process: psutil.Process) -> bool:
    """Whether it is still the same process, and not a zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def main() -> None:
    """Work on the run that the starting process puts into this one's hands."""
    parser = argparse.ArgumentParser(prog="python -m nnlib.runs", description=__doc__)
    parser.add_argument("run", type=int)
    parser.add_argument("--store", required=True, help="the folder of the store")
    parser.add_argument("--owner", type=int, required=True, help="the process that this one ends with")
    arguments = parser.parse_args()
    # with a partner it keeps two processors busy: the page that shows it comes first
    psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 5)
    try:
        owner = psutil.Process(arguments.owner)
    except psutil.Error:
        sys.exit("the program that started this run is gone.")
    try:
        store = RunStore(arguments.store)
        for _ in range(round(HAND_OVER_SECONDS / POLL_SECONDS)):
            if store.holder(arguments.run) == os.getpid():
                break
            time.sleep(POLL_SECONDS)
        else:
            raise StoreError(f"run {arguments.run} was not given to this process.")
        for _ in work(store, arguments.run, owner):
            pass
    except NnlibError as error:
        sys.exit(str(error))
