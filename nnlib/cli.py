"""The command line: python -m nnlib train | evaluate | predict | runs | benchmark."""

import json
import os
import shlex
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from nnlib import benchmark as benchmarks
from nnlib.digits import find_digits, load_mnist, read_picture
from nnlib.errors import DrawingError, NnlibError, SettingError
from nnlib.model_files import Model, check_model_path, load_model, load_pretrained, save_model
from nnlib.runs import Run, RunStore, worker
from nnlib.study import evaluate as read_all
from nnlib.study import score_digits
from nnlib.training import PRESETS, SETTINGS, EpochRecord, Setting, describe, what_is_wrong

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
DATA = click.option(
    "--data",
    envvar="NNLIB_DATA",
    type=click.Path(path_type=Path),
    help="A folder of IDX files to use instead of MNIST.",
)


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


def with_settings(command: Callable) -> Callable:
    """Give a command an option for every setting of a training."""
    for setting in reversed(SETTINGS.values()):
        text = f"{setting.label} ({setting.term}): {setting.limits}. {setting.advice}"
        flag = "--" + setting.name.replace("_", "-")
        command = click.option(flag, setting.name, type=SettingType(setting), help=text.strip())(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """A neural network in numpy that reads handwritten digits."""


@cli.command()
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default="standard",
    show_default=True,
    help="Where the settings come from that are not given.",
)
@with_settings
@DATA
@click.option("--save", type=click.Path(path_type=Path), help="Save the trained network: .safetensors, .npz or .pkl.")
@click.option("--resume", type=int, metavar="RUN", help="Go on with a run that stopped; its settings stay as they are.")
def train(preset: str, data: Path | None, save: Path | None, resume: int | None, **given: Any) -> None:
    """Train a network; the dashboard shows the run like any other."""
    changes = {name: value for name, value in given.items() if value is not None}
    if save is not None:
        check_model_path(save)  # better now than after an hour's work
    store = RunStore()
    if resume is None:
        config = PRESETS[preset].config.with_changes(**changes)
        name = describe(config)
        load_mnist(data)  # a folder that is wrong makes no run
        run_id = store.create_run(config, name, str(data.resolve()) if data else None)
    else:
        if changes:
            raise click.UsageError("--resume keeps the settings of the run: give no others with it.")
        if not store.run(resume).resumable:
            raise click.UsageError(f"run {resume} is {store.run(resume).state}: only a run that stopped can go on.")
        run_id = resume
        store.take(run_id, os.getpid())
    run = store.run(run_id)
    click.echo(f"run {run_id}: {run.name}, epochs: {run.config.epochs}, digits: {run.config.training_digits:,}")
    _watch(store, run)
    if store.run(run_id).state != "finished":
        click.echo(
            f"stopped after epoch {store.run(run_id).epoch}; go on with: python -m nnlib train --resume {run_id}"
        )
        return
    network = store.model(run_id, run.config.epochs * run.config.steps_per_epoch).network
    accuracy = read_all(network, load_mnist(run.data_directory).test).accuracy
    click.echo(f"reads {accuracy:.2%} of the test digits")
    last = store.run(run_id).last
    warning = what_is_wrong(last, run.config) if last else None
    if warning:
        click.echo(warning)
    if save is not None:
        recipe = shlex.join(["python", "-m", "nnlib", *sys.argv[1:]]) if resume is None else f"run {run_id}"
        save_model(save, Model(network, run.name, run.config, run.config.epochs, accuracy, recipe))
        click.echo(f"saved as {save}")


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
                    f"epoch {record.epoch:4}   loss {record.training_loss:.4f}   "
                    f"accuracy {record.training_accuracy:7.2%}   validation loss {record.validation_loss:.4f}   "
                    f"accuracy {record.validation_accuracy:7.2%}   {record.seconds:6.1f} s"
                )


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
    click.echo(f"{found.name}: {evaluation.accuracy:.2%} right, {wrong:,} of {len(evaluation.labels):,} misread")
    click.echo("digit   count   read right (recall)   right when answered (precision)")
    for score in scores:
        recall, precision = ("-" if share is None else f"{share:.2%}" for share in (score.recall, score.precision))
        click.echo(f"{score.digit:5}   {score.count:5,}   {recall:>19}   {precision:>31}")


@cli.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), help="A model file; without it, the pretrained model.")
@AS_JSON
def predict(images: tuple[Path, ...], model: Path | None, as_json: bool) -> None:
    """Read the digits in pictures: drawings, photos, scans."""
    network = (load_pretrained() if model is None else load_model(model)).network
    results = []
    for path in images:
        digits = find_digits(read_picture(path))
        if not digits:
            raise DrawingError(f"{path} shows no digit: it must have ink that stands out from the paper.")
        for digit in digits:
            probabilities = network.predict_proba(digit.image[None])[0]
            best, second = probabilities.argsort()[::-1][:2]
            results.append(
                {
                    "image": str(path),
                    "box": [int(edge) for edge in digit.box],
                    "digit": int(best),
                    "probability": float(probabilities[best]),
                    "probabilities": [float(p) for p in probabilities],
                }
            )
            if not as_json:
                click.echo(
                    f"{path}: {best} ({probabilities[best]:.1%} sure), "
                    f"second guess {second} ({probabilities[second]:.1%})"
                )
    if as_json:
        click.echo(json.dumps(results))


@cli.command()
@click.option("--delete", type=int, metavar="RUN", help="Forget a run and all it left.")
@AS_JSON
def runs(delete: int | None, as_json: bool) -> None:
    """List the runs that the store has, the newest first."""
    store = RunStore()
    if delete is not None:
        store.delete_run(store.run(delete).id)
        click.echo(f"run {delete} is deleted")
        return
    found = store.runs()
    if as_json:
        click.echo(json.dumps([asdict(run) for run in found]))
        return
    if not found:
        click.echo("no runs yet: python -m nnlib train makes one")
    for run in found:
        accuracy = f"{run.last.validation_accuracy:.2%}" if run.last else "-"
        started = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created))
        click.echo(
            f"{run.id:4}   {run.state:11}   epoch {run.epoch:4} of {run.config.epochs:4}   "
            f"validation accuracy {accuracy:>7}   {started}   {run.name}"
        )
        if run.message:
            click.echo(f"       {run.message}")


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
        click.echo(f"{figure.label:42} {figure.value:12,.4g} {figure.unit}")


def main() -> None:
    """Run the command line; a mistake ends with one sentence: status 2 for its words, 1 for the rest."""
    try:
        sys.exit(cli.main(prog_name="python -m nnlib", standalone_mode=False))
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        click.echo(error.format_message(), err=True)
        sys.exit(error.exit_code)
    except NnlibError as error:
        click.echo(str(error), err=True)
        sys.exit(2 if isinstance(error, SettingError) else 1)
    except (KeyboardInterrupt, click.Abort):
        click.echo("left; a training that was under way can be resumed: python -m nnlib train --resume RUN", err=True)
        sys.exit(130)
