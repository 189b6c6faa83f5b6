"""Teaching: a network learns on for a short while, with the digits that people corrected mixed in (fine-tuning)."""

import math

import numpy as np

from nnlib.digits import DataSet, Digits
from nnlib.errors import StoreError
from nnlib.model_files import Model
from nnlib.runs.corrections import digits_of
from nnlib.runs.store import RunStore
from nnlib.runs.transfer import config_of
from nnlib.runs.worker import keep_starting
from nnlib.training import SETTINGS, TrainingConfig, corrections_in, first_checkpoint
from nnlib.words import count

# chosen by validation digits, see docs/teaching.md
LEARNING_RATE = 0.0003
ENOUGH_DIGITS = 660_000  # that are shown to it
BATCH_SIZE = 128
AUGMENTATION = 0.5  # at the end of its learning a network gains by digits that are nearly as they were


def settings_for(model: Model, data: DataSet) -> TrainingConfig:
    """With which settings a network is taught: its own where they are known, but for a short and gentle training."""
    config = config_of(model, data)
    return config.with_changes(
        optimizer="adam",
        learning_rate=LEARNING_RATE,
        schedule="cosine",
        epochs=min(math.ceil(ENOUGH_DIGITS / config.training_digits), int(SETTINGS["epochs"].high)),
        batch_size=BATCH_SIZE,
        augmentation=AUGMENTATION,
        patience=0,
        target_accuracy=0.0,
        time_limit=0.0,
    )


def teach(
    store: RunStore,
    model: Model,
    data: DataSet,
    data_directory: str | None = None,
    parent: tuple[int, int] | None = None,
) -> int:
    """Let a network learn all corrected digits of the store, in a new run with a process of its own; its number.

    The digits of `data`, from `data_directory`, are mixed in, so that it does not forget them. `parent` says of which
    run the network is, after how many of its corrections. What is corrected or deleted later changes nothing in the
    run. Raises StoreError where nothing is corrected, and where too many runs wait already.
    """
    corrections = digits_of(store.corrections.all())
    if not len(corrections):
        raise StoreError("no digit was corrected yet: say of a drawing what it is, and there is something to teach.")
    parameters = np.array(model.network.parameters)
    recipe, checkpoint = first_checkpoint(settings_for(model, data), parameters, corrections)
    origin = f"run {parent[0]}" if parent else "the pretrained network"
    name = f"taught {count(len(corrections), 'digit')}, from {origin}"
    run_id = store.create_run_from(parameters, recipe, checkpoint, name, data_directory, parent)
    keep_starting(store)
    return run_id


def taught(store: RunStore, run_id: int) -> Digits:
    """The corrected digits that a run learns from; StoreError where none of its checkpoints is whole."""
    checkpoint = store.checkpoint(run_id)
    if checkpoint is None:
        raise StoreError(f"the corrected digits of run {run_id} are damaged: teach it once more.")
    return corrections_in(checkpoint)
