"""Many viewers of one run: python tests/browser/viewers.py [--viewers 1,10,25,50,100] [--page PAGE] [--json]

For each number a fresh app, and in it a run of its own, which first learns for a while unwatched. Then it
pauses, the viewers open their page, and it goes on: how fast compared with before, how long after an epoch
is in the store do they hear of it, and what does it cost? All but a few viewers are sessions without a
browser (sessions.py); the few are real ones, and there an epoch has arrived when it can be read on the page.

The viewers are on the same machine: what they use themselves the server and the run do not get. A column
says how much that is, and the last one what programs that have nothing to do with it used.
"""

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as PlaywrightError

# run as a file, not as a module
sys.path.insert(0, str(Path(__file__).parents[2]))

from nnlib.runs import RunStore, worker
from nnlib.training import PRESETS
from tests.browser import measuring
from tests.browser.app import App, Visitor, launch, running_app
from tests.browser.sessions import EPOCH_SAID, MOST_SESSIONS, OPEN_SECONDS

UNWATCHED_SECONDS = 10
PATIENCE_SECONDS = 5  # for the last epochs to arrive
GOAL_SECONDS = 2
EPOCHS = 1_000  # more than it gets to

# notes in the page when each epoch could first be read there
NOTE_EPOCHS = """
(() => {
    window.epochsRead = {};
    const look = () => {
        const line = [...document.querySelectorAll(".st-key-status *")].find((each) => each.shadowRoot)
        for (const [, epoch] of (line?.shadowRoot.textContent ?? "").matchAll(/EPOCH_SAID/g))
            window.epochsRead[epoch.replaceAll(",", "")] ??= Date.now() / 1000;
    };
    setInterval(look, 50);
})();
""".replace("EPOCH_SAID", EPOCH_SAID)


@dataclass(frozen=True)
class Result:
    """What so many viewers mean.

    Latencies are seconds from the store to the viewer; `..._processor` is seconds of processor time a second;
    `slowdown` is the training time of an epoch, as a multiple of the same run's before anybody watched.
    """

    viewers: int
    browsers: int  # among them
    never_opened: int
    lost: int  # whose connection broke
    open_seconds: float
    epochs: int
    median_latency: float
    slowest_latency: float  # the median of the viewer who fares worst
    browser_latency: float  # the median of the real browsers
    within_goal: float  # the share of all arrivals
    slowdown: float
    server_processor: float
    server_mb: float
    added_mb: float
    runs_a_second: float  # of one viewer's page
    kilobytes_a_second: float  # to one viewer
    viewers_processor: float
    browsers_processor: float
    others_processor: float


def latencies(stored: dict[int, float], arrivals: dict[int, float], end: float) -> list[float]:
    """For each epoch, seconds from its being stored until the viewer was told of it or a later one, or until `end`."""
    return [
        max(0.0, min((when for said, when in arrivals.items() if said >= epoch), default=end) - since)
        for epoch, since in stored.items()
    ]


def epochs_as_they_come(store: RunStore, run_id: int, seconds: float) -> dict[int, float]:
    """The epochs that a run ends within so many seconds, and when each was in the store (seconds since 1970)."""
    stored: dict[int, float] = {}
    version, first, end = store.version(), store.run(run_id).epoch, time.time() + seconds
    while (now := time.time()) < end:
        if version != (version := store.version()):
            epoch = store.run(run_id).epoch
            if epoch > first:
                stored.setdefault(epoch, now)
        time.sleep(measuring.POLL_SECONDS)
    return stored


@contextmanager
def browsers(browser: Browser | None, url: str, number: int) -> Iterator[list[Visitor]]:
    """Real browser windows with the page open, as far as it came up."""
    with ExitStack() as windows:
        opened = []
        for _ in range(number if browser else 0):
            assert browser is not None
            someone = windows.enter_context(measuring.somebody(browser, url))
            someone.page.add_init_script(NOTE_EPOCHS)
            with suppress(PlaywrightError):
                someone.open("")
                opened.append(someone)
        yield opened


def median(numbers: Iterable[float]) -> float:
    """Their median; NaN for none."""
    return statistics.median([*numbers] or [math.nan])


