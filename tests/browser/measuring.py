"""What measuring by hand needs: processor time, who used it, and a training to measure with."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from nnlib.runs import RunStore
from tests.browser.app import ROOT

SESSIONS = Path(__file__).with_name("sessions.py")
PATIENCE_SECONDS = 120  # for what a slow machine takes long for
POLL_SECONDS = 0.02


class Clock:
    """Seconds of processor time, by who used them, since it was made or last asked."""

    def __init__(self, **groups: Iterable[int]) -> None:
        """`groups` are named lists of process ids, each with all that it started."""
        self._groups = {name: list(process_ids) for name, process_ids in groups.items()}
        self._start = self._read()

    def read(self) -> dict[str, float]:
        """Processor seconds of each group, of `others` that are no children of this process, and `wall` seconds."""
        before, self._start = self._start, self._read()
        used = {name: self._start[name] - before[name] for name in before}
        others = used.pop("all") - used.pop("own")
        return {**used, "others": max(0.0, others)}

    def _read(self) -> dict[str, float]:
        groups = {name: _processor_seconds(process_ids) for name, process_ids in self._groups.items()}
        every = psutil.cpu_times()
        busy = sum(every) - every.idle - getattr(every, "iowait", 0) - getattr(every, "guest", 0)
        return {**groups, "own": _processor_seconds([os.getpid()]), "all": busy, "wall": time.monotonic()}


def _processor_seconds(process_ids: Iterable[int]) -> float:
    """Of these processes, and all that they started and that still live."""
    seconds = 0.0
    for process_id in process_ids:
        with suppress(psutil.Error):
            process = psutil.Process(process_id)
            for each in [process, *process.children(recursive=True)]:
                with suppress(psutil.Error):
                    seconds += each.cpu_times().user + each.cpu_times().system
    return seconds


def browser_processes() -> list[int]:
    """The browsers that this process started, by the first process of each."""
    mine = {process.pid: process for process in psutil.Process().children(recursive=True)}
    found = {process_id for process_id, process in mine.items() if "chrom" in process.name().lower()}
    return [process_id for process_id in found if mine[process_id].ppid() not in found]


def memory_mb(process_id: int) -> float:
    """What a process keeps in memory."""
    return psutil.Process(process_id).memory_info().rss / 2**20


def wait_until(holds: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Until a condition holds. Raises RuntimeError, saying what it was, where it does not."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"within {seconds:g} seconds it did not come true that {what}.")
        time.sleep(POLL_SECONDS)


def pause(store: RunStore, run_id: int) -> None:
    """Let a run stand still."""
    store.send(run_id, "pause")
    wait_until(lambda: store.run(run_id).state == "paused", "the run pauses")


def stop(store: RunStore, run_id: int) -> None:
    """End a run, if it has not ended yet."""
    if store.run(run_id).active:
        store.send(run_id, "stop")
        wait_until(lambda: not store.run(run_id).active, "the run stops")


def seconds_per_epoch(store: RunStore, run_id: int, first: int, last: int) -> float:
    """Of training, as the run itself counted them, from the end of one epoch to that of another; NaN for none."""
    seconds = {record.epoch: record.seconds for record in store.records(run_id)}
    return (seconds[last] - seconds[first]) / (last - first) if first < last else float("nan")


@contextmanager
def sessions(url: str, viewers: int, seconds: float) -> Iterator["Sessions"]:
    """So many viewers without a browser, in a process of their own, which have their page, or were given the time."""
    command = [sys.executable, str(SESSIONS), url, str(viewers), "--seconds", str(seconds)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the viewers did not come up.")
        opened = json.loads(line)
        yield Sessions(process, opened["ready"], opened["seconds"])
    finally:
        process.kill()
        process.communicate()


class Sessions:
    """Viewers at their pages: `ready` of them have seen one, `seconds` after the first came."""

    def __init__(self, process: subprocess.Popen, ready: int, seconds: float) -> None:
        self._process = process
        self.process_id, self.ready, self.seconds = process.pid, ready, seconds

    def count_anew(self) -> None:
        """Count what is received from now on."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def leave(self) -> list[dict]:
        """Let all go; what each of them noted, as `tests/browser/sessions.py` has it."""
        output, _ = self._process.communicate(timeout=60)
        notes: list[dict] = json.loads(output)
        for note in notes:
            note["arrivals"] = {int(epoch): when for epoch, when in note["arrivals"].items()}
        return notes
