"""Every page, opened in every state that the store, the data and the address can be in.

Whatever is wrong, a page shows no traceback, and says it once, in a sentence.
"""

import base64
import gc
import io
import json
import pickle
import re
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, replace
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import streamlit as st
from PIL import Image, ImageDraw
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest

from dashboard import jobs, news, resources, session
from dashboard.parts import confusion, form, inside, mending, rate, settings, threshold
from dashboard.words import JOINER
from nnlib import model_files
from nnlib.digits import Digits, idx_files, load_mnist
from nnlib.errors import DivergedError, NnlibError, StoreError
from nnlib.model_files import Model, load_pretrained, model_bytes
from nnlib.reading import SURE, ReadDigit, Reading
from nnlib.runs import Snapshot, export_run, worker
from nnlib.runs.database import checksum
from nnlib.runs.store import RunStore
from nnlib.study import Peculiarities
from nnlib.training.advice import Advice
from nnlib.training.config import PRESETS, SETTINGS, TrainingConfig, describe
from nnlib.training.recipe import Event, Recipe
from nnlib.words import exact
from tests.conftest import train_to_its_end

ROOT = Path(__file__).parents[2]
PAGES = ["welcome", "data", "train", "race", "runs", "landscape", "weights", "draw", "mistakes"]
# enough for it to read most digits: else the page Train rightly says that it does not learn
LOOKING = ("welcome", "weights", "draw", "mistakes")  # the pages that show a network
SMALL = TrainingConfig(hidden_widths=(32,), epochs=2, batch_size=32, training_digits=3000, validation_digits=500)
DEADLINE_SECONDS = 60


@cache
def peculiarities() -> Peculiarities:
    return Peculiarities(load_mnist().train)


