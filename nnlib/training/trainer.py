"""The training: an iterator of records, which can be stopped, kept and continued at any batch."""

import hashlib
import json
import math
import os
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import safetensors
import safetensors.numpy

from nnlib.digits import N_CLASSES, N_PIXELS, NO_DIGITS, DataSet, Digits, OtherHands
from nnlib.errors import DivergedError, SettingError, StoreError
from nnlib.network import ROWS_AT_ONCE, CategoricalCrossEntropy, schedule_factor
from nnlib.training.blas import BLAS, kernel
from nnlib.training.config import TrainingConfig
from nnlib.training.halves import make_halves, share_memory
from nnlib.training.partner import POSSIBLE, Helper, Partner, SharedMemory
from nnlib.training.recipe import Recipe, check_changes, require_epochs

Ending = Literal["epochs", "stop", "patience", "target_accuracy", "time_limit"]

FEWEST_DIGITS = 2000  # that a point within an epoch averages over, or it jumps; unless that takes too long
PROGRESS_SECONDS = 0.2  # often enough for a live curve, and for a pause that is felt at once
EARLY_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)  # most happens within the first epochs: a record after each of these
# measured, see docs/teaching.md: so large a share of an epoch are corrected digits, each repeated; but a single one
# takes no more than that beside all others, or what is odd would change what all digits like it are taken for
CORRECTIONS_SHARE, SHARE_OF_ONE = 0.05, 60 / 55_000
CHECKPOINT_FORM = 4  # to be raised where the state of an older version would be misunderstood
# what the steps themselves do not know of
CHANGED_AT_ONCE = {"learning_rate", "schedule", "epochs", "patience", "target_accuracy", "time_limit"}
SATURATED = {"sigmoid": (0.01, 0.99), "tanh": (-0.99, 0.99)}  # outputs beyond hardly change with what comes in
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
    `update_ratios` has, per Dense layer, how far the last batch moved it, as a share of its length;
    `saturated`, per hidden layer, the share of outputs at the flat ends of a sigmoid or tanh;
    `answers`, how many validation digits were taken for each class. Records of older versions lack them.
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
    update_ratios: tuple[float, ...] = ()
    saturated: tuple[float, ...] = ()
    answers: tuple[int, ...] = ()
    best_epoch: int = 0
    best_accuracy: float = 0.0


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
    """Trains a network as `recipe` says, a config or more, on the training digits of `data`.

        for record in Trainer(config, load_mnist()):
            ...  # a Progress a few times a second, an EpochRecord after each epoch

    Iterating can stop at any record and go on later; in between, `change` changes settings, which
    becomes part of the recipe. `progress_seconds` is the time between two records within an epoch; 0
    gives one for every batch. After each of `EARLY_STEPS` there is one too, before each change in the
    recipe, and after each step in `pauses`. `network` is another object after a change.
    With `corrections`, digits of somebody's own hand, these are learned from besides, each so often that
    they make up a share of every epoch; which ones they are is part of the recipe. Raises SettingError
    where the data has fewer digits than the config asks for, and DivergedError once the loss is not
    finite; the network is then that of the last good epoch.
    """

    def __init__(
        self,
        recipe: TrainingConfig | Recipe,
        data: DataSet,
        *,
        corrections: Digits = NO_DIGITS,
        progress_seconds: float = PROGRESS_SECONDS,
    ) -> None:
        self.recipe = recipe if isinstance(recipe, Recipe) else Recipe(recipe)
        self.recipe.require_whole()
        if len(corrections):
            self.recipe = replace(self.recipe, corrections=corrections.digest)
        self.config = self.recipe.config
        self.progress_seconds = progress_seconds
        self.pauses: set[int] = set()
        self.training, self.validation = split(data.train, self.config)
        self.corrections = corrections
        self._repeated = _repeat(corrections, len(self.training))
        self._epoch_digits = len(self.training) + len(self._repeated)
        weights_seed, order_seed, self._hands_seed = np.random.SeedSequence(self.config.seed).spawn(3)
        self._order_generator = np.random.default_rng(order_seed)
        self._hands: OtherHands | None = None
        self._of_digits = data.of_digits  # other hands write nothing else
        self._arrange(None)
        self._new_order()
        self.network.draw_weights(np.random.default_rng(weights_seed))
        self.threads = min(2, os.cpu_count() or 1) if self.batch_size >= BATCH_FOR_TWO_THREADS and not POSSIBLE else 1
        self.step_count = 0
        self.epoch = 0
        self.seconds = 0.0
        self.best_epoch, self.best_accuracy = 0, 0.0
        self.good_parameters, self._good_step = self.network.parameters.copy(), 0
        self._diverged: DivergedError | None = None
        self._position = 0
        self._changed = 0  # how many of the recipe's events have taken effect
        self._schedule_from = 0, 0.0  # a step, and how far the schedule was then
        self._rate_used = self.config.learning_rate
        self._update_ratios: tuple[float, ...] = ()
        self._epoch_tally, self._tally = _Tally(), _Tally()
        self._take_changes()

    def _arrange(self, before: SharedMemory | None) -> None:
        """Make what does the steps as the settings now say; `before` is the memory that it had."""
        if self.config.augmentation and self._hands is None and self._of_digits:
            self._hands = OtherHands.write(len(self.training), np.random.default_rng(self._hands_seed))
        hands = self._hands if self.config.augmentation else None
        self._memory = share_memory(self.config, self.training, hands, before, self._repeated)
        self._order = self._memory["order"]
        self._halves = make_halves(self.config, self._memory)
        self.network = self._halves.network
        self.batch_size = min(self.config.batch_size, self._epoch_digits)

    def _new_order(self) -> None:
        # a checkpoint keeps what the order comes from, which is much smaller
        self._order_state = self._order_generator.bit_generator.state
        self._order[:] = self._order_generator.permutation(self._epoch_digits)

    def begin_with(self, parameters: np.ndarray) -> None:
        """Take these weights, (n_parameters,) float32, instead of those drawn by chance; before the first step."""
        assert self.step_count == 0
        self.network.parameters[:] = self.good_parameters[:] = parameters
        self.recipe = replace(self.recipe, weights=digest_of(parameters))

    # ---- its settings

    def change(self, **changes: Any) -> None:
        """Change settings from the next batch on, which becomes part of the recipe.

        Raises SettingError for a value outside its limits, a setting that cannot be changed on the
        way, fewer epochs than have begun, and while changes of the recipe are still to come.
        """
        recipe = self.recipe
        for name, value in self.check(changes).items():
            if value != getattr(self.config, name):
                recipe = recipe.with_event(self.step_count, name, value)
        self.recipe = recipe
        self._take_changes()

    def check(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """What `change` would change, each value as its setting's own type; it raises the same."""
        if self.next_change is not None:
            raise SettingError("the recipe still has changes to come: change settings once it is through with them.")
        changes = check_changes(changes)
        if "epochs" in changes:
            require_epochs(changes["epochs"], math.ceil(self.epochs_done))
        return changes

    @property
    def epochs_done(self) -> float:
        """How many epochs are done, with the share of the one that is under way."""
        return self.epoch + self._position / self._epoch_digits

    @property
    def next_change(self) -> int | None:
        """The step after which the recipe changes something next; None where nothing is to come."""
        return self.recipe.events[self._changed].step if self._changed < len(self.recipe.events) else None

    def _take_changes(self) -> None:
        """Let all changes take effect whose time has come."""
        due: dict[str, Any] = {}
        while self.next_change is not None and self.next_change <= self.step_count:
            event = self.recipe.events[self._changed]
            due[event.setting] = event.value
            self._changed += 1
        if not due:
            return
        progress = self._schedule_progress
        self.config = self.config.with_changes(**due)
        if due.keys() & {"epochs", "batch_size"}:
            if "epochs" in due:
                progress = min(1.0, self.epochs_done / self.config.epochs)
            self._schedule_from = self.step_count, progress
        if due.keys() - CHANGED_AT_ONCE:
            parameters, order = self.network.parameters.copy(), self._order.copy()
            state = {name: vector.copy() for name, vector in self._halves.state().items()}
            self._arrange(self._memory)
            self._order[:], self.network.parameters[:] = order, parameters
            self._halves.set_state(state)

    @property
    def total_steps(self) -> int:
        """How many corrections there are in all, as the settings now are."""
        of_epoch, digits_left = math.ceil(self._epoch_digits / self.batch_size), self._epoch_digits - self._position
        this_epoch = math.ceil(digits_left / self.batch_size)
        return self.step_count + this_epoch + of_epoch * (self.config.epochs - self.epoch - 1)

    @property
    def _schedule_progress(self) -> float:
        """How far the schedule is, from 0 to 1."""
        step, progress = self._schedule_from
        left = self.total_steps - step
        return progress + (1 - progress) * ((self.step_count - step) / left) if left else 1.0

    @property
    def current_learning_rate(self) -> float:
        """The learning rate of the next step, with the schedule's factor."""
        rate, schedule = self.config.learning_rate, self.config.schedule
        return rate if schedule == "constant" else rate * schedule_factor(schedule, self._schedule_progress)

    @property
    def ending(self) -> Ending | None:
        """Why the training is over; None where it goes on."""
        config = self.config
        if self.recipe.end is not None:
            if self.step_count >= self.recipe.end:
                return "stop"
        elif config.time_limit and self.seconds >= config.time_limit and self.next_change is None:
            return "time_limit"
        if self.epoch >= config.epochs:
            return "epochs"
        if self._position == 0 and self.epoch > 0:
            if config.target_accuracy and 100 * self.best_accuracy >= config.target_accuracy:
                return "target_accuracy"
            if config.patience and self.epoch - self.best_epoch >= config.patience:
                return "patience"
        return None

    @property
    def finished(self) -> bool:
        """Whether the training is over."""
        return self.ending is not None

    # ---- its steps

    def __iter__(self) -> Iterator[Progress | EpochRecord]:
        helper, halves = Helper(self._halves.tasks, self._engage), self._halves
        try:
            while True:
                if self._diverged is not None:
                    raise self._diverged
                if self.finished:
                    return
                if halves is not self._halves:  # a partner knows the settings that it began with
                    helper.dismiss()
                    helper, halves = Helper(self._halves.tasks, self._engage), self._halves
                # a training that blows up overflows before its loss says so; a partner inherits both settings
                with BLAS.limit(limits=self.threads), np.errstate(over="ignore", invalid="ignore"):
                    with helper.at_work():
                        self._train_until_next_record(helper)
                    record = self._progress() if self._position < self._epoch_digits else self._finish_epoch()
                self._take_changes()
                yield record
        finally:
            helper.dismiss()

    def _engage(self) -> Partner:
        job = {"config": self.config.to_json(), "threads": self.threads}
        return Partner("nnlib.training", job, self._memory)

    def _train_until_next_record(self, helper: Helper) -> None:
        started = time.perf_counter()
        elapsed, enough = 0.0, False
        before_last: np.ndarray | None = None
        stops = {self.next_change, self.recipe.end, *self.pauses, *EARLY_STEPS}
        self._halves.begin(helper)
        while self._position < self._epoch_digits and not (elapsed >= self.progress_seconds and enough):
            if self._position + self.batch_size >= self._epoch_digits:
                before_last = self._look_at_parameters(helper)
            self._train_batch(helper)
            elapsed = time.perf_counter() - started
            if self.step_count in stops:
                break
            enough = self._tally.digits >= FEWEST_DIGITS or elapsed >= 2 * self.progress_seconds
        helper.wait()
        self._halves.end()
        self.seconds += elapsed
        if before_last is not None:
            moved = self.network.parameters - before_last
            self._update_ratios = tuple(
                _norm(moved[part]) / max(_norm(before_last[part]), sys.float_info.min)
                for part in self.network.layer_parts
            )

    def _look_at_parameters(self, helper: Helper) -> np.ndarray:
        """A copy of them within a stretch of steps."""
        helper.wait()
        self._halves.end()
        found = self.network.parameters.copy()
        self._halves.begin(helper)
        return found

    def _train_batch(self, helper: Helper) -> None:
        end = min(self._position + self.batch_size, self._epoch_digits)
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
            epoch=self.epochs_done,
            step=self.step_count,
            learning_rate=self._rate_used,
            training_loss=loss,
            training_accuracy=accuracy,
            seconds=self.seconds,
        )

    def _finish_epoch(self) -> EpochRecord:
        training_loss, training_accuracy = self._epoch_tally.means()
        check = self._validate()
        self._require_finite(check.loss)
        self.epoch += 1
        if check.accuracy > self.best_accuracy:
            self.best_epoch, self.best_accuracy = self.epoch, check.accuracy
        self.good_parameters[:], self._good_step = self.network.parameters, self.step_count
        record = EpochRecord(
            epoch=self.epoch,
            step=self.step_count,
            learning_rate=self._rate_used,
            training_loss=training_loss,
            training_accuracy=training_accuracy,
            validation_loss=check.loss,
            validation_accuracy=check.accuracy,
            gradient_norms=tuple(_norm(self.network.gradient[part]) for part in self.network.layer_parts),
            dead_units=check.dead_units,
            seconds=self.seconds,
            update_ratios=self._update_ratios,
            saturated=check.saturated,
            answers=check.answers,
            best_epoch=self.best_epoch,
            best_accuracy=self.best_accuracy,
        )
        self._new_order()
        self._position = 0
        self._epoch_tally, self._tally = _Tally(), _Tally()
        return record

    def _validate(self) -> "_Check":
        """How the network does on the validation digits."""
        tally = _Tally()
        lowest = [np.full(width, np.inf, np.float32) for width in self.config.hidden_widths]
        highest = [-low for low in lowest]
        saturated = np.zeros(len(lowest), np.int64)
        answers = np.zeros(N_CLASSES, np.int64)
        loss = CategoricalCrossEntropy()
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for start in range(0, len(self.validation), ROWS_AT_ONCE):
                part = self.validation[start : start + ROWS_AT_ONCE]
                *hidden, last = self.network.activations(part.images)
                for layer, outputs in enumerate(hidden):
                    np.minimum(lowest[layer], outputs.min(axis=0), out=lowest[layer])
                    np.maximum(highest[layer], outputs.max(axis=0), out=highest[layer])
                    if self.config.activation in SATURATED:
                        low, high = SATURATED[self.config.activation]
                        saturated[layer] += np.count_nonzero(outputs < low) + np.count_nonzero(outputs > high)
                # softmax of log-probabilities is those probabilities: the loss takes them like scores
                mean = loss.forward(np.log(np.maximum(last, np.finfo(np.float32).tiny)), part.labels)
                found = last.argmax(axis=1)
                answers += np.bincount(found, minlength=N_CLASSES)
                tally.add(mean * len(part), int(np.sum(found == part.labels)), len(part))
        outputs_of_layer = np.array(self.config.hidden_widths) * len(self.validation)
        return _Check(
            *tally.means(),
            dead_units=tuple(int(np.sum(low == high)) for low, high in zip(lowest, highest, strict=True)),
            saturated=tuple((saturated / outputs_of_layer).tolist()),
            answers=tuple(answers.tolist()),
        )

    def _require_finite(self, loss: float) -> None:
        if math.isfinite(loss):
            return
        rate = self.current_learning_rate
        self.network.parameters[:] = self.good_parameters
        self.step_count, self._position = self._good_step, 0
        self._diverged = DivergedError(
            f"the loss stopped being a number in epoch {self.epoch + 1}: a learning rate of {rate:.3g} is too high "
            f"here. Try {self.config.learning_rate / 10:.1g}; the weights of epoch {self.epoch} are kept."
        )
        raise self._diverged

    # ---- its state

    def checkpoint(self) -> bytes:
        """The whole state, as the content of a safetensors file: `resume` continues bit-identically."""
        state = {
            "form": CHECKPOINT_FORM,
            "recipe": replace(self.recipe, events=self.recipe.events[: self._changed], end=None).to_json(),
            "step_count": self.step_count,
            "epoch": self.epoch,
            "position": self._position,
            "schedule_from": self._schedule_from,
            "seconds": self.seconds,
            "best": [self.best_epoch, self.best_accuracy],
            "good_step": self._good_step,
            "epoch_tally": asdict(self._epoch_tally),
            "tally": asdict(self._tally),
            "order_generator": self._order_state,
            "threads": self.threads,
            "numpy": np.__version__,
            "kernel": kernel(),
        }
        return _write_checkpoint(self._vectors(), self.corrections, state)

    @classmethod
    def resume(
        cls,
        checkpoint: bytes,
        data: DataSet,
        recipe: Recipe | None = None,
        *,
        progress_seconds: float = PROGRESS_SECONDS,
    ) -> "Trainer":
        """A trainer that goes on where `checkpoint` was taken, in the middle of an epoch too.

        It goes on with `recipe`, which must begin as the one of the checkpoint, and without one as the
        checkpoint's settings say. Raises StoreError for bytes that are no checkpoint, and for one of
        another recipe. Warns where numpy has another version, or multiplies with another kernel, since
        another one may round the last bit differently.
        """
        try:
            tensors, state = _read_checkpoint(checkpoint)
            if state["form"] != CHECKPOINT_FORM:
                raise ValueError("it is of another version of this program")
            so_far = Recipe.from_json(state["recipe"])
            recipe = recipe or so_far
            n_changed = len(so_far.events)
            if replace(recipe, events=recipe.events[:n_changed], end=None) != so_far:
                raise ValueError("it is of another recipe")
            corrections = _corrections_in(tensors)
            if so_far.corrections != (corrections.digest if len(corrections) else None):
                raise ValueError("its corrected digits are others")
            trainer = cls(so_far.final_config, data, corrections=corrections, progress_seconds=progress_seconds)
            if state.get("first"):
                trainer.begin_with(_as_vector(tensors["parameters"], trainer.network.parameters, "parameters"))
            else:
                trainer._restore(tensors, state)
            trainer.recipe, trainer._changed = recipe, n_changed
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
        trainer._take_changes()
        return trainer

    def _vectors(self) -> dict[str, np.ndarray]:
        """Every vector that a checkpoint keeps."""
        return {
            "parameters": self.network.parameters,
            "good_parameters": self.good_parameters,
            **self._halves.state(),
        }

    def _restore(self, tensors: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        for name, vector in self._vectors().items():
            vector[:] = _as_vector(tensors[name], vector, name)
        self._halves.set_state(tensors)
        if not np.isfinite(self.good_parameters).all():
            raise ValueError("its weights are not finite")
        self.step_count = _number(state["step_count"], int, self.config.epochs * self._epoch_digits)
        self.epoch = _number(state["epoch"], int, self.config.epochs)
        self._position = _number(state["position"], int, self._epoch_digits - 1)
        step, progress = state["schedule_from"]
        self._schedule_from = _number(step, int, self.step_count), _number(progress, float, 1)
        self.seconds = _number(state["seconds"], float)
        best_epoch, best_accuracy = state["best"]
        self.best_epoch, self.best_accuracy = _number(best_epoch, int, self.epoch), _number(best_accuracy, float, 1)
        self._good_step = _number(state["good_step"], int, self.step_count)
        self._epoch_tally, self._tally = _read_tally(state["epoch_tally"]), _read_tally(state["tally"])
        self._order_generator.bit_generator.state = state["order_generator"]
        self._new_order()
        self.threads = max(1, _number(state["threads"], int, 64))


@dataclass(frozen=True)
class _Check:
    """What a look at the validation digits came to; see EpochRecord."""

    loss: float
    accuracy: float
    dead_units: tuple[int, ...]
    saturated: tuple[float, ...]
    answers: tuple[int, ...]


# what numpy, json and safetensors raise for bytes that are not theirs
_DAMAGE = (LookupError, TypeError, ValueError, OverflowError, RecursionError, safetensors.SafetensorError)


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


def _repeat(corrections: Digits, n_digits: int) -> Digits:
    """The corrections, each as often as it takes to make up their share beside so many other digits, or its own."""
    beside = CORRECTIONS_SHARE / (1 - CORRECTIONS_SHARE)
    times = max(1, round(n_digits * min(beside / max(1, len(corrections)), SHARE_OF_ONE)))
    return Digits(np.tile(corrections.images, (times, 1)), np.tile(corrections.labels, times))


def _norm(values: np.ndarray) -> float:
    # in float64: the squares of a training that is about to blow up would overflow float32
    return float(np.linalg.norm(values.astype(np.float64)))


def first_checkpoint(config: TrainingConfig, parameters: np.ndarray, corrections: Digits) -> tuple[Recipe, bytes]:
    """The recipe, and what `Trainer.resume` begins with, of a training that has yet to be begun.

    Its first weights are `parameters`, (n_parameters,) float32, and it learns from `corrections` besides. No
    digits have to be at hand: that takes no time.
    """
    recipe = Recipe(config, weights=digest_of(parameters), corrections=corrections.digest)
    state = {"form": CHECKPOINT_FORM, "first": True, "recipe": recipe.to_json()}
    state |= {"numpy": np.__version__, "kernel": kernel()}
    return recipe, _write_checkpoint({"parameters": parameters}, corrections, state)


def corrections_in(checkpoint: bytes) -> Digits:
    """The corrected digits that the training of a checkpoint learns from; StoreError where it is damaged."""
    try:
        return _corrections_in(_read_checkpoint(checkpoint)[0])
    except _DAMAGE as error:
        raise StoreError(f"the checkpoint is damaged ({error}).") from error


def digest_of(parameters: np.ndarray) -> str:
    """The SHA-256 of a network's parameters, in hexadecimal."""
    return hashlib.sha256(parameters.astype("<f4").tobytes()).hexdigest()


def _write_checkpoint(vectors: dict[str, np.ndarray], corrections: Digits, state: dict[str, Any]) -> bytes:
    if len(corrections):
        vectors = {**vectors, "corrections.pixels": corrections.pixels, "corrections.labels": corrections.labels}
    return safetensors.numpy.save(vectors, metadata={"state": json.dumps(state)})


def _corrections_in(tensors: dict[str, np.ndarray]) -> Digits:
    if "corrections.labels" not in tensors:
        return NO_DIGITS
    pixels, labels = tensors["corrections.pixels"], tensors["corrections.labels"]
    if pixels.shape != (len(labels), N_PIXELS) or {pixels.dtype, labels.dtype} != {np.dtype(np.uint8)}:
        raise ValueError("its corrected digits have another form")
    if labels.max() >= N_CLASSES:
        raise ValueError("a corrected digit has no label from 0 to 9")
    return Digits.from_bytes(pixels, labels)


def _as_vector(kept: np.ndarray, vector: np.ndarray, name: str) -> np.ndarray:
    """What was kept, where it has the form of its vector."""
    if kept.shape != vector.shape or kept.dtype != vector.dtype:
        raise ValueError(f"{name} has another form than its network")
    return kept


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
