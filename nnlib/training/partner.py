"""A second process at the same work: both see the same arrays, and each does its half of every step.

Two threads would take turns instead: between two numpy calls Python lets only one of them on, and a
step has some eighty calls of a few microseconds each. Two processes never wait for that lock; they
meet by watching a number in shared memory, which takes less than a microsecond.

The second process is a fresh interpreter. A fork would see all arrays for nothing, but does not
return where another thread multiplies matrices: it waits for a lock that the other holds.
"""

import json
import math
import mmap
import os
import platform
import select
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from nnlib.errors import PartnerLostError

# It takes memory that is a file without a name (macOS would need a temporary file, Windows memory with
# a name), and a processor that shows one process's writes to another in the order in which they were
# made (ARM would need a barrier before each number that is written, which Python does not have).
POSSIBLE = hasattr(os, "memfd_create") and platform.machine() == "x86_64" and len(os.sched_getaffinity(0)) > 1

PROCESSES = "NNLIB_PROCESSES"  # set to 1, a training keeps to one: where many share few cores, two each are slower

Task = Callable[[], object]
Shapes = Mapping[str, tuple[Sequence[int], str]]

_ALIGNMENT = 128  # bytes: processors fetch two neighbouring cache lines at once
_SPINS = 2000  # looks at a number before the processor is left to others: about 0.1 milliseconds
_LOOK_SECONDS = 1.0  # between two looks of a sleeping partner after its parent
_MEASURE_SECONDS = 0.2  # of work, before anything is said of its speed
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 2.0, 16.0  # before it is tried again how fast the other way is
_FALL = 0.6  # of its usual speed: something has changed

# what stands where among the numbers; far apart, so that neither process's writing slows the other's watching
_READY, _ASKED, _DONE, _TASKS, _NUMBERS = 0, 16, 32, 48, 64
_QUEUE = 4  # tasks that may be asked for before the first of them is done
_REST = -1


class SharedMemory:
    """Arrays of zeros that another process can see and write too; gone once both are done with it.

    `shapes` says each one's shape and the name of its dtype, `file` is the descriptor that the other
    process has to be given; None where there can be none.
    """

    def __init__(self, shapes: Shapes, file: int | None = None) -> None:
        self.shapes = self._with_numbers(shapes)
        places, end = {}, 0
        for name, (shape, dtype) in self.shapes.items():
            places[name] = end
            end += math.ceil(math.prod(shape) * np.dtype(dtype).itemsize / _ALIGNMENT) * _ALIGNMENT
        if file is None and POSSIBLE:
            with suppress(OSError):  # it is not allowed here, or no descriptor is left
                file = os.memfd_create("nnlib")
                os.ftruncate(file, end)
        memory = mmap.mmap(-1 if file is None else file, end)
        if file is not None:
            weakref.finalize(self, os.close, file)
        self.file = file
        self._arrays = {
            name: np.frombuffer(memory, dtype, math.prod(shape), places[name]).reshape(shape)
            for name, (shape, dtype) in self.shapes.items()
        }

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def has_shapes(self, shapes: Shapes) -> bool:
        """Whether its arrays are these."""
        return self.shapes == self._with_numbers(shapes)

    @staticmethod
    def _with_numbers(shapes: Shapes) -> Shapes:
        return {"numbers": ((_NUMBERS,), "int64"), **shapes}


