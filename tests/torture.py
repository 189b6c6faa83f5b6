"""Runs under torture: python tests/torture.py [--seconds 120] [--seed N]

Two servers' worth of processes start short runs in one store, two people give them random orders, and
workers, their partners and the servers are killed at random moments. In the end every run is brought to
its end, and must have become, to the last bit, what its recipe says.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import psutil

# run as a file, not as a module; tests/nnlib would be taken for the package
sys.path.insert(0, str(Path(__file__).parents[1]))

from nnlib.digits import load_mnist
from nnlib.errors import SettingError, StoreError
from nnlib.runs import Run, RunStore, worker
from nnlib.runs.run import pace_of
from nnlib.training import EpochRecord, Trainer, TrainingConfig

MOST_ALIVE, MOST_RUNS = 4, 40  # runs at a time, and in all
PAUSE_SECONDS = 0.15  # between two blows
STILL_SECONDS = 120  # without a record, once all are left in peace: then one does not come to its end


class Server:
    """A process that starts runs, as the dashboard's server does; they end when it does."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", str(self.home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            # partners are to be killed, too
            env={name: value for name, value in os.environ.items() if name != "NNLIB_PROCESSES"},
        )

    def ask(self, *words: object) -> str:
        """Let it do something; what came of it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps(words)}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def serve(home: str) -> None:
    """The life of such a process."""
    os.nice(10)  # this is about what comes out, not when: others get on with their work beside it
    store = RunStore(home)
    for line in sys.stdin:
        what, *words = json.loads(line)
        try:
            if what == "start":
                worker.start(store, TrainingConfig(**words[0]), "tortured")
            elif what == "resume":
                worker.resume(store, *words)
            else:
                worker.fork(store, *words)
            print("done", flush=True)
        except (StoreError, SettingError) as error:
            print(error, flush=True)


class Torture:
    """Random blows, the same for the same seed as far as time allows."""

    def __init__(self, home: Path, seed: int) -> None:
        self.store, self.random = RunStore(home), random.Random(seed)
        self.servers = [Server(home), Server(home)]
        self.sessions = [self.store, RunStore(home)]
        self.done: Counter[str] = Counter()

    def close(self) -> None:
        for server in self.servers:
            server.kill()
        for session in self.sessions:
            session.close()

    def strike(self) -> None:
        """One blow."""
        blows: list[tuple[int, Callable[[], object]]] = [
            (4, self.start),
            (4, self.resume),
            (3, self.fork),
            (14, self.order),
            (3, self.kill_worker),
            (2, self.kill_partner),
            (1, self.kill_server),
        ]
        blow = self.random.choices([each for _, each in blows], [weight for weight, _ in blows])[0]
        with suppress(StoreError, SettingError, psutil.Error, ProcessLookupError):
            if blow():
                self.done[blow.__name__] += 1

    def choose(self, holds: Callable[[Run], bool]) -> Run | None:
        found = [run for run in self.store.runs() if holds(run)]
        return self.random.choice(found) if found else None

    @property
    def server(self) -> Server:
        return self.random.choice(self.servers)

    def has_room(self, new: bool = False) -> bool:
        """Whether one more run may learn, and be a new one."""
        runs = self.store.runs()
        return sum(run.active for run in runs) < MOST_ALIVE and not (new and len(runs) >= MOST_RUNS)

    def start(self) -> bool:
        if not self.has_room(new=True):
            return False
        config = {
            "hidden_widths": self.random.choice([(32, 16), (64,), (128, 64, 64)]),
            "optimizer": self.random.choice(["adam", "rmsprop", "sgd"]),
            "schedule": self.random.choice(["constant", "cosine", "one_cycle", "step"]),
            "batch_size": self.random.choice([32, 100, 256, 3000]),
            "dropout": self.random.choice([0.0, 0.2]),
            "augmentation": self.random.choice([0.0, 0.0, 0.5]),
            "epochs": self.random.randint(3, 30),
            "training_digits": 3000,
            "validation_digits": 200,
            "seed": self.random.randint(0, 99),
        }
        return self.server.ask("start", config) == "done"

    def resume(self) -> bool:
        run = self.choose(lambda run: run.resumable or run.state == "finished")
        if run is None or not self.has_room():
            return False
        more = {"epochs": run.epoch + self.random.randint(1, 5)} if run.state == "finished" else self.change()
        return self.server.ask("resume", run.id, more) == "done"

    def fork(self) -> bool:
        run = self.choose(lambda run: run.epoch > 0)
        if run is None or run.last is None or not self.has_room(new=True):
            return False
        step = self.random.randint(0, run.last.step)
        return self.server.ask("fork", run.id, step, self.change(), None, self.random.random() < 0.3) == "done"

    def change(self) -> dict[str, object]:
        values = {
            "learning_rate": self.random.choice([0.0003, 0.001, 0.004]),
            "schedule": self.random.choice(["constant", "cosine"]),
            "batch_size": self.random.choice([50, 128, 200]),
            "momentum": self.random.choice([0.0, 0.5, 0.9]),
            "l2": self.random.choice([0.0, 0.001]),
            "weight_decay": self.random.choice([0.0, 0.05]),
            "dropout": self.random.choice([0.0, 0.1]),
            "label_smoothing": self.random.choice([0.0, 0.1]),
            "augmentation": self.random.choice([0.0, 0.3]),
            "epochs": self.random.randint(5, 30),
            "patience": self.random.choice([0, 0, 20]),
        }
        return dict(self.random.sample(list(values.items()), self.random.randint(0, 2)))

    def order(self) -> bool:
        run = self.choose(lambda run: run.active)
        if run is None:
            return False
        orders: list[tuple[str, object]] = [(name, None) for name in ("pause", "resume", "resume", "stop", "batch")]
        orders += [("epoch", None), ("pace", 20), ("pace", 0)]
        name, value = self.random.choice([*self.change().items()] or orders)
        self.random.choice(self.sessions).send(run.id, name, value)
        self.done[f"order: {name}"] += 1
        return True

    def kill_worker(self) -> bool:
        run = self.choose(lambda run: run.state in ("running", "paused"))
        holder = self.store.holder(run.id) if run else os.getpid()
        if holder in (os.getpid(), *(server.process.pid for server in self.servers)):
            return False
        os.kill(holder, signal.SIGKILL)
        return True

    def kill_partner(self) -> bool:
        run = self.choose(lambda run: run.state == "running")
        partners = psutil.Process(self.store.holder(run.id)).children() if run else []
        for partner in partners:
            if "nnlib.training" in partner.cmdline():
                partner.kill()
                return True
        return False

    def kill_server(self) -> bool:
        server = self.server
        server.kill()
        server.start()
        return True

    # ---- the end

    def bring_to_end(self) -> None:
        """Let every run finish; raises AssertionError where one does not."""
        seen, since = None, time.monotonic()
        while left := [run for run in self.store.runs() if not self.is_over(run)]:
            stands = [(run.id, run.last and run.last.step) for run in self.store.runs()]
            if stands != seen:
                seen, since = stands, time.monotonic()
            assert time.monotonic() - since < STILL_SECONDS, left
            for run in left:
                with suppress(StoreError):
                    if run.state == "paused" and not any(order.name == "resume" for order in self.store.orders(run.id)):
                        self.store.send(run.id, "resume")
                    # one that is resumed goes on in slow motion, if it was
                    slow = run.active and pace_of(self.store.happenings(run.id))
                    if slow and not any(order.name == "pace" for order in self.store.orders(run.id)):
                        self.store.send(run.id, "pace", 0)
                    if run.state == "failed" and not self.may_fail(run):
                        raise AssertionError(run.message)
                    if run.resumable:
                        self.servers[0].ask("resume", run.id, {})
            time.sleep(0.2)

    def is_over(self, run: Run) -> bool:
        return run.state in ("finished", "diverged")

    def may_fail(self, run: Run) -> bool:
        return "second process" in run.message  # it was killed

    def judge(self) -> None:
        """Every run must be what its recipe says; raises AssertionError where one is not."""
        data = load_mnist()
        for run in self.store.runs():
            assert self.store.orders(run.id) == [], run
            if run.state == "diverged":
                continue
            trainer = Trainer(self.store.recipe(run.id), data)
            expected = [replace(record, seconds=0.0) for record in trainer if isinstance(record, EpochRecord)]
            found = [replace(record, seconds=0.0) for record in self.store.records(run.id)]
            assert found == expected, self.told(run, found, expected)
            newest = self.store.snapshots(run.id)[-1]
            assert newest.step == trainer.step_count, run
            parameters = self.store.model(run.id, newest.step).network.parameters
            assert parameters.tobytes() == trainer.network.parameters.tobytes(), f"run {run.id} has other bits"
            self.done["runs judged"] += 1

    def told(self, run: Run, found: list[EpochRecord], expected: list[EpochRecord]) -> str:
        """All that helps to find out why a run learned otherwise than its recipe says."""
        differ = next((pair for pair in zip(found, expected, strict=False) if pair[0] != pair[1]), None)
        happened = [(each.step, each.name, each.value) for each in self.store.happenings(run.id)]
        return (
            f"run {run.id} learned otherwise than its recipe says: {len(found)} epochs, {len(expected)} expected, "
            f"first other: {differ}; attempt {run.attempt}, parent {run.parent}, began with {run.began_with}, events "
            f"{self.store.recipe(run.id).events}, happened {happened}, checkpoints {self.store.checkpoints(run.id)}"
        )


def torture(seconds: float, seed: int, home: Path, blows: Collection[str] = ()) -> Counter[str]:
    """Strike for so long, then judge; how often what was done. Raises AssertionError where a run suffered.

    Where one of `blows` had no chance by then, it gets four times as long.
    """
    with closing(Torture(home, seed)) as room:
        began = time.monotonic()
        while time.monotonic() - began < (seconds if all(room.done[blow] for blow in blows) else 4 * seconds):
            room.strike()
            time.sleep(PAUSE_SECONDS)
        room.bring_to_end()
        room.judge()
        return room.done


def main() -> None:
    """Torture, and say what was done."""
    parser = argparse.ArgumentParser(description="Torture short runs, and see that they come out whole.")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve", metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    with tempfile.TemporaryDirectory() as home:
        for what, how_often in sorted(torture(arguments.seconds, arguments.seed, Path(home)).items()):
            print(f"{what:24} {how_often:5}")


if __name__ == "__main__":
    main()
