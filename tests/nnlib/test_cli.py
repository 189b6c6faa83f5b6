"""The command line: what it answers, and the one sentence that every mistake ends with."""

import csv
import importlib.util
import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from PIL import Image

import nnlib
from nnlib import __main__, cli
from nnlib.digits.mnist import load_mnist, load_part
from nnlib.model_files import SUFFIXES, Model, load_model, load_pretrained, save_model
from nnlib.network.network import Network
from nnlib.reading import ReadDigit, Reading
from nnlib.runs.store import RunStore
from nnlib.study.landscape import Landscape
from nnlib.training import blas
from nnlib.training.config import PRESETS, SETTINGS, Setting, TrainingConfig, describe
from nnlib.training.trainer import Trainer

FEW = ("--epochs", "2", "--training-digits", "2000", "--validation-digits", "500", "--hidden-widths", "16,8")
FEW_CONFIG = PRESETS["quick"].config.with_changes(
    epochs=2, training_digits=2000, validation_digits=500, hidden_widths=(16, 8)
)
PATIENCE_SECONDS = 60
DRAWING = Path(__file__).parents[2] / "docs" / "drawing.png"  # 314


@dataclass(frozen=True)
class Answer:
    status: int
    output: str
    errors: str

    def sentence(self, status: int) -> str:
        """The sentence of a mistake: all there is on stderr."""
        assert self.status == status, self
        sentence = self.errors.removesuffix("\n")
        assert sentence
        assert "\n" not in sentence
        assert "Traceback" not in sentence
        return sentence


Call = Callable[..., Answer]


