"""A run in the store is its recipe too: forked, rewound, repeated, continued in any process, to the same last bit."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnlib.digits.mnist import load_mnist
from nnlib.errors import DamagedStoreError, RunLostError, SettingError, StoreError
from nnlib.runs import worker
from nnlib.runs.run import Happening, State
from nnlib.runs.store import MOST_CHECKPOINTS, RunStore
from nnlib.training.config import TrainingConfig
from nnlib.training.recipe import Event, Recipe
from nnlib.training.trainer import EpochRecord, Trainer

SMALL = TrainingConfig(hidden_widths=(16, 8), epochs=4, batch_size=64, training_digits=640, validation_digits=200)
ENDLESS = SMALL.with_changes(epochs=1000, training_digits=3000)
PATIENCE_SECONDS = 60


@pytest.fixture
def store(home: Path) -> Iterator[RunStore]:
    with closing(RunStore(home)) as store:
        store._connection.execute("PRAGMA synchronous = OFF")
        yield store


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint with every record."""
    monkeypatch.setattr(worker, "CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr(worker, "CHECKPOINT_BYTES", 2**40)


def train(store: RunStore, recipe: TrainingConfig | Recipe) -> int:
    run = store.create_run(recipe, "own settings")
    list(worker.work(store, run))
    return run


def bits(store: RunStore, run: int) -> bytes:
    """What a run came to."""
    return store.model(run, store.snapshots(run)[-1].step).network.parameters.tobytes()


def learned(store: RunStore, run: int) -> list[EpochRecord]:
    return [replace(record, seconds=0.0) for record in store.records(run)]


def wait_until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"not {what} in time"
        time.sleep(0.02)


def wait_for_epoch(store: RunStore, run: int, epoch: int) -> None:
    wait_until(lambda: store.run(run).epoch >= epoch, f"at epoch {epoch}")


def order_and_wait(store: RunStore, run: int, name: str, value: Any) -> None:
    store.send(run, name, value)
    wait_until(lambda: getattr(store.run(run).config, name) == value, f"obeyed: {name} {value}")


def stands_beyond(store: RunStore, run: int, step: int) -> bool:
    return store.snapshots(run)[-1].step > step


# --- fork and rewind ---


@pytest.mark.parametrize("step", [0, 1, 7, 10, 25, 39, 40])
def test_a_fork_with_nothing_changed_ends_with_its_parent_s_last_bit(store: RunStore, often: None, step: int) -> None:
    parent = train(store, Recipe(SMALL, (Event(5, "learning_rate", 0.01), Event(23, "dropout", 0.2))))
    fork = store.fork(parent, step)
    list(worker.work(store, fork))
    assert (bits(store, fork), learned(store, fork)) == (bits(store, parent), learned(store, parent))
    assert store.run(fork).parent == (parent, step)
    assert store.recipe(fork) == store.recipe(parent)


def test_a_fork_goes_on_with_other_settings_and_its_parent_stays_as_it_was(store: RunStore, often: None) -> None:
    parent = train(store, SMALL)
    before = bits(store, parent), learned(store, parent), store.run(parent)
    fork = store.fork(parent, 23, {"learning_rate": 0.02, "batch_size": "100", "epochs": 4})
    assert store.recipe(fork).events == (Event(23, "learning_rate", 0.02), Event(23, "batch_size", 100))
    list(worker.work(store, fork))
    assert (bits(store, parent), learned(store, parent), store.run(parent)) == before

    alone = Trainer(store.recipe(fork), load_mnist())
    list(alone)
    assert bits(store, fork) == alone.network.parameters.tobytes()
    assert learned(store, fork)[:2] == learned(store, parent)[:2]
    assert learned(store, fork)[2] != learned(store, parent)[2]


def test_a_fork_with_the_settings_of_then_has_none_of_the_changes_that_came_later(store: RunStore) -> None:
    parent = train(store, Recipe(SMALL, (Event(23, "learning_rate", 0.5),)))
    fork = store.fork(parent, 10, {"learning_rate": SMALL.learning_rate})
    assert store.recipe(fork).events == ()


def test_a_fork_trains_no_more_than_what_comes_after_the_nearest_checkpoint(store: RunStore, often: None) -> None:
    parent = train(store, SMALL.with_changes(epochs=20))
    kept = [moment.step for moment in store.checkpoints(parent)]
    assert len(kept) == MOST_CHECKPOINTS
    fork = store.fork(parent, kept[4] + 1)
    steps = [record.step for record in worker.work(store, fork)]
    assert steps[0] > kept[4]
    assert learned(store, fork) == learned(store, parent)
    assert {moment.step for moment in store.snapshots(fork)} >= {moment.step for moment in store.snapshots(parent)}


def test_going_back_to_a_moment_waits_there(store: RunStore) -> None:
    parent = train(store, SMALL)
    fork = worker.fork(store, parent, 23, {}, pause=True)
    wait_until(lambda: store.run(fork).state == "paused", "paused")
    moments = store.snapshots(fork)
    assert moments[-1].step == 23
    assert moments[-1].epoch == pytest.approx(2.3)
    there = Trainer(Recipe(SMALL, end=23), load_mnist())
    list(there)
    assert bits(store, fork) == there.network.parameters.tobytes()
    store.send(fork, "resume")
    wait_until(lambda: store.run(fork).state == "finished", "finished")
    assert bits(store, fork) == bits(store, parent)


def test_what_a_fork_cannot_be_is_said(store: RunStore) -> None:
    parent = train(store, SMALL)
    for step in (-1, 41):
        with pytest.raises(StoreError, match=rf"^the step is {step}: it must be from 0 to 40, so many corrections has"):
            store.fork(parent, step)
    with pytest.raises(SettingError, match=r"^epochs is 2: it must be at least 3, so many have begun by then\.$"):
        store.fork(parent, 21, {"epochs": 2})
    with pytest.raises(SettingError, match=r"^optimizer cannot be changed while a network learns"):
        store.fork(parent, 21, {"optimizer": "sgd"})
    assert len(store.runs()) == 1
    forked = store.fork(parent, 20, {"epochs": 2})
    list(worker.work(store, forked))
    assert store.run(forked).state == "finished"


def test_a_run_can_be_forked_while_it_learns_and_after_its_parent_is_deleted(store: RunStore) -> None:
    parent = worker.start(store, ENDLESS, "parent")
    wait_until(lambda: store.run(parent).epoch >= 2, "two epochs")
    fork = store.fork(parent, 60, {"epochs": 3})
    store.send(parent, "stop")
    wait_until(lambda: store.run(parent).state == "stopped", "stopped")
    store.delete_run(parent)
    list(worker.work(store, fork))
    alone = Trainer(Recipe(ENDLESS, (Event(60, "epochs", 3),)), load_mnist())
    list(alone)
    assert bits(store, fork) == alone.network.parameters.tobytes()


CHANGES = st.dictionaries(
    st.sampled_from(["learning_rate", "batch_size", "dropout", "weight_decay", "momentum", "epochs", "schedule"]),
    st.none(),
    max_size=3,
).flatmap(
    lambda names: st.fixed_dictionaries(
        {
            name: {
                "learning_rate": st.sampled_from([0.0003, 0.02]),
                "batch_size": st.sampled_from([40, 100, 640]),
                "dropout": st.sampled_from([0.0, 0.2]),
                "weight_decay": st.sampled_from([0.0, 0.1]),
                "momentum": st.sampled_from([0.0, 0.8]),
                "epochs": st.integers(4, 6),
                "schedule": st.sampled_from(["constant", "cosine"]),
            }[name]
            for name in names
        }
    )
)


def kill(store: RunStore, run: int) -> None:
    """As if the process had died that trains this run."""
    store._connection.execute("UPDATE runs SET machine = 'another', sign = 0 WHERE id = ?", (run,))
    store.enqueue(run)


@settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))
@given(draw=st.data())
def test_steered_killed_resumed_rewound_and_forked_at_random_it_is_what_its_recipe_says(
    monkeypatch: pytest.MonkeyPatch, draw: st.DataObject
) -> None:
    seconds = draw.draw(st.sampled_from([0.0, 1000.0]), label="between two checkpoints")
    monkeypatch.setattr(worker, "CHECKPOINT_SECONDS", seconds)
    monkeypatch.setattr(worker, "CHECKPOINT_BYTES", 2**40)
    optimizer = draw.draw(st.sampled_from(["adam", "rmsprop", "sgd"]), label="optimizer")
    # a store for each example: what one left in line would be in the way of the next
    with TemporaryDirectory() as folder, closing(RunStore(folder)) as store, closing(RunStore(folder)) as other:
        for each in (store, other):
            each._connection.execute("PRAGMA synchronous = OFF")
        run = store.create_run(SMALL.with_changes(optimizer=optimizer), "random")
        for _ in range(draw.draw(st.integers(0, 3), label="kills")):
            # whoever was killed finds the run in other hands
            with suppress(RunLostError), closing(worker.work(store, run)) as training:
                list(islice(training, draw.draw(st.integers(1, 12), label="records")))
                if store.run(run).state != "running":
                    break
                for name, value in draw.draw(CHANGES, label="orders").items():
                    other.send(run, name, value)
                list(islice(training, draw.draw(st.integers(0, 3), label="records more")))
                if store.run(run).state != "running":
                    break
                kill(other, run)
        if store.run(run).state != "finished":
            list(worker.work(store, run))
        last = store.run(run).last
        assert last is not None
        step = draw.draw(st.integers(0, last.step), label="fork at")
        fork = other.fork(
            run, step, draw.draw(CHANGES.filter(lambda each: each.get("epochs", 6) == 6), label="changes")
        )
        list(worker.work(other, fork))
        for number in (run, fork):
            alone = Trainer(store.recipe(number), load_mnist())
            records = [replace(record, seconds=0.0) for record in alone if isinstance(record, EpochRecord)]
            assert learned(store, number) == records
            assert bits(store, number) == alone.network.parameters.tobytes()


