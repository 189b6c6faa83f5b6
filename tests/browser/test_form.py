"""The form of the page Train: what stands where, what can be typed, and what becomes of the address."""

import re
from urllib.parse import urlencode

from playwright.sync_api import expect

from nnlib.runs.store import RunStore
from nnlib.training.config import PRESETS, SETTINGS
from tests.browser.app import App, Visitor
from tests.browser.conftest import Visit

HOSTILE = (
    "![x](https://example.org/x.png) [here](https://example.org) <b>bold</b> https://example.org www.example.org "
    ":red[red] :material/delete: :smile: $x^2$ **strong** `code`"
)


def entries(someone: Visitor) -> int:
    """How many pages the browser's Back and Forward know."""
    return someone.page.evaluate("history.length")


def test_text_from_the_address_is_shown_as_the_text_it_is(visit: Visit) -> None:
    everything = dict.fromkeys((*SETTINGS, "run", "epoch", "step", "preset", "beside", "nonsense"), HOSTILE)
    for address in (urlencode(everything), urlencode({"run": 1, "epoch": HOSTILE, "step": HOSTILE})):
        someone = visit(f"/train?{address}")
        alerts = someone.page.get_by_test_id("stAlert")
        expect(alerts.first).to_contain_text("![x](")
        for made in ("img", "a", "b", "strong", "code", ".katex", "[class*=ColoredText]"):
            expect(alerts.locator(made)).to_have_count(0)
        expect(someone.page.locator("[src*='example.org'], [href*='example.org']")).to_have_count(0)
        someone.check()  # also that nothing was fetched from elsewhere


def test_what_one_came_to_do_is_seen_without_scrolling(visit: Visit) -> None:
    someone = visit("/train?run=1")
    for width, height in ((1440, 900), (1024, 768), (390, 844)):
        someone.page.set_viewport_size({"width": width, "height": height})
        someone.wait()
        for seen in (someone.keyed("preset"), someone.keyed("learning_rate"), someone.button("Start")):
            expect(seen).to_be_in_viewport(ratio=1)
        if width > 390:
            for chart in (".loss", ".accuracy"):
                expect(someone.keyed("curves").locator(chart)).to_be_in_viewport(ratio=1)


def test_a_learning_rate_can_be_typed_and_stepped(visit: Visit) -> None:
    someone = visit("/train")
    rate = someone.keyed("learning_rate").get_by_role("textbox")
    rate.fill("1e-4")
    rate.press("Enter")
    expect(rate).to_have_value("0.0001")
    someone.keyed("rate_larger").get_by_role("button").click()
    expect(rate).to_have_value("0.0002")
    expect(someone.page).to_have_url(re.compile(r"learning_rate=0\.0002\b"))

    rate.fill("50")
    rate.press("Enter")
    expect(someone.page.get_by_role("alert")).to_have_text(re.compile(r"Learning rate is 50: .* at most 10"))
    expect(someone.button("Start")).to_be_disabled()


def test_a_rate_is_found_watched_and_used_with_one_click(visit: Visit) -> None:
    someone = visit("/train?training_digits=5000&optimizer=sgd&learning_rate=0.00001")
    someone.button("Find a good rate").click()
    dialog = someone.page.get_by_role("dialog")
    # The first: while it is drawn anew, a chart has its legend twice for a moment.
    expect(dialog.get_by_text("while the rate grows").first).to_be_visible()
    use = someone.keyed("use_rate").get_by_role("button")
    expect(use).to_have_text(re.compile(r"Use 0\.\d+"))
    expect(dialog.get_by_text("suggested: 0.").first).to_be_visible()
    rate = use.inner_text().removeprefix("Use ")
    use.click()
    expect(dialog).to_have_count(0)
    expect(someone.keyed("learning_rate").get_by_role("textbox")).to_have_value(rate)
    expect(someone.page).to_have_url(re.compile(rf"learning_rate={re.escape(rate)}\b"))


def test_a_test_that_is_left_is_over_and_the_next_begins_anew(visit: Visit) -> None:
    someone = visit("/train?hidden_widths=1024,1024,1024,1024,1024,1024")
    dialog = someone.page.get_by_role("dialog")
    for _ in range(2):
        someone.button("Find a good rate").click()
        expect(someone.keyed("leave_rate").get_by_role("button")).to_have_text("Cancel")
        someone.page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
    expect(someone.page.get_by_role("alert")).to_have_count(0)


def test_settings_are_one_entry_in_the_history_and_back_leaves_them(visit: Visit) -> None:
    someone = visit("/train")
    before = entries(someone)
    epochs = someone.keyed("epochs").get_by_role("textbox")
    for preset in ("best", "original", "standard"):
        someone.keyed("preset").get_by_role("radio", name=preset).check(force=True)
        expect(epochs).to_have_value(str(PRESETS[preset].config.epochs))
    epochs.fill("31")
    epochs.press("Enter")
    expect(someone.page).to_have_url(re.compile(r"\bepochs=31\b"))
    address = someone.page.url
    assert entries(someone) == before

    someone.go_to("Data")
    expect(someone.page).to_have_url(re.compile(r"/data$"))
    assert entries(someone) == before + 1
    someone.page.go_back()
    expect(epochs).to_have_value("31")
    expect(someone.page).to_have_url(address)
    someone.page.go_back()
    expect(someone.page).to_have_url("about:blank")


def test_a_double_click_starts_one_run_and_keys_start_none(visit: Visit, app: App) -> None:
    someone = visit("/train?training_digits=200&epochs=1")
    store = RunStore(app.home)
    try:
        before = len(store.runs())
        for key in "sspx":
            someone.page.keyboard.press(key)
        someone.page.wait_for_timeout(500)
        assert len(store.runs()) == before
        someone.button("Start").dblclick()
        expect(someone.page.get_by_test_id("stMain").get_by_role("progressbar")).to_be_visible()
        someone.wait()
        someone.page.wait_for_timeout(500)
        assert len(store.runs()) == before + 1
    finally:
        store.close()
