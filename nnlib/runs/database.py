"""The file that the store is in: one SQLite database, opened, brought up to date and kept from filling the disk.

Its write-ahead log lets many read while one writes, and keeps what was committed whatever is killed.
"""

import json
import os
import shutil
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nnlib.errors import DamagedStoreError, SettingError, StoreBusyError, StoreError, StoreFullError, StoreGoneError
from nnlib.training import TrainingConfig

BUSY_SECONDS = 10  # that a change waits for others to finish theirs
RESERVE_BYTES = 32 * 2**20  # kept free on the disk, so that there is room to say that there is none
SPARE_BYTES = 4 * 2**20  # in a file beside the store: given up where not even a deletion has room
LOG_BYTES = 4 * 2**20  # that SQLite's log keeps once it is empty
MOST_PROGRESS_POINTS = 600  # of a run: more than a screen has pixels to tell apart
PAGES_AT_ONCE = 2000  # given back to the disk, before others may write again

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
    ALTER TABLE runs ADD COLUMN machine TEXT NOT NULL DEFAULT '';
    ALTER TABLE runs ADD COLUMN sign REAL NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE runs ADD COLUMN taken INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE runs ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
    UPDATE runs SET checksum = checksum(id, name, config, learning_rate, data_directory, created, state, message);
    CREATE INDEX runs_by_state ON runs (state);

    ALTER TABLE snapshots RENAME TO snapshots_of_epochs;
    CREATE TABLE snapshots (
        run INTEGER, step INTEGER, epoch REAL NOT NULL, parameters BLOB NOT NULL, checksum INTEGER NOT NULL,
        PRIMARY KEY (run, step)
    );
    INSERT OR IGNORE INTO snapshots SELECT run, step, epoch, parameters, checksum(run, step, epoch, parameters) FROM (
        SELECT run, step_after(epoch, (SELECT config FROM runs WHERE id = run)) AS step,
            CAST(epoch AS REAL) AS epoch, parameters FROM snapshots_of_epochs
    );
    DROP TABLE snapshots_of_epochs;

    ALTER TABLE records ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
    UPDATE records SET checksum = checksum(run, epoch, record);
    DELETE FROM progress WHERE (run, step) NOT IN (
        SELECT run, max(step) FROM progress JOIN (
            SELECT run AS thinned, spacing(max(step)) AS steps FROM progress GROUP BY run
        ) ON thinned = run GROUP BY run, step / steps
    );
    ALTER TABLE progress ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
    UPDATE progress SET checksum = checksum(run, step, progress);
    ALTER TABLE checkpoints ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
    UPDATE checkpoints SET checksum = checksum(run, step, state);
    ALTER TABLE orders ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
    UPDATE orders SET checksum = checksum(run, name, value);
    """,
    # a run is its recipe: `config` is what it began with, `now` what the events have made of it
    """
    ALTER TABLE runs ADD COLUMN now TEXT NOT NULL DEFAULT '';
    UPDATE runs SET now = with_rate(config, learning_rate);
    ALTER TABLE runs ADD COLUMN parent INTEGER;
    ALTER TABLE runs ADD COLUMN parent_step INTEGER;
    ALTER TABLE runs ADD COLUMN weights TEXT;
    ALTER TABLE runs ADD COLUMN race INTEGER;
    ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT '';
    ALTER TABLE runs ADD COLUMN tags TEXT NOT NULL DEFAULT '';
    UPDATE runs SET checksum = -1
        WHERE checksum != checksum(id, name, config, learning_rate, data_directory, created, state, message);
    UPDATE runs SET message = 'it was begun by an earlier version: resumed, it learns everything from its beginning.'
        WHERE state IN ('stopped', 'interrupted', 'failed', 'running', 'paused', 'queued');
    UPDATE runs SET checksum = CASE
        WHEN checksum != -1
        THEN checksum(id, name, config, now, data_directory, created, state, message, parent, parent_step, weights,
            race, note, tags)
        ELSE -1 END;
    ALTER TABLE runs DROP COLUMN learning_rate;

    CREATE TABLE events (
        run INTEGER, number INTEGER, step INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
        checksum INTEGER NOT NULL, PRIMARY KEY (run, number)
    ) WITHOUT ROWID;

    -- those of before cannot be continued
    DROP TABLE checkpoints;
    CREATE TABLE checkpoints (
        run INTEGER, step INTEGER, epoch REAL NOT NULL, state BLOB NOT NULL, checksum INTEGER NOT NULL,
        PRIMARY KEY (run, step)
    );

    ALTER TABLE orders RENAME TO orders_of_numbers;
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
        checksum INTEGER NOT NULL
    );
    INSERT INTO orders SELECT id, run, name, text, checksum(run, name, text) FROM (
        SELECT id, run, name, as_json(value) AS text FROM orders_of_numbers WHERE checksum = checksum(run, name, value)
    );
    DROP TABLE orders_of_numbers;
    """,
    # a run may learn from corrected digits besides: which ones is part of its recipe
    """
    ALTER TABLE runs ADD COLUMN corrections TEXT;
    UPDATE runs SET checksum = CASE
        WHEN checksum = checksum(id, name, config, now, data_directory, created, state, message, parent, parent_step,
            weights, race, note, tags)
        THEN checksum(id, name, config, now, data_directory, created, state, message, parent, parent_step, weights,
            race, note, tags, corrections)
        ELSE -1 END;
    CREATE TABLE corrections (
        id INTEGER PRIMARY KEY AUTOINCREMENT, label INTEGER NOT NULL, answer INTEGER, created REAL NOT NULL,
        pixels BLOB NOT NULL, checksum INTEGER NOT NULL
    );
    """,
    # what people said of doubtful labels
    """
    CREATE TABLE verdicts (
        picture TEXT PRIMARY KEY, label INTEGER, created REAL NOT NULL, checksum INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
)


