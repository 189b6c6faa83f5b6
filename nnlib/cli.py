"""The command line: nnlib, or python -m nnlib, followed by one of the commands here."""

import errno
import importlib.util
import json
import math
import os
import shlex
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

import nnlib
from nnlib import benchmark as benchmarks
from nnlib.digits import Digits, idx_files, load_mnist, open_picture
from nnlib.errors import DamagedStoreError, DrawingError, NnlibError, SettingError, StoreError, UnknownRunError
from nnlib.files import read_bytes, write_bytes
from nnlib.model_files import SUFFIXES, check_model_path, load_model, load_pretrained, save_model
from nnlib.network import Network
from nnlib.reading import SURE, Reading, read_digits
from nnlib.runs import (
    CORRECTIONS_PART,
    Run,
    RunStore,
    advice_for,
    digits_of,
    export_run,
    import_file,
    records_as_csv,
    worker,
)
from nnlib.runs import MOST_BYTES as MOST_RUN_BYTES
from nnlib.runs import race as race_of
from nnlib.study import Trajectory, explore, score_digits
from nnlib.study import evaluate as read_all
from nnlib.training import (
    MOST_BYTES,
    MOST_POINTS,
    MOST_TRIALS,
    PRESETS,
    SETTINGS,
    EpochRecord,
    RatePoint,
    RateSuggestion,
    Recipe,
    Setting,
    describe,
    find_rate,
    nearest_setting,
    split,
)
from nnlib.words import count, exact, number, percent, printable, shown, typed

LINE_SECONDS = 0.5  # between two maps that are printed while one is being drawn
PORTS = range(8501, 8601)  # the dashboard takes the first that is free


class Folder(click.Path):
    """A folder; an empty name, as of a variable that is not set, means none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(value, param, ctx) if value else None


AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
JSON_LINES = click.option(
    "--json-lines", is_flag=True, help="Print what is found as soon as it is, a JSON object in each line."
)
DATA = click.option(
    "--data",
    envvar="NNLIB_DATA",
    type=Folder(path_type=Path),
    help="A folder of IDX files to use instead of MNIST.",
)


def preset_option(usual: str) -> Callable:
    """The option for a preset, and which one it is where none is given."""
    return click.option(
        "--preset",
        type=click.Choice(list(PRESETS)),
        default=usual,
        show_default=True,
        help="Where the settings come from that are not given.",
    )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


SETTINGS_FOLDER = Path(sysconfig.get_path("data"), "share", "nnlib")  # of the dashboard, once installed


class SettingType(click.ParamType):
    """A setting's value, checked against the table that everything checks against."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.name = "widths" if setting.kind is tuple else setting.kind.__name__

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self.setting.check(value)
        except SettingError as error:
            raise click.UsageError(str(error), ctx) from error

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        if self.setting.choices:
            return "|".join(self.setting.choices)
        return {tuple: "N,N,...", int: "N", float: "NUMBER"}[self.setting.kind]


