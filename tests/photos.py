"""Photographed paper: real pen strokes as a camera sees them on paper, with light, shadow, ruling, noise and blur.

    for picture, number, has in iter_photos(100):
        ...

`python tests/photos.py [MODEL]` says how many of them are read exactly right, in all and with each disturbance;
`--picture FILE` shows those that are not. Everything is laid out in millimetres on the paper's plane and drawn through
the camera's perspective, so that no picture is ever resampled on its way.
"""

import argparse
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

Strokes = list[np.ndarray]
Colour = tuple[float, float, float]

WHITE, CREAM, GREY = (0.93, 0.93, 0.92), (0.93, 0.9, 0.8), (0.75, 0.74, 0.71)
YELLOW, KRAFT = (0.92, 0.86, 0.55), (0.72, 0.57, 0.4)
BLACK, BLUE, RED, GREEN = (0.1, 0.1, 0.12), (0.13, 0.2, 0.6), (0.75, 0.12, 0.15), (0.1, 0.42, 0.25)


@dataclass(frozen=True)
class Pen:
    """`width` and `height` of digits in mm, from and to; `cover` of its line, 0 to 1; `grain` is how uneven that is."""

    name: str
    width: tuple[float, float]
    height: tuple[float, float]
    cover: tuple[float, float]
    grain: float
    colours: tuple[Colour, ...]


BALLPOINT = Pen("ballpoint", (0.35, 0.6), (5, 20), (0.6, 0.9), 0.25, (BLUE, BLACK, BLUE, RED))
PENCIL = Pen("pencil", (0.45, 0.9), (6, 25), (0.17, 0.32), 0.35, ((0.1, 0.1, 0.1),))
DARK_PENCIL = Pen("pencil", (0.5, 1), (6, 25), (0.3, 0.55), 0.35, ((0.1, 0.1, 0.1),))
FELT = Pen("felt pen", (0.9, 2), (10, 50), (0.85, 1), 0.05, (BLACK, BLUE, RED, GREEN))
MARKER = Pen("marker", (3, 5), (35, 120), (0.85, 1), 0.05, (BLACK, BLUE, RED, GREEN))
CHALK = Pen("chalk", (5, 9), (60, 150), (0.6, 0.95), 0.45, (WHITE, WHITE, YELLOW))
WRITING = (BALLPOINT, BALLPOINT, PENCIL, DARK_PENCIL, FELT)


@dataclass(frozen=True)
class Ruling:
    """Lines or dots, `spacing` and `width` in mm; every `bold`-th line is stronger."""

    spacing: float
    width: float
    colour: Colour
    cover: float
    upright: bool = False
    dots: bool = False
    bold: int = 0


@dataclass(frozen=True)
class Paper:
    """A kind of paper: what it is called, its colours, what is written with on it."""

    name: str
    colours: tuple[Colour, ...]
    pens: tuple[Pen, ...]
    texture: float = 0.004


PAPERS = (
    Paper("plain", (WHITE, WHITE, CREAM), WRITING),
    Paper("ruled", (WHITE, CREAM), WRITING),
    Paper("squared", (WHITE, CREAM), WRITING),
    Paper("dotted", (WHITE, CREAM), WRITING),
    Paper("legal pad", (YELLOW,), WRITING),
    Paper("recycled", (GREY,), WRITING, 0.015),
    Paper("whiteboard", (WHITE,), (MARKER,), 0.001),
    Paper("blackboard", ((0.13, 0.2, 0.16), (0.1, 0.1, 0.11)), (CHALK,), 0.015),
)
# not looked at while the search for ink was made
OTHER_PAPERS = (
    Paper("kraft", (KRAFT,), (BALLPOINT, DARK_PENCIL, FELT), 0.03),
    Paper("graph", (WHITE,), WRITING),
    Paper("music", (CREAM,), WRITING),
)
TABLES = ("dark table", "wooden table", "cloth")


@dataclass(frozen=True)
class Scene:
    """All that there is besides the digits: what lies before which camera, and in which light."""

    width: int
    height: int
    view: np.ndarray  # (3, 3), from mm on the paper to pixels
    paper: Paper
    paper_colour: Colour
    pens: tuple[tuple[Colour, float], ...]  # colour and cover of one or two
    grain: float
    pen_width: float
    digit_height: float
    place: tuple[float, float]
    rulings: tuple[Ruling, ...]
    table: str | None
    paper_box: tuple[float, float, float, float]
    light: Colour
    brightness: float
    slope: tuple[float, float]
    vignetting: float
    glare: tuple[float, float, float, float] | None  # x, y and radius as shares of the width, strength
    shadows: tuple[tuple[np.ndarray, float, float], ...]  # corners and softness as shares of the width, and how dark
    blur: float
    motion: tuple[float, float]
    noise: float
    jpeg: int | None
    has: tuple[str, ...]
    seed: int