@pytest.fixture(autouse=True)
def nothing_cached(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The server starts anew: nothing is left of the test before."""
    st.cache_resource.clear()
    model_files.load_pretrained.cache_clear()
    draw(monkeypatch, None)
    # but for what takes a second, and is the same for every server
    anew = resources.peculiarities
    monkeypatch.setattr(resources, "peculiarities", lambda: anew() if resources.DATA_DIRECTORY else peculiarities())
    yield
    with suppress(NnlibError):
        resources.store().close()
    st.cache_resource.clear()
    model_files.load_pretrained.cache_clear()


@pytest.fixture
def finished_run(home: Path) -> int:
    """A run of two epochs, trained to its end."""
    return train_to_its_end(home, SMALL)


@pytest.fixture
def running_run(home: Path) -> Iterator[int]:
    """A run that a process of its own is at work on."""
    store = RunStore(home)
    run_id = worker.start(store, SMALL.with_changes(epochs=1000), "own settings")
    wait_until(lambda: bool(store.records(run_id)))
    yield run_id
    stop_all(store)
    store.close()


def stop_all(store: RunStore) -> None:
    """Stop what is training, and wait for it."""
    for run in store.runs():
        if run.active:
            with suppress(StoreError):  # it may just have come to its end
                store.send(run.id, "stop")
    wait_until(lambda: not any(run.active for run in store.runs()))


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def open_page(page: str, **address: str) -> AppTest:
    """The page as somebody gets it who types in its address."""
    app = AppTest.from_file(str(ROOT / "dashboard" / "page.py"), default_timeout=60)
    if page != "welcome":
        app.run()
        app.switch_page(f"views/{page}.py")
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def complaints(app: AppTest) -> list[str]:
    """What the page says is wrong, as a reader sees it; fails where it shows a traceback."""
    assert not app.exception
    return [re.sub(r"\\([^a-zA-Z0-9])", r"\1", each.value).replace(JOINER, "") for each in [*app.error, *app.warning]]


def button(app: AppTest, label: str) -> Any:
    return next(each for each in app.button if each.label == label)


def draw(monkeypatch: pytest.MonkeyPatch, picture: np.ndarray | None) -> None:
    """Let the canvas hold this picture. The real one draws, and can be imported, only where there is a browser."""
    strokes = [] if picture is None else [{"type": "Path"}]
    png = None if picture is None else as_png(picture)

    def st_canvas(background_color: str, **_: Any) -> SimpleNamespace:
        return SimpleNamespace(image_bytes=png, json_data={"background": background_color, "objects": strokes})

    with monkeypatch.context() as for_the_import:
        for_the_import.setattr(st.components.v2, "component", lambda *_, **__: None)
        package = find_spec("streamlit_drawable_canvas")
        assert package is not None
        stand_in = SimpleNamespace(st_canvas=None, __file__=package.origin)
        for_the_import.setitem(sys.modules, "streamlit_drawable_canvas", stand_in)
        import_module("dashboard.parts.canvas")
    monkeypatch.setattr("dashboard.parts.canvas.st_canvas", st_canvas)


def as_png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def answer(app: AppTest) -> str:
    """The number that was read; nothing where there is none."""
    found = re.search('class="number">([^<]*)<', "".join(each.proto.body for each in app.get("html")))
    return found[1] if found else ""


def drawn(app: AppTest) -> list[str]:
    """All that the page draws as HTML."""
    return [json.loads(each.proto.json).get("html", "") for each in app.get("bidi_component")]


def a_seven() -> np.ndarray:
    picture = Image.new("RGBA", (280, 280), (0, 0, 0, 0))
    ImageDraw.Draw(picture).line([(70, 60), (210, 60), (125, 235)], "black", 18, joint="curve")
    return np.asarray(picture)


# --- what there is to look at ---


@pytest.mark.parametrize("page", PAGES)
def test_without_any_run_a_page_shows_the_pretrained_network(page: str) -> None:
    app = open_page(page)
    assert not complaints(app)
    assert app.title
    assert app.selectbox(key="run").options == ["Pretrained network"]


@pytest.mark.parametrize("page", PAGES)
def test_a_finished_run_can_be_looked_at_at_any_epoch(page: str, finished_run: int) -> None:
    app = open_page(page, run=str(finished_run), epoch="1")
    assert not complaints(app)
    assert app.selectbox(key="run").value == finished_run
    if page in LOOKING:
        assert app.select_slider(key="step").value == SMALL.steps_per_epoch
    assert app.query_params["run"] == str(finished_run)
    assert app.query_params["epoch"] == "1"


@pytest.mark.parametrize("page", LOOKING)
def test_a_moment_within_the_first_epoch_can_be_looked_at(page: str, finished_run: int) -> None:
    app = open_page(page, run=str(finished_run), step="50")
    assert not complaints(app)
    slider = app.select_slider(key="step")
    assert (slider.value, slider.options[:3]) == (50, ["after epoch 0", "after 1 correction", "after 2 corrections"])
    assert app.query_params["step"] == "50"
    assert "epoch" not in app.query_params


@pytest.mark.parametrize("page", sorted(set(PAGES) - set(LOOKING)))
def test_a_page_that_shows_no_network_has_no_slider_for_one(page: str, finished_run: int) -> None:
    app = open_page(page, run=str(finished_run))
    assert "step" not in {slider.key for slider in app.select_slider}


def test_a_run_can_be_looked_at_while_it_learns(running_run: int) -> None:
    resources.store().send(running_run, "pace", 20)  # before there is anything to be warned of
    for page in PAGES:
        app = open_page(page, run=str(running_run))
        assert not complaints(app), page
        assert app.selectbox(key="run").value == running_run


@pytest.mark.parametrize("page", LOOKING)
def test_a_moment_that_a_newer_one_replaces_meanwhile_is_not_missed(
    page: str, finished_run: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced, listed, read = Snapshot(10_000, 2.5), resources.snapshots, resources.model
    asked: list[int] = []

    def snapshots(run_id: int) -> list[Snapshot]:
        return listed(run_id) if replaced.step in asked else [*listed(run_id), replaced]

    def model(run_id: int | None, step: int) -> Model:
        asked.append(step)
        return read(run_id, step)

    monkeypatch.setattr(resources, "snapshots", snapshots)
    monkeypatch.setattr(resources, "model", model)
    app = open_page(page, run=str(finished_run))
    assert replaced.step in asked
    assert not complaints(app)


@pytest.mark.parametrize("page", PAGES)
def test_a_run_that_has_not_begun_can_be_chosen(page: str, home: Path) -> None:
    store = RunStore(home)
    run_id = store.create_run(SMALL, "own settings")
    store.close()
    assert not complaints(open_page(page, run=str(run_id)))


@pytest.mark.parametrize("page", PAGES)
def test_a_run_of_a_single_narrow_layer_can_be_looked_at(page: str, home: Path) -> None:
    run_id = train_to_its_end(home, SMALL.with_changes(hidden_widths=(1,), epochs=1), "narrow")
    # on the page Train, that it learns next to nothing
    assert len(complaints(open_page(page, run=str(run_id)))) <= (page == "train")


# --- what can be wrong ---


@pytest.mark.parametrize("page", PAGES)
def test_an_unknown_run_is_said_once(page: str) -> None:
    app = open_page(page, run="99")
    (sentence,) = complaints(app)
    assert "99" in sentence
    assert app.title, "the page is there all the same"


NONSENSE = {
    "run": "abc",
    "epoch": "-3",
    "learning_rate": "banana",
    "hidden_widths": "12,abc",
    "optimizer": "luck",
    "seed": "9" * 5000,
    "epochs": "1e400",
    "digit": "77",
    "index": "inf",
    "unit": "1e999",
    "brush": "0",
    "sure": "1e999",
    "source": "nowhere",
    "example": "../../secret.png",
    "true": "x",
}


@pytest.mark.parametrize("page", PAGES)
def test_nonsense_in_the_address_is_said_at_most_once(page: str) -> None:
    for name, value in NONSENSE.items():
        app = open_page(page, **{name: value})
        assert len(complaints(app)) <= 1, name
        assert app.title
    app = open_page(page, **NONSENSE)
    assert len(complaints(app)) == len(set(complaints(app)))
    assert app.title


@pytest.mark.parametrize("page", PAGES)
def test_an_epoch_that_the_run_never_had_shows_its_newest(page: str, finished_run: int) -> None:
    app = open_page(page, run=str(finished_run), epoch="77")
    assert len(complaints(app)) <= 1
    if page in LOOKING:
        assert app.select_slider(key="step").value == SMALL.epochs * SMALL.steps_per_epoch


@pytest.mark.parametrize("page", PAGES)
def test_a_damaged_store_is_said_once(page: str, home: Path) -> None:
    (home / "runs.sqlite").write_bytes(b"no database" * 1000)
    app = AppTest.from_file(str(ROOT / "dashboard" / "page.py"), default_timeout=60).run()
    with suppress(ValueError):  # nothing but the sentence may be left to switch to
        app.switch_page(f"views/{page}.py").run()
    (sentence,) = complaints(app)
    assert str(home) in sentence
    assert app.title, "the page is there all the same"


def test_a_damaged_run_stops_no_page_and_can_be_deleted(finished_run: int, home: Path) -> None:
    store = RunStore(home)
    lost = store.create_run(SMALL, "lost")
    store._connection.execute("UPDATE runs SET config = 'nonsense' WHERE id = ?", (lost,))
    store.close()
    for page in PAGES:
        app = open_page(page, run=str(finished_run))
        assert len(complaints(app)) == (page == "train")
    app = open_page("train")
    (sentence,) = complaints(app)
    assert f"run {lost}" in sentence.lower()
    button(app, f"Delete run {lost}").click().run()
    assert not complaints(app)


@pytest.mark.parametrize("page", PAGES)
def test_a_wrong_data_folder_is_said_once(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "DATA_DIRECTORY", str(tmp_path))
    sentences = complaints(open_page(page))
    assert len(sentences) <= 1
    if page in ("data", "mistakes"):
        assert str(tmp_path) in sentences[0]


@pytest.mark.parametrize("page", PAGES)
def test_a_missing_pretrained_network_is_said_once(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resources.data()
    monkeypatch.setattr(model_files, "PACKAGED", tmp_path)
    sentences = complaints(open_page(page))
    if page in ("data", "train", "race", "runs", "landscape"):
        assert not sentences
    else:
        assert len(sentences) == 1
        assert "pretrained" in sentences[0]


@pytest.mark.parametrize("page", PAGES)
def test_few_digits_of_few_kinds_are_data_too(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_digits(tmp_path, n=300, n_classes=3)
    monkeypatch.setattr(resources, "DATA_DIRECTORY", str(tmp_path))
    app = open_page(page)
    assert not complaints(app)
    assert app.title


def test_a_single_test_digit_is_enough_for_welcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_digits(tmp_path, n=1, n_classes=1)
    monkeypatch.setattr(resources, "DATA_DIRECTORY", str(tmp_path))
    assert not complaints(open_page("welcome"))


def save_digits(folder: Path, n: int, n_classes: int) -> None:
    """Some of MNIST's digits, of so many kinds, in files of the same form."""
    data = load_mnist()
    for part, digits in (("train", data.train), ("t10k", data.test)):
        chosen = np.flatnonzero(digits.labels < n_classes)[:n]
        for name, content in idx_files(Digits(digits.images[chosen], digits.labels[chosen]), part).items():
            (folder / name).write_bytes(content)


# --- what is said of a run ---


def test_a_run_that_waits_is_not_said_to_begin(home: Path) -> None:
    with closing(RunStore(home)) as store:
        run_id = store.create_run(SMALL, "own settings")
    assert news.how_far(resources.run(run_id)) == (f"Run {run_id} waits in line.", 0.0)


def test_a_run_that_is_paused_says_after_how_many_corrections(finished_run: int) -> None:
    resources.store().enqueue(finished_run, {"epochs": 4})
    resources.store().set_state(finished_run, "paused")
    steps = SMALL.epochs * SMALL.steps_per_epoch
    said = f"Run {finished_run} is paused: epoch 2 of 4 is done, after {steps:,} corrections."
    assert news.how_far(resources.run(finished_run)) == (said, 0.5)


def test_what_changes_while_the_page_is_run_is_news_to_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(RunStore(home)) as store:
        run_id = store.create_run(SMALL, "own settings")
        store.begin(run_id)
        tell = news.tell

        def pause_and_tell(run: int, after: int | None, viewer: str) -> dict[str, Any]:
            if after is not None:  # the curves, which are drawn once the page has read how the run stands
                store.set_state(run_id, "paused")
            return tell(run, after, viewer)

        monkeypatch.setattr(news, "tell", pause_and_tell)
        app = open_page("train", run=str(run_id))
        assert button(app, "Pause").proto.disabled is False
        (curves,) = [told for told in told_to_components(app) if "points" in told]
        assert curves["shown"][0] == "running", "as the buttons show it: the next answer is another one"
        assert tell(run_id, None, "")["shown"][0] == "paused"


@pytest.mark.parametrize("when", ["before", "after"])
def test_who_follows_the_newest_follows_whatever_comes_while_the_page_is_made(
    finished_run: int, home: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    app = open_page("weights", run=str(finished_run), epoch="1")
    with closing(RunStore(home)) as store:
        store.enqueue(finished_run, {"epochs": 4})
        parameters = store.model(finished_run, 1).network.parameters
        steps = iter(range(SMALL.epochs * SMALL.steps_per_epoch + 2, 10_000))

        def learn_on() -> None:  # the newest moment stands only until the next
            step = next(steps)
            store.save_snapshot(finished_run, Snapshot(step, 2.5), parameters, replaces=[step - 1])

        settle = session.settle_moment

        def settle_meanwhile() -> list[Snapshot]:  # once the button has done what it does
            if when == "before":
                learn_on()
            kept = settle()
            if when == "after":
                learn_on()
            return kept

        app.run()
        learn_on()
        monkeypatch.setattr(session, "settle_moment", settle_meanwhile)
        button(app, "Follow the newest").click().run()
        monkeypatch.setattr(session, "settle_moment", settle)
        learn_on()
        app.run()
        assert app.select_slider(key="step").value == store.snapshots(finished_run)[-1].step


def told_to_components(app: AppTest) -> list[dict[str, Any]]:
    """What the components of the page were told of the run."""
    found = [json.loads(each.proto.json or "{}") for each in app.get("bidi_component")]
    return [each["told"] for each in found if "told" in each]


def test_a_run_that_shows_no_sign_of_life_is_said_to_and_not_when_it_will_be_done(home: Path) -> None:
    with closing(RunStore(home)) as store:
        run_id = store.create_run(SMALL, "own settings")
        store.begin(run_id)
        for silent_seconds, said in ((0, "is learning"), (60, "has shown no sign of life for 1 min")):
            store._connection.execute("UPDATE runs SET sign = sign - ?", (silent_seconds,))
            text, _ = news.how_far(store.run(run_id))
            assert said in text
            assert "left" not in text


@pytest.mark.parametrize("page", LOOKING)
def test_a_run_that_is_deleted_while_a_page_is_drawn_is_said_to_be(
    page: str, finished_run: int, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = resources.runs()
    monkeypatch.setattr(resources, "runs", lambda: known)
    with closing(RunStore(home)) as store:
        store.delete_run(finished_run)
    (said,) = open_page(page, run=str(finished_run)).info
    assert f"Run {finished_run} was deleted" in said.value


def test_how_much_of_the_disk_runs_take_is_said(finished_run: int, home: Path) -> None:
    used = (home / "runs.sqlite").stat().st_size / 2**20
    (said,) = re.findall(
        r"This run takes ([\d.]+) MB on the disk, all runs together ([\d.]+) MB",
        "\n".join(each.value for each in open_page("train", run=str(finished_run)).caption),
    )
    assert 0 < float(said[0]) <= float(said[1]) == pytest.approx(used, rel=0.5)


# --- the page Train ---


def test_what_the_loss_is_stands_where_it_is_drawn() -> None:
    said = " ".join(each.value for each in open_page("train").markdown)
    assert re.search(r"How far off its guesses are is one number, the \*loss\*: 0 would be perfect", said)


def test_the_form_has_a_field_for_every_setting_with_its_limits() -> None:
    app = open_page("train")
    fields = {field.key: field for field in [*app.text_input, *app.selectbox]}
    for name, setting in SETTINGS.items():
        assert setting.limits in fields[name].help
        if setting.choices:
            assert fields[name].options == list(setting.choices.values())


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_sets_every_widget(preset: str) -> None:
    app = open_page("train", epochs="77", dropout="0.5", seed="12", optimizer="SGD")
    assert app.segmented_control(key="preset").value is None
    app.segmented_control(key="preset").set_value(preset).run()
    assert not complaints(app)
    for name in SETTINGS:
        assert SETTINGS[name].check(app.session_state[name]) == getattr(PRESETS[preset].config, name)
    assert app.segmented_control(key="preset").value == preset


def test_settings_come_from_the_address_and_stay_there() -> None:
    asked = {"learning_rate": "0.01", "epochs": "20", "hidden_widths": "32,16", "optimizer": "sgd"}
    app = open_page("train", **asked)
    assert not complaints(app)
    for name, text in asked.items():
        assert app.session_state[name] == text
    app.run()
    assert {name: app.query_params[name] for name in app.query_params} == asked


def test_a_link_with_the_words_on_the_page_is_obeyed_too() -> None:
    app = open_page("train", optimizer="SGD", learning_rate="1e-2")
    assert not complaints(app)
    assert app.selectbox(key="optimizer").value == "sgd"
    assert app.query_params["optimizer"] == "sgd"
    assert app.query_params["learning_rate"] == "0.01"


def test_what_a_link_asks_for_in_vain_does_not_keep_from_starting() -> None:
    app = open_page("train", optimizer="luck")
    (said,) = complaints(app)
    assert "luck" in said
    assert "optimizer" not in app.query_params
    assert not button(app, "Start").disabled
    assert not complaints(app.run())


@pytest.mark.parametrize("preset", PRESETS)
def test_the_address_holds_what_a_preset_changes(preset: str) -> None:
    app = open_page("train")
    app.segmented_control(key="preset").set_value(preset).run()
    again = open_page("train", **{name: app.query_params[name] for name in app.query_params})
    assert again.segmented_control(key="preset").value == preset


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("learning_rate", "1e-4", "0.0001"),
        ("learning_rate", "0.00000010", "0.0000001"),
        ("learning_rate", " 2 ", "2"),
        ("batch_size", "1,024", "1024"),
        ("hidden_widths", "64, 32", "64,32"),
    ],
)
def test_a_typed_value_is_shown_plainly(name: str, text: str, shown: str) -> None:
    app = open_page("train")
    app.text_input(key=name).set_value(text).run()
    assert not complaints(app)
    assert app.text_input(key=name).value == shown
    assert app.query_params[name] == shown


@pytest.mark.parametrize("text", ["5000", "0", "2.5", "many", "", "1e400", "9" * 5000, "nan", "1,00"])
def test_a_number_that_is_not_allowed_is_said_and_nothing_is_started(text: str, home: Path) -> None:
    app = open_page("train")
    app.text_input(key="epochs").set_value(text)
    button(app, "Start").click().run()  # straight from the field, before the page could answer
    (said,) = complaints(app)
    assert SETTINGS["epochs"].limits in said
    assert button(app, "Start").disabled
    assert not resources.store().runs()


@pytest.mark.parametrize(
    ("text", "smaller", "larger"),
    [("0.001", "0.0005", "0.002"), ("0.003", "0.002", "0.005"), ("10", "5", "10"), ("0.00001", "0.00001", "0.00002")],
)
def test_the_learning_rate_goes_in_steps(text: str, smaller: str, larger: str) -> None:
    for key, expected in (("rate_smaller", smaller), ("rate_larger", larger)):
        app = open_page("train", learning_rate=text)
        app.button(key=key).click().run()
        assert app.text_input(key="learning_rate").value == expected


def finish_test(app: AppTest) -> AppTest:
    """The page once the test of rates that was begun on it has ended."""
    wait_until(lambda: app.session_state[rate.JOB].ended)
    return app.run()


SMALL_TEST = {"training_digits": "2000", "validation_digits": "500", "hidden_widths": "16"}


def test_a_rate_is_found_with_the_settings_in_the_form_and_put_into_it() -> None:
    app = open_page("train", learning_rate="5", **SMALL_TEST)
    app.selectbox(key="optimizer").set_value("sgd")
    app.button(key="find_rate").click().run()
    assert "--optimizer=sgd" in app.session_state[rate.JOB].words
    finish_test(app)
    assert not complaints(app)
    told = app.session_state[rate.JOB].lines[-1]
    assert told["why"] in [each.value for each in app.markdown]
    assert app.button(key="use_rate").label == f"Use {exact(told['suggested'])}"
    app.button(key="use_rate").click().run()
    assert app.text_input(key="learning_rate").value == exact(told["suggested"])
    assert app.query_params["learning_rate"] == exact(told["suggested"])
    assert rate.JOB not in app.session_state
    assert not [each for each in app.button if each.key == "use_rate"]


def test_no_rate_is_looked_for_with_wrong_settings() -> None:
    app = open_page("train")
    app.text_input(key="epochs").set_value("many")
    app.button(key="find_rate").click().run()  # straight from the field, before the page could answer
    assert rate.JOB not in app.session_state
    assert app.button(key="find_rate").disabled
    assert len(complaints(app)) == 1


def test_where_no_rate_learns_that_is_said() -> None:
    app = open_page("train", training_digits="100", activation="sigmoid", l2="1", hidden_widths="8")
    app.button(key="find_rate").click().run()
    (said,) = complaints(finish_test(app))
    assert "it had learned to tell digits apart at none" in said
    app.button(key="leave_rate").click().run()
    assert not complaints(app)


def test_a_test_that_fails_or_cannot_begin_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "DATA_DIRECTORY", "/nowhere")
    monkeypatch.setattr(resources, "data", load_mnist)
    app = open_page("train")
    app.button(key="find_rate").click().run()
    (said,) = complaints(finish_test(app))
    assert said.startswith("/nowhere")
    monkeypatch.setattr(jobs, "MOST_JOBS", 0)
    app.button(key="leave_rate").click().run()
    app.button(key="find_rate").click().run()
    (said,) = complaints(app)
    assert "try again in some seconds" in said


