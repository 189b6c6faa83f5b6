"""`python -m nnlib`, and `nnlib` where it is installed: see `cli`."""

import sys

from nnlib import cli
from nnlib.training import start_anew_with_better_kernel


def main(called_as: str = "nnlib") -> None:
    """Run the command line; a training under the best kernel that there is for this processor."""
    if sys.argv[1:2] in (["train"], ["fork"], ["find-rate"]):
        start_anew_with_better_kernel()
    cli.main(called_as)


if __name__ == "__main__":
    main("python -m nnlib")
