"""With pictures that are no digits, what the browser makes of the pages speaks of pictures, too."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.app import App, running_app
from tests.browser.conftest import Visit
from tests.dashboard.test_other_data import OF_THE_PRETRAINED, save_pictures, train_on
from tests.dashboard.test_pages import PAGES

SIDEWAYS = "() => document.querySelector('[data-testid=stMain]').scrollWidth - innerWidth"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server of such pictures, with run 1, which learned them, in its store."""
    home, folder = tmp_path_factory.mktemp("home"), save_pictures(tmp_path_factory.mktemp("data"))
    train_on(folder, home)
    with running_app(home, data=folder) as found:
        yield found


def test_nothing_on_any_page_speaks_of_digits(visit: Visit) -> None:
    someone = visit("/train?run=1")
    expect(someone.number("validation_accuracy")).not_to_have_text("–")
    for page in PAGES:
        someone.open(f"/{'' if page == 'welcome' else page}?run=1")
        said = someone.page.locator("body").inner_text().replace(OF_THE_PRETRAINED, "")
        assert not re.findall(r"(?i)[^\n]*digit[^\n]*", said)


def test_a_race_and_a_drawing_speak_of_pictures(visit: Visit) -> None:
    someone = visit("/race?epochs=1&training_digits=1000&validation_digits=200")
    someone.button("Start the race").click()
    expect(someone.page.get_by_role("columnheader", name="best on new pictures")).to_be_visible()
    expect(someone.page.locator(".lesson")).to_contain_text("of the new pictures")
    someone.go_to("Draw")
    someone.draw([(0.3, 0.3), (0.7, 0.3), (0.7, 0.7)])
    expect(someone.answer).to_have_text(
        re.compile("^(T-shirt|trousers|pullover|dress|coat|sandal|shirt|sneaker|bag|ankle)")
    )
    expect(someone.page.get_by_text("Tell it what this is")).to_have_count(0)


def test_names_fit_a_phone(visit: Visit) -> None:
    for page in ("mistakes", "draw", "data"):
        someone = visit(f"/{page}?run=1", width=390, height=800)
        assert someone.page.evaluate(SIDEWAYS) <= 0
