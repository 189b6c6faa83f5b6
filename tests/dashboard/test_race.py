"""The page Race in every state, and what browsers are told of a race beside it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from starlette.requests import Request
from streamlit.testing.v1 import AppTest

from dashboard import race_news, resources
from nnlib.errors import StoreError
from nnlib.runs import worker
from nnlib.runs.race import plan
from nnlib.runs.store import MOST_WAITING, RunStore
from nnlib.training.config import SETTINGS, TrainingConfig
from tests.dashboard.test_pages import button, complaints, open_page, stop_all

SMALL = TrainingConfig(hidden_widths=(8,), epochs=2, batch_size=100, training_digits=2000, validation_digits=100)
QUICKLY = {"training_digits": "500", "validation_digits": "200", "race_epochs": "1"}


@pytest.fixture(autouse=True)
def nothing_cached(home: Path) -> Iterator[None]:
    st.cache_resource.clear()
    race_news._tell.cache_clear()
    yield
    stop_all(resources.store())
    resources.store().close()
    st.cache_resource.clear()


@pytest.fixture
def finished_race(home: Path) -> int:
    """A race of three, trained to its end; its number."""
    store = RunStore(home)
    runs = store.create_race(plan(SMALL, "learning_rate", [0.0001, 0.01, 1]))
    # one after the other: together, each would wait for those that nobody is at work on
    for run_id in runs:
        store.send(run_id, "stop")
    for run_id in runs:
        store.enqueue(run_id)
        list(worker.work(store, run_id))
    store.close()
    return runs[0]


def told(app: AppTest) -> dict[str, Any]:
    """What the race's component was given."""
    found = [json.loads(each.proto.json or "{}") for each in app.get("bidi_component")]
    return next(each["told"] for each in found if "racers" in each.get("told", {}))


def ask(asked: str) -> tuple[int, dict[str, Any]]:
    scope = {"type": "http", "method": "GET", "path": "/race-news", "query_string": asked.encode(), "headers": []}
    answer = race_news.answer(Request(scope))
    return answer.status_code, json.loads(bytes(answer.body))


# --- the page ---


def test_without_a_race_the_page_says_what_one_is_and_starts_one_with_a_click() -> None:
    app = open_page("race", **QUICKLY)
    assert not complaints(app)
    assert any("with another value of **one** setting each" in each.value for each in app.markdown)
    button(app, "Race five learning rates").click().run()
    assert not complaints(app)
    assert [racer["value"] for racer in told(app)["racers"]] == ["0.0001", "0.0005", "0.001", "0.01", "0.1"]
    assert all(run.config.training_digits == 500 for run in resources.runs()), "all else is as on the page Train"
    assert all(run.config.epochs == 1 for run in resources.runs())


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_can_be_raced_with_the_values_that_are_suggested(setting: str) -> None:
    app = open_page("race")
    app.selectbox(key="race_setting").set_value(setting).run()
    assert not complaints(app)
    assert not button(app, "Start the race").disabled


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("0.1, 0.2", "Learning rate has 2 values to race: it must be 3 to 8 of them, with commas between."),
        ("0.1, 0.2, 0.1", "Learning rate has 0.1 twice: all values of a race must differ."),
        ("0.1, 0.2, 50", "Learning rate is 50: it must be a number above 0 and at most 10."),
        ("fast", "Learning rate is fast: it must be a number above 0"),
    ],
)
def test_what_cannot_race_is_said_where_it_is_typed(values: str, said: str) -> None:
    app = open_page("race", race_values=values)
    (sentence,) = complaints(app)
    assert sentence.startswith(said)
    assert button(app, "Start the race").disabled


def test_what_is_wrong_on_the_page_train_is_said_here_too() -> None:
    app = open_page("race", batch_size="0")
    (sentence,) = complaints(app)
    assert sentence.startswith("On the page Train: Batch size is 0")


def test_a_line_that_is_full_starts_nothing_and_says_so(home: Path) -> None:
    app = open_page("race")
    for number in range(MOST_WAITING - 2):
        resources.store().create_run(SMALL, str(number))
    button(app, "Start the race").click().run()
    (sentence,) = complaints(app)
    assert sentence.startswith("5 runs are to wait in line, which has room for 2 more")
    assert len(resources.runs()) == MOST_WAITING - 2
    for run in resources.runs():
        resources.store().set_state(run.id, "stopped")


def test_a_race_says_which_of_its_runs_were_deleted(finished_race: int) -> None:
    def said() -> str:
        return " ".join(each.value for each in open_page("race", race=str(finished_race)).caption)

    assert "Deleted since" not in said()
    resources.store().delete_run(finished_race)
    assert f"Deleted since: run {finished_race} of this race." in said()


