"""That what is measured by hand, viewers.py and watching.py, measures something."""

import json
import math
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser import measuring, viewers, watching
from tests.browser.app import ROOT, running_app


def test_latency_is_the_time_until_an_epoch_or_a_later_one_is_seen() -> None:
    stored, arrivals = {1: 10.0, 2: 11.0, 3: 12.0}, {0: 9.0, 2: 11.5}
    assert viewers.latencies(stored, arrivals, 15.0) == [1.5, 0.5, 3.0]


def test_two_viewers_hear_of_the_epochs_of_a_run(browser: Browser) -> None:
    command = [sys.executable, "tests/browser/viewers.py", "--viewers", "2", "--browsers", "1", "--seconds", "4"]
    done = subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["viewers"], result["browsers"], result["never_opened"]) == (2, 1, 0)
    assert result["epochs"] > 0
    assert math.isfinite(result["median_latency"])
    assert math.isfinite(result["browser_latency"])
    assert result["runs_a_second"] > 0
    assert result["server_processor"] > 0


def test_an_empty_page_is_timed(browser: Browser, tmp_path: Path) -> None:
    with (
        running_app(tmp_path, "tests/browser/apps/empty.py") as empty,
        measuring.somebody(browser, empty.url) as nobody,
    ):
        assert len(watching.time_loads(nobody, "/", 1)) == 1
        assert set(watching.time_switches(nobody, ["Empty", "Other"], 1)) == {"Empty", "Other"}
        nobody.open("/")
        assert watching.time_moves(nobody, "number", 1)[0] > 0