def test_the_form_is_as_it_was_after_a_visit_to_another_page() -> None:
    app = open_page("train")
    app.text_input(key="epochs").set_value("77")
    app.text_input(key="dropout").set_value("0.2")
    app.selectbox(key="optimizer").set_value("rmsprop").run()
    app.switch_page("views/data.py").run()
    assert "epochs" not in app.query_params
    app.switch_page("views/train.py").run()
    assert app.text_input(key="epochs").value == "77"
    assert app.text_input(key="dropout").value == "0.2"
    assert app.selectbox(key="optimizer").value == "rmsprop"
    assert app.query_params["epochs"] == "77"


@pytest.mark.parametrize("widths", ["12,abc", "", "0", "2000", "1,2,3,4,5,6,7", "64;64"])
def test_widths_that_are_not_allowed_are_said_once_and_cannot_be_started(widths: str) -> None:
    app = open_page("train")
    app.text_input(key="hidden_widths").set_value(widths).run()
    (sentence,) = complaints(app)
    assert SETTINGS["hidden_widths"].limits in sentence
    assert button(app, "Start").disabled
    app.text_input(key="hidden_widths").set_value("12,12").run()
    assert not complaints(app)
    assert not button(app, "Start").disabled


def test_more_digits_than_there_are_cannot_be_started() -> None:
    app = open_page("train")
    app.text_input(key="validation_digits").set_value("20000").run()
    assert len(complaints(app)) == 1
    assert button(app, "Start").disabled


