"""The drawing board: on every screen, with mouse and finger, and through all that happens around it."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.app import Visitor
from tests.browser.conftest import Visit

SEVEN = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]
ONE = [(0.5, 0.15), (0.5, 0.85)]
ACROSS, DOWN = 16 / 480 / 2, 16 / 320 / 2  # the brush's radius, beside the width and the height of the board
WHOLE_SEVEN = [0.25 - ACROSS, 0.2 - DOWN, 0.75 + ACROSS, 0.85 + DOWN]  # its corners are rounded a little
DOT = [(0.1, 0.1), (0.1, 0.12)]  # too small beside a digit to be read

# how often the ink covers (left, top, right, bottom) of the drawing, each from 0 to 1; null where there is none
INK = """canvas => {
    const {width, height} = canvas;
    const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
    const xs = [], ys = [];
    for (let i = 3; i < pixels.length; i += 4)
        if (pixels[i] > 128) { xs.push((i >> 2) % width); ys.push(Math.floor((i >> 2) / width)); }
    const ends = all => [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))];
    if (!xs.length) return null;
    const [[left, right], [top, bottom]] = [ends(xs), ends(ys)];
    return [left / width, top / height, right / width, bottom / height];
}"""
WATCH_PLACES = """() => {
    window.places = {};
    const look = () => {
        for (const selector of [".st-key-clear", ".st-key-said", ".st-key-welcome_signal", "h2"]) {
            const tops = [...document.querySelectorAll(selector)].map(e => Math.round(e.getBoundingClientRect().top));
            if (tops.length) (window.places[selector] ??= new Set()).add(Math.max(...tops));
        }
        requestAnimationFrame(look);
    };
    look();
}"""


def drawing(someone: Visitor) -> Locator:
    return someone.page.locator("canvas.dc-canvas.lower-canvas")


def ink(someone: Visitor) -> Any:
    """Where the ink is: left, top, right, bottom."""
    return drawing(someone).evaluate(INK)


def wait_for_ink(someone: Visitor, expected: Any) -> None:
    """Until the ink is where it was, to the pixel or so."""
    expected = pytest.approx(expected, abs=0.006) if expected else None
    someone.wait_until(lambda: ink(someone) == expected, f"the ink is at {expected}")


def n_covered(someone: Visitor) -> int:
    """At how many of 49 places something lies over the canvas."""
    return drawing(someone).evaluate(
        """canvas => {
            const {left, top, width, height} = canvas.getBoundingClientRect();
            const at = [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99];
            return at.flatMap(x => at.map(y => document.elementFromPoint(left + x * width, top + y * height)))
                .filter(found => found?.tagName !== "CANVAS").length;
        }"""
    )


@pytest.mark.parametrize("address", ["/", "/draw"])
def test_the_whole_canvas_and_its_answer_are_seen_and_strokes_land_where_they_are_drawn(
    visit: Visit, address: str
) -> None:
    someone = visit(address, width=1440, height=900)
    for width, height in ((1440, 900), (1024, 768)):
        someone.page.set_viewport_size({"width": width, "height": height})
        someone.draw(SEVEN)
        expect(someone.answer).to_have_text("7")
        assert ink(someone) == pytest.approx(WHOLE_SEVEN, abs=0.035)
        someone.page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")
        expect(drawing(someone)).to_be_in_viewport(ratio=1)
        expect(someone.answer).to_be_in_viewport(ratio=1)
        assert not n_covered(someone)
        someone.button("Clear").click()
        expect(someone.answer).to_have_count(0)


def test_a_finger_draws_from_the_top_right_corner_and_does_not_scroll(visit: Visit) -> None:
    someone = visit("/", width=390, height=844, touch=True)
    box = someone.page.locator("canvas").first.bounding_box()
    assert box is not None
    assert box["width"] > 280
    assert not n_covered(someone)
    main = someone.page.get_by_test_id("stMain")
    before = main.evaluate("main => main.scrollTop")
    finger = someone.page.context.new_cdp_session(someone.page)
    for step in range(11):
        x, y = box["x"] + box["width"] * (0.97 - 0.05 * step), box["y"] + box["height"] * (0.03 + 0.09 * step)
        kind = "touchMove" if step else "touchStart"
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(someone.answer).to_be_visible()
    left, top, right, bottom = ink(someone)
    assert left < 0.5 < 0.97 < right
    assert top < 0.05 < 0.9 < bottom
    assert main.evaluate("main => main.scrollTop") == before


def test_a_drawing_outlives_visits_to_other_pages_and_is_undone_stroke_by_stroke(visit: Visit) -> None:
    someone = visit("/draw?brush=25")
    someone.draw(SEVEN)
    expect(someone.answer).to_have_text("7")
    seven = ink(someone)
    someone.draw(DOT)
    someone.wait_until(lambda: ink(someone) != seven, "the second stroke is there")
    both = ink(someone)
    someone.page.wait_for_timeout(500)  # the canvas tells of a stroke a fifth of a second after its end
    someone.wait()

    someone.go_to("Data")
    someone.go_to("Draw")
    wait_for_ink(someone, both)
    expect(someone.answer).to_have_text("7")
    expect(someone.keyed("brush").get_by_role("slider")).to_have_value("25")
    someone.go_to("Welcome")
    wait_for_ink(someone, both)
    expect(someone.answer).to_have_text("7")

    someone.button("Clear").click()
    wait_for_ink(someone, None)
    expect(someone.answer).to_have_count(0)
    someone.button("Undo").click()  # of the Clear
    wait_for_ink(someone, both)
    someone.button("Undo").click()
    wait_for_ink(someone, seven)
    expect(someone.answer).to_have_text("7")
    someone.button("Undo").click()
    wait_for_ink(someone, None)
    expect(someone.button("Undo")).to_be_disabled()
    someone.draw(ONE)
    expect(someone.answer).to_have_text("1")


def test_a_stroke_goes_on_while_the_page_changes_around_it(visit: Visit) -> None:
    someone = visit("/draw")
    box = someone.page.locator("canvas").first.bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in SEVEN]
    mouse = someone.page.mouse
    mouse.move(*places[0])
    mouse.down()
    mouse.move(*places[1], steps=4)
    someone.choose("run", "1 · own settings")  # all of the page runs again, with another network
    expect(someone.page).to_have_url(re.compile(r"\brun=1\b"))
    someone.wait()
    mouse.move(*places[2], steps=4)
    mouse.up()
    expect(someone.answer).to_be_visible()
    assert ink(someone) == pytest.approx(WHOLE_SEVEN, abs=0.035)

    # and another network reads what is drawn, which stays
    before = ink(someone)
    expect(someone.page.get_by_text("So says run 1")).to_be_visible()
    someone.choose("run", "Pretrained network")
    expect(someone.page.get_by_text("So says the pretrained network")).to_be_visible()
    expect(someone.answer).to_have_text("7")
    assert ink(someone) == before


def test_nothing_jumps_when_a_drawing_comes_and_goes(visit: Visit) -> None:
    someone = visit("/")
    expect(someone.keyed("welcome_signal").locator(".answers")).to_be_visible()
    someone.page.evaluate(WATCH_PLACES)
    someone.draw(SEVEN)
    expect(someone.answer).to_have_text("7")
    someone.button("Clear").click()
    expect(someone.answer).to_have_count(0)
    someone.wait()
    places = someone.page.evaluate("Object.entries(window.places).map(([what, tops]) => [what, [...tops]])")
    assert len(places) == 4
    assert all(max(tops) - min(tops) <= 2 for _, tops in places), places