@pytest.fixture
def call(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Call the command line in this process, with a store of its own."""

    def call(*words: Any) -> Answer:
        monkeypatch.setattr(sys, "argv", ["nnlib", *map(str, words)])
        with pytest.raises(SystemExit) as exit:
            cli.main("python -m nnlib")
        assert isinstance(exit.value.code, int | None)
        return Answer(exit.value.code or 0, *capsys.readouterr())

    return call


def run(*words: Any) -> Answer:
    """Run the command as a person would; NNLIB_HOME is the test's own."""
    done = subprocess.run(
        [sys.executable, "-m", "nnlib", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def drawing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of the first test digit, a seven, ten times as large, black on white."""
    path = tmp_path_factory.mktemp("drawing") / "seven.png"
    pixels = (255 - 255 * load_mnist().test.images[0].reshape(28, 28)).round().astype(np.uint8)
    Image.fromarray(pixels).resize((280, 280), Image.Resampling.BICUBIC).save(path)
    return path


# --- training, from the beginning to a file that others read ---


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_trained_is_saved_evaluated_and_predicts(
    home: Path, call: Call, drawing: Path, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"mine{suffix}"
    train = run if suffix == ".safetensors" else call
    trained = train("train", "--preset", "quick", *FEW, "--save", path)
    assert (trained.status, trained.errors) == (0, "")
    first, one, two, reads, *_, saved = trained.output.splitlines()
    assert first == f"run 1: {describe(FEW_CONFIG)}, epochs: 2, digits: 2,000"
    assert (one.split()[:2], two.split()[:2]) == (["epoch", "1"], ["epoch", "2"])
    assert saved == f"saved as {path}"

    # the same as a training anywhere else
    trainer = Trainer(FEW_CONFIG, load_mnist())
    *_, last = trainer
    model = load_model(path)
    assert model.network.parameters.tobytes() == trainer.network.parameters.tobytes()
    assert (model.config, model.epoch) == (FEW_CONFIG, 2)
    assert model.recipe == f"python -m nnlib train --preset quick {' '.join(FEW)} --save {path}"
    assert f"accuracy {last.training_accuracy:7.2%}" in two

    evaluated = json.loads(call("evaluate", path, "--json").output)
    assert 0 < evaluated["accuracy"] < 1
    assert evaluated["accuracy"] == model.test_accuracy
    assert reads == f"reads {evaluated['accuracy']:.2%} of the test digits"
    assert sum(digit["count"] for digit in evaluated["digits"]) == 10_000

    assert model.temperature == model.calibrated().temperature != 1

    (digit,) = json.loads(call("predict", drawing, "--model", path, "--json").output)["digits"]
    assert 0 <= digit["probability"] <= 1


def test_evaluate_and_predict_as_processes(home: Path, drawing: Path) -> None:
    evaluated = run("evaluate", "--json")
    assert (evaluated.status, evaluated.errors) == (0, "")
    assert 0.98 <= json.loads(evaluated.output)["accuracy"] <= 1
    predicted = run("predict", "--json", drawing)
    assert (predicted.status, predicted.errors) == (0, "")
    found = json.loads(predicted.output)
    assert list(found) == ["image", "number", "sure", "reason", "digits"]
    assert (found["image"], found["number"], found["sure"], found["reason"]) == (str(drawing), "7", True, None)
    (digit,) = found["digits"]
    assert list(digit) == ["box", "digit", "probability", "probabilities", "sure"]
    assert (digit["digit"], digit["sure"]) == (7, True)
    assert digit["probability"] == max(digit["probabilities"]) > 0.9
    assert len(digit["probabilities"]) == 10
    assert sum(digit["probabilities"]) == pytest.approx(1, abs=1e-5)
    left, top, right, bottom = digit["box"]
    assert 0 <= left < right <= 280
    assert 0 <= top < bottom <= 280


def test_a_rate_is_found_and_told_in_every_form(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[TrainingConfig] = []
    find = cli.find_rate

    def watched(config: TrainingConfig, data: Any) -> Any:
        given.append(config)
        return find(config, data)

    monkeypatch.setattr(cli, "find_rate", watched)
    text = call("find-rate", "--preset", "quick", *FEW)
    assert given == [FEW_CONFIG]
    assert (text.status, text.errors) == (0, "")
    first, why = text.output.splitlines()
    whole = json.loads(call("find-rate", "--preset", "quick", *FEW, "--json").output)
    lines = [json.loads(line) for line in call("find-rate", "--preset=quick", *FEW, "--json-lines").output.splitlines()]
    assert set(whole) == {"points", "suggested"}
    assert all(set(point) == {"learning_rate", "loss"} for point in whole["points"])
    assert first == f"suggested learning rate: {whole['suggested']}"
    assert lines[: len(whole["points"])] == whole["points"]
    assert lines[-1] == {"suggested": whole["suggested"], "why": why}
    assert whole["suggested"] in {line["tried"] for line in lines if "tried" in line}
    assert call("runs").output.startswith("no runs yet")


def test_where_no_rate_learns_none_is_suggested(call: Call) -> None:
    hopeless = ("find-rate", "--training-digits=100", "--activation=sigmoid", "--l2=1", "--hidden-widths=8")
    text = call(*hopeless)
    assert text.status == 0
    assert text.output.startswith("no learning rate is suggested\n")
    assert json.loads(call(*hopeless, "--json").output)["suggested"] is None


def test_evaluate_without_a_model_takes_the_pretrained_one(call: Call) -> None:
    answer = call("evaluate")
    first, heads, *digits = answer.output.splitlines()
    assert first.startswith(load_pretrained().name)
    assert heads.split()[:2] == ["digit", "count"]
    assert [line.split()[0] for line in digits] == list("0123456789")
    assert (answer.status, answer.errors) == (0, "")


def test_a_digit_that_is_never_answered_has_no_precision(call: Call, tmp_path: Path) -> None:
    network = Network((784, 4, 10))
    network.dense_layers[-1].biases[3] = 1  # a three, whatever it sees
    path = tmp_path / "three.npz"
    save_model(path, Model(network, "three", None, None, None, "by hand"))

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    answer = json.loads(call("evaluate", path, "--json").output, parse_constant=refuse)
    assert answer["digits"][3]["precision"] == answer["accuracy"]
    assert answer["digits"][4] == {"digit": 4, "count": 982, "recall": 0, "precision": None}
    line = call("evaluate", path).output.splitlines()[2 + 4]
    assert line.split() == ["4", "982", "0.00%", "-"]


def test_predict_says_what_it_sees_and_how_sure_it_is(call: Call, drawing: Path) -> None:
    answer = call("predict", DRAWING, drawing)
    assert (answer.status, answer.errors) == (0, "")
    first, second = answer.output.splitlines()
    assert re.fullmatch(rf"{re.escape(str(DRAWING))}: 314 \(three hundred and fourteen\), \d\d\.\d% sure", first)
    assert re.fullmatch(rf"{re.escape(str(drawing))}: 7 \(seven\), (more than )?99\.\d% sure", second)


def test_predict_says_the_second_guess_of_digits_that_are_not_sure_enough(call: Call, drawing: Path) -> None:
    found = json.loads(call("predict", DRAWING, "--json").output)
    least, *_ = sorted(digit["probability"] for digit in found["digits"])
    threshold = least + 1e-4
    unsure = json.loads(call("predict", DRAWING, "--json", "--threshold", threshold).output)
    assert unsure["number"] == "314"
    assert not unsure["sure"]
    assert unsure["reason"]
    assert [digit["sure"] for digit in unsure["digits"]] == [each["probability"] > least for each in found["digits"]]

    (line,) = call("predict", DRAWING, "--threshold", threshold).output.splitlines()
    place = [digit["sure"] for digit in unsure["digits"]].index(False)
    best, second = np.argsort(found["digits"][place]["probabilities"])[:-3:-1]
    assert f"sure. {unsure['reason'].removesuffix('.')}. Digit {place + 1} may be {best} (" in line
    assert f"%) or {second} (" in line
    assert line.count(" may be ") == 1
    assert call("predict", drawing, "--threshold", 1).output.count(" It may be 7 (") == 1
    assert " may be " not in call("predict", DRAWING, drawing, "--threshold", 0).output


def test_predict_reads_with_the_temperature_of_the_model(call: Call, drawing: Path, tmp_path: Path) -> None:
    sure = []
    for temperature in (0.5, 1.0, 8.0):
        path = tmp_path / f"{temperature}.npz"
        save_model(path, replace(load_pretrained(), temperature=temperature))
        (digit,) = json.loads(call("predict", drawing, "--json", "--model", path).output)["digits"]
        sure.append(digit["probability"])
    assert sure[0] > sure[1] > sure[2]


def test_predict_answers_for_every_picture_in_order_and_says_at_the_end_that_some_could_not_be_read(
    call: Call, drawing: Path, tmp_path: Path
) -> None:
    blank, missing = tmp_path / "blank.png", tmp_path / "missing.png"
    Image.new("RGB", (100, 100), "white").save(blank)
    answer = call("predict", drawing, blank, DRAWING, "--json")
    assert (answer.status, answer.errors) == (0, ""), "a picture without a number is an answer, too"
    found = [json.loads(line) for line in answer.output.splitlines()]
    assert [each["image"] for each in found] == [str(drawing), str(blank), str(DRAWING)]
    assert [each["number"] for each in found] == ["7", None, "314"]
    reason = found[1]["reason"]
    assert reason
    assert found[1] == {"image": str(blank), "number": None, "sure": False, "reason": reason, "digits": []}
    assert call("predict", blank).output == f"{blank}: no number. {reason}\n"

    answer = call("predict", missing, drawing, tmp_path, DRAWING, "--json")
    assert answer.status == 1
    assert [json.loads(line)["number"] for line in answer.output.splitlines()] == ["7", "314"]
    assert answer.errors.splitlines() == [
        f"there is no file {missing}: check its name and folder.",
        f"{tmp_path} is a folder: name a file in it.",
    ]


def test_predict_says_how_sure_the_rows_of_a_picture_are_and_scales_its_boxes() -> None:
    def digit(which: int, probability: float, likeness: float, box: tuple[int, int, int, int]) -> ReadDigit:
        probabilities = np.full(10, (1 - probability) / 9, np.float32)
        probabilities[which] = probability
        image = np.zeros(784, np.float32)
        return ReadDigit(box, image.reshape(28, 28), image, probabilities, likeness, str(which), 0.5)

    rows = ((digit(4, 0.9, 1, (1, 2, 3, 4)), digit(2, 0.9, 1, (5, 2, 7, 4))), (digit(7, 0.9, 0.5, (0, 9, 2, 11)),))
    reading = Reading(rows, "42\n7", "forty-two; seven", "the last may be no digit.")
    said = cli._say_reading(reading)
    assert said.startswith(
        "42; 7 (forty-two; seven), 36.4% sure. The last may be no digit. Digit 3 may be 7 (45.0%) or "
    )
    assert said.endswith(" (0.6%)")
    told = cli._told(reading, 3)
    assert told["number"] == "42\n7"
    assert [each["box"] for each in told["digits"]] == [[3, 6, 9, 12], [15, 6, 21, 12], [0, 27, 6, 33]]
    assert [each["sure"] for each in told["digits"]] == [True, True, False]
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize("value", ["-0.1", "1.01", "nan", "inf", "half", ""])
def test_a_threshold_out_of_range_is_named_with_the_range(call: Call, drawing: Path, value: str) -> None:
    sentence = f"threshold is {value or 'empty'}: it must be a number from 0 to 1."
    assert call("predict", drawing, f"--threshold={value}").sentence(2) == sentence


def test_training_is_on_the_digits_of_a_folder(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "digits"
    folder.mkdir()
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (folder / f"{name}-ubyte.gz").symlink_to(Path(cli.__file__).parent / "data" / f"{name}-ubyte.gz")
    monkeypatch.chdir(tmp_path)
    assert call("train", *FEW, "--data", "digits").status == 0
    with closing(RunStore()) as store:
        # to be found again from anywhere
        assert store.runs()[0].data_directory == str(folder.resolve())
    assert call("evaluate", "--data", "digits").output == call("evaluate").output


# --- the runs ---


def test_runs_are_listed_and_deleted(call: Call) -> None:
    assert call("runs").output == "no runs yet: python -m nnlib train makes one\n"
    assert json.loads(call("runs", "--json").output) == []
    assert call("train", *FEW).status == 0
    with closing(RunStore()) as store:
        queued = store.create_run(TrainingConfig(), "waits")
        store.set_state(queued, "stopped", "for a reason")
    newest, reason, oldest = call("runs").output.splitlines()
    assert newest.split()[:6] == ["2", "stopped", "epoch", "0", "of", "10"]
    assert reason.strip() == "for a reason"
    assert oldest.split()[:6] == ["1", "finished", "epoch", "2", "of", "2"]
    with closing(RunStore()) as store:
        assert oldest.endswith(f"   {describe(store.run(1).config)}")

    second, first = json.loads(call("runs", "--json").output)
    assert (first["id"], first["state"], first["last"]["epoch"], first["config"]["epochs"]) == (1, "finished", 2, 2)
    assert (second["id"], second["state"], second["last"]) == (2, "stopped", None)

    assert call("runs", "--delete", 1).output == "run 1 is deleted\n"
    assert [each["id"] for each in json.loads(call("runs", "--json").output)] == [2]
    assert call("runs", "--delete", 1).sentence(1) == "there is no run 1: it may have been deleted."


def test_a_damaged_run_is_listed_as_one_and_deleted(call: Call) -> None:
    with closing(RunStore()) as store:
        store.set_state(store.create_run(TrainingConfig(), "whole"), "stopped")
        store.set_state(store.create_run(TrainingConfig(), "to be spoilt"), "stopped")
        store._connection.execute("UPDATE runs SET config = '{}' WHERE id = 2")
    whole, damaged = call("runs").output.splitlines()
    assert whole.split()[:2] == ["1", "stopped"]
    sentence = "run 2 is damaged (it is not what was written): it can only be deleted."
    assert damaged.split(maxsplit=2) == ["2", "damaged", sentence]
    assert json.loads(call("runs", "--json").output)[1] == {"id": 2, "state": "damaged", "message": sentence}
    assert call("runs", "--delete", 2).output == "run 2 is deleted\n"
    assert len(call("runs").output.splitlines()) == 1


def test_a_run_at_work_is_not_deleted(call: Call) -> None:
    with closing(RunStore()) as store:
        store.create_run(TrainingConfig(), "mine")
    assert call("runs", "--delete", 1).sentence(1) == "run 1 is queued: stop it before you delete it."


def test_runs_have_a_landscape(call: Call) -> None:
    for rate in ("0.001", "0.05"):
        assert call("train", *FEW, "--learning-rate", rate).status == 0
    answer = call("landscape", 1, 2, 1)
    assert (answer.status, answer.errors) == (0, "")
    one, two, shows = answer.output.splitlines()
    assert re.match(r"run 1: loss \d\.\d+ at epoch 0, \d\.\d+ at epoch 2, lowest \d\.\d+ at epoch 2$", one)
    assert two.startswith("run 2: loss ")
    assert re.match(r"the map shows \d+\.\d% of how far .* lowest loss on it is \d.*, on 500 new digits$", shows)

    landscape = Landscape.from_json(call("landscape", 1, 2, "--json").output)
    with closing(RunStore()) as store:
        for path, run_id, said in zip(landscape.paths, (1, 2), (one, two), strict=True):
            assert path.name == f"run {run_id}"
            assert path.epochs == tuple(moment.epoch for moment in store.snapshots(run_id))
            last = store.records(run_id)[-1]
            assert path.loss[-1] == pytest.approx(last.validation_loss, rel=1e-4)
            assert f"{path.loss[-1]:.4f} at epoch 2" in said
    assert landscape.loss.shape == landscape.accuracy.shape == (65, 65)
    assert landscape.done == 1


def test_a_landscape_leaves_out_what_is_damaged(call: Call) -> None:
    assert call("train", *FEW).status == 0
    with closing(RunStore()) as store:
        store._connection.execute("UPDATE snapshots SET parameters = x'00' WHERE step = 1")
        whole = [moment.epoch for moment in store.snapshots(1) if moment.step != 1]
    (path,) = json.loads(call("landscape", 1, "--json").output)["paths"]
    assert path["epochs"] == whole


def test_runs_without_a_common_landscape_are_told_why(call: Call, tmp_path: Path) -> None:
    with closing(RunStore()) as store:
        for folder in (None, str(tmp_path)):
            store.set_state(store.create_run(FEW_CONFIG, "has not begun", folder), "stopped")
    assert call("landscape", 1).sentence(1).startswith("run 1 has no snapshot: ")
    assert call("landscape", 1, 2).sentence(2).startswith("run 1 and run 2 learned from digits of different folders: ")
    assert call("landscape", 3).sentence(1) == "there is no run 3: it may have been deleted."
    assert call("train", *FEW).status == call("train", *FEW, "--hidden-widths", "16").status == 0
    assert call("landscape", 3, 4).sentence(2).startswith("run 3 is 784-16-8-10, relu, but run 4 is 784-16-10, relu: ")


def test_an_interrupted_training_goes_on_where_it_was(home: Path, call: Call, tmp_path: Path) -> None:
    settings = {"epochs": 30, "training_digits": 3000, "validation_digits": 500, "hidden_widths": "32"}
    words = [word for name, value in settings.items() for word in ("--" + name.replace("_", "-"), str(value))]
    command = [sys.executable, "-m", "nnlib", "train", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as training:
        try:
            assert training.stdout is not None
            while not training.stdout.readline().startswith("epoch    2"):
                assert training.poll() is None
            training.send_signal(signal.SIGINT)
            _, errors = training.communicate(timeout=PATIENCE_SECONDS)
        finally:
            training.kill()
    sentence = "left; a training that was under way can be resumed: python -m nnlib train --resume RUN"
    # on a line of its own, below the ^C that a terminal shows
    assert Answer(training.returncode, "", errors.removeprefix("\n")).sentence(130) == sentence
    with closing(RunStore()) as store:
        left = store.run(1)
        assert (left.state, left.resumable) == ("interrupted", True)
        assert 2 <= left.epoch < 30

        path = tmp_path / "resumed.npz"
        resumed = call("train", "--resume", 1, "--save", path)
        assert (resumed.status, resumed.errors) == (0, "")
        assert f"epoch {left.epoch + 1:4} " in resumed.output
        assert f"epoch {left.epoch:4} " not in resumed.output
        assert store.run(1).state == "finished"
        trainer = Trainer(store.run(1).config, load_mnist())
        list(trainer)
        assert load_model(path).network.parameters.tobytes() == trainer.network.parameters.tobytes()


def test_a_training_that_is_stopped_from_elsewhere_says_how_to_go_on(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = cli.worker.work

    def stopped(store: RunStore, run_id: int) -> Any:
        for record in work(store, run_id):
            if store.run(run_id).epoch == 1:
                store.send(run_id, "stop")
            yield record

    monkeypatch.setattr(cli.worker, "work", stopped)
    answer = call("train", *FEW, "--epochs", 3)
    assert answer.status == 0
    assert answer.output.splitlines()[-1].startswith("stopped after epoch ")
    assert answer.output.endswith("; go on with: python -m nnlib train --resume 1\n")
    monkeypatch.undo()


def test_resume_takes_only_what_can_go_on(call: Call) -> None:
    assert call("train", "--resume", 1).sentence(1) == "there is no run 1: it may have been deleted."
    call("train", *FEW)
    assert call("train", "--resume", 1).sentence(1) == "run 1 has done all its 2 epochs: give it more of them."
    sentence = call("train", "--resume", 1, "--epochs", 3, "--seed", 5).sentence(2)
    assert sentence.startswith("seed cannot be changed while a network learns: only learning_rate, ")
    sentence = "--resume goes on with a run as it is: give no --recipe and no --preset with it."
    assert call("train", "--resume", 1, "--preset", "quick").sentence(2) == sentence
    with closing(RunStore()) as store:
        store.set_state(1, "diverged")
    assert call("train", "--resume", 1).sentence(2) == "run 1 is diverged: only a run that stopped can go on."


# --- a training is its recipe ---


def bits(number: int) -> bytes:
    """What a run's last network is."""
    with closing(RunStore()) as store:
        return store.model(number, store.snapshots(number)[-1].step).network.parameters.tobytes()


def test_a_finished_training_goes_on_with_more_epochs_and_other_settings(call: Call) -> None:
    call("train", *FEW)
    answer = call("train", "--resume", 1, "--epochs", 3, "--learning-rate", 0.01)
    assert (answer.status, answer.errors) == (0, "")
    with closing(RunStore()) as store:
        assert [record.epoch for record in store.records(1)] == [1, 2, 3]
        assert store.records(1)[-1].learning_rate < 0.01
        assert store.run(1).config.learning_rate == 0.01
    # the same as going on from there in another run
    assert call("fork", 1, "--epoch", 2, "--epochs", 3, "--learning-rate", 0.01).status == 0
    assert bits(1) == bits(2)


def test_what_goes_wrong_is_said_after_a_training_with_the_command_that_mends_it(call: Call) -> None:
    answer = call("train", *FEW, "--learning-rate", 10)
    *_, said, what_may_mend_it = answer.output.splitlines()
    assert " put out the same for every digit" in said
    assert what_may_mend_it == "what may mend it: python -m nnlib fork 1 --epoch 0 --learning-rate 0.001"
    assert "mend" not in call(*what_may_mend_it.partition("-m nnlib ")[2].split()).output
    answer = call("train", *FEW, "--epochs", 9, "--hidden-widths", 1, "--learning-rate", 0.001)
    assert answer.output.endswith("python -m nnlib train --hidden-widths 128,64,64\n")


def test_a_recipe_repeats_a_training_to_the_last_bit(call: Call, tmp_path: Path) -> None:
    call("train", *FEW, "--preset", "quick")
    call("train", "--resume", 1, "--epochs", 4, "--dropout", 0.1, "--save", tmp_path / "model.safetensors")
    call("fork", 1, "--epoch", 1, "--batch-size", 100, "--time-limit", 0.000001)
    for number in (1, 2):
        recipe = tmp_path / f"{number}.json"
        recipe.write_text(call("runs", "--recipe", number).output)
        answer = call("train", "--recipe", recipe)
        assert (answer.status, answer.errors) == (0, "")
        assert bits(number) == bits(number + 2)
    assert call("train", "--recipe", tmp_path / "model.safetensors").status == 0
    assert bits(5) == bits(1)
    assert call("train", "--recipe", tmp_path / "1.json", "--seed", 7).status == 0
    assert bits(6) != bits(1)


def test_what_is_no_recipe_ends_with_one_sentence(call: Call, tmp_path: Path) -> None:
    (tmp_path / "none.json").write_text("none")
    assert call("train", "--recipe", tmp_path / "none.json").sentence(2).startswith("this is no recipe: it must be ")
    assert call("train", "--recipe", tmp_path / "gone").sentence(2).startswith("there is no file ")
    save_model(tmp_path / "old.npz", replace(load_pretrained(), training=None))
    sentence = f"the model file {tmp_path / 'old.npz'} has no recipe in it: choose another one."
    assert call("train", "--recipe", tmp_path / "old.npz").sentence(2) == sentence
    sentence = "--recipe says all about a training: give no setting but --seed with it."
    assert call("train", "--recipe", tmp_path / "none.json", "--epochs", 3).sentence(2) == sentence
    assert call("runs").output.startswith("no runs yet")


def test_a_fork_is_asked_for_where_there_is_something_to_go_on_from(call: Call) -> None:
    assert call("fork", 1, "--epoch", 1).sentence(1) == "there is no run 1: it may have been deleted."
    call("train", *FEW)
    for words in ((), ("--epoch", 1, "--step", 1)):
        sentence = "say from where it is to go on: either --epoch N or --step N."
        assert call("fork", 1, *words).sentence(2) == sentence
    assert call("fork", 1, "--epoch", 3).sentence(1) == "epoch is 3: run 1 has done those from 0 to 2."
    sentence = "the step is 10,000: it must be from 0 to 64, so many corrections has run 1."
    assert call("fork", 1, "--step", 10_000).sentence(1) == sentence
    sentence = "epochs is 1: it must be at least 2, so many have begun by then."
    assert call("fork", 1, "--epoch", 2, "--epochs", 1).sentence(2) == sentence
    assert "hidden_widths cannot be changed" in call("fork", 1, "--epoch", 2, "--hidden-widths", "5").sentence(2)


def test_a_run_is_printed_as_a_table(call: Call) -> None:
    call("train", *FEW)
    rows = list(csv.DictReader(call("runs", "--csv", 1).output.splitlines()))
    with closing(RunStore()) as store:
        records = store.records(1)
    assert [int(row["epoch"]) for row in rows] == [1, 2]
    for row, record in zip(rows, records, strict=True):
        assert float(row["validation_loss"]) == record.validation_loss
        assert float(row["update_ratios_3"]) == record.update_ratios[2]
        assert sum(int(row[f"answers_{digit}"]) for digit in range(10)) == 500
    assert call("runs", "--csv", 5).sentence(1) == "there is no run 5: it may have been deleted."


def test_runs_stand_in_columns_and_numbers_are_for_people(call: Call) -> None:
    with closing(RunStore()) as store:
        for rate in (1e-5, 0.001):
            store.set_state(store.create_run(TrainingConfig(learning_rate=rate), "x"), "stopped")
        config = TrainingConfig(learning_rate=1e-5)
        store.set_state(store.create_run(config, describe(config)), "failed")
        store._connection.execute("UPDATE sqlite_sequence SET seq = 123455 WHERE name = 'runs'")
        store.set_state(store.create_run(TrainingConfig(learning_rate=1e-10), "x"), "stopped")
    lines = call("runs").output.splitlines()
    assert len({line.index("   epoch ") for line in lines}) == 1
    assert [line.split()[0] for line in lines] == ["123456", "3", "2", "1"]
    assert lines[1].endswith("   quick, learning rate 0.00001, batch size 128")


def test_an_exploding_loss_does_not_fill_the_line() -> None:
    assert [cli._loss(loss) for loss in (0.00001, 2.3026, 999.0, 123456.7, 1e30)] == [
        "0.0000",
        "2.3026",
        "999.0000",
        "123,457",
        "over 1,000,000,000",
    ]


def test_an_empty_folder_name_means_none(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # where there are no digits
    usual = call("evaluate").output
    assert call("evaluate", "--data", "").output == usual
    monkeypatch.setenv("NNLIB_DATA", "")
    assert call("evaluate").output == usual
    assert call("train", *FEW).status == 0
    with closing(RunStore()) as store:
        assert store.runs()[0].data_directory is None


def test_one_digit_can_be_evaluated(call: Call, tmp_path: Path) -> None:
    for part, n in (("train", 300), ("t10k", 1)):
        pictures, labels = np.zeros((n, 28, 28), np.uint8), np.full(n, 3, np.uint8)
        for name, array in (("images-idx3", pictures), ("labels-idx1", labels)):
            header = (0x0800 + array.ndim, *array.shape)
            content = b"".join(size.to_bytes(4, "big") for size in header) + array.tobytes()
            (tmp_path / f"{part}-{name}-ubyte").write_bytes(content)
    answer = call("evaluate", "--data", tmp_path)
    assert (answer.status, answer.errors) == (0, "")
    first, _, *digits = answer.output.splitlines()
    assert " of 1 misread" in first
    assert digits[5].split() == ["5", "0", "-", "-"]
    assert "this data has 300 digits to share" in call("train", *FEW, "--data", tmp_path).sentence(2)
    # settings that do not fit the data make no run
    assert call("runs").output.startswith("no runs yet")


# --- the dashboard, and how the command is called ---


def test_the_dashboard_starts_from_any_folder_and_says_its_address(tmp_path: Path) -> None:
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
        answer = run("dashboard", "--port", port)
        assert answer.sentence(1) == (
            f"port {port} is taken, perhaps by another dashboard at http://localhost:{port}: "
            "choose another one with --port."
        )
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1]), "STREAMLIT_SERVER_HEADLESS": "true"}
    command = [sys.executable, "-m", "nnlib", "dashboard", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        try:
            assert server.stdout is not None
            lines: list[str] = []
            while f"http://localhost:{port}" not in "".join(lines):
                lines.append(server.stdout.readline())
                assert lines[-1], lines
            with urllib.request.urlopen(f"http://localhost:{port}/_stcore/host-config") as answered:
                assert answered.status == 200
        finally:
            server.kill()  # a server that is asked to end while it begins may not hear it
    assert "email" not in "".join(lines).lower(), "the project's own configuration holds everywhere"


@pytest.mark.parametrize("missing", ["dashboard", "streamlit"])
def test_a_dashboard_that_is_not_installed_is_said_so(
    call: Call, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else find(name))
    assert call("dashboard").sentence(1).startswith("the dashboard needs Streamlit, which is not installed: ")


def test_the_next_port_is_taken_and_said_where_the_first_is_not_free(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def start(program: str, command: list[str], environment: dict[str, str]) -> None:
        started.append(command)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execve", start)
    monkeypatch.setattr(os, "name", "posix")
    with socket.create_server(("localhost", 0)) as taken:
        first = taken.getsockname()[1]
        monkeypatch.setattr(cli, "PORTS", [first])
        assert call("dashboard").sentence(1).startswith(f"all ports from {first} to {first} are taken")
        with socket.socket() as other:
            other.bind(("localhost", 0))
            free = other.getsockname()[1]
        monkeypatch.setattr(cli, "PORTS", [first, free])
        said = f"Port {first} is taken, perhaps by another dashboard: this one is at http://localhost:{free}\n"
        assert call("dashboard").output == said
    assert f"--server.port={free}" in started[0]
    assert "--server.address=localhost" in started[0]


def test_an_address_of_another_machine_is_said_to_be_so(call: Call) -> None:
    for address in ("192.0.2.1", "no such host", "x" * 300, "::g"):
        assert " is no address of this machine: choose localhost" in call("dashboard", "--address", address).sentence(1)


def test_the_version_is_said(call: Call) -> None:
    assert call("--version").output == f"nnlib {nnlib.__version__}\n"


def test_the_installed_command_calls_itself_by_its_name(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, said in {
        ("--help",): "Usage: nnlib [OPTIONS] COMMAND [ARGS]...",
        ("train", "--help"): "Usage: nnlib train [OPTIONS]",
        ("runs",): "no runs yet: nnlib train makes one",
    }.items():
        monkeypatch.setattr(sys, "argv", ["/somewhere/bin/nnlib", *words])
        with pytest.raises(SystemExit):
            cli.main()
        assert capsys.readouterr().out.startswith(said)


def test_both_commands_train_under_the_better_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    def start(program: str, command: list[str], environment: dict[str, str]) -> None:
        started.append([*command, environment[blas.CORETYPE]])
        raise SystemExit(0)

    monkeypatch.setattr(os, "execve", start)
    monkeypatch.setattr(os, "name", "posix")
    monkeypatch.setattr(blas, "kernel_environment", lambda: {blas.CORETYPE: "SKYLAKEX"})
    calls: dict[tuple[str, ...], Callable[[], Any]] = {
        ("-m", "nnlib"): lambda: runpy.run_path(__main__.__file__, run_name="__main__"),
        ("/somewhere/bin/nnlib",): __main__.main,
    }
    for program, call in calls.items():
        for words in (("train", "--epochs", "3"), ("find-rate", "--epochs", "3"), ("runs",)):
            monkeypatch.setattr(sys, "argv", ["nnlib", *words])
            monkeypatch.setattr(sys, "orig_argv", ["python", *program, *words])
            with pytest.raises(SystemExit):
                call()
    assert started == [
        [sys.executable, *program, command, "--epochs", "3", "SKYLAKEX"]
        for program in calls
        for command in ("train", "find-rate")
    ]


# --- mistakes ---


def too_far(setting: Setting) -> list[str]:
    if setting.choices:
        return ["nonsense", ""]
    if setting.kind is tuple:
        return ["0", "1025", "", "a", "16,", "16,x", ",".join(["8"] * 7), "1.5"]
    above = setting.high * 2 + 1
    below = setting.low if setting.above else setting.low - 1
    return [f"{above:.0f}", f"{below:.0f}", "nan", "inf", "", "much"] + (["3.5"] if setting.kind is int else [])


@pytest.mark.parametrize("name", SETTINGS)
def test_a_value_out_of_range_is_named_with_the_range(call: Call, name: str) -> None:
    setting = SETTINGS[name]
    for value in too_far(setting):
        sentence = call("train", f"--{name.replace('_', '-')}={value}").sentence(2)
        assert sentence.startswith(f"{name} is {value or 'empty'}: it must be {setting.limits}.")
    with closing(RunStore()) as store:
        assert store.runs() == []


def test_more_digits_than_there_are_is_a_mistake_in_words(call: Call) -> None:
    sentence = call("train", "--training-digits", 59_000, "--validation-digits", 2_000).sentence(2)
    assert sentence.startswith("training_digits and validation_digits are 61,000 together")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["learn"], "No such command 'learn'."),
        (["--nonsense"], "No such option '--nonsense'."),
        (["train", "--nonsense"], "No such option '--nonsense'."),
        (["train", "--lr", "0.1"], "No such option '--lr': did you mean '--learning-rate'?"),
        (["evaluate", "--lr"], "No such option '--lr'."),
        (["dashboard", "--port", "0"], "Invalid value for '--port': 0 is not in the range"),
        (["train", "--epochs"], "Option '--epochs' requires an argument."),
        (["train", "--preset", "huge"], "Invalid value for '--preset': 'huge' is not one of 'quick', "),
        (["train", "extra"], "Got unexpected extra argument (extra)"),
        (["train", "--resume", "last"], "Invalid value for '--resume': 'last' is not a valid integer."),
        (["evaluate", "one", "two"], "Got unexpected extra argument (two)"),
        (["evaluate", "--json=yes"], "Option '--json' does not take a value."),
        (["predict"], "Missing argument 'IMAGES...'."),
        (["landscape"], "Missing argument 'RUN...'."),
        (["landscape", "all"], "Invalid value for 'RUN...': 'all' is not a valid integer."),
        (["runs", "--delete", "all"], "Invalid value for '--delete': 'all' is not a valid integer."),
    ],
)
def test_a_mistake_in_words_ends_with_one_sentence(call: Call, words: list[str], sentence: str) -> None:
    answer = call(*words)
    assert answer.sentence(2).startswith(sentence)
    assert answer.output == ""


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["train", "--epochs", "0"], 2, "epochs is 0: it must be a whole number from 1 to 1,000 epochs."),
        (["evaluate", "missing.npz"], 1, "there is no file missing.npz: check its name and folder."),
    ],
)
def test_a_mistake_ends_a_process_with_one_sentence(home: Path, words: list[str], status: int, sentence: str) -> None:
    answer = run(*words)
    assert answer.sentence(status) == sentence
    assert answer.output == ""