def test_start_trains_with_the_settings_in_the_widgets(home: Path) -> None:
    app = open_page("train")
    app.text_input(key="epochs").set_value("1000")
    app.text_input(key="training_digits").set_value("3000")
    app.text_input(key="hidden_widths").set_value("32")
    app.text_input(key="learning_rate").set_value("0.003")
    app.run()
    button(app, "Start").click().run()
    store = RunStore(home)
    try:
        assert not complaints(app)
        (run,) = store.runs()
        changes = {"epochs": 1000, "training_digits": 3000, "hidden_widths": (32,), "learning_rate": 0.003}
        expected = PRESETS["quick"].config.with_changes(**changes)
        assert run.config == expected
        assert app.selectbox(key="run").value == run.id
        wait_until(lambda: bool(store.records(run.id)))
        app.run()
        assert not complaints(app)
        button(app, "Stop").click().run()
        wait_until(lambda: store.run(run.id).state == "stopped")
    finally:
        stop_all(store)
        store.close()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[TrainingConfig | Recipe]:
    """What was started, where starting only puts a run into the store."""
    found: list[TrainingConfig | Recipe] = []

    def start(store: RunStore, recipe: TrainingConfig | Recipe, name: str, data_directory: str | None = None) -> int:
        run_id = store.create_run(recipe, name, data_directory)
        found.append(recipe)
        return run_id

    monkeypatch.setattr(worker, "start", start)
    return found


def test_a_double_click_on_start_is_one_start(started: list[TrainingConfig], monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("train")
    monkeypatch.setattr(settings, "AGAIN_SECONDS", 1000)
    for _ in range(3):
        button(app, "Start").click().run()
    assert len(started) == 1
    app.text_input(key="epochs").set_value("3").run()
    button(app, "Start").click().run()
    assert len(started) == 2
    monkeypatch.setattr(settings, "AGAIN_SECONDS", 0)
    button(app, "Start").click().run()
    assert len(started) == 3


def test_a_start_that_the_store_refuses_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> int:
        raise StoreError("twelve runs wait in line, which is the most: wait, or stop one.")

    monkeypatch.setattr(worker, "start", refuse)
    app = open_page("train")
    button(app, "Start").click().run()
    assert complaints(app) == ["Twelve runs wait in line, which is the most: wait, or stop one."]
    assert app.selectbox(key="run").value == 0


def test_a_preview_of_varied_digits_does_not_flicker() -> None:
    before = form.varied_digits(1.0)
    form.varied_digits.clear()
    assert np.array_equal(before, form.varied_digits(1.0))
    assert not np.array_equal(form.varied_digits(1.0), form.varied_digits(2.0))


def test_runs_in_the_list_begin_with_what_differs(home: Path) -> None:
    store = RunStore(home)
    for config in (SMALL.with_changes(learning_rate=0.03, optimizer="sgd"), PRESETS["best"].config):
        for _ in range(2):
            store.create_run(config, describe(config))
    store.close()
    labels = open_page("train").selectbox(key="run").options
    assert len(set(labels)) == len(labels) == 5
    assert labels[1] == "4 · best"
    assert re.match(r"2 · layers 32, SGD, rate 0.03, ", labels[-2])


def test_a_deleted_run_leaves_no_dead_address(finished_run: int) -> None:
    app = open_page("train", run=str(finished_run))
    app.checkbox(key=f"sure_{finished_run}").check().run()
    button(app, f"Delete run {finished_run}").click().run()
    assert not complaints(app)
    assert "run" not in app.query_params
    assert app.selectbox(key="run").options == ["Pretrained network"]


def test_a_run_to_compare_with_is_in_the_address_and_may_be_deleted(finished_run: int, home: Path) -> None:
    store = RunStore(home)
    other = store.create_run(SMALL, "another")
    for _ in worker.work(store, other):
        pass
    app = open_page("train", run=str(finished_run), beside=str(other))
    assert not complaints(app)
    assert app.selectbox(key="beside").value == other
    assert app.query_params["beside"] == str(other)
    store.delete_run(other)
    store.close()
    assert not complaints(app.run())
    assert "beside" not in app.query_params


# --- inside the network ---


def look_inside(run_id: int, look: str) -> AppTest:
    """The page Train with the expander open, where this was chosen."""
    app = open_page("train", run=str(run_id))
    app.session_state["inside"] = True
    app.session_state["inside_look"] = look
    return app.run()


def charts(app: AppTest) -> list[dict[str, Any]]:
    """The charts of plotly's on the page that get new values in their place."""
    told = [json.loads(each.proto.json or "{}") for each in app.get("bidi_component")]
    return [json.loads(each["figure"]) for each in told if "figure" in each]


def values(numbers: Any) -> list[float]:
    """The numbers of a chart, in whatever form plotly writes them."""
    if isinstance(numbers, dict):
        return np.frombuffer(base64.b64decode(numbers["bdata"]), numbers["dtype"]).tolist()
    return list(numbers)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "sigmoid", "tanh"])
