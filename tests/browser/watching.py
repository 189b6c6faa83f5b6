"""What watching costs: python tests/browser/watching.py [--preset standard] [--rounds 8] [--json]

The same training on the command line, started from the page and not watched, and with the page Train open;
then how long the pages take to answer, without a run and with one that learns and is looked at. Browser,
server and training are on this machine. Every time is also given as a multiple: of the command line's, or
of an empty Streamlit page's (apps/empty.py) that was measured in the same minutes.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect, sync_playwright

# run as a file, not as a module
sys.path.insert(0, str(Path(__file__).parents[2]))

from nnlib.runs import RunStore, worker
from nnlib.training import PRESETS
from tests.browser import measuring
from tests.browser.app import PATIENCE_MS, ROOT, SETTLED, App, Visitor, launch, running_app

TRAINING_SECONDS = 300  # the longest that one may take
RUNNING_EPOCHS = 300  # of the run that learns while the pages are measured: more than it gets to
PAGES = {
    "Welcome": "/",
    "Data": "/data",
    "Train": "/train",
    "Runs": "/runs",
    "Weights": "/weights",
    "Draw": "/draw",
    "Mistakes": "/mistakes",
}
ONE = [(0.5, 0.15), (0.5, 0.85)]  # a stroke

# what a page says and shows: of this something changes when it has answered
CONTENT = "[data-testid=stMain] :is(h1, h2, h3, p, text, image, img):not([data-testid=stSlider] *)"
ANSWER = ".reading .number"

# how long after the next event of this kind the page has changed and come to rest, in milliseconds
TIME_ANSWER = """
([event, selector, patience_ms]) => {
    const content = () => [...document.querySelectorAll(selector)]
        .map(one => one.textContent + (one.getAttribute("href") ?? one.getAttribute("src") ?? "")).join();
    const settled = SETTLED;
    const before = content();
    window.answered = new Promise(resolve => addEventListener(event, ({ timeStamp }) => {
        const look = () => {
            const waited = performance.now() - timeStamp;
            if (content() !== before && settled()) resolve(waited);
            else if (waited > patience_ms) resolve(null);
            else requestAnimationFrame(look);
        };
        look();
    }, { capture: true, once: true }));
}""".replace("SETTLED", SETTLED)


@dataclass(frozen=True)
class Training:
    """One training: its own seconds, and the processor time that was `used` meanwhile (see measuring.Clock)."""

    how: str
    seconds: float
    used: dict[str, float]


@dataclass(frozen=True)
class Answer:
    """How long the page takes to answer to something, and an empty page meanwhile: milliseconds, several times."""

    what: str
    page_ms: list[float]
    empty_ms: list[float]

    def __str__(self) -> str:
        page, empty = statistics.median(self.page_ms), statistics.median(self.empty_ms)
        return f"{page:6.0f} {empty:6.0f}  ({page / empty:4.2f})"


# --- training ---


def train_on_the_command_line(home: Path, preset: str) -> Training:
    """Run 1 of this store."""
    clock = measuring.Clock()
    command = [sys.executable, "-m", "nnlib", "train", "--preset", preset]
    environment = {**os.environ, "NNLIB_HOME": str(home)}
    subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True, timeout=TRAINING_SECONDS)
    with closing(RunStore(home)) as store:
        return Training("on the command line", training_seconds(store, 1), clock.read())


def train_from_the_page(browser: Browser, app: App, preset: str, watched: bool) -> tuple[Training, float]:
    """A new run; if it is watched, also the milliseconds from the click on Start to the first point of a curve."""
    with closing(RunStore(app.home)) as store, measuring.somebody(browser, app.url) as someone:
        someone.open("/train")
        someone.choose_preset(preset)
        clock = measuring.Clock(server=app.process_id)
        begin = time.monotonic()
        someone.button("Start").click()
        if watched:
            measuring.wait_until(lambda: someone.live_points() > 0, "a curve begins")
            first_point_ms = 1000 * (time.monotonic() - begin)
        else:
            expect(someone.button("Stop")).to_be_enabled()
            someone.page.goto("about:blank")
        run_id = store.runs()[0].id
        ended = "the run ends"
        measuring.wait_until(lambda: not store.run(run_id).active, ended, TRAINING_SECONDS, poll_seconds=0.2)
        how = "with the page Train open" if watched else "from the page, not watched"
        training = Training(how, training_seconds(store, run_id), clock.read())
    return training, first_point_ms if watched else math.nan


def training_seconds(store: RunStore, run_id: int) -> float:
    """Of a finished run, as it counted them itself."""
    last = store.run(run_id).last
    if last is None or store.run(run_id).state != "finished":
        raise RuntimeError(f"run {run_id} is {store.run(run_id).state}: {store.run(run_id).message}")
    return last.seconds


# --- how long a page takes to answer ---


def time_answer(someone: Visitor, event: str, content: str, act: Callable[[], object]) -> float:
    """Milliseconds from an event, which `act` brings about, until the page has changed and come to rest."""
    someone.page.evaluate(TIME_ANSWER, [event, content, PATIENCE_MS])
    act()
    waited = someone.page.evaluate("answered")
    if waited is None:
        raise RuntimeError(f"nothing changed on {someone.page.url}.")
    return float(waited)


def time_load(someone: Visitor, address: str) -> float:
    """Milliseconds from a page's being asked for by its address until it is there."""
    someone.page.goto(someone.url + address, wait_until="commit")
    return float(someone.page.wait_for_function(f"() => ({SETTLED})() && performance.now()").json_value())


def time_loads(someone: Visitor, address: str, rounds: int) -> list[float]:
    """Of a page that was loaded before."""
    return [time_load(someone, address) for _ in range(rounds + 1)][1:]


