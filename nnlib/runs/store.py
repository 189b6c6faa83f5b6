"""The store: every run with its records, snapshots and checkpoint, in one SQLite file.

The dashboard, the command line and the processes that train share nothing but this file. SQLite's
write-ahead log lets them read while one writes, and keeps what was committed whatever is killed.
"""

import json
import math
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import numpy as np
import platformdirs
import psutil

from nnlib.digits import N_CLASSES, N_PIXELS
from nnlib.errors import SettingError, StoreError, StoreFullError, UnknownRunError
from nnlib.model_files import Model
from nnlib.network import Network
from nnlib.training import EpochRecord, Progress, TrainingConfig

State = Literal["queued", "running", "paused", "stopped", "finished", "diverged", "interrupted", "failed"]
Order = Literal["pause", "resume", "stop", "learning_rate"]
AnyRecord = TypeVar("AnyRecord", Progress, EpochRecord)
ACTIVE: tuple[State, ...] = ("queued", "running", "paused")  # a living process has such a run in its hands
RESUMABLE: tuple[State, ...] = ("stopped", "interrupted", "failed")

MOST_SNAPSHOTS = 100  # a run
MOST_PROGRESS_POINTS = 600  # that a curve gets: more than a screen has pixels to tell apart
RESERVE_BYTES = 32 * 2**20  # kept free on the disk, so that there is room to say that there is none
BUSY_SECONDS = 20
LATEST_TIME = 2**33  # in the year 2242; far beyond, no calendar can show it

MIGRATIONS = (
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        config TEXT NOT NULL,
        learning_rate REAL NOT NULL,
        data_directory TEXT,
        created REAL NOT NULL,
        queued REAL NOT NULL,
        state TEXT NOT NULL,
        message TEXT NOT NULL DEFAULT '',
        process_id INTEGER NOT NULL,
        process_started REAL NOT NULL
    );
    CREATE TABLE records (run INTEGER, epoch INTEGER, record TEXT NOT NULL, PRIMARY KEY (run, epoch)) WITHOUT ROWID;
    CREATE TABLE progress (run INTEGER, step INTEGER, progress TEXT NOT NULL, PRIMARY KEY (run, step)) WITHOUT ROWID;
    CREATE TABLE snapshots (run INTEGER, epoch INTEGER, parameters BLOB NOT NULL, PRIMARY KEY (run, epoch));
    CREATE TABLE checkpoints (run INTEGER PRIMARY KEY, step INTEGER NOT NULL, state BLOB NOT NULL);
    CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, name TEXT NOT NULL, value REAL);
    """,
    """
    ALTER TABLE snapshots RENAME TO snapshots_of_epochs;
    CREATE TABLE snapshots (
        run INTEGER, step INTEGER, epoch REAL NOT NULL, parameters BLOB NOT NULL, PRIMARY KEY (run, step)
    );
    INSERT INTO snapshots SELECT run, step_after(epoch, (SELECT config FROM runs WHERE id = run)), epoch, parameters
        FROM snapshots_of_epochs;
    DROP TABLE snapshots_of_epochs;
    """,
)


@dataclass(frozen=True)
class Snapshot:
    """A moment of a run whose network is kept: after so many corrections, which were so many epochs.

    `epoch` is a whole number at an epoch's end; step 0 is before the first correction.
    """

    step: int
    epoch: float

    @property
    def whole_epoch(self) -> bool:
        """Whether it is of an epoch's end, or of the beginning."""
        return self.epoch == int(self.epoch)

    @property
    def moment(self) -> str:
        """When that was, for people: "after epoch 3", "after 50 corrections"."""
        if self.whole_epoch:
            return f"after epoch {int(self.epoch)}"
        return f"after {self.step:,} correction{'s' if self.step > 1 else ''}"


BEGINNING = Snapshot(0, 0.0)