def choose_scene(generator: np.random.Generator, n_digits: int, papers: Sequence[Paper] = PAPERS) -> Scene:
    """A scene by chance in which there is room for so many digits."""
    paper = papers[int(generator.integers(len(papers)))]
    pen = paper.pens[generator.integers(len(paper.pens))]
    has = [f"{paper.name} paper" if paper in PAPERS[:6] + OTHER_PAPERS else paper.name, pen.name]

    def happens(share: float, name: str) -> bool:
        if generator.random() >= share:
            return False
        has.append(name)
        return True

    large = generator.random()
    width = int(generator.uniform(1000, 2200) if large < 0.85 else generator.uniform(2200, 6000))
    if width > 3000:
        has.append("over 3,000 pixels")
    height = round(width * generator.choice([0.75, 0.5625, 1.333]))
    share = np.exp(generator.uniform(np.log(0.06), np.log(0.5)))  # of the picture's width that a digit is high
    share = min(share, 0.8 / n_digits, 0.6 * height / width)
    if share < 0.1:
        has.append("small digits")
    digit_height = generator.uniform(*pen.height)
    pen_width = float(np.clip(generator.uniform(*pen.width), 0.03 * digit_height, 0.16 * digit_height))
    width_mm = digit_height / share
    pen_width = max(pen_width, width_mm / width * 1.5)
    height_mm = width_mm * height / width

    angle = np.radians(generator.uniform(-5, 5))
    tilt = generator.uniform(-0.12, 0.12, 2) if happens(0.6, "perspective") else np.zeros(2)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    lean = np.array([[1, 0, 0], [0, 1, 0], [tilt[0] / width_mm, tilt[1] / width_mm, 1]])
    scale = width / width_mm
    view = np.array([[scale, 0, width / 2], [0, scale, height / 2], [0, 0, 1]]) @ lean @ turn

    room = np.maximum(0, [width_mm - n_digits * 1.05 * digit_height, height_mm - 1.3 * digit_height]) / 2
    place = tuple(generator.uniform(-0.7, 0.7, 2) * room)
    colour = pen.colours[generator.integers(len(pen.colours))]
    pens = [(colour, generator.uniform(*pen.cover))]
    if n_digits > 1 and pen is not PENCIL and happens(0.1, "two pens"):
        pens.append((pen.colours[generator.integers(len(pen.colours))], generator.uniform(*pen.cover)))

    box = np.array([-2.0, -2.0, 2.0, 2.0]) * max(width_mm, height_mm)
    table = None
    if paper.name not in ("whiteboard", "blackboard") and generator.random() < 0.4:
        table = TABLES[generator.integers(len(TABLES))]
        has.append(table)
        for side in generator.choice(4, generator.integers(1, 5), replace=False):
            extent, sign = (width_mm, height_mm)[side % 2] / 2, -1 if side < 2 else 1
            edge = place[side % 2] + sign * (n_digits if side % 2 == 0 else 1) * 0.75 * digit_height
            box[side] = sign * max(sign * edge, generator.uniform(0.7, 1.0) * extent)

    shadows = []
    if happens(0.35, "hard shadow"):
        shadows.append((_shadow(generator), generator.uniform(0.001, 0.008), generator.uniform(0.3, 0.6)))
    if happens(0.35, "soft shadow"):
        shadows.append((_shadow(generator), generator.uniform(0.02, 0.1), generator.uniform(0.3, 0.65)))
    night = happens(0.2, "night noise")
    defocus = happens(0.2, "defocus")
    moving = happens(0.15, "motion")
    stroke_px = pen_width * scale
    glare = None
    if happens(0.15, "glare"):
        glare = (*generator.uniform(0, 1, 2), generator.uniform(0.1, 0.35), generator.uniform(0.15, 0.45))
    warm = generator.uniform(-0.12, 0.12)
    return Scene(
        width,
        height,
        view,
        paper,
        paper.colours[generator.integers(len(paper.colours))],
        tuple(pens),
        pen.grain,
        pen_width,
        digit_height,
        place,
        _rulings(paper.name, generator),
        table,
        tuple(box),
        (1 + warm, 1.0, 1 - warm),
        generator.uniform(0.35, 0.6) if night else generator.uniform(0.65, 1.05),
        tuple(generator.uniform(-0.3, 0.3, 2)),
        generator.uniform(0.2, 0.6) if happens(0.3, "vignetting") else 0.0,
        glare,
        tuple(shadows),
        max(0.6, generator.uniform(0.2, 0.45) * stroke_px if defocus else 0),
        (generator.uniform(0.5, 1.2) * stroke_px if moving else 0.0, generator.uniform(0, 180)),
        generator.uniform(0.025, 0.06) if night else generator.uniform(0.004, 0.02),
        int(generator.integers(35, 95)) if happens(0.8, "JPEG") else None,
        tuple(has),
        int(generator.integers(2**32)),
    )


