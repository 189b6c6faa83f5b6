"""`python -m nnlib.runs RUN`: see `worker`."""

from nnlib.runs.worker import main

main()
