"""What every test needs: a store of its own."""

import os
from pathlib import Path

import pytest

from nnlib.runs import RunStore, worker
from nnlib.training import TrainingConfig

# tests run beside each other: a training's second process would take the other test's processor
os.environ.setdefault("NNLIB_PROCESSES", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process drives the browser, beside one for all else: two browsers only wait for each other's processor."""
    for item in items:
        group = "browser" if item.path.parent.name == "browser" else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
    # what takes longest begins first
    items.sort(key=lambda item: (item.path.parent.name != "browser", item.path.name != "test_torture.py"))


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
