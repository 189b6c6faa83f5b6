"""Whether the rate finder is right: its suggestion beside a grid of thirteen rates, each trained for three epochs.

`python tests/rate_finder_grid.py [WORD ...]` prints a table, of the cases whose names have one of the words in them;
all of them take about ten minutes. The suggestion is right where it comes within half a point of the best rate on the
grid, in accuracy on the 5,000 validation digits. One training's accuracy is itself good for a few tenths of a point.
"""

import sys
import time

from nnlib.digits import DataSet, load_mnist
from nnlib.errors import DivergedError
from nnlib.training import (
    EpochRecord,
    RateSuggestion,
    Trainer,
    TrainingConfig,
    find_rate,
    start_anew_with_better_kernel,
)

GRID = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0)
ENOUGH = 0.005

BASE = TrainingConfig(epochs=3)
RMSPROP = BASE.with_changes(optimizer="rmsprop")
MOMENTUM = BASE.with_changes(optimizer="sgd", momentum=0.9)
PLAIN = BASE.with_changes(optimizer="sgd", momentum=0)
OPTIMIZERS = {"Adam": BASE, "RMSprop": RMSPROP, "SGD, momentum": MOMENTUM, "SGD": PLAIN}
DEEP_SIGMOID = {"activation": "sigmoid", "hidden_widths": (64, 64, 64, 64)}

CASES = {
    **{
        f"{name}, {size:,} digits": config.with_changes(batch_size=size)
        for size in (32, 128, 1024)
        for name, config in OPTIMIZERS.items()
    },
    **{f"{name}, tanh": config.with_changes(activation="tanh") for name, config in OPTIMIZERS.items()},
    **{f"{name}, sigmoid": config.with_changes(activation="sigmoid") for name, config in OPTIMIZERS.items()},
    # a plateau that only the larger rates leave, and one that most never do
    "Adam, deep sigmoid": BASE.with_changes(**DEEP_SIGMOID),
    "SGD, deep sigmoid": PLAIN.with_changes(**DEEP_SIGMOID),
    "SGD, momentum 0.99": MOMENTUM.with_changes(momentum=0.99),
    "Adam, dropout": BASE.with_changes(dropout=0.3),
    "Adam, L2 0.001": BASE.with_changes(l2=0.001),
    "SGD, momentum, L2 0.01": MOMENTUM.with_changes(l2=0.01),
    "Adam, L2 0.05": BASE.with_changes(l2=0.05),
    "Adam, 512,512": BASE.with_changes(hidden_widths=(512, 512)),
}


def accuracy(config: TrainingConfig, data: DataSet) -> float:
    """On the validation digits, in the end; 0 where the loss stopped being a number."""
    try:
        *_, last = Trainer(config, data)
    except DivergedError:
        return 0.0
    assert isinstance(last, EpochRecord)
    return last.validation_accuracy


def main() -> None:
    data = load_mnist()
    print("case                     suggested   seconds   accuracy   best on the grid   behind, points")
    for name, config in CASES.items():
        if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
            continue
        started = time.perf_counter()
        *_, found = find_rate(config, data)
        seconds = time.perf_counter() - started
        assert isinstance(found, RateSuggestion)
        rate = found.suggested
        reached = accuracy(config.with_changes(learning_rate=rate), data) if rate else 0.0
        grid = {each: accuracy(config.with_changes(learning_rate=each), data) for each in GRID}
        best = max(grid, key=grid.__getitem__)
        behind = grid[best] - reached
        print(
            f"{name:24} {rate or 'none':>9}   {seconds:7.1f}   {reached:8.2%}   {grid[best]:7.2%} at {best:<7g}"
            f"{100 * behind:10.2f} {'' if behind <= ENOUGH else '   too far'}",
            flush=True,
        )


if __name__ == "__main__":
    start_anew_with_better_kernel()
    main()
