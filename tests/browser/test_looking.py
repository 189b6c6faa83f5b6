"""The pages that look at a network: its weights, drawings that it reads, and its mistakes."""

import re

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from nnlib.digits.mnist import load_mnist
from nnlib.model_files import load_pretrained
from nnlib.study.evaluation import evaluate
from tests.browser.app import Strokes, Visitor, running_app, visitor
from tests.browser.conftest import EPOCHS, Visit, train_a_run


def arc(x: float, y: float, radius_x: float, radius_y: float, start: float, stop: float) -> list[tuple[float, float]]:
    """A stroke along an ellipse, from one angle in degrees to another; 0 is to the right, 90 down."""
    angles = np.radians(np.linspace(start, stop, 16))
    return [(x + radius_x * float(np.cos(a)), y + radius_y * float(np.sin(a))) for a in angles]


DRAWINGS: dict[str, Strokes] = {
    "7": [[(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]],
    "0": [arc(0.5, 0.5, 0.22, 0.32, -90, 270)],
    "1": [[(0.5, 0.15), (0.5, 0.85)]],
    "3": [[*arc(0.45, 0.33, 0.22, 0.17, -150, 90), *arc(0.45, 0.67, 0.25, 0.17, -90, 150)]],
}


# --- weights ---


def test_weights_shows_128_pictures_and_goes_back_in_time(visit: Visit) -> None:
    someone = visit("/weights?run=1")
    assert someone.cells("weight_grid") == 128
    picture = someone.keyed("weight_grid").locator("img")
    trained = picture.get_attribute("src")
    expect(someone.moment).to_have_attribute("aria-valuetext", f"after epoch {EPOCHS}")
    someone.moment.focus()
    someone.page.keyboard.press("Home")
    expect(someone.page).to_have_url(re.compile(r"\bepoch=0\b"))
    someone.wait_until(lambda: picture.get_attribute("src") != trained, "the pictures change with the epoch")
    assert someone.cells("weight_grid") == 128


def test_click_on_a_weight_picture_enlarges_its_unit(visit: Visit) -> None:
    someone = visit("/weights")
    someone.click_cell("weight_grid", 37)
    expect(someone.keyed("unit").get_by_role("spinbutton")).to_have_value("37")


def test_a_cell_says_what_it_is_when_it_is_pointed_at(visit: Visit) -> None:
    someone = visit("/weights")
    someone.keyed("weight_grid").locator(".cells").hover(position={"x": 2, "y": 2})
    expect(someone.keyed("weight_grid").locator(".word")).to_have_text("unit 0")
    someone.keyed("unit_picture").locator(".cells").hover(position={"x": 2, "y": 2})
    word = someone.keyed("unit_picture").locator(".word")
    expect(word).to_have_text(re.compile(r"^row 0, column 0: [+-]0\.\d\d$"))
    someone.page.mouse.move(1, 1)
    expect(word).to_be_hidden()


# --- draw ---


def test_drawn_digits_are_read_and_cleared(visit: Visit) -> None:
    someone = visit("/draw")
    expect(someone.answer).to_have_count(0)
    for digit, strokes in DRAWINGS.items():
        someone.draw(*strokes)
        expect(someone.answer).to_have_text(digit)
        someone.button("Clear").click()
        expect(someone.answer).to_have_count(0)


# --- mistakes ---


def most_common_mistake() -> tuple[int, int, int]:
    """The true digit, the answer of the pretrained network, and how often."""
    matrix = evaluate(load_pretrained().network, load_mnist().test).confusion
    np.fill_diagonal(matrix, 0)
    true, answer = divmod(int(matrix.argmax()), len(matrix))
    return true, answer, int(matrix.max())


def gallery(someone: Visitor) -> list[str]:
    """What stands below the pictures in the gallery."""
    return someone.page.locator(".sheet > span").all_text_contents()


def test_a_click_on_a_cell_shows_its_digits_and_so_do_the_boxes(visit: Visit) -> None:
    true, answer, n = most_common_mistake()
    clicker, typist = visit("/mistakes"), visit("/mistakes")

    clicker.click_cell("confusion", 11 * (true + 1) + answer + 1)
    expect(clicker.keyed("true").get_by_role("combobox")).to_have_value(str(true))
    expect(clicker.keyed("answer").get_by_role("combobox")).to_have_value(str(answer))
    expect(clicker.page.locator(".sheet > span")).to_have_text([f"{true}→{answer}"] * n)

    typist.choose("true", str(true))
    typist.choose("answer", str(answer))
    expect(typist.page.locator(".sheet > span")).to_have_text(gallery(clicker))


def test_a_click_on_a_digit_of_the_gallery_looks_closer_at_it_and_has_a_link(visit: Visit) -> None:
    someone = visit("/mistakes")
    expect(someone.keyed("closer_pixels").locator("figcaption")).to_be_visible()
    says = str(someone.keyed("gallery").locator(".cells").get_attribute("data-says")).split("|")
    number = re.findall(r"no\. ([\d,]+)", says[7])[0]
    someone.click_cell("gallery", 7)
    title = re.compile(f"Test digit {number}, ")
    expect(someone.keyed("closer_pixels").locator("figcaption")).to_have_text(title)
    expect(someone.page.get_by_role("heading", name=f"Test digit {number}, closer")).to_be_in_viewport()

    someone.keyed("why").get_by_text("What would turn it").click()
    expect(someone.keyed("redrawn").locator("figure")).to_have_count(2)
    other = visit(someone.page.url.removeprefix(someone.url))
    expect(other.keyed("closer_pixels").locator("figcaption")).to_have_text(title)
    expect(other.keyed("redrawn").locator("figure")).to_have_count(2)
    expect(other.page.get_by_role("heading", name=f"Test digit {number}, closer")).to_be_in_viewport()
    expect(other.page.get_by_role("heading", level=1)).not_to_be_in_viewport()


def test_a_thousand_digits_are_one_picture(visit: Visit) -> None:
    someone = visit("/mistakes?true=1&answer=1")
    expect(someone.page.locator(".sheet > span")).to_have_count(1000)
    assert someone.keyed("gallery").locator(".ink").count() == 1


def test_a_doubtful_label_is_judged_with_the_evidence_beside_it(visit: Visit) -> None:
    someone = visit("/mistakes?ask=labels&doubt=947")
    expect(someone.page.get_by_role("heading", name="Test digit 947: labelled 8")).to_be_visible()
    someone.keyed("one_doubt").get_by_role("radio", name="9", exact=True).click()
    expect(someone.page.get_by_text("Judged: wrong: a 9.")).to_be_visible()
    other = visit("/mistakes?ask=labels&judged=wrong")
    expect(other.page.locator(".sheet > span")).to_have_text(["8, 9?"])


def test_two_networks_differ_in_digits_that_can_be_clicked(visit: Visit) -> None:
    someone = visit("/mistakes?ask=two&run=1&other=0")
    expect(someone.keyed("two_answers").locator(".bars")).to_have_count(2)
    before = someone.page.get_by_text(re.compile("^No\\. ")).inner_text()
    someone.click_cell("gallery_of_two", 1)
    expect(someone.page.get_by_text(re.compile("^No\\. "))).not_to_have_text(before)


# --- addresses ---


def test_deep_link_is_the_first_thing_that_a_server_ever_shows(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("fresh")
    train_a_run(folder)
    with running_app(folder) as fresh:
        someone = visitor(browser, fresh.url)
        someone.open("/weights?run=1&epoch=2")
        expect(someone.moment).to_have_attribute("aria-valuetext", "after epoch 2")
        expect(someone.keyed("run").get_by_role("combobox")).to_have_value(re.compile("^1 ·"))
        expect(someone.page.get_by_role("dialog")).to_have_count(0)
        assert someone.cells("weight_grid") == 128
        someone.check()
        someone.page.context.close()


def test_the_first_page_is_found_under_its_name_too(visit: Visit) -> None:
    someone = visit("/welcome?run=1")
    expect(someone.page.get_by_role("heading", level=1)).to_have_text("Watch a neural network learn to read")
    expect(someone.keyed("run").get_by_role("combobox")).to_have_value(re.compile("^1 ·"))
    expect(someone.page.get_by_role("dialog")).to_have_count(0)
    someone.go_to("Data")
    someone.go_to("Welcome")


def test_settings_come_from_the_address(visit: Visit) -> None:
    someone = visit("/train?learning_rate=0.01&epochs=20")
    expect(someone.keyed("epochs").get_by_role("textbox")).to_have_value("20")
    expect(someone.keyed("learning_rate").get_by_role("textbox")).to_have_value("0.01")


def test_a_cell_of_the_mistakes_comes_from_the_address(visit: Visit) -> None:
    someone = visit("/mistakes?true=4&answer=9")
    expect(someone.keyed("true").get_by_role("combobox")).to_have_value("4")
    expect(someone.page.locator(".sheet > span").first).to_have_text("4→9")
    assert set(gallery(someone)) == {"4→9"}


def test_visitors_may_not_leave_this_machine(browser: Browser, visit: Visit) -> None:
    """That the guard around all these tests works."""
    someone = visit("/")
    someone.page.evaluate("() => fetch('https://example.org').catch(() => null)")
    assert any("https://example.org" in problem for problem in someone.problems)
    someone.problems.clear()
