"""Some torture: see torture.py, which also runs by hand and for longer."""

from pathlib import Path

from tests.torture import torture

SECONDS = 15


def test_every_run_comes_out_of_torture_as_its_recipe_says(home: Path) -> None:
    done = torture(SECONDS, 1, home)
    for blow in ("start", "resume", "fork", "order", "kill_worker", "kill_server", "runs judged"):
        assert done[blow], f"no {blow} in all that time"
