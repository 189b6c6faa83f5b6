"""What people draw that is no digit: scribbles, letters, filled shapes, single strokes.

    for canvas, kind in iter_non_digits():
        ...

They are made otherwise than those that the package learned from (`nnlib/digits/non_digits.py`), and their letters
are of fonts that it never met: see `data/letters/README.md`.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

LETTERS = Path(__file__).parent / "data" / "letters" / "letters.npz"
SIDE_PX = 280
SUPERSAMPLE = 3
LIKE_A_DIGIT = "OoIl"  # these are the very strokes of a 0 or a 1, and nobody could tell

Points = np.ndarray  # (n, 2), x before y, in shares of the canvas


def scribble(generator: np.random.Generator) -> list[Points]:
    """A pen that runs about without aim, now and then lifted."""
    strokes = []
    for _ in range(int(generator.integers(1, 4))):
        n_points = int(generator.integers(40, 160))
        turning = np.cumsum(generator.normal(0, generator.uniform(0.15, 0.7), n_points)) + generator.uniform(0, 6.3)
        steps = generator.uniform(0.01, 0.03) * np.stack([np.cos(turning), np.sin(turning)], axis=1)
        strokes.append(np.abs(np.cumsum(steps, axis=0) + generator.uniform(0.3, 0.7, 2)) % 1.0)
    return [part for stroke in strokes for part in _where_it_jumps(stroke)]


def single_stroke(generator: np.random.Generator) -> list[Points]:
    """A line that is no 1, since it lies, or a bow, a hook or a wave."""
    along = np.linspace(-0.5, 0.5, 40)
    bend = {
        "line": np.zeros(40),
        "bow": 2 * generator.uniform(0.15, 0.4) * (along**2 - 0.125),
        "wave": generator.uniform(0.05, 0.15) * np.sin(along * generator.uniform(9, 20)),
    }[str(generator.choice(["line", "bow", "wave"]))]
    return [_turned(np.stack([along, bend], axis=1), generator.uniform(-40, 40), generator.uniform(0.3, 0.8))]


def shape(generator: np.random.Generator) -> list[Points]:
    """The rim of a shape to be filled: an ellipse, a polygon, a star or a heart."""
    turn = np.linspace(0, 2 * math.pi, 120, endpoint=False)
    corners = int(generator.integers(3, 7))
    radius, x = np.ones(120), np.cos(turn)
    kind = generator.choice(["ellipse", "polygon", "star", "heart"])
    if kind == "polygon":
        radius = np.cos(math.pi / corners) / np.cos(turn % (2 * math.pi / corners) - math.pi / corners)
    if kind == "star":
        radius = 0.65 + 0.35 * np.cos(turn * corners)
    points = np.stack([radius * x, radius * np.sin(turn) * generator.uniform(0.55, 1)], axis=1)
    if kind == "heart":
        points = (
            np.stack([16 * np.sin(turn) ** 3, 5 * np.cos(2 * turn) + 2 * np.cos(3 * turn) - 13 * np.cos(turn)], 1) / 17
        )
    return [_turned(points, generator.uniform(-30, 30), generator.uniform(0.15, 0.4))]


def iter_non_digits(n: int = 400, seed: int = 0) -> Iterator[tuple[np.ndarray, str]]:
    """`n` canvases of each kind, (280, 280, 4) uint8 white on black, and the kind of each."""
    generator = np.random.default_rng(seed)
    drawers: dict[str, tuple[Callable[[np.random.Generator], list[Points]], bool]] = {
        "scribble": (scribble, False),
        "single stroke": (single_stroke, False),
        "filled shape": (shape, True),
    }
    for kind, (draw, filled) in drawers.items():
        for _ in range(n):
            yield _on_canvas(draw(generator), filled, generator), kind
    letters = list(iter_letters())
    for index in generator.choice(len(letters), min(n * 3, len(letters)), replace=False):
        canvas, letter = letters[index]
        yield canvas, "capital letter" if letter.isupper() else "small letter"


def iter_letters() -> Iterator[tuple[np.ndarray, str]]:
    """Letters of fonts, (280, 280, 4) uint8 white on black, and which each is; none that is a digit's twin."""
    with np.load(LETTERS, allow_pickle=False) as file:
        pictures, letters = np.unpackbits(file["pictures"], axis=1), file["letters"]
    side = math.isqrt(pictures.shape[1])
    for picture, letter in zip(pictures.reshape(-1, side, side), letters, strict=True):
        if str(letter) not in LIKE_A_DIGIT:
            canvas = Image.new("L", (SIDE_PX, SIDE_PX))
            canvas.paste(Image.fromarray(picture * 255).resize((180, 180), Image.Resampling.BICUBIC), (50, 50))
            yield np.asarray(canvas.convert("RGBA")), str(letter)


def _turned(points: Points, degrees: float, size: float) -> Points:
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return points @ turn * size + 0.5


def _where_it_jumps(stroke: Points) -> list[Points]:
    jumps = np.flatnonzero(np.abs(np.diff(stroke, axis=0)).max(axis=1) > 0.5) + 1
    return [part for part in np.split(stroke, jumps) if len(part) > 1]


def _on_canvas(strokes: list[Points], filled: bool, generator: np.random.Generator) -> np.ndarray:
    side = SIDE_PX * SUPERSAMPLE
    canvas = Image.new("L", (side, side))
    pen, width = ImageDraw.Draw(canvas), float(generator.uniform(8, 26)) * SUPERSAMPLE
    for stroke in strokes:
        spots = [(x, y) for x, y in np.clip(stroke * 0.8 + 0.1, 0.05, 0.95) * side]
        if filled:
            pen.polygon(spots, fill=255)
            continue
        pen.line(spots, fill=255, width=round(width), joint="curve")
        for x, y in spots:
            pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
    return np.asarray(canvas.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX).convert("RGBA"))
