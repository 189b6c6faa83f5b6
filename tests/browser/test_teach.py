"""Wrong? Teach it: from a drawing and a click to another network, in a real browser."""

import re

from playwright.sync_api import expect

from nnlib.runs import RunStore
from tests.browser.app import App
from tests.browser.conftest import Visit
from tests.browser.test_drawing import SEVEN

LONG_MS = 120_000  # for a training: a slow machine is no error


def test_a_drawing_is_corrected_and_the_network_is_taught_it(visit: Visit, app: App) -> None:
    someone = visit("/draw", width=390, height=844)
    someone.draw([(x, 1 - y) for x, y in SEVEN])  # upside down: the page is to say that it hardly is a digit
    buttons = someone.keyed("what_it_is").get_by_role("radio")
    expect(buttons).to_have_count(10)
    heights = buttons.evaluate_all("all => all.map(each => each.closest('label, button').offsetHeight)")
    assert min(heights) >= 40  # a finger hits it
    someone.keyed("what_it_is").get_by_text("7", exact=True).click()
    expect(someone.page.get_by_text("Kept: this is a 7. It is not learned")).to_be_visible()

    someone.button("Teach it").click()
    taught = someone.keyed("taught")
    expect(taught).to_be_visible(timeout=LONG_MS)
    expect(taught.get_by_text("0 → 1 of 1")).to_be_visible()
    expect(taught.get_by_text(re.compile("^[^7] → 7 "))).to_be_visible()
    expect(taught.get_by_text("99.29% → 99.")).to_be_visible()
    (run,) = [each for each in RunStore(app.home).runs() if each.corrections]
    assert run.state == "finished"

    someone.button("Use this network from now on").click()
    expect(someone.page.get_by_text(re.compile(rf"So says run {run.id} .*\. 7: "))).to_be_visible()
    someone.button("Undo").last.click()
    expect(someone.keyed("corrected")).to_have_count(0)
