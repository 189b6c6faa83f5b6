"""Some torture: see torture.py, which also runs by hand and for longer."""

from pathlib import Path

from tests.torture import torture

SECONDS = 15
BLOWS = ("start", "resume", "fork", "order", "kill_worker", "kill_server")


def test_every_run_comes_out_of_torture_as_its_recipe_says(home: Path) -> None:
    done = torture(SECONDS, 1, home, BLOWS)
    for blow in (*BLOWS, "runs judged"):
        assert done[blow], f"no {blow} in all that time"
