"""Pictures of every page: python tests/browser/screenshots.py [FOLDER] [--readme]

A fresh app with a store of its own trains a run; then every page is taken in light and dark, for a
large screen, a projector and a phone, as PAGE-THEME-WIDTH.png and as high as the page is. With --readme
it is what a large screen shows of it, in light.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

# run as a file, not as a module
sys.path.insert(0, str(Path(__file__).parents[2]))

from nnlib.training import PRESETS, describe
from tests.browser.app import Theme, Visitor, launch, running_app, visitor
from tests.conftest import train_to_its_end

WIDTHS = (1440, 1024, 390)
README_HEIGHT = 900
TRAINING_SECONDS = 600
OTHER_RATES = (0.0002, 0.01)  # of two more runs, for the page that compares them

THREE = [(0.3, 0.2), (0.45, 0.13), (0.62, 0.18), (0.66, 0.3), (0.58, 0.42), (0.45, 0.48)]
THREE += [(0.62, 0.55), (0.7, 0.68), (0.6, 0.82), (0.42, 0.87), (0.28, 0.8)]


SEVEN = [(0.3, 0.15), (0.72, 0.14), (0.48, 0.88)]


def draw_a_three(someone: Visitor) -> None:
    """What a page shows once a digit is drawn on it."""
    someone.draw(THREE)
    expect(someone.answer).to_be_visible()


def draw_a_number(someone: Visitor) -> None:
    """What a page shows once a number is drawn on it."""
    someone.draw([(0.15 + x * 0.4, y) for x, y in THREE])
    expect(someone.answer).to_have_text("3")
    someone.draw([(0.48 + x * 0.4, y) for x, y in SEVEN])
    expect(someone.answer).to_have_text("37")


def draw_the_landscape(someone: Visitor) -> None:
    """The landscape, drawn to its end."""
    someone.button("Draw the landscape").click()
    expect(someone.page.locator(".js-plotly-plot").first).to_be_visible()
    expect(someone.page.get_by_test_id("stMain").get_by_role("progressbar")).to_have_count(0)


def nothing(someone: Visitor) -> None:
    """It shows all as soon as it is opened."""


# a page's name: where it is, and what is done there first
PAGES: dict[str, tuple[str, Callable[[Visitor], None]]] = {
    "welcome": ("/?run=1", draw_a_three),
    "data": ("/data?run=1", nothing),
    "train": ("/train?run=1", nothing),
    "race": ("/race", nothing),
    "landscape": ("/landscape?run=2&second=3", draw_the_landscape),
    "runs": ("/runs?compare=1,2,3", nothing),
    "weights": ("/weights?run=1", nothing),
    "draw": ("/draw?run=1", draw_a_number),
    "mistakes": ("/mistakes?run=1", nothing),
    "closer": ("/mistakes?no=3869", nothing),
}


def take(someone: Visitor, path: Path, whole: bool) -> None:
    """One picture of the page, in few colours: of all of it, or of what the window shows."""
    page = someone.page
    page.mouse.move(380, 5)  # where nothing shows itself for being pointed at
    if whole:
        # it scrolls inside: a window as high as its content shows all of it
        width = page.evaluate("innerWidth")
        height = page.get_by_test_id("stMain").evaluate("main => main.scrollHeight")
        page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(1000)  # figures take their new size, and pictures arrive
    someone.wait()
    page.screenshot(path=path)
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    print(f"{path}   {few.width} x {few.height}   {path.stat().st_size // 1024} kB")


def take_page(browser: Browser, url: str, name: str, folder: Path, readme: bool, as_name: str = "") -> None:
    """Every picture of one page."""
    address, prepare = PAGES[name]
    themes: tuple[Theme, ...] = ("light",) if readme else ("light", "dark")
    for theme, width in product(themes, WIDTHS[:1] if readme else WIDTHS):
        someone = visitor(browser, url, width=width, height=README_HEIGHT, theme=theme)
        someone.open(address)
        prepare(someone)
        take(someone, folder / f"{as_name or name}-{theme}-{width}.png", whole=not readme)
        someone.check()
        someone.page.context.close()


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description="Take pictures of every page of the app.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("docs/screenshots"))
    parser.add_argument("--readme", action="store_true", help="only the few, smaller ones of the README")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as home,
        sync_playwright() as playwright,
        running_app(Path(home)) as app,
        launch(playwright.chromium) as browser,
    ):
        trainer = visitor(browser, app.url)
        trainer.open("/train")
        trainer.choose_preset("standard")
        trainer.button("Start").click()
        trainer.wait_for_live_points(30)
        take_page(browser, app.url, "train", arguments.folder, arguments.readme, as_name="train-learning")
        expect(trainer.button("Stop")).to_be_disabled(timeout=TRAINING_SECONDS * 1000)
        for rate in OTHER_RATES:
            config = PRESETS["quick"].config.with_changes(learning_rate=rate)
            train_to_its_end(Path(home), config, describe(config))
        trainer.open("/race?race_epochs=6")
        trainer.button("Race five learning rates").click()
        expect(trainer.button("Stop the race")).to_be_disabled(timeout=TRAINING_SECONDS * 1000)
        for name in PAGES:
            if arguments.readme and name == "train":  # it is shown while it learns
                continue
            take_page(browser, app.url, name, arguments.folder, arguments.readme)


if __name__ == "__main__":
    main()