def time_switches(someone: Visitor, pages: list[str], rounds: int) -> dict[str, list[float]]:
    """From a click on a page's name until it is there, for pages that were there before."""
    links = someone.page.get_by_test_id("stSidebarNavItems")
    times: dict[str, list[float]] = {page: [] for page in pages}
    for _ in range(rounds + 1):
        for page in [*pages[1:], pages[0]]:
            times[page].append(time_answer(someone, "click", "h1", links.get_by_role("link", name=page).click))
            someone.wait()
    return {page: each[1:] for page, each in times.items()}


def time_moves(someone: Visitor, key: str, rounds: int) -> list[float]:
    """From a key on a slider, one step to the left each time, until the page shows what was there."""
    slider = someone.keyed(key).get_by_role("slider")
    times = []
    for _ in range(rounds + 1):
        times.append(time_answer(someone, "keydown", CONTENT, lambda: slider.press("ArrowLeft")))
        someone.wait()
    return times[1:]


def time_pen_ups(someone: Visitor, address: str, rounds: int) -> list[float]:
    """From the end of a stroke on an empty canvas until its digit is read."""
    times = []
    for _ in range(rounds + 1):
        someone.open(address)
        times.append(time_answer(someone, "pointerup", ANSWER, lambda: someone.draw(ONE)))
    return times[1:]


def time_pages(browser: Browser, app: App, empty: App, run_id: int, rounds: int) -> list[Answer]:
    """All of it, of the pages that show a run, and of an empty page beside each."""
    with measuring.somebody(browser, empty.url) as nobody, measuring.somebody(browser, app.url) as someone:
        empty_load = time_loads(nobody, "/", rounds)
        answers = [
            Answer(f"load {page}", time_loads(someone, f"{path}?run={run_id}", rounds), empty_load)
            for page, path in PAGES.items()
        ]
        someone.open(f"/?run={run_id}")
        empty_switch = [each for times in time_switches(nobody, ["Empty", "Other"], rounds).values() for each in times]
        switches = time_switches(someone, list(PAGES), rounds)
        answers += [Answer(f"switch to {page}", times, empty_switch) for page, times in switches.items()]

        nobody.open("/")
        empty_move = time_moves(nobody, "number", rounds)
        for page in ("Weights", "Mistakes"):
            someone.open(f"{PAGES[page]}?run={run_id}")
            answers.append(Answer(f"epoch slider on {page}", time_moves(someone, "step", rounds), empty_move))
        answers.append(Answer("pen-up on Draw", time_pen_ups(someone, f"/draw?run={run_id}", rounds), empty_move))
    return answers


# --- all of it ---


def tell(what: str) -> None:
    """Say what is being measured: it takes some minutes."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def measure(home: Path, preset: str, rounds: int) -> dict[str, Any]:
    """What `main` prints."""
    tell("a training on the command line")
    command_line = train_on_the_command_line(home, preset)
    with (
        sync_playwright() as playwright,
        launch(playwright.chromium) as browser,
        running_app(home) as app,
        running_app(home / "empty", "tests/browser/apps/empty.py") as empty,
        closing(RunStore(home)) as store,
    ):
        tell("one from the page, not watched")
        unwatched, _ = train_from_the_page(browser, app, preset, watched=False)
        tell("one with the page open")
        watched, first_point_ms = train_from_the_page(browser, app, preset, watched=True)
        tell("how pages answer")
        resting = time_pages(browser, app, empty, 1, rounds)
        run_id = worker.start(store, PRESETS[preset].config.with_changes(epochs=RUNNING_EPOCHS), "learning")
        try:
            tell("how they answer while a run learns")
            enough = "the run has epochs to go back to"
            measuring.wait_until(
                lambda: sum(kept.whole_epoch for kept in store.snapshots(run_id)) > rounds + 2,
                enough,
                TRAINING_SECONDS,
                poll_seconds=0.5,
            )
            learning = time_pages(browser, app, empty, run_id, rounds)
            if not store.run(run_id).active:
                raise RuntimeError("the run ended before the pages were measured: make RUNNING_EPOCHS larger.")
        finally:
            measuring.stop(store, run_id)
    return {
        "trainings": [command_line, unwatched, watched],
        "first_point_ms": first_point_ms,
        "resting": resting,
        "learning": learning,
    }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Measure what it costs to watch a training.")
    parser.add_argument("--preset", choices=list(PRESETS), default="standard")
    parser.add_argument("--rounds", type=int, choices=range(1, 21), default=8, help="how often each answer is timed")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    arguments = parser.parse_args()
    measuring.clean_up_when_ended()
    with tempfile.TemporaryDirectory() as home:
        found = measure(Path(home), arguments.preset, arguments.rounds)
    if arguments.json:
        print(json.dumps(found, default=asdict))
        return
    print(f"preset {arguments.preset}: seconds of training, then of processor time a second while it ran")
    first = found["trainings"][0].seconds
    for training in found["trainings"]:
        shares = {name: seconds / training.used["wall"] for name, seconds in training.used.items() if name != "wall"}
        said = "   ".join(f"{name} {share:.2f}" for name, share in shares.items())
        print(f"{training.how:28} {training.seconds:6.1f} s  ({training.seconds / first:.2f})   {said}")
    print(f"\nfrom Start to the first point  {found['first_point_ms']:5.0f} ms")
    print("\nmilliseconds to answer, those of an empty page, and the ratio:   without a run        while one learns")
    for rest, learn in zip(found["resting"], found["learning"], strict=True):
        print(f"{rest.what:32} {rest}   {learn}")


if __name__ == "__main__":
    main()