@dataclass(frozen=True)
class Run:
    """One training, as it stands.

    `learning_rate` is that of now, before the schedule: it may have been changed since the start.
    `created` is in seconds since 1970. `message` says what people should know about `state`.
    `last` is its newest record, None before the first epoch is done.
    """

    id: int
    name: str
    config: TrainingConfig
    learning_rate: float
    data_directory: str | None
    created: float
    state: State
    message: str
    last: EpochRecord | None

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return self.last.epoch if self.last else 0

    @property
    def active(self) -> bool:
        """Whether a process is at work on it, or waits to be."""
        return self.state in ACTIVE

    @property
    def resumable(self) -> bool:
        """Whether training can go on where it ended."""
        return self.state in RESUMABLE


class RunStore:
    """All runs, in `folder`/runs.sqlite; without a folder, in NNLIB_HOME or the user's data folder.

    One store may be used by many threads, and the file by many processes. Every method raises
    StoreError with a sentence where the file cannot be read or written, StoreFullError where the
    disk has no room, and UnknownRunError for a run that is not there.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = Path(folder or os.environ.get("NNLIB_HOME") or platformdirs.user_data_dir("nnlib", False))
        self.path = self.folder / "runs.sqlite"
        self._lock = threading.RLock()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the folder {self.folder} cannot be made ({error.strerror}): set NNLIB_HOME to another one."
            ) from error
        with self._sentences():
            # transactions are begun by hand: sqlite3's own begin too late to be safe between processes
            self._connection = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            with self._sentences():
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")
            self._migrate()
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def version(self) -> tuple[int, int]:
        """Changes whenever anybody changed anything: what was read under the same version still holds."""
        with self._reading() as connection:
            return connection.execute("PRAGMA data_version").fetchone()[0], connection.total_changes

    # ---- runs

    def create_run(self, config: TrainingConfig, name: str, data_directory: str | None = None) -> int:
        """Put a new run in line; until a worker takes it, it is this process's."""
        now = time.time()
        with self._writing() as connection:
            return connection.execute(
                "INSERT INTO runs (name, config, learning_rate, data_directory, created, queued, state,"
                " process_id, process_started) VALUES (?, ?, ?, ?, ?, ?, 'queued', ?, ?) RETURNING id",
                (name, config.to_json(), config.learning_rate, data_directory, now, now, *_identify(os.getpid())),
            ).fetchone()[0]

    def run(self, run_id: int) -> Run:
        """One run as it stands."""
        found = self._runs("WHERE id = ?", run_id)
        if not found:
            raise UnknownRunError(f"there is no run {run_id}: it may have been deleted.")
        return found[0]

    def runs(self) -> list[Run]:
        """All runs, the newest first."""
        return self._runs("ORDER BY id DESC")

    def _runs(self, condition: str, *values: Any) -> list[Run]:
        query = (
            "SELECT id, name, config, learning_rate, data_directory, created, state, message,"
            " process_id, process_started,"
            " (SELECT record FROM records WHERE run = id ORDER BY epoch DESC LIMIT 1) FROM runs "
        )
        with self._reading() as connection:
            rows = connection.execute(query + condition, values).fetchall()
        with self._undamaged():
            return [_run_from_row(row) for row in rows]

    def take(self, run_id: int, process_id: int) -> None:
        """Put a run into the hands of a process, in line; what it did after its checkpoint is forgotten.

        Raises StoreError where another living process has it.
        """
        with self._writing() as connection:
            run, holder = self.run(run_id), self.holder(run_id)
            if run.active and holder not in (process_id, os.getpid()):
                raise StoreError(f"run {run_id} is {run.state} in process {holder}: stop it there first.")
            connection.execute(
                "UPDATE runs SET state = 'queued', message = '', queued = ?, process_id = ?, process_started = ?"
                " WHERE id = ?",
                (time.time(), *_identify(process_id), run_id),
            )
            connection.execute("DELETE FROM orders WHERE run = ?", (run_id,))
            connection.execute(
                "DELETE FROM progress WHERE run = :run AND step >"
                " coalesce((SELECT step FROM checkpoints WHERE run = :run), 0)",
                {"run": run_id},
            )

    def holder(self, run_id: int) -> int:
        """The id of the process that has a run in its hands, or last had."""
        with self._reading() as connection:
            row = connection.execute("SELECT process_id FROM runs WHERE id = ?", (run_id,)).fetchone()
        return row[0] if row else 0

    def begin(self, run_id: int, most: int) -> bool:
        """Whether the run's turn has come: it is then running. At most `most` run at once, first come first served."""
        with self._writing() as connection:
            rows = connection.execute(
                "SELECT id, state, process_id, process_started FROM runs"
                " WHERE state IN ('running', 'queued') ORDER BY queued, id"
            ).fetchall()
            living = [(found, state) for found, state, *process in rows if _is_alive(*process)]
            running = [found for found, state in living if state == "running"]
            queue = [found for found, state in living if state == "queued"]
            if run_id in queue[: max(0, most - len(running))]:
                connection.execute("UPDATE runs SET state = 'running', message = '' WHERE id = ?", (run_id,))
                return True
            message = f"waits for its turn: {len(running)} of at most {most} runs are training."
            connection.execute("UPDATE runs SET message = ? WHERE id = ? AND message != ?", (message, run_id, message))
            return False

    def set_state(self, run_id: int, state: State, message: str = "") -> None:
        """Say where a run stands, and why."""
        assert state in get_args(State)
        with self._writing() as connection:
            connection.execute(
                "UPDATE runs SET state = ?, message = ?, queued = ? WHERE id = ?", (state, message, time.time(), run_id)
            )

    def set_learning_rate(self, run_id: int, learning_rate: float) -> None:
        """Say which learning rate a run trains with from now on."""
        with self._writing() as connection:
            connection.execute("UPDATE runs SET learning_rate = ? WHERE id = ?", (learning_rate, run_id))

    def delete_run(self, run_id: int) -> None:
        """Forget a run and all it left. Raises StoreError while it is active."""
        with self._writing() as connection:
            run = self.run(run_id)
            if run.active:
                raise StoreError(f"run {run_id} is {run.state}: stop it before you delete it.")
            connection.execute("DELETE FROM runs WHERE id = ?", (run_id,))
            for table in ("records", "progress", "snapshots", "checkpoints", "orders"):
                connection.execute(f"DELETE FROM {table} WHERE run = ?", (run_id,))

    # ---- what a run leaves behind

    def append(
        self,
        run_id: int,
        record: Progress | EpochRecord,
        *,
        snapshot: np.ndarray | None = None,
        checkpoint: bytes | None = None,
    ) -> None:
        """Keep a record, and with it a snapshot of the parameters and a checkpoint: all or nothing.

        Raises StoreFullError, and keeps nothing, where the disk is down to its reserve.
        """
        self._require_room((0 if snapshot is None else snapshot.nbytes) + len(checkpoint or b""))
        text = json.dumps(asdict(record))
        with self._writing() as connection:
            if isinstance(record, EpochRecord):
                connection.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", (run_id, record.epoch, text))
            else:
                connection.execute("INSERT OR REPLACE INTO progress VALUES (?, ?, ?)", (run_id, record.step, text))
            if snapshot is not None:
                self._insert_snapshot(run_id, Snapshot(record.step, record.epoch), snapshot)
            if checkpoint is not None:
                self._insert_checkpoint(run_id, record.step, checkpoint)

    def save_snapshot(self, run_id: int, moment: Snapshot, parameters: np.ndarray) -> None:
        """Keep the parameters as they were at a moment that has no record of its own."""
        self._require_room(parameters.nbytes)
        with self._writing():
            self._insert_snapshot(run_id, moment, parameters)

    def save_checkpoint(self, run_id: int, step: int, checkpoint: bytes) -> None:
        """Keep what a trainer needs to go on; it replaces the one before."""
        self._require_room(len(checkpoint))
        with self._writing():
            self._insert_checkpoint(run_id, step, checkpoint)

    def _insert_snapshot(self, run_id: int, moment: Snapshot, parameters: np.ndarray) -> None:
        values = (run_id, moment.step, moment.epoch, parameters.astype("<f4").tobytes())
        self._connection.execute("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)", values)

    def _insert_checkpoint(self, run_id: int, step: int, checkpoint: bytes) -> None:
        self._connection.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)", (run_id, step, checkpoint))

    def records(self, run_id: int, after_epoch: int = 0) -> list[EpochRecord]:
        """Every finished epoch after that one, in order."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT record FROM records WHERE run = ? AND epoch > ? ORDER BY epoch", (run_id, after_epoch)
            ).fetchall()
        with self._undamaged():
            return [_read_record(EpochRecord, text) for (text,) in rows]

    def progress(self, run_id: int, after_step: int = 0) -> list[Progress]:
        """The points within the epochs after that step, in order; of very many, some, and the last."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT progress FROM progress WHERE run = ? AND step > ? ORDER BY step", (run_id, after_step)
            ).fetchall()
        stride = math.ceil(len(rows) / MOST_PROGRESS_POINTS) or 1
        with self._undamaged():
            return [_read_record(Progress, text) for (text,) in rows[(len(rows) - 1) % stride :: stride]]

    def snapshots(self, run_id: int) -> list[Snapshot]:
        """The moments whose network is kept, in order."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT step, epoch FROM snapshots WHERE run = ? ORDER BY step", (run_id,)
            ).fetchall()
        with self._undamaged():
            return [_read_moment(step, epoch) for step, epoch in rows]

    def model(self, run_id: int, step: int) -> Model:
        """The network as it was after so many corrections, where there is a snapshot of it."""
        run = self.run(run_id)
        with self._reading() as connection:
            row = connection.execute(
                "SELECT step, epoch, parameters FROM snapshots WHERE run = ? AND step = ?", (run_id, step)
            ).fetchone()
        if row is None:
            raise UnknownRunError(f"run {run_id} has no snapshot after {step:,} corrections: choose another one.")
        with self._undamaged():
            moment = _read_moment(*row[:2])
        network = Network((N_PIXELS, *run.config.hidden_widths, N_CLASSES), run.config.activation)
        whole = isinstance(row[2], bytes) and len(row[2]) == network.parameters.nbytes
        if not whole or not np.isfinite(np.frombuffer(row[2], "<f4")).all():
            raise StoreError(f"the snapshot of run {run_id} {moment.moment} is damaged: choose another one.")
        network.parameters[:] = np.frombuffer(row[2], "<f4")
        return Model(
            network,
            name=f"run {run_id}, {run.name}, {moment.moment}",
            config=run.config,
            epoch=int(moment.epoch),
            test_accuracy=None,
            recipe=f"run {run_id}, {run.name}, {moment.moment} of {run.config.epochs}"
            if moment.whole_epoch
            else f"run {run_id}, {run.name}, {moment.moment}",
        )

    def checkpoint(self, run_id: int) -> bytes | None:
        """What the run's trainer was when it last saved itself."""
        with self._reading() as connection:
            row = connection.execute("SELECT state FROM checkpoints WHERE run = ?", (run_id,)).fetchone()
        with self._undamaged():
            return _require(row[0], bytes) if row else None

    # ---- orders to a run

    def send(self, run_id: int, order: Order, value: float | None = None) -> None:
        """Tell a run to pause, resume, stop, or use another learning rate.

        Raises StoreError for a run that nothing is at work on, SettingError for a rate outside the limits.
        """
        assert order in get_args(Order)
        with self._writing() as connection:
            run = self.run(run_id)
            if not run.active:
                raise StoreError(f"run {run_id} is {run.state}: it takes no more orders.")
            if order == "learning_rate":
                value = run.config.with_changes(learning_rate=value).learning_rate
            connection.execute("INSERT INTO orders (run, name, value) VALUES (?, ?, ?)", (run_id, order, value))

    def take_orders(self, run_id: int) -> list[tuple[Order, float]]:
        """The orders that wait for a run, oldest first; they are then gone."""
        with self._reading() as connection:
            if not connection.execute("SELECT 1 FROM orders WHERE run = ?", (run_id,)).fetchone():
                return []
        with self._writing() as connection:
            rows = connection.execute(
                "DELETE FROM orders WHERE run = ? RETURNING id, name, value", (run_id,)
            ).fetchall()
        return [(name, value) for _, name, value in sorted(rows)]

    # ---- SQLite

    def _migrate(self) -> None:
        self._connection.create_function("step_after", 2, _step_after, deterministic=True)
        with self._writing() as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > len(MIGRATIONS):
                raise StoreError(f"{self.path} was made by a newer version of this program: update, or set NNLIB_HOME.")
            if version == len(MIGRATIONS):
                return
            for script in MIGRATIONS[version:]:
                for statement in script.split(";"):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _require_room(self, n_bytes: int) -> None:
        try:
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            raise StoreError(f"the folder {self.folder} is gone ({error.strerror}): start this again.") from error
        if free < n_bytes + RESERVE_BYTES:
            raise StoreFullError(
                f"the disk with {self.folder} is full ({free / 2**20:.0f} MB left): make room, or delete old runs."
            )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._sentences():
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._sentences():
            # IMMEDIATE: wait for one's turn before reading what the change depends on
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        """Turn SQLite's errors into ours."""
        try:
            yield
        # it quotes the file in its errors: where that is damaged, Python finds no text there
        except (sqlite3.Error, UnicodeDecodeError) as error:
            code = getattr(error, "sqlite_errorcode", 0)
            if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE):
                raise StoreFullError(f"the disk with {self.folder} is full: make room, or delete old runs.") from error
            raise self._unusable(error) from error

    @contextmanager
    def _undamaged(self) -> Iterator[None]:
        """Turn what reading a damaged row raises into a sentence."""
        try:
            yield
        except (SettingError, LookupError, TypeError, ValueError, RecursionError) as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> StoreError:
        reason = " ".join(str(error).split()).rstrip(".")
        return StoreError(f"the store {self.path} cannot be used ({reason}): move it away to begin with an empty one.")