class ValuesType(SettingType):
    """One value of a setting or several, as a race takes them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return race_of.read_values(self.setting.name, value)
        except SettingError as error:
            raise click.UsageError(str(error), ctx) from error

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "N,N,.../N,N,..." if self.setting.kind is tuple else f"{super().get_metavar(param, ctx)},..."


def with_settings(command: Callable, kind: type[SettingType] = SettingType) -> Callable:
    """Give a command an option for every setting of a training."""
    for setting in reversed(SETTINGS.values()):
        text = f"{setting.label} ({setting.term}): {setting.limits}. {setting.advice}"
        command = click.option(_flag(setting.name), setting.name, type=kind(setting), help=text.strip())(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(nnlib.__version__, message="nnlib %(version)s")
def cli() -> None:
    """A neural network in numpy that reads handwritten digits."""


def called() -> str:
    """How the command line was called: "nnlib" or "python -m nnlib"."""
    return click.get_current_context().find_root().info_name or "nnlib"


@cli.command()
@click.option(
    "--port", type=click.IntRange(1, 65_535), help=f"Its port; without this, {PORTS[0]} or the next that is free."
)
@click.option(
    "--address",
    default="localhost",
    show_default=True,
    help="Who may open it. localhost: this machine alone; 0.0.0.0: whoever can reach this machine.",
)
def dashboard(port: int | None, address: str) -> None:
    """Open the dashboard in a browser. Ctrl+C ends it; runs that are under way can be resumed."""
    # found and started, not imported: nnlib knows no Streamlit
    package = importlib.util.find_spec("dashboard")
    home = Path(package.origin).with_name("Home.py") if package and package.origin else None
    if home is None or not home.is_file() or importlib.util.find_spec("streamlit") is None:
        raise NnlibError(
            "the dashboard needs Streamlit, which is not installed: pip install -r requirements.txt in the project's "
            "folder brings all that is needed."
        )
    free = next((each for each in ([port] if port else PORTS) if _is_free(address, each)), None)
    if free is None:
        taken = f"port {port} is taken" if port else f"all ports from {PORTS[0]} to {PORTS[-1]} are taken"
        see = f"http://{address}:{port or PORTS[0]}"
        raise NnlibError(f"{taken}, perhaps by another dashboard at {see}: choose another one with --port.")
    if not port and free != PORTS[0]:
        click.echo(f"Port {PORTS[0]} is taken, perhaps by another dashboard: this one is at http://{address}:{free}")
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(home)]
    command += [f"--server.port={free}", f"--server.address={address}"]
    # -P and this: the packages are those found here, whatever lies in the folder from which it is started
    path = os.pathsep.join(filter(None, [str(home.parents[1]), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    for name in ("NNLIB_HOME", "NNLIB_DATA"):
        if environment.get(name):
            environment[name] = str(Path(environment[name]).resolve())
    # Streamlit reads its settings in the folder where it is started
    settings = home.parents[1] if (home.parents[1] / ".streamlit").is_dir() else SETTINGS_FOLDER
    if settings.is_dir():
        os.chdir(settings)
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(sys.executable, command, environment)  # signals and the exit status are then the server's own
    sys.exit(subprocess.call(command, env=environment))


def _is_free(address: str, port: int) -> bool:
    """Whether a server may listen there; NnlibError where the address is none of this machine's."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe, socket.socket(family) as listener:
        probe.settimeout(1)
        try:
            # on some systems two programs can listen at one port, and only one is heard
            if probe.connect_ex((address, port)) == 0:
                return False
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
        except (OSError, UnicodeError) as error:
            if isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise NnlibError(
                f"{printable(address)} is no address of this machine: choose localhost, or 0.0.0.0 to let others in."
            ) from error
    return True


@cli.command()
@preset_option("standard")
@with_settings
@DATA
@click.option("--save", type=click.Path(path_type=Path), help="Save the trained network: .safetensors, .npz or .pkl.")
@click.option(
    "--resume",
    type=int,
    metavar="RUN",
    help="Go on with a run that stopped, or is finished and gets more epochs; settings that are given hold from there.",
)
@click.option(
    "--recipe",
    type=click.Path(path_type=Path),
    help="Repeat a training to the last bit: a recipe file, or a model file that has one. Only --seed changes it.",
)
def train(
    preset: str, data: Path | None, save: Path | None, resume: int | None, recipe: Path | None, **given: Any
) -> None:
    """Train a network; the dashboard shows the run like any other."""
    changes = {name: value for name, value in given.items() if value is not None}
    if save is not None:
        check_model_path(save)  # better now than after an hour's work
    store = RunStore()
    if resume is not None:
        if recipe is not None or _given("preset"):
            raise click.UsageError("--resume goes on with a run as it is: give no --recipe and no --preset with it.")
        _require_resumable(store, resume)
        run_id = resume
        store.enqueue(run_id, changes)
    else:
        planned = _recipe(recipe, changes) if recipe else Recipe(PRESETS[preset].config.with_changes(**changes))
        # a folder that is wrong, or holds too few digits, makes no run
        split(load_mnist(data).train, planned.config)
        run_id = store.create_run(planned, describe(planned.config), str(data.resolve()) if data else None)
    _train(store, run_id, save)