def _shadow(generator: np.random.Generator) -> np.ndarray:
    """A hand's or a phone's: corners (n, 2) as shares of the picture's width, reaching in from beyond an edge."""
    if generator.random() < 0.5:  # a phone
        shape = np.array([[-0.2, -0.9], [0.2, -0.9], [0.2, 0.3], [-0.2, 0.3]]) * generator.uniform(0.8, 2)
    else:  # a fist with two fingers
        around = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        radius = 0.3 + 0.12 * np.cos(3 * around + generator.uniform(0, 6)) + 0.06 * np.cos(7 * around)
        shape = np.stack([radius * np.cos(around), radius * np.sin(around) * 1.5], axis=1)
    angle = generator.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return shape @ turn.T + generator.uniform(0.1, 0.9, 2) * (1, 0.75)


def _rulings(name: str, generator: np.random.Generator) -> tuple[Ruling, ...]:
    blue, grey, red = (0.4, 0.55, 0.85), (0.5, 0.5, 0.52), (0.85, 0.35, 0.4)
    colour, cover = (blue, grey)[generator.integers(2)], generator.uniform(0.35, 0.9)
    width = generator.uniform(0.12, 0.3)
    if name in ("ruled", "legal pad"):
        lines = Ruling(generator.uniform(6, 9), width, colour, cover)
        return (lines, Ruling(190, 0.25, red, cover, upright=True)) if generator.random() < 0.5 else (lines,)
    if name == "squared":
        spacing = generator.choice([4, 5, 5, 6])
        return tuple(Ruling(spacing, width, colour, cover, upright) for upright in (False, True))
    if name == "dotted":
        return (Ruling(5, generator.uniform(0.35, 0.6), grey, cover, dots=True),)
    if name == "graph":
        fine = generator.choice([1.0, 2.0])
        orange = (0.92, 0.6, 0.4)
        return tuple(Ruling(fine, 0.1, orange, 0.6, upright, bold=5) for upright in (False, True))
    if name == "music":
        return (Ruling(2.2, 0.2, (0.2, 0.2, 0.2), generator.uniform(0.3, 0.7)),)
    return ()


def lay_out(digits: Sequence[Strokes], scene: Scene, generator: np.random.Generator) -> list[Strokes]:
    """The digits' strokes in mm on the paper, side by side, 8 to 35 % of their height apart."""
    laid, x = [], 0.0
    for strokes in digits:
        spots = np.concatenate(strokes)
        low, extent = spots.min(axis=0), np.ptp(spots, axis=0)
        scale = scene.digit_height * generator.uniform(0.9, 1.1) / max(extent[1], extent[0] / 1.2, 1)
        drop = generator.uniform(-0.04, 0.04) * scene.digit_height - extent[1] * scale / 2
        laid.append([(stroke - low) * scale + (x, drop) for stroke in strokes])
        x += extent[0] * scale + scene.pen_width + generator.uniform(0.08, 0.35) * scene.digit_height
    middle = np.ptp(np.concatenate([spots for strokes in laid for spots in strokes])[:, 0]) / 2
    return [[stroke - (middle, 0) + scene.place for stroke in strokes] for strokes in laid]


def ink_cover(digits: Sequence[Strokes], scene: Scene) -> np.ndarray:
    """How much of each pixel the pen's line covers, (height, width) uint8; strokes as `lay_out` gives them."""
    finer = 2 if scene.width < 2500 else 1
    drawn = Image.new("L", (scene.width * finer, scene.height * finer))
    pen = ImageDraw.Draw(drawn)
    for strokes in digits:
        for stroke in strokes:
            spots = _seen(stroke, scene) * finer
            radius = max(scene.pen_width * _scale(stroke[:1], scene) * finer / 2, 0.5)
            pen.line([(x, y) for x, y in spots], fill=255, width=max(1, round(2 * radius)), joint="curve")
            for x, y in spots:
                pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(drawn.reduce(finer))