def _identify(process_id: int) -> tuple[int, float]:
    """A process id with its start time, which together are never used again; (0, 0) where it is gone."""
    try:
        return process_id, psutil.Process(process_id).create_time()
    except psutil.Error:
        return 0, 0.0


def _is_alive(process_id: int, started: float) -> bool:
    try:
        process = psutil.Process(process_id)
        # clocks that are set differ by less than this, reused process ids by more
        return abs(process.create_time() - started) < 2 and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, TypeError, ValueError, OverflowError):  # the last three for damaged numbers
        return False


def _run_from_row(row: tuple) -> Run:
    run_id, name, config, learning_rate, data_directory, created, state, message, *process, record = row
    if state in ACTIVE and not _is_alive(*process):
        state = "interrupted"
        message = "its process ended before it was done; it can be resumed."
    settings = TrainingConfig.from_json(config)
    if state not in get_args(State) or not 0 <= created < LATEST_TIME:
        raise ValueError(f"run {run_id} is damaged")
    return Run(
        _require(run_id, int),
        _require(name, str),
        settings,
        settings.with_changes(learning_rate=learning_rate).learning_rate,
        None if data_directory is None else _require(data_directory, str),
        created,
        state,
        _require(message, str),
        None if record is None else _read_record(EpochRecord, record),
    )