def _given(option: str) -> bool:
    """Whether somebody typed an option, and it is not as it always is."""
    source = click.get_current_context().get_parameter_source(option)
    return source is not click.core.ParameterSource.DEFAULT


def _require_resumable(store: RunStore, run_id: int) -> None:
    run = store.run(run_id)
    if not run.resumable and run.state != "finished":
        raise click.UsageError(f"run {run_id} is {run.state}: only a run that stopped can go on.")


def _recipe(path: Path, changes: dict[str, Any]) -> Recipe:
    """The recipe in a file, with another seed where that is asked for."""
    if _given("preset") or changes.keys() - {"seed"}:
        raise click.UsageError("--recipe says all about a training: give no setting but --seed with it.")
    if path.suffix in SUFFIXES:
        found = load_model(path).training
        if found is None:
            raise SettingError(f"the model file {printable(str(path))} has no recipe in it: choose another one.")
        recipe = found
    else:
        recipe = Recipe.from_json(read_bytes(path, MOST_BYTES, SettingError).decode(errors="replace"))
    return recipe.with_seed(changes["seed"]) if "seed" in changes else recipe


def _train(store: RunStore, run_id: int, save: Path | None) -> None:
    """Train a run that is in line here, and say what came of it."""
    run, end = store.run(run_id), store.recipe(run_id).end
    click.echo(
        f"run {run_id}: {printable(run.name)}, epochs: {run.config.epochs}, digits: {run.config.training_digits:,}"
    )
    _watch(store, run)
    run = store.run(run_id)
    if run.message:
        click.echo(f"{run.message[0].upper()}{run.message[1:]}")
    moments = store.snapshots(run_id)
    if run.state != "finished" and (end is None or moments[-1].step < end):
        click.echo(f"stopped after epoch {run.epoch}; go on with: {called()} train --resume {run_id}")
        return
    model = store.model(run_id, moments[-1].step)
    accuracy = read_all(model.network, load_mnist(run.data_directory).test).accuracy
    click.echo(f"reads {accuracy:.2%} of the test digits")
    advice = advice_for(run, store.happenings(run_id), store.records(run_id), store.progress(run_id))
    if advice:
        given = " ".join(f"{_flag(name)} {typed(value)}" for name, value in advice.changes.items())
        where = "train" if advice.back_to is None else f"fork {run_id} --epoch {advice.back_to}"
        click.echo(f"{advice.sentence}\nwhat may mend it: {called()} {where} {given}")
    if save is not None:
        recipe = f"{called()} {shlex.join(sys.argv[1:])}"
        model = replace(model, name=run.name, test_accuracy=accuracy, recipe=recipe)
        save_model(save, model.calibrated(run.data_directory))
        click.echo(f"saved as {printable(str(save))}")


def _watch(store: RunStore, run: Run) -> None:
    """Train a run here, with a bar for all of it and a line for each epoch."""
    # in a file or a pipe, nothing but errors is for stderr
    hidden = not sys.stderr.isatty()
    steps = run.config.steps_per_epoch * run.config.epochs
    bar = click.progressbar(length=steps, file=sys.stderr, label="training", hidden=hidden)
    with bar, closing(worker.work(store, run.id)) as records:
        for record in records:
            bar.update(record.step - bar.pos)
            if isinstance(record, EpochRecord):
                if not hidden:
                    click.echo("\r\033[K", nl=False, err=True)  # the line takes the bar's place
                click.echo(
                    f"epoch {record.epoch:4}   loss {_loss(record.training_loss)}   "
                    f"accuracy {record.training_accuracy:7.2%}   validation loss {_loss(record.validation_loss)}   "
                    f"accuracy {record.validation_accuracy:7.2%}   {record.seconds:6.1f} s"
                )