def test_without_a_command_all_commands_are_shown(call: Call) -> None:
    answer = call()
    assert (answer.status, answer.output) == (2, "")
    assert answer.errors.startswith("Usage: python -m nnlib [OPTIONS] COMMAND [ARGS]...")
    assert all(f"\n  {name} " in answer.errors for name in cli.cli.commands)


def test_control_characters_of_names_do_not_reach_the_terminal(call: Call, drawing: Path, tmp_path: Path) -> None:
    odd = "\x1b[31m\x07\u202e"
    picture = tmp_path / f"{odd}.png"
    picture.write_bytes(drawing.read_bytes())
    path = tmp_path / f"{odd}.npz"
    save_model(path, Model(Network((784, 4, 10)), odd, None, None, None, odd))
    with closing(RunStore()) as store:
        run_id = store.create_run(TrainingConfig(), f"a\nb{odd}")
        store.set_state(run_id, "stopped", odd)
    outputs = [
        call("predict", picture).output,
        call("evaluate", path).output,
        call("predict", tmp_path / f"{odd}.gif").errors,
        call("evaluate", tmp_path / odd).errors,
        call("train", "--save", tmp_path / odd / "x.npz").errors,
        call("train", "--data", tmp_path / odd).errors,
        call("train", f"--optimizer={odd}").errors,
        call(odd).errors,
        call(f"--{odd}").errors,
        call("runs").output,
        call("train", *FEW, "--save", tmp_path / f"saved{odd}.npz").output,
    ]
    for output in outputs:
        assert output
        assert all(line.isprintable() for line in output.splitlines()), output
        assert "\ufffd" in output or r"\x1b" in output
    assert len(call("runs").output.splitlines()) == 3


