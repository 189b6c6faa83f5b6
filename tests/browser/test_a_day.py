"""A day with the app: a training that is watched, steered, left and found again."""

import re

from playwright.sync_api import expect

from nnlib.training.config import PRESETS
from tests.browser.app import Visitor
from tests.browser.conftest import Visit


def start(someone: Visitor, epochs: int) -> None:
    """Set how long to train with the keyboard, and press Start."""
    box = someone.keyed("epochs").get_by_role("textbox")
    box.fill(str(epochs))
    box.press("Enter")
    expect(someone.page).to_have_url(re.compile(rf"\bepochs={epochs}\b"))
    someone.button("Start").click()
    expect(someone.button("Pause")).to_be_visible()


def test_training_is_watched_steered_left_paused_resumed_and_stopped(visit: Visit) -> None:
    someone = visit("/")
    someone.go_to("Train")
    start(someone, 500)

    # the curve grows and the progress is said
    someone.wait_for_live_points(3)
    status = someone.keyed("curves").locator(".status")
    said = status.inner_text()
    someone.wait_for_live_points(someone.live_points() + 3)
    expect(status).not_to_have_text(said)
    expect(someone.line).to_have_text(status.inner_text())

    # the learning rate can be changed by keyboard
    rate = someone.number("learning_rate")
    before = rate.inner_text()
    slider = someone.page.locator("[class*=st-key-live_rate]").get_by_role("slider")
    slider.focus()
    someone.page.keyboard.press("ArrowRight")
    someone.page.keyboard.press("ArrowRight")
    someone.wait_until(
        lambda: before != slider.get_attribute("aria-valuetext") == rate.inner_text(), "the run takes the new rate"
    )

    # another page and back, and a refresh: the run is where it was, and further
    so_far = someone.live_points()
    someone.go_to("Data")
    someone.go_to("Train")
    someone.wait_for_live_points(so_far)
    expect(someone.button("Pause")).to_be_visible()
    so_far = someone.live_points()
    someone.page.reload()
    someone.wait()
    someone.wait_for_live_points(so_far)
    expect(rate).not_to_have_text(before)

    # paused, nothing grows; resumed, it does
    someone.button("Pause").click()
    expect(someone.button("Resume")).to_be_enabled()
    so_far = someone.live_points()
    someone.page.wait_for_timeout(2000)
    assert someone.live_points() == so_far
    someone.button("Resume").click()
    someone.wait_for_live_points(so_far + 3)

    someone.button("Stop").click()
    expect(someone.button("Stop")).to_be_disabled()
    someone.wait()
    so_far = someone.live_points()
    someone.page.wait_for_timeout(2000)
    assert someone.live_points() == so_far

    # the other pages look at this run from now on
    someone.go_to("Data")
    someone.go_to("Mistakes")
    expect(someone.page).to_have_url(re.compile(r"\brun=2\b"))
    expect(someone.keyed("run").get_by_role("combobox")).to_have_value(re.compile("^2 ·"))


def test_quick_preset_trains_to_its_end_and_reads_more_than_93_percent(visit: Visit) -> None:
    someone = visit("/train")
    epochs = someone.keyed("epochs").get_by_role("textbox")
    for preset in ("original", "quick"):
        someone.keyed("preset").get_by_role("radio", name=preset).check(force=True)
        expect(epochs).to_have_value(str(PRESETS[preset].config.epochs))
    someone.button("Start").click()
    expect(someone.button("Pause")).to_be_visible()
    expect(someone.button("Stop")).to_be_disabled(timeout=180_000)
    expect(someone.page.get_by_test_id("stMain").get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    expect(someone.button("Resume")).to_be_disabled()
    assert float(someone.number("validation_accuracy").inner_text().rstrip("%")) >= 93


def test_two_visitors_do_not_touch_each_other(visit: Visit) -> None:
    trainer, looker = visit("/train"), visit("/weights?run=1&epoch=1")
    start(trainer, 500)

    trainer.wait_for_live_points(3)
    expect(looker.moment).to_have_attribute("aria-valuetext", "after epoch 1")
    looker.go_to("Draw")
    looker.draw([(0.5, 0.15), (0.5, 0.85)])
    expect(looker.answer).to_have_text("1")
    expect(looker.page).to_have_url(re.compile(r"\brun=1&epoch=1\b"))

    trainer.go_to("Draw")
    expect(trainer.answer).to_have_count(0)
    trainer.draw([(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)])
    expect(trainer.answer).to_be_visible()
    trainer.button("Clear").click()
    expect(trainer.answer).to_have_count(0)
    expect(looker.answer).to_have_text("1")
    expect(trainer.keyed("run").get_by_role("combobox")).not_to_have_value(re.compile("^1 ·"))
    expect(looker.keyed("run").get_by_role("combobox")).to_have_value(re.compile("^1 ·"))

    trainer.go_to("Train")
    expect(trainer.button("Pause")).to_be_visible()
    trainer.button("Stop").click()
    expect(trainer.button("Stop")).to_be_disabled()
