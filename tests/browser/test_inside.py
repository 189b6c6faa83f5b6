"""Inside the network: what a real browser draws of every layer, keeps while it goes on, and saves."""

import re
from pathlib import Path

from playwright.sync_api import Locator, expect

from nnlib.runs.store import RunStore
from tests.browser.app import App, Visitor
from tests.browser.conftest import Visit


def look(someone: Visitor, name: str) -> Locator:
    """The chart of this name among the looks, once it is drawn; it opens the expander where it is closed."""
    choices = someone.keyed("inside_look")
    if not choices.count():
        someone.page.get_by_text("Inside the network").click()
    choices.get_by_role("radio", name=name).click()
    expect(choices.get_by_role("radio", name=name)).to_have_attribute("aria-checked", "true")
    someone.wait()
    return someone.page.locator(f"[class*=st-key-inside_run-][class*=-{name.lower()}] .js-plotly-plot")


def test_tiles_of_every_layer_are_seen(visit: Visit) -> None:
    someone = visit("/train?run=1")
    for name in ("Weights", "Outputs"):
        chart = look(someone, name)
        expect(chart.locator(".hm image")).to_have_count(4)
        expect(chart).to_contain_text("layer 1 (128 units)")
        expect(someone.page.get_by_text("counted so far")).to_have_count(0)
        shown = chart.evaluate("chart => chart._fullLayout.xaxis._categories.length")
        assert shown >= 4


def test_tiles_grow_with_the_run_and_a_zoom_stays(visit: Visit, learning_run: int) -> None:
    someone = visit(f"/train?run={learning_run}")
    chart = look(someone, "Weights")
    expect(chart.locator(".hm image")).to_have_count(4)  # there may have been no moment yet
    columns = "chart => chart.data?.[0]?.x.length ?? 0"
    chart.locator("[data-title^=Zoom]").click()
    tiles = chart.locator(".nsewdrag").first
    tiles.scroll_into_view_if_needed()
    expect(chart.locator("[data-title^=Zoom]")).to_have_class(re.compile("active"))
    box = tiles.bounding_box()
    assert box is not None
    someone.page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 5)
    someone.page.mouse.down()
    someone.page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.8 * box["height"], steps=5)
    someone.page.mouse.up()
    ranges = "chart => [chart.layout.xaxis.range, chart.layout.yaxis.range]"
    (low, high), _ = zoomed = chart.evaluate(ranges)
    assert 0 < high - low < 0.6 * chart.evaluate(columns)
    before = chart.evaluate(columns)
    someone.wait_until(lambda: chart.evaluate(columns) > before, "more moments are drawn")
    assert chart.evaluate(ranges) == zoomed
    expect(chart.locator("[data-title^=Zoom]")).to_have_class(re.compile("active"))
    chart.locator("[data-title^=Autoscale]").click()
    someone.wait_until(lambda: chart.evaluate(ranges)[0] != zoomed[0], "all is seen again")


def test_the_camera_saves_a_picture(visit: Visit) -> None:
    someone = visit("/train?run=1")
    look(someone, "Weights")
    save_picture(someone, "PNG", b"\x89PNG")
    save_picture(someone, "SVG", b"<svg")


def save_picture(someone: Visitor, kind: str, begins: bytes) -> None:
    """Save the chart that is looked at with its camera."""
    someone.keyed("inside_picture").get_by_role("radio", name=kind).click()
    chart = look(someone, "Weights")
    form = "chart => chart._context.toImageButtonOptions.format"
    someone.wait_until(lambda: chart.evaluate(form) == kind.lower(), f"a picture is saved as {kind}")
    with someone.page.expect_download() as saved:
        chart.locator("[data-title^=Download]").click()
    assert saved.value.suggested_filename == f"run-1-weights.{kind.lower()}"
    assert Path(saved.value.path()).read_bytes().startswith(begins)


def test_the_values_are_saved_as_a_table(visit: Visit, app: App) -> None:
    someone = visit("/train?run=1")
    look(someone, "Outputs")
    with someone.page.expect_download() as saved:
        someone.button("Values as a table").click()
    head, *rows = Path(saved.value.path()).read_text().splitlines()
    assert head == "layer,step,epoch,from,to,count,share"
    store = RunStore(app.home)
    steps = {moment.step for moment in store.snapshots(1)}
    store.close()
    assert {int(row.split(",")[-6]) for row in rows} == steps


def test_on_a_phone_nothing_is_cut_off(visit: Visit) -> None:
    someone = visit("/train?run=1", width=390, height=800)
    for name in ("Gradients", "Updates", "Weights", "Outputs"):
        chart = look(someone, name)
        expect(chart).to_be_visible()
        for part in (chart, someone.keyed("inside_look"), someone.keyed("inside_take")):
            box = part.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