@pytest.mark.parametrize("words", [["evaluate"], ["predict", "{drawing}", "--model"]])
def test_a_model_that_cannot_be_read_ends_with_one_sentence(
    call: Call, drawing: Path, tmp_path: Path, words: list[str]
) -> None:
    words = [word.format(drawing=drawing) for word in words]
    missing, damaged = tmp_path / "missing.npz", tmp_path / "damaged.npz"
    damaged.write_bytes(b"PK\x03\x04 and nothing more")
    assert call(*words, missing).sentence(1) == f"there is no file {missing}: check its name and folder."
    assert call(*words, damaged).sentence(1).startswith("damaged.npz was not loaded: ")
    assert call(*words, tmp_path).sentence(1) == f"{tmp_path} is a folder: name a file in it."
    os.mkfifo(tmp_path / "pipe.npz")
    assert "pipe.npz is not a file but a pipe" in call(*words, tmp_path / "pipe.npz").sentence(1)


def test_a_picture_that_cannot_be_read_ends_with_one_sentence(call: Call, drawing: Path, tmp_path: Path) -> None:
    missing, damaged = tmp_path / "missing.png", tmp_path / "damaged.png"
    damaged.write_bytes(drawing.read_bytes()[:300])
    assert call("predict", missing).sentence(1) == f"there is no file {missing}: check its name and folder."
    assert call("predict", damaged).sentence(1).startswith(f"{damaged} is cut off: the rest of it is missing")
    assert call("predict", tmp_path).sentence(1) == f"{tmp_path} is a folder: name a file in it."
    os.mkfifo(tmp_path / "pipe.png")
    assert "pipe.png is not a file but a pipe" in call("predict", tmp_path / "pipe.png").sentence(1)


