"""Jobs: a command of ours at work in a process of its own, whose lines of JSON a page follows.

In the process of the pages, long work would be in everybody's way. A job belongs to one visitor, whose next
one ends it; and it ends with the server, at the first line that nobody is there to read.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psutil

from nnlib.errors import NnlibError

MOST_JOBS = 2  # at once: each keeps a processor or two busy, beside what trains
MOST_SAID = 2_000  # letters
COMMAND = (sys.executable, "-m", "nnlib")

_jobs: dict[str, "Job"] = {}  # of each visitor
_lock = threading.Lock()


class JobError(NnlibError):
    """A job that could not be started; trying again later may help."""


class Job:
    """One command at work. `lines` is what it has told so far, each line of JSON as what it stands for."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words, self.lines = tuple(words), list[Any]()
        self._said = ""  # all that is no JSON
        self._cancelled = False
        try:
            # a session of its own: Ctrl-C in the terminal is for the server
            self._process = subprocess.Popen(
                [*COMMAND, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise JobError(f"no process could be started for it ({error.strerror}): try again.") from error
        with suppress(psutil.Error):  # it may have failed at once; pages come first, as before runs
            process = psutil.Process(self._process.pid)
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 5)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def ended(self) -> bool:
        """Whether `lines` is all that there will be."""
        return not self._reader.is_alive()

    @property
    def problem(self) -> str | None:
        """The sentence with which it failed, once it has ended; None where it did what it should, or was cancelled."""
        if not self.ended or self._cancelled or not self._process.returncode:
            return None
        # what is more than a sentence is a traceback
        return self._said if len(self._said.splitlines()) == 1 else "the work ended before it was done: try again."

    def cancel(self) -> None:
        """End it now."""
        self._cancelled = True
        self._process.terminate()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as told:
            for line in told:
                try:
                    self.lines.append(json.loads(line))
                except ValueError:
                    self._said = (self._said + line.decode(errors="replace"))[-MOST_SAID:]
        self._process.wait()


def start(visitor: str, words: Sequence[str]) -> Job:
    """Let `python -m nnlib` do what these words say, for this visitor, whose last job ends.

    Raises JobError where too many are at work already.
    """
    with _lock:
        if visitor in _jobs:
            _jobs.pop(visitor).cancel()
        for other in [each for each, job in _jobs.items() if job.ended]:
            del _jobs[other]
        if len(_jobs) >= MOST_JOBS:
            raise JobError(
                f"{MOST_JOBS} such tests are at work for other visitors, as many as this server does at once: "
                f"try again in some seconds."
            )
        job = _jobs[visitor] = Job(words)
        return job