def checksum(*values: Any) -> int:
    """What the values of a row come to: one bit of them changed, and it is another number."""
    *first, last = values
    if isinstance(last, bytes):
        return zlib.crc32(last, checksum(*first))
    try:
        return zlib.crc32(json.dumps(values).encode())
    except TypeError:  # a damaged row may hold anything; it has no checksum that is right
        return -1


def spacing(step: Any) -> int:
    """Of how many steps one point within the epochs is kept, once a run has come to `step`.

    So there are never more than MOST_PROGRESS_POINTS, from the first step on evenly spread.
    """
    halves = 2 * step // MOST_PROGRESS_POINTS if isinstance(step, int) else 0
    return 2 ** max(0, halves.bit_length() - 1)


class Database:
    """The file, for many threads of this process; others have it open too.

    It is opened anew where another file, or none, has taken its place, unless `pinned`: then that is
    a StoreGoneError, since what was begun in one file must not go on in another. Errors of SQLite
    are raised as StoreError, with a sentence.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pinned = False
        self._lock = threading.RLock()
        self._changes = 0  # by connections that were closed since
        self._open()

    @property
    def connection(self) -> sqlite3.Connection:
        """SQLite's own; transactions on it are begun by hand."""
        return self._connection

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def version(self) -> tuple[int, int]:
        """Changes whenever anybody changed anything."""
        with self.reading() as connection:
            version = connection.execute("PRAGMA data_version").fetchone()[0]
            return version, self._changes + connection.total_changes

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read from; nobody is held up by that."""
        with self._lock, self._sentences():
            self._follow_file()
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection to write to, in one transaction: all or nothing."""
        with self._lock, self._sentences():
            self._follow_file()
            # IMMEDIATE: wait for one's turn before reading what the change depends on
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    # ---- opening

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the folder {self.path.parent} cannot be made ({error.strerror}): set NNLIB_HOME to another one."
            ) from error
        try:
            self._connect()
        except StoreFullError:
            # to delete something, it must be open
            self.give_up_spare()
            self._connect()
        self._keep_spare()

    def _connect(self) -> None:
        self._require_no_log_without_store()
        with self._sentences():
            # sqlite3's own transactions begin too late to be safe between processes
            connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(connection)
            except BaseException as error:
                connection.close()
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR):
                    raise self._no_store(str(error)) from error
                raise
        self._connection = connection
        self.file = self._found_file()

    def _require_no_log_without_store(self) -> None:
        """Make sure that SQLite does not take an emptied file for a new one, and throw away what its log holds."""
        log = self.path.with_name(f"{self.path.name}-wal")
        if self.path.is_file() and self.path.stat().st_size == 0 and log.is_file() and log.stat().st_size:
            raise self._no_store(f"it is empty, and its log {log.name} is not")

    def _prepare(self, connection: sqlite3.Connection) -> None:
        deadline = time.monotonic() + BUSY_SECONDS
        # a store that is as it should be is only read here
        while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            try:
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                # for this change, SQLite does not wait by itself
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = OFF")  # with it, as some have it, a deletion writes zeros over all
        connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        if self._version_of(connection) != len(MIGRATIONS):
            self._migrate(connection)

    def _migrate(self, connection: sqlite3.Connection) -> None:
        connection.create_function("checksum", -1, checksum, deterministic=True)
        connection.create_function("step_after", 2, _step_after, deterministic=True)
        connection.create_function("spacing", 1, spacing, deterministic=True)
        connection.create_function("as_json", 1, json.dumps, deterministic=True)
        connection.create_function("with_rate", 2, _with_rate, deterministic=True)
        connection.execute("BEGIN IMMEDIATE")
        try:
            for script in MIGRATIONS[self._version_of(connection) :]:
                for statement in script.split(";"):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("PRAGMA incremental_vacuum").fetchall()

    def _version_of(self, connection: sqlite3.Connection) -> int:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise StoreError(f"{self.path} was made by a newer version of this program: update, or set NNLIB_HOME.")
        return version

    def _found_file(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _follow_file(self) -> None:
        """Make sure that the connection is to the file that has the name."""
        if self._connection.in_transaction or self._found_file() == self.file:
            return
        if self.pinned:
            raise StoreGoneError(
                f"the store {self.path} is gone: it was deleted or moved while it was in use. What it kept is where "
                f"it is now; a training that it had can be resumed there."
            )
        with suppress(sqlite3.ProgrammingError):  # it may have been closed
            self._changes += self._connection.total_changes + 1
        self._connection.close()
        self._open()

    # ---- room on the disk

    def require_room(self, n_bytes: int) -> None:
        """Raise StoreFullError where so much would leave less than a reserve; what was deleted here is room too."""
        with self.reading() as connection:
            size, empty = (
                connection.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_size", "freelist_count")
            )
        try:
            free = shutil.disk_usage(self.path.parent).free
        except OSError as error:
            raise StoreError(f"the folder {self.path.parent} is gone ({error.strerror}): start this again.") from error
        # all goes through the log first: for that the disk needs room in any case
        if free + size * empty < n_bytes + RESERVE_BYTES or free < n_bytes:
            raise StoreFullError(
                f"the disk with {self.path.parent} is full ({free / 2**20:.0f} MB left): make room, or delete old runs."
            )

    def used_bytes(self) -> int:
        """How much of the disk it takes, its log with it."""
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def give_back(self) -> None:
        """Let the disk have what was deleted, as far as nobody is in the way."""
        with suppress(StoreError):
            if self._pragma("auto_vacuum") == 0:
                self._make_shrinkable()
            empty = self._pragma("freelist_count")
            while empty:
                with self.reading() as connection:
                    connection.execute(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})").fetchall()
                left = self._pragma("freelist_count")
                if left >= empty:
                    break
                empty = left
            self._empty_log()
        self._keep_spare()

    def _make_shrinkable(self) -> None:
        """Rewrite a file of the first version so that it can shrink."""
        with self.reading() as connection:
            if shutil.disk_usage(self.path.parent).free > 2 * self.path.stat().st_size + RESERVE_BYTES:
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute("VACUUM")

    def _empty_log(self) -> None:
        with self.reading() as connection:
            connection.execute("PRAGMA busy_timeout = 100")  # who reads is not waited for: it is no loss
            try:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")

    def _pragma(self, name: str) -> int:
        with self.reading() as connection:
            return connection.execute(f"PRAGMA {name}").fetchone()[0]

    @property
    def _spare(self) -> Path:
        return self.path.with_name("runs.spare")

    def _keep_spare(self) -> None:
        with suppress(OSError):
            if not self._spare.exists() and shutil.disk_usage(self.path.parent).free > RESERVE_BYTES + SPARE_BYTES:
                self._spare.write_bytes(os.urandom(SPARE_BYTES))  # zeros, some disks store for nothing

    def give_up_spare(self) -> None:
        """Make a little room, for a deletion that makes more."""
        with suppress(OSError):
            self._spare.unlink(missing_ok=True)

    # ---- errors

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        """Turn SQLite's errors into ours."""
        try:
            yield
        # it quotes the file in its errors: where that is damaged, Python finds no text there
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._sentence(error) from error

    def _sentence(self, error: Exception) -> StoreError:
        code = getattr(error, "sqlite_errorcode", 0)
        reason = " ".join(str(error).split()).rstrip(".")
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE):
            return StoreFullError(f"the disk with {self.path.parent} is full: make room, or delete old runs.")
        match code & 0xFF:  # the kind of error; the other bits say more
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return StoreBusyError(
                    f"the store {self.path} is locked: another program has kept it to itself for more than "
                    f"{BUSY_SECONDS} seconds; close that one, or wait."
                )
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
                return StoreError(
                    f"the store {self.path} cannot be opened to write to it ({reason}): allow that for the file and "
                    f"its folder, or set NNLIB_HOME to another folder."
                )
            case sqlite3.SQLITE_CORRUPT:
                return DamagedStoreError(
                    f"a part of the store {self.path} is damaged ({reason}): the runs that can still be read are "
                    f"listed, and can be used and saved."
                )
            case sqlite3.SQLITE_NOTADB:
                return self._no_store(reason)
        return StoreError(f"the store {self.path} cannot be used ({reason}): close what uses it, and start this again.")

    def _no_store(self, reason: str) -> StoreError:
        return StoreError(
            f"{self.path} is no store, or damaged as a whole ({reason}): it is left as it is; to begin with an empty "
            f"one, move all files of this name to another folder, or set NNLIB_HOME."
        )


def _step_after(epoch: Any, config: Any) -> Any:
    """How many corrections so many epochs take; where the run is damaged, at least in their order."""
    try:
        return epoch * TrainingConfig.from_json(config).steps_per_epoch
    except (SettingError, TypeError, ValueError, RecursionError):
        return epoch


def _with_rate(config: Any, learning_rate: Any) -> Any:
    """The settings with another learning rate; where the run is damaged, as they are."""
    try:
        return TrainingConfig.from_json(config).with_changes(learning_rate=learning_rate).to_json()
    except (SettingError, TypeError, ValueError, RecursionError):
        return config