def test_where_it_cannot_be_saved_nothing_is_trained(call: Call, tmp_path: Path) -> None:
    kinds = "is no kind of model file: choose .safetensors, .npz or .pkl."
    assert call("train", "--save", tmp_path / "mine.txt").sentence(1) == f".txt {kinds}"
    assert call("train", "--save", tmp_path / "mine").sentence(1) == f"no suffix {kinds}"
    (tmp_path / "folder.npz").mkdir()
    for place in (tmp_path / "nowhere" / "mine.npz", tmp_path / "folder.npz"):
        sentence = f"{place} cannot be saved there: choose a folder that exists and lets you write."
        assert call("train", "--save", place).sentence(1) == sentence
    assert call("runs").output.startswith("no runs yet")


@pytest.mark.parametrize("command", ["train", "evaluate", "find-rate"])
def test_a_wrong_folder_of_digits_ends_with_one_sentence(call: Call, tmp_path: Path, command: str) -> None:
    sentence = call(command, "--data", tmp_path).sentence(1)
    assert sentence.startswith(f"{tmp_path / 'train-images-idx3-ubyte'} is missing")
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"no gzip")
    assert "is damaged or no gzip file: copy it again" in call(command, "--data", tmp_path).sentence(1)
    # a folder that is wrong makes no run
    assert call("runs").output.startswith("no runs yet")


