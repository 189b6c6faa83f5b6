"""For tests in a real browser: the app, visitors, and a picture of what they saw when a test fails."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from nnlib.errors import StoreError
from nnlib.runs import worker
from nnlib.runs.store import RunStore
from nnlib.training.config import TrainingConfig
from tests.browser.app import App, Visitor, launch, running_app, save_picture, visitor
from tests.conftest import train_to_its_end

EPOCHS = 3
FAILED = pytest.StashKey[bool]()

Visit = Callable[..., Visitor]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


# for a module, not the session: the browser's event loop must not be running when other tests want theirs
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    with sync_playwright() as playwright:
        try:
            found = launch(playwright.chromium)
        except RuntimeError as error:
            if os.environ.get("CI") == "true":
                pytest.fail(str(error))
            pytest.skip(str(error))
        yield found
        found.close()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server for the tests of one file, with run 1 finished in its store."""
    folder = tmp_path_factory.mktemp("app")
    train_a_run(folder)
    with running_app(folder) as found:
        yield found


@pytest.fixture
def visit(browser: Browser, app: App, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Visit]:
    """`visit(address, ...)` opens the app for one more visitor; at the end nothing may have gone wrong for any."""
    visitors: list[Visitor] = []

    def open_app(address: str = "/", *, url: str = app.url, **window: Any) -> Visitor:
        visitors.append(visitor(browser, url, **window))
        visitors[-1].open(address)
        return visitors[-1]

    try:
        yield open_app
        for each in visitors:
            each.check()
    except AssertionError:
        request.node.stash[FAILED] = True
        raise
    finally:
        for number, each in enumerate(visitors, start=1):
            if request.node.stash.get(FAILED, False):
                picture = tmp_path / f"visitor-{number}.png"
                save_picture(each.page, picture)
                print(f"{each.page.url} as visitor {number} saw it: {picture}")
                print(*each.problems, sep="\n")
                print(f"what the server said: {app.home / 'server.log'}")
            each.page.context.close()


@pytest.fixture
def learning_run(app: App) -> Iterator[int]:
    """The number of a run that learns as long as the test takes."""
    store = RunStore(app.home)
    # small steps, many of them: there is something new to see all the time
    config = TrainingConfig(epochs=500, training_digits=3000, validation_digits=500, learning_rate=0.00001)
    run_id = worker.start(store, config, "own settings")
    yield run_id
    with suppress(StoreError):  # it may have come to its end
        store.send(run_id, "stop")
    store.close()


def train_a_run(folder: Path) -> None:
    """A finished run in the store of this folder, of few digits."""
    train_to_its_end(folder, TrainingConfig(epochs=EPOCHS, training_digits=3_000, validation_digits=500))
