"""What a partner runs: `python -m nnlib.training JOB`."""

from nnlib.training.halves import partner_tasks
from nnlib.training.partner import serve

if __name__ == "__main__":
    serve(partner_tasks)
