"""With pictures that are no digits, every page speaks of pictures and of what they show."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import resources
from dashboard.parts import inside, why
from dashboard.resources import spoken
from nnlib.digits import Digits, idx_files, load_mnist
from nnlib.runs import RunStore, worker
from tests.dashboard.test_mistakes import QUESTIONS
from tests.dashboard.test_pages import PAGES, SMALL, a_seven, complaints, draw, open_page
from tests.dashboard.test_pages import nothing_cached as nothing_cached

OF_THE_PRETRAINED = "The pretrained network learned digits"
NAMES = {"id", "key", "form_id", "element_id", "component_name", "mime", "query_param_key", "url_pathname"}
IN_THE_BROWSER = {"html_content", "css_content", "js_content"}  # which says it there in other words


def save_pictures(folder: Path) -> Path:
    """Pictures in the form of Fashion-MNIST: of each class, a patch at a place of its own, in noise; their folder."""
    folder = folder / "fashion-mnist"
    folder.mkdir()
    random = np.random.default_rng(1)
    for part, n in (("train", 4000), ("t10k", 500)):
        labels = random.integers(0, 10, n).astype(np.uint8)
        pictures = random.integers(0, 60, (n, 28, 28), np.uint8)
        for picture, label in zip(pictures, labels, strict=True):
            top, left = divmod(int(label), 5)
            picture[4 + 10 * top :, 1 + 5 * left :][:9, :6] += 120
        labels[::20] = (labels[::20] + 1) % 10  # some labels are wrong
        for name, content in idx_files(Digits.from_bytes(pictures, labels), part).items():
            (folder / name).write_bytes(content)
    return folder


def train_on(folder: Path, home: Path) -> int:
    """The number of a run that learned the pictures in that folder."""
    with closing(RunStore(home)) as store:
        run_id = store.create_run(SMALL, "quick", str(folder))
        list(worker.work(store, run_id))
    return run_id


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_pictures(tmp_path_factory.mktemp("data"))


@pytest.fixture
def run(folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """The number of a run that learned them."""
    monkeypatch.setattr(resources, "DATA_DIRECTORY", str(folder))
    return train_on(folder, home)


def read_on(app: AppTest) -> Iterator[str]:
    """All that somebody reads or hears on the page."""
    for block in (app.main, app.sidebar):
        for element in block:
            proto = getattr(element, "proto", None)
            if proto is not None:
                yield from texts(proto)


def texts(message: Any) -> Iterator[str]:
    for field, value in message.ListFields():
        if field.name in NAMES | IN_THE_BROWSER:
            continue
        for each in value if isinstance(value, list) or field.is_repeated else [value]:
            if hasattr(each, "ListFields"):
                yield from texts(each)
            elif field.name in ("json", "mixed_json", "spec"):  # of components, and of charts
                yield from in_data(json.loads(each))
            elif isinstance(each, str):
                yield plain(each)


def in_data(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from in_data(each)
    elif isinstance(value, list):
        for each in value:
            yield from in_data(each)
    elif isinstance(value, str):
        yield plain(value)


def plain(text: str) -> str:
    """What is seen of HTML: neither styles nor tags, but what they say to the pointer."""
    said = re.findall(r'(?:title|alt|aria-label|data-says|data-word)="([^"]*)"', text)
    without = re.sub(r"<style>.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL)
    return " ".join([without, *said])


def speaks_of_digits(app: AppTest) -> list[str]:
    found = [text for text in read_on(app) if re.search(r"(?i)digit", text.replace(OF_THE_PRETRAINED, ""))]
    assert len("".join(read_on(app))) > 200, "nothing is read at all"
    return found


@pytest.mark.parametrize("page", PAGES)
def test_no_page_speaks_of_digits(page: str, run: int) -> None:
    for address in ({}, {"run": str(run)}):
        app = open_page(page, **address)
        warned = [] if address or page not in ("welcome", "draw", "mistakes") else [OF_THE_PRETRAINED]
        assert [each[: len(OF_THE_PRETRAINED)] for each in complaints(app)] == warned
        assert speaks_of_digits(app) == []


@pytest.mark.parametrize("ask", QUESTIONS)
def test_no_question_speaks_of_digits(ask: str, run: int) -> None:
    for of in ("test", "validation"):
        app = open_page("mistakes", run=str(run), ask=ask, of=of)
        assert not complaints(app)
        assert speaks_of_digits(app) == []
    assert ask != "labels" or "What is it really?" in " ".join(read_on(app)), "there is a doubtful label"


@pytest.mark.parametrize("look", why.LOOKS)
def test_no_look_speaks_of_digits(look: str, run: int, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("mistakes", run=str(run), why=look, no="7")
    assert not complaints(app)
    assert speaks_of_digits(app) == []
    name = load_mnist(resources.DATA_DIRECTORY).names[int(resources.data().test.labels[7])]
    assert any(name in each.value for each in app.markdown)
    draw(monkeypatch, a_seven())
    app = open_page("draw", run=str(run), why=look)
    assert not complaints(app)
    assert speaks_of_digits(app) == []


@pytest.mark.parametrize("look", inside.LOOKS)
def test_no_look_inside_speaks_of_digits(look: str, run: int) -> None:
    app = open_page("train", run=str(run))
    app.session_state["inside"] = True
    app.session_state["inside_look"] = look
    app.run()
    assert not complaints(app)
    assert speaks_of_digits(app) == []


def test_links_name_classes_by_their_numbers(run: int) -> None:
    app = open_page("mistakes", run=str(run), true="2", answer="4")
    assert [app.selectbox(key=key).value for key in ("true", "answer")] == ["2", "4"]
    app.selectbox(key="true").set_value("3").run()
    assert app.query_params["true"] == "3"
    app = open_page("data", digit="5")
    assert app.segmented_control(key="digit").value == "5"
    app.segmented_control(key="digit").set_value("7").run()
    assert app.query_params["digit"] == "7"


def test_a_drawing_is_read_as_one_picture_and_nobody_is_asked_to_correct_it(
    run: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = np.zeros((280, 280, 4), np.uint8)
    two[100:180, 20:60] = two[60:220, 150:190] = (0, 0, 0, 255)
    draw(monkeypatch, two)
    app = open_page("draw", run=str(run))
    assert not complaints(app)
    names = load_mnist(resources.DATA_DIRECTORY).names
    assert any(re.match(rf"So says .*\*\*({'|'.join(names)})\*\*: ", each.value) for each in app.caption)
    assert "Wrong?" not in " ".join(read_on(app))


def test_what_certainty_costs_is_counted_without_asking_whether_it_is_a_digit(run: int) -> None:
    assert (resources.test_likeness() == 1).all()


def test_a_run_that_learned_from_other_data_is_said_to_be_no_judge(run: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "DATA_DIRECTORY", None)
    resources.data.clear()
    (said,) = complaints(open_page("mistakes", run=str(run)))
    assert said.startswith(f"Run {run} learned from other data")


def test_what_is_said_of_digits_is_said_of_what_the_data_are(run: int) -> None:
    assert spoken("Digits: a digit, handwritten digits") == "Pictures: a picture, pictures"
    assert spoken("of each digit, Digit by digit", "class") == "of each class, Class by class"
    assert spoken("digital digits") == "digital pictures"
