"""`python -m nnlib`: see `cli`."""

from nnlib.cli import main

main("python -m nnlib")
