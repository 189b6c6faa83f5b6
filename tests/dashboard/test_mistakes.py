"""The page Mistakes: every question, every look, every way to choose digits, and what is saved of them."""

import csv
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard import resources
from dashboard.parts import which_digits, why
from dashboard.parts.which_digits import ORDERS, Wanted
from nnlib.digits import load_mnist, load_part
from nnlib.errors import StoreError
from nnlib.runs import picture_of
from nnlib.study import compare
from tests.conftest import train_to_its_end
from tests.dashboard.test_pages import SMALL, a_seven, complaints, draw, drawn, open_page, save_digits
from tests.dashboard.test_pages import nothing_cached as nothing_cached

QUESTIONS = ("mistakes", "trust", "two", "labels")


@pytest.fixture
def run(home: Path) -> int:
    return train_to_its_end(home, SMALL)


def said(app: AppTest) -> str:
    return " ".join(each.value for each in [*app.markdown, *app.caption, *app.header, *app.info])


# --- which digits ---


def test_digits_are_sorted_and_filtered_as_it_says() -> None:
    readings = resources.readings(None, 0)
    sure, wrong = readings.probabilities.max(axis=1), readings.predictions != readings.labels
    for order, key in (("sure", -sure), ("unsure", sure), ("loss", -readings.losses), ("margin", -readings.margins)):
        found = Wanted(None, None, 0, 100, order).among(readings)
        assert sorted(found) == np.flatnonzero(wrong).tolist()
        assert (np.diff(key[found]) >= 0).all()
    found = Wanted(9, 4, 50, 90, "sure").among(readings)
    expected = (readings.labels == 9) & (readings.predictions == 4) & (sure >= 0.5) & (sure <= 0.9)
    assert sorted(found) == np.flatnonzero(expected).tolist()
    right = Wanted(3, 3, 0, 100, "unsure").among(readings)
    assert (readings.predictions[right] == 3).all()
    assert sure[right[0]] == sure[(readings.labels == 3) & ~wrong].min()


@pytest.mark.parametrize("order", ORDERS)
def test_order_and_certainty_come_from_the_address(order: str) -> None:
    app = open_page("mistakes", sorted=order, between="60-80")
    assert not complaints(app)
    assert any(ORDERS[order][1] in each.value and "60 to 80% sure" in each.value for each in app.header)


@pytest.mark.parametrize("between", ["", "80-60", "0-101", "a-b", "-5-10", "1-2-3"])
def test_a_certainty_that_is_none_is_left_out(between: str) -> None:
    app = open_page("mistakes", between=between)
    assert not complaints(app)
    assert not any("% sure" in each.value for each in app.header)


def test_a_digit_has_a_link_whether_it_was_misread_or_not() -> None:
    for number in (0, 947):
        app = open_page("mistakes", no=str(number))
        assert not complaints(app)
        assert any(each.value == f"Test digit {number:,}, closer" for each in app.header)
    app = open_page("mistakes", no="10000")
    for _ in range(2):
        (sentence,) = complaints(app)
        assert "numbered from 0 to 9,999" in sentence
        app.run()  # which asks for nothing new: the sentence stays until another digit is chosen
    app.number_input(key="closer_no").set_value(3869).run()
    assert not complaints(app)


def test_another_cell_and_another_part_have_another_first_digit() -> None:
    app = open_page("mistakes", no="947")
    app.selectbox(key="true").set_value("9").run()
    assert not any("947" in each.value for each in app.header)
    before = [each.value for each in app.header]
    app.session_state["of"] = "validation"
    app.run()
    assert not complaints(app)
    assert [each.value for each in app.header] != before
    assert any(each.value.startswith("Validation digit ") for each in app.header)