# --- steering ---


def test_what_was_ordered_is_the_recipe_that_repeats_the_run(store: RunStore) -> None:
    run = worker.start(store, ENDLESS, "steered")
    changes = [("learning_rate", 0.01), ("batch_size", 100), ("dropout", 0.1), ("l2", 0.001), ("augmentation", 0.2)]
    for number, (name, value) in enumerate(changes, start=1):
        wait_for_epoch(store, run, number)
        order_and_wait(store, run, name, value)
    store.send(run, "epochs", store.run(run).epoch + 2)
    wait_until(lambda: store.run(run).state == "finished", "finished")
    recipe = store.recipe(run)
    assert [(event.setting, event.value) for event in recipe.events][:5] == changes
    assert recipe.events[-1].setting == "epochs"
    repeat = train(store, recipe)
    assert (bits(store, repeat), learned(store, repeat)) == (bits(store, run), learned(store, run))


def test_a_killed_run_takes_its_changes_again_at_the_same_steps(store: RunStore) -> None:
    run = worker.start(store, ENDLESS, "killed")
    for name, value in (("learning_rate", 0.005), ("momentum", 0.5), ("dropout", 0.2)):
        wait_until(lambda: store.progress(run), "begun")
        order_and_wait(store, run, name, value)
        os.kill(store.holder(run), signal.SIGKILL)
        wait_until(lambda: store.run(run).state == "interrupted", "interrupted")
        worker.resume(store, run)
    # it waits until all is as it was
    store.send(run, "epochs", 30)
    wait_until(lambda: store.run(run).state == "finished", "finished")
    repeat = train(store, store.recipe(run))
    assert (bits(store, repeat), learned(store, repeat)) == (bits(store, run), learned(store, run))


