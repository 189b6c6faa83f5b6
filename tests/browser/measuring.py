"""What measuring by hand needs: who used the processors, a run that pauses and goes on, and viewers of it."""

import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from playwright.sync_api import Browser

from nnlib.runs import RunStore
from nnlib.training import EpochRecord, Progress
from tests.browser.app import PATIENCE_MS, ROOT, Visitor

SESSIONS = Path(__file__).with_name("sessions.py")
PATIENCE_SECONDS = 120  # for what a slow machine takes long for
POLL_SECONDS = 0.02


class Clock:
    """Seconds of processor time, by who used them, since it was made or last read."""

    def __init__(self, **process_ids: int) -> None:
        """Each process that is asked for is counted alone, without what it started."""
        self._process_ids = process_ids
        self._last = self._read()

    def read(self) -> dict[str, float]:
        """Processor seconds of each, of the `browsers`, of `others` than this tool and all it started; and `wall`."""
        before, self._last = self._last, self._read()
        used = {name: max(0.0, self._last[name] - before[name]) for name in before}
        return {**used, "others": max(0.0, used.pop("all") - used.pop("own"))}

    def _read(self) -> dict[str, float]:
        seconds = dict.fromkeys([*self._process_ids, "browsers", "own"], 0.0)
        for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
            with suppress(psutil.Error):
                times = process.cpu_times()
                # of children that have ended, too: a training ends while others go on
                seconds["own"] += sum(times[:4])
                if "chrom" in process.name().lower():
                    seconds["browsers"] += times.user + times.system
                for name, process_id in self._process_ids.items():
                    if process.pid == process_id:
                        seconds[name] += times.user + times.system
        every = psutil.cpu_times()
        busy = sum(every) - every.idle - sum(getattr(every, name, 0) for name in ("iowait", "guest", "guest_nice"))
        return {**seconds, "all": busy, "wall": time.monotonic()}


def clean_up_when_ended() -> None:
    """Let whoever ends this tool end all that it started, too."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def memory_mb(process_id: int) -> float:
    """What a process keeps in memory."""
    return psutil.Process(process_id).memory_info().rss / 2**20


def wait_until(
    holds: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS, poll_seconds: float = POLL_SECONDS
) -> None:
    """Until a condition holds. Raises RuntimeError, saying what it was, where it does not."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"within {seconds:g} seconds it did not come true that {what}.")
        time.sleep(poll_seconds)


def pause(store: RunStore, run_id: int) -> None:
    """Let a run stand still."""
    store.send(run_id, "pause")
    wait_until(lambda: store.run(run_id).state == "paused", "the run pauses")


def stop(store: RunStore, run_id: int) -> None:
    """End a run, if it has not ended yet."""
    if store.run(run_id).active:
        store.send(run_id, "stop")
        wait_until(lambda: not store.run(run_id).active, "the run stops")


def newest(store: RunStore, run_id: int) -> Progress | EpochRecord:
    """The last thing that a run told of itself."""
    points: list[Progress | EpochRecord] = [*store.progress(run_id)[-1:], *store.records(run_id)[-1:]]
    return max(points, key=lambda point: point.step)


def seconds_per_epoch(first: Progress | EpochRecord, last: Progress | EpochRecord) -> float:
    """Of training, as the run itself counted them, between two points; NaN where it did not move."""
    return (last.seconds - first.seconds) / (last.epoch - first.epoch) if first.step < last.step else math.nan


@contextmanager
def somebody(browser: Browser, url: str) -> Iterator[Visitor]:
    """A visitor whose requests go straight to the server, and are cached: those of the tests go through Python."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    yield Visitor(context.new_page(), url)
    context.close()


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
