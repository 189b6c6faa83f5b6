"""Jobs: what a process tells is there as soon as it is told, and no process outlives those who wait for it."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from dashboard import jobs

SHORT = ("find-rate", "--json-lines", "--training-digits=1000", "--hidden-widths=8")
LONG = ("find-rate", "--json-lines", "--hidden-widths=1024,1024,1024,1024,1024,1024")
DEADLINE_SECONDS = 60

SERVER = f"""
import time
from dashboard import jobs
print(jobs.start("somebody", {LONG!r})._process.pid, flush=True)
time.sleep(60)
"""


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def none_left() -> Iterator[None]:
    yield
    for job in jobs._jobs.values():
        job.cancel()
        wait_until(lambda job=job: job.ended)  # type: ignore[misc]
    jobs._jobs.clear()


def test_what_a_job_tells_is_there_while_it_works() -> None:
    job = jobs.start("somebody", LONG)
    wait_until(lambda: len(job.lines) > 3)
    assert not job.ended
    assert job.problem is None
    assert set(job.lines[0]) == {"learning_rate", "loss"}


def test_a_job_that_is_done_has_told_all_and_has_no_problem() -> None:
    job = jobs.start("somebody", SHORT)
    wait_until(lambda: job.ended)
    assert "suggested" in job.lines[-1]
    assert job.problem is None


def test_a_job_that_fails_says_why_in_its_sentence() -> None:
    job = jobs.start("somebody", ["find-rate", "--epochs=0"])
    wait_until(lambda: job.ended)
    assert job.problem is not None
    assert job.problem.startswith("epochs is 0: it must be a whole number from 1")
    assert not job.lines


def test_a_job_that_is_killed_says_so_in_a_sentence() -> None:
    job = jobs.start("somebody", LONG)
    job._process.kill()
    wait_until(lambda: job.ended)
    assert job.problem == "the work ended before it was done: try again."


def test_a_job_that_is_cancelled_is_no_failure() -> None:
    job = jobs.start("somebody", LONG)
    job.cancel()
    wait_until(lambda: job.ended)
    assert job.problem is None


def test_a_visitors_next_job_ends_the_one_before() -> None:
    for _ in range(jobs.MOST_JOBS):
        before, job = jobs.start("somebody", LONG), jobs.start("somebody", LONG)
        wait_until(lambda before=before: before.ended)  # type: ignore[misc]
        assert not job.ended


def test_others_are_told_to_wait_until_there_is_room() -> None:
    first, *_ = [jobs.start(f"visitor {number}", LONG) for number in range(jobs.MOST_JOBS)]
    with pytest.raises(jobs.JobError, match="try again in some seconds"):
        jobs.start("one more", SHORT)
    first.cancel()
    wait_until(lambda: first.ended)
    jobs.start("one more", SHORT)


@pytest.mark.skipif(sys.platform == "win32", reason="priorities have other names there")
def test_pages_come_first() -> None:
    job = jobs.start("somebody", LONG)
    assert psutil.Process(job._process.pid).nice() > psutil.Process().nice()


def test_a_job_ends_with_the_server() -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    job = psutil.Process(int(server.stdout.readline()))
    time.sleep(2)  # it is at work
    assert job.is_running()
    server.kill()
    server.communicate()
    wait_until(lambda: not job.is_running() or job.status() == psutil.STATUS_ZOMBIE)
