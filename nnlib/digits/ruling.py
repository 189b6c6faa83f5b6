"""Printed lines: where paper is ruled or squared, and what is left of the ink without them."""

import numpy as np
import scipy

BLOCK_PX = 8  # pixels along a line are taken together
# degrees: how slanted a page may lie, and how far its lines differ in perspective
STEEPEST, STEP, SPREAD = 8.0, 0.5, 2.0
N_PARTS = 6  # of a quarter of the picture's width; a line is as dark as most of them
FAINTEST_LINE, LINE_TO_NOISE = 0.015, 4
LEAST_SPAN = 0.75  # of the paper's width: what is shorter may be a stroke
EDGES_PX, N_SHARES = 2, 4  # how blurred a line's edges are
EDGE_PX = 1  # from what is found of a line to where what crosses it is free of it
REACH_PX = 4  # at least, by which what crosses a line aslant is further aside at its edge than at its middle


def find_ruling(darkness: np.ndarray, paper: np.ndarray) -> np.ndarray | None:
    """How dark the lines from left to right are, (h, w) float32, 0 beside them; None where there are none.

    `darkness` is (h, w), a share of the paper's light; `paper`, (h, w) bool, is where the paper lies. Along a line the
    darkness is taken in parts, and as dark as four of six of them is the line: digits are too short for that.
    """
    height, width = darkness.shape
    n_blocks = width // BLOCK_PX
    if n_blocks < 2 * N_PARTS:
        return None
    blocks = darkness[:, : n_blocks * BLOCK_PX].reshape(height, n_blocks, BLOCK_PX).mean(axis=2)
    thin = blocks - scipy.ndimage.uniform_filter1d(blocks, 2 * BLOCK_PX - 1, axis=0)
    lines = np.full_like(thin, -np.inf)
    slant = _slant(thin)
    for degrees in np.arange(slant - SPREAD, slant + SPREAD, STEP * 2 / 3):
        lines = np.maximum(lines, _sheared(_along(_sheared(thin, degrees)), -degrees))
    noise = 1.5 * np.median(np.abs(lines - np.median(lines)))
    found = lines > max(FAINTEST_LINE, LINE_TO_NOISE * noise)
    # a shadow's edge may part a line
    labels, count = scipy.ndimage.label(scipy.ndimage.binary_dilation(found, np.ones((3, 9))), np.ones((3, 3)))
    least = LEAST_SPAN * paper.any(axis=0).sum() / BLOCK_PX
    long = np.zeros(count + 1, bool)
    long[1:] = [x.stop - x.start >= least for _, x in scipy.ndimage.find_objects(labels)]
    found &= long[labels]
    if not found.any():
        return None
    # the mean around a thick line is dark by the line's own share, and so the line and its edges are underrated
    around = scipy.ndimage.maximum_filter1d(found, 2 * EDGES_PX + 1, axis=0)
    whole = np.where(around, lines, 0).clip(0)
    for _ in range(N_SHARES):
        whole = np.where(around, lines + scipy.ndimage.uniform_filter1d(whole, 2 * BLOCK_PX - 1, axis=0), 0).clip(0)
    whole[whole < FAINTEST_LINE] = 0
    full = np.repeat(whole, BLOCK_PX, axis=1)
    full = np.pad(full, ((0, 0), (0, width - full.shape[1])), mode="edge")
    return scipy.ndimage.uniform_filter1d(full, BLOCK_PX, axis=1)


