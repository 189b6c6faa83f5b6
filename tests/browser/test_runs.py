"""The page Runs: rows are ticked, curves laid over each other, runs tagged and deleted."""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import expect

from nnlib.runs.store import RunStore
from nnlib.training.config import TrainingConfig
from tests.browser.app import App, Visitor
from tests.browser.conftest import Visit
from tests.conftest import train_to_its_end

SMALL = TrainingConfig(hidden_widths=(8,), epochs=2, training_digits=500, validation_digits=100)
ROW_PIXELS = 35


@pytest.fixture
def store(app: App) -> Iterator[RunStore]:
    with closing(RunStore(app.home)) as store:
        yield store


def tick(someone: Visitor, row: int) -> None:
    """Click on the box at the left of a row of the table; the title is above row 0."""
    # drawn, not made of elements
    table = someone.page.get_by_test_id("stDataFrame")
    table.click(position={"x": ROW_PIXELS / 2, "y": ROW_PIXELS * (row + 1.5)})


def test_runs_are_ticked_compared_tagged_and_deleted(visit: Visit, app: App, store: RunStore) -> None:
    slow, fast = (train_to_its_end(app.home, SMALL.with_changes(learning_rate=rate)) for rate in (0.001, 0.01))
    someone = visit("/runs")
    tick(someone, 0)
    expect(someone.page).to_have_url(re.compile(rf"\bcompare={fast}\b"))
    expect(someone.button("Look at it")).to_be_enabled()
    tick(someone, 1)
    expect(someone.page).to_have_url(re.compile(rf"\bcompare={fast}(,|%2C){slow}\b"))
    expect(someone.page.locator(".legendtext")).to_have_text([re.compile(f"^{fast} ·"), re.compile(f"^{slow} ·")])

    colleague = visit(someone.page.url.removeprefix(app.url))
    expect(colleague.page.locator(".legendtext")).to_have_count(2)

    tags = someone.keyed("tags_of_all").get_by_role("textbox")
    tags.fill("good, for class")
    someone.button("Add to all 2").click()
    someone.wait_until(lambda: store.run(slow).tags == ("good", "for class"), "the run has both tags")
    find = someone.keyed("find").get_by_role("searchbox")
    find.fill("class")
    find.press("Enter")
    expect(someone.page).to_have_url(re.compile(r"\bfind=class\b"))
    expect(someone.page.get_by_text(re.compile(r"^2 runs\. The best of them"))).to_be_visible()

    someone.page.get_by_role("checkbox", name="I no longer need these 2 runs").check(force=True)
    someone.button("Delete 2 runs").click()
    expect(someone.page.get_by_text(re.compile("^No run is like that"))).to_be_visible()
    expect(someone.page).not_to_have_url(re.compile("compare="))
    assert {slow, fast}.isdisjoint(run.id for run in store.runs())


def test_a_run_that_is_looked_at_is_the_one_of_all_pages(visit: Visit) -> None:
    someone = visit("/runs?compare=1")
    someone.button("Look at it").click()
    expect(someone.keyed("run").get_by_role("combobox")).to_have_value(re.compile("^1 ·"))
    someone.page.get_by_role("link", name="See it on the page Train").click()
    expect(someone.page.get_by_role("heading", level=1)).to_have_text("Train a network")
    expect(someone.page).to_have_url(re.compile(r"/train\?run=1$"))


def test_a_box_keeps_its_run_when_somebody_renames_it(visit: Visit, store: RunStore) -> None:
    someone = visit("/runs?run=1")
    box, find = someone.keyed("run").get_by_role("combobox"), someone.keyed("find").get_by_role("searchbox")
    expect(box).to_have_value(re.compile("^1 ·"))
    store.rename(1, "another name")
    # the first answer makes its label an old one, which it sends with the next question
    for text in ("another", "name", "another name"):
        find.fill(text)
        find.press("Enter")
        expect(someone.page).to_have_url(re.compile(rf"\bfind={text.replace(' ', '.')}(&|$)"))
        someone.wait()
    expect(box).to_have_value("1 · another name")
    expect(someone.page.get_by_role("alert")).to_have_count(0)
    expect(someone.page).to_have_url(re.compile(r"\brun=1\b"))
