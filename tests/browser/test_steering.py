"""A run is steered from the page: what is changed is seen on the curves, taken back, and repeated."""

import json
import re
from pathlib import Path

from playwright.sync_api import expect

from nnlib.runs import RunStore
from nnlib.training import Recipe
from tests.browser.app import App, Visitor
from tests.browser.conftest import Visit


def marks(someone: Visitor) -> int:
    """At how many places of the curves something was changed."""
    return int(someone.keyed("curves").locator(".accuracy").get_attribute("data-marks") or 0)


def wrong(someone: Visitor) -> str:
    """Where on the curves something is said to go wrong, in epochs."""
    return someone.keyed("curves").locator(".loss").get_attribute("data-advice") or ""


def type_live(someone: Visitor, name: str, value: str) -> None:
    """Type another value of a setting of the run that learns."""
    field = someone.page.locator(f"[class*=st-key-live_{name}_]").get_by_role("textbox")
    field.fill(value)
    field.press("Enter")


def test_a_run_is_steered_batch_by_batch_taken_back_and_repeated(visit: Visit, learning_run: int, app: App) -> None:
    store = RunStore(app.home)
    someone = visit(f"/train?run={learning_run}")
    someone.wait_for_live_points(3)

    # any value of the learning rate, typed; a wrong one is refused in a sentence
    type_live(someone, "typed_rate", "0.00314")
    expect(someone.number("learning_rate")).to_have_text("0.00314")
    someone.wait_until(lambda: marks(someone) == 1, "the change is marked")
    expect(someone.page.get_by_text("learning rate 0.00001 → 0.00314")).to_be_visible()
    type_live(someone, "typed_rate", "50")
    expect(someone.page.get_by_text("Learning rate is 50: it must be a number above 0 and at most 10")).to_be_visible()

    # the other settings
    someone.page.get_by_text("Change other settings").click()
    type_live(someone, "dropout", "0.25")
    someone.wait_until(lambda: marks(someone) == 2, "the second change is marked, too")
    expect(someone.page.get_by_text("dropout 0 → 0.25")).to_be_visible()

    # one batch, one epoch
    expect(someone.button("One batch")).to_be_disabled()
    someone.button("Pause").click()
    expect(someone.button("One batch")).to_be_enabled()
    at = store.snapshots(learning_run)[-1].step
    someone.button("One batch").click()
    someone.wait_until(lambda: store.snapshots(learning_run)[-1].step == at + 1, "one batch more is learned")
    expect(someone.page.get_by_text(re.compile("corrections?: one batch"))).to_be_visible()
    epoch = store.run(learning_run).epoch
    someone.button("One epoch").click()
    someone.wait_until(lambda: store.run(learning_run).epoch == epoch + 1, "one epoch more is learned")
    expect(someone.button("Resume")).to_be_enabled()

    # slow motion
    someone.choose(f"live_pace_{learning_run}", "3 batches a second")
    someone.button("Resume").click()
    expect(someone.button("Pause")).to_be_visible()
    someone.wait_until(lambda: [each.name for each in store.happenings(learning_run)][-1] == "resume", "it goes on")
    assert ("pace", 3.0) in [(each.name, each.value) for each in store.happenings(learning_run)]
    someone.button("Stop").click()
    expect(someone.button("Stop")).to_be_disabled()

    # back to a moment before all that
    someone.page.get_by_text("Go back, or repeat it").click()
    step = someone.keyed(f"back_step_{learning_run}").get_by_role("spinbutton")
    step.fill("7")
    step.press("Enter")
    someone.button("Go back there").click()
    expect(someone.page).not_to_have_url(re.compile(rf"\brun={learning_run}\b"))
    expect(someone.button("Resume")).to_be_visible()
    back = store.runs()[0]
    assert (back.parent, back.config.dropout) == ((learning_run, 7), 0.0)
    someone.wait_until(lambda: store.run(back.id).state == "paused", "it waits there")
    assert store.snapshots(back.id)[-1].step == 7
    someone.button("Stop").click()
    expect(someone.button("Stop")).to_be_disabled()

    # the recipe, to take along
    with someone.page.expect_download() as download:
        someone.button("Recipe").click()
    recipe = Recipe.from_json(download.value.path().read_text())
    assert recipe == store.recipe(back.id)
    store.close()


