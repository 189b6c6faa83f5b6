"""A run in a process of its own: `python -m nnlib.runs RUN`.

The process that trains and those that watch share only the store: what is learned goes in, orders
come out. So no page change, refresh or second viewer can disturb a training, and no crash costs
more than the last seconds.
"""

import argparse
import math
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import psutil

from nnlib.digits import load_mnist
from nnlib.errors import (
    DamagedStoreError,
    DivergedError,
    NnlibError,
    RunLostError,
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreGoneError,
    UnknownRunError,
)
from nnlib.runs.processes import Process, identify
from nnlib.runs.run import BEGINNING, Snapshot, State
from nnlib.runs.store import RunStore
from nnlib.training import EARLY_STEPS, EpochRecord, Progress, Trainer, TrainingConfig, kernel_environment

POLL_SECONDS = 0.1  # how often a run that waits looks for orders
LOOK_SECONDS = 0.25  # how often it is looked whether a run that waits may begin
CHECKPOINT_SECONDS = 10  # between two checkpoints; at the end of an epoch, half of that will do
CHECKPOINT_BYTES = 4 * 2**20  # a second, that checkpoints may come to: those of a huge network come more rarely
NEWEST_SECONDS = 1.0  # between two snapshots at least, where a run has more epochs than are kept
MOST_SNAPSHOTS = 100  # of the ends of a run's epochs
SNAPSHOT_BYTES = 256 * 2**20  # that these may take together, beyond the fewest
FEWEST_SNAPSHOTS = 10

COMMAND = (sys.executable, "-m", "nnlib.runs")
LEFT = "it was left before it was done; it can be resumed."

_children: dict[subprocess.Popen, tuple[Path, int, int]] = {}  # which attempt at which run of which store each is
_starters: dict[Path, threading.Thread] = {}  # for each store, the thread that starts its runs when their turn comes
_starting = threading.Lock()


def start(store: RunStore, config: TrainingConfig, name: str, data_directory: str | None = None) -> int:
    """Train a new run, once its turn comes, in a process of its own, which ends when this one does; its number.

    Raises StoreError where too many wait already.
    """
    run_id = store.create_run(config, name, data_directory)
    _keep_starting(store)
    return run_id


def resume(store: RunStore, run_id: int) -> None:
    """Go on with a run that stopped or was interrupted, once its turn comes, in a process of its own.

    Raises StoreError where a process is at work on it already, or too many wait.
    """
    store.enqueue(run_id)
    _keep_starting(store)


def start_waiting(store: RunStore) -> int:
    """Give a process to every run that waits in this one's name and whose turn has come; how many waited.

    `start` and `resume` see to it that this is done for as long as any wait. It is cheap where nothing
    does, and buries the processes that have ended.
    """
    for child, (path, run_id, attempt) in list(_children.items()):
        if path == store.path and child.poll() is not None:
            with suppress(UnknownRunError):
                store.hand_over(run_id, attempt, child.pid)  # if it did not even come to take it
            _children.pop(child, None)
    waiting = store.waiting()
    store.show_life(*waiting)
    for run_id in waiting:
        with suppress(UnknownRunError, DamagedStoreError):  # deleted meanwhile, or to be
            if store.begin(run_id):
                _give_process(store, run_id)
    return len(waiting)


def _give_process(store: RunStore, run_id: int) -> None:
    attempt = store.run(run_id).attempt
    words = [str(run_id), "--attempt", str(attempt), "--store", str(store.folder), "--owner", str(os.getpid())]
    try:
        # a session of its own: Ctrl-C in the terminal must not kill it before it has saved its checkpoint
        child = subprocess.Popen(
            [*COMMAND, *words],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **kernel_environment()},
        )
    except OSError as error:
        store.set_state(run_id, "failed", f"no process could be started for it ({error.strerror}): try again.")
        return
    _children[child] = (store.path, run_id, attempt)
    store.hand_over(run_id, attempt, child.pid)


