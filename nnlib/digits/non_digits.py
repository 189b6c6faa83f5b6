"""What is no digit, to learn from: letters, several digits in one, parts of digits, strokes without a meaning.

All come as a drawing would, in strokes as wide as MNIST's, scaled and centred. Letters, and some digits, are those
of 78 fonts, half of them handwriting (`data/glyphs.npz`), each slanted, turned and stretched; other digits are MNIST's,
or written stroke by stroke (`hands.py`).
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import scipy
from PIL import Image, ImageDraw

from nnlib.digits.cutting import LETTER, OTHER, PART, ROW_HEIGHT_PX, SEVERAL, seams
from nnlib.digits.drawing import as_mnist, inked_box
from nnlib.digits.hands import draw_strokes
from nnlib.digits.mnist import N_CLASSES, N_PIXELS, PACKAGED, SIDE, Digits

SHARES = {  # of all that is drawn
    "digit": 0.13,
    "written digit": 0.13,
    "digit of a font": 0.04,
    "letter": 0.22,
    "several": 0.2,
    "digit and a part": 0.08,
    "part": 0.12,
    "cut": 0.12,
    "other": 0.14,
}
LIKE_DIGITS = "BDGQSZbgqsz"  # letters that may be digits in another hand
LIKE_DIGITS_SHARE = 0.7  # as often as the others they come
FONT_SHARE, WRITTEN_SHARE = 0.12, 0.4  # of the digits of which others are made
WRITTEN_STRETCH = 0.4  # at most, of a digit that is written stroke by stroke: some 0s lie
STRETCH, SLANT, TURN_DEGREES = 0.25, (-0.2, 0.4), 10.0  # of what a font has: at most, to either side or from and to
TIGHT_SHARE = 0.6  # of neighbours that touch or nearly do
MOST_CUTS, CUTS_APART = 10, 0.08  # the second on average, in terms of the height
WHOLE_FROM, PART_BELOW = 0.82, 0.5  # of the ink of a digit and of what was cut, that both have: between, nobody knows
SEVERAL_FROM = 0.3  # of each of two digits, in what is several

SHEET_PX = 160  # strokes without a meaning are drawn on a sheet of this side

Strokes = list[np.ndarray]  # each (n, 2): x before y, in pixels of the sheet


def draw_kinds(digits: Digits, n: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """`n` drawings, (n, 784) uint8, and their kinds (n,): a digit, or LETTER, SEVERAL, PART or OTHER."""
    images, kinds = np.empty((n, N_PIXELS), np.uint8), np.empty(n, np.int64)
    drawers, shares = list(SHARES), np.array(list(SHARES.values()))
    shares /= shares.sum()
    for index in range(n):
        ink = None
        while ink is None or not (ink >= 0.5).any():
            drawer = drawers[generator.choice(len(drawers), p=shares)]
            ink, kinds[index] = _DRAW[drawer](digits, generator)
        images[index] = np.rint(as_mnist(_cropped(ink)) * 255)
    return images, kinds


@lru_cache(maxsize=1)
def _glyphs() -> tuple[np.ndarray, np.ndarray]:
    """Pictures of signs, (n, side, side) float32, and which each is, (n,)."""
    with np.load(PACKAGED / "glyphs.npz", allow_pickle=False) as file:
        pictures, letters = np.unpackbits(file["pictures"], axis=1), file["letters"]
    side = math.isqrt(pictures.shape[1])
    return pictures.reshape(-1, side, side).astype(np.float32), letters


@lru_cache(maxsize=2)
def _places(of_digits: bool) -> np.ndarray:
    """Where the digits are among them, or all others."""
    return np.flatnonzero(np.isin(_glyphs()[1], list("0123456789"), invert=not of_digits))


def _glyph(of_digits: bool, generator: np.random.Generator) -> tuple[np.ndarray, str]:
    """A digit of some font, or another sign."""
    pictures, letters = _glyphs()
    index = int(generator.choice(_places(of_digits)))
    return _in_another_hand(pictures[index], generator), str(letters[index])


def _in_another_hand(ink: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The ink slanted, turned and stretched a little, at twice the size."""
    turn = math.radians(generator.uniform(-TURN_DEGREES, TURN_DEGREES))
    wider, slant = math.exp(generator.uniform(-STRETCH, STRETCH)), generator.uniform(*SLANT)
    cosine, sine = math.cos(turn), math.sin(turn)
    # from the new picture's rows and columns to the old one's
    back = np.array([[cosine, sine], [slant * cosine - sine, cosine + slant * sine]]) / [[2], [2 * wider]]
    side = 4 * max(ink.shape)
    offset = np.array(ink.shape) / 2 - back @ [side / 2, side / 2]
    return _cropped(scipy.ndimage.affine_transform(ink, back, offset, (side, side), order=1))


