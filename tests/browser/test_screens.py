"""How pages look on every screen and in both themes: what can be read, what is cut off, and what glares."""

import io
import re
from itertools import pairwise

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.app import Visitor
from tests.browser.conftest import Visit

PAGES = ("", "data", "train", "race", "runs", "landscape", "weights", "draw", "mistakes")
QUESTIONS = ("mistakes?ask=labels",)
THEMES = ("dark", "light")
PROJECTOR = {"width": 1024, "height": 768}


def brightness(place: Locator) -> np.ndarray:
    """What a place looks like, from 0 (black) to 1 (white) each pixel."""
    return np.asarray(Image.open(io.BytesIO(place.screenshot())).convert("L")) / 255


def is_dark(place: Locator) -> bool:
    """Whether there is something light on dark paper."""
    seen = brightness(place)
    return bool(np.median(seen) < 0.3 < np.ptp(seen))


def is_light(place: Locator) -> bool:
    """Whether there is something dark on light paper."""
    seen = brightness(place)
    return bool(np.median(seen) > 0.8 and np.ptp(seen) > 0.3)


def what_is_wrong(someone: Visitor) -> list[str]:
    """What axe finds on the page that keeps people from using it."""
    found = Axe().run(someone.page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:150]} {node['failureSummary'][:250]}"
        for each in found
        if each["impact"] in ("critical", "serious")
        for node in each["nodes"]
        if "dc-scroll" not in node["html"]  # the canvas component's own
    ]


@pytest.mark.parametrize("page", [*PAGES, *QUESTIONS])
def test_everybody_can_read_and_use_every_page_on_every_screen(visit: Visit, page: str) -> None:
    # as high as all that it shows: axe does not judge what it cannot see
    address = f"/{page}{'&' if '?' in page else '?'}run=1"
    someone = visit(address, theme="dark", width=390, height=3000)
    require_whole(someone)
    assert not what_is_wrong(someone), "in the dark, on a phone"
    someone.page.emulate_media(color_scheme="light")
    for width in (1440, 1024):
        someone.page.set_viewport_size({"width": width, "height": 3000})
        if width == 1440:
            someone.open(address)
        someone.page.wait_for_timeout(500)  # charts take their new size
        require_whole(someone)
    assert not what_is_wrong(someone), "in the light, on a projector"


@pytest.mark.parametrize(("page", "main"), [("weights", "weight_grid"), ("mistakes", "confusion")])
def test_on_a_projector_the_main_thing_fills_the_width(visit: Visit, page: str, main: str) -> None:
    someone = visit(f"/{page}?run=1", **PROJECTOR)
    place, around = someone.keyed(main).locator(".cells").bounding_box(), someone.page.locator("h1").bounding_box()
    assert place is not None
    assert around is not None
    assert place["width"] > 0.95 * around["width"]
    assert place["height"] < PROJECTOR["height"], "and all of it can be seen at once"


def require_whole(someone: Visitor) -> None:
    """Nothing that the page shows may be cut off, nor the page wider than the window, and no step of its headings
    left out."""
    expect(someone.page.get_by_role("heading", level=1)).to_be_in_viewport()
    too_wide = someone.page.evaluate(
        """() => [document.documentElement, document.querySelector("[data-testid=stMain]")]
            .filter(element => element.scrollWidth > Math.min(element.clientWidth, innerWidth)).length"""
    )
    assert not too_wide, "it scrolls sideways"
    cut = someone.page.evaluate(
        """() => [...document.querySelectorAll(
            "[data-testid=stMain] :is(button, label, h1, h2, [data-testid=stMetricValue], .confusion td, figcaption)")]
            .filter(element => element.offsetParent && element.scrollWidth > element.clientWidth + 1
                && getComputedStyle(element).display !== "inline")
            .map(element => element.innerText)"""
    )
    assert not cut
    headings = someone.page.get_by_test_id("stMain").locator("h1, h2, h3, h4, h5, h6")
    levels = headings.evaluate_all("found => found.map(heading => Number(heading.tagName[1]))")
    assert levels[0] == 1
    assert all(level <= before + 1 for before, level in pairwise(levels)), f"a step is left out: {levels}"
    outside = someone.page.evaluate(
        """() => [...document.querySelectorAll("[data-testid=stMain] :is(.stPlotlyChart, img, table, button, h2)")]
            .filter(element => element.getBoundingClientRect().right > innerWidth + 1)
            .map(element => element.outerHTML.slice(0, 100))"""
    )
    assert not outside


@pytest.mark.parametrize(
    ("address", "key"),
    [("/data", "examples"), ("/weights", "weight_grid"), ("/mistakes", "confusion")],
)
def test_no_sheet_glares_in_the_dark_and_the_theme_can_be_switched(visit: Visit, address: str, key: str) -> None:
    someone = visit(address, theme="dark")
    place = someone.keyed(key)
    someone.wait_until(lambda: is_dark(place), f"{key} is dark")
    someone.page.emulate_media(color_scheme="light")  # nothing is asked of the server
    someone.wait_until(lambda: is_light(place), f"{key} turns light")


@pytest.mark.parametrize("address", ["/", "/draw"])
def test_the_paper_to_draw_on_does_not_glare_in_the_dark(visit: Visit, address: str) -> None:
    dark, light = (float(np.median(brightness(visit(address, theme=theme).keyed("paper")))) for theme in THEMES)
    assert dark < 0.7 < 0.95 < light


def test_a_digit_pixel_by_pixel_is_chalk_in_the_dark_and_ink_in_the_light(visit: Visit) -> None:
    dark, light = (visit("/data", theme=theme).keyed("pixels") for theme in THEMES)
    for place, holds in ((dark, is_dark), (light, is_light)):
        place.scroll_into_view_if_needed()
        assert holds(place)


WATCH_FOR_GAPS = """picture => {
    picture.heights = new Set()
    const look = () => {
        picture.heights.add(Math.round(picture.getBoundingClientRect().height))
        requestAnimationFrame(look)
    }
    look()
}"""


def test_nothing_flickers_when_the_network_changes(visit: Visit) -> None:
    someone = visit("/weights?run=1")
    for page, key in (("Weights", "weight_grid"), ("Mistakes", "confusion")):
        if page != "Weights":
            someone.go_to(page)
        picture = someone.keyed(key).locator(".picture")
        picture.locator(".cells").wait_for()
        picture.evaluate(WATCH_FOR_GAPS)
        someone.moment.focus()
        someone.page.keyboard.press("ArrowLeft")
        expect(someone.page).to_have_url(re.compile(r"\b(epoch|step)=\d"))
        someone.wait()
        heights = picture.evaluate("picture => [...picture.heights]")
        assert len(heights) == 1, f"the picture of {page} is never gone for a moment"


@pytest.mark.parametrize(
    "address", ["/data?part=&any_part=&digit=&index=", "/mistakes?true=&answer=", "/weights?unit="]
)
def test_an_address_with_empty_values_is_taken_for_the_usual_one(visit: Visit, address: str) -> None:
    someone = visit(address)
    expect(someone.page.get_by_role("alert")).to_have_count(0)
    expect(someone.page.get_by_text("None", exact=True)).to_have_count(0)
