"""The store: every run with its records, snapshots and checkpoint, in one file.

The dashboard, the command line and the processes that train share nothing but this file.
"""

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import platformdirs

from nnlib.digits import N_CLASSES, N_PIXELS
from nnlib.errors import DamagedStoreError, RunLostError, SettingError, StoreError, StoreFullError, UnknownRunError
from nnlib.model_files import Model
from nnlib.network import Network
from nnlib.runs.corrections import Corrections
from nnlib.runs.database import Database, checksum, spacing
from nnlib.runs.processes import Process, identify, this_process
from nnlib.runs.run import (
    ACTIVE,
    BEGINNING,
    CONTENT,
    DAMAGE,
    DamagedRun,
    Happening,
    KeptRun,
    Order,
    Run,
    Snapshot,
    State,
    check_name,
    check_note,
    check_order,
    check_tags,
    pace_of,
    read_happening,
    read_moment,
    read_run,
    recipe_of,
    require_sound,
    whole,
)
from nnlib.runs.verdicts import Verdicts
from nnlib.training import STEERABLE, EpochRecord, Progress, Recipe, TrainingConfig, check_changes, require_epochs
from nnlib.words import shown

MOST_AT_ONCE = os.cpu_count() or 1  # runs that train
MOST_WAITING = 30  # runs in line: a class can all press Start at once
SIGN_SECONDS = 2  # between two signs of life of a process at work
IDLE_SIGN_SECONDS = 20  # of one that waits: it is seen by others, except from another container

MOST_CHECKPOINTS = 8  # of a run, spread over it: from the nearest one on, any of its moments is trained again
CHECKPOINTS_BYTES = 128 * 2**20  # that these may take together, beyond the newest