def test_inside_the_network_every_look_has_a_chart_with_its_values_as_a_table(home: Path, activation: str) -> None:
    run_id = train_to_its_end(home, SMALL.with_changes(activation=activation, learning_rate=0.01))
    looks = look_inside(run_id, "gradients").segmented_control(key="inside_look").options
    assert ("Saturation" in looks) == (activation in ("sigmoid", "tanh"))
    for name, look in inside.LOOKS.items():
        if look.name not in looks:
            continue
        app = look_inside(run_id, name)
        assert not complaints(app)
        (chart,) = charts(app)
        assert chart["data"], name
        assert all(values(trace["y"]) for trace in chart["data"])
        assert "Values as a table" in [each.proto.label for each in app.get("download_button")]
        assert bool([each for each in app.toggle if each.key == "inside_log"]) == look.scales


def test_dead_units_are_a_share_of_the_layer(home: Path) -> None:
    run_id = train_to_its_end(home, SMALL.with_changes(learning_rate=3.0, epochs=1))
    (record,) = resources.curves(run_id)[0]
    (line,) = charts(look_inside(run_id, "dead"))[0]["data"]
    assert record.dead_units[0] > 0
    assert values(line["y"]) == pytest.approx([100 * record.dead_units[0] / 32])


@pytest.mark.parametrize("look", inside.LOOKS)
def test_inside_a_run_that_has_not_begun_there_is_nothing_to_break(home: Path, look: str) -> None:
    with closing(RunStore(home)) as store:
        run_id = store.create_run(SMALL, "own settings")
    app = look_inside(run_id, look)
    assert not complaints(app)
    said = " ".join(each.value for each in app.caption)
    assert "first values come" in said or "no moment" in said or look in ("rates", "saturated")


@pytest.mark.parametrize("look", inside.LOOKS)
def test_records_of_an_older_version_lack_what_it_did_not_measure(home: Path, look: str) -> None:
    run_id = train_to_its_end(home, SMALL.with_changes(activation="tanh"))
    with closing(RunStore(home)) as store:
        for record in store.records(run_id):
            older = {k: v for k, v in asdict(record).items() if k not in ("update_ratios", "saturated", "answers")}
            text = json.dumps(older)
            store._connection.execute(
                "UPDATE records SET record = ?, checksum = ? WHERE run = ? AND epoch = ?",
                (text, checksum(run_id, record.epoch, text), run_id, record.epoch),
            )
    app = look_inside(run_id, look)
    assert not complaints(app)
    older_version = any("older version" in each.value for each in app.caption)
    assert older_version == (look in ("updates", "saturated"))


