"""Processes: told apart whatever the clock says, and from other containers too."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from nnlib.runs.processes import UNSEEN_SECONDS, Process, identify, this_machine, this_process


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def test_a_process_lives_until_it_ends(sleeper: subprocess.Popen) -> None:
    process = identify(sleeper.pid)
    assert process.id == sleeper.pid
    assert process.lives(0)
    sleeper.kill()
    # not waited for: a zombie is as dead
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not process.lives(time.monotonic())
    sleeper.wait()
    assert not process.lives(time.monotonic())
    assert not identify(sleeper.pid).lives(time.monotonic())


def test_a_process_that_is_suspended_lives_and_is_seen_to_do_nothing(sleeper: subprocess.Popen) -> None:
    process = identify(sleeper.pid)
    assert not process.suspended
    sleeper.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, sleeper.pid, os.WSTOPPED)
    assert process.suspended
    assert process.lives(0)
    sleeper.send_signal(signal.SIGCONT)
    os.waitid(os.P_PID, sleeper.pid, os.WCONTINUED)
    assert not process.suspended
    sleeper.kill()
    sleeper.wait()
    assert not process.suspended


def test_another_process_of_the_same_id_is_another() -> None:
    assert this_process().lives(0)
    assert not replace(this_process(), started=this_process().started - 1).lives(0)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the start of a process does not move with the clock")
@pytest.mark.parametrize("seconds", [3, 60, -60])
def test_a_clock_that_is_set_changes_no_process(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    before, now, boot = this_process(), time.time(), psutil.boot_time()
    monkeypatch.setattr(time, "time", lambda: now + seconds)
    monkeypatch.setattr(psutil, "boot_time", lambda: boot + seconds)
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: boot + seconds)
    assert this_process() == before
    assert before.lives(0)


def test_where_a_process_cannot_be_seen_its_signs_count() -> None:
    boot, _, _ = this_machine().partition(" ")
    # in this container, the same id may be of another process, or of none
    elsewhere = Process(f"{boot} pid:[another container's]", os.getpid(), 5.0)
    now = time.monotonic()
    assert elsewhere.lives(now)
    assert elsewhere.lives(now - UNSEEN_SECONDS / 2)
    assert not elsewhere.lives(now - UNSEEN_SECONDS - 1)
    before_the_boot = replace(this_process(), machine=f"another boot{this_machine().removeprefix(boot)}")
    assert not before_the_boot.lives(now)