def _digit(digits: Digits, generator: np.random.Generator) -> tuple[np.ndarray, int]:
    """A digit of MNIST, large enough to be cut."""
    index = int(generator.integers(len(digits)))
    large = Image.fromarray(digits.images[index].reshape(SIDE, SIDE)).resize(
        (4 * SIDE, 4 * SIDE), Image.Resampling.BICUBIC
    )
    return _cropped(np.asarray(large).clip(0, 1)), int(digits.labels[index])


def _written(digits: Digits, generator: np.random.Generator) -> tuple[np.ndarray, int]:
    """A digit written stroke by stroke."""
    digit = int(generator.integers(N_CLASSES))
    wider = math.exp(generator.uniform(-WRITTEN_STRETCH, WRITTEN_STRETCH))
    strokes = [stroke * (wider, 1) for stroke in draw_strokes(digit, generator)]
    spots = np.concatenate(strokes)
    low, high = spots.min(axis=0), spots.max(axis=0)
    width = generator.uniform(4, 22)
    scale = (SHEET_PX - width - 4) / (high - low).max()
    sheet = Image.new("L", (SHEET_PX, SHEET_PX))
    for stroke in strokes:
        _draw(sheet, (stroke - (low + high) / 2) * scale + SHEET_PX / 2, width)
    return _cropped(np.asarray(sheet, np.float32) / 255), digit


def _draw(sheet: Image.Image, stroke: np.ndarray, width: float) -> None:
    """Draw with a round pen of this width through the points (n, 2)."""
    pen = ImageDraw.Draw(sheet)
    spots = [(float(x), float(y)) for x, y in stroke]
    pen.line(spots, fill=255, width=round(width), joint="curve")
    for x, y in spots:
        pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)


def _any_digit(digits: Digits, generator: np.random.Generator) -> np.ndarray:
    return _any_labelled_digit(digits, generator)[0]


def _any_labelled_digit(digits: Digits, generator: np.random.Generator) -> tuple[np.ndarray, int]:
    chance = generator.random()
    if chance < FONT_SHARE:
        return _font_digit(digits, generator)
    return (_written if chance < FONT_SHARE + WRITTEN_SHARE else _digit)(digits, generator)


def _font_digit(digits: Digits, generator: np.random.Generator) -> tuple[np.ndarray, int]:
    ink, letter = _glyph(True, generator)
    return ink, int(letter)


def _letter(digits: Digits, generator: np.random.Generator) -> tuple[np.ndarray | None, int]:
    ink, letter = _glyph(False, generator)
    return None if letter in LIKE_DIGITS and generator.random() > LIKE_DIGITS_SHARE else ink, LETTER


def _several(digits: Digits, generator: np.random.Generator) -> tuple[np.ndarray, int]:
    count = int(generator.choice([2, 3, 4, 5], p=[0.72, 0.18, 0.06, 0.04]))
    return _side_by_side([_any_digit(digits, generator) for _ in range(count)], generator)[0], SEVERAL


def _digit_and_part(digits: Digits, generator: np.random.Generator) -> tuple[np.ndarray | None, int]:
    whole, part = _any_digit(digits, generator), _part_of(_any_digit(digits, generator), generator)
    if part is None:
        return None, SEVERAL
    return _side_by_side([whole, part] if generator.random() < 0.5 else [part, whole], generator)[0], SEVERAL


def _part(digits: Digits, generator: np.random.Generator) -> tuple[np.ndarray | None, int]:
    return _part_of(_any_digit(digits, generator), generator), PART


