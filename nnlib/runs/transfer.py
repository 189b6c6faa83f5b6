"""In and out: a run as one file, to be taken to another store, and a model file as a run to go on from.

The file is a ZIP archive of data alone: `run.json`, and tensors as .safetensors. Nothing in it is
believed unchecked, and nothing executed.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, get_args

import numpy as np
import safetensors.numpy

from nnlib.digits import N_CLASSES, N_PIXELS, DataSet
from nnlib.errors import NnlibError, StoreError
from nnlib.files import is_plain_zip
from nnlib.model_files import Model, load_model
from nnlib.network import count_parameters
from nnlib.runs.run import (
    ACTIVE,
    BEGINNING,
    DAMAGE,
    KeptRun,
    State,
    read_happening,
    read_moment,
    read_record,
    recipe_of,
)
from nnlib.runs.store import RunStore
from nnlib.study import evaluate
from nnlib.training import EpochRecord, Progress, Trainer, TrainingConfig, corrections_in

FORMAT = 1
MOST_BYTES = 512 * 2**20  # of a run's file, and of what is in it
MOST_TEXT_BYTES = 64 * 2**20  # of run.json
MOST_DIRECTORY_BYTES = 2**16  # in which its members are listed
# what such a file can raise that is not what was written
DAMAGED = (
    *(*DAMAGE, NnlibError, safetensors.SafetensorError),
    *(zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError),  # zipfile's
)


def export_run(store: RunStore, run_id: int) -> bytes:
    """A run with all that it left, as the content of a file."""
    run = store.run(run_id)
    snapshots = [(moment, store.model(run_id, moment.step).network.parameters) for moment in store.snapshots(run_id)]
    checkpoints = list(store.whole_checkpoints(run_id))
    told = {
        "format": FORMAT,
        "name": run.name,
        "config": asdict(run.began_with),
        "weights": run.weights,
        "corrections": run.corrections,
        "state": run.state,
        "message": run.message,
        "happenings": [[each.step, each.name, each.value] for each in store.happenings(run_id)],
        "records": [asdict(record) for record in store.records(run_id)],
        "progress": [asdict(point) for point in store.progress(run_id)],
        "snapshots": [[moment.step, moment.epoch] for moment, _ in snapshots],
        "checkpoints": [[moment.step, moment.epoch] for moment, _ in checkpoints],
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("run.json", json.dumps(told))
        tensors = {str(moment.step): parameters.astype("<f4") for moment, parameters in snapshots}
        archive.writestr("snapshots.safetensors", safetensors.numpy.save(tensors))
        for moment, checkpoint in checkpoints:
            archive.writestr(f"checkpoint-{moment.step}.safetensors", checkpoint)
    return file.getvalue()


def import_file(store: RunStore, content: bytes, name: str, data: DataSet) -> int:
    """Take in a run's file, or a model file as a run to look at and to go on from; its number.

    `name` is that of the file. Raises StoreError for a damaged run's file, ModelFileError for what is
    no model file either.
    """
    if is_plain_zip(content, MOST_DIRECTORY_BYTES) and (told := _read_told(content)) is not None:
        return store.adopt(_read_run(content, told, name))
    if name.lower().endswith(".zip"):
        raise _damaged(ValueError("there is no run in it"))
    return store.adopt(_run_of(load_model(content, name), data))


def _run_of(model: Model, data: DataSet) -> KeptRun:
    """A run that begins with the network of a model file; it has learned nothing here yet."""
    config = config_of(model, data)
    trainer = Trainer(config, data)
    parameters = model.network.parameters
    trainer.begin_with(parameters)
    reads = evaluate(trainer.network, trainer.validation).accuracy
    return KeptRun(
        name=model.name,
        began_with=config,
        weights=trainer.recipe.weights,
        state="finished",
        message=f"it was brought in as a file, and reads {reads:.2%} of {config.validation_digits:,} validation "
        f"digits. It has no curves here; it can be trained on.",
        happenings=(),
        records=(),
        progress=(),
        snapshots=[(BEGINNING, parameters)],
        checkpoints=[(BEGINNING, trainer.checkpoint())],
    )


def config_of(model: Model, data: DataSet) -> TrainingConfig:
    """The settings that a network was trained with, as far as that is known and this data has so many digits."""
    config = model.config or TrainingConfig(
        hidden_widths=model.network.widths[1:-1], activation=model.network.activation
    )
    # it may have been made with other digits, of which there were more
    n_validation = min(config.validation_digits, len(data.train) // 2)
    return replace(
        config,
        validation_digits=n_validation,
        training_digits=min(config.training_digits, len(data.train) - n_validation),
    )


def _read_told(content: bytes) -> Any:
    """What run.json says; None where there is none: a model file of numpy's is such an archive, too."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if "run.json" not in archive.namelist():
                return None
            return json.loads(_read_member(archive, "run.json", MOST_TEXT_BYTES))
    except DAMAGED as error:
        raise _damaged(error) from error