def _keep_starting(store: RunStore) -> None:
    """Let a thread start the runs of this process as their turns come, for as long as there are any."""
    with _starting:
        if store.path not in _starters:
            _starters[store.path] = threading.Thread(target=_start_all, args=(store.folder, store.path), daemon=True)
            _starters[store.path].start()


def _start_all(folder: Path, path: Path) -> None:
    try:
        # a store of its own: the one that was asked may be closed meanwhile
        with closing(RunStore(folder)) as store:
            while not _nothing_left(store):
                time.sleep(LOOK_SECONDS)
    except StoreError as error:
        print(f"runs that wait cannot begin: {error}", file=sys.stderr, flush=True)
        with _starting:
            del _starters[path]


def _nothing_left(store: RunStore) -> bool:
    """Start what can be started; True, and the thread is to end, where nothing waits or works any more."""
    try:
        if start_waiting(store) or any(path == store.path for path, _, _ in _children.values()):
            return False
        with _starting:
            # whoever puts a run in line from now on finds no thread, and makes one
            if not store.waiting():
                del _starters[store.path]
                return True
    except (StoreBusyError, StoreFullError):  # the next look may find it otherwise
        pass
    return False


def work(
    store: RunStore, run_id: int, owner: Process | None = None, attempt: int | None = None
) -> Generator[Progress | EpochRecord, None, None]:
    """Take a run that is in line, and train it to its end; yields every record once it is kept.

    Orders are obeyed between two records. The run ends early, its checkpoint saved, when it is told
    to stop, when `owner` is gone, when the iterator is closed, or at Ctrl-C (at once, at a second one). Where
    the disk is full or the store is locked it waits. Raises DivergedError, or whatever else kept it
    from going on; the run then says so too, unless it is no longer in these hands (RunLostError) or its
    store is gone (StoreGoneError).
    """
    while True:
        try:
            store.take(run_id, attempt)
            break
        except StoreBusyError as error:
            print(f"run {run_id} waits: {error}", file=sys.stderr, flush=True)
    worker = _Worker(store, run_id, owner)
    try:
        with worker.deferring_interrupts():
            yield from worker.records()
    except GeneratorExit:
        worker.leave("interrupted", LEFT)
        raise
    except KeyboardInterrupt:
        # perhaps in the middle of a batch: the last checkpoint is whole, this moment is not
        if store.run(run_id).active:
            store.set_state(run_id, "interrupted", LEFT)
        raise
    except DivergedError as error:
        worker.end("diverged", str(error))
        raise
    except (RunLostError, StoreGoneError):
        raise
    except Exception as error:
        worker.end("failed", str(error) or type(error).__name__)
        raise