def test_a_run_that_diverges_is_mended_in_one_click(visit: Visit, app: App) -> None:
    someone = visit("/train?optimizer=sgd&learning_rate=5&epochs=4&training_digits=3000")
    someone.button("Start").click()
    expect(someone.page.get_by_text("a learning rate of 5 lets every correction overshoot")).to_be_visible()
    someone.wait_until(lambda: wrong(someone) != "", "the place is marked on the curves")
    assert 0 < float(wrong(someone)) < 1

    store = RunStore(app.home)
    ill = store.runs()[0]
    assert ill.state == "diverged"
    someone.button("Start again with a learning rate of 0.02").click()
    someone.wait_until(lambda: store.runs()[0].state == "finished", "another run learns to its end")
    well = store.runs()[0]
    assert well.last is not None
    assert (well.parent, well.last.validation_accuracy > 0.8) == ((ill.id, 0), True)
    expect(someone.page).to_have_url(re.compile(rf"\brun={well.id}\b"))
    someone.wait_until(lambda: wrong(someone) == "", "no place is marked on its curves")
    expect(someone.keyed("advice")).to_have_count(0)
    store.close()


def test_a_warning_that_comes_moves_no_button(visit: Visit, app: App) -> None:
    someone = visit("/train?learning_rate=0.000001&epochs=1000&training_digits=5000")
    someone.button("Start").click()
    someone.wait_for_live_points(1)
    stop = someone.button("Stop")
    expect(stop).to_be_enabled()
    someone.wait()
    before = stop.bounding_box()
    expect(someone.keyed("advice").get_by_text("It learns steadily but slowly")).to_be_visible()
    expect(someone.page.get_by_test_id("stToast").get_by_text("It learns steadily but slowly")).to_be_visible()
    assert stop.bounding_box() == before
    someone.button("Go on with a learning rate of 0.001").click()
    expect(someone.keyed("advice")).to_have_count(0)
    someone.wait_until(lambda: marks(someone) == 1, "the change is marked")
    stop.click()
    expect(stop).to_be_disabled()


def test_a_finished_run_gets_more_epochs_and_is_saved_at_its_best(visit: Visit, app: App) -> None:
    store = RunStore(app.home)
    done = store.run(1)
    assert done.last is not None
    someone = visit("/train?run=1")
    someone.page.get_by_text("Save or delete this network").click()
    name = f"run-1-epoch-{done.last.best_epoch}.safetensors"
    with someone.page.expect_download() as download:
        someone.button(f"Save as {name}").click()
    content = download.value.path().read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    metadata = json.loads(header["__metadata__"]["metadata"])
    assert metadata["epoch"] == done.last.best_epoch
    assert Recipe.from_json(json.dumps(metadata["training"])).end == done.config.steps_per_epoch * metadata["epoch"]

    more = someone.keyed("more_1").get_by_role("spinbutton")
    more.fill("2")
    more.press("Enter")
    someone.button("Train 2 epochs more").click()
    someone.wait_until(lambda: store.run(1).epoch == done.epoch + 2, "it learned for two epochs more")
    expect(someone.button("Train 10 epochs more")).to_be_visible()
    store.close()


def test_the_charts_are_saved_as_pictures(visit: Visit, tmp_path: Path) -> None:
    someone = visit("/train?run=1")
    someone.wait_for_live_points(4)
    found: list[str] = []
    someone.page.on("download", lambda download: found.append(download.suggested_filename))
    for kind in ("SVG", "PNG"):
        someone.button(kind).click()
    wanted = {f"run-1-{chart}.{kind}" for chart in ("loss", "accuracy") for kind in ("svg", "png")}
    someone.wait_until(lambda: set(found) == wanted, "both charts are saved both ways")
    with someone.page.expect_download() as download:
        someone.button("SVG").click()
    drawing = download.value.path().read_text()
    assert drawing.startswith("<svg ")
    assert all(words in drawing for words in ("polyline", "epochs (passes over all training digits)", "★"))
    someone.page.get_by_role("checkbox", name="epochs").click()
    someone.page.get_by_role("checkbox", name="loss").click()
    with someone.page.expect_download() as download:
        someone.button("SVG").click()
    assert "loss (log scale)" in download.value.path().read_text()
