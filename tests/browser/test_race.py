"""A race in a real browser: all curves grow in one chart, by themselves, and the best is crowned."""

import re
from collections.abc import Sequence

import pytest
from playwright.sync_api import expect

from nnlib.runs import RunStore
from nnlib.runs.race import plan
from nnlib.training import EpochRecord, TrainingConfig
from tests.browser.app import App
from tests.browser.conftest import Visit
from tests.browser.test_screens import what_is_wrong

SMALL = "training_digits=2000&validation_digits=500&race_epochs=3&race_values=0.00001,0.001,1"


def test_a_race_is_started_and_watched_to_its_crown(visit: Visit) -> None:
    someone = visit(f"/race?{SMALL}")
    someone.button("Start the race").click()
    race = someone.keyed("live_race")
    expect(race.locator("tbody tr")).to_have_count(3)
    expect(race.locator(".chart")).to_have_attribute("data-lines", "3")
    expect(race.locator(".lesson")).to_contain_text(re.compile("^Learning rate 0.001 won with .*stayed far behind"))
    crowned = race.locator("tr", has=race.page.locator(".crown"))
    expect(crowned).to_have_count(1)
    expect(crowned).to_contain_text("0.001")
    expect(race.get_by_role("img", name="the best")).to_be_visible()
    expect(race.locator("td.now")).to_have_text(["is done"] * 3)
    expect(someone.button("Stop the race")).to_be_disabled()


def test_loss_is_a_click_away_and_a_run_can_be_looked_at(visit: Visit) -> None:
    someone = visit(f"/race?{SMALL}")
    race = someone.keyed("live_race")
    race.get_by_role("button", name="Loss").click()
    expect(race.get_by_role("heading")).to_have_text("How wrong it is on new digits: loss")
    expect(race.get_by_role("button", name="Loss")).to_have_attribute("aria-pressed", "true")
    race.get_by_role("button", name="Look at it: 0.001").click()
    expect(someone.page).to_have_url(re.compile(r"run=\d+"))
    expect(someone.keyed("run").get_by_role("combobox")).to_have_value(re.compile("learning rate 0.001$"))
    expect(race.get_by_role("heading")).to_have_text("How wrong it is on new digits: loss")


def learned(app: App, setting: str, values: Sequence[object]) -> int:
    """A race that is over, the third of which won and the last of which blew up; its number."""
    store = RunStore(app.home)
    run_ids = store.create_race(plan(TrainingConfig(epochs=4), setting, values))
    for place, run_id in enumerate(run_ids):
        for epoch in range(1, 5):
            accuracy = 0.98 - abs(place - 2) / 50 - 0.1 / epoch
            store.append(
                run_id,
                EpochRecord(epoch, epoch, 0.001, 1, 0.5, 2 - accuracy, accuracy, (1.0,) * 4, (0,) * 3, 2.0 * epoch),
            )
        store.set_state(run_id, "diverged" if run_id == run_ids[-1] else "finished")
    store.close()
    return run_ids[0]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_everybody_can_read_a_race_of_eight_on_every_screen(visit: Visit, app: App, width: int, theme: str) -> None:
    widths = [(n, *more) for n in (16, 128) for more in ((), (64,), (64, 64), (512, 256, 128))]
    number = learned(app, "hidden_widths", widths)
    someone = visit(f"/race?race={number}", width=width, height=3000, theme=theme)
    race = someone.keyed("live_race")
    expect(race.locator(".chart")).to_have_attribute("data-lines", "8")
    assert not what_is_wrong(someone)
    too_wide = race.locator(".race").evaluate(
        """race => [race, ...race.querySelectorAll("p, h2, table, button, .chart, .uplot")]
            .filter(each => each.scrollWidth > each.clientWidth + 1 || each.getBoundingClientRect().right > innerWidth)
            .map(each => each.outerHTML.slice(0, 100))"""
    )
    assert not too_wide