class _Worker:
    """Carries one run through: trains, keeps, and obeys."""

    def __init__(self, store: RunStore, run_id: int, owner: Process | None) -> None:
        self.store, self.run_id, self.owner = store, run_id, owner
        self.run = store.run(run_id)
        self.state: State | Literal["waiting"] = self.run.state
        self.learning_rate = self.run.learning_rate
        self.trainer: Trainer | None = None
        self.unsaved: Progress | EpochRecord | Snapshot | None = None  # what the store has not taken yet
        self.snapshot_every = 1  # epochs
        self.snapshot_time = time.monotonic()
        self.passing: int | None = None  # the step of a snapshot that stands only until the next one
        self.checkpoint_time, self.checkpoint_pause = time.monotonic(), float(CHECKPOINT_SECONDS)
        self.interrupted = False
        self.said = ""  # about what it waits for, last

    def records(self) -> Iterator[Progress | EpochRecord]:
        if not self.may_train():
            return
        trainer = self.trainer = self.make_trainer()
        if not self.may_train():
            return
        trainer.learning_rate = self.learning_rate
        for record in trainer:
            self.unsaved = record
            if not self.may_train():
                return
            yield record
            trainer.learning_rate = self.learning_rate
        self.end("finished")

    def make_trainer(self) -> Trainer:
        data = load_mnist(self.run.data_directory)
        checkpoint = self.store.checkpoint(self.run_id)
        if checkpoint is None:
            trainer = Trainer(self.run.config, data)
            self.unsaved = BEGINNING
        else:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                trainer = Trainer.resume(checkpoint, data)
            if caught:
                with suppress(StoreFullError, StoreBusyError):  # it is only a remark
                    self.store.set_state(self.run_id, "running", str(caught[0].message))
        affordable = SNAPSHOT_BYTES // trainer.network.parameters.nbytes
        self.snapshot_every = math.ceil(trainer.config.epochs / min(max(affordable, FEWEST_SNAPSHOTS), MOST_SNAPSHOTS))
        return trainer

    def may_train(self) -> bool:
        """Keep what was learned and obey what was ordered, however long that takes; False when the run is to end."""
        while True:
            for step in (self.keep, self.obey, self.begin):
                try:
                    step()
                except StoreFullError as error:
                    self.wait_for_room(error)
                except StoreBusyError as error:
                    # nothing was written: all is tried again
                    self.say(error)
            if self.state == "stopped":
                return False
            if self.interrupted:
                self.leave("interrupted", LEFT)
                raise KeyboardInterrupt
            if self.owner is not None and not self.owner.lives(0):
                self.leave("interrupted", "the program that started it was closed; it can be resumed.")
                return False
            if self.state == "running" and self.unsaved is None:
                self.said = ""
                return True
            time.sleep(POLL_SECONDS)

    def keep(self) -> None:
        if self.trainer is not None and self.unsaved is not None:
            parameters = self.trainer.network.parameters
            if isinstance(self.unsaved, Snapshot):
                self.store.save_snapshot(self.run_id, self.unsaved, parameters)
            else:
                lasting = self.is_worth_a_snapshot(self.unsaved)
                with_snapshot = lasting or self.is_newest_for_viewers(self.unsaved)
                self.store.append(
                    self.run_id,
                    self.unsaved,
                    snapshot=parameters if with_snapshot else None,
                    replaces=self.passing,
                    checkpoint=self.due_checkpoint(self.unsaved),
                )
                if with_snapshot:
                    self.passing = None if lasting else self.unsaved.step
                    self.snapshot_time = time.monotonic()
            self.unsaved = None
        if self.state == "waiting":
            self.store.set_state(self.run_id, "queued")
            self.state = "queued"

    def is_worth_a_snapshot(self, record: Progress | EpochRecord) -> bool:
        kept_epoch = isinstance(record, EpochRecord) and (
            record.epoch % self.snapshot_every == 0 or record.epoch == self.run.config.epochs
        )
        return kept_epoch or record.step in EARLY_STEPS

    def is_newest_for_viewers(self, record: Progress | EpochRecord) -> bool:
        """Whether it is time for a snapshot that stands only until the next one: whoever looks on sees it learn."""
        if self.trainer is None or not isinstance(record, EpochRecord) or self.state == "waiting":
            return False
        pause = max(NEWEST_SECONDS, self.trainer.network.parameters.nbytes / CHECKPOINT_BYTES)
        return time.monotonic() - self.snapshot_time >= pause

    def due_checkpoint(self, record: Progress | EpochRecord) -> bytes | None:
        # where there is no room, what is small comes first
        if self.trainer is None or self.state == "waiting":
            return None
        pause = self.checkpoint_pause / 2 if isinstance(record, EpochRecord) else self.checkpoint_pause
        if time.monotonic() - self.checkpoint_time < pause:
            return None
        checkpoint = self.trainer.checkpoint()
        self.checkpoint_time = time.monotonic()
        self.checkpoint_pause = max(CHECKPOINT_SECONDS, len(checkpoint) / CHECKPOINT_BYTES)
        return checkpoint

    def begin(self) -> None:
        if self.state == "queued" and self.store.begin(self.run_id):
            self.state = "running"
        self.store.show_life(self.run_id)

    def wait_for_room(self, error: StoreFullError) -> None:
        """Say that the disk is full, where there is room for that much; training waits for the rest."""
        if self.state == "paused":  # by hand: it does not go on by itself
            return
        self.state = "waiting"
        if str(error) != self.said:
            with suppress(StoreFullError, StoreBusyError):
                self.store.set_state(self.run_id, "paused", f"{error} It goes on by itself once there is room.")
                self.said = str(error)

    def say(self, error: Exception) -> None:
        """Say on the terminal what the store cannot."""
        if str(error) != self.said:
            self.said = str(error)
            print(f"run {self.run_id} waits: {error}", file=sys.stderr, flush=True)

    def obey(self) -> None:
        for number, order, value in self.store.orders(self.run_id):
            if order == "learning_rate" and value is not None:
                self.store.set_learning_rate(self.run_id, value, order=number)
                self.learning_rate = value
            elif order == "pause":
                with suppress(StoreFullError):  # the checkpoint before it will do
                    self.save_checkpoint()
                self.store.set_state(self.run_id, "paused", order=number)
                self.state = "paused"
            elif order == "resume" and self.state == "paused":
                self.store.set_state(self.run_id, "queued", order=number)
                self.state = "queued"
            elif order == "stop":
                self.save_and_set("stopped", "", order=number)
                self.state = "stopped"
                return
            else:
                self.store.drop_order(self.run_id, number)

    def save_and_set(self, state: State, message: str, order: int | None = None) -> None:
        """End the run so that it can be resumed where it is."""
        try:
            self.save_checkpoint()
        except StoreFullError as error:
            message = f"{message} {error} It can be resumed from its last checkpoint.".strip()
        self.store.set_state(self.run_id, state, message, order=order)

    def leave(self, state: State, message: str) -> None:
        # where even that fails, the end of this process will say it
        with suppress(StoreFullError, StoreBusyError):
            self.save_and_set(state, message)

    def save_checkpoint(self) -> None:
        # it must not run ahead of the records: a record that the store has not taken would be lost
        if self.trainer is not None and self.unsaved is None:
            self.store.save_checkpoint(self.run_id, self.trainer.step_count, self.trainer.checkpoint())

    def end(self, state: State, message: str = "") -> None:
        """Say that it is over, for which a locked store and a full disk are waited for."""
        while self.owner is None or self.owner.lives(0):
            try:
                if state == "diverged" and self.trainer is not None:
                    moment = Snapshot(self.trainer.step_count, self.trainer.epoch)
                    self.store.save_snapshot(self.run_id, moment, self.trainer.good_parameters)
                self.store.set_state(self.run_id, state, message)
                return
            except (StoreFullError, StoreBusyError) as error:
                self.say(error)
                time.sleep(POLL_SECONDS)

    @contextmanager
    def deferring_interrupts(self) -> Iterator[None]:
        """Let Ctrl-C wait for the next record, so that nothing is lost; a second one does not wait."""
        before = signal.getsignal(signal.SIGINT)
        in_main_thread = threading.current_thread() is threading.main_thread()
        if not in_main_thread or before is not signal.default_int_handler:
            yield
            return

        def note(*_: Any) -> None:
            self.interrupted = True
            signal.signal(signal.SIGINT, before)

        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def main() -> None:
    """Work on the run that the starting process puts into this one's hands."""
    parser = argparse.ArgumentParser(prog="python -m nnlib.runs", description=__doc__)
    parser.add_argument("run", type=int)
    parser.add_argument("--attempt", type=int, required=True, help="which attempt at the run it is")
    parser.add_argument("--store", required=True, help="the folder of the store")
    parser.add_argument("--owner", type=int, required=True, help="the process that this one ends with")
    arguments = parser.parse_args()
    # with a partner it keeps two processors busy: the page that shows it comes first
    psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 5)
    owner = identify(arguments.owner)
    if not owner.lives(0):
        sys.exit("the program that started this run is gone.")
    try:
        for _ in work(RunStore(arguments.store), arguments.run, owner, arguments.attempt):
            pass
    except NnlibError as error:
        sys.exit(str(error))