def test_a_training_that_diverges_ends_with_one_sentence(call: Call) -> None:
    answer = call("train", *FEW, "--hidden-widths=128,64,64", "--optimizer=sgd", "--learning-rate=10")
    assert answer.sentence(1).startswith("the loss stopped being a number in epoch 1")
    assert call("runs").output.split()[1] == "diverged"


@pytest.mark.parametrize("words", [["runs"], ["train"], ["train", "--resume", "1"]])
def test_a_store_that_cannot_be_used_ends_with_one_sentence(call: Call, home: Path, words: list[str]) -> None:
    (home / "runs.sqlite").write_text("no database " * 100)
    assert "runs.sqlite is no store" in call(*words).sentence(1)


# --- a race ---

FEW_AT_ONCE = ("--training-digits", "2000", "--validation-digits", "500", "--hidden-widths", "16,8")


def test_a_race_ends_with_a_table_and_its_lesson_or_with_json(call: Call) -> None:
    answer = call("race", "--learning-rate", "0.00001,0.01", "--epochs=2", *FEW_AT_ONCE)
    assert (answer.status, answer.errors) == (0, "")
    heads, slow, best, lesson = answer.output.splitlines()
    assert heads.split()[:3] == ["learning", "rate", "run"]
    assert slow.split()[:3] == ["0.00001", "1", "finished"]
    assert best.split()[:4] == ["0.01", "♛", "2", "finished"]
    assert lesson.startswith("Learning rate 0.01 won with ")
    answer = call("race", "--hidden-widths", "4/8,4", "--epochs=1", *FEW_AT_ONCE[:4], "--json")
    rows = json.loads(answer.output)
    assert [(row["run"], row["value"]) for row in rows] == [(3, [4]), (4, [8, 4])]
    for row in rows:
        assert 0 < row["best_accuracy"] < 1
        assert row["seconds"] > 0
    assert {run["race"] for run in json.loads(call("runs", "--json").output)} == {1, 3}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "no setting has several values: exactly one setting must, like --learning-rate 0.0001,0.001,0.01."),
        (["--seed=1"], "no setting has several values: exactly one setting must"),
        (["--seed=1,2", "--epochs=1,2"], "--seed and --epochs have several values: exactly one setting must"),
        (["--seed=1,2,1"], "seed has 1 twice: all values of a race must differ."),
        (["--seed=1,2,3,4,5,6,7,8,9"], "seed has 9 values to race: it must be 2 to 8 of them, with commas between."),
        (["--learning-rate=1,50"], "learning_rate is 50: it must be a number above 0 and at most 10."),
    ],
)
def test_what_cannot_race_ends_with_one_sentence(call: Call, words: list[str], sentence: str) -> None:
    assert sentence in call("race", *words).sentence(2)
    assert call("runs").output.startswith("no runs yet")