class Partner:
    """A process that does tasks when asked: whatever `python -m module` gives to `serve`, for the job it is told.

        partner = Partner("nnlib.training", {"config": ...}, memory)
        while not partner.ready: ...
        partner.wake()
        partner.ask(0)   # begins tasks[0], there; up to four tasks may be asked for at once
        ...              # the caller does its own part
        partner.wait()   # until all that was asked for is done
        partner.rest()   # it sleeps until woken again

    `job` is what JSON can say; whatever else both need lies in `memory`. The process ends with
    `dismiss`, or with this one, however that ends. Raises OSError where there can be none.
    """

    def __init__(self, module: str, job: Mapping[str, Any], memory: SharedMemory) -> None:
        if memory.file is None:
            raise OSError("this memory is for one process")
        self._numbers = memory["numbers"].data
        memory["numbers"][:] = 0
        self._asked = 0
        told = json.dumps([job, memory.shapes, memory.file, os.getpid()])
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, told],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[memory.file],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            # Ctrl-C is for the parent, which ends this process when it is ready to
            process_group=0,
        )

    @property
    def ready(self) -> bool:
        """Whether it has come so far that it can do tasks."""
        return bool(self._numbers[_READY])

    @property
    def gone(self) -> bool:
        """Whether its process has ended."""
        return self._process.poll() is not None

    def wake(self) -> None:
        """Let it watch for tasks; it then keeps a processor busy."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # `wait` says so
            self._process.stdin.write(b"!")

    def rest(self) -> None:
        """Let it do what it was asked for, and sleep."""
        self.ask(_REST)
        self.wait()

    def ask(self, task: int) -> None:
        """Begin a task, by its place among the tasks, once those before it are done; returns at once."""
        self._numbers[_TASKS + self._asked % _QUEUE] = task
        self._asked += 1
        self._numbers[_ASKED] = self._asked

    def wait(self) -> None:
        """Return once all is done; PartnerLostError where the process is gone."""
        _watch(self._numbers, _DONE, self._asked, self._require_partner)

    def dismiss(self) -> None:
        """End the process, whatever it is doing."""
        assert self._process.stdin is not None
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()

    def _require_partner(self) -> None:
        if self.gone:
            raise PartnerLostError(
                "the second process of this training ended, as when memory runs out: "
                "what it had learned since its last checkpoint is lost; resume it from there."
            )


def serve(prepare: Callable[[Any, SharedMemory], Sequence[Task]]) -> None:
    """The life of a partner: do the tasks that its parent asks for, which `prepare` makes, until that is gone."""
    job, shapes, file, parent = json.loads(sys.argv[1])
    memory = SharedMemory(shapes, file)
    tasks = prepare(job, memory)
    numbers, done = memory["numbers"].data, 0
    numbers[_READY] = 1

    def require_parent() -> None:
        if os.getppid() != parent:
            sys.exit()

    while _woken(require_parent):
        task = 0
        while task != _REST:
            _watch(numbers, _ASKED, done + 1, require_parent)
            task = numbers[_TASKS + done % _QUEUE]
            if task != _REST:
                tasks[task]()
            done += 1
            numbers[_DONE] = done


def _woken(require_parent: Callable[[], None]) -> bool:
    """Sleep until the parent calls; False once it is gone."""
    while not select.select([0], [], [], _LOOK_SECONDS)[0]:
        require_parent()  # another of its children may hold its end of the pipe
    return bool(os.read(0, 1))


def _watch(numbers: memoryview, place: int, wanted: int, check: Callable[[], None]) -> None:
    for _ in range(_SPINS):
        if numbers[place] >= wanted:
            return
    while numbers[place] < wanted:
        check()
        os.sched_yield()


class Helper:
    """Does the given tasks while the caller does others: in a partner's process wherever that is faster.

        with helper.at_work():
            helper.ask(0)   # begins tasks[0]
            ...             # the caller does its own part
            helper.wait()   # until that is done

    Without a partner, a task is done when it is asked for. A partner is engaged, by `engage`, once the
    work has gone on for a while, and takes part as soon as it has come. But where others need the
    processors too, two processes that wait for each other get less done than one. So now and then,
    and whenever the work slows down, the other way is tried for a moment, and the faster one taken.
    """

    def __init__(self, tasks: Sequence[Task], engage: Callable[[], Partner]) -> None:
        self._tasks, self._engage = tasks, engage
        self._partner: Partner | None = None  # once it is engaged
        self._at_work: Partner | None = None  # while it takes part
        self._asked, self._seconds = 0, 0.0  # in the stretch that is being measured
        self._worked = 0.0  # seconds in all, the clock by which trials are made: a pause brings none nearer
        self._rates = {False: 0.0, True: 0.0}  # tasks a second when last measured: alone, and together
        self._trying = False  # whether this is a trial of the way that was not chosen
        self._next_trial, self._pause = 0.0, _FIRST_PAUSE_SECONDS

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """A stretch of work; outside, a partner sleeps."""
        if self._partner is not None and self._partner.gone:
            self.dismiss()
            self._next_trial = self._worked + _LONGEST_PAUSE_SECONDS
        if self._at_work is not None:
            self._at_work.wake()
        began = time.perf_counter()
        yield
        if self._at_work is not None:
            self._at_work.rest()
        seconds = time.perf_counter() - began
        self._seconds += seconds
        self._worked += seconds
        if self._seconds > _MEASURE_SECONDS:
            self._choose(self._asked / self._seconds, self._worked)
            self._asked, self._seconds = 0, 0.0

    def _choose(self, rate: float, now: float) -> None:
        """With the partner or without: whichever does more tasks a second."""
        if self._partner is None:
            if POSSIBLE and os.environ.get(PROCESSES) != "1" and now >= self._next_trial:
                with suppress(OSError):  # no room for another process
                    self._partner = self._engage()
            return
        if not self._partner.ready:
            self._next_trial = now + 2 * _MEASURE_SECONDS  # what is measured while it comes says nothing
            return
        together = self._at_work is not None
        if self._trying:
            change = rate < self._rates[not together]  # back to how it was
            self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS) if change else _FIRST_PAUSE_SECONDS
            self._next_trial = now + self._pause
            self._trying = False
        else:
            change = self._trying = now >= self._next_trial or rate < _FALL * self._rates[together]
        self._rates[together] = rate
        if change:
            self._at_work = None if together else self._partner

    def ask(self, task: int) -> None:
        """Begin a task, by its place among the tasks."""
        self._asked += 1
        if self._at_work is None:
            self._tasks[task]()
        else:
            self._at_work.ask(task)

    def wait(self) -> None:
        """Return once all tasks are done; PartnerLostError where their process is gone."""
        if self._at_work is not None:
            self._at_work.wait()

    def dismiss(self) -> None:
        """End the partner, whatever it is doing."""
        if self._partner is not None:
            self._partner.dismiss()
        self._partner = self._at_work = None
        self._trying = False
