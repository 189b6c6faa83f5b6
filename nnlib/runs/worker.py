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
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal

import psutil

from nnlib.digits import load_mnist
from nnlib.errors import (
    DamagedStoreError,
    DivergedError,
    NnlibError,
    RunLostError,
    SettingError,
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreGoneError,
    UnknownRunError,
)
from nnlib.runs.processes import Process, identify
from nnlib.runs.run import BEGINNING, Order, Snapshot, State, pace_of
from nnlib.runs.store import RunStore
from nnlib.training import (
    EARLY_STEPS,
    STEERABLE,
    EpochRecord,
    Progress,
    Recipe,
    Trainer,
    TrainingConfig,
    kernel_environment,
)
from nnlib.words import count, exact

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
MOMENT_SECONDS = 0.2  # between two snapshots at least, where somebody goes through a run batch by batch

_children: dict[subprocess.Popen, tuple[Path, int, int]] = {}  # which attempt at which run of which store each is
_starters: dict[Path, threading.Thread] = {}  # for each store, the thread that starts its runs when their turn comes
_starting = threading.Lock()


def start(store: RunStore, recipe: TrainingConfig | Recipe, name: str, data_directory: str | None = None) -> int:
    """Train a new run, once its turn comes, in a process of its own, which ends when this one does; its number.

    Raises StoreError where too many wait already.
    """
    run_id = store.create_run(recipe, name, data_directory)
    keep_starting(store)
    return run_id


def start_together(
    store: RunStore, configs: Mapping[str, TrainingConfig], data_directory: str | None = None
) -> list[int]:
    """Train new runs side by side, each in a process of its own as with `start`: see `RunStore.create_race`."""
    run_ids = store.create_race(configs, data_directory)
    keep_starting(store)
    return run_ids


def resume(store: RunStore, run_id: int, changes: Mapping[str, Any] | None = None) -> None:
    """Go on with a run that ended, once its turn comes, in a process of its own, with `changes` of its settings.

    Raises StoreError where a process is at work on it already, where it has nothing left to do, or too
    many wait; SettingError for a change that cannot be.
    """
    store.enqueue(run_id, changes)
    keep_starting(store)


def fork(
    store: RunStore, run_id: int, step: int, changes: Mapping[str, Any], name: str | None = None, pause: bool = False
) -> int:
    """Go on from a moment of a run in another one, with other settings: see `RunStore.fork`; its number."""
    forked = store.fork(run_id, step, changes, name=name, pause=pause)
    keep_starting(store)
    return forked


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