def test_orders_of_two_people_are_both_in_the_list_in_their_order(store: RunStore) -> None:
    run = worker.start(store, ENDLESS, "two people")
    wait_until(lambda: store.run(run).epoch >= 1, "begun")
    with closing(RunStore(store.folder)) as other:
        # at the same moment, as far as the run can tell
        with store._database.writing():
            store._insert_order(run, "pause", None)
            store._insert_order(run, "learning_rate", 0.5)
            store._insert_order(run, "stop", None)
            store._insert_order(run, "pause", None)
            store._insert_order(run, "dropout", 0.5)
        wait_until(lambda: other.run(run).state == "stopped", "stopped")
    happened = store.happenings(run)
    assert [(each.name, each.value) for each in happened] == [
        ("pause", None),
        ("learning_rate", 0.5),
        ("stop", None),
        ("pause", None),
        ("dropout", 0.5),
    ]
    assert len({each.step for each in happened}) == 1
    assert store.orders(run) == []
    assert store.recipe(run).end == happened[0].step


def test_a_paused_run_does_one_batch_or_one_epoch_more(store: RunStore) -> None:
    run = worker.start(store, ENDLESS, "step by step")
    wait_until(lambda: store.run(run).epoch >= 1, "begun")
    store.send(run, "pause")
    wait_until(lambda: store.run(run).state == "paused", "paused")
    for more in (1, 2):
        at = store.snapshots(run)[-1].step
        store.send(run, "batch")
        wait_until(partial(stands_beyond, store, run, at), f"batch {more}")
        assert store.snapshots(run)[-1].step == at + 1
        assert store.progress(run)[-1].step == at + 1
    epoch = store.run(run).epoch
    store.send(run, "epoch")
    wait_until(lambda: store.run(run).epoch > epoch, "one epoch more")
    time.sleep(0.5)
    assert store.run(run).epoch == epoch + 1
    assert store.run(run).state == "paused"
    assert [each.name for each in store.happenings(run)] == ["pause", "batch", "batch", "epoch"]
    store.send(run, "stop")
    wait_until(lambda: store.run(run).state == "stopped", "stopped")