def without_rulings(darkness: np.ndarray, level: np.ndarray | None, upright: np.ndarray | None) -> np.ndarray:
    """The darkness that is left, (h, w), where rulings from left to right and from top to bottom are taken away.

    On a line only that stays which goes on at both sides of it, or which is darker than the line alone.
    """
    on_level, on_upright = (_on_lines(each, darkness.shape, axis) for axis, each in enumerate((level, upright)))
    crossing = on_level & on_upright
    beside = np.where(on_level | on_upright, 0, darkness)
    bridges = [_bridged(beside, on_level), _bridged(beside.T, on_upright.T).T]
    rest = darkness.copy()
    for axis, (ruling, on_line, bridge) in enumerate(
        zip((level, upright), (on_level, on_upright), bridges, strict=True)
    ):
        if ruling is not None:
            darker = darkness - 1.5 * scipy.ndimage.maximum_filter1d(ruling, 3, axis=axis)
            rest = np.where(on_line & ~crossing, np.maximum(np.minimum(bridge, darkness), darker), rest)
    if crossing.any():
        # where two lines cross, what is left of each of them says what goes on
        beside = np.where(crossing, 0, rest)
        bridge = np.maximum(_bridged(beside, crossing), _bridged(beside.T, crossing.T).T)
        rest = np.where(crossing, np.minimum(bridge, darkness), rest)
    return rest


def _on_lines(ruling: np.ndarray | None, shape: tuple[int, ...], axis: int) -> np.ndarray:
    if ruling is None:
        return np.zeros(shape, bool)
    return np.asarray(scipy.ndimage.maximum_filter1d(ruling > 0, 2 * EDGE_PX + 1, axis=axis))


def _bridged(beside: np.ndarray, on_line: np.ndarray) -> np.ndarray:
    """What goes on above and below each place on lines from left to right, (h, w): straight across or aslant."""
    if not on_line.any():
        return np.zeros_like(beside)
    rows = np.arange(len(beside), dtype=np.intp)[:, np.newaxis]
    last = len(beside) - 1
    upper = np.maximum.accumulate(np.where(on_line, 0, rows), axis=0)
    lower = np.minimum.accumulate(np.where(on_line, last, rows)[::-1], axis=0)[::-1]
    dark = scipy.ndimage.maximum_filter(beside, (1, 3))
    above = np.take_along_axis(dark, (upper - 1).clip(0), axis=0)
    below = np.take_along_axis(dark, (lower + 1).clip(None, last), axis=0)
    bridge = np.zeros_like(beside)
    n_crossed = np.count_nonzero(np.diff(on_line.astype(np.int8), axis=0, prepend=0) > 0)
    reach_px = max(REACH_PX, round(on_line.sum() / max(n_crossed, 1) / 2) + 1)
    for aside in range(-reach_px, reach_px + 1):
        bridge = np.maximum(bridge, np.minimum(np.roll(above, aside, axis=1), np.roll(below, -aside, axis=1)))
    return bridge


def _slant(thin: np.ndarray) -> float:
    """By how many degrees most of the lines fall to the right."""

    def sharpness(degrees: float) -> float:
        thirds = np.array_split(_sheared(thin, degrees), 3, axis=1)
        profile = np.median([third.mean(axis=1) for third in thirds], axis=0)
        return float(np.sum(profile.clip(0) ** 2))

    return float(max(np.arange(-STEEPEST, STEEPEST + STEP, STEP), key=sharpness))


def _sheared(blocks: np.ndarray, degrees: float) -> np.ndarray:
    """Columns of blocks, (h, n), moved so that lines that fall by so many degrees become level."""
    height, n_blocks = blocks.shape
    offset = np.tan(np.radians(degrees)) * BLOCK_PX * (np.arange(n_blocks) - n_blocks / 2)
    whole = np.floor(offset).astype(int)
    part = (offset - whole).astype(np.float32)
    rows = np.arange(height)[:, np.newaxis] + whole
    here, next_row = (np.take_along_axis(blocks, each.clip(0, height - 1), axis=0) for each in (rows, rows + 1))
    return here * (1 - part) + next_row * part


def _along(level: np.ndarray) -> np.ndarray:
    """How dark a level line is at each place, (h, n): as at least four of the six parts around it."""
    n_blocks = level.shape[1]
    length = max(1, n_blocks // 4 // N_PARTS)
    means = scipy.ndimage.uniform_filter1d(level, length, axis=1)
    last = n_blocks - 1
    shifts = [round((part - (N_PARTS - 1) / 2) * length) for part in range(N_PARTS)]
    # mirrored at both ends
    parts = [means[:, last - np.abs(last - np.abs(np.arange(n_blocks) + shift))] for shift in shifts]
    return np.partition(np.stack(parts), 2, axis=0)[2]