def _part_of(ink: np.ndarray, generator: np.random.Generator) -> np.ndarray | None:
    """A digit without some of it; None where what is left is as good as whole, or an upright stroke, which is a 1."""
    height, width = ink.shape
    if width < 0.4 * height:
        return None
    rows, columns = np.mgrid[:height, :width]
    if generator.random() < 0.6:
        ink = _scaled(ink, ROW_HEIGHT_PX)
        kept = _between_cuts(ink, generator)
    elif generator.random() < 0.8:
        line = generator.uniform(0.2, 0.8) * width + generator.uniform(-0.35, 0.35) * (rows - height / 2)
        kept = ink * ((columns < line) if generator.random() < 0.5 else (columns >= line))
    else:
        line = generator.uniform(0.25, 0.75) * height + generator.uniform(-0.3, 0.3) * (columns - width / 2)
        kept = ink * ((rows < line) if generator.random() < 0.5 else (rows >= line))
    if not 0.15 < kept.sum() / ink.sum() < 0.58:
        return None
    kept = _cropped(kept)
    return kept if kept.shape[1] >= 0.4 * kept.shape[0] else None


def _cut(digits: Digits, generator: np.random.Generator) -> tuple[np.ndarray | None, int]:
    """What the cuts through two digits that touch make of them: one of the two, nearly, or something else."""
    first, second = _any_labelled_digit(digits, generator), _any_labelled_digit(digits, generator)
    sheet, each_alone = _side_by_side([first[0], second[0]], generator, 1.0)
    labels, _ = scipy.ndimage.label(sheet >= 0.5, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())[1:]
    blot = sheet * (labels == 1 + sizes.argmax()) if len(sizes) else sheet
    box = _box(blot)
    kept = _between_cuts(_scaled(blot[box], ROW_HEIGHT_PX), generator)
    own = kept >= 0.5
    shares = []
    for (_, label), alone in zip((first, second), each_alone, strict=True):
        whole = _scaled(alone[box], ROW_HEIGHT_PX) >= 0.5
        in_both = float(np.sum(own & whole))
        likeness = in_both / max(1.0, float(np.sum(own | whole)))
        if likeness >= WHOLE_FROM:
            return kept, label
        if likeness >= PART_BELOW:
            return None, PART
        shares.append(in_both / max(1.0, float(whole.sum())))
    kept = _cropped(kept)
    if kept.shape[1] < 0.4 * kept.shape[0]:  # it may be a 1
        return None, PART
    return kept, SEVERAL if min(shares) >= SEVERAL_FROM else PART


