"""The store: every run with its records, snapshots and checkpoint, in one file.

The dashboard, the command line and the processes that train share nothing but this file.
"""

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import platformdirs

from nnlib.digits import N_CLASSES, N_PIXELS
from nnlib.errors import DamagedStoreError, RunLostError, StoreError, StoreFullError, UnknownRunError
from nnlib.model_files import Model
from nnlib.network import Network
from nnlib.runs.database import Database, checksum, spacing
from nnlib.runs.processes import Process, identify, this_process
from nnlib.runs.run import (
    ACTIVE,
    CONTENT,
    DAMAGE,
    RESUMABLE,
    DamagedRun,
    Order,
    Run,
    Snapshot,
    State,
    read_moment,
    read_run,
    require_sound,
    whole,
)
from nnlib.training import EpochRecord, Progress, TrainingConfig

MOST_AT_ONCE = os.cpu_count() or 1  # runs that train
MOST_WAITING = 30  # runs in line: a class can all press Start at once
SIGN_SECONDS = 2  # between two signs of life of a process at work
IDLE_SIGN_SECONDS = 20  # of one that waits: it is seen by others, except from another container

TABLES = {"runs": "id", "records": "run", "progress": "run", "snapshots": "run", "checkpoints": "run", "orders": "run"}


@dataclass(frozen=True)
class _Line:
    """The runs that train and those that wait for it, all without the dead, first come first.

    Whose process is suspended could not take its turn: the others pass it, until it goes on.
    """

    running: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    suspended: list[int] = field(default_factory=list)

    def may_begin(self, run_id: int, most: int) -> bool:
        return run_id in self.waiting[: max(0, most - len(self.running))]

    def message(self, run_id: int) -> str:
        if run_id in self.suspended:
            return "its process is suspended: the runs behind it go first, until it is let go on."
        if run_id not in self.waiting or self.may_begin(run_id, MOST_AT_ONCE):
            return ""
        place = self.waiting.index(run_id) + 1
        return f"waits for its turn, number {place} in line: at most {MOST_AT_ONCE} runs train at once."


