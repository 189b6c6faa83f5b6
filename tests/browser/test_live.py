"""While a network learns, every page follows it by itself; and the film of how it learned."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.app import Visitor, running_app, visitor
from tests.browser.conftest import EPOCHS, Visit

A_SEVEN = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]


def changes_by_itself(someone: Visitor, what: str, seen: object) -> None:
    """Whatever `seen` gives is another thing a little later, although nobody touches anything."""
    assert callable(seen)
    before = seen()
    someone.wait_until(lambda: seen() not in (before, None, ""), f"{what} changes by itself")


def test_weights_form_before_ones_eyes(visit: Visit, learning_run: int) -> None:
    someone = visit(f"/weights?run={learning_run}")
    picture = someone.keyed("weight_grid").locator("img")
    picture.wait_for(state="attached")
    changes_by_itself(someone, "the picture of the weights", lambda: picture.get_attribute("src"))
    changes_by_itself(someone, "the moment", lambda: someone.moment.get_attribute("aria-valuetext"))
    changes_by_itself(someone, "the line in the sidebar", someone.line.inner_text)
    assert someone.cells("weight_grid") == 128


def test_confusion_matrix_and_gallery_follow(visit: Visit, learning_run: int) -> None:
    someone = visit(f"/mistakes?run={learning_run}")
    cells = someone.page.locator(".confusion td")
    cells.first.wait_for(state="attached")
    changes_by_itself(someone, "the confusion matrix", lambda: cells.all_text_contents())
    changes_by_itself(someone, "the gallery", lambda: someone.page.locator(".sheet").inner_html())


def test_a_drawing_is_read_anew_and_stays(visit: Visit, learning_run: int) -> None:
    someone = visit(f"/draw?run={learning_run}")
    someone.draw(A_SEVEN)
    expect(someone.answer).to_be_visible()
    ink = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.join()"
    canvas = someone.page.locator("canvas").first
    drawn = canvas.evaluate(ink)
    bars = someone.keyed("draw_probabilities").locator(".columns div")
    changes_by_itself(someone, "how sure it is", lambda: bars.evaluate_all("bars => bars.map(bar => bar.title)"))
    changes_by_itself(someone, "its way", lambda: someone.page.locator(".way").inner_html())
    assert canvas.evaluate(ink) == drawn


def test_who_went_back_is_left_alone_and_may_follow_again(visit: Visit, learning_run: int) -> None:
    someone = visit(f"/weights?run={learning_run}")
    expect(someone.moment).to_have_attribute("aria-valuetext", re.compile("epoch [1-9]"))
    someone.moment.focus()
    someone.page.keyboard.press("Home")
    expect(someone.moment).to_have_attribute("aria-valuetext", "after epoch 0")
    line = someone.line.inner_text()
    expect(someone.line).not_to_have_text(line)
    someone.page.wait_for_timeout(1500)
    expect(someone.moment).to_have_attribute("aria-valuetext", "after epoch 0")
    someone.button("Follow the newest").click()
    expect(someone.moment).not_to_have_attribute("aria-valuetext", "after epoch 0")
    changes_by_itself(someone, "the moment", lambda: someone.moment.get_attribute("aria-valuetext"))


def test_the_sidebar_says_on_every_page_what_the_run_is_doing(visit: Visit, learning_run: int) -> None:
    someone = visit(f"/?run={learning_run}")
    for page in ("Data", "Train", "Weights", "Draw", "Mistakes", "Welcome"):
        someone.go_to(page)
        expect(someone.line).to_contain_text(f"Run {learning_run} is learning")
        changes_by_itself(someone, "the line", someone.line.inner_text)


def test_the_film_plays_from_the_first_moment_pauses_and_ends(visit: Visit) -> None:
    someone = visit("/weights?run=1")
    last = f"after epoch {EPOCHS}"
    expect(someone.moment).to_have_attribute("aria-valuetext", last)
    someone.button("Play").click()
    expect(someone.moment).to_have_attribute("aria-valuetext", "after 2 corrections")
    someone.button("Pause").click()
    expect(someone.button("Play")).to_be_visible()
    someone.wait()
    paused = someone.moment.get_attribute("aria-valuetext")
    someone.page.wait_for_timeout(1500)
    assert someone.moment.get_attribute("aria-valuetext") == paused
    someone.keyed("film_speed").get_by_role("radio", name="Fast").check(force=True)
    someone.button("Play").click()
    expect(someone.moment).to_have_attribute("aria-valuetext", last)
    expect(someone.button("Play")).to_be_visible()


def hide(page: Page, hidden: bool) -> None:
    """Let the page believe that its tab is behind others, or no longer."""
    page.evaluate(
        "hidden => { Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')) }",
        hidden,
    )


@pytest.mark.parametrize("page", ["train", "weights"])
def test_a_hidden_tab_asks_for_nothing(visit: Visit, learning_run: int, page: str) -> None:
    someone = visit("/")
    asked: list[object] = []
    someone.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: asked.append(frame)))
    someone.page.on("request", lambda request: asked.append(request.url))
    someone.open(f"/{page}?run={learning_run}")
    changes_by_itself(someone, "the line", someone.line.inner_text)
    hide(someone.page, True)
    someone.page.wait_for_timeout(1000)  # what was asked before is still answered
    asked.clear()
    someone.page.wait_for_timeout(2500)
    assert not asked
    hide(someone.page, False)
    changes_by_itself(someone, "the line", someone.line.inner_text)
    assert asked


def test_nothing_is_asked_while_somebody_is_on_the_way_to_another_page(visit: Visit, learning_run: int) -> None:
    someone = visit("/")
    sent: list[object] = []
    someone.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    someone.open(f"/weights?run={learning_run}")
    changes_by_itself(someone, "the moment", lambda: someone.moment.get_attribute("aria-valuetext"))
    someone.page.evaluate(
        """() => {
            const link = document.body.appendChild(document.createElement("a"))
            link.href = "#nowhere"
            link.addEventListener("click", (event) => event.preventDefault())
            link.click()
        }"""
    )
    someone.page.wait_for_timeout(300)  # what was asked before is still answered
    sent.clear()
    someone.page.wait_for_timeout(1400)
    assert not sent
    changes_by_itself(someone, "the moment", lambda: someone.moment.get_attribute("aria-valuetext"))
    assert sent


def test_a_pulse_lets_a_slow_page_come_to_its_end_and_loses_no_click(browser: Browser, tmp_path: Path) -> None:
    with running_app(tmp_path, "tests/browser/apps/slow.py") as slow:
        someone = visitor(browser, slow.url)
        someone.page.goto(slow.url)
        expect(someone.page.get_by_text("This is the end.")).to_be_visible()
        for times in range(1, 4):
            someone.button("Press").click()
            expect(someone.page.get_by_text(f"Pressed {times} times.")).to_be_visible()
        someone.check()


def test_the_page_is_not_run_anew_right_after_a_click(browser: Browser, tmp_path: Path) -> None:
    with running_app(tmp_path, "tests/browser/apps/slow.py") as slow:
        someone = visitor(browser, slow.url)
        sent: list[object] = []
        someone.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
        someone.page.goto(slow.url)
        expect(someone.page.get_by_text("This is the end.")).to_be_visible()
        page_is = "[data-testid=stApp][data-test-script-state={}]"
        someone.page.wait_for_selector(page_is.format("running"))
        someone.page.get_by_role("heading").click()
        sent.clear()
        someone.page.wait_for_selector(page_is.format("notRunning"))
        someone.page.wait_for_timeout(400)
        someone.page.get_by_role("heading").click()
        someone.page.wait_for_timeout(700)  # more than a second after the end of that run
        assert not sent
