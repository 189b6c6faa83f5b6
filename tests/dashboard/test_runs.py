"""The page Runs: what its table says, which runs a link chooses, and what can be done with them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import figures, resources, session
from nnlib.runs.store import RunStore
from nnlib.training.config import TrainingConfig
from nnlib.training.trainer import EpochRecord
from tests.dashboard.test_pages import button, complaints, open_page
from tests.dashboard.test_pages import nothing_cached as nothing_cached

SMALL = TrainingConfig(hidden_widths=(1,), epochs=3, training_digits=100, validation_digits=100)


@pytest.fixture
def store(home: Path) -> Iterator[RunStore]:
    with closing(RunStore(home)) as store:
        yield store


def records_of(accuracies: Sequence[float], loss: float = 0.5) -> list[EpochRecord]:
    best = (0, 0.0)
    records = []
    for epoch, accuracy in enumerate(accuracies, start=1):
        best = (epoch, accuracy) if accuracy > best[1] else best
        records.append(
            EpochRecord(
                epoch, 10 * epoch, 0.001, loss, 0.5, loss, accuracy, (1.0, 1.0), (0,), epoch / 10, (), (), (), *best
            )
        )
    return records


def add(store: RunStore, *accuracies: float, name: str = "own settings", **changes: object) -> int:
    """A finished run whose epochs read so many of the validation digits right; its number."""
    run_id = store.create_run(SMALL.with_changes(**changes), name)
    for record in records_of(accuracies):
        store.append(run_id, record, checkpoint=b"x" * 1000)
    store.set_state(run_id, "finished")
    return run_id


def captions(app: AppTest) -> str:
    return " ".join(each.value for each in app.caption)


def chosen_rows(app: AppTest) -> list[int]:
    return app.session_state[str(app.dataframe[0].key)]["selection"]["rows"]


# --- the table ---


def test_the_table_says_what_a_run_came_to(store: RunStore) -> None:
    add(store, 0.5, 0.75, 0.7, name="with <b>signs</b>")
    waiting = store.create_run(SMALL, "waits")
    app = open_page("runs")
    assert not complaints(app)
    first, second = app.dataframe[0].value.to_dict("records")
    assert (first["Run"], first["State"], first["Done"]) == (waiting, "waits in line", 0)
    assert first["Best"] != first["Best"], "no number before the first epoch"
    assert (second["Name"], second["Best"], second["At"], second["Last"]) == ("with <b>signs</b>", 75, 2, 70)
    assert (second["Done"], second["Seconds"]) == (3, pytest.approx(0.3))
    assert "Parent" not in second, "what is said of no run has no column"
    assert "reads **75.00%**" in app.markdown[0].value


def test_settings_that_differ_have_a_column_and_the_others_a_sentence(store: RunStore) -> None:
    add(store, 0.5, dropout=0.25)
    add(store, 0.6, optimizer="sgd")
    app = open_page("runs")
    table = app.dataframe[0].value
    assert {"learning_rate", "epochs", "batch_size", "dropout", "optimizer"} <= set(table)
    assert not {"momentum", "training_digits", "seed"} & set(table)
    assert list(table["optimizer"]) == ["SGD", "Adam"]
    assert "training digits 100" in captions(app)
    add(store, 0.6, training_digits=200)
    again = open_page("runs")
    assert list(again.dataframe[0].value["training_digits"]) == [200, 100, 100]
    assert "training digits 100" not in captions(again)


def test_the_best_of_all_stands_out(store: RunStore) -> None:
    for accuracy in (0.5, 0.9, 0.7):
        add(store, accuracy)
    app = open_page("runs")
    place = list(app.dataframe[0].value).index("Best")
    (rule,) = app.dataframe[0].proto.arrow_data.styler.styles.splitlines()
    assert f"row1_col{place} " in rule, "the newest run is row 0, and the best is the second"
    assert "background-color" in rule


def test_of_a_run_of_an_older_version_the_best_epoch_is_found(store: RunStore) -> None:
    run = store.create_run(SMALL, "old")
    for epoch, accuracy in enumerate((0.5, 0.75, 0.75, 0.7), start=1):
        store.append(run, EpochRecord(epoch, 10 * epoch, 0.001, 0.5, 0.5, 0.5, accuracy, (1.0, 1.0), (0,), 1.0))
    (row,) = open_page("runs").dataframe[0].value.to_dict("records")
    assert (row["Best"], row["At"]) == (75, 2)


def test_a_fork_says_where_it_comes_from(store: RunStore) -> None:
    parent = add(store, 0.5, 0.6)
    store.fork(parent, 20, {"learning_rate": 0.0001})
    rows = open_page("runs").dataframe[0].value
    assert rows["Parent"][0] == f"run {parent}, at 20"


def test_runs_are_found_by_name_tag_note_and_state(store: RunStore) -> None:
    first, second = add(store, 0.5, name="Deep one"), add(store, 0.6, name="wide one")
    third = store.create_run(SMALL, "wide too")
    store.annotate(first, tags=["For Class"])
    store.annotate(second, note="show it first")
    for text, found in (("WIDE", [third, second]), ("class deep", [first]), ("show", [second]), ("", [3, 2, 1])):
        assert list(open_page("runs", find=text).dataframe[0].value["Run"]) == found
    app = open_page("runs", compare=str(third))
    app.multiselect(key="state").set_value(["queued"]).run()
    assert list(app.dataframe[0].value["Run"]) == [third]
    app.text_input(key="find").set_value("no such thing").run()
    assert not app.dataframe
    assert "No run is like that" in app.info[0].value
    assert "compare" not in app.query_params


# --- what is chosen ---


def test_a_link_chooses_runs_and_says_which_are_gone(store: RunStore) -> None:
    for _ in range(3):
        add(store, 0.5)
    app = open_page("runs", compare="3,1,77,x," + "9" * 50)
    (said,) = complaints(app)
    assert "77" in said
    assert app.query_params["compare"] == "3,1"
    assert chosen_rows(app) == [0, 2]
    assert button(app, "Delete 2 runs").disabled
    assert not complaints(app.run())


def test_another_run_on_top_leaves_the_choice_as_it_was(store: RunStore) -> None:
    first, _ = add(store, 0.5), add(store, 0.6)
    app = open_page("runs", compare=str(first))
    add(store, 0.7)
    app.run()
    assert chosen_rows(app) == [2]
    assert app.query_params["compare"] == str(first)


def test_what_is_chosen_is_there_after_a_visit_to_another_page(store: RunStore) -> None:
    first, _ = add(store, 0.5), add(store, 0.6)
    app = open_page("runs", compare=str(first))
    app.switch_page("views/data.py").run()
    assert "compare" not in app.query_params
    app.switch_page("views/runs.py").run()
    assert app.query_params["compare"] == str(first)
    assert chosen_rows(app) == [1]


def test_the_curves_of_chosen_runs_are_laid_over_each_other(store: RunStore) -> None:
    for rate in range(1, 11):
        add(store, 0.5, 0.6, learning_rate=rate / 100)
    app = open_page("runs", compare="2,1")
    (chart,) = app.get("plotly_chart")
    lines = json.loads(chart.proto.spec)["data"]
    assert len(lines) == 4
    assert lines[0]["name"].startswith("2 ·"), "in the order in which they were chosen"
    assert "learning rate: 0.02, 0.01" in captions(app)
    assert "Drawn are" not in captions(app)
    many = open_page("runs", compare=",".join(map(str, range(1, 11))))
    assert f"Drawn are {len(figures.LINES)} of the 10 chosen runs" in captions(many)


def test_a_run_can_be_looked_at(store: RunStore) -> None:
    run = add(store, 0.5)
    app = open_page("runs", compare=str(run))
    button(app, "Look at it").click().run()
    assert not complaints(app)
    assert app.selectbox(key="run").value == run
    assert button(app, "Look at it").disabled


# --- names, notes, tags ---


def test_a_run_gets_a_name_a_note_and_tags(store: RunStore) -> None:
    run = add(store, 0.5)
    app = open_page("runs", compare=str(run))
    app.text_input(key=f"name_{run}").set_value(":smile: [x](http://y), then\u202e z")
    app.text_input(key=f"tags_{run}").set_value("good, for class")
    app.text_area(key=f"note_{run}").set_value("show it first")
    button(app, "Save").click().run()
    assert not complaints(app)
    found = store.run(run)
    assert (found.name, found.note) == (":smile: [x](http://y), then\ufffd z", "show it first")
    assert found.tags == ("good", "for class")
    assert app.selectbox(key="run").options[1] == f"{run} · :smile: [x](http://y), then\ufffd z"
    (row,) = app.dataframe[0].value.to_dict("records")
    assert list(row["Tags"]) == ["good", "for class"]


def test_a_name_that_is_not_allowed_is_said_and_what_was_typed_stays(store: RunStore) -> None:
    run = add(store, 0.5)
    app = open_page("runs", compare=str(run))
    app.text_input(key=f"name_{run}").set_value("x" * 101)
    button(app, "Save").click().run()
    assert complaints(app) == ["The name has 101 characters: it must have 1 to 100 characters."]
    assert app.text_input(key=f"name_{run}").value == "x" * 101
    assert button(app, "Delete run 1")
    assert store.run(run).name == "own settings"


@pytest.mark.parametrize(
    ("held", "settled"),
    [("12 · the old name", 12), (12, 12), (0, 0), (None, None), ("abc", "abc"), ("12", "12"), (f"{10**12} · x",) * 2],
)
def test_a_label_of_before_a_run_was_renamed_still_says_its_number(
    held: object, settled: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    # tests/browser/test_runs.py does it all: AppTest itself knows every label, and never sends an old one
    monkeypatch.setattr(st, "session_state", {"run": held})
    assert session.settle_number("run") == settled
    assert st.session_state["run"] == settled


def test_several_runs_are_tagged_at_once(store: RunStore) -> None:
    first, second = add(store, 0.5), add(store, 0.6)
    store.annotate(first, tags=["old"])
    app = open_page("runs", compare=f"{first},{second}")
    button(app, "Add to all 2").click().run()
    assert complaints(app) == ["Write at least one tag first."]
    app.text_input(key="tags_of_all").set_value("good, new")
    button(app, "Add to all 2").click().run()
    assert not complaints(app)
    assert [store.run(run).tags for run in (first, second)] == [("old", "good", "new"), ("good", "new")]
    app.text_input(key="tags_of_all").set_value("good,old")
    button(app, "Take away").click().run()
    assert [store.run(run).tags for run in (first, second)] == [("new",), ("new",)]


# --- deleting ---


def test_several_runs_are_deleted_once_it_is_said_that_this_is_meant(store: RunStore) -> None:
    runs = [add(store, 0.5) for _ in range(3)]
    app = open_page("runs", compare="1,2", run="1")
    assert button(app, "Delete 2 runs").disabled
    app.checkbox[0].check().run()
    assert "gives back" in captions(app)
    button(app, "Delete 2 runs").click().run()
    assert not complaints(app)
    assert [run.id for run in store.runs()] == runs[2:]
    assert app.selectbox(key="run").value == 0, "the one that was looked at is gone"
    assert "compare" not in app.query_params


def test_a_run_that_is_active_is_not_deleted_and_why_is_said(store: RunStore) -> None:
    over, active = add(store, 0.5), store.create_run(SMALL, "waits")
    app = open_page("runs", compare=f"{over},{active}")
    app.checkbox[0].check().run()
    button(app, "Delete 2 runs").click().run()
    assert complaints(app) == [f"Run {active} is queued: stop it before you delete it."]
    assert len(resources.runs()) == 2


# --- the figure ---


def test_the_loss_has_a_logarithmic_axis_where_a_run_blew_up() -> None:
    curves = {"calm": records_of([0.5, 0.6]), "<b>wild</b>": records_of([0.1], loss=1e6)}
    calm, wild = (figures.overlay(dict(list(curves.items())[:n]), 10) for n in (1, 2))
    assert calm.layout.yaxis2.type is None
    assert wild.layout.yaxis2.type == "log"
    low, high = wild.layout.yaxis2.range
    assert low < -0.3 < 6 < high
    assert wild.data[2].name == "&lt;b&gt;wild&lt;/b&gt;"


def test_every_line_has_a_colour_and_a_style_of_its_own() -> None:
    figure = figures.overlay({str(n): records_of([0.5]) for n in range(len(figures.LINES))}, 10)
    above = [line for line in figure.data if line.yaxis == "y"]
    assert len({line.line.color for line in above}) == len({(line.line.color, line.line.dash) for line in above}) == 8
    assert len({line.line.dash for line in above}) >= 5
