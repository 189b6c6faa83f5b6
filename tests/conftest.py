"""What every test needs: a store of its own."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that runs are kept in: a new, empty one, never the user's own."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("NNLIB_HOME", str(folder))
    monkeypatch.delenv("NNLIB_DATA", raising=False)
    return folder