def _loss(loss: float) -> str:
    # a loss that explodes would fill the line
    return f"{loss:.4f}" if loss < 1000 else number(loss)


@cli.command("find-rate")
@preset_option("standard")
@with_settings
@DATA
@AS_JSON
@JSON_LINES
def find_learning_rate(preset: str, data: Path | None, as_json: bool, json_lines: bool, **given: Any) -> None:
    """Find a learning rate that suits the settings, within seconds: a learning-rate range test, and some trials.

    The network learns while its rate grows, until that throws it about; some rates near there are then tried for about
    an epoch each. The learning rate that is given plays no part, nor do epochs and schedule.
    """
    changes = {name: value for name, value in given.items() if value is not None}
    config = PRESETS[preset].config.with_changes(**changes)
    points, suggestion = [], RateSuggestion(None, "")
    hidden = as_json or json_lines or not sys.stderr.isatty()
    length = 2 * MOST_POINTS
    bar = click.progressbar(length=length, file=sys.stderr, label="finding a rate", hidden=hidden)
    with bar, closing(find_rate(config, load_mnist(data))) as found:
        for each in found:
            if json_lines:
                click.echo(json.dumps(asdict(each)))
            if isinstance(each, RateSuggestion):
                suggestion = each
            elif isinstance(each, RatePoint):
                points.append(asdict(each))
                bar.update(1)
            else:  # the test may have ended early, and all trials together take about as long
                bar.update(max(MOST_POINTS - bar.pos, 0) + MOST_POINTS // MOST_TRIALS)
        bar.update(length - bar.pos)
    if as_json:
        click.echo(json.dumps({"points": points, "suggested": suggestion.suggested}))
    elif not json_lines:
        rate = suggestion.suggested
        click.echo("no learning rate is suggested" if rate is None else f"suggested learning rate: {exact(rate)}")
        click.echo(suggestion.why)


@cli.command()
@click.argument("run", type=int)
@click.option("--epoch", type=click.IntRange(0), help="Go on from the end of this epoch.")
@click.option("--step", type=click.IntRange(0), help="Go on once so many corrections were made.")
@with_settings
@click.option("--save", type=click.Path(path_type=Path), help="Save the trained network: .safetensors, .npz or .pkl.")
def fork(run: int, epoch: int | None, step: int | None, save: Path | None, **given: Any) -> None:
    """Go on from a moment of RUN in another run, with the settings that are given from there on.

    RUN stays as it is. With nothing changed, the other one ends with the same last bit.
    """
    if (epoch is None) == (step is None):
        raise click.UsageError("say from where it is to go on: either --epoch N or --step N.")
    if save is not None:
        check_model_path(save)
    store = RunStore()
    changes = {name: value for name, value in given.items() if value is not None}
    forked = store.fork(run, store.step_of(run, epoch) if step is None else step, changes)
    _train(store, forked, save)


@cli.command()
@preset_option("quick")
@partial(with_settings, kind=ValuesType)
@DATA
@AS_JSON
def race(preset: str, data: Path | None, as_json: bool, **given: Any) -> None:
    """Train the same network with 2 to 8 values of one setting, side by side, and say which did best.

    The values stand with commas between: --learning-rate 0.0001,0.001,0.01. Those of the hidden widths, which have
    commas themselves, stand with / between: --hidden-widths 32/64,32/128. All other settings have one value.
    """
    several = [name for name, values in given.items() if values is not None and len(values) > 1]
    if len(several) != 1:
        raise click.UsageError(
            f"{' and '.join(map(_flag, several)) or 'no setting'} {'have' if several else 'has'} several values: "
            f"exactly one setting must, like --learning-rate 0.0001,0.001,0.01."
        )
    (setting,) = several
    changes = {name: values[0] for name, values in given.items() if values and name != setting}
    config = PRESETS[preset].config.with_changes(**changes)
    for planned in race_of.plan(config, setting, given[setting]).values():
        split(load_mnist(data).train, planned)  # a folder that is wrong, or holds too few digits, makes no run
    store = RunStore()
    run_ids = race_of.start_race(store, config, setting, given[setting], str(data.resolve()) if data else None)
    _watch_race(store, run_ids)
    runs = [store.run(run_id) for run_id in run_ids]
    _say_race(race_of.judge(runs, {run.id: store.records(run.id) for run in runs}), as_json)


def _watch_race(store: RunStore, run_ids: list[int]) -> None:
    """A bar for all epochs of all runs, until none is under way."""
    hidden = not sys.stderr.isatty()
    runs = [store.run(run_id) for run_id in run_ids]
    epochs = sum(run.config.epochs for run in runs)
    with click.progressbar(length=epochs, file=sys.stderr, label=f"{len(runs)} runs race", hidden=hidden) as bar:
        while any(run.active for run in runs):
            time.sleep(worker.LOOK_SECONDS)
            runs = [store.run(run_id) for run_id in run_ids]
            bar.update(sum(run.epoch for run in runs) - bar.pos)


def _say_race(found: race_of.Race, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "run": racer.run.id,
                "value": getattr(racer.run.began_with, found.setting.name),
                "state": racer.run.state,
                "best_accuracy": racer.accuracy,
                "best_epoch": racer.best_epoch,
                "epochs_to_level": racer.epochs_to_level,
                "seconds": racer.seconds,
                "crowned": racer.crowned,
            }
            for racer in found.racers
        ]
        click.echo(json.dumps(rows))
        return
    width = max(len(found.setting.term), *(len(racer.value) for racer in found.racers))
    click.echo(f"{found.setting.term:{width}}     run   state         best accuracy   at epoch   seconds")
    for racer in found.racers:
        accuracy = "-" if racer.accuracy is None else f"{racer.accuracy:.2%}"
        click.echo(
            f"{racer.value:{width}} {'♛' if racer.crowned else ' '} {racer.run.id:5}   {racer.run.state:11}   "
            f"{accuracy:>13}   {racer.best_epoch or '-':>8}   {racer.seconds:7.1f}"
        )
    click.echo(found.lesson)