def keep_starting(store: RunStore) -> None:
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
        self.trainer: Trainer | None = None
        self.begins_at = max((moment.step for moment in store.checkpoints(run_id)), default=0)
        self.unsaved: Progress | EpochRecord | Snapshot | None = None  # what the store has not taken yet
        self.snapshot_every = 1  # epochs
        self.snapshot_time = time.monotonic()
        self.passing: int | None = None  # the step of a snapshot that stands only until the next one
        self.best: int | None = None  # that of the best epoch, where it would not be kept otherwise
        self.checkpoint_time, self.checkpoint_pause = time.monotonic(), float(CHECKPOINT_SECONDS)
        self.going: str | None = None  # "batch" or "epoch": what a paused run does before it waits again
        self.pace, self.next_batch_time = 0.0, 0.0  # batches a second, in slow motion
        self.stopping = self.interrupted = False
        self.has_had_turn = False  # in a race: an epoch is done, and the others may be waiting for theirs
        self.said = ""  # about what it waits for, last

    def records(self) -> Iterator[Progress | EpochRecord]:
        if not self.may_train():
            return
        trainer = self.trainer = self.make_trainer()
        if not self.may_train():
            return
        training, usual = iter(trainer), trainer.progress_seconds
        while True:
            # who goes batch by batch sees each
            trainer.progress_seconds = 0.0 if self.pace or self.going == "batch" else usual
            record = next(training, None)
            if record is None:
                break
            self.unsaved = record
            if self.going == "batch" or isinstance(record, EpochRecord):
                self.going = None
            if self.pace:
                self.next_batch_time = time.monotonic() + 1 / self.pace
            if not self.may_train():
                return
            yield record
        self.end("stopped" if trainer.ending == "stop" else "finished", _why(trainer))

    def make_trainer(self) -> Trainer:
        data = load_mnist(self.run.data_directory)
        recipe, checkpoint = self.store.recipe(self.run_id), self.store.checkpoint(self.run_id)
        if checkpoint is None:
            trainer = Trainer(recipe, data)
            self.unsaved = BEGINNING
        else:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                trainer = Trainer.resume(checkpoint, data, recipe)
            at = _moment(trainer)
            if not at.whole_epoch and at.step not in EARLY_STEPS:
                self.passing = at.step  # it was shown while the run waited, or ended there
            if caught:
                with suppress(StoreFullError, StoreBusyError):  # it is only a remark
                    self.store.set_state(self.run_id, "running", str(caught[0].message))
        self.pace = pace_of(self.store.happenings(self.run_id))
        trainer.pauses = {order.value for order in self.store.orders(self.run_id) if order.name == "pause"} - {None}
        affordable = SNAPSHOT_BYTES // trainer.network.parameters.nbytes
        self.snapshot_every = math.ceil(trainer.config.epochs / min(max(affordable, FEWEST_SNAPSHOTS), MOST_SNAPSHOTS))
        return trainer

    def may_train(self) -> bool:
        """Keep what was learned and obey what was ordered, however long that takes; False when the run is to end."""
        while True:
            for step in (self.keep, self.give_way, self.obey, self.begin):
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
            wait = self.next_batch_time - time.monotonic() if self.pace else 0.0
            if (self.state == "running" or self.going) and self.unsaved is None and wait <= 0:
                self.said = ""
                return True
            time.sleep(min(POLL_SECONDS, wait) if wait > 0 else POLL_SECONDS)

    def keep(self) -> None:
        if self.trainer is not None and self.unsaved is not None:
            parameters = self.trainer.network.parameters
            if isinstance(self.unsaved, Snapshot):
                self.store.save_snapshot(self.run_id, self.unsaved, parameters)
            else:
                self.keep_record(self.unsaved, self.trainer)
                self.has_had_turn = isinstance(self.unsaved, EpochRecord) and self.trainer.ending is None
            self.unsaved = None
        if self.state == "waiting":
            self.store.set_state(self.run_id, "queued")
            self.state = "queued"

    def keep_record(self, record: Progress | EpochRecord, trainer: Trainer) -> None:
        best = isinstance(record, EpochRecord) and record.epoch == record.best_epoch
        lasting = self.is_worth_a_snapshot(record)
        with_snapshot = lasting or best or self.is_newest_for_viewers(record)
        replaced = {self.passing, self.best} if best else {self.passing} - {self.best}
        self.store.append(
            self.run_id,
            record,
            snapshot=trainer.network.parameters if with_snapshot else None,
            replaces=[step for step in replaced if step is not None],
            checkpoint=self.due_checkpoint(record),
        )
        if with_snapshot:
            self.passing = None if lasting else record.step
            self.snapshot_time = time.monotonic()
        if best:
            self.best = None if lasting else record.step

    def is_worth_a_snapshot(self, record: Progress | EpochRecord) -> bool:
        assert self.trainer is not None
        kept_epoch = isinstance(record, EpochRecord) and (
            record.epoch % self.snapshot_every == 0 or record.epoch == self.trainer.config.epochs
        )
        return kept_epoch or record.step in EARLY_STEPS

    def is_newest_for_viewers(self, record: Progress | EpochRecord) -> bool:
        """Whether it is time for a snapshot that stands only until the next one: whoever looks on sees it learn."""
        if self.trainer is None or self.state == "waiting":
            return False
        if self.state == "paused" and self.going is None:  # it was told to go so far, and waits again
            return True
        slow = self.pace or self.going
        if not slow and not isinstance(record, EpochRecord):
            return False
        least = MOMENT_SECONDS if slow else NEWEST_SECONDS
        pause = max(least, self.trainer.network.parameters.nbytes / CHECKPOINT_BYTES)
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

    def give_way(self) -> None:
        """In a race, let those go first that wait and have learned less."""
        if self.has_had_turn and self.run.race is not None and self.state == "running":
            if self.store.give_way(self.run_id):
                self.state = "queued"
            self.has_had_turn = False

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
        # to the last even where one of them is to stop: who gave another one at the same time finds it taken
        for order in self.store.orders(self.run_id):
            if self.can_obey(order):
                self.obey_one(order)
        if self.stopping and self.state != "stopped":
            self.save_and_set("stopped", "")
            self.state = "stopped"

    def can_obey(self, order: Order) -> bool:
        """Whether its time has come; until then it waits."""
        if order.name == "pause" and order.value is not None:
            return self.trainer is not None and self.trainer.step_count >= order.value
        if order.name in STEERABLE:  # what the recipe has yet to change comes first
            return self.trainer is not None and self.trainer.next_change is None
        return True

    def obey_one(self, order: Order) -> None:
        step = self.trainer.step_count if self.trainer is not None else self.begins_at
        take_effect = partial(self.store.take_effect, self.run_id, order, step)
        match order.name:
            case "stop":
                take_effect()
                self.stopping = True
            case "pause" if self.state == "paused" or self.stopping:
                take_effect()
                self.going = None
            case "pause":
                with suppress(StoreFullError):  # the checkpoint before it will do
                    self.save_checkpoint()
                    self.show_moment()
                take_effect("paused")
                self.state = "paused"
            case "resume" if self.state == "paused":
                take_effect("queued")
                self.state, self.going = "queued", None
            case "batch" | "epoch" if self.state == "paused":
                take_effect()
                self.going = order.name
            case "pace":
                take_effect()
                self.pace, self.next_batch_time = order.value, 0.0
            case name if name in STEERABLE and self.trainer is not None:
                with suppress(SettingError):  # fewer epochs than have begun meanwhile
                    self.trainer.check({name: order.value})
                    take_effect()
                    self.trainer.change(**{name: order.value})
                    return
                self.store.drop_order(self.run_id, order)
            case _:
                self.store.drop_order(self.run_id, order)

    def show_moment(self) -> None:
        """Let those who look on see the network as it is where it pauses or ends."""
        if self.trainer is None or self.unsaved is not None:
            return
        moment = _moment(self.trainer)
        if moment.step not in (each.step for each in self.store.snapshots(self.run_id)):
            replaced = [] if self.passing in (None, self.best) else [self.passing]
            self.store.save_snapshot(self.run_id, moment, self.trainer.network.parameters, replaces=replaced)
            self.passing = moment.step

    def save_and_set(self, state: State, message: str) -> None:
        """End the run so that it can be resumed where it is."""
        try:
            self.save_checkpoint()
            self.show_moment()
        except StoreFullError as error:
            message = f"{message} {error} It can be resumed from its last checkpoint.".strip()
        self.store.set_state(self.run_id, state, message)

    def leave(self, state: State, message: str) -> None:
        # where even that fails, the end of this process will say it
        with suppress(StoreFullError, StoreBusyError):
            self.save_and_set(state, message)

    def save_checkpoint(self) -> None:
        # it must not run ahead of the records: a record that the store has not taken would be lost
        if self.trainer is not None and self.unsaved is None:
            self.store.save_checkpoint(self.run_id, _moment(self.trainer), self.trainer.checkpoint())

    def end(self, state: State, message: str = "") -> None:
        """Say that it is over, for which a locked store and a full disk are waited for."""
        while self.owner is None or self.owner.lives(0):
            try:
                ended_at = None
                if self.trainer is not None and state == "diverged":
                    self.store.save_snapshot(self.run_id, _moment(self.trainer), self.trainer.good_parameters)
                if self.trainer is not None and state in ("finished", "stopped"):
                    with suppress(StoreFullError):  # it can go on from an earlier checkpoint
                        self.save_checkpoint()
                        self.show_moment()
                    ended_at = self.trainer.step_count if self.trainer.ending == "time_limit" else None
                self.store.set_state(self.run_id, state, message, ended_at=ended_at)
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


def _moment(trainer: Trainer) -> Snapshot:
    return Snapshot(trainer.step_count, trainer.epochs_done)


def _why(trainer: Trainer) -> str:
    """Why a training ended by itself before its epochs were done."""
    config = trainer.config
    match trainer.ending:
        case "patience":
            return (
                f"it stopped by itself: {count(config.patience, 'epoch')} in a row read no more of the new digits than "
                f"epoch {trainer.best_epoch} did."
            )
        case "target_accuracy":
            return f"it stopped by itself: it reads {exact(config.target_accuracy)}% of the new digits, as was asked."
        case "time_limit":
            return f"it stopped by itself: its time of {exact(config.time_limit)} seconds was up."
    return ""


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
