"""A race: what may race, how its runs take turns, and what is said of how it ended."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nnlib.digits.mnist import load_mnist
from nnlib.errors import SettingError, StoreError, UnknownRunError
from nnlib.runs import race, worker
from nnlib.runs.race import judge, plan, read_values, start_race, usual_values, write_values
from nnlib.runs.run import Run, State
from nnlib.runs.store import MOST_WAITING, RunStore
from nnlib.training.config import PRESETS, SETTINGS, TrainingConfig
from nnlib.training.trainer import EpochRecord, Trainer

SMALL = TrainingConfig(hidden_widths=(16, 8), epochs=4, batch_size=64, training_digits=640, validation_digits=200)
PATIENCE_SECONDS = 60


@pytest.fixture
def store(home: Path) -> Iterator[RunStore]:
    """A store of its own; nothing that works for it outlives the test."""
    with closing(RunStore(home)) as store:
        yield store
        for run in store.runs():
            if run.active:
                with suppress(StoreError):
                    store.send(run.id, "stop")
        wait_until(lambda: store.path not in worker._starters, "without anything to start")


def wait_until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"not {what} in time"
        time.sleep(0.005)


# --- what may race ---


def test_a_race_is_one_config_with_several_values_of_one_setting() -> None:
    configs = plan(SMALL, "learning_rate", [0.01, "0.001"])
    assert list(configs) == ["learning rate 0.01", "learning rate 0.001"]
    assert list(configs.values()) == [SMALL.with_changes(learning_rate=0.01), SMALL.with_changes(learning_rate=0.001)]


@pytest.mark.parametrize(
    ("setting", "values", "sentence"),
    [
        (
            "learning_rate",
            [0.1],
            r"^learning_rate has 1 value to race: it must be 2 to 8 of them, with commas between\.$",
        ),
        ("seed", range(9), r"^seed has 9 values to race: it must be 2 to 8 of them"),
        ("hidden_widths", [(3,)], r"with / or ; between\.$"),
        ("seed", [1, 2, "1"], r"^seed has 1 twice: all values of a race must differ\.$"),
        ("learning_rate", [1e-13, 1e-14], "twice"),
        ("batch_size", [8, 0], r"^batch_size is 0: it must be a whole number from 1 to 60,000 digits"),
        ("optimizer", ["adam", "luck"], r"^optimizer is luck: it must be one of"),
        ("validation_digits", [5_000, 10_000], "65,000 together"),
    ],
)
def test_what_cannot_race_is_said_in_one_sentence(setting: str, values: Sequence[object], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        plan(TrainingConfig(), setting, list(values))


@pytest.mark.parametrize(
    ("setting", "text", "values"),
    [
        ("learning_rate", "0.0001, 0.001,1", [0.0001, 0.001, 1.0]),
        ("hidden_widths", "32 / 64,32;128", [(32,), (64, 32), (128,)]),
        ("optimizer", "adam,sgd", ["adam", "sgd"]),
        ("training_digits", "1,000; 5,000", [1000, 5000]),
        ("batch_size", "8,16,", [8, 16]),
        ("hidden_widths", "32,16", [(32, 16)]),
        ("seed", "", []),
    ],
)
def test_values_are_read_as_people_write_them(setting: str, text: str, values: list[object]) -> None:
    assert read_values(setting, text) == values


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_has_values_that_are_worth_a_race(setting: str, preset: str) -> None:
    config = PRESETS[preset].config
    values = usual_values(config, setting)
    assert race.FEWEST <= len(values) <= race.MOST
    assert getattr(config, setting) in values
    assert len(plan(config, setting, values)) == len(values)
    assert read_values(setting, write_values(setting, values)) == values


@pytest.mark.parametrize(("setting", "value"), [("seed", 2**32 - 1), ("learning_rate", 10.0), ("learning_rate", 1e-9)])
def test_usual_values_stay_within_the_limits(setting: str, value: float) -> None:
    values = usual_values(SMALL.with_changes(**{setting: value}), setting)
    assert len(plan(SMALL, setting, values)) >= race.FEWEST


# --- all or none ---


def test_the_runs_of_a_race_share_a_number_that_no_other_race_has_had(store: RunStore) -> None:
    store.create_run(SMALL, "before")
    first = store.create_race(plan(SMALL, "seed", [1, 2, 3]))
    assert [run.race for run in store.race(first[0])] == [first[0]] * 3
    assert [run.id for run in store.race(first[0])] == first
    for run_id in first:
        store.set_state(run_id, "stopped")
        store.delete_run(run_id)
    assert store.race(first[0]) == []
    second = store.create_race(plan(SMALL, "seed", [1, 2, 3]))
    assert store.run(second[0]).race not in (None, first[0])
    for run in store.runs():
        store.set_state(run.id, "stopped")


def test_a_race_begins_as_a_whole_or_not_at_all(store: RunStore) -> None:
    for number in range(MOST_WAITING - 2):
        store.create_run(SMALL, str(number))
    with pytest.raises(StoreError, match=r"^3 runs are to wait in line, which has room for 2 more: wait until some"):
        start_race(store, SMALL, "seed", [1, 2, 3])
    assert len(store.runs()) == MOST_WAITING - 2
    assert len(store.create_race(plan(SMALL, "seed", [1, 2]))) == 2
    for run in store.runs():
        store.set_state(run.id, "stopped")


# --- taking turns ---


def test_the_runs_of_a_race_go_forward_together_and_end_as_each_would_alone(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnlib.runs.store.MOST_AT_ONCE", 2)
    config = SMALL.with_changes(dropout=0.1, epochs=20, training_digits=6400)
    run_ids = start_race(store, config, "learning_rate", [0.001, 0.003, 0.01, 0.03])
    least_when_first_is_done: list[int] = []

    def all_done() -> bool:
        runs = store.race(run_ids[0])
        done = [run.epoch for run in runs]
        if max(done) == config.epochs:
            least_when_first_is_done.append(min(done))
        assert sum(run.state == "running" for run in runs) <= (os.cpu_count() or 1)
        return all(run.state == "finished" for run in runs)

    wait_until(all_done, "all finished")
    # at its beginning, those whose process has yet to start are behind
    assert least_when_first_is_done[0] >= config.epochs / 2
    for run_id in run_ids:
        run = store.run(run_id)
        alone = Trainer(run.config, load_mnist())
        records = [record for record in alone if isinstance(record, EpochRecord)]
        assert [replace(r, seconds=0.0) for r in store.records(run_id)] == [replace(r, seconds=0.0) for r in records]
        weights = store.model(run_id, store.snapshots(run_id)[-1].step).network.parameters
        assert weights.tobytes() == alone.network.parameters.tobytes()


def one_epoch(store: RunStore, run_id: int, epoch: int) -> None:
    store.append(run_id, record(epoch, 0.5))


def test_a_run_gives_way_only_to_one_of_its_race_that_waits_and_is_behind(store: RunStore) -> None:
    a, b, c = store.create_race(plan(SMALL, "seed", [1, 2, 3]))
    outside = store.create_run(SMALL, "outside")
    assert store.begin(a, 2)
    assert store.begin(b, 2)
    assert not store.give_way(a), "all have done as little"
    one_epoch(store, a, 1)
    assert store.give_way(a)
    assert store.run(a).state == "queued"
    assert [store.begin(run_id, 2) for run_id in (a, outside, c)] == [False, False, True], "first come, first served"
    one_epoch(store, b, 1)
    assert not store.give_way(b), "c trains, and a has done as much"
    store.set_state(c, "finished")
    assert [store.begin(run_id, 2) for run_id in (a, outside)] == [False, True], "whoever is outside has a turn, too"
    one_epoch(store, b, 2)
    assert store.give_way(b)
    assert [store.begin(run_id, 2) for run_id in (b, a)] == [False, True]
    one_epoch(store, outside, 1)
    assert not store.give_way(outside), "it is in no race"
    for run in store.runs():
        store.set_state(run.id, "stopped")


def test_a_run_is_paused_resumed_and_stopped_while_it_waits_for_its_turn(store: RunStore) -> None:
    endless = SMALL.with_changes(epochs=1000)
    run_ids = start_race(store, endless, "seed", list(range(2 * (os.cpu_count() or 1))))
    wait_until(lambda: all(run.epoch for run in store.race(run_ids[0])), "all under way")
    paused, stopped = run_ids[:2]

    def tell(run_id: int, order: str, state: State) -> None:
        wait_until(lambda: store.run(run_id).state == "queued", "waiting")
        store.send(run_id, order)
        wait_until(lambda: store.run(run_id).state == state, state)

    tell(paused, "pause", "paused")
    tell(stopped, "stop", "stopped")
    before = {run.id: run.epoch for run in store.race(run_ids[0])}
    others = run_ids[2:]
    wait_until(lambda: all(store.run(run).epoch > before[run] + 2 for run in others), "going on without it")
    assert store.run(paused).epoch == before[paused]
    store.send(paused, "resume")
    wait_until(lambda: store.run(paused).epoch > before[paused], "going on again")


# --- what is learned from it ---


def record(epoch: int, accuracy: float, seconds: float | None = None) -> EpochRecord:
    return EpochRecord(epoch, 10 * epoch, 0.001, 1.0, 0.5, 1.0, accuracy, (1.0,) * 3, (0,) * 2, seconds or 1.0 * epoch)


Curve = tuple[float, ...]


def race_of(
    curves: Mapping[float, Curve], states: dict[float, State] | None = None, seconds: dict[float, float] | None = None
) -> race.Race:
    """A race of learning rates with these accuracies after each epoch, judged."""
    runs, records = [], {}
    for run_id, (rate, curve) in enumerate(curves.items(), start=1):
        config = TrainingConfig(learning_rate=rate, epochs=max(1, *map(len, curves.values())))
        epoch_seconds = (seconds or {}).get(rate, 1.0)
        records[run_id] = [record(n, accuracy, n * epoch_seconds) for n, accuracy in enumerate(curve, start=1)]
        last = records[run_id][-1] if curve else None
        state = (states or {}).get(rate, "finished")
        runs.append(Run(run_id, "raced", config, config, None, 0.0, state, "", last, race=1))
    return judge(runs, records)


GOOD = (0.93, 0.96, 0.97, 0.975)
WON = "Learning rate 0.001 won with 97.5% of the new digits; "

LESSONS: dict[str, tuple[race.Race, str]] = {
    "slower": (
        race_of({0.0001: (0.85, 0.90, 0.94, 0.955), 0.001: GOOD}),
        WON + "0.0001, too low, was 2 times slower in epochs and never caught up (95.5% at best).",
    ),
    "far behind": (
        race_of({0.00001: (0.2, 0.3, 0.4, 0.5), 0.001: GOOD}),
        WON + "0.00001, too low, stayed far behind (50.0% at best).",
    ),
    "behind": (
        race_of({0.01: (0.94, 0.955, 0.95, 0.955), 0.001: GOOD}),
        WON + "0.01, too high, stayed 2.0 points behind (95.5% at best).",
    ),
    "guessing and blown up": (
        race_of(
            {0.001: GOOD, 1.0: (0.1,) * 4, 5.0: (0.9,), 0.5: (0.11,) * 4, 10.0: ()},
            {5.0: "diverged", 10.0: "diverged"},
        ),
        WON + "1 and 0.5, too high, never did much better than guessing; 5 and 10, too high, blew up.",
    ),
    "ended early": (
        race_of({0.001: GOOD, 0.01: (0.92,)}, {0.01: "stopped"}),
        WON + "0.01 ended early, after 1 epoch (92.0% at best).",
    ),
    "level at the top": (
        race_of({0.001: GOOD, 0.002: (0.93, 0.96, 0.97, 0.974), 0.1: (0.5, 0.6, 0.6, 0.6)}),
        "Learning rate 0.001 and 0.002 are level at the top with 97.4% to 97.5% of the new digits, which may be "
        "chance; 0.1, too high, stayed far behind (60.0% at best).",
    ),
    "caught up": (
        race_of({0.001: GOOD, 0.0005: (0.8, 0.9, 0.94, 0.975), 0.1: (0.5, 0.6, 0.6, 0.6)}),
        "Learning rate 0.001 and 0.0005 are level at the top with 97.5% of the new digits; "
        "0.0005 took longer but caught up; 0.1, too high, stayed far behind (60.0% at best).",
    ),
    "no difference": (
        race_of({0.001: GOOD, 0.002: (0.93, 0.96, 0.97, 0.973), 0.003: (0.93, 0.96, 0.97, 0.971)}),
        "No difference that counts: learning rate 0.001, 0.002 and 0.003 all read 97.1% to 97.5% of the new digits, "
        "and with 5,000 of them up to about 0.7 points can be chance.",
    ),
    "the same, sooner": (
        race_of({0.001: GOOD, 0.002: GOOD}, seconds={0.002: 3.0}),
        "No difference that counts: learning rate 0.001 and 0.002 all read 97.5% of the new digits; "
        "0.001 took the least time (4 s, and 0.002 12 s).",
    ),
    "the same fate": (
        race_of(
            {0.001: GOOD, 0.01: (0.955,) * 4, 0.02: (0.955,) * 4}
            | {0.0001: (0.8, 0.8, 0.8, 0.955), 0.0002: (0.8, 0.8, 0.8, 0.955)}
        ),
        WON
        + "0.01 and 0.02, too high, stayed 2.0 points behind (95.5% at best); 0.0001 and 0.0002, too low, were 2 times "
        "slower in epochs and never caught up (95.5% at best).",
    ),
    "all paused": (
        race_of({0.001: GOOD, 0.1: (0.9,) * 4}, {0.001: "paused", 0.1: "paused"}),
        "So far: learning rate 0.001 leads with 97.5% of the new digits; 0.1 is far behind (90.0% at best).",
    ),
    "nobody learned": (
        race_of({1.0: (0.1, 0.1), 2.0: (0.11, 0.1)}),
        "Nobody won: 1 and 2 never did much better than guessing.",
    ),
    "nobody got anywhere": (
        race_of({1.0: (), 2.0: ()}, {1.0: "diverged", 2.0: "stopped"}),
        "Nobody won: 1 blew up; 2 did not get through an epoch.",
    ),
    "not begun": (
        race_of({1.0: (), 2.0: (0.5,)}, {1.0: "queued", 2.0: "running"}),
        "No network has seen all its digits once yet: in a moment there is something to compare.",
    ),
    "under way": (
        race_of(
            {0.001: GOOD[:2], 0.0001: (0.85, 0.92), 0.1: (0.3,) * 2, 0.5: (0.1,) * 3},
            dict.fromkeys((0.001, 0.0001, 0.1, 0.5), "running"),
        ),
        "So far, after epoch 2: learning rate 0.001 leads with 96.0% of the new digits; 0.0001 is 2 times slower in "
        "epochs "
        "(92.0% at best); 0.1 is far behind (30.0% at best); 0.5 did not do much better than guessing.",
    ),
    "nobody learns yet": (
        race_of({1.0: (0.1,), 2.0: (0.11,)}, {1.0: "queued", 2.0: "running"}),
        "So far, after epoch 1, nobody leads: 1 and 2 did not do much better than guessing.",
    ),
}


def test_only_a_number_that_means_more_or_less_is_too_low_or_too_high() -> None:
    found = race_of({0.001: GOOD, 0.1: (0.9,) * 4})
    values: dict[str, tuple[Any, Any]] = {"seed": (1, 2), "activation": ("relu", "tanh"), "batch_size": (32, 128)}
    for name, both in values.items():
        racers = [
            replace(racer, run=replace(racer.run, began_with=SMALL.with_changes(**{name: value})), value=str(value))
            for racer, value in zip(found.racers, both, strict=True)
        ]
        said = race.lesson(SETTINGS[name], racers, racers[0], None)
        assert ("too high" in said) == (name == "batch_size")


@pytest.mark.parametrize("kind", LESSONS)
def test_what_is_learned_is_one_sentence(kind: str) -> None:
    found, lesson = LESSONS[kind]
    assert found.lesson == lesson


def test_no_winner_is_claimed_within_what_chance_makes() -> None:
    for behind in range(0, 400):
        found = race_of({0.001: GOOD, 0.002: (0.9, 0.975 - behind / 10_000)})
        n = 5000
        error = ((0.975 * 0.025 + (0.975 - behind / 10_000) * (0.025 + behind / 10_000)) / n) ** 0.5
        assert ("won" in found.lesson) == (behind / 10_000 > 2 * error)
        assert [racer.crowned for racer in found.racers] == [True, "won" not in found.lesson]


def test_who_has_had_a_turn_more_is_not_ahead_for_that() -> None:
    found = race_of({0.001: (0.90, 0.95), 0.01: (0.94,)}, {0.001: "running", 0.01: "queued"})
    assert found.epoch == 1
    assert found.winner is not None
    assert found.winner.value == "0.01"


def test_a_paused_run_does_not_hold_up_the_verdict() -> None:
    found = race_of({0.001: GOOD, 0.01: (0.94,), 0.1: (0.5,) * 4}, {0.001: "running", 0.01: "paused", 0.1: "running"})
    assert found.epoch == 4
    assert found.winner is not None
    assert found.winner.value == "0.001"


def test_nobody_is_crowned_who_only_guesses() -> None:
    found = race_of({1.0: (0.1,), 2.0: (0.12,)})
    assert found.winner is None
    assert not any(racer.crowned for racer in found.racers)


def test_a_network_that_blew_up_wins_nothing() -> None:
    found = race_of({0.001: (0.93,), 0.1: (0.96,)}, {0.1: "diverged"})
    assert found.winner is not None
    assert found.winner.value == "0.001"


def test_of_a_race_whose_runs_were_deleted_it_is_said_so() -> None:
    runs = [racer.run for racer in race_of({0.001: GOOD, 0.01: GOOD}).racers]
    with pytest.raises(UnknownRunError, match="fewer than two runs are left: start it anew"):
        judge(runs[:1], {runs[0].id: []})
