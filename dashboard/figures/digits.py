"""The digits themselves: how many there are, how dark they are, and one of them pixel by pixel."""

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from dashboard import images
from dashboard.figures.cells import cells
from dashboard.figures.style import BLUE, ORANGE, PLAIN, blank, linear_axis, log_axis
from nnlib.digits import N_PIXELS, NUMBERS, SIDE

CAPTION_PX = 11  # rows below a digit of a sheet, of its own pixels


def class_counts(training: np.ndarray, test: np.ndarray, names: Sequence[str] = NUMBERS) -> go.Figure:
    """How many examples of each digit there are, or of each class of other `names`: (10,) counts each."""
    what = "digit" if names == NUMBERS else "class"
    figure = blank(f"How many examples there are of each {what}", what, "examples")
    figure.add_bar(x=list(names), y=training, name="to learn from", marker_color=BLUE)
    figure.add_bar(x=list(names), y=test, name="to test with", marker_color=ORANGE, marker_pattern_shape="/")
    figure.update_xaxes(type="category", tickangle=0 if names == NUMBERS else -90)
    figure.update_yaxes(**linear_axis([*training, *test]))
    return figure


def pixel_values(counts: np.ndarray, edges: np.ndarray) -> go.Figure:
    """The share of pixels with each value: (n,) counts between (n + 1,) edges."""
    figure = blank("How dark the pixels are", "pixel value (0 paper, 1 ink)", "share of all pixels (%, log scale)")
    shares = 100 * counts / counts.sum()
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=shares,
        width=np.diff(edges) * 0.9,
        marker_color=BLUE,
        hovertemplate=f"around %{{x:.2f}}: %{{y:{PLAIN}}} %<extra></extra>",
    )
    figure.update_yaxes(**log_axis(shares))
    figure.update_layout(hovermode="closest")
    return figure


def ink(digits: np.ndarray, columns: int = 1) -> str:
    """A digit, (784,), or several, (n, 784), in rows, as HTML: ink on paper, or chalk on slate, as the theme is."""
    digits = digits.reshape(-1, N_PIXELS)
    rows, tile = -(-len(digits) // columns), SIDE + images.GAP
    shape = (columns * tile - images.GAP) / (rows * tile - images.GAP)
    source = images.uri(images.digit_sheet(digits, columns))
    return f'<div class="paper" style="--shape: {shape:.4f}"><div class="ink" style="--ink: url({source})"></div></div>'


def pixel_cells(values: Sequence[str], picture: str) -> str:
    """A value for each of the 784 pixels of a picture as large as its place, as HTML."""
    return cells(SIDE, SIDE, values, below=picture, each="row {row}, column {column}: {says}")


def pixels(image: np.ndarray, title: str) -> str:
    """One digit, (784,), as HTML: large, with the value of each pixel under the pointer."""
    values = pixel_cells([f"{value:.2f}" for value in image], ink(image))
    ticks = "".join(f'<span style="--at: {at / SIDE:.4f}">{at}</span>' for at in range(0, SIDE, 5))
    return (
        f'<figure class="pixels"><figcaption>{escape(title)}</figcaption><em>row (pixels)</em>'
        f'<div class="ticks">{ticks}</div><div class="field">{values}</div>'
        f'<div class="ticks">{ticks}</div><em>column (pixels)</em></figure>'
    )


def sheet(digits: np.ndarray, columns: int, captions: Sequence[str], says: Sequence[str], chosen: int | None) -> str:
    """Any number of digits, (n, 784), as one picture in rows of `columns`, as HTML: a caption below each, and words for
    the pointer. The one at the place `chosen` has a frame."""
    rows, tile = -(-len(digits) // columns), SIDE + images.GAP
    source = images.uri(images.digit_sheet(digits, columns, CAPTION_PX))
    # the last tiles have no gap after them
    wide, high = (1 - images.GAP / side for side in (columns * tile, rows * (tile + CAPTION_PX)))
    words = "".join(f"<span>{escape(caption)}</span>" for caption in captions)
    below = (
        f'<div class="sheet" style="--columns: {columns}; --wide: {wide:.5f}; --high: {high:.5f}">'
        f'<div class="paper"><div class="ink" style="--ink: url({source})"></div></div>{words}</div>'
    )
    grid = cells(columns, rows, says, chosen, below, tall=(tile + CAPTION_PX) / tile)
    return f'<div class="scroll" tabindex="0">{grid}</div>'


def gallery(
    captions: Sequence[Sequence[str]], pictures: np.ndarray, chosen: int | None = None, word: str = "Look closer"
) -> str:
    """Digits, (n, 784), side by side, as HTML, with lines of text below each; the one that is `chosen` has a frame.

    `word` says what a click does.
    """
    parts = "".join(
        f'<figure data-number="{number}" data-word="{escape(word)}"{" class=chosen" if number == chosen else ""}>'
        f"{ink(pixels)}"
        f"<figcaption>{'<br>'.join(map(escape, lines))}</figcaption></figure>"
        for number, (lines, pixels) in enumerate(zip(captions, pictures, strict=True))
    )
    return f'<div class="gallery">{parts}</div>'
