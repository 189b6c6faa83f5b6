"""Cells on a picture or a table: each says something when it is pointed at, and some can be chosen.

Like all that is drawn as HTML, they are shown by `dashboard.parts.picture`: a chart of plotly's takes ten
times as long to be there.
"""

import math
from collections.abc import Sequence
from functools import cache
from html import escape


@cache
def grid_shape(n: int) -> tuple[int, int]:
    """Columns and rows for n pictures: a little wider than high, as a screen below a title, and few places empty."""

    def rows(columns: int) -> int:
        return -(-n // columns)

    def flaws(columns: int) -> float:
        return abs(math.log(columns / rows(columns) / 1.4)) + columns * rows(columns) / n

    best = min(range(1, n + 1), key=flaws)
    return best, rows(best)


def cells(
    columns: int,
    rows: int,
    says: Sequence[str],
    chosen: int | None = None,
    below: str = "",
    each: str = "{says}",
    tall: float = 1,
) -> str:
    """HTML: a grid over what lies `below` it, row by row; the cell `chosen` gets a frame.

    What a cell says is shown beside the pointer, in the form of `each`, which may also name its {row}, {column} and
    {number}. A cell that says nothing is none, and nor are those that are missing. One is `tall` times as high as wide.
    """
    frame = ""
    if chosen is not None:
        row, column = divmod(chosen, columns)
        place = f"left: {100 * column / columns:.3f}%; top: {100 * row / rows:.3f}%; "
        frame = f'<b style="{place}width: {100 / columns:.3f}%; height: {100 / rows:.3f}%"></b>'
    return (
        f'<div class="cells" data-columns="{columns}" data-rows="{rows}" data-says="{escape("|".join(says))}" '
        f'data-each="{escape(each)}" '
        f'style="--shape: {columns / rows / tall:.4f}">{below}{frame}</div>'
    )