def _seen(spots: np.ndarray, scene: Scene) -> np.ndarray:
    """From mm on the paper to pixels, (n, 2)."""
    x, y, depth = scene.view @ np.column_stack([spots, np.ones(len(spots))]).T
    return np.stack([x / depth, y / depth], axis=1)


def _scale(spot: np.ndarray, scene: Scene) -> float:
    """Pixels per mm at a spot, (1, 2)."""
    return float(np.linalg.norm(np.diff(_seen(np.concatenate([spot, spot + np.array([0.1, 0])]), scene), axis=0)) * 10)


def photograph(
    digits: Sequence[Strokes],
    generator: np.random.Generator,
    scene: Scene | None = None,
    papers: Sequence[Paper] = PAPERS,
) -> np.ndarray:
    """A photo of the digits, side by side, (h, w, 3) uint8; of none, a blank page."""
    scene = scene or choose_scene(generator, max(1, len(digits)), papers)
    generator = np.random.default_rng(scene.seed)
    light = np.clip(_paper(lay_out(digits, scene, generator) if digits else [], scene, generator), 0, 1)
    light *= _light(scene)[..., np.newaxis] * np.array(scene.light, np.float32)
    return _camera(light, scene, generator)


def _paper(digits: Sequence[Strokes], scene: Scene, generator: np.random.Generator) -> np.ndarray:
    """What share of the light each pixel's surface gives back, (h, w, 3) float32: paper, ruling, ink, table."""
    size = (scene.height, scene.width)
    surface = np.empty((*size, 3), np.float32)
    surface[:] = scene.paper_colour
    scale = scene.width / 1500
    fibres = _noise(generator, size, 1.5 * scale) + 0.5 * _noise(generator, size, 12 * scale)
    surface *= (1 + scene.paper.texture * fibres)[..., np.newaxis]
    for ruling in scene.rulings:
        _lay(surface, ruling.colour, _ruled(ruling, scene) * np.float32(ruling.cover))
    grain = (1 + scene.grain * _noise(generator, size, 0.8 * scale)).clip(0, 1.1)
    for index, (colour, cover) in enumerate(scene.pens):
        own = digits[index :: len(scene.pens)]
        if own:
            covered = (ink_cover(own, scene) / np.float32(255) * np.float32(cover) * grain).clip(0, 1)
            if scene.paper.name == "blackboard":  # chalk hides what ink only tints
                surface *= (1 - covered)[..., np.newaxis]
                surface += covered[..., np.newaxis] * np.array(colour, np.float32)
            else:
                _lay(surface, colour, covered)
    if scene.table:
        left, top, right, bottom = scene.paper_box
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
        mask = Image.new("L", (scene.width, scene.height))
        ImageDraw.Draw(mask).polygon([tuple(spot) for spot in _seen(corners, scene)], fill=255)
        covered = np.asarray(mask)[..., np.newaxis] / np.float32(255)
        # the paper throws a little shadow on the table
        near = np.asarray(mask.filter(ImageFilter.GaussianBlur(6 * scale)))[..., np.newaxis] / np.float32(255)
        surface = covered * surface + (1 - covered) * _table(scene, generator) * (1 - 0.6 * near)
    return surface


def _lay(surface: np.ndarray, colour: Colour, cover: np.ndarray) -> None:
    for channel, share in enumerate(colour):
        surface[..., channel] *= 1 - cover * np.float32(1 - share)