def test_a_double_click_is_one_race() -> None:
    app = open_page("race", **QUICKLY)
    start = button(app, "Start the race")
    start.click().run()
    button(app, "Start the race").click().run()
    assert len({run.race for run in resources.runs()}) == 1


def test_a_finished_race_has_its_lesson_and_the_winners_settings_can_be_used(finished_race: int) -> None:
    app = open_page("race", race=str(finished_race))
    assert not complaints(app)
    assert told(app)["lesson"].startswith("Learning rate 0.01 won with")
    assert [racer["crowned"] for racer in told(app)["racers"]] == [False, True, False]
    assert any("Too small and it learns slowly" in each.value for each in app.markdown)
    assert button(app, "Stop the race").disabled
    button(app, "Use the winner's settings (0.01)").click().run()
    app.switch_page("views/train.py").run()
    assert (app.text_input(key="learning_rate").value, app.text_input(key="batch_size").value) == ("0.01", "100")


def test_earlier_races_can_be_chosen_and_are_kept_in_the_address(finished_race: int, home: Path) -> None:
    store = RunStore(home)
    newer = store.create_race(plan(SMALL, "seed", [1, 2, 3]))
    for run_id in newer:
        store.set_state(run_id, "stopped")
    store.close()
    app = open_page("race")
    assert told(app)["race"] == newer[0]
    app.selectbox(key="race").set_value(finished_race).run()
    assert told(app)["race"] == finished_race
    assert app.query_params["race"] == str(finished_race)


def test_a_race_is_stopped_and_goes_on(home: Path) -> None:
    store = RunStore(home)
    worker.start_together(store, plan(SMALL.with_changes(epochs=1000), "seed", [1, 2, 3]))
    app = open_page("race")
    button(app, "Stop the race").click().run()
    stop_all(store)
    assert {run.state for run in store.runs()} == {"stopped"}
    app.run()
    button(app, "Go on with the race").click().run()
    assert not complaints(app)
    assert all(run.active for run in store.runs())
    stop_all(store)
    store.close()


@pytest.mark.parametrize("number", ["99", "x", "9" * 500, "²", "-1"])
def test_a_race_that_is_not_there_is_said(number: str, finished_race: int) -> None:
    (sentence,) = complaints(open_page("race", race=number))
    assert sentence.startswith("There is no race")


def test_of_a_race_one_run_of_which_is_left_there_is_nothing_to_show(finished_race: int, home: Path) -> None:
    store = RunStore(home)
    for run in store.runs()[:2]:
        store.delete_run(run.id)
    store.close()
    app = open_page("race")
    assert not complaints(app)
    assert button(app, "Race five learning rates")


# --- beside the page ---


def test_who_knows_some_epochs_is_told_the_rest(finished_race: int) -> None:
    status, everything = ask(f"race={finished_race}")
    assert status == 200
    assert [[row[0] for row in racer["records"]] for racer in everything["racers"]] == [[1, 2]] * 3
    rest = ask(f"race={finished_race}&after=1")[1]
    assert [[row[0] for row in racer["records"]] for racer in rest["racers"]] == [[2]] * 3
    assert (rest["active"], rest["after"], rest["epochs"], rest["term"]) == (False, 1, 2, "learning rate")


@pytest.mark.parametrize("asked", ["", "race=", "race=one", "race=-1", "race=1&after=x", f"race={'9' * 99}", "race=²"])
def test_what_is_no_number_is_said(asked: str) -> None:
    status, answered = ask(asked)
    assert status == 400
    assert "whole numbers" in answered["problem"]


def test_a_race_that_is_gone_is_said_to_those_who_ask(finished_race: int) -> None:
    status, answered = ask("race=99")
    assert status == 404
    assert answered["problem"].startswith("Of this race fewer than two runs are left")


def test_whose_turn_it_is_makes_no_other_page(home: Path) -> None:
    store = RunStore(home)
    a, *_ = store.create_race(plan(SMALL, "seed", [1, 2, 3]))
    before = race_news.tell(a, 0, "one")
    assert store.begin(a)
    after = race_news.tell(a, 0, "one")
    assert [each["racers"][0]["now"] for each in (before, after)] == ["waits for its turn", "is learning"]
    assert before["shown"] == after["shown"]
    store.set_state(a, "stopped")
    assert race_news.tell(a, 0, "one")["shown"] != after["shown"]
    with pytest.raises(StoreError):
        race_news.tell(99, 0, "one")
    store.close()