@cli.command()
@click.argument("run", type=int)
@click.argument("file", type=click.Path(path_type=Path))
def export(run: int, file: Path) -> None:
    """Write RUN whole into FILE: its recipe, its curves, its networks; `import` takes it into another store."""
    write_bytes(file, export_run(RunStore(), run), StoreError)
    click.echo(f"run {run} is in {printable(str(file))}")


@cli.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_(file: Path) -> None:
    """Take in FILE, a run that was exported or a model file, as a run to look at, fork and train on."""
    content = read_bytes(file, MOST_RUN_BYTES, StoreError)
    run_id = import_file(RunStore(), content, file.name, load_mnist())
    click.echo(f"{printable(str(file))} is run {run_id}")


@cli.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@DATA
@AS_JSON
def evaluate(model: Path | None, data: Path | None, as_json: bool) -> None:
    """Let MODEL, a .safetensors, .npz or .pkl file (without it, the pretrained network), read the test digits."""
    found = load_pretrained() if model is None else load_model(model)
    evaluation = read_all(found.network, load_mnist(data).test)
    scores = score_digits(evaluation.confusion)
    if as_json:
        digits = [asdict(score) for score in scores]
        click.echo(json.dumps({"model": found.name, "accuracy": evaluation.accuracy, "digits": digits}))
        return
    wrong = len(evaluation.mistakes())
    click.echo(
        f"{printable(found.name)}: {evaluation.accuracy:.2%} right, {wrong:,} of {len(evaluation.labels):,} misread"
    )
    click.echo("digit   count   read right (recall)   right when answered (precision)")
    for score in scores:
        recall, precision = ("-" if share is None else f"{share:.2%}" for share in (score.recall, score.precision))
        click.echo(f"{score.digit:5}   {score.count:5,}   {recall:>19}   {precision:>31}")