def test_moments_are_counted_a_few_at_a_time_and_each_once(
    finished_run: int, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []

    def count(spreads: Any, moment: Snapshot) -> Any:
        counted.append(moment.step)
        return usual(spreads, moment)

    usual = resources._Spreads.count
    monkeypatch.setattr(resources._Spreads, "count", count)
    moments = [moment.step for moment in resources.snapshots(finished_run)]
    for n in range(1, len(moments)):
        found, missing = resources.spreads(finished_run, seconds=0)
        assert (len(found), missing) == (n, len(moments) - n)
        assert [moment.step for moment in found] == sorted(moment.step for moment in found)
    assert counted[:2] == [moments[-1], moments[0]], "the way as a whole comes first"
    resources.spreads(finished_run, seconds=60)
    assert resources.spreads(finished_run, seconds=60)[1] == 0
    assert sorted(counted) == moments


def test_how_many_moments_are_counted_is_said_until_all_are(finished_run: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "COUNT_SECONDS", 0)
    n = len(resources.snapshots(finished_run))
    app = open_page("train", run=str(finished_run))
    app.session_state["inside"], app.session_state["inside_look"] = True, "weights"
    said = [" ".join(each.value for each in app.run().caption) for _ in range(n)]
    assert f"1 of {n} moments counted so far" in said[0]
    assert "counted so far" not in said[-1]


def test_a_damaged_moment_is_left_out_of_the_tiles(finished_run: int, home: Path) -> None:
    lost, kept = resources.snapshots(finished_run)[3], len(resources.snapshots(finished_run)) - 1
    with closing(RunStore(home)) as store:
        store._connection.execute("UPDATE snapshots SET parameters = x'00' WHERE step = ?", (lost.step,))
    app = look_inside(finished_run, "outputs")
    assert not complaints(app)
    assert len(charts(app)[0]["data"][0]["x"]) == kept
    assert "counted so far" not in " ".join(each.value for each in app.caption)


# --- advice ---


DEAD = SMALL.with_changes(learning_rate=10)


@contextmanager
def learning(home: Path, config: TrainingConfig, epochs: int) -> Iterator[tuple[RunStore, int]]:
    """A run that a process of its own is at work on, after so many epochs; in the end all are stopped."""
    with closing(RunStore(home)) as store:
        run_id = worker.start(store, config.with_changes(epochs=1000), "own settings")
        wait_until(lambda: len(store.records(run_id)) >= epochs)
        try:
            yield store, run_id
        finally:
            stop_all(store)


def test_one_click_goes_back_to_where_a_run_was_good_and_the_new_run_learns(home: Path) -> None:
    run_id = train_to_its_end(home, DEAD)
    app = open_page("train", run=str(run_id))
    (said,) = complaints(app)
    assert said.startswith("All 32 units of layer 1 put out the same for every digit")
    button(app, "Start again with a learning rate of 0.001").click().run()
    assert not complaints(app)
    with closing(RunStore(home)) as store:
        better = store.run(int(app.query_params["run"]))
        assert better.parent == (run_id, 0)
        assert better.config == DEAD.with_changes(learning_rate=0.001)
        assert better.name == f"{describe(better.config)}, from run {run_id}"
        wait_until(lambda: store.run(better.id).state == "finished")
        last = store.run(better.id).last
        assert last is not None
        assert last.validation_accuracy > 0.8
        assert store.run(run_id).state == "finished"


def test_a_run_that_diverged_says_so_once_and_goes_back_to_its_last_good_epoch(home: Path) -> None:
    config = SMALL.with_changes(optimizer="sgd", activation="leaky_relu", learning_rate=0.02, epochs=4)
    with closing(RunStore(home)) as store:
        recipe = Recipe(config, (Event(2 * config.steps_per_epoch, "learning_rate", 10.0),))
        run_id = store.create_run(recipe, "own settings")
        with suppress(DivergedError):
            list(worker.work(store, run_id))
        assert store.run(run_id).state == "diverged"
        app = open_page("train", run=str(run_id))
        (said,) = complaints(app)
        assert "a learning rate of 10 " in said
        assert said.endswith("epoch 2 was still good.")
        button(app, "Go back to epoch 2 with a learning rate of 0.02").click().run()
        assert not complaints(app)
        better = int(app.query_params["run"])
        assert store.run(better).parent == (run_id, 2 * config.steps_per_epoch)
        wait_until(lambda: store.run(better).state == "finished")


def test_one_click_changes_a_run_that_learns_too_slowly_and_says_no_more(home: Path) -> None:
    with learning(home, SMALL.with_changes(learning_rate=1e-6), 4) as (store, run_id):
        app = open_page("train", run=str(run_id))
        (said,) = complaints(app)
        assert said.startswith("It learns steadily but slowly: with a learning rate of 0.000001")
        button(app, "Go on with a learning rate of 0.001").click().run()
        wait_until(lambda: store.run(run_id).config.learning_rate == 0.001)
        app.run()
        assert not complaints(app)
        assert len(store.runs()) == 1


def test_a_run_that_can_learn_no_more_is_stopped_where_another_goes_back(home: Path) -> None:
    with learning(home, DEAD, 1) as (store, run_id):
        # how its units are is known a little after its first epoch
        wait_until(lambda: bool(complaints(open_page("train", run=str(run_id)))))
        app = open_page("train", run=str(run_id))
        button(app, "Start again with a learning rate of 0.001").click().run()
        assert app.selectbox(key="run").value != run_id
        wait_until(lambda: store.run(run_id).state == "stopped")


def test_what_only_a_new_run_can_have_is_put_into_the_form(home: Path) -> None:
    config = SMALL.with_changes(hidden_widths=(1,), epochs=9, training_digits=2000)
    app = open_page("train", run=str(train_to_its_end(home, config)))
    (said,) = complaints(app)
    assert said.startswith("It never answers ")
    button(app, "Use hidden widths 128,64,64 in a new run").click().run()
    assert app.text_input(key="hidden_widths").value == "128,64,64"
    assert app.text_input(key="training_digits").value == "2000"


@pytest.mark.parametrize(
    ("changes", "back_to", "live", "said"),
    [
        ({"learning_rate": 0.0003}, 3, False, "Go back to epoch 3 with a learning rate of 0.0003"),
        ({"learning_rate": 0.0003}, 3, True, "Go back to epoch 3 with a learning rate of 0.0003"),
        ({"l2": 0.1}, 0, False, "Start again with an L2 penalty of 0.1"),
        ({"augmentation": 1.0}, 7, True, "Go back to epoch 7 with an augmentation of 1"),
        (
            {"activation": "sigmoid", "learning_rate": 0.02},
            None,
            False,
            "Use Sigmoid and a learning rate of 0.02 in a new run",
        ),
        (
            {"learning_rate": SMALL.learning_rate, "dropout": 0.0},
            2,
            False,
            "Go back to epoch 2 with the settings of now",
        ),
    ],
)
def test_the_button_says_what_it_does(
    changes: dict[str, Any], back_to: int | None, live: bool, said: str, finished_run: int, home: Path
) -> None:
    with closing(RunStore(home)) as store:
        run = store.run(finished_run)
    assert mending.label(run, Advice("plateau", "It bounces.", 4, changes, back_to, live)) == said


def test_the_second_half_of_a_double_click_mends_nothing_twice(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = train_to_its_end(home, DEAD)
    with closing(RunStore(home)) as store:
        run = store.run(run_id)
        advice = resources.advice(run)
        assert advice is not None
        monkeypatch.setattr(st, "session_state", {"run": run_id + 1})
        mending.mend(run, advice)
        assert len(store.runs()) == 1


# --- drawings ---


@pytest.mark.parametrize("page", ["welcome", "draw"])
def test_a_drawing_is_read(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(monkeypatch, a_seven())
    app = open_page(page)
    assert not complaints(app)
    assert answer(app) == "7"


@pytest.mark.parametrize("page", ["welcome", "draw"])
def test_an_empty_canvas_is_no_digit(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(monkeypatch, np.full((280, 280, 4), 255, np.uint8))
    app = open_page(page)
    assert not complaints(app)
    assert not answer(app)


def two_sevens() -> np.ndarray:
    seven = np.asarray(Image.fromarray(a_seven()).resize((140, 280)))
    return np.concatenate([seven, seven], axis=1)


@pytest.mark.parametrize("page", ["welcome", "draw"])
def test_a_drawn_number_is_read_in_order_each_digit_in_a_box(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(monkeypatch, two_sevens())
    app = open_page(page)
    assert not complaints(app)
    assert answer(app) == "77"
    boxes, buttons = (next(each for each in drawn(app) if f'class="{kind}"' in each) for kind in ("boxes", "digits"))
    lefts = [float(each) for each in re.findall(r"left: ([0-9.]+)%", boxes)]
    assert len(lefts) == buttons.count("<button") == 2
    assert lefts[0] < 50 < lefts[1]


def test_a_digit_of_a_number_is_chosen_and_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    draw(monkeypatch, two_sevens())
    app = open_page("draw")
    app.session_state["which"] = 1
    app.run()
    buttons = next(each for each in drawn(app) if 'class="digits"' in each)
    assert re.findall('aria-pressed="(true|false)"', buttons) == ["false", "true"]


def test_the_threshold_makes_an_answer_unsure_and_comes_from_the_address() -> None:
    for least, sure in (("10", True), ("99", False)):
        app = open_page("draw", source="Examples", example="unsure.png", sure=least)
        assert not complaints(app)
        assert answer(app) == "9"
        said = "".join(each.proto.body for each in app.get("html"))
        assert ("It reads" in said, "Not sure, perhaps" in said) == (sure, not sure)
        assert any('class="unsure"' in each for each in drawn(app)) != sure


def test_the_cost_of_a_threshold_counts_as_sure_what_the_page_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = resources.readings(None, 0)
    halves = np.full(len(readings.labels), 0.5, np.float32)
    monkeypatch.setattr(resources, "test_likeness", lambda: halves)
    percents, answered, _ = threshold._curve(readings)
    # half a digit, however surely it is this one
    assert answered[percents > 50].max() == 0
    assert answered[percents <= 30].min() > 0.9


def a_digit(digit: int, left: int, likeness: float = 1.0) -> ReadDigit:
    """A digit as it is read, wherever it was."""
    probabilities = np.full(10, 0.02, np.float32)
    probabilities[digit] = 0.82
    cut, image = np.ones((40, 20), np.float32), np.zeros(784, np.float32)
    return ReadDigit((left, 30, left + 20, 70), cut, image, probabilities, likeness, str(digit), SURE)


def read_as(monkeypatch: pytest.MonkeyPatch, reading: Reading) -> AppTest:
    draw(monkeypatch, a_seven())
    monkeypatch.setattr("dashboard.parts.sheet.read_prepared", lambda *_: reading)
    app = open_page("draw")
    assert not complaints(app)
    return app


def test_a_number_of_two_rows_stands_in_two_lines_and_every_digit_can_be_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = ((a_digit(1, 10), a_digit(9, 60)), (a_digit(4, 20),))
    app = read_as(monkeypatch, Reading(rows, "19\n4", "nineteen, four", None))
    assert answer(app) == "19\n4"
    assert "nineteen, four" in "".join(each.proto.body for each in app.get("html"))
    (buttons,) = [each for each in drawn(app) if 'class="digits"' in each]
    assert re.findall('data-number="([0-9])"', buttons) == ["0", "1", "2"]


def test_what_is_no_number_is_said_to_be_none_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = ((a_digit(8, 10, likeness=0.1),),)
    app = read_as(monkeypatch, Reading(digits, None, None, "This looks like no digit."))
    assert not answer(app)
    assert "This looks like no digit." in "".join(each.proto.body for each in app.get("html"))
    assert any(re.search('class="[^"]*unsure.*<b>8[?]</b>', each) for each in drawn(app))


def test_what_nothing_changes_is_not_worked_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    draw(monkeypatch, two_sevens())
    app = open_page("draw")
    before = drawn(app)
    for name in ("prepare", "read_prepared"):
        monkeypatch.setattr(f"dashboard.parts.sheet.{name}", None)
    monkeypatch.setattr("dashboard.parts.answer.with_mnist_strokes", None)
    app.run()
    assert not complaints(app)
    assert drawn(app) == before


def test_an_example_is_read_and_stands_in_the_address() -> None:
    app = open_page("draw", source="Examples", example="photo.jpg")
    assert not complaints(app)
    assert answer(app) == "8146"
    app = open_page("draw", source="Examples", example="none.png")
    assert not complaints(app)
    assert answer(app) == "3"
    assert "example" not in app.query_params


def test_a_file_that_is_no_picture_is_said_once() -> None:
    app = open_page("draw")
    app.segmented_control(key="source").set_value("Photo or file").run()
    app.file_uploader[0].upload("digit.png", b"no picture at all", "image/png").run()
    assert len(complaints(app)) == 1


def upload(app: AppTest, name: str, picture: np.ndarray) -> AppTest:
    """Choose a picture as a file."""
    app.segmented_control(key="source").set_value("Photo or file").run()
    return app.file_uploader[0].upload(name, as_png(picture), "image/png").run()


def test_a_photo_is_read_and_is_still_there_after_a_visit_to_another_page() -> None:
    app = upload(open_page("draw"), "seven.png", a_seven())
    assert not complaints(app)
    assert answer(app) == "7"
    app.switch_page("views/data.py").run()
    app.switch_page("views/draw.py").run()
    assert app.segmented_control(key="source").value == "Photo or file"
    assert answer(app) == "7"


@pytest.mark.parametrize("shape", [(20, 2100, 3), (2100, 20, 3)])
def test_a_picture_that_is_hardly_more_than_a_line_is_refused_in_a_sentence(shape: tuple[int, ...]) -> None:
    (sentence,) = complaints(upload(open_page("draw"), "picture.png", np.full(shape, 255, np.uint8)))
    assert "at most 100 times the other" in sentence


@pytest.mark.parametrize("shape", [(20, 600, 3), (600, 20, 3), (20, 20, 3), (3000, 3000, 3)])
def test_a_picture_of_any_other_shape_can_be_chosen(shape: tuple[int, ...]) -> None:
    app = upload(open_page("draw"), "picture.png", np.full(shape, 255, np.uint8))
    assert not complaints(app)
    assert not answer(app)
    assert len(app.image) == 1


def test_the_name_of_a_photo_is_shown_as_the_text_it_is() -> None:
    app = upload(open_page("draw"), "![a](https://example.org/b.png).png", a_seven())
    (caption,) = [each.value for each in app.caption if "example" in each.value]
    assert "example.org" in caption
    assert not re.search(r"(?<!\\)[!\[\]]", caption), "every sign of Markdown is marked as plain text"


def test_nothing_but_a_small_picture_is_kept_of_a_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    removed = []

    def remove(_: MemoryUploadedFileManager, session_id: str, file_id: str) -> None:
        removed.append(file_id)

    monkeypatch.setattr(MemoryUploadedFileManager, "remove_file", remove)
    noise = np.random.default_rng(1).integers(0, 256, (1500, 1500, 3), np.uint8)
    app = upload(open_page("draw"), "noise.png", noise)
    assert not complaints(app)
    assert len(pickle.dumps(app.session_state["photo"])) < 3_000_000
    assert app.file_uploader[0].value is None
    assert len(removed) == 1


def test_an_uploader_that_speaks_after_its_file_was_taken_has_none() -> None:
    def late_word() -> None:
        import streamlit as st

        from dashboard.parts import upload

        st.session_state["camera_turn"] = 1  # and that uploader is not on the page yet
        with upload.taken("camera") as file:
            st.write(file is None)

    app = AppTest.from_function(late_word).run()
    assert not app.exception
    assert app.session_state["camera_turn"] == 1


def test_nothing_of_a_visit_can_be_reached_once_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    draw(monkeypatch, a_seven())
    app = upload(open_page("draw"), "seven.png", a_seven())
    app.segmented_control(key="source").set_value("Draw").run()
    assert not complaints(app)
    kept = [weakref.ref(app.session_state[name]) for name in ("photo", "drawing")]
    del app
    gc.collect()
    assert [each() for each in kept] == [None, None]


# --- the address ---

BOUND = {
    "data": ("part", "any_part", "digit", "index"),
    "weights": ("unit",),
    "mistakes": ("true", "answer", "of", "sorted", "between", "why"),
}
ODD = ["", "abc", "-1", "1e999", "nan", "٣", "2.5", "x" * 5000, "9" * 400, "![picture](https://example.org/x.png)"]


@pytest.mark.parametrize("page", BOUND)
def test_odd_values_in_the_address_are_taken_for_the_usual_ones(page: str) -> None:
    usual = [each.value for each in open_page(page).header]
    for value in ODD:
        app = open_page(page, **dict.fromkeys(BOUND[page], value))
        assert not [*complaints(app), *app.info], value
        assert [each.value for each in app.header] == usual, value


# --- data ---


def test_every_kind_of_digits_is_named_before_other_pages_speak_of_it() -> None:
    said = " ".join(each.value for page in [open_page("data")] for each in [*page.markdown, *page.caption])
    for kind in ("training digits", "test digits", "new digits", "validation digits"):
        assert f"*{kind}*" in said


def test_the_share_of_full_ink_is_counted() -> None:
    pixels = resources.data().train.images
    inked = pixels[pixels >= 1 / 16]
    share = np.mean(inked >= 15 / 16)
    assert any(f"Of the rest, {share:.0%} is full ink" in each.value for each in open_page("data").caption)


@pytest.mark.parametrize("page", ["data", "weights", "mistakes"])
@pytest.mark.parametrize("kinds", [1, 9])
def test_digits_of_one_kind_or_without_one_are_data_too(
    page: str, kinds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_digits(tmp_path, n=100, n_classes=kinds)
    monkeypatch.setattr(resources, "DATA_DIRECTORY", str(tmp_path))
    assert not complaints(open_page(page, digit="9", true="9", answer="9"))


# --- how sure a network may be ---


def test_a_run_is_looked_at_with_the_temperature_of_its_moment(home: Path) -> None:
    run_id = train_to_its_end(home, SMALL)
    first, *_, last = resources.snapshots(run_id)
    before, after = (resources.model(run_id, moment.step) for moment in (first, last))
    assert before.temperature != after.temperature
    assert (before, after) == (before.calibrated(), after.calibrated())
    assert resources.model(run_id, last.step) is after, "it is worked out once for all who look"


def test_a_run_whose_digits_were_moved_is_as_sure_as_it_is(
    finished_run: int, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = replace(resources.run(finished_run), data_directory=str(tmp_path / "moved"))
    monkeypatch.setattr(resources, "run", lambda run_id: moved)
    assert resources.model(finished_run, resources.snapshots(finished_run)[-1].step).temperature == 1
    assert not complaints(open_page("weights", run=str(finished_run)))


# --- weights ---


def test_a_dead_unit_is_said_to_be_dead(home: Path) -> None:
    run_id = train_to_its_end(home, SMALL.with_changes(epochs=1))
    network = resources.model(run_id, resources.snapshots(run_id)[-1].step).network
    network.dense_layers[0].biases[:2] = -1000, 1000
    dead, alive = (open_page("weights", run=str(run_id), unit=unit) for unit in "01")
    assert any("dead" in each.value for each in dead.info)
    assert not any("excite it most" in html for html in drawn(dead))
    assert not alive.info
    assert any("excite it most" in html for html in drawn(alive))


# --- mistakes ---


def test_both_boxes_any_shows_all_mistakes_and_a_cell_its_own() -> None:
    app = open_page("mistakes")
    assert not complaints(app)
    everything = app.header[0].value
    app.selectbox(key="true").set_value("4")
    app.selectbox(key="answer").set_value("9").run()
    assert not complaints(app)
    assert app.header[0].value != everything
    button(app, "Show all").click().run()
    assert app.header[0].value == everything


@pytest.mark.parametrize("cell", [("0", "0"), ("any", "3"), ("3", "any"), ("0", "1")])
def test_every_cell_can_be_chosen_even_an_empty_one(cell: tuple[str, str]) -> None:
    app = open_page("mistakes", true=cell[0], answer=cell[1])
    assert not complaints(app)


@pytest.mark.parametrize(("n", "said"), [(0, "never"), (1, "once"), (2, "2 times"), (1000, "1,000 times")])
def test_how_often_is_said_in_words(n: int, said: str) -> None:
    assert confusion.how_often(n) == said


def test_the_table_of_mistakes_holds_every_count_and_colours_by_it() -> None:
    matrix = np.diag([900] * 10)
    matrix[4, 9], matrix[1, 7] = 12, 1
    cells = re.findall(r'rgba\((\d+, \d+, \d+), ([\d.]+)\)">(\d*)</td>', confusion.table(matrix))
    assert [text for _, _, text in cells] == [str(count or "") for count in matrix.ravel()]
    colours = {text: (colour, float(strength)) for colour, strength, text in cells}
    assert colours["12"][0] == colours["1"][0] == confusion.MISTAKE
    assert colours["12"][1] > colours["1"][1] > 0.1
    assert (colours["900"][0], colours[""][0]) == (confusion.RIGHT, confusion.NOTHING)
    assert "nan" not in confusion.table(np.zeros((10, 10), int))


# --- a run is steered ---


def test_what_is_ordered_on_the_page_reaches_the_run(running_run: int, home: Path) -> None:
    with closing(RunStore(home)) as store:
        app = opened(open_page("train", run=str(running_run)), "live_others")
        app.select_slider(key=f"live_rate_{running_run}").set_value(0.002).run()
        # what was ordered is shown until it is obeyed
        assert app.text_input(key=f"live_typed_rate_{running_run}").value == "0.002"
        wait_until(lambda: store.run(running_run).config.learning_rate == 0.002)
        app.text_input(key=f"live_typed_rate_{running_run}").set_value("0.00123").run()
        app.text_input(key=f"live_dropout_{running_run}").set_value("0.1").run()
        app.selectbox(key=f"live_schedule_{running_run}").set_value("cosine").run()
        app.selectbox(key=f"live_pace_{running_run}").set_value("10 batches a second").run()
        wait_until(lambda: len(store.happenings(running_run)) == 5)
        assert [(each.name, each.value) for each in store.happenings(running_run)] == [
            *[("learning_rate", 0.002), ("learning_rate", 0.00123), ("dropout", 0.1)],
            *[("schedule", "cosine"), ("pace", 10.0)],
        ]
        app.run()
        said = " ".join(each.value for each in app.markdown).replace(JOINER, "")
        # two changes of one setting right after each other are one on the page
        assert "learning rate 0.001 → 0.00123" in said
        assert "dropout 0 → 0.1" in said
        assert "slow motion, 10 batches a second" in said


def test_an_order_that_cannot_be_is_refused_in_a_sentence(running_run: int, home: Path) -> None:
    app = opened(open_page("train", run=str(running_run)), "live_others")
    for name, value, said in (
        ("typed_rate", "fast", "Learning rate is fast: it must be a number above 0 and at most 10."),
        ("dropout", "2", "Dropout is 2: it must be a number from 0 to 0.9."),
        ("epochs", "0", "Epochs is 0: it must be a whole number from 1 to 1,000 epochs."),
    ):
        app.text_input(key=f"live_{name}_{running_run}").set_value(value).run()
        # beside it there may be advice, which the run gets while it goes on
        assert sum(each.startswith(said) for each in complaints(app)) == len(app.error) == 1
    app.run()
    assert not app.error
    with closing(RunStore(home)) as store:
        assert store.happenings(running_run) == store.orders(running_run) == []


def test_momentum_can_be_changed_only_where_it_counts(running_run: int) -> None:
    app = opened(open_page("train", run=str(running_run)), "live_others")
    assert f"live_momentum_{running_run}" not in {each.key for each in app.text_input}
    assert f"live_l2_{running_run}" in {each.key for each in app.text_input}


def opened(app: AppTest, key: str) -> AppTest:
    """The page with this expander open."""
    app.session_state[key] = True
    return app.run()


def test_going_back_makes_a_run_that_waits_and_repeating_one_with_the_same_recipe(
    finished_run: int, home: Path
) -> None:
    app = opened(open_page("train", run=str(finished_run)), "go_back")
    app.number_input(key=f"back_epoch_{finished_run}").set_value(1)
    button(app, "Go back there").click().run()
    assert not complaints(app)
    with closing(RunStore(home)) as store:
        back = store.runs()[0]
        assert (back.parent, back.name) == ((finished_run, 94), "own settings, from run 1")
        wait_until(lambda: store.run(back.id).state == "paused")
        assert app.session_state["run"] == back.id

        app = opened(open_page("train", run=str(finished_run)), "go_back")
        app.text_input(key=f"repeat_seed_{finished_run}").set_value("x").run()
        button(app, "Repeat it").click().run()
        (sentence,) = complaints(app)
        assert sentence.startswith("Random seed is x: it must be a whole number from 0")
        app.text_input(key=f"repeat_seed_{finished_run}").set_value("7").run()
        button(app, "Repeat it").click().run()
        repeat = store.runs()[0]
        assert repeat.began_with == SMALL.with_changes(seed=7)
        stop_all(store)


def test_a_finished_run_gets_more_epochs(finished_run: int, home: Path) -> None:
    app = open_page("train", run=str(finished_run))
    app.number_input(key=f"more_{finished_run}").set_value(1).run()
    button(app, "Train 1 epoch more").click().run()
    assert not complaints(app)
    with closing(RunStore(home)) as store:
        wait_until(lambda: store.run(finished_run).epoch == 3)
        assert store.happenings(finished_run)[0].value == 3


def test_a_file_is_brought_in_or_refused_in_a_sentence(
    finished_run: int, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(RunStore(home)) as store:
        files = {"run.zip": export_run(store, finished_run), "mine.npz": model_bytes(load_pretrained(), ".npz")}
        for number, (name, content) in enumerate({**files, "no.zip": b"PK no", "no.pkl": b"x"}.items(), start=2):
            app = open_page("train")
            app.file_uploader(key="bring_in_0").upload(name, content, "application/octet-stream").run()
            if name in files:
                assert not complaints(app)
                assert app.session_state["run"] == number
            else:
                assert len(complaints(app)) == 1
        assert len(store.runs()) == 3
        app = open_page("draw", run="3")
        assert not complaints(app)


def test_a_recipe_that_is_brought_in_is_trained_anew(
    finished_run: int, home: Path, started: list[TrainingConfig | Recipe]
) -> None:
    with closing(RunStore(home)) as store:
        recipe = store.recipe(finished_run)
    for content, n_started in ((recipe.to_json(), 1), (replace(recipe, weights="0" * 64).to_json(), 1), ("{}", 1)):
        app = open_page("train")
        app.file_uploader(key="bring_in_0").upload("mine.json", content.encode(), "application/json").run()
        assert len(complaints(app)) == (content != recipe.to_json())
        assert len(started) == n_started
    assert started == [recipe]


# --- the landscape ---


def test_the_landscape_of_one_run_and_of_two_is_drawn(finished_run: int, home: Path) -> None:
    second = train_to_its_end(home, SMALL.with_changes(learning_rate=0.05))
    train_to_its_end(home, SMALL.with_changes(hidden_widths=(8,), epochs=1))
    app = open_page("landscape", run=str(finished_run))
    assert len(app.selectbox(key="second").options) == 2, "that of other layers has another ground"
    assert not app.get("plotly_chart")
    for other in (0, second):
        app.selectbox(key="second").set_value(other).run()
        button(app, "Draw the landscape").click().run()
        wait_until(lambda: bool(app.session_state["landscape_job"].ended))
        app.run()
        assert not complaints(app)
        assert len(app.get("plotly_chart")) == 1
    assert app.query_params["second"] == str(second)


def test_a_run_that_has_not_begun_has_no_landscape(home: Path) -> None:
    with closing(RunStore(home)) as store:
        run_id = store.create_run(SMALL, "own settings")
    app = open_page("landscape", run=str(run_id))
    assert not complaints(app)
    assert any("can be drawn as soon as it has begun" in each.value for each in app.info)
