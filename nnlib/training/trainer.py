"""The training: an iterator of records, which can be stopped, kept and continued at any batch."""

import json
import math
import os
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from nnlib.digits import DataSet, Digits, OtherHands
from nnlib.errors import DivergedError, SettingError, StoreError
from nnlib.network import ROWS_AT_ONCE, CategoricalCrossEntropy, schedule_factor
from nnlib.training.blas import BLAS, kernel
from nnlib.training.config import TrainingConfig
from nnlib.training.halves import make_halves, share_memory
from nnlib.training.partner import POSSIBLE, Helper, Partner

FEWEST_DIGITS = 2000  # that a point within an epoch averages over, or it jumps; unless that takes too long
PROGRESS_SECONDS = 0.2  # often enough for a live curve, and for a pause that is felt at once
EARLY_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)  # most happens within the first epochs: a record after each of these
CHECKPOINT_FORM = 3  # to be raised where the state of an older version would be misunderstood
NO_BETTER_THAN_GUESSING = 0.2  # one in ten is right by chance
BATCH_FOR_TWO_THREADS = 512  # where no partner can be: below, two BLAS threads meet more than they multiply


@dataclass(frozen=True)
class Progress:
    """How far a training is within its epoch.

    `epoch` counts fractions: 2.5 is halfway through the third. `training_loss` and
    `training_accuracy` are over the batches since the last record, `learning_rate` is that of the last
    step, with the schedule's factor; `seconds` is time spent training.
    """

    epoch: float
    step: int
    learning_rate: float
    training_loss: float
    training_accuracy: float
    seconds: float


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch came to.

    Training loss and accuracy are averages over the epoch's batches, each before its correction;
    those of the validation digits are measured after the epoch. `gradient_norms` has one Euclidean
    length per Dense layer (of the last batch), `dead_units` one count per hidden layer: units that
    put out the same for every validation digit. `seconds` is all the time spent training so far.
    """

    epoch: int
    step: int
    learning_rate: float
    training_loss: float
    training_accuracy: float
    validation_loss: float
    validation_accuracy: float
    gradient_norms: tuple[float, ...]
    dead_units: tuple[int, ...]
    seconds: float


@dataclass
class _Tally:
    """Sums over the batches seen since some moment."""

    loss: float = 0.0
    correct: int = 0
    digits: int = 0

    def add(self, loss: float, correct: int, digits: int) -> None:
        self.loss += loss
        self.correct += correct
        self.digits += digits

    def means(self) -> tuple[float, float]:
        return self.loss / self.digits, self.correct / self.digits


class Trainer:
    """Trains a network as `config` says, on the training digits of `data`.

        for record in Trainer(config, load_mnist()):
            ...  # a Progress a few times a second, an EpochRecord after each epoch

    Iterating can stop at any record and go on later. `progress_seconds` is the time between two
    records within an epoch; 0 gives one for every batch. After each of `EARLY_STEPS` there is one too.
    Raises SettingError where the data has fewer digits than the config asks for, and DivergedError
    once the loss is not finite; it is then back at the end of the last good epoch, and can go on from
    there with a lower learning rate.
    """

    def __init__(self, config: TrainingConfig, data: DataSet, *, progress_seconds: float = PROGRESS_SECONDS) -> None:
        self.config = config
        self.progress_seconds = progress_seconds
        self.training, self.validation = split(data.train, config)
        weights_seed, order_seed, hands_seed = np.random.SeedSequence(config.seed).spawn(3)
        self._order_generator = np.random.default_rng(order_seed)
        hands = OtherHands.rewrite(self.training, np.random.default_rng(hands_seed)) if config.augmentation else None
        self._memory = share_memory(config, self.training, hands)
        self._order = self._memory["order"]
        self._order[:] = self._order_generator.permutation(len(self.training))
        self._halves = make_halves(config, self._memory)
        self.network = self._halves.network
        self.network.draw_weights(np.random.default_rng(weights_seed))
        self.batch_size = min(config.batch_size, len(self.training))
        self.steps_per_epoch = config.steps_per_epoch
        self.total_steps = self.steps_per_epoch * config.epochs
        self.step_count = 0
        self.threads = min(2, os.cpu_count() or 1) if self.batch_size >= BATCH_FOR_TWO_THREADS and not POSSIBLE else 1
        self.learning_rate = self._rate_used = config.learning_rate
        self.epoch = 0
        self.seconds = 0.0
        self.best_epoch, self.best_accuracy = 0, 0.0
        self.good_parameters = self.network.parameters.copy()
        self._position = 0
        self._epoch_tally, self._tally = _Tally(), _Tally()

    @property
    def learning_rate(self) -> float:
        """How big each correction is, before the schedule; it can be set while training.

        Raises SettingError outside the limits of the setting of the same name.
        """
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = self.config.with_changes(learning_rate=value).learning_rate

    @property
    def current_learning_rate(self) -> float:
        """The learning rate of the next step, with the schedule's factor."""
        return self._learning_rate * schedule_factor(self.config.schedule, self.step_count / self.total_steps)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch >= self.config.epochs

    def __iter__(self) -> Iterator[Progress | EpochRecord]:
        helper = Helper(self._halves.tasks, self._engage)
        try:
            while not self.finished:
                # a training that blows up overflows before its loss says so; a partner inherits both settings
                with BLAS.limit(limits=self.threads), np.errstate(over="ignore", invalid="ignore"):
                    with helper.at_work():
                        self._train_until_next_record(helper)
                    record = self._progress() if self._position < len(self.training) else self._finish_epoch()
                yield record
        finally:
            helper.dismiss()

    def _engage(self) -> Partner:
        job = {"config": self.config.to_json(), "threads": self.threads}
        return Partner("nnlib.training", job, self._memory)

    def _train_until_next_record(self, helper: Helper) -> None:
        started = time.perf_counter()
        elapsed, enough = 0.0, False
        self._halves.begin(helper)
        while self._position < len(self.training) and not (elapsed >= self.progress_seconds and enough):
            self._train_batch(helper)
            elapsed = time.perf_counter() - started
            if self.step_count in EARLY_STEPS:
                break
            enough = self._tally.digits >= FEWEST_DIGITS or elapsed >= 2 * self.progress_seconds
        helper.wait()
        self._halves.end()
        self.seconds += elapsed

    def _train_batch(self, helper: Helper) -> None:
        end = min(self._position + self.batch_size, len(self.training))
        self._rate_used = self.current_learning_rate
        self._memory["step"][:] = self._position, end, self.step_count + 1, self._rate_used
        loss, correct = self._halves.step(helper)
        if not math.isfinite(loss):
            helper.wait()
            self._require_finite(loss)
        self.step_count += 1
        for tally in (self._epoch_tally, self._tally):
            tally.add(loss, correct, end - self._position)
        self._position = end

    def _progress(self) -> Progress:
        loss, accuracy = self._tally.means()
        self._tally = _Tally()
        return Progress(
            epoch=self.epoch + self._position / len(self.training),
            step=self.step_count,
            learning_rate=self._rate_used,
            training_loss=loss,
            training_accuracy=accuracy,
            seconds=self.seconds,
        )

    def _finish_epoch(self) -> EpochRecord:
        training_loss, training_accuracy = self._epoch_tally.means()
        validation_loss, validation_accuracy, dead_units = self._validate()
        self._require_finite(validation_loss)
        self.epoch += 1
        if validation_accuracy > self.best_accuracy:
            self.best_epoch, self.best_accuracy = self.epoch, validation_accuracy
        self.good_parameters[:] = self.network.parameters
        record = EpochRecord(
            epoch=self.epoch,
            step=self.step_count,
            learning_rate=self._rate_used,
            training_loss=training_loss,
            training_accuracy=training_accuracy,
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            gradient_norms=tuple(
                math.hypot(_norm(layer.weights_gradient), _norm(layer.biases_gradient))
                for layer in self.network.dense_layers
            ),
            dead_units=dead_units,
            seconds=self.seconds,
        )
        self._order[:] = self._order_generator.permutation(len(self.training))
        self._position = 0
        self._epoch_tally, self._tally = _Tally(), _Tally()
        return record

    def _validate(self) -> tuple[float, float, tuple[int, ...]]:
        """Loss, accuracy and dead units per hidden layer, on the validation digits."""
        tally = _Tally()
        lowest = [np.full(width, np.inf, np.float32) for width in self.config.hidden_widths]
        highest = [-low for low in lowest]
        loss = CategoricalCrossEntropy()
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for start in range(0, len(self.validation), ROWS_AT_ONCE):
                part = self.validation[start : start + ROWS_AT_ONCE]
                *hidden, last = self.network.activations(part.images)
                for low, high, outputs in zip(lowest, highest, hidden, strict=True):
                    np.minimum(low, outputs.min(axis=0), out=low)
                    np.maximum(high, outputs.max(axis=0), out=high)
                # softmax of log-probabilities is those probabilities: the loss takes them like scores
                mean = loss.forward(np.log(np.maximum(last, np.finfo(np.float32).tiny)), part.labels)
                tally.add(mean * len(part), int(np.sum(last.argmax(axis=1) == part.labels)), len(part))
        dead = tuple(int(np.sum(low == high)) for low, high in zip(lowest, highest, strict=True))
        return *tally.means(), dead

    def _require_finite(self, loss: float) -> None:
        if math.isfinite(loss):
            return
        error = DivergedError(
            f"the loss stopped being a number in epoch {self.epoch + 1}: a learning rate of "
            f"{self.current_learning_rate:.3g} is too high here. Try {self.learning_rate / 10:.1g}; "
            f"the weights of epoch {self.epoch} are kept."
        )
        self._return_to_last_epoch()
        raise error

    def _return_to_last_epoch(self) -> None:
        self.network.parameters[:] = self.good_parameters
        # what the optimizer remembers is as far out as the weights were: no lower rate would help
        self._halves.set_state(dict.fromkeys(self._halves.state(), 0))
        self.step_count = self.epoch * self.steps_per_epoch
        self._position = 0
        self._epoch_tally, self._tally = _Tally(), _Tally()

    def checkpoint(self) -> bytes:
        """The whole state, as the content of a safetensors file: `resume` continues bit-identically."""
        state = {
            "form": CHECKPOINT_FORM,
            "config": self.config.to_json(),
            "learning_rate": self.learning_rate,
            "step_count": self.step_count,
            "seconds": self.seconds,
            "best": [self.best_epoch, self.best_accuracy],
            "epoch_tally": asdict(self._epoch_tally),
            "tally": asdict(self._tally),
            "order_generator": self._order_generator.bit_generator.state,
            "threads": self.threads,
            "numpy": np.__version__,
            "kernel": kernel(),
        }
        return safetensors.numpy.save(self._vectors(), metadata={"state": json.dumps(state)})

    @classmethod
    def resume(cls, checkpoint: bytes, data: DataSet, *, progress_seconds: float = PROGRESS_SECONDS) -> "Trainer":
        """A trainer that goes on where `checkpoint` was taken, in the middle of an epoch too.

        Raises StoreError for bytes that are no checkpoint. Warns where numpy has another version, or
        multiplies with another kernel, since another one may round the last bit differently.
        """
        try:
            tensors, state = _read_checkpoint(checkpoint)
            if state["form"] != CHECKPOINT_FORM:
                raise ValueError("it is of another version of this program")
            trainer = cls(TrainingConfig.from_json(state["config"]), data, progress_seconds=progress_seconds)
            trainer._restore(tensors, state)
            began = {"numpy": str(state["numpy"]), "the kernel": str(state["kernel"])}
        except (*_DAMAGE, SettingError) as error:
            raise StoreError(f"the checkpoint cannot be continued ({error}): start a new run.") from error
        goes_on = {"numpy": np.__version__, "the kernel": kernel()}
        others = [what for what in began if began[what] != goes_on[what]]
        if others:
            then, now = (" and ".join(f"{what} {each[what]}" for what in others) for each in (began, goes_on))
            warnings.warn(
                f"this training began under {then} and goes on under {now}: "
                f"its last digits may differ from those of an uninterrupted one.",
                stacklevel=2,
            )
        return trainer

    def _vectors(self) -> dict[str, np.ndarray]:
        """Every vector that a checkpoint keeps."""
        return {
            "parameters": self.network.parameters,
            "good_parameters": self.good_parameters,
            "order": self._order,
            **self._halves.state(),
        }

    def _restore(self, tensors: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        for name, vector in self._vectors().items():
            kept = tensors[name]
            if kept.shape != vector.shape or kept.dtype != vector.dtype:
                raise ValueError(f"{name} has another form than its network")
            vector[:] = kept
        self._halves.set_state(tensors)
        if not np.array_equal(np.sort(self._order), np.arange(len(self.training))):
            raise ValueError("its order of digits is not one")
        if not np.isfinite(self.good_parameters).all():
            raise ValueError("its weights are not finite")
        self.learning_rate = state["learning_rate"]
        self.step_count = _number(state["step_count"], int, self.total_steps)
        self.epoch, batches = divmod(self.step_count, self.steps_per_epoch)
        self._position = batches * self.batch_size
        self.seconds = _number(state["seconds"], float)
        best_epoch, best_accuracy = state["best"]
        self.best_epoch, self.best_accuracy = _number(best_epoch, int, self.epoch), _number(best_accuracy, float, 1)
        self._epoch_tally, self._tally = _read_tally(state["epoch_tally"]), _read_tally(state["tally"])
        self._order_generator.bit_generator.state = state["order_generator"]
        self.threads = max(1, _number(state["threads"], int, 64))


# what numpy, json and safetensors raise for bytes that are not theirs
_DAMAGE = (LookupError, TypeError, ValueError, OverflowError, RecursionError, safetensors.SafetensorError)


def what_is_wrong(record: EpochRecord, config: TrainingConfig) -> str | None:
    """A sentence about a training that goes nowhere although its loss is a number; None where it learns."""
    for layer, (width, dead) in enumerate(zip(config.hidden_widths, record.dead_units, strict=True), start=1):
        if dead == width:
            units = "The only unit" if width == 1 else f"All {width} units"
            verb = "puts" if width == 1 else "put"
            return (
                f"{units} of layer {layer} {verb} out the same for every digit: nothing gets through, and nothing "
                f"more can be learned. Start again with a lower learning rate."
            )
    if record.validation_accuracy < NO_BETTER_THAN_GUESSING:
        return (
            f"It reads {record.validation_accuracy:.0%} of new digits, hardly more than guessing would. If that stays "
            f"so, the learning rate is too high, or much too low: start again with another one."
        )
    return None


def split(digits: Digits, config: TrainingConfig) -> tuple[Digits, Digits]:
    """The digits to learn from, taken from the front, and those to validate with, from the end.

    The same validation digits for every seed: so runs can be compared.
    """
    wanted = config.training_digits + config.validation_digits
    if wanted > len(digits):
        raise SettingError(
            f"training_digits and validation_digits are {wanted:,} together: this data has {len(digits):,} "
            f"digits to share, so lower one of them."
        )
    return digits[: config.training_digits], digits[len(digits) - config.validation_digits :]


def _norm(values: np.ndarray) -> float:
    # in float64: the squares of a training that is about to blow up would overflow float32
    return float(np.linalg.norm(values.astype(np.float64)))


def _read_checkpoint(checkpoint: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    header_size = int.from_bytes(checkpoint[:8], "little")
    header = json.loads(checkpoint[8 : 8 + header_size])
    return safetensors.numpy.load(checkpoint), json.loads(header["__metadata__"]["state"])


def _read_tally(kept: dict[str, Any]) -> _Tally:
    digits = _number(kept["digits"], int)
    return _Tally(_number(kept["loss"], float), _number(kept["correct"], int, digits), digits)


def _number(value: Any, kind: type[int] | type[float], most: float = sys.float_info.max) -> Any:
    """The value, where it is of this kind and from 0 to `most`; ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, kind) or not 0 <= value <= most:
        raise ValueError(f"it holds {value!r} where a number from 0 to {most:g} belongs")
    return value