def test_a_race_that_is_left_can_be_resumed(home: Path) -> None:
    command = [sys.executable, "-m", "nnlib", "race", "--seed=1,2,3", "--epochs=1000", *FEW_AT_ONCE]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    store = RunStore(home)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not any(run.epoch for run in store.runs()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert "can be resumed" in errors
    while any(run.active for run in store.runs()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert all(run.resumable for run in store.runs())
    store.close()


# --- help ---


def test_the_help_of_train_says_the_limits_of_every_setting(call: Call) -> None:
    for flag in ("--help", "-h"):
        answer = call("train", flag)
        assert (answer.status, answer.errors) == (0, "")
        text = " ".join(answer.output.split())
        for setting in SETTINGS.values():
            assert f"--{setting.name.replace('_', '-')} " in text
            assert f"{setting.label} ({setting.term}): {setting.limits}." in text
        assert all(preset in text for preset in PRESETS)


@pytest.mark.parametrize("name", sorted(cli.cli.commands))
def test_every_option_is_explained(call: Call, name: str) -> None:
    answer = call(name, "--help")
    assert (answer.status, answer.errors) == (0, "")
    assert answer.output.startswith(f"Usage: python -m nnlib {name} ")
    for option in cli.cli.commands[name].params:
        if isinstance(option, click.Option):
            assert option.help
            assert all(flag in answer.output for flag in option.opts)


def test_every_setting_of_the_command_line_is_used(call: Call) -> None:
    """Each has a value of its own, to be found in the run."""
    wanted: dict[str, Any] = {
        "hidden_widths": (5, 4),
        "activation": "tanh",
        "optimizer": "sgd",
        "learning_rate": 0.0125,
        "schedule": "one_cycle",
        "epochs": 1,
        "batch_size": 77,
        "momentum": 0.5,
        "l2": 0.001,
        "weight_decay": 0.002,
        "dropout": 0.25,
        "label_smoothing": 0.125,
        "augmentation": 0.5,
        "patience": 3,
        "target_accuracy": 99.5,
        "time_limit": 60.5,
        "training_digits": 101,
        "validation_digits": 102,
        "seed": 7,
    }
    assert set(wanted) == set(SETTINGS)
    words = [f"--{name.replace('_', '-')}={str(value).strip('()').replace(' ', '')}" for name, value in wanted.items()]
    assert call("train", *words).status == 0
    with closing(RunStore()) as store:
        assert store.runs()[0].config == TrainingConfig(**wanted)


# --- corrected digits ---


def test_corrected_digits_are_listed_saved_and_deleted(call: Call, home: Path, tmp_path: Path) -> None:
    assert call("corrections").output == "no corrected digits yet: on the page Draw, say of a drawing what it is\n"
    assert call("corrections", "--export", tmp_path / "none").sentence(1).startswith("no digit was corrected yet")
    with closing(RunStore(home)) as store:
        for label, answer in ((7, 1), (4, None)):
            store.corrections.add(np.full(784, label / 10, np.float32), label, answer)
    first, second = call("corrections").output.splitlines()
    assert re.fullmatch(r" +1   \d{4}-\d\d-\d\d \d\d:\d\d   is 7, was read as 1", first)
    assert second.endswith("is 4")
    listed = json.loads(call("corrections", "--json").output)
    assert [(each["number"], each["label"], each["answer"]) for each in listed] == [(1, 7, 1), (2, 4, None)]
    folder = tmp_path / "a" / "folder"
    assert call("corrections", "--export", folder).output == f"2 corrected digits are in {folder}\n"
    assert load_part(folder, "corrections").labels.tolist() == [7, 4]
    assert call("corrections", "--delete", 1).output == "corrected digit 1 is deleted\n"
    assert call("corrections", "--delete", 1).sentence(1).startswith("there is no corrected digit 1: ")
    assert len(json.loads(call("corrections", "--json").output)) == 1
    (tmp_path / "file").write_text("")
    assert "cannot be made" in call("corrections", "--export", tmp_path / "file").sentence(1)
    with closing(RunStore(home)) as store, store._database.writing() as connection:
        connection.execute("UPDATE corrections SET label = 5")
    assert "cannot be read any more" in call("corrections").output
