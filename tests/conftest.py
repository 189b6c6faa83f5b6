"""What every test needs: a store of its own."""

import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from nnlib.runs import RunStore, worker
from nnlib.training import TrainingConfig

# tests run beside each other: a training's second process would take the other test's processor
os.environ.setdefault("NNLIB_PROCESSES", "1")
# and so would a second thread that multiplies
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


class OneDrivesTheBrowser(LoadScopeScheduling):
    """One process drives the browser, beside one for all else: two browsers only wait for each other's processor."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "browser" if "/browser/" in file else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Who runs which tests: those of a file stay together."""
    return OneDrivesTheBrowser(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first."""
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