def test_a_list_is_saved_as_a_table_a_picture_and_data(tmp_path: Path) -> None:
    readings, test = resources.readings(None, 0), load_mnist().test
    found = Wanted(None, None, 0, 100, "loss").among(readings)
    rows = list(csv.DictReader(io.StringIO(which_digits.as_csv(readings, found).decode())))
    assert [int(row["number"]) for row in rows] == found.tolist()
    for row, index in zip(rows, found, strict=True):
        assert int(row["label"]) == readings.labels[index]
        assert int(row["answer"]) == readings.predictions[index]
        assert float(row["loss"]) == pytest.approx(readings.losses[index], rel=1e-4)
        own = [float(row[f"probability_of_{digit}"]) for digit in range(10)]
        assert own == pytest.approx(readings.probabilities[index].tolist(), abs=1e-5)
    with Image.open(io.BytesIO(which_digits.as_picture(test.images[found]))) as picture:
        first = np.asarray(picture)[:28, :28]
    assert np.array_equal(255 - first, test.pixels[found[0]].reshape(28, 28))
    with zipfile.ZipFile(io.BytesIO(which_digits.as_idx(test, found))) as archive:
        archive.extractall(tmp_path)
    again = load_part(tmp_path, "mistakes")
    assert np.array_equal(again.pixels, test.pixels[found])
    assert np.array_equal(again.labels, test.labels[found])


def test_what_comes_first_is_said_and_chosen_and_changes_with_the_cell() -> None:
    app = open_page("mistakes")
    assert app.radio(key="sorted").value == "sure"
    app = open_page("mistakes", true="3", answer="3")
    assert app.radio(key="sorted").value == "unsure"
    app.radio(key="sorted").set_value("margin").run()
    app.selectbox(key="true").set_value("5").run()
    assert app.radio(key="sorted").value == "margin"
    assert app.query_params["sorted"] == "margin"


def test_a_digit_is_found_by_its_number() -> None:
    app = open_page("mistakes", no="947")
    app.number_input(key="closer_no").set_value(3869).run()
    assert not complaints(app)
    assert any(each.value == "Test digit 3,869, closer" for each in app.header)
    assert app.query_params["no"] == "3869"


def test_of_a_misread_digit_it_is_said_in_short_why(run: int) -> None:
    told = in_short_of(open_page("mistakes", no="3869"))
    assert told[0] == "**Why 4 and not 9?**"
    assert "**Its form:** beside the 50 most similar 9s, it lacks ink at the top" in told[1]
    assert "**A pen:** 1 touch of a pen at the top, and the answer would be 9." in told
    assert "12 are 4s." in next(each for each in told if each.startswith("**Most alike:**"))
    assert any(re.fullmatch(r"\*\*Other networks:\*\* 1 says \d\.", each) for each in told)
    told = in_short_of(open_page("mistakes", no="0"))
    second = int(resources.readings(None, 0).probabilities[0].argsort()[-2])
    assert told[0] == f"**Why 7 and not {second}?**"
    assert len(told) == 6


def test_of_a_drawing_it_is_said_in_short_why(monkeypatch: pytest.MonkeyPatch) -> None:
    draw(monkeypatch, a_seven())
    told = in_short_of(open_page("draw"))
    assert told[0].startswith("**Why 7 and not ")
    assert [line.split(":")[0] for line in told[1:]] == ["**Its form", "**Evidence", "**A pen", "**Most alike"]


def in_short_of(app: AppTest) -> list[str]:
    (said,) = (each.value for each in app.markdown if "**Its form:**" in each.value)
    return [line.removeprefix("- ") for line in said.splitlines() if line]


def test_the_answer_to_explain_is_another_one_with_another_digit() -> None:
    def buttons(app: AppTest) -> Any:
        return next(each for each in app.segmented_control if each.label == "What speaks for …")

    app = open_page("mistakes", no="625")
    assert (buttons(app).options[0], buttons(app).value) == ("4 rather than 6", why.RATHER)
    buttons(app).set_value(6).run()
    assert not complaints(app)
    app.number_input(key="closer_no").set_value(0).run()
    assert (buttons(app).options[0], buttons(app).value) == ("0", 7)


