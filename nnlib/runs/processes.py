"""Processes, told apart whatever the clock is set to, and asked for signs of life, from other containers too."""

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import psutil

UNSEEN_SECONDS = 60  # without a sign, and a process that cannot be seen from here counts as gone


@dataclass(frozen=True)
class Process:
    """A process, as no other one is ever called again.

    `machine` says where `id` means something: in which boot, and in which namespace of processes, such
    as a container's. `started` counts from the boot on Linux, in clock ticks: so a clock that is set
    changes nothing.
    """

    machine: str
    id: int
    started: float

    def lives(self, sign: float) -> bool:
        """Whether it is there, and no zombie; where it cannot be seen, whether its last `sign` is fresh.

        `sign` is in the seconds of `time.monotonic`, which all processes since a boot share.
        """
        if self.machine == this_machine():
            return _started(self.id) == self.started
        # SQLite's log is shared through memory: who uses the same store runs on the same machine
        return _boot(self.machine) == _boot(this_machine()) and time.monotonic() - sign < UNSEEN_SECONDS

    @property
    def suspended(self) -> bool:
        """Whether it is held, as by Ctrl+Z, until somebody lets it go on; of one that cannot be seen, False."""
        if self.machine == this_machine():
            with suppress(psutil.Error):  # it may just have ended
                return psutil.Process(self.id).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
        return False


def identify(process_id: int) -> Process:
    """The process of this id, which may have ended already."""
    started = _started(process_id, dead_too=True)
    return Process(this_machine(), process_id, -1.0 if started is None else started)


def this_process() -> Process:
    """The process that asks."""
    return identify(os.getpid())


@lru_cache
def this_machine() -> str:
    """Where the process ids mean something that this process sees."""
    if sys.platform != "linux":
        return sys.platform
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot} {Path('/proc/self/ns/pid').readlink()}"


def _boot(machine: str) -> str:
    return machine.partition(" ")[0]


def _started(process_id: int, dead_too: bool = False) -> float | None:
    """When it started; None for one that is not there, or a zombie."""
    try:
        if sys.platform != "linux":
            process = psutil.Process(process_id)
            return None if process.status() == psutil.STATUS_ZOMBIE and not dead_too else process.create_time()
        # psutil's own number is in seconds since 1970, and moves with the clock. The name before the last
        # bracket can hold anything; then come the state, and nineteen numbers on, field 22: see proc(5)
        fields = Path(f"/proc/{process_id}/stat").read_bytes().rpartition(b")")[2].split()
        return None if fields[0] in b"ZX" and not dead_too else float(fields[19])
    except (OSError, psutil.Error, LookupError, ValueError, OverflowError):
        return None