def measure(app: App, browser: Browser | None, viewers: int, n_browsers: int, page: str, seconds: float) -> Result:
    """One number of viewers, in an app that nobody else uses."""
    store = RunStore(app.home)
    run_id = worker.start(store, PRESETS["standard"].config.with_changes(epochs=EPOCHS), "watched")
    url = app.url + page.format(run=run_id)
    try:
        measuring.wait_until(lambda: store.run(run_id).epoch > 0, "the run learns")
        begin = measuring.newest(store, run_id)
        time.sleep(min(seconds, UNWATCHED_SECONDS))
        measuring.pause(store, run_id)
        before = measuring.newest(store, run_id)

        empty_mb = measuring.memory_mb(app.process_id)
        longest = OPEN_SECONDS * (1 + n_browsers) + seconds + 2 * PATIENCE_SECONDS
        with (
            measuring.sessions(url, viewers - n_browsers, longest) as sessions,
            browsers(browser, url, n_browsers) as windows,
        ):
            sessions.count_anew()
            clock = measuring.Clock(server=app.process_id, viewers=sessions.process_id)
            store.send(run_id, "resume")
            stored = epochs_as_they_come(store, run_id, seconds)
            used = clock.read()
            measuring.pause(store, run_id)
            time.sleep(PATIENCE_SECONDS)
            end, full_mb = time.time(), measuring.memory_mb(app.process_id)
            read = [note_of(window) for window in windows]
            notes = sessions.leave()
        after = measuring.newest(store, run_id)
    finally:
        measuring.stop(store, run_id)
        store.close()

    waited = [latencies(stored, note["arrivals"], end) for note in notes]
    waited_browsers = [latencies(stored, arrivals, end) for arrivals in read]
    every = [each for one in waited + waited_browsers for each in one]
    counted = used["wall"] + PATIENCE_SECONDS
    return Result(
        viewers=viewers,
        browsers=n_browsers,
        never_opened=viewers - sessions.ready - len(windows),
        lost=sum(bool(note["problem"]) for note in notes),
        open_seconds=sessions.seconds,
        epochs=len(stored),
        median_latency=median(every),
        slowest_latency=max(median(one) for one in waited + waited_browsers),
        browser_latency=median(each for one in waited_browsers for each in one),
        within_goal=statistics.fmean(each <= GOAL_SECONDS for each in every) if every else math.nan,
        slowdown=measuring.seconds_per_epoch(before, after) / measuring.seconds_per_epoch(begin, before),
        server_processor=used["server"] / used["wall"],
        server_mb=full_mb,
        added_mb=full_mb - empty_mb,
        runs_a_second=statistics.fmean(note["runs"] for note in notes) / counted,
        kilobytes_a_second=statistics.fmean(note["n_bytes"] for note in notes) / counted / 1000,
        viewers_processor=used["viewers"] / used["wall"],
        browsers_processor=used["browsers"] / used["wall"],
        others_processor=used["others"] / used["wall"],
    )


def note_of(window: Visitor) -> dict[int, float]:
    """When each epoch could first be read in a browser."""
    return {int(epoch): when for epoch, when in window.page.evaluate("epochsRead").items()}


COLUMNS = {
    "viewers": ("viewers", "{:.0f}"),
    "browsers": ("browsers", "{:.0f}"),
    "epochs": ("epochs", "{:.0f}"),
    "median_latency": ("median s", "{:.2f}"),
    "slowest_latency": ("slowest s", "{:.2f}"),
    "browser_latency": ("browser s", "{:.2f}"),
    "within_goal": (f"in {GOAL_SECONDS} s", "{:.0%}"),
    "slowdown": ("slowdown", "{:.2f}"),
    "server_processor": ("server", "{:.2f}"),
    "server_mb": ("MB", "{:.0f}"),
    "added_mb": ("added MB", "{:.0f}"),
    "runs_a_second": ("redrawn /s", "{:.2f}"),
    "kilobytes_a_second": ("kB/s", "{:.1f}"),
    "open_seconds": ("opened s", "{:.1f}"),
    "never_opened": ("never", "{:.0f}"),
    "lost": ("lost", "{:.0f}"),
    "viewers_processor": ("(viewers", "{:.2f}"),
    "browsers_processor": ("browsers", "{:.2f}"),
    "others_processor": ("others)", "{:.2f}"),
}
LEGEND = f"""
median, slowest, browser s: from an epoch's being in the store to its arrival: over all arrivals, of the viewer
who fares worst, and in the real browsers; in {GOAL_SECONDS} s: the share of arrivals within that time;
slowdown: training seconds of an epoch by those of the same run before anybody watched; server: its seconds of
processor time a second; MB: its memory, and what the viewers added; redrawn /s, kB/s: of and to one viewer;
opened s: until all had their page, never: who had none after {OPEN_SECONDS} s, lost: whose connection broke.
In brackets, seconds of processor time a second that the viewers (one process), the real browsers and other
programs took from the machine, and so from the server and the run."""


def main() -> None:
    """Measure each number, and print a line for it."""
    parser = argparse.ArgumentParser(description="Measure what many viewers of one run see and cost.")
    parser.add_argument("--viewers", default="1,10,25,50,100", help="how many, for one measurement after another")
    parser.add_argument("--browsers", type=int, default=2, help="how many of them, at most half, are real browsers")
    parser.add_argument("--page", default="/train?run={run}", help="what all look at")
    parser.add_argument("--seconds", type=float, default=25, help="how long to watch each time")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    numbers = [int(number) for number in arguments.viewers.split(",")]
    if len(numbers) > 10 or not all(1 <= number <= MOST_SESSIONS for number in numbers) or arguments.seconds > 60:
        parser.error(f"at most 10 numbers, of 1 to {MOST_SESSIONS} viewers, and at most 60 seconds of each.")
    measuring.clean_up_when_ended()
    if not arguments.json:
        machine = f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
        print(f"{arguments.page}, {arguments.seconds:g} s each; {machine}")
        print("  ".join(heading for heading, _ in COLUMNS.values()))
    for number in numbers:
        n_browsers = min(arguments.browsers, number // 2)
        with (
            tempfile.TemporaryDirectory() as home,
            sync_playwright() as playwright,
            running_app(Path(home)) as app,
            launch(playwright.chromium) if n_browsers else nullcontext() as browser,
        ):
            result = asdict(measure(app, browser, number, n_browsers, arguments.page, arguments.seconds))
        cells = [form.format(result[name]).rjust(len(heading)) for name, (heading, form) in COLUMNS.items()]
        print(json.dumps(result) if arguments.json else "  ".join(cells), flush=True)
    if not arguments.json:
        print(LEGEND)


if __name__ == "__main__":
    main()
