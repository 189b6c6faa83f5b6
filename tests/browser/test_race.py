"""A race in a real browser: all curves grow in one chart, by themselves, and the best is crowned."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit

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
