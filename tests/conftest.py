"""What every test needs: a store of its own."""

import os
from pathlib import Path

import pytest

from nnlib.runs import RunStore, worker
from nnlib.training import TrainingConfig

# tests run beside each other: a training's second process would take the other test's processor
os.environ.setdefault("NNLIB_PROCESSES", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, beside all others."""
    items.sort(key=lambda item: item.path.name != "test_torture.py")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that runs are kept in: a new, empty one, never the user's own."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("NNLIB_HOME", str(folder))
    monkeypatch.delenv("NNLIB_DATA", raising=False)
    return folder


def train_to_its_end(home: Path, config: TrainingConfig, name: str = "own settings") -> int:
    """A run of the store in this folder, trained in this process; its number."""
    store = RunStore(home)
    run_id = store.create_run(config, name)
    for _ in worker.work(store, run_id):
        pass
    store.close()
    return run_id