def _noise(generator: np.random.Generator, size: tuple[int, int], grain_px: float) -> np.ndarray:
    """Smooth noise of spread 1, (h, w) float32."""
    step = max(1, round(grain_px))
    coarse = generator.standard_normal((size[0] // step + 2, size[1] // step + 2), np.float32)
    large = Image.fromarray(coarse).resize((size[1], size[0]), Image.Resampling.BICUBIC)
    return np.asarray(large)


def _ruled(ruling: Ruling, scene: Scene) -> np.ndarray:
    """How much of each pixel the ruling covers, (h, w) float32."""
    finer = 3 if scene.width < 2500 else 1
    drawn = Image.new("L", (scene.width * finer, scene.height * finer))
    pen = ImageDraw.Draw(drawn)
    back = np.linalg.inv(scene.view)
    x, y, depth = back @ np.array([[0, scene.width, 0, scene.width], [0, 0, scene.height, scene.height], [1, 1, 1, 1]])
    reach = [(float(np.min(each / depth)), float(np.max(each / depth))) for each in (x, y)]
    first, last = (int(np.floor(each / ruling.spacing)) for each in reach[0 if ruling.upright else 1])
    offset = 0.37 * ruling.spacing
    px = ruling.width * scene.width / (reach[0][1] - reach[0][0]) * finer
    for number in range(first - 1, last + 2):
        at = number * ruling.spacing + offset
        if ruling.dots:
            xs = np.arange(reach[0][0], reach[0][1], ruling.spacing)
            for cx, cy in _seen(np.column_stack([xs, np.full(len(xs), at)]), scene) * finer:
                pen.ellipse((cx - px / 2, cy - px / 2, cx + px / 2, cy + px / 2), fill=255)
            continue
        along = np.array(reach[1 if ruling.upright else 0])
        ends = np.column_stack([np.full(2, at), along] if ruling.upright else [along, np.full(2, at)])
        strong = ruling.bold and number % ruling.bold == 0
        fill = min(255, round(255 * px)) if px < 1 else 255
        width = max(1, round(px * (2 if strong else 1)))
        pen.line([tuple(spot) for spot in _seen(ends, scene) * finer], fill=fill, width=width)
    return np.asarray(drawn.reduce(finer)) / np.float32(255)


def _table(scene: Scene, generator: np.random.Generator) -> np.ndarray:
    size, scale = (scene.height, scene.width), scene.width / 1500
    if scene.table == "dark table":
        shade = generator.uniform(0.04, 0.25) * (1 + 0.1 * _noise(generator, size, 2 * scale))
        return shade[..., np.newaxis] * np.ones(3, np.float32)
    if scene.table == "wooden table":
        rings = _noise(generator, (size[0], max(4, size[1] // 40)), 4 * scale)
        rings = np.asarray(Image.fromarray(rings).resize((size[1], size[0]), Image.Resampling.BICUBIC))
        shade = generator.uniform(0.45, 0.9) * (1 + 0.1 * rings + 0.12 * (rings > 1.2) * -1)
        return shade[..., np.newaxis] * np.array((0.8, 0.55, 0.35), np.float32)
    step = max(4, round(generator.uniform(20, 60) * scale))
    rows, columns = np.arange(size[0]) // step % 2, np.arange(size[1]) // step % 2
    shade = 0.35 + 0.25 * (rows[:, np.newaxis] + columns) + 0.05 * _noise(generator, size, scale)
    return shade[..., np.newaxis].astype(np.float32) * np.array((0.9, 0.5, 0.5), np.float32)


def _light(scene: Scene) -> np.ndarray:
    """How much light falls on each pixel, (h, w) float32."""
    y, x = np.mgrid[: scene.height : 8, : scene.width : 8].astype(np.float32) / scene.width
    light = scene.brightness * (1 + scene.slope[0] * (x - 0.5) + scene.slope[1] * (y - 0.5))
    middle = scene.height / scene.width / 2
    light *= 1 - scene.vignetting * ((x - 0.5) ** 2 + (y - middle) ** 2) / (0.25 + middle**2)
    if scene.glare:
        gx, gy, radius, strength = scene.glare
        light += strength * np.exp(-((x - gx) ** 2 + (y - 2 * middle * gy) ** 2) / (2 * radius**2))
    size = (scene.width, scene.height)
    light = np.asarray(Image.fromarray(light).resize(size, Image.Resampling.BILINEAR))
    for corners, softness, darkness in scene.shadows:
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).polygon([tuple(spot) for spot in corners * scene.width], fill=255)
        mask = mask.filter(ImageFilter.GaussianBlur(softness * scene.width))
        light = light * (1 - np.float32(darkness) * (np.asarray(mask) / np.float32(255)))
    return light


def _camera(light: np.ndarray, scene: Scene, generator: np.random.Generator) -> np.ndarray:
    length, angle = scene.motion
    steps = np.linspace(-length / 2, length / 2, max(1, round(length)))
    for channel in range(3):
        seen = ndimage.gaussian_filter(light[..., channel], scene.blur, truncate=3)
        if len(steps) > 1:
            way = [(s * np.sin(np.radians(angle)), s * np.cos(np.radians(angle))) for s in steps]
            seen = np.mean([np.roll(seen, (round(dy), round(dx)), (0, 1)) for dy, dx in way], axis=0)
        grains = generator.standard_normal(seen.shape, np.float32)
        # cameras smooth their noise away a little
        light[..., channel] = seen + scene.noise * np.sqrt(np.maximum(seen, 0.02)) * grains
    picture = Image.fromarray((255 * light.clip(0, 1) ** np.float32(1 / 1.6)).astype(np.uint8))
    if scene.noise > 0.025 and scene.seed % 2:
        picture = picture.filter(ImageFilter.GaussianBlur(0.7))
    if scene.jpeg:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=scene.jpeg)
        picture = Image.open(file)
    return np.asarray(picture)


def iter_photos(
    n: int, seed: int = 0, *, most_digits: int = 1, papers: Sequence[Paper] = PAPERS
) -> Iterator[tuple[np.ndarray, str, tuple[str, ...]]]:
    """So many photos of one digit, or of up to so many side by side: the picture (h, w, 3) uint8, the number in
    figures, and the names of what disturbs."""
    for digits, label, scene in islice(_choices(seed, most_digits, papers), n):
        yield photograph(digits, np.random.default_rng(), scene), label, scene.has


def _choices(seed: int, most_digits: int, papers: Sequence[Paper]) -> Iterator[tuple[list[Strokes], str, Scene]]:
    from tests.pen_strokes import load_strokes  # as a script, this file finds it only now

    strokes, labels = zip(*load_strokes(), strict=True)
    generator = np.random.default_rng(seed)
    while True:
        chosen = generator.integers(len(strokes), size=generator.integers(1, most_digits + 1))
        scene = choose_scene(generator, len(chosen), papers)
        yield [strokes[i] for i in chosen], "".join(str(labels[i]) for i in chosen), scene


def show(failures: list[tuple[np.ndarray, np.ndarray, str]]) -> Image.Image:
    """Every photo that was not read right beside the ink that was found, with its words below."""
    side, words_height, columns = 300, 20, 3
    rows = -(-len(failures) // columns)
    sheet = Image.new("RGB", (columns * 2 * side, max(1, rows) * (side + words_height)), "white")
    pen = ImageDraw.Draw(sheet)
    for place, (picture, ink, words) in enumerate(failures):
        left, top = place % columns * 2 * side, place // columns * (side + words_height)
        for shift, each in enumerate((picture, np.rint(255 - 255 * ink).astype(np.uint8))):
            tile = Image.fromarray(each).convert("RGB")
            tile.thumbnail((side - 4, side - 4))
            sheet.paste(tile, (left + shift * side, top))
        pen.text((left, top + side), words, fill=0, font_size=11)
    return sheet


def main() -> None:
    """Print how many photos a model reads exactly right: of all, and of those with each disturbance."""
    from nnlib import load_model, load_pretrained
    from nnlib.digits.ink import find_ink
    from nnlib.reading import read_digits

    parser = argparse.ArgumentParser(description="How many photos of written digits a model reads exactly right.")
    parser.add_argument("model", nargs="?", help="a model file; without it, the pretrained network")
    parser.add_argument("--photos", type=int, default=200, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="other photos")
    parser.add_argument("--digits", type=int, default=1, help="how many digits a number has at most")
    parser.add_argument("--other-papers", action="store_true", help="papers for which nothing was tuned")
    parser.add_argument("--picture", help="a picture to make of all that are not read right")
    arguments = parser.parse_args()
    model = load_model(arguments.model) if arguments.model else load_pretrained()
    papers = OTHER_PAPERS if arguments.other_papers else PAPERS
    right: dict[str, list[bool]] = {}
    failures = []
    photos = iter_photos(arguments.photos, arguments.seed, most_digits=arguments.digits, papers=papers)
    for picture, number, has in photos:
        answer = read_digits(picture, model).number
        for name in ("all", *has):
            right.setdefault(name, []).append(answer == number)
        if answer != number and arguments.picture:
            failures.append((picture, find_ink(picture)[0], f"{number} read {answer}: {', '.join(has)}"))
    for name, of_it in sorted(right.items(), key=lambda each: -len(each[1])):
        print(f"{name:>20}: {sum(of_it):>4} of {len(of_it):>4}, {sum(of_it) / len(of_it):.1%}")
    if arguments.picture:
        show(failures).save(arguments.picture)


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])  # it was tests/, whose folder nnlib hides the package
    main()