def test_a_doubtful_label_leads_to_why_the_network_says_so() -> None:
    app = open_page("mistakes", ask="labels", doubt="947")
    next(each for each in app.button if each.label == "Why does the network say so?").click().run()
    assert not complaints(app)
    assert any(each.value == "Test digit 947, closer" for each in app.header)


def test_another_run_begins_with_its_newest_moment(run: int) -> None:
    app = open_page("mistakes")
    app.selectbox(key="run").set_value(run).run()
    assert app.select_slider(key="step").value == SMALL.epochs * SMALL.steps_per_epoch
    assert "epoch" not in app.query_params
    app.selectbox(key="run").set_value(0).run()
    app.selectbox(key="run").set_value(run).run()
    assert app.select_slider(key="step").value == SMALL.epochs * SMALL.steps_per_epoch


def test_a_digit_about_which_two_networks_differ_has_a_link(run: int) -> None:
    found = compare(resources.readings(None, 0), resources.readings(run, SMALL.epochs * SMALL.steps_per_epoch))
    app = open_page("mistakes", ask="two", other=str(run), right_by="first", differs=str(found.only_first[3]))
    assert not complaints(app)
    assert any(each.value.startswith(f"No. {found.only_first[3]:,}, ") for each in app.caption)
    app = open_page("mistakes", ask="two", other=str(run), right_by="first")
    assert app.query_params["differs"] == str(found.only_first[0])


# --- every question, of every network ---


@pytest.mark.parametrize("of", ["test", "validation", "training"])
@pytest.mark.parametrize("ask", QUESTIONS)
def test_every_question_is_answered_of_every_part(ask: str, of: str, run: int) -> None:
    for address in ({}, {"run": str(run)}):
        app = open_page("mistakes", ask=ask, of=of, **address)
        assert not complaints(app)
        assert drawn(app)