def test_slow_motion_shows_every_batch_and_changes_no_bit(store: RunStore) -> None:
    run = store.create_run(SMALL, "slow")
    store._insert_order(run, "pace", 20.0)
    training = worker.work(store, run)
    steps = [next(training).step for _ in range(6)]
    assert steps == [1, 2, 3, 4, 5, 6]
    store.send(run, "pace", 0)
    assert len(list(training)) < 34
    assert bits(store, run) == bits(store, train(store, SMALL))
    for pace in (-1, 21, "fast", None):
        with pytest.raises(SettingError, match=r"^the pace is "):
            store.send(store.create_run(SMALL, "next"), "pace", pace)


def test_fewer_epochs_than_have_begun_are_refused(store: RunStore) -> None:
    run = store.create_run(SMALL, "short")
    training = worker.work(store, run)
    while store.run(run).epoch < 2:
        next(training)
    with pytest.raises(SettingError, match=r"^epochs is 1: "):
        store.send(run, "epochs", 1)
    store._insert_order(run, "epochs", 1)  # as one that was given before
    list(training)
    assert store.run(run).epoch == 4
    assert store.happenings(run) == []


# --- how it ends, and goes on ---


def test_a_stopped_run_goes_on_and_ends_as_if_nothing_had_been(store: RunStore) -> None:
    run = store.create_run(SMALL, "stopped")
    training = worker.work(store, run)
    next(training)
    store.send(run, "stop")
    list(training)
    at = store.snapshots(run)[-1].step
    assert store.recipe(run) == Recipe(SMALL, end=at)
    repeat = train(store, store.recipe(run))
    assert (store.run(repeat).state, bits(store, repeat)) == ("stopped", bits(store, run))
    store.enqueue(run)
    assert store.happenings(run) == [Happening(at, "stop"), Happening(at, "resume")]
    list(worker.work(store, run))
    assert bits(store, run) == bits(store, train(store, SMALL))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patience": 2}, "it stopped by itself: 2 epochs in a row read no more of the new digits than epoch "),
        ({"target_accuracy": 50}, "it stopped by itself: it reads 50% of the new digits, as was asked."),
        ({"time_limit": 0.03}, "it stopped by itself: its time of 0.03 seconds was up."),
    ],
)
def test_a_run_that_ended_by_itself_says_why_can_be_repeated_and_goes_on(
    store: RunStore, changes: dict[str, Any], message: str
) -> None:
    run = train(store, SMALL.with_changes(epochs=100, learning_rate=0.02, **changes))
    found = store.run(run)
    assert found.state == "finished"
    assert found.message.startswith(message)
    assert found.epoch < 100
    repeat = train(store, store.recipe(run))
    assert bits(store, repeat) == bits(store, run)
    worker.resume(store, run, {"epochs": found.epoch + 2})
    wait_until(lambda: store.run(run).state == "finished", "finished")
    assert store.run(run).epoch == found.epoch + 2
    assert bits(store, run) == bits(store, train(store, store.recipe(run)))


def test_a_finished_run_without_more_epochs_is_refused(store: RunStore) -> None:
    run = train(store, SMALL)
    with pytest.raises(StoreError, match=rf"^run {run} has done all its 4 epochs: give it more of them\.$"):
        store.enqueue(run)
    assert store.run(run).state == "finished"


def test_a_stopped_run_is_not_given_fewer_epochs_than_have_begun(store: RunStore) -> None:
    run = store.create_run(SMALL, "stopped")
    training = worker.work(store, run)
    while store.run(run).epoch < 2:
        next(training)
    store.send(run, "stop")
    list(training)
    with pytest.raises(SettingError, match=r"^epochs is 1: it must be at least [23], so many have begun\.$"):
        store.enqueue(run, {"epochs": 1})
    assert store.run(run).state == "stopped"