def _step_after(epoch: Any, config: Any) -> Any:
    """How many corrections so many epochs take; where the run is damaged, at least in their order."""
    try:
        return epoch * TrainingConfig.from_json(config).steps_per_epoch
    except (SettingError, TypeError, ValueError, RecursionError):
        return epoch


def _read_moment(step: Any, epoch: Any) -> Snapshot:
    if not 0 <= _require(epoch, float) < 2**53:
        raise ValueError("a snapshot is of no epoch")
    return Snapshot(_require(step, int), float(epoch))


def _read_record(kind: type[AnyRecord], text: str) -> AnyRecord:
    """The record that `append` wrote; whatever a damaged one raises is for `_undamaged` to catch."""
    values = json.loads(text)
    for field in fields(kind):
        value = values[field.name]
        if get_origin(field.type) is tuple:
            values[field.name] = tuple(_require(number, get_args(field.type)[0]) for number in value)
        else:
            _require(value, field.type)
    return kind(**values)


def _require(value: Any, kind: Any) -> Any:
    """The value, where it is of this very kind: neither SQLite nor JSON makes sure of that."""
    if type(value) is not kind and not (kind is float and type(value) is int):
        raise TypeError(f"it holds a {type(value).__name__} where a {kind.__name__} belongs")
    return value