class Share(click.ParamType):
    """A number from 0 to 1."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        with suppress(ValueError):
            share = float(value)
            if 0 <= share <= 1:
                return share
        name = param.name if param else "it"
        raise click.UsageError(f"{name} is {shown(value)}: it must be a number from 0 to 1.", ctx)


@cli.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), help="A model file; without it, the pretrained model.")
@click.option(
    "--threshold",
    type=Share(),
    default=SURE,
    show_default=True,
    help="How sure it must be of a digit, from 0 to 1: below, the digit is read, and said to be unsure.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each picture, in a line of its own.")
def predict(images: tuple[Path, ...], model: Path | None, threshold: float, as_json: bool) -> None:
    """Read the numbers in pictures: drawings, photos, scans.

    There is one line for each picture, as soon as it is read. A picture in which there is no number has its line, too;
    what cannot be opened is said on stderr, the others are read all the same, and the exit status is then 1.
    """
    reader = load_pretrained() if model is None else load_model(model)
    unreadable = False
    for path in images:
        try:
            picture, reduction = open_picture(path)
            reading = read_digits(picture, reader, threshold)
        except DrawingError as error:
            click.echo(str(error), err=True)
            unreadable = True
            continue
        if as_json:
            click.echo(json.dumps({"image": str(path), **_told(reading, reduction)}))
        else:
            click.echo(f"{printable(str(path))}: {_say_reading(reading)}")
    if unreadable:
        sys.exit(1)


def _told(reading: Reading, reduction: int) -> dict[str, Any]:
    """What a picture says, for other programs; boxes are in pixels of the file, `reduction` times as many as were
    read."""
    return {
        "number": reading.number,
        "sure": reading.sure,
        "reason": reading.reason,
        "digits": [
            {
                "box": [int(edge) * reduction for edge in digit.box],
                "digit": digit.digit,
                "probability": digit.probability,
                "probabilities": [float(each) for each in digit.probabilities],
                "sure": digit.sure,
            }
            for digit in reading.digits
        ],
    }


def _say_reading(reading: Reading) -> str:
    """What a picture says, for people: the number, how sure that is, and what the unsure digits may be instead."""
    if reading.number is None:
        return " ".join(filter(None, ["no number.", reading.reason]))
    # of all digits together, as if one being right said nothing of the others
    certainty = math.prod(digit.certainty for digit in reading.digits)
    figures = reading.number.replace("\n", "; ")
    parts = [f"{figures} ({reading.words}), {percent(certainty)} sure"]
    if reading.reason:
        parts.append(reading.reason.removesuffix("."))
    for place, digit in enumerate(reading.digits, start=1):
        if not digit.sure:
            second = int(digit.probabilities.argsort()[-2])
            which = f"digit {place} may" if len(reading.digits) > 1 else "it may"
            parts.append(
                f"{which} be {digit.digit} ({percent(digit.certainty)}) or {second} "
                f"({percent(digit.likeness * digit.probabilities[second])})"
            )
    return ". ".join(f"{part[0].upper()}{part[1:]}" for part in parts)


@cli.command()
@click.option("--stop", type=int, metavar="RUN", help="Stop a run that is under way somewhere; it can be resumed.")
@click.option("--delete", type=int, metavar="RUN", help="Forget a run and all it left.")
@click.option("--csv", type=int, metavar="RUN", help="Print what a run learned, epoch by epoch, as CSV.")
@click.option("--recipe", type=int, metavar="RUN", help="Print a run's recipe, for train --recipe.")
@AS_JSON
def runs(stop: int | None, delete: int | None, csv: int | None, recipe: int | None, as_json: bool) -> None:
    """List the runs that the store has, the newest first."""
    store = RunStore()
    if stop is not None:
        store.send(stop, "stop")
        click.echo(f"run {stop} is told to stop")
        return
    if csv is not None:
        store.run(csv)
        click.echo(records_as_csv(store.records(csv)), nl=False)
        return
    if recipe is not None:
        click.echo(store.recipe(recipe).to_json())
        return
    if delete is not None:
        store.delete_run(delete)
        click.echo(f"run {delete} is deleted")
        return
    found, damaged = store.runs(), store.damaged_runs()
    if as_json:
        click.echo(json.dumps([asdict(run) for run in found] + [asdict(run) | {"state": "damaged"} for run in damaged]))
        return
    if not found and not damaged:
        click.echo(f"no runs yet: {called()} train makes one")
    width = max((len(str(number)) for number in [run.id for run in found] + [run.id for run in damaged]), default=0)
    for run in found:
        accuracy = f"{run.last.validation_accuracy:.2%}" if run.last else "-"
        started = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created))
        click.echo(
            f"{run.id:{width}}   {run.state:11}   epoch {run.epoch:4} of {run.config.epochs:4}   "
            f"validation accuracy {accuracy:>7}   {started}   {printable(run.name)}"
        )
        if run.message:
            click.echo(f"{'':{width}}   {printable(run.message, None)}")
    for lost in damaged:
        click.echo(f"{lost.id:{width}}   damaged       {printable(lost.message, None)}")


@cli.command()
@click.option(
    "--export",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write them as a pair of IDX files, in the form of MNIST's.",
)
@click.option("--delete", type=int, metavar="N", help="Forget one of them; runs that learned from it keep it.")
@AS_JSON
def corrections(export: Path | None, delete: int | None, as_json: bool) -> None:
    """List the digits that somebody corrected, on the page Draw, the oldest first."""
    kept = RunStore().corrections
    if delete is not None:
        kept.delete(delete)
        click.echo(f"corrected digit {delete} is deleted")
        return
    found = kept.all()
    if export is not None:
        if not found:
            raise StoreError("no digit was corrected yet: on the page Draw, say of a drawing what it is.")
        try:
            export.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the folder {printable(str(export))} cannot be made ({error.strerror}).") from error
        for name, content in idx_files(digits_of(found), CORRECTIONS_PART).items():
            write_bytes(export / name, content, StoreError)
        said = f"{count(len(found), 'corrected digit')} {'is' if len(found) == 1 else 'are'}"
        click.echo(f"{said} in {printable(str(export))}")
        return
    if as_json:
        rows = [{"number": e.id, "label": e.label, "answer": e.answer, "created": e.created} for e in found]
        click.echo(json.dumps(rows))
        return
    if not found:
        click.echo("no corrected digits yet: on the page Draw, say of a drawing what it is")
    for each in found:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(each.created))
        answered = "" if each.answer is None else f", was read as {each.answer}"
        click.echo(f"{each.id:5}   {when}   is {each.label}{answered}")
    if damage := kept.damage():
        click.echo(damage)


@cli.command()
@click.argument("run_ids", nargs=-1, required=True, type=int, metavar="RUN...")
@AS_JSON
@JSON_LINES
def landscape(run_ids: tuple[int, ...], as_json: bool, json_lines: bool) -> None:
    """Map the loss around the paths of runs, on digits that are new to them.

    The network of each RUN must have the same layers. On the map are the two directions in which the runs moved most.
    """
    store = RunStore()
    found = [store.run(run_id) for run_id in dict.fromkeys(run_ids)]
    digits = _new_to_all(found)
    trajectories = [Trajectory.of(f"run {run.id}", _moments(store, run)) for run in found]
    whole = 1000
    hidden = as_json or json_lines or not sys.stderr.isatty()
    bar = click.progressbar(length=whole, file=sys.stderr, label="mapping", hidden=hidden)
    told = 0.0
    with bar:
        for surroundings in explore(trajectories, digits):
            bar.update(round(whole * surroundings.done) - bar.pos)
            # each is the whole map: who draws them needs some, and the last
            if json_lines and (surroundings.done == 1 or time.monotonic() - told > LINE_SECONDS):
                click.echo(surroundings.to_json())
                told = time.monotonic()
    if json_lines:
        return
    if as_json:
        click.echo(surroundings.to_json())
        return
    for path in surroundings.paths:
        start, end, lowest = (
            f"{_loss(path.loss[index])} at epoch {number(path.epochs[index])}" for index in (0, -1, path.loss.argmin())
        )
        click.echo(f"{path.name}: loss {start}, {end}, lowest {lowest}")
    click.echo(
        f"the map shows {percent(surroundings.explained)} of how far the runs moved; the lowest loss on it is "
        f"{_loss(surroundings.loss.min())}, on {surroundings.n_digits:,} new digits"
    )


def _new_to_all(runs: list[Run]) -> Digits:
    """Validation digits that none of the runs has learned from."""
    first, *others = runs
    for other in others:
        if other.data_directory != first.data_directory:
            raise SettingError(
                f"run {first.id} and run {other.id} learned from digits of different folders: only runs with the same "
                f"digits have one landscape, so choose such runs."
            )
    fewest = min((run.config for run in runs), key=lambda config: config.validation_digits)
    return split(load_mnist(first.data_directory).train, fewest)[1]


def _moments(store: RunStore, run: Run) -> Iterator[tuple[float, Network]]:
    """The networks of a run's snapshots, with their epochs; those that are damaged are left out."""
    for moment in store.snapshots(run.id):
        with suppress(DamagedStoreError, UnknownRunError):  # a run that is under way thins its snapshots
            yield moment.epoch, store.model(run.id, moment.step).network


