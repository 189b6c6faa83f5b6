"""What is read: drawn on every screen with mouse and finger, in files, from the camera, and in the examples."""

import io
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from nnlib import load_pretrained, read_digits, read_picture
from tests.browser.app import Visitor
from tests.browser.conftest import Visit
from tests.browser.test_screens import what_is_wrong

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


SIDES = (("x", "width"), ("y", "height"))
EXAMPLES = Path(__file__).parents[2] / "dashboard" / "examples"


def boxes(someone: Visitor) -> Locator:
    """The boxes around the digits, from left to right."""
    return someone.keyed("boxes").locator(".boxes > div")


def box_of(place: Locator) -> Any:
    box = place.bounding_box()
    assert box is not None
    return box


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
        box, paper = box_of(boxes(someone)), box_of(drawing(someone))
        left, top = (box["x"] - paper["x"]) / paper["width"], (box["y"] - paper["y"]) / paper["height"]
        right, bottom = left + box["width"] / paper["width"], top + box["height"] / paper["height"]
        assert [left, top, right, bottom] == pytest.approx(WHOLE_SEVEN, abs=0.035), "the box is around the digit"
        someone.button("Clear").click()
        expect(someone.answer).to_have_count(0)
        expect(boxes(someone)).to_have_count(0)


def test_a_finger_writes_a_number_undoes_and_clears_and_the_page_does_not_scroll(visit: Visit) -> None:
    someone = visit("/draw", width=390, height=844, touch=True)
    box = box_of(drawing(someone))
    assert box["width"] > 330
    assert not n_covered(someone)
    main = someone.page.get_by_test_id("stMain")
    before = main.evaluate("main => main.scrollTop")
    finger = someone.page.context.new_cdp_session(someone.page)

    def touch(stroke: list[tuple[float, float]]) -> None:
        for (x, y), (next_x, next_y) in pairwise(stroke):
            for step in range(5):
                point = (x + (next_x - x) * step / 4, y + (next_y - y) * step / 4)
                place = {"x": box["x"] + box["width"] * point[0], "y": box["y"] + box["height"] * point[1]}
                kind = "touchStart" if (point == stroke[0]) else "touchMove"
                finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    touch([(0.3, 0.15), (0.3, 0.85)])
    expect(someone.answer).to_have_text("1")
    touch([(0.6, 0.15), (0.97, 0.15), (0.75, 0.9)])  # to the very edge
    expect(someone.answer).to_have_text("17")
    expect(boxes(someone)).to_have_count(2)
    assert ink(someone)[2] > 0.95
    assert main.evaluate("main => main.scrollTop") == before

    for name in ("Undo", "Clear"):
        assert min(box_of(someone.button(name))[side] for side in ("width", "height")) >= 40, "for a finger"
    someone.button("Undo").tap()
    expect(someone.answer).to_have_text("1")
    someone.button("Clear").tap()
    expect(someone.answer).to_have_count(0)
    wait_for_ink(someone, None)


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


def test_a_photo_is_read_where_its_digits_are_and_outlives_a_file_that_is_none(visit: Visit) -> None:
    someone = visit("/draw?source=Photo+or+file")
    upload = someone.page.locator("input[type=file]")
    upload.set_input_files(EXAMPLES / "photo.jpg")
    expect(someone.answer).to_have_text("8146")
    picture = read_picture(EXAMPLES / "photo.jpg")
    digits = read_digits(picture, load_pretrained()).digits
    shown = someone.keyed("paper").locator("img")
    someone.wait_until(lambda: all(box_of(shown)[long] for _, long in SIDES), "the picture has come")
    paper = box_of(shown)
    seen = [box_of(each) for each in boxes(someone).all()]
    lefts, tops = ([(each[side] - paper[side]) / paper[long] for each in seen] for side, long in SIDES)
    height, width = picture.shape[:2]
    assert lefts == pytest.approx([digit.box[0] / width for digit in digits], abs=0.02)
    assert tops == pytest.approx([digit.box[1] / height for digit in digits], abs=0.02)

    boxes(someone).nth(2).click()
    expect(someone.keyed("digits").locator("button").nth(2)).to_have_attribute("aria-pressed", "true")
    expect(someone.keyed("draw_probabilities").locator(".picture")).to_have_attribute("aria-label", re.compile("4 is"))
    upload.set_input_files({"name": "none.png", "mimeType": "image/png", "buffer": b"no picture at all"})
    expect(someone.page.get_by_role("alert")).to_have_count(1)
    expect(someone.answer).to_have_text("8146")


def test_a_photo_as_an_iphone_takes_it_is_read_and_seen(visit: Visit) -> None:
    file = io.BytesIO()
    with Image.open(EXAMPLES / "photo.jpg") as photo:
        pillow_heif.from_pillow(photo).save(file, quality=90)
    someone = visit("/draw?source=Photo+or+file", width=390, height=844)
    sent = {"name": "IMG_0001.HEIC", "mimeType": "image/heic", "buffer": file.getvalue()}
    someone.page.locator("input[type=file]").set_input_files(sent)  # type: ignore[arg-type]
    expect(someone.answer).to_have_text("8146")
    shown = someone.keyed("paper").locator("img")
    assert shown.evaluate("async image => { await image.decode(); return image.naturalWidth }") > 0


def test_an_example_is_read_and_the_threshold_moved_by_keyboard_alone(visit: Visit) -> None:
    someone = visit("/draw?source=Examples&sure=10")
    expect(someone.answer).to_have_text("3")
    example = someone.keyed("examples").get_by_role("button", name="Four or nine?")
    example.focus()
    example.press("Enter")
    expect(someone.answer).to_have_text("9")
    expect(example).to_be_focused()
    expect(someone.page).to_have_url(re.compile(r"example=unsure\.png"))
    expect(boxes(someone)).not_to_have_class(re.compile("unsure"))

    someone.button("How sure must it be").press("Enter")
    expect(someone.keyed("cost").locator("svg")).to_be_visible()
    someone.wait()
    assert not what_is_wrong(someone)
    slider = someone.keyed("sure").get_by_role("slider")
    slider.press("End")
    expect(someone.page.get_by_text("Not sure, perhaps")).to_be_visible()
    expect(boxes(someone)).to_have_class(re.compile("unsure"))
    expect(boxes(someone)).to_have_text("9?")
    expect(someone.page).to_have_url(re.compile(r"sure=99"))
    expect(someone.page.get_by_text(re.compile(r"At 99% it answers .* of the test digits"))).to_be_visible()


def test_a_photo_is_taken_and_another_one(visit: Visit) -> None:
    someone = visit("/draw?source=Camera")
    take = someone.button("Take Photo")
    someone.page.wait_for_function("() => document.querySelector('video')?.currentTime > 0")
    take.click()
    another = someone.button("Take another")
    expect(another).to_be_visible()
    expect(someone.keyed("paper").locator("img")).to_be_visible()
    another.click()
    expect(take).to_be_visible()
