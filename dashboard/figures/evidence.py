"""Why a digit is read as it is: pixels for and against, what would turn it, and how it was read before. All as HTML."""

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from dashboard import images
from dashboard.figures.digits import ink, pixel_cells
from nnlib.digits import NUMBERS

WIDTH, HEIGHT = 640, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 30, 58  # around the lines
LINES = ("true", "answer", "other")  # the kinds of lines
MOST_ANSWERS, MOST_NAMES = 32, 8  # that are written below the lines


def evidence(image: np.ndarray, ways: Sequence[tuple[str, np.ndarray, str]]) -> str:
    """Pixels that speak for an answer, orange, and against it, blue, over the digit, (784,): for each way to tell, its
    title, the (784,) values and a sentence. Each picture has its own scale."""
    return _side_by_side(
        (title, pixel_cells([f"{value:+.2f}" for value in values], _over(image, values)), said)
        for title, values, said in ways
    )


def change(image: np.ndarray, turned: np.ndarray, titles: Sequence[str]) -> str:
    """What is added to a digit, orange, and taken away, blue, and what it becomes: (784,) each."""
    pictures = (_over(image, turned - image), ink(turned))
    return _side_by_side((title, picture, "") for title, picture in zip(titles, pictures, strict=True))


def strongest_units(weights: np.ndarray, limit: float, captions: Sequence[str]) -> str:
    """The weights of some units, (784, n), as pictures with a line below each."""
    parts = "".join(
        f'<figure><img src="{images.uri(images.weight_sheet(own[:, None], limit, 1))}" alt="">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for own, caption in zip(weights.T, captions, strict=True)
    )
    return f'<div class="gallery units">{parts}</div>'


def _side_by_side(parts: Iterable[tuple[str, str, str]]) -> str:
    figures = "".join(
        f"<figure><figcaption>{escape(title)}</figcaption>{picture}<p>{escape(said)}</p></figure>"
        for title, picture, said in parts
    )
    return f'<div class="evidence">{figures}</div>'


def _over(image: np.ndarray, values: np.ndarray) -> str:
    limit = float(np.abs(values).max()) or 1.0
    source = images.uri(images.weight_sheet(values[:, None], limit, 1))
    return f'<div class="over">{ink(image)}<img src="{source}" alt=""></div>'


def history(
    epochs: Sequence[float],
    probabilities: np.ndarray,
    lines: Sequence[tuple[int, str]],
    names: Sequence[str] = NUMBERS,
) -> str:
    """How probable some digits were at moments of a training, as SVG, and below, the answer at each.

    `epochs` (n,) rising, `probabilities` (n, 10), and the digits with what each is called: at most three. `names` are
    those of the answers.
    """
    span = max(epochs[-1] - epochs[0], 1e-9)
    floor = HEIGHT - BOTTOM

    def x(epoch: float) -> float:
        return LEFT + (epoch - epochs[0]) / span * (WIDTH - LEFT - RIGHT)

    def y(share: float) -> float:
        return floor - share * (floor - TOP)

    marks = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(share):.1f}" y2="{y(share):.1f}"/>'
        f'<text x="{LEFT - 6}" y="{y(share) + 4:.1f}" text-anchor="end">{100 * share:.0f}</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    drawn, legend = "", ""
    for kind, (digit, name) in zip(LINES, lines, strict=False):
        points = " ".join(f"{x(at):.1f},{y(each[digit]):.1f}" for at, each in zip(epochs, probabilities, strict=True))
        drawn += f'<polyline class="{kind}" points="{points}"/>'
        legend += f'<tspan class="{kind}" dx="{14 if legend else 0}">━</tspan> {escape(name)}'
    answers = probabilities.argmax(axis=1)
    last = -np.inf
    for at, answer in zip(epochs, answers, strict=True):
        if x(at) - last >= (WIDTH - LEFT - RIGHT) / (MOST_ANSWERS if names == NUMBERS else MOST_NAMES):
            kind = next((kind for kind, (digit, _) in zip(LINES, lines, strict=False) if digit == answer), "")
            name = escape(names[answer])
            drawn += f'<text class="{kind}" x="{x(at):.1f}" y="{floor + 17}" text-anchor="middle">{name}</text>'
            last = x(at)
    ends = "".join(
        f'<text x="{x(at):.1f}" y="{floor + 35}" text-anchor="{anchor}">{at:.3g}</text>'
        for at, anchor in ((epochs[0], "middle"), (epochs[-1], "end"))
    )
    return (
        f'<figure class="history"><svg viewBox="0 0 {WIDTH} {HEIGHT}">{marks}'
        f'<text x="{LEFT}" y="14">probability (%): {legend}</text>{drawn}{ends}'
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
        "epochs; above them, its answer at that time</text></svg></figure>"
    )