@cli.command()
@click.option("--rounds", type=click.IntRange(1, 100), default=5, show_default=True, help="Epochs of each, in turns.")
@AS_JSON
def benchmark(rounds: int, as_json: bool) -> None:
    """Measure how fast it trains, beside other ways to do the same and the least that any can take.

    PyTorch, scikit-learn and neural-network-digits take part where they are installed: pip install -r
    requirements-bench.txt. It takes some minutes; the machine should have nothing else to do.
    """
    results = benchmarks.compete(rounds, benchmarks.BATCH_SIZES)
    if as_json:
        click.echo(json.dumps([asdict(result) for result in results]))
        return
    click.echo(
        f"Seconds for an epoch of 60,000 digits, network {'-'.join(map(str, benchmarks.WIDTHS))}, "
        f"medians of {rounds}; in brackets, as multiples of the first line"
    )
    seconds = {(result.name, result.batch_size): result.seconds_per_epoch for result in results}
    click.echo("".join(["batch size".ljust(37), *(f"{size:>18,}" for size in benchmarks.BATCH_SIZES)]))
    for name, contestant in benchmarks.CONTESTANTS.items():
        if not contestant.installed:
            click.echo(f"{contestant.label:37}   not installed")
            continue
        cells = [
            f"{seconds[name, size]:10.3f} ({seconds[name, size] / seconds['floor', size]:5.2f})"
            for size in benchmarks.BATCH_SIZES
        ]
        click.echo("".join([contestant.label.ljust(37), *cells]))
    click.echo()
    for figure in benchmarks.measure():
        click.echo(f"{figure.label:42} {number(figure.value, 4):>12} {figure.unit}")


def main(called_as: str = "nnlib") -> None:
    """Run the command line; a mistake ends with one sentence: status 2 for its words, 1 for the rest."""
    try:
        sys.exit(cli.main(prog_name=called_as, standalone_mode=False))
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        sentence = error.format_message()
        if isinstance(error, click.NoSuchOption) and error.ctx and error.ctx.command in (train, find_learning_rate):
            nearest = nearest_setting(error.option_name)
            if nearest:
                sentence = f"No such option '{error.option_name}': did you mean '{_flag(nearest)}'?"
        for line in sentence.splitlines():  # one, unless it is the help that an empty command line gets
            click.echo(printable(line, None), err=True)
        sys.exit(error.exit_code)
    except NnlibError as error:
        click.echo(str(error), err=True)
        sys.exit(2 if isinstance(error, SettingError) else 1)
    except (KeyboardInterrupt, click.Abort):
        click.echo(f"left; a training that was under way can be resumed: {called_as} train --resume RUN", err=True)
        sys.exit(130)