def _read_run(content: bytes, told: Any, name: str) -> KeptRun:
    try:
        if told["format"] != FORMAT:
            raise ValueError("it is of another version of this program")
        config = TrainingConfig().with_changes(**told["config"])
        n_parameters = count_parameters((N_PIXELS, *config.hidden_widths, N_CLASSES))
        snapshots = [read_moment(step, epoch) for step, epoch in told["snapshots"]]
        checkpoints = [read_moment(step, epoch) for step, epoch in told["checkpoints"]]
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
                raise ValueError(f"there is more than {MOST_BYTES // 2**20} MB in it")
            tensors = safetensors.numpy.load(_read_member(archive, "snapshots.safetensors", MOST_BYTES))
            kept = [
                (moment, _read_member(archive, f"checkpoint-{moment.step}.safetensors", MOST_BYTES))
                for moment in checkpoints
            ]
        parameters = [(moment, tensors[str(moment.step)]) for moment in snapshots]
        for _, vector in parameters:
            if vector.shape != (n_parameters,) or vector.dtype != np.float32 or not np.isfinite(vector).all():
                raise ValueError("a snapshot is of another network")
        records = [read_record(EpochRecord, json.dumps(each)) for each in told["records"]]
        _require_layers(records, len(config.hidden_widths))
        if told["state"] not in get_args(State):
            raise ValueError("it is in no state that there is")
        interrupted = told["state"] in ACTIVE
        happenings = [read_happening(step, each, json.dumps(value)) for step, each, value in told["happenings"]]
        corrections = told.get("corrections")
        recipe_of(config, told["weights"], happenings, corrections)  # raises where there can be no such one
        if corrections is not None and {corrections_in(checkpoint).digest for _, checkpoint in kept} != {corrections}:
            raise ValueError("the corrected digits that it learns from are not in it")
        return KeptRun(
            name=str(told["name"])[:200] or name,
            began_with=config,
            weights=told["weights"],
            state="interrupted" if interrupted else told["state"],
            message="" if interrupted else str(told["message"])[:1000],
            happenings=happenings,
            records=records,
            progress=[read_record(Progress, json.dumps(each)) for each in told["progress"]],
            snapshots=parameters,
            checkpoints=kept,
            corrections=corrections,
        )
    except DAMAGED as error:
        raise _damaged(error) from error


def _require_layers(records: Sequence[EpochRecord], n_hidden: int) -> None:
    for record in records:
        for values, n in (
            (record.gradient_norms, n_hidden + 1),
            (record.dead_units, n_hidden),
            (record.update_ratios, n_hidden + 1),
            (record.saturated, n_hidden),
            (record.answers, N_CLASSES),
        ):
            if len(values) not in (n, 0):
                raise ValueError("a record is of another network")


def _read_member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with archive.open(name) as member:
        content = member.read(most + 1)
    if len(content) > most:
        raise ValueError(f"its {name} is too large")
    return content


def _damaged(error: Exception) -> StoreError:
    return StoreError(f"the run's file cannot be read ({error}): export the run once more, or choose another file.")