@pytest.mark.parametrize("ask", QUESTIONS)
def test_few_digits_of_few_kinds_are_asked_about_too(ask: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_digits(tmp_path, n=100, n_classes=2)
    monkeypatch.setattr(resources, "DATA_DIRECTORY", str(tmp_path))
    assert not complaints(open_page("mistakes", ask=ask))


def test_of_other_pictures_the_classes_are_named_and_the_pretrained_network_warns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    save_digits(folder, n=100, n_classes=10)
    monkeypatch.setattr(resources, "DATA_DIRECTORY", str(folder))
    app = open_page("mistakes")
    assert complaints(app) == [
        "The pretrained network learned digits, and was never meant for these pictures: choose a network that you "
        "trained on them."
    ]
    assert "9 ankle boot" in said(app)
    app = open_page("data")
    assert not complaints(app)
    assert "called *Fashion" in said(app)
    assert "sneaker" in str(app.segmented_control(key="digit").options)


@pytest.mark.parametrize("look", why.LOOKS)
def test_every_look_is_drawn_for_a_test_digit_and_a_drawing(
    look: str, run: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in ({}, {"run": str(run)}):
        app = open_page("mistakes", why=look, no="947", **address)
        assert not complaints(app)
    draw(monkeypatch, a_seven())
    assert not complaints(open_page("draw", why=look, run=str(run)))


def test_the_reason_is_said() -> None:
    (told,) = (each for each in in_short_of(open_page("mistakes", no="947")) if "**Its form:**" in each)
    assert told.startswith("**Its form:** of the ten training digits that look most like it, ")
    assert re.search(r"it, \d+ (are \ds|is an? \d)( and \d+ (are \ds|is an? \d))?, so its label may be wrong", told)


def test_when_a_digit_was_learned_is_said_and_what_other_networks_say(run: int) -> None:
    app = open_page("mistakes", run=str(run), why="time", no="0")
    assert re.search(r"It first answered 7 after .*, (and ever since|and changed its mind)", said(app))
    assert "the pretrained network: **7** ✓" in said(app)
    assert any('class="history"' in html for html in drawn(app))
    app = open_page("mistakes", why="time", no="0")
    assert f"run {run} · own settings: **7** ✓" in said(app)


def test_what_turns_an_answer_is_drawn_and_said() -> None:
    app = open_page("mistakes", no="947", why="turn")
    assert re.search(r"\*\*\d touch(es)?\*\* of a pen", said(app))
    assert re.search(r"\d+% of all that there is; it is drawn \d+ times as strong", said(app))
    changes = [html for html in drawn(app) if "More ink, and less" in html]
    assert [html.count("<figure>") for html in changes] == [2, 2]
    assert all("Read as an 8" in html for html in changes)


# --- trust, and two networks ---


def test_calibration_brings_certainty_nearer_to_the_truth() -> None:
    found = re.search(
        r"are \*\*([\d.]+)%\*\* apart, and calibrated \*\*([\d.]+)%\*\*", said(open_page("mistakes", ask="trust"))
    )
    assert found
    assert float(found[2]) < 1 < float(found[1])


def test_a_higher_threshold_answers_fewer_digits() -> None:
    low, high = (
        re.search(r"answers \*\*(?:more than )?([\d.]+)%", said(open_page("mistakes", ask="trust", trusted=percent)))
        for percent in ("50", "99")
    )
    assert low
    assert high
    assert float(low[1]) > float(high[1])


def test_two_networks_are_compared_digit_by_digit(run: int) -> None:
    app = open_page("mistakes", ask="two", run=str(run), other="0")
    step = resources.snapshots(run)[-1].step
    found = compare(resources.readings(run, step), resources.readings(None, 0))
    metrics = {each.label: each.value for each in app.metric}
    assert metrics["Only the first"] == f"{len(found.only_first):,}"
    assert metrics["Only the second"] == f"{len(found.only_second):,}"
    assert "**is hardly chance**" in said(app)
    assert app.query_params["other"] == "0"


def test_of_validation_digits_those_are_compared_that_neither_learned_from(run: int) -> None:
    app = open_page("mistakes", ask="two", of="validation", run=str(run), other="0")
    assert not complaints(app)
    (own,) = [each.value for each in app.metric if each.label == "The second"]
    labels = load_mnist().train.labels[-SMALL.validation_digits :]
    pretrained = resources.readings(None, 0, "validation")
    assert own == f"{np.mean(pretrained.predictions[-len(labels) :] == labels):.2%}"


def test_without_another_network_there_is_nothing_to_compare() -> None:
    assert "There is no other network yet" in said(open_page("mistakes", ask="two"))


# --- labels ---


def judge(app: AppTest, verdict: str | None) -> AppTest:
    (buttons,) = [each for each in app.segmented_control if each.label.startswith("**What is it really?**")]
    return buttons.set_value(verdict).run()


def test_a_label_is_judged_wrong_right_or_unclear_and_that_is_taken_back() -> None:
    app = open_page("mistakes", ask="labels", doubt="947")
    assert any("947: labelled 8" in each.value for each in app.header)
    picture = picture_of(load_mnist().test.images[947])
    for verdict, label, words in (
        ("9", 9, "wrong: a 9"),
        ("8", 8, "right"),
        ("nobody can tell", None, "nobody can tell"),
    ):
        judge(app, verdict)
        assert not complaints(app)
        assert f"Judged: {words}." in said(app)
        assert resources.verdicts()[picture].label == label
    judge(app, None)
    assert resources.verdicts() == {}


def test_verdicts_say_how_well_a_network_really_reads_and_are_seen_by_all() -> None:
    judge(open_page("mistakes", ask="labels", doubt="947"), "9")
    text = said(open_page("mistakes", ask="labels", judged="wrong"))
    assert (
        "Judged so far: 1, of which 1 wrong, 0 unclear. With that, and without the unclear ones, the pretrained "
        "network reads **99.30%** right" in text
    )


def test_a_store_that_takes_no_verdict_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("mistakes", ask="labels")
    monkeypatch.setattr(
        "nnlib.runs.verdicts.Verdicts.say", lambda *_: (_ for _ in ()).throw(StoreError("the disk is full."))
    )
    assert complaints(judge(app, "3")) == ["The disk is full."]
