"""Teaching on the page Draw: what a drawing really is, kept, taken back and taught; and what became of it."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import resources
from dashboard.parts import picture, teach
from nnlib.digits import load_part
from nnlib.errors import StoreError
from nnlib.runs import teaching, worker
from nnlib.runs.store import RunStore
from nnlib.training.config import TrainingConfig
from tests.dashboard.test_pages import a_seven, button, complaints, draw, drawn, open_page
from tests.dashboard.test_pages import nothing_cached as nothing_cached

SMALL = TrainingConfig(hidden_widths=(128, 64, 64), training_digits=500, validation_digits=500)


@pytest.fixture
def store(home: Path) -> Iterator[RunStore]:
    with closing(RunStore(home)) as store:
        yield store


@pytest.fixture
def seven(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page with a 7 on the canvas."""
    monkeypatch.setattr(teaching, "keep_starting", lambda store: None)  # each is trained here
    monkeypatch.setattr(teaching, "settings_for", lambda *_: SMALL.with_changes(epochs=2))
    draw(monkeypatch, a_seven())
    return open_page("draw")


def tell(app: AppTest, label: int | None) -> AppTest:
    """Press one of the ten buttons; None takes the press back."""
    (buttons,) = [each for each in app.segmented_control if each.label.startswith("**Wrong?**")]
    return buttons.set_value(label).run()


def open_list(app: AppTest) -> AppTest:
    """Open the expander with all corrected digits; it does not stay open here as it does in a browser."""
    app.session_state["corrected"] = True
    return app.run()


def said(app: AppTest) -> str:
    return " ".join(each.value for each in [*app.caption, *app.markdown, *app.toast])


def numbers(app: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in app.metric}


def test_what_a_drawing_is_is_kept_at_once_and_can_be_taken_back(seven: AppTest, store: RunStore) -> None:
    assert "Teach it" not in " ".join(each.label for each in seven.button)
    app = tell(seven, 1)
    assert not complaints(app)
    (kept,) = store.corrections.all()
    assert (kept.label, kept.answer) == (1, 7)
    assert "Kept: this is a 1." in said(app)
    assert "1 digit corrected so far" in said(app)
    tell(app, 8)
    assert [each.label for each in store.corrections.all()] == [8]
    assert "Kept: this is an 8." in said(app)
    app.button(key="untell").click().run()
    assert store.corrections.all() == []
    assert "Forgotten here" in said(app)
    tell(app, 4)
    tell(app, None)
    assert not complaints(app)
    assert store.corrections.all() == []


def test_where_nothing_can_be_kept_it_says_why(
    seven: AppTest, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnlib.runs.corrections.MOST_CORRECTIONS", 0)
    (sentence,) = complaints(tell(seven, 1))
    assert sentence.startswith("0 corrected digits are kept, and no more may be")
    assert not complaints(seven.run())


def test_taught_it_shows_three_numbers_before_and_after_and_can_be_used(seven: AppTest, store: RunStore) -> None:
    app = tell(seven, 1)
    app.button(key="begin_teaching").click().run()
    assert not complaints(app)
    (run,) = store.runs()
    assert (run.state, run.parent) == ("queued", None)
    assert app.button(key="begin_teaching").disabled
    list(worker.work(store, run.id))
    app.run()
    assert not complaints(app)
    found = numbers(app)
    assert found["Corrected digits read right"].startswith("0 → ")
    assert found["Corrected digits read right"].endswith(" of 1")
    assert found["Test digits read right"].startswith("99.29% → ")
    assert found["This drawing"].startswith("7 → ")
    assert button(app, f"Teach it (about {max(1, round(store.run(run.id).last.seconds))} s)")  # type: ignore[union-attr]
    app.button(key="use_taught").click().run()
    assert app.selectbox(key="run").value == run.id
    assert app.button(key="use_taught").disabled
    # and on from there
    tell(app, 5)
    app.button(key="begin_teaching").click().run()
    assert store.runs()[0].parent == (run.id, store.snapshots(run.id)[-1].step)
    assert not complaints(app)


def test_a_double_click_teaches_once(seven: AppTest, store: RunStore) -> None:
    app = tell(seven, 1)
    click = app.button(key="begin_teaching").click()
    click.run()
    click.run()
    assert len(store.runs()) == 1


def test_of_a_run_that_failed_or_is_gone_the_page_says_so(seven: AppTest, store: RunStore) -> None:
    app = tell(seven, 1)
    app.button(key="begin_teaching").click().run()
    (run,) = store.runs()
    store.take(run.id)
    store.set_state(run.id, "failed", "the disk is gone.")
    app.run()
    assert complaints(app) == ["The disk is gone."]
    assert not app.button(key="begin_teaching").disabled
    store.delete_run(run.id)
    app.run()
    assert not complaints(app)
    assert "Corrected digits read right" not in numbers(app)


def test_the_list_shows_saves_and_deletes(
    seven: AppTest, store: RunStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number in range(3):
        store.corrections.add(np.random.default_rng(number).random(784, np.float32), number)
    app = open_list(seven)
    assert not complaints(app)
    assert any(html.count("<figure") == 3 and "is a 2" in html for html in drawn(app))
    assert app.selectbox(key="correction").value == 3
    app.selectbox(key="correction").set_value(2)
    open_list(app).button(key="forget_one").click().run()
    assert [each.label for each in store.corrections.all()] == [0, 2]
    content = teach._as_zip(resources.corrections())
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path)
    assert load_part(tmp_path, "corrections").labels.tolist() == [0, 2]
    assert open_list(app).button(key="forget_all").disabled
    app.checkbox(key="sure_of_corrections").check()
    open_list(app).button(key="forget_all").click().run()
    assert not complaints(app)
    assert store.corrections.all() == []


def test_damaged_ones_are_told_of_and_a_store_that_is_gone_harms_nothing(
    seven: AppTest, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.corrections.add(np.zeros(784, np.float32), 7)
    with store._database.writing() as connection:
        connection.execute("UPDATE corrections SET label = 3")
    app = open_list(seven)
    assert complaints(app) == ["1 corrected digit of 1 cannot be read any more: deleting all makes room."]

    def gone() -> None:
        raise StoreError("the store is gone.")

    monkeypatch.setattr(resources, "store", gone)
    assert resources.corrections() == []
    assert resources.damaged_corrections() is None


def test_the_digit_that_was_clicked_is_the_one_in_the_box(seven: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: dict[str, int] = {}
    monkeypatch.setattr(teach.st, "session_state", chosen)
    monkeypatch.setattr(picture, "chosen", lambda key: 1)
    numbers = [resources.store().corrections.add(np.full(784, n / 9, np.float32), n) for n in range(3)]
    teach.choose()
    assert chosen["correction"] == numbers[1]  # the newest is first