class RunStore:
    """All runs, in `folder`/runs.sqlite; without a folder, in NNLIB_HOME or the user's data folder.

    One store may be used by many threads, and the file by many processes. Every method raises
    StoreError with a sentence where the file cannot be read or written: StoreFullError where the disk
    has no room, StoreBusyError where another program has locked it, DamagedStoreError for a part of it
    that is damaged, and UnknownRunError for a run that is not there. A run that was taken with this
    store is written to only as long as nobody else has taken it: RunLostError then.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = Path(folder or os.environ.get("NNLIB_HOME") or platformdirs.user_data_dir("nnlib", False))
        self.path = self.folder / "runs.sqlite"
        self._database = Database(self.path)
        self._held: dict[int, int] = {}  # the runs taken with this store, and in which attempt
        self._signed: dict[int, float] = {}  # when each of them last showed life
        self._known: dict[int, tuple[list, Run | DamagedRun]] = {}  # rows that were read, and what they say

    @property
    def _connection(self) -> sqlite3.Connection:
        return self._database.connection

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def version(self) -> tuple[int, int]:
        """Changes whenever anybody changed anything: what was read under the same version still holds."""
        return self._database.version()

    @property
    def file(self) -> tuple[int, int] | None:
        """Which file it is. With another one, as after its folder was moved, the same numbers are of other runs."""
        return self._database.file

    def used_bytes(self, run_id: int | None = None) -> int:
        """How much of the disk one run takes, or all that the store keeps."""
        if run_id is None:
            return self._database.used_bytes()
        sizes = {"records": "record", "progress": "progress", "snapshots": "parameters", "checkpoints": "state"}
        parts = [f"(SELECT total(length({column})) FROM {table} WHERE run = :run)" for table, column in sizes.items()]
        with self._database.reading() as connection:
            return int(connection.execute(f"SELECT {' + '.join(parts)}", {"run": run_id}).fetchone()[0])

    # ---- runs

    def create_run(self, config: TrainingConfig, name: str, data_directory: str | None = None) -> int:
        """Put a new run in line; until a worker takes it, it is this process's.

        Raises StoreError where the line is full.
        """
        with self._database.writing() as connection:
            self._require_place_in_line()
            content = (name, config.to_json(), config.learning_rate, data_directory, time.time(), "stopped", "")
            run_id = connection.execute(
                "INSERT INTO runs (name, config, learning_rate, data_directory, created, state, message,"
                " queued, process_id, process_started, attempt) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0) RETURNING id",
                content,
            ).fetchone()[0]
            connection.execute("UPDATE runs SET checksum = ? WHERE id = ?", (checksum(run_id, *content), run_id))
            self._put_in_line(run_id)
            return run_id

    def runs(self) -> list[Run]:
        """All runs that can be read, the newest first."""
        return [run for run in self._look() if isinstance(run, Run)]

    def damaged_runs(self) -> list[DamagedRun]:
        """The runs that cannot be read, the newest first."""
        return [run for run in self._look() if isinstance(run, DamagedRun)]

    def run(self, run_id: int) -> Run:
        """One run as it stands; DamagedStoreError where its row is damaged."""
        rows = self._rows("WHERE id = ?", run_id)
        if not rows:
            raise UnknownRunError(f"there is no run {run_id}: it may have been deleted.")
        (found,) = self._as_they_stand(rows)
        if isinstance(found, DamagedRun):
            raise DamagedStoreError(found.message)
        return found

    def _look(self) -> list[Run | DamagedRun]:
        try:
            found = self._as_they_stand(self._rows("ORDER BY id DESC"))
        except DamagedStoreError as error:
            return self._look_one_by_one(error)
        for gone in set(self._known) - {run.id for run in found}:
            self._known.pop(gone, None)
        return found

    def _look_one_by_one(self, error: DamagedStoreError) -> list[Run | DamagedRun]:
        """All runs, where a part of the file is damaged on which some of them stand."""
        with self._database.reading() as connection:
            (last,) = connection.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = 'runs'").fetchone()
        found: list[Run | DamagedRun] = []
        for run_id in range(min(last or 0, 100_000), 0, -1):
            try:
                found.append(self.run(run_id))
            except UnknownRunError:
                pass
            except DamagedStoreError as damage:
                found.append(DamagedRun(run_id, str(damage)))
        if all(isinstance(run, DamagedRun) for run in found):
            raise error
        return found

    def _rows(self, condition: str, *values: Any) -> list[tuple]:
        query = (
            f"SELECT {', '.join(CONTENT)}, runs.checksum, epoch, record, records.checksum, attempt,"
            " machine, process_id, process_started, sign FROM runs LEFT JOIN records"
            " ON run = id AND epoch = (SELECT max(epoch) FROM records WHERE run = id) "
        )
        with self._database.reading() as connection:
            return connection.execute(query + condition, values).fetchall()

    def _as_they_stand(self, rows: list[tuple]) -> list[Run | DamagedRun]:
        """What the rows say, and what became of it where a process is gone, or a turn has not come."""
        found: list[Run | DamagedRun] = []
        line: _Line | None = None
        for *written, machine, process_id, started, sign in rows:
            run = self._read(written)
            if isinstance(run, Run) and run.active:
                if not _lives(machine, process_id, started, sign):
                    message = "its process ended before it was done; it can be resumed."
                    run = replace(run, state="interrupted", message=message)
                elif run.state == "queued":
                    line = line or self._line()
                    run = replace(run, message=line.message(run.id) or run.message)
                elif run.state == "running" and isinstance(sign, float):
                    run = replace(run, silent_seconds=max(0.0, time.monotonic() - sign))
            found.append(run)
        return found

    def _read(self, written: list) -> Run | DamagedRun:
        """What a row says; worked out anew only where it is not the one of before."""
        run_id = written[0]
        known = self._known.get(run_id)
        if known is not None and known[0] == written:
            return known[1]
        run: Run | DamagedRun
        *content, checked, epoch, record, record_checked, attempt = written
        last = whole(EpochRecord, [(run_id, epoch, record, record_checked)] if record is not None else [])
        if record is not None and not last:
            last = self.records(run_id)  # the newest of those that are whole
        try:
            run = read_run(content, checked, attempt, last[-1] if last else None)
        except DAMAGE as error:
            run = DamagedRun(run_id, f"run {run_id} is damaged ({error}): it can only be deleted.")
        self._known[run_id] = written, run
        return run

    def delete_run(self, run_id: int) -> None:
        """Forget a run and all it left, and let the disk have the room. Raises StoreError while it is active."""
        try:
            self._delete(run_id)
        except StoreFullError:
            self._database.give_up_spare()
            self._delete(run_id)
        self._database.give_back()

    def _delete(self, run_id: int) -> None:
        try:
            with self._database.writing() as connection:
                *content, checked, machine, process_id, started, sign = self._row(
                    run_id, *CONTENT, "checksum", "machine", "process_id", "process_started", "sign"
                )
                # a damaged one is let go whatever it says: a process that is at work on it will notice
                sound, state = checksum(*content) == checked, content[-2]
                if sound and state in ACTIVE and _lives(machine, process_id, started, sign):
                    raise StoreError(f"run {run_id} is {state}: stop it before you delete it.")
                for table, key in TABLES.items():
                    connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (run_id,))
        except DamagedStoreError:
            # as much as can be: what then is left is of no run, and in nobody's way
            for table, key in reversed(TABLES.items()):
                with suppress(DamagedStoreError), self._database.writing() as connection:
                    connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (run_id,))
            with self._database.reading() as connection:
                if connection.execute("SELECT 1 FROM runs WHERE id = ?", (run_id,)).fetchone():
                    raise

    # ---- whose turn it is, and in whose hands a run is

    def enqueue(self, run_id: int) -> None:
        """Put a run that ended in line again; what it did after its checkpoint is forgotten.

        A learning rate that it was told is not. Raises StoreError where a living process has it, and where
        the line is full.
        """
        with self._changing(run_id) as connection:
            run = self.run(run_id)
            if run.active:
                raise StoreError(f"run {run_id} is {run.state} in process {self.holder(run_id)}: stop it there first.")
            self._require_place_in_line()
            self._put_in_line(run_id)
            row = connection.execute("SELECT step FROM checkpoints WHERE run = ?", (run_id,)).fetchone()
            step = row[0] if row and isinstance(row[0], int) else 0
            epoch = step // run.config.steps_per_epoch
            connection.execute("DELETE FROM orders WHERE run = ? AND name != 'learning_rate'", (run_id,))
            connection.execute("DELETE FROM progress WHERE run = ? AND step > ?", (run_id, step))
            connection.execute("DELETE FROM snapshots WHERE run = ? AND step > ?", (run_id, step))
            connection.execute("DELETE FROM records WHERE run = ? AND epoch > ?", (run_id, epoch))

    def _put_in_line(self, run_id: int) -> None:
        self._update(run_id, state="queued", message="")
        self._connection.execute("UPDATE runs SET attempt = attempt + 1, taken = 0 WHERE id = ?", (run_id,))
        self._set_process(run_id, this_process())

    def _require_place_in_line(self) -> None:
        line = self._line()
        if len(line.waiting) + len(line.suspended) >= MOST_WAITING:
            raise StoreError(
                f"{MOST_WAITING} runs wait in line, and no more may: wait until one of them begins, or stop one."
            )

    def _line(self) -> _Line:
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT machine, process_id, process_started, sign, checksum, {', '.join(CONTENT)} FROM runs"
                " WHERE state IN ('running', 'queued') ORDER BY queued, id"
            ).fetchall()
        line = _Line()
        for machine, process_id, started, sign, checked, *content in rows:
            if checksum(*content) == checked and _lives(machine, process_id, started, sign):
                run_id, *_, state, _ = content
                if state == "running":
                    line.running.append(run_id)
                else:
                    held = Process(machine, process_id, started).suspended
                    (line.suspended if held else line.waiting).append(run_id)
        return line

    def begin(self, run_id: int, most: int = MOST_AT_ONCE) -> bool:
        """Whether the run's turn has come: it is then running. At most `most` run at once, first come first served."""
        # who waits looks often: so look before anybody is held up
        if not self._line().may_begin(run_id, most):
            return False
        with self._changing(run_id):
            if not self._line().may_begin(run_id, most):
                return False
            self._update(run_id, state="running", message="")
            return True

    def waiting(self) -> list[int]:
        """The runs that no process has yet and that wait in this one's name, first come first.

        Those that are paused meanwhile are among them.
        """
        process = this_process()
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM runs WHERE state IN ('queued', 'paused') AND NOT taken"
                " AND machine = ? AND process_id = ? AND process_started = ? ORDER BY queued, id",
                (process.machine, process.id, process.started),
            ).fetchall()
        return [run_id for (run_id,) in rows]

    def hand_over(self, run_id: int, attempt: int, process_id: int) -> None:
        """Let a run that nobody has taken live and die with that process, which is to take it."""
        if self._row(run_id, "attempt", "taken") == (attempt, 0):
            with self._database.writing():
                if self._row(run_id, "attempt", "taken") == (attempt, 0):
                    self._set_process(run_id, identify(process_id))

    def take(self, run_id: int, attempt: int | None = None) -> None:
        """Take a run that is in line, or whose turn it is, into the hands of this process and this store.

        Raises RunLostError where another process has taken it, or where it was put in line anew since
        `attempt`.
        """
        with self._database.writing() as connection:
            found, taken, state = self._row(run_id, "attempt", "taken", "state")
            if taken or state not in ACTIVE or attempt not in (None, found):
                raise RunLostError(f"run {run_id} is {state}, and in other hands: this process leaves it alone.")
            self._set_process(run_id, this_process())
            connection.execute("UPDATE runs SET taken = 1 WHERE id = ?", (run_id,))
        self._held[run_id] = found
        self._database.pinned = True

    def _set_process(self, run_id: int, process: Process) -> None:
        self._connection.execute(
            "UPDATE runs SET machine = ?, process_id = ?, process_started = ?, sign = ? WHERE id = ?",
            (process.machine, process.id, process.started, time.monotonic(), run_id),
        )

    def holder(self, run_id: int) -> int:
        """The id of the process that has a run in its hands, or last had."""
        return self._row(run_id, "process_id")[0]

    def _row(self, run_id: int, *columns: str) -> tuple:
        with self._database.reading() as connection:
            row = connection.execute(f"SELECT {', '.join(columns)} FROM runs WHERE id = ?", (run_id,)).fetchone()
        if row is None:
            raise UnknownRunError(f"there is no run {run_id}: it may have been deleted.")
        return row

    def show_life(self, *run_ids: int) -> None:
        """Say, now and then, that whoever has these runs in hands, or waits with them, is still there."""
        now = time.monotonic()
        due = [run_id for run_id in run_ids if now - self._signed.get(run_id, 0.0) > IDLE_SIGN_SECONDS]
        if due:
            with self._database.writing() as connection:
                for run_id in due:
                    self._require_hold(run_id)
                    self._sign(connection, run_id)

    def _sign(self, connection: sqlite3.Connection, run_id: int) -> None:
        self._signed[run_id] = time.monotonic()
        connection.execute("UPDATE runs SET sign = ? WHERE id = ?", (self._signed[run_id], run_id))

    def set_state(self, run_id: int, state: State, message: str = "", *, order: int | None = None) -> None:
        """Say where a run stands, and why; and, with it, that an order has taken effect.

        A run that can never go on needs no checkpoint: it is forgotten.
        """
        assert state in get_args(State)
        with self._changing(run_id) as connection:
            self._update(run_id, state=state, message=message)
            self._forget_order(order)
            if state not in ACTIVE + RESUMABLE:
                connection.execute("DELETE FROM checkpoints WHERE run = ?", (run_id,))
        if state not in ACTIVE:
            self._let_go(run_id)

    def set_learning_rate(self, run_id: int, learning_rate: float, *, order: int | None = None) -> None:
        """Say which learning rate a run trains with from now on; and, with it, that an order has taken effect."""
        with self._changing(run_id):
            self._update(run_id, learning_rate=learning_rate)
            self._forget_order(order)

    @contextmanager
    def _changing(self, run_id: int) -> Iterator[sqlite3.Connection]:
        """A transaction that changes a run: it is there, and in nobody else's hands where it was taken with this."""
        with self._database.writing() as connection:
            self._require_hold(run_id)
            self._row(run_id, "id")
            if run_id in self._held and time.monotonic() - self._signed.get(run_id, 0.0) > SIGN_SECONDS:
                self._sign(connection, run_id)
            yield connection

    def _require_hold(self, run_id: int) -> None:
        """Make sure that a run that was taken with this store is still in its hands."""
        held = self._held.get(run_id)
        row = self._connection.execute("SELECT attempt FROM runs WHERE id = ?", (run_id,)).fetchone()
        if held is not None and row != (held,):
            self._let_go(run_id)
            raise RunLostError(f"run {run_id} was deleted, or goes on in another process: this one leaves it.")

    def _let_go(self, run_id: int) -> None:
        self._held.pop(run_id, None)
        self._database.pinned = bool(self._held)

    def _update(self, run_id: int, **changes: Any) -> None:
        """Change the content of a run's row, and its checksum with it."""
        *content, checked = self._row(run_id, *CONTENT, "checksum")
        if checksum(*content) != checked:
            raise DamagedStoreError(f"run {run_id} is damaged (it is not what was written): it can only be deleted.")
        values = dict(zip(CONTENT, content, strict=True)) | changes
        self._connection.execute(
            f"UPDATE runs SET {', '.join(f'{each} = :{each}' for each in (*CONTENT, 'checksum'))} WHERE id = :id",
            values | {"checksum": checksum(*values.values())},
        )
        if values["state"] == "queued" != content[-2]:
            # behind all others, whatever the clock says
            self._connection.execute(
                "UPDATE runs SET queued = 1 + (SELECT max(queued) FROM runs WHERE state IN ('running', 'queued'))"
                " WHERE id = ?",
                (run_id,),
            )

    # ---- what a run leaves behind

    def append(
        self,
        run_id: int,
        record: Progress | EpochRecord,
        *,
        snapshot: np.ndarray | None = None,
        replaces: int | None = None,
        checkpoint: bytes | None = None,
    ) -> None:
        """Keep a record, and with it a snapshot of the parameters and a checkpoint: all or nothing.

        The snapshot may take the place of another one, whose step `replaces` is.
        Of very many points within the epochs some are kept, evenly spread, with the newest. Raises
        StoreFullError, and keeps nothing, where the disk is down to its reserve.
        """
        self._database.require_room((0 if snapshot is None else snapshot.nbytes) + len(checkpoint or b""))
        text = json.dumps(asdict(record))
        with self._changing(run_id):
            if isinstance(record, EpochRecord):
                self._insert("records", run_id, record.epoch, text)
            else:
                self._thin_progress(run_id, record.step)
                self._insert("progress", run_id, record.step, text)
            if snapshot is not None:
                self._insert_snapshot(run_id, Snapshot(record.step, record.epoch), snapshot)
                if replaces is not None:
                    self._connection.execute("DELETE FROM snapshots WHERE run = ? AND step = ?", (run_id, replaces))
            if checkpoint is not None:
                self._insert_checkpoint(run_id, record.step, checkpoint)

    def save_snapshot(self, run_id: int, moment: Snapshot, parameters: np.ndarray) -> None:
        """Keep the parameters as they were at a moment that has no record of its own."""
        self._database.require_room(parameters.nbytes)
        with self._changing(run_id):
            self._insert_snapshot(run_id, moment, parameters)

    def save_checkpoint(self, run_id: int, step: int, checkpoint: bytes) -> None:
        """Keep what a trainer needs to go on; it replaces the one before."""
        self._database.require_room(len(checkpoint))
        with self._changing(run_id):
            self._insert_checkpoint(run_id, step, checkpoint)

    def _insert_snapshot(self, run_id: int, moment: Snapshot, parameters: np.ndarray) -> None:
        self._insert("snapshots", run_id, moment.step, float(moment.epoch), parameters.astype("<f4").tobytes())

    def _insert_checkpoint(self, run_id: int, step: int, checkpoint: bytes) -> None:
        self._insert("checkpoints", run_id, step, checkpoint)

    def _insert(self, table: str, *values: Any) -> None:
        places = ", ".join("?" * (len(values) + 1))
        self._connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({places})", (*values, checksum(*values)))

    def _thin_progress(self, run_id: int, step: int) -> None:
        """Make place for a point: it replaces those of the same few steps, and all are thinned now and then."""
        steps = spacing(step)
        self._connection.execute(
            "DELETE FROM progress WHERE run = ? AND step >= ? AND step < ?", (run_id, step // steps * steps, step)
        )
        (last,) = self._connection.execute("SELECT max(step) FROM progress WHERE run = ?", (run_id,)).fetchone()
        if spacing(last) < steps:
            self._connection.execute(
                "DELETE FROM progress WHERE run = :run AND step NOT IN"
                " (SELECT max(step) FROM progress WHERE run = :run GROUP BY step / :steps)",
                {"run": run_id, "steps": steps},
            )

    def records(self, run_id: int, after_epoch: int = 0) -> list[EpochRecord]:
        """Every finished epoch after that one, in order; damaged ones are left out."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM records WHERE run = ? AND epoch > ? ORDER BY epoch", (run_id, after_epoch)
            ).fetchall()
        return whole(EpochRecord, rows)

    def progress(self, run_id: int, after_step: int = 0) -> list[Progress]:
        """The points within the epochs after that step, in order; damaged ones are left out."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM progress WHERE run = ? AND step > ? ORDER BY step", (run_id, after_step)
            ).fetchall()
        return whole(Progress, rows)

    def damage(self, run_id: int) -> str | None:
        """A sentence about what of a run's curves is damaged, and left out; None where they are whole."""
        with self._database.reading() as connection:
            rows, points = (
                connection.execute(f"SELECT * FROM {table} WHERE run = ?", (run_id,)).fetchall()
                for table in ("records", "progress")
            )
        lost = len(rows) - len(whole(EpochRecord, rows)), len(points) - len(whole(Progress, points))
        if not any(lost):
            return None
        return (
            f"of run {run_id}, {lost[0]} of {len(rows)} epochs and {lost[1]} of {len(points)} points within them are "
            f"damaged in the store: the curves leave them out."
        )

    def snapshots(self, run_id: int) -> list[Snapshot]:
        """The moments whose network is kept, in order."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT step, epoch FROM snapshots WHERE run = ? ORDER BY step", (run_id,)
            ).fetchall()
        found = []
        for step, epoch in rows:
            with suppress(*DAMAGE):
                found.append(read_moment(step, epoch))
        return found

    def model(self, run_id: int, step: int) -> Model:
        """The network as it was after so many corrections, where there is a snapshot of it."""
        run = self.run(run_id)
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM snapshots WHERE run = ? AND step = ?", (run_id, step)).fetchone()
        if row is None:
            raise UnknownRunError(f"run {run_id} has no snapshot after {step:,} corrections: choose another one.")
        network = Network((N_PIXELS, *run.config.hidden_widths, N_CLASSES), run.config.activation)
        try:
            *values, checked = row
            require_sound(values, checked)
            moment, parameters = read_moment(*values[1:3]), np.frombuffer(values[3], "<f4")
            if parameters.shape != network.parameters.shape or not np.isfinite(parameters).all():
                raise ValueError("it is of another network")
        except DAMAGE as error:
            raise DamagedStoreError(
                f"the snapshot of run {run_id} after {step:,} corrections is damaged: choose another one."
            ) from error
        network.parameters[:] = parameters
        name = f"run {run_id}, {run.name}, {moment.moment}"
        recipe = f"{name} of {run.config.epochs}" if moment.whole_epoch else name
        return Model(network, name, run.config, int(moment.epoch), None, recipe)

    def checkpoint(self, run_id: int) -> bytes | None:
        """What the run's trainer was when it last saved itself."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM checkpoints WHERE run = ?", (run_id,)).fetchone()
        if row is None:
            return None
        try:
            require_sound(row[:-1], row[-1])
            return row[2]
        except DAMAGE as error:
            raise DamagedStoreError(
                f"the checkpoint of run {run_id} is damaged, so it cannot go on: start a new one; what it "
                f"learned can still be looked at and saved."
            ) from error

    # ---- orders to a run

    def send(self, run_id: int, order: Order, value: float | None = None) -> None:
        """Tell a run to pause, resume, stop, or use another learning rate.

        Raises StoreError for a run that nothing is at work on, SettingError for a rate outside the limits.
        """
        assert order in get_args(Order)
        with self._changing(run_id) as connection:
            run = self.run(run_id)
            if not run.active:
                raise StoreError(f"run {run_id} is {run.state}: it takes no more orders.")
            if order == "learning_rate":
                value = run.config.with_changes(learning_rate=value).learning_rate
            (taken,) = self._row(run_id, "taken")
            if taken or run.state == "running":
                connection.execute(
                    "INSERT INTO orders (run, name, value, checksum) VALUES (?, ?, ?, ?)",
                    (run_id, order, value, checksum(run_id, order, value)),
                )
            elif order == "learning_rate":
                self._update(run_id, learning_rate=value)
            else:
                # no process has it yet that could obey
                self._update(run_id, state={"pause": "paused", "resume": "queued", "stop": "stopped"}[order])

    def orders(self, run_id: int) -> list[tuple[int, Order, float | None]]:
        """The orders that wait for a run, oldest first, each with its number: they stay until they are obeyed."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT * FROM orders WHERE run = ? ORDER BY id", (run_id,)).fetchall()
        return [
            (number, name, value)
            for number, run, name, value, checked in rows
            if checksum(run, name, value) == checked and name in get_args(Order)
        ]

    def drop_order(self, run_id: int, order: int) -> None:
        """Forget an order that has nothing to change."""
        with self._changing(run_id):
            self._forget_order(order)

    def _forget_order(self, order: int | None) -> None:
        self._connection.execute("DELETE FROM orders WHERE id = ?", (order,))


def _lives(machine: Any, process_id: Any, started: Any, sign: Any) -> bool:
    try:
        return Process(machine, process_id, started).lives(sign)
    except (TypeError, AttributeError):  # damaged
        return False
