"""What a network makes of one digit: its ten probabilities, and the way through its layers. All as HTML."""

from collections.abc import Sequence
from html import escape

import numpy as np

from dashboard import images
from dashboard.figures.cells import cells
from dashboard.figures.digits import ink
from nnlib.digits import NUMBERS

UNIT_PX = 5  # a side of a unit's square, in the picture of its layer


def probabilities(
    values: np.ndarray,
    title: str = "How sure it is of each digit",
    true: int | None = None,
    names: Sequence[str] = NUMBERS,
) -> str:
    """(10,) probabilities as bars, the highest in another colour; the `true` digit, where known, is marked.

    What is no digit has its name from `names` below its number.
    """
    named = names != NUMBERS
    best = int(np.argmax(values))
    kinds = {best: "best" if values[best] > 0 else "", true: "true"}
    bars = "".join(
        f'<div class="{kinds.get(digit, "")}" style="--share: {share:.4f}" title="{escape(names[digit])}: {share:.2%}">'
        f"<b>{f'{share:.0%}' if share >= 0.005 else ''}</b><i></i>"
        f"<span>{digit}{'<br>true' if digit == true else ''}"
        f"{f'<small>{escape(names[digit])}</small>' if named else ''}</span></div>"
        for digit, share in enumerate(np.asarray(values, float))
    )
    scale = "".join(f'<span style="--share: {percent / 100}">{percent}</span>' for percent in (0, 25, 50, 75, 100))
    return (
        f'<figure class="bars{" named" if named else ""}"><figcaption>{title}</figcaption><em>probability (%)</em>'
        f'<div class="scale">{scale}</div><div class="columns">{bars}</div>'
        f"<em>{'class' if named else 'digit'}</em></figure>"
    )


def signal(image: np.ndarray, activations: Sequence[np.ndarray], names: Sequence[str] = NUMBERS) -> str:
    """One digit's way through the network: (784,) pixels, then what every unit of each layer put out.

    Each layer is scaled to its own strongest unit; the last one, the probabilities of `names`, is drawn as bars.
    """
    *hidden, last = activations
    steps = [("784 pixels", ink(image))]
    steps += [(f"{len(layer)} units", _units(layer)) for layer in hidden]
    best = int(np.argmax(last))
    bars = "".join(
        f'<div{" class=best" if digit == best else ""} style="--share: {share:.4f}" title="{name}: {share:.1%}">'
        f"<i></i><span>{name}</span></div>"
        for digit, (share, name) in enumerate(zip(np.asarray(last, float), map(escape, names), strict=True))
    )
    steps.append(("10 answers", f'<div class="answers{"" if names == NUMBERS else " named"}">{bars}</div>'))
    parts = "".join(f"<div><figcaption>{title}</figcaption>{picture}</div>" for title, picture in steps)
    return f'<figure class="way">{parts}</figure>'


def _units(layer: np.ndarray) -> str:
    """(n,) outputs as squares, in a grid about twice as high as wide: the stronger, the fuller the colour."""
    columns = max(1, round(np.sqrt(len(layer) / 2)))
    rows = -(-len(layer) // columns)
    low = min(0.0, float(layer.min()))
    strengths = np.full(rows * columns, np.nan)
    strengths[: len(layer)] = (layer - low) / (max(float(layer.max()), 1e-6) - low)
    source = images.uri(images.strengths(strengths.reshape(rows, columns), UNIT_PX))
    says = [f"{output:.2f}" for output in layer]
    return cells(columns, rows, says, below=f'<img src="{source}" alt="">', each="unit {number}: {says}")
