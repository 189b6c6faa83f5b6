"""`python -m nnlib`: see `cli`."""

import sys

from nnlib.cli import main
from nnlib.training import start_anew_with_better_kernel

if sys.argv[1:2] == ["train"]:
    start_anew_with_better_kernel()
main("python -m nnlib")