def test_who_resumes_a_fork_that_has_not_begun_changes_it_after_its_own_changes(store: RunStore) -> None:
    parent = train(store, SMALL)
    fork = store.fork(parent, 15, {"epochs": 3})
    store.set_state(fork, "interrupted")
    store.enqueue(fork, {"batch_size": 128})
    assert store.recipe(fork).events == (Event(15, "epochs", 3), Event(15, "batch_size", 128))
    list(worker.work(store, fork))
    assert store.run(fork).epoch == 3
    assert bits(store, fork) == bits(store, train(store, store.recipe(fork)))


@pytest.mark.parametrize("state", ["finished", "diverged"])
def test_what_is_ordered_in_the_last_moment_is_not_done_later(store: RunStore, state: State) -> None:
    run = store.create_run(SMALL, "ends")
    training = worker.work(store, run)
    next(training)
    store.send(run, "dropout", 0.5)
    store.set_state(run, state)
    assert store.orders(run) == []
    training.close()


def test_the_best_epoch_is_kept_whatever_is_thinned_out(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MOST_SNAPSHOTS", 2)
    monkeypatch.setattr(worker, "FEWEST_SNAPSHOTS", 2)
    run = train(store, SMALL.with_changes(epochs=41, learning_rate=0.02, batch_size=640))
    last = store.run(run).last
    assert last is not None
    best = max(store.records(run), key=lambda record: record.validation_accuracy)
    assert (last.best_epoch, last.best_accuracy) == (best.epoch, best.validation_accuracy)
    epochs = {int(moment.epoch) for moment in store.snapshots(run)} - {1, 2, 5, 10, 20}
    assert best.epoch in epochs
    assert epochs - {best.epoch} == {0, 21, 41} - {best.epoch}


# --- what is kept ---


def test_checkpoints_are_few_and_spread_over_the_run(store: RunStore, often: None) -> None:
    run = train(store, SMALL.with_changes(epochs=60, batch_size=640))
    steps = [moment.step for moment in store.checkpoints(run)]
    assert len(steps) == MOST_CHECKPOINTS
    assert steps[-1] == 60
    gaps = [later - earlier for earlier, later in zip([0, *steps], steps, strict=False)]
    assert max(gaps) <= 60 / MOST_CHECKPOINTS * 2.5


def test_checkpoints_of_a_huge_network_are_fewer(store: RunStore, often: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnlib.runs.store.CHECKPOINTS_BYTES", 1)
    run = train(store, SMALL)
    assert [moment.step for moment in store.checkpoints(run)] == [40]


def test_a_damaged_checkpoint_is_passed_over(store: RunStore, often: None) -> None:
    run = train(store, SMALL)
    end, epochs = bits(store, run), learned(store, run)
    for condition in ("step > 20", "1"):
        store._connection.execute(f"UPDATE checkpoints SET state = ? WHERE {condition}", (b"whale",))
        store.set_state(run, "interrupted")
        store.enqueue(run)
        list(worker.work(store, run))
        assert (bits(store, run), learned(store, run)) == (end, epochs)


def test_a_run_whose_changes_are_not_all_known_is_not_repeated(store: RunStore) -> None:
    run = train(store, Recipe(SMALL, (Event(5, "dropout", 0.1),)))
    store._connection.execute("UPDATE events SET value = ?", (json.dumps(0.2),))
    with pytest.raises(
        DamagedStoreError, match=rf"^not all is known of what was changed in run {run} while it learned"
    ):
        store.recipe(run)
    with pytest.raises(DamagedStoreError):
        store.fork(run, 5)
    assert store.model(run, 40).training is None
    assert len(store.runs()) == 1


def test_a_model_carries_the_recipe_of_its_moment(store: RunStore) -> None:
    run = train(store, Recipe(SMALL, (Event(5, "dropout", 0.1), Event(35, "dropout", 0.2))))
    model = store.model(run, 20)
    assert model.training == Recipe(SMALL, (Event(5, "dropout", 0.1),), end=20)
    assert model.config == SMALL.with_changes(dropout=0.1)
    repeat = Trainer(model.training, load_mnist())
    list(repeat)
    assert repeat.network.parameters.tobytes() == model.network.parameters.tobytes()