def _between_cuts(ink: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """What is between two of the ways to cut it, or between one and its edge."""
    height, width = ink.shape
    cuts: list[np.ndarray] = []
    for seam, _ in sorted(seams(ink >= 0.5), key=lambda each: each[1]):
        # what lacks next to nothing is as good as whole, and most is such where cuts are close
        if len(cuts) < MOST_CUTS and all(np.abs(seam - other).mean() >= CUTS_APART * height for other in cuts):
            cuts.append(seam)
    cuts.sort(key=lambda seam: float(seam.mean()))
    borders = [np.zeros(height, int), *cuts, np.full(height, width)]
    start = int(generator.integers(len(borders) - 1))
    stop = int(generator.integers(start + 1, len(borders)))
    columns = np.arange(width)
    return ink * ((columns >= borders[start][:, None]) & (columns < borders[stop][:, None]))


def _side_by_side(
    parts: list[np.ndarray], generator: np.random.Generator, tight_share: float = TIGHT_SHARE
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Ink beside ink, of about the same height, as near as people write, or nearer; together, and each alone."""
    unit = 72
    sheet = np.zeros((3 * unit, unit * (2 * len(parts) + 3)), np.float32)
    alone = []
    for index, part in enumerate(parts):
        height = round(unit * generator.uniform(0.75, 1.15))
        part = _scaled(part, height)[:, : 2 * unit]
        top = round(1.5 * unit - height / 2 + unit * generator.uniform(-0.12, 0.12))
        left = unit // 2
        if index:
            gap = generator.uniform(-0.1, 0.08) if generator.random() < tight_share else generator.uniform(0, 0.4)
            left = max(0, _nearest(sheet, part, top) + round(gap * unit))
        own = np.zeros_like(sheet)
        there = own[top : top + part.shape[0], left : left + part.shape[1]]
        there[:] = part[:, : there.shape[1]]
        np.maximum(sheet, own, out=sheet)
        alone.append(own)
    return sheet, alone


def _nearest(sheet: np.ndarray, part: np.ndarray, top: int) -> int:
    """The column for the part's left side, where its ink touches the sheet's."""
    inked, own = sheet >= 0.5, part >= 0.5
    ends = np.where(inked.any(1), inked.shape[1] - inked[:, ::-1].argmax(1), -1)
    starts = np.full(len(sheet), part.shape[1] * 2)
    starts[top : top + len(part)] = np.where(own.any(1), own.argmax(1), part.shape[1] * 2)
    ends, starts = scipy.ndimage.maximum_filter1d(ends, 9), scipy.ndimage.minimum_filter1d(starts, 9)
    facing = (ends >= 0) & (starts < part.shape[1] * 2)
    return int((ends - starts)[facing].max()) if facing.any() else int(ends.max())


def _other(digits: Digits, generator: np.random.Generator) -> tuple[np.ndarray, int]:
    """Strokes without a meaning, or a filled shape."""
    width = float(generator.uniform(3, 18))
    kind = generator.choice(list(_OTHERS))
    sheet = Image.new("L", (SHEET_PX, SHEET_PX))
    for stroke in _OTHERS[kind](generator):
        if kind == "filled":
            ImageDraw.Draw(sheet).polygon([(float(x), float(y)) for x, y in stroke], fill=255)
        else:
            _draw(sheet, stroke, width)
    return np.asarray(sheet, np.float32) / 255, OTHER


def _wandering(generator: np.random.Generator, n_points: int) -> np.ndarray:
    """A smooth way through random places."""
    places = generator.uniform(15, SHEET_PX - 15, (n_points, 2))
    if n_points < 3:
        return places
    steps = np.linspace(0, n_points - 1, 8 * n_points)
    return np.clip(scipy.interpolate.CubicSpline(np.arange(n_points), places)(steps), 5, SHEET_PX - 5)


def _scribble(generator: np.random.Generator) -> Strokes:
    return [_wandering(generator, int(generator.integers(4, 25)))]


def _roaming(generator: np.random.Generator) -> Strokes:
    """A pen that turns as it likes, and comes back when it is far away."""
    strokes = []
    for _ in range(generator.integers(1, 4)):
        turning = np.cumsum(
            scipy.ndimage.gaussian_filter1d(generator.normal(0, 1, int(generator.integers(30, 130))), 2)
        )
        turning = generator.uniform(0.3, 1.6) * turning + generator.uniform(0, 6)
        way = np.cumsum(np.stack([np.cos(turning), np.sin(turning)], 1), axis=0) * generator.uniform(2, 6)
        way += generator.uniform(0.25, 0.75, 2) * SHEET_PX
        strokes.append(10 + np.abs((way - 10) % (2 * SHEET_PX - 40) - (SHEET_PX - 20)))
    return strokes


def _some_strokes(generator: np.random.Generator) -> Strokes:
    return [_wandering(generator, int(generator.integers(2, 5))) for _ in range(generator.integers(2, 6))]


def _flat_stroke(generator: np.random.Generator) -> Strokes:
    """A line that lies, bent a little: upright, it would be a 1."""
    along = np.linspace(-1, 1, 20)
    bend = generator.uniform(-0.25, 0.25) * along**2
    return [_turned(np.stack([along, bend], 1), math.radians(generator.uniform(-35, 35)), generator.uniform(30, 70))]


def _wave(generator: np.random.Generator) -> Strokes:
    along = np.linspace(-1, 1, 40)
    swing = generator.uniform(0.1, 0.7) * np.sin(along * generator.integers(2, 7) * 1.6 + generator.uniform(0, 6))
    return [_turned(np.stack([along, swing], 1), generator.uniform(0, math.pi), 60)]


def _spiral(generator: np.random.Generator) -> Strokes:
    turn = np.linspace(0, generator.uniform(3, 9) * math.pi, 80)
    radius = turn / turn[-1]
    turn = turn * generator.choice([-1, 1]) + generator.uniform(0, 6)
    return [_turned(np.stack([radius * np.cos(turn), radius * np.sin(turn)], 1), 0, 65)]


def _corners(generator: np.random.Generator) -> np.ndarray:
    """A polygon, a star or a rectangle."""
    if generator.random() < 0.3:
        x, y = generator.uniform(0.3, 1, 2)
        return _turned(np.array([[-x, -y], [x, -y], [x, y], [-x, y]]), 0, 60)
    n = int(generator.integers(3, 9))
    turn, radius = np.linspace(0, 2 * math.pi, n, endpoint=False) + generator.uniform(0, 6), np.ones(n)
    if n > 6 or (n > 4 and generator.random() < 0.6):  # many corners of the same distance would be a 0
        radius[::2] = generator.uniform(0.3, 0.6)
    return _turned(np.stack([radius * np.cos(turn), generator.uniform(0.6, 1) * radius * np.sin(turn)], 1), 0, 60)


def _outline(generator: np.random.Generator) -> Strokes:
    corners = _corners(generator)
    inside = [_wandering(generator, int(generator.integers(2, 4)))] if generator.random() < 0.35 else []
    return [np.concatenate([corners, corners[:1]]), *inside]


def _filled(generator: np.random.Generator) -> Strokes:
    if generator.random() < 0.5:
        return [_corners(generator)]
    turn = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    radius = 1 + generator.uniform(0, 0.25) * np.sin(turn * generator.integers(2, 5) + generator.uniform(0, 6))
    blob = np.stack([radius * np.cos(turn), generator.uniform(0.5, 1) * radius * np.sin(turn)], 1)
    return [_turned(blob, generator.uniform(0, math.pi), 50)]


def _hatching(generator: np.random.Generator) -> Strokes:
    strokes, angle = [], generator.uniform(0, math.pi)
    for turned in (angle, angle + generator.uniform(0.6, 1.6)):
        count = int(generator.integers(1, 4))
        for offset in (np.arange(count) - (count - 1) / 2) * generator.uniform(0.3, 0.7):
            strokes.append(_turned(np.array([[-1, offset], [1, offset]]), turned, 60))
    return strokes


def _bow(generator: np.random.Generator) -> Strokes:
    turn = generator.uniform(0, 2 * math.pi) + np.linspace(0, generator.uniform(1.8, 4.6), 40)
    return [_turned(np.stack([np.cos(turn), generator.uniform(0.5, 1) * np.sin(turn)], 1), 0, 60)]


def _dots(generator: np.random.Generator) -> Strokes:
    places = generator.uniform(20, SHEET_PX - 20, (generator.integers(2, 7), 1, 2))
    return list(places + generator.uniform(-1, 1, (len(places), 2, 2)))


def _turned(points: np.ndarray, angle: float, size: float) -> np.ndarray:
    """Points around 0 on the middle of the sheet, turned by an angle in radians."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return points @ np.array([[cosine, sine], [-sine, cosine]]) * size + SHEET_PX / 2


def _cropped(ink: np.ndarray) -> np.ndarray:
    return ink[_box(ink)]


def _box(ink: np.ndarray) -> tuple[slice, slice]:
    """Where there is ink; all of it where there is none."""
    return inked_box(ink) or (slice(None), slice(None))


def _scaled(ink: np.ndarray, height: int) -> np.ndarray:
    width = max(1, round(ink.shape[1] * height / ink.shape[0]))
    return np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR))


Draw = Callable[[Digits, np.random.Generator], tuple[np.ndarray | None, int]]
_DRAW: dict[str, Draw] = {
    "digit": _digit,
    "written digit": _written,
    "digit of a font": _font_digit,
    "letter": _letter,
    "several": _several,
    "digit and a part": _digit_and_part,
    "part": _part,
    "cut": _cut,
    "other": _other,
}
_OTHERS: dict[str, Callable[[np.random.Generator], Strokes]] = {
    "scribble": _scribble,
    "roaming": _roaming,
    "strokes": _some_strokes,
    "line": _flat_stroke,
    "wave": _wave,
    "spiral": _spiral,
    "outline": _outline,
    "filled": _filled,
    "hatching": _hatching,
    "bow": _bow,
    "dots": _dots,
}