TABLES = {"runs": "id"} | dict.fromkeys(("records", "progress", "snapshots", "checkpoints", "orders", "events"), "run")
STATE = CONTENT.index("state")


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
        now = " and ".join(map(str, self.running))
        return (
            f"waits for its turn, number {place} in line: at most {MOST_AT_ONCE} runs train at once, and now "
            f"{'run' if len(self.running) == 1 else 'runs'} {now} {'does' if len(self.running) == 1 else 'do'}."
        )


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
        self.corrections = Corrections(self._database)
        self.verdicts = Verdicts(self._database)
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

    def used_bytes(self, *run_ids: int) -> int:
        """How much of the disk these runs take together; without any, all that the store keeps."""
        if not run_ids:
            return self._database.used_bytes()
        sizes = {"records": "record", "progress": "progress", "snapshots": "parameters", "checkpoints": "state"}
        parts = [
            f"(SELECT total(length({column})) FROM {table} WHERE run IN (SELECT value FROM json_each(:runs)))"
            for table, column in sizes.items()
        ]
        with self._database.reading() as connection:
            return int(connection.execute(f"SELECT {' + '.join(parts)}", {"runs": json.dumps(run_ids)}).fetchone()[0])

    # ---- runs

    def create_run(self, recipe: TrainingConfig | Recipe, name: str, data_directory: str | None = None) -> int:
        """Put a new run in line; until a worker takes it, it is this process's.

        Raises StoreError where the line is full, and SettingError where the recipe is not all that it takes.
        """
        if isinstance(recipe, Recipe):
            recipe.require_whole()
        with self._database.writing():
            self._require_place_in_line()
            run_id = self._insert_run(recipe, name, data_directory)
            self._put_in_line(run_id)
            return run_id

    def create_race(self, configs: Mapping[str, TrainingConfig], data_directory: str | None = None) -> list[int]:
        """Put a new run in line for each config, under its name; as `race` they share the first one's number.

        All or none: raises StoreError where the line has no room for all of them.
        """
        with self._database.writing():
            self._require_place_in_line(len(configs))
            run_ids = [self._insert_run(config, name, data_directory) for name, config in configs.items()]
            for run_id in run_ids:
                self._update(run_id, race=run_ids[0])
                self._put_in_line(run_id)
            return run_ids

    def create_run_from(
        self,
        parameters: np.ndarray,
        recipe: Recipe,
        checkpoint: bytes,
        name: str,
        data_directory: str | None = None,
        parent: tuple[int, int] | None = None,
    ) -> int:
        """Put a new run in line that begins with these parameters: see `first_checkpoint`.

        `parent` says of which run they are, and after how many of its corrections. Raises StoreError where the line
        is full.
        """
        self._database.require_room(parameters.nbytes + len(checkpoint))
        with self._database.writing():
            self._require_place_in_line()
            run, step = parent or (None, None)
            run_id = self._insert_run(recipe, name, data_directory, parent=run, parent_step=step)
            self._insert_snapshot(run_id, BEGINNING, parameters, ())
            self._insert_checkpoint(run_id, BEGINNING.step, BEGINNING.epoch, checkpoint)
            self._put_in_line(run_id)
            return run_id

    def _insert_run(self, recipe: TrainingConfig | Recipe, name: str, data_directory: str | None, **more: Any) -> int:
        recipe = recipe if isinstance(recipe, Recipe) else Recipe(recipe)
        values = {
            **dict.fromkeys(CONTENT),
            **{"name": name, "config": recipe.config.to_json(), "now": recipe.final_config.to_json()},
            **{"data_directory": data_directory, "created": time.time(), "state": "stopped", "message": ""},
            **{"weights": recipe.weights, "corrections": recipe.corrections, "note": "", "tags": "", **more},
        }
        del values["id"]
        run_id = self._connection.execute(
            f"INSERT INTO runs ({', '.join(values)}, queued, process_id, process_started, attempt)"
            f" VALUES ({', '.join('?' * len(values))}, 0, 0, 0, 0) RETURNING id",
            tuple(values.values()),
        ).fetchone()[0]
        self._connection.execute(
            "UPDATE runs SET checksum = ? WHERE id = ?", (checksum(run_id, *values.values()), run_id)
        )
        for event in recipe.events:
            self._insert_event(run_id, event.step, event.setting, event.value)
        if recipe.end is not None:
            self._insert_event(run_id, recipe.end, "stop", None)
        return run_id

    def runs(self) -> list[Run]:
        """All runs that can be read, the newest first."""
        return [run for run in self._look() if isinstance(run, Run)]

    def race(self, number: int | None) -> list[Run]:
        """The runs of a race that can be read, in the order in which they were put in line."""
        rows = self._rows("WHERE race = ? ORDER BY id", number)
        return [run for run in self._as_they_stand(rows) if isinstance(run, Run)]

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

    def rename(self, run_id: int, name: str) -> None:
        """Give a run another name. Raises SettingError for one that is empty or too long."""
        name = check_name(name)
        with self._changing(run_id):
            self._update(run_id, name=name)

    def annotate(self, run_id: int, *, note: str | None = None, tags: Iterable[str] | None = None) -> None:
        """Keep a note with a run, tags, or both, in the place of those that it has.

        Raises SettingError where one is too long, or the tags are too many.
        """
        changes = {}
        if note is not None:
            changes["note"] = check_note(note)
        if tags is not None:
            changes["tags"] = ",".join(check_tags(tags))
        with self._changing(run_id):
            self._update(run_id, **changes)

    def delete_run(self, run_id: int) -> None:
        """Forget a run and all it left, and let the disk have the room. Raises StoreError while it is active."""
        self._delete_even_if_full(run_id)
        self._database.give_back()

    def delete_runs(self, run_ids: Iterable[int]) -> None:
        """Forget runs, each whole, and let the disk have their room; one that is gone already is no error.

        Raises StoreError, and deletes none, while one of them is active.
        """
        wanted = set(run_ids)
        for run in self.runs():
            if run.id in wanted and run.active:
                raise _still_active(run.id, run.state)
        try:
            for run_id in sorted(wanted):
                with suppress(UnknownRunError):
                    self._delete_even_if_full(run_id)
        finally:
            self._database.give_back()

    def _delete_even_if_full(self, run_id: int) -> None:
        try:
            self._delete(run_id)
        except StoreFullError:
            self._database.give_up_spare()
            self._delete(run_id)

    def _delete(self, run_id: int) -> None:
        try:
            with self._database.writing() as connection:
                *content, checked, machine, process_id, started, sign = self._row(
                    run_id, *CONTENT, "checksum", "machine", "process_id", "process_started", "sign"
                )
                # a damaged one is let go whatever it says: a process that is at work on it will notice
                sound, state = checksum(*content) == checked, content[STATE]
                if sound and state in ACTIVE and _lives(machine, process_id, started, sign):
                    raise _still_active(run_id, state)
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

    def enqueue(self, run_id: int, changes: Mapping[str, Any] | None = None) -> None:
        """Put a run that ended in line again, with `changes` of its settings from where it ended on.

        What it did after its newest checkpoint is trained again, to the same bits. Raises StoreError
        where a living process has it, where it diverged, where it is over and the changes do not let it
        go on, and where the line is full; SettingError for a change that cannot be.
        """
        with self._changing(run_id) as connection:
            run, changes = self.run(run_id), check_changes(changes or {})
            if run.active:
                raise StoreError(f"run {run_id} is {run.state} in process {self.holder(run_id)}: stop it there first.")
            if run.state == "diverged":
                raise StoreError(f"run {run_id} diverged: go on from an earlier moment, with a lower learning rate.")
            if run.state == "finished":
                changes = self._changes_to_go_on(run, changes)
            recipe = self.recipe(run_id)  # where that is not known, nothing may be forgotten
            ended = recipe.end
            # what the recipe has yet to change comes first
            reached = max(self._reached(run_id), ended or 0, *(event.step for event in recipe.events), 0)
            if "epochs" in changes:
                require_epochs(changes["epochs"], self._epoch_at(run_id, reached))
            self._require_place_in_line()
            self._put_in_line(run_id)
            if ended is not None:
                self._insert_event(run_id, reached, "resume", None)
            if run.state != "interrupted" and pace_of(self.happenings(run_id)):
                self._insert_event(run_id, reached, "pace", 0.0)  # nobody would know any more why it is so slow
            self._change_settings(run_id, reached, changes)
            kept = next((moment for moment, _ in self.whole_checkpoints(run_id)), BEGINNING)
            step, epoch = kept.step, int(kept.epoch)
            connection.execute(
                f"DELETE FROM orders WHERE run = ? AND name NOT IN ({', '.join('?' * len(STEERABLE))})",
                (run_id, *STEERABLE),
            )
            connection.execute("DELETE FROM progress WHERE run = ? AND step > ?", (run_id, step))
            connection.execute("DELETE FROM snapshots WHERE run = ? AND step > ?", (run_id, step))
            connection.execute("DELETE FROM checkpoints WHERE run = ? AND step > ?", (run_id, step))
            connection.execute("DELETE FROM records WHERE run = ? AND epoch > ?", (run_id, epoch))

    def _changes_to_go_on(self, run: Run, changes: dict[str, Any]) -> dict[str, Any]:
        """The changes, and that what ended the run holds no more; StoreError where it would end at once."""
        if run.config.with_changes(**changes).epochs <= run.epoch:
            raise StoreError(f"run {run.id} has done all its {run.config.epochs} epochs: give it more of them.")
        # each of them may have ended it, and would again
        return {"patience": 0, "target_accuracy": 0.0, "time_limit": 0.0} | changes

    def _change_settings(self, run_id: int, step: int, changes: Mapping[str, Any]) -> None:
        """Note changes that take effect after this step."""
        config = self._recipe(run_id).until(step).final_config
        for name, value in changes.items():
            if value != getattr(config, name):
                self._insert_event(run_id, step, name, value)
        self._update(run_id, now=self._recipe(run_id).final_config.to_json())

    def _put_in_line(self, run_id: int) -> None:
        self._update(run_id, state="queued", message="")
        self._connection.execute("UPDATE runs SET attempt = attempt + 1, taken = 0 WHERE id = ?", (run_id,))
        self._set_process(run_id, this_process())

    def _require_place_in_line(self, places: int = 1) -> None:
        line = self._line()
        free = MOST_WAITING - len(line.waiting) - len(line.suspended)
        if free <= 0:
            raise StoreError(
                f"{MOST_WAITING} runs wait in line, and no more may: wait until one of them begins, or stop one."
            )
        if free < places:
            raise StoreError(
                f"{places} runs are to wait in line, which has room for {free} more: wait until some begin, or start "
                f"fewer."
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
                run_id = content[0]
                if content[STATE] == "running":
                    line.running.append(run_id)
                else:
                    held = Process(machine, process_id, started).suspended
                    (line.suspended if held else line.waiting).append(run_id)
        return line

    def begin(self, run_id: int, most: int = MOST_AT_ONCE) -> bool:
        """Whether the run's turn has come: it is then running. At most `most` run at once, first come first served.

        A run that somebody has taken meanwhile begins by their hands only: they could not tell that it has begun.
        """
        # who waits looks often: so look before anybody is held up
        if not self._line().may_begin(run_id, most):
            return False
        with self._changing(run_id):
            taken_by_others = self._row(run_id, "taken") == (1,) and run_id not in self._held
            if taken_by_others or not self._line().may_begin(run_id, most):
                return False
            self._update(run_id, state="running", message="")
            return True

    def give_way(self, run_id: int) -> bool:
        """Whether a run that trains went to the end of the line, since one of its race waits that has learned less.

        So the runs of a race go forward side by side, however few train at once.
        """
        if not self._is_ahead_of_waiting(run_id):
            return False
        with self._changing(run_id):
            if not self._is_ahead_of_waiting(run_id):
                return False
            self._update(run_id, state="queued", message="")
            return True

    def _is_ahead_of_waiting(self, run_id: int) -> bool:
        run, waiting = self.run(run_id), self._line().waiting
        return any(other.id in waiting and other.epoch < run.epoch for other in self.race(run.race))

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

    def set_state(self, run_id: int, state: State, message: str = "", *, ended_at: int | None = None) -> None:
        """Say where a run stands, and why.

        `ended_at` is the step at which its time was up: no recipe could find that again by itself.
        """
        assert state in get_args(State)
        with self._changing(run_id):
            self._update(run_id, state=state, message=message)
            if ended_at is not None:
                self._insert_event(run_id, ended_at, "stop", "time_limit")
            if state in ("finished", "diverged"):  # what was ordered in its last moment came too late
                self._connection.execute("DELETE FROM orders WHERE run = ?", (run_id,))
        if state not in ACTIVE:
            self._let_go(run_id)

    def take_effect(self, run_id: int, order: Order, step: int, state: State | None = None) -> None:
        """Say that an order has taken effect after so many corrections, and where the run stands with it.

        It is then among what happened to the run: nobody finds the one without the other.
        """
        with self._changing(run_id):
            if order.name in STEERABLE:
                self._change_settings(run_id, step, {order.name: order.value})
            else:
                self._insert_event(run_id, step, order.name, order.value)
            if state is not None:
                self._update(run_id, state=state, message="")
            self._connection.execute("DELETE FROM orders WHERE id = ?", (order.number,))

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
        if values["state"] == "queued" != content[STATE]:
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
        replaces: Iterable[int] = (),
        checkpoint: bytes | None = None,
    ) -> None:
        """Keep a record, and with it a snapshot of the parameters and a checkpoint: all or nothing.

        The snapshot may take the place of others, whose steps `replaces` has.
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
                self._insert_snapshot(run_id, Snapshot(record.step, record.epoch), snapshot, replaces)
            if checkpoint is not None:
                self._insert_checkpoint(run_id, record.step, record.epoch, checkpoint)

    def save_snapshot(
        self, run_id: int, moment: Snapshot, parameters: np.ndarray, *, replaces: Iterable[int] = ()
    ) -> None:
        """Keep the parameters as they were at a moment that has no record of its own; see `append`."""
        self._database.require_room(parameters.nbytes)
        with self._changing(run_id):
            self._insert_snapshot(run_id, moment, parameters, replaces)

    def save_checkpoint(self, run_id: int, moment: Snapshot, checkpoint: bytes) -> None:
        """Keep what a trainer needs to go on from a moment; of those before it, some are kept, spread over the run."""
        self._database.require_room(len(checkpoint))
        with self._changing(run_id):
            self._insert_checkpoint(run_id, moment.step, moment.epoch, checkpoint)

    def _insert_snapshot(self, run_id: int, moment: Snapshot, parameters: np.ndarray, replaces: Iterable[int]) -> None:
        for step in replaces:
            self._connection.execute("DELETE FROM snapshots WHERE run = ? AND step = ?", (run_id, step))
        self._insert("snapshots", run_id, moment.step, float(moment.epoch), parameters.astype("<f4").tobytes())

    def _insert_checkpoint(self, run_id: int, step: int, epoch: float, checkpoint: bytes) -> None:
        self._insert("checkpoints", run_id, step, float(epoch), checkpoint)
        rows = self._connection.execute("SELECT step FROM checkpoints WHERE run = ? ORDER BY step", (run_id,))
        # the beginning needs none, and stays where it has one
        steps = [0, *(row[0] for row in rows if isinstance(row[0], int) and row[0] > 0)]
        most = max(1, min(MOST_CHECKPOINTS, CHECKPOINTS_BYTES // len(checkpoint)))
        while len(steps) - 1 > most:
            # the one whose neighbours are nearest to each other
            least = min(range(1, len(steps) - 1), key=lambda place: steps[place + 1] - steps[place - 1])
            self._connection.execute("DELETE FROM checkpoints WHERE run = ? AND step = ?", (run_id, steps.pop(least)))

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
        return whole(EpochRecord, self._beyond("records", "epoch", run_id, after_epoch))

    def progress(self, run_id: int, after_step: int = 0) -> list[Progress]:
        """The points within the epochs after that step, in order; damaged ones are left out."""
        return whole(Progress, self._beyond("progress", "step", run_id, after_step))

    def _beyond(self, table: str, column: str, run_id: int, value: int) -> list[tuple]:
        """The rows of a run with more than that in the column, in its order."""
        query = f"SELECT * FROM {table} WHERE run = ? AND {column} > ? ORDER BY {column}"
        with self._database.reading() as connection:
            return connection.execute(query, (run_id, value)).fetchall()

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
            rows = connection.execute("SELECT step, epoch FROM snapshots WHERE run = ? ORDER BY step", (run_id,))
            return _moments(rows.fetchall())

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
        training, config = None, run.config
        with suppress(DamagedStoreError):
            training = replace(self.recipe(run_id).until(step), end=step)
            config = training.final_config
        return Model(network, name, config, int(moment.epoch), None, recipe, training)

    def checkpoint(self, run_id: int, step: int | None = None) -> bytes | None:
        """What the run's trainer was when it last saved itself, or last before it had made so many corrections.

        None where it is to be trained from its beginning.
        """
        return next((state for _, state in self.whole_checkpoints(run_id, step)), None)

    def checkpoints(self, run_id: int) -> list[Snapshot]:
        """The moments from which a run can go on without being trained anew, in order."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT step, epoch FROM checkpoints WHERE run = ? ORDER BY step", (run_id,))
            return _moments(rows.fetchall())

    def whole_checkpoints(self, run_id: int, up_to: int | None = None) -> Iterator[tuple[Snapshot, bytes]]:
        """The checkpoints that are what was written, the newest first, each with its moment."""
        for moment in reversed(self.checkpoints(run_id)):
            if up_to is None or moment.step <= up_to:
                with self._database.reading() as connection:
                    rows = connection.execute(
                        "SELECT * FROM checkpoints WHERE run = ? AND step = ?", (run_id, moment.step)
                    ).fetchall()
                for *values, checked in rows:
                    if checksum(*values) == checked:
                        yield moment, values[3]

    # ---- what happened to a run

    def happenings(self, run_id: int) -> list[Happening]:
        """The orders that took effect, in that order, and those of its recipe that will; damaged ones are left out."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT * FROM events WHERE run = ? ORDER BY number", (run_id,)).fetchall()
        found = []
        for *values, checked in rows:
            with suppress(*DAMAGE):
                require_sound(values, checked)
                found.append(read_happening(*values[2:]))
        return sorted(found, key=lambda each: each.step)

    def recipe(self, run_id: int) -> Recipe:
        """All that decides the run: trained by it, any other run comes to the same last bit.

        Raises DamagedStoreError where not all is known of what was changed.
        """
        config = self.run(run_id).config
        try:
            recipe = self._recipe(run_id)
            if recipe.final_config == config:
                return recipe
        except SettingError:
            pass
        raise DamagedStoreError(
            f"not all is known of what was changed in run {run_id} while it learned, as in runs of older versions: it "
            f"cannot be repeated exactly. What it learned can be looked at and saved."
        )

    def _recipe(self, run_id: int) -> Recipe:
        """What is known of its recipe."""
        run = self.run(run_id)
        return recipe_of(run.began_with, run.weights, self.happenings(run_id), run.corrections)

    def fork(
        self,
        run_id: int,
        step: int,
        changes: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        pause: bool = False,
    ) -> int:
        """Put a run in line that goes on from another one's moment, after `step` corrections, with other settings.

        It is another run: its parent stays as it is. Whatever was trained between the nearest checkpoint
        and the step is trained again, to the same bits. With nothing changed it goes on as its parent did,
        to the same end; with `pause`, it waits at the step for orders. Raises
        StoreError where the parent has not come so far, and SettingError for a change that cannot be.
        """
        with self._database.writing():
            run, changes = self.run(run_id), check_changes(changes or {})
            reached = self._reached(run_id)
            if not 0 <= step <= reached:
                raise StoreError(
                    f"the step is {step:,}: it must be from 0 to {reached:,}, so many corrections has run {run_id}."
                )
            whole = self.recipe(run_id)
            recipe = whole.until(step)
            for setting, value in changes.items():
                if value != getattr(recipe.final_config, setting):
                    recipe = recipe.with_event(step, setting, value)
            if not changes and not pause:
                recipe = whole
            require_epochs(recipe.final_config.epochs, self._epoch_at(run_id, step), " by then")
            self._require_place_in_line()
            name = name or f"{run.name.partition(', from run')[0]}, from run {run_id}"
            fork = self._insert_run(recipe, name, run.data_directory, parent=run_id, parent_step=step)
            kept = next(self.whole_checkpoints(run_id, step), None)
            if kept is None and run.weights is not None:
                raise DamagedStoreError(f"the network that run {run_id} began with is damaged: bring it in once more.")
            if kept is not None:
                self._copy_beginning(run_id, fork, *kept)
            if pause:
                self._insert_order(fork, "pause", step)
            self._put_in_line(fork)
            return fork

    def adopt(self, kept: KeptRun) -> int:
        """Take in a run that was kept elsewhere, whole; its number here."""
        n_bytes = sum(parameters.nbytes for _, parameters in kept.snapshots)
        self._database.require_room(n_bytes + sum(len(state) for _, state in kept.checkpoints))
        with self._database.writing():
            now = recipe_of(kept.began_with, kept.weights, kept.happenings).final_config.to_json()
            said = {"now": now, "state": kept.state, "message": kept.message, "weights": kept.weights}
            said |= {"corrections": kept.corrections}
            run_id = self._insert_run(kept.began_with, kept.name, None, **said)
            for each in kept.happenings:
                self._insert_event(run_id, each.step, each.name, each.value)
            for record in kept.records:
                self._insert("records", run_id, record.epoch, json.dumps(asdict(record)))
            for point in kept.progress:
                self._insert("progress", run_id, point.step, json.dumps(asdict(point)))
            for moment, parameters in kept.snapshots:
                self._insert_snapshot(run_id, moment, parameters, ())
            for moment, state in kept.checkpoints:
                self._insert_checkpoint(run_id, moment.step, moment.epoch, state)
        return run_id

    def _copy_beginning(self, parent: int, fork: int, moment: Snapshot, checkpoint: bytes) -> None:
        """Let a fork have what its parent left up to a checkpoint, which it goes on from."""
        upper = {"records": ("epoch", int(moment.epoch)), "progress": ("step", moment.step)}
        for table, (column, most) in {**upper, "snapshots": upper["progress"]}.items():
            rows = self._connection.execute(f"SELECT * FROM {table} WHERE run = ? AND {column} <= ?", (parent, most))
            for *values, checked in rows.fetchall():
                if checksum(*values) == checked:
                    self._insert(table, fork, *values[1:])
        self._insert_checkpoint(fork, moment.step, moment.epoch, checkpoint)

    def step_of(self, run_id: int, epoch: int | None) -> int:
        """How many corrections a run had made at the end of an epoch; StoreError for one that it has not done."""
        steps = {0: 0} | {record.epoch: record.step for record in self.records(run_id)}
        self.run(run_id)
        if epoch not in steps:
            raise StoreError(f"epoch is {shown(epoch)}: run {run_id} has done those from 0 to {max(steps)}.")
        return steps[epoch]

    def _reached(self, run_id: int) -> int:
        """How many corrections a run has made, as far as its records tell."""
        newest = (self.records(run_id), self.progress(run_id), self.checkpoints(run_id))
        return max((points[-1].step for points in newest if points), default=0)

    def _epoch_at(self, run_id: int, step: int) -> int:
        """How many epochs have begun once so many corrections are made."""
        return sum(record.step < step for record in self.records(run_id)) + (step > 0)

    def _insert_event(self, run_id: int, step: int, name: str, value: Any) -> None:
        (number,) = self._connection.execute(
            "SELECT 1 + coalesce(max(number), 0) FROM events WHERE run = ?", (run_id,)
        ).fetchone()
        self._insert("events", run_id, number, step, name, json.dumps(value))

    # ---- orders to a run

    def send(self, run_id: int, order: str, value: Any = None) -> None:
        """Give a run one of ORDERS, and with it a value where it takes one.

        Raises StoreError for a run that nothing is at work on, SettingError for a value outside the limits.
        """
        value = check_order(order, value)
        with self._changing(run_id):
            run = self.run(run_id)
            if not run.active:
                raise StoreError(f"run {run_id} is {run.state}: it takes no more orders.")
            if order == "epochs":
                require_epochs(value, self._epoch_at(run_id, self._reached(run_id)))
            (taken,) = self._row(run_id, "taken")
            state = {"pause": "paused", "resume": "queued", "stop": "stopped"}.get(order)
            if taken or run.state == "running" or state is None:
                self._insert_order(run_id, order, value)
            else:
                # no process has it yet that could obey
                self._update(run_id, state=state)

    def _insert_order(self, run_id: int, order: str, value: Any) -> None:
        text = json.dumps(value)
        self._connection.execute(
            "INSERT INTO orders (run, name, value, checksum) VALUES (?, ?, ?, ?)",
            (run_id, order, text, checksum(run_id, order, text)),
        )

    def orders(self, run_id: int) -> list[Order]:
        """The orders that wait for a run, oldest first: they stay until they take effect."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT * FROM orders WHERE run = ? ORDER BY id", (run_id,)).fetchall()
        found = []
        for number, *values, checked in rows:
            with suppress(*DAMAGE):
                require_sound(values, checked)
                found.append(Order(number, values[1], check_order(values[1], json.loads(values[2]))))
        return found

    def drop_order(self, run_id: int, order: Order) -> None:
        """Forget an order that has nothing to change."""
        with self._changing(run_id):
            self._connection.execute("DELETE FROM orders WHERE id = ?", (order.number,))


def _moments(rows: Iterable[tuple]) -> list[Snapshot]:
    found = []
    for step, epoch in rows:
        with suppress(*DAMAGE):
            found.append(read_moment(step, epoch))
    return found


def _still_active(run_id: int, state: str) -> StoreError:
    return StoreError(f"run {run_id} is {state}: stop it before you delete it.")


def _lives(machine: Any, process_id: Any, started: Any, sign: Any) -> bool:
    try:
        return Process(machine, process_id, started).lives(sign)
    except (TypeError, AttributeError):  # damaged
        return False
