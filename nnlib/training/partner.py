"""A second process at the same work: both see the same arrays, and each does its half of every step.

Two threads would take turns instead: between two numpy calls Python lets only one of them on, and a
step has some eighty calls of a few microseconds each. Two processes never wait for that lock; they
meet by watching a number in shared memory, which takes less than a microsecond.
"""

import mmap
import os
import platform
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NoReturn

import numpy as np

from nnlib.errors import PartnerLostError

# A fork shares every array for nothing, and x86 alone shows one process's writes to another in the
# order in which they were made.
POSSIBLE = sys.platform == "linux" and platform.machine() == "x86_64" and len(os.sched_getaffinity(0)) > 1

_SPINS = 2000  # looks at the number before the processor is offered to others: about 0.1 milliseconds
_REST = -1
_MEASURE_SECONDS = 0.2  # of work, before anything is said of its speed
_ALONE_SECONDS = 5.0  # before a partner is tried again

Task = Callable[[], None]


def shared_zeros(n: int, dtype: type[np.generic] = np.float32) -> np.ndarray:
    """Zeros, (n,), in memory that a process forked from this one sees and writes too."""
    return np.frombuffer(mmap.mmap(-1, max(1, n) * np.dtype(dtype).itemsize), dtype, n)


class Partner:
    """A process, forked from this one, that does the given tasks when asked.

        partner.wake()
        partner.ask(0)   # begins tasks[0], there
        ...              # the caller does its own part
        partner.wait()   # until that is done
        partner.rest()   # it sleeps until woken again

    All that the tasks read or write must lie in `shared_zeros`; whatever else they hold is a copy, as
    it was at the fork. It ends with `dismiss`, or with this process, however that ends.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        # far apart, so that neither process's writing slows the other's watching
        self._asked, self._task, self._done = (shared_zeros(1, np.int64).data for _ in range(3))
        self._parent = os.getpid()
        self._bell, self._rope = os.pipe()
        with warnings.catch_warnings():
            # "use of fork() may lead to deadlocks": numpy's own threads are at rest, and rebuilt when needed
            warnings.simplefilter("ignore", DeprecationWarning)
            try:
                self._pid = os.fork()
            except OSError:
                os.close(self._bell)
                os.close(self._rope)
                raise
        if self._pid == 0:
            self._serve()
        os.close(self._bell)

    def wake(self) -> None:
        """Let it watch for tasks; it then keeps a processor busy."""
        with suppress(BrokenPipeError):  # `wait` says so
            os.write(self._rope, b"!")

    def rest(self) -> None:
        """Let it sleep."""
        self.ask(_REST)
        self.wait()

    def ask(self, task: int) -> None:
        """Begin a task, by its place among the tasks; returns at once."""
        self._task[0] = task
        self._asked[0] += 1

    def wait(self) -> None:
        """Return once the task is done; PartnerLostError where the process is gone."""
        self._watch(self._done, self._asked[0], self._require_partner)

    def dismiss(self) -> None:
        """End the process, whatever it is doing."""
        os.close(self._rope)
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)

    def _watch(self, number: memoryview, wanted: int, check: Callable[[], None]) -> None:
        for _ in range(_SPINS):
            if number[0] >= wanted:
                return
        while number[0] < wanted:
            check()
            os.sched_yield()

    def _require_partner(self) -> None:
        if self._pid and os.waitpid(self._pid, os.WNOHANG) != (0, 0):
            self._pid = 0
        if not self._pid:
            raise PartnerLostError(
                "the second process of this training ended, as when memory runs out: "
                "what it had learned since its last checkpoint is lost; resume it from there."
            )

    def _require_parent(self) -> None:
        if os.getppid() != self._parent:
            os._exit(0)

    def _serve(self) -> NoReturn:
        """The life of the forked process."""
        try:
            # Ctrl-C is for the parent, which ends this process when it is ready to
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.close(self._rope)  # so that the parent's end is the end of the pipe
            while os.read(self._bell, 1):
                self._do_tasks()
        finally:
            os._exit(0)  # nothing of the parent's is to be tidied up twice

    def _do_tasks(self) -> None:
        while True:
            wanted = self._done[0] + 1
            self._watch(self._asked, wanted, self._require_parent)
            task = self._task[0]
            if task != _REST:
                self._tasks[task]()
            self._done[0] = wanted
            if task == _REST:
                return


class Helper:
    """Does the given tasks while the caller does others: in a partner's process wherever that is faster.

        with helper.at_work():
            helper.ask(0)   # begins tasks[0]
            ...             # the caller does its own part
            helper.wait()   # until that is done

    Without a partner, a task is done when it is asked for. A partner is sought once the work has gone
    on for a while, and dismissed where less is done with it than without, since others need the
    processors too; it is then sought again a little later.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        self._partner: Partner | None = None
        self._asked, self._seconds = 0, 0.0  # in the stretch that is being measured
        self._rate_alone = 0.0  # tasks a second, when last measured
        self._alone_until = 0.0
        self._slower = 0  # stretches in a row: once is nothing, and the first with a partner warms up

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """A stretch of work; outside, a partner sleeps."""
        if self._partner is not None:
            self._partner.wake()
        began = time.perf_counter()
        yield
        self._seconds += time.perf_counter() - began
        if self._partner is not None:
            self._partner.rest()
        if self._seconds > _MEASURE_SECONDS:
            self._choose(self._asked / self._seconds)
            self._asked, self._seconds = 0, 0.0

    def _choose(self, rate: float) -> None:
        """With a partner or without: whichever does more tasks a second."""
        if self._partner is None:
            self._rate_alone = rate
            if POSSIBLE and time.perf_counter() > self._alone_until:
                self._slower = 0
                self._alone_until = time.perf_counter() + _ALONE_SECONDS
                with suppress(OSError):  # no room for another process
                    self._partner = Partner(self._tasks)
            return
        self._slower = self._slower + 1 if rate < self._rate_alone else 0
        if self._slower == 2:
            self.dismiss()
            self._alone_until = time.perf_counter() + _ALONE_SECONDS

    def ask(self, task: int) -> None:
        """Begin a task, by its place among the tasks."""
        self._asked += 1
        if self._partner is None:
            self._tasks[task]()
        else:
            self._partner.ask(task)

    def wait(self) -> None:
        """Return once the task is done; PartnerLostError where its process is gone."""
        if self._partner is not None:
            self._partner.wait()

    def dismiss(self) -> None:
        """End the partner, whatever it is doing."""
        if self._partner is not None:
            self._partner.dismiss()
            self._partner = None
