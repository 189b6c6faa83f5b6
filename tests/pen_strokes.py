"""Real pen strokes of digits, drawn onto a canvas the way a person would draw them, one by one or as numbers.

    for canvas, label in iter_canvases():
        ...
    for canvas, number in iter_numbers():
        ...

`python tests/pen_strokes.py [MODEL]` says how a model reads them, and whatever else people may draw; with
`--picture FILE` it shows the digits that it misreads, with `--numbers FILE` the numbers. The strokes are
1,500 digits by 30 people (Alpaydin & Alimoglu 1998, CC BY 4.0); see `data/pen_strokes/README.md`.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

PEN_STROKES = Path(__file__).parent / "data" / "pen_strokes" / "pen_strokes_dev.npz"
SUPERSAMPLE = 3  # drawn larger, then shrunk: a browser's canvas is anti-aliased


def load_strokes(path: Path = PEN_STROKES) -> Iterator[tuple[list[np.ndarray], int]]:
    """Every digit's strokes and label; a stroke is (n, 2) pen positions, y growing downwards."""
    with np.load(path, allow_pickle=False) as file:
        points, stroke_starts = file["points"].astype(float), file["stroke_starts"]
        digit_starts, labels = file["digit_starts"], file["labels"]
    points[:, 1] *= -1  # the tablet's y axis grows upwards
    strokes = [points[start:end] for start, end in pairwise(stroke_starts)]
    for (start, end), label in zip(pairwise(digit_starts), labels, strict=True):
        yield strokes[start:end], int(label)


def render(
    strokes: list[np.ndarray],
    *,
    size: int = 280,
    stroke_width: float = 18,
    extent: float = 0.6,
    centre: tuple[float, float] = (0.5, 0.5),
    ink: tuple[int, int, int] = (255, 255, 255),
    paper: tuple[int, int, int] = (0, 0, 0),
) -> np.ndarray:
    """One digit as a canvas returns it, (size, size, 4) uint8 RGBA.

    `stroke_width` is in pixels; `extent`, the way of the pen along the digit's larger side, and
    `centre`, its middle, are fractions of the canvas.
    """
    positions = np.concatenate(strokes)
    low, high = positions.min(axis=0), positions.max(axis=0)
    scale = extent * size / max((high - low).max(), 1)
    picture = Image.new("RGB", (size * SUPERSAMPLE, size * SUPERSAMPLE), paper)
    pen = ImageDraw.Draw(picture)
    radius = stroke_width * SUPERSAMPLE / 2
    for stroke in strokes:
        spots = ((stroke - (low + high) / 2) * scale + np.multiply(centre, size)) * SUPERSAMPLE
        pen.line([(x, y) for x, y in spots], fill=ink, width=round(2 * radius), joint="curve")
        for x, y in spots:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)
    return np.asarray(picture.resize((size, size), Image.Resampling.BOX).convert("RGBA"))


def iter_canvases(
    path: Path = PEN_STROKES,
    *,
    every: int = 1,
    seed: int = 0,
    stroke_widths: tuple[float, ...] = (12, 18, 26),
    extents: tuple[float, float] = (0.35, 0.85),
) -> Iterator[tuple[np.ndarray, int]]:
    """Each digit, or every n-th, on a canvas (280, 280, 4) and its label, with its own brush, size and place;
    one in four is dark on white.
    """
    generator = np.random.default_rng(seed)
    for strokes, label in islice(load_strokes(path), 0, None, every):
        extent = generator.uniform(*extents)
        slack = (1 - extent) / 2 * 0.8
        dark_on_white = generator.random() < 0.25
        canvas = render(
            strokes,
            stroke_width=generator.choice(stroke_widths),
            extent=extent,
            centre=tuple(0.5 + generator.uniform(-slack, slack, 2)),
            ink=(20, 20, 20) if dark_on_white else (255, 255, 255),
            paper=(255, 255, 255) if dark_on_white else (0, 0, 0),
        )
        yield canvas, label


def iter_numbers(path: Path = PEN_STROKES, *, n: int = 500, seed: int = 0) -> Iterator[tuple[np.ndarray, str]]:
    """Numbers of two to six digits as people write them, each on a canvas (h, w, 4) of its size, and their figures.

    Heights are 85 to 110 % of the line's, baselines 8 % higher or lower, gaps 8 to 35 %, and one in ten pairs touch.
    """
    generator = np.random.default_rng(seed)
    digits = list(load_strokes(path))
    for _ in range(n):
        chosen = [digits[index] for index in generator.integers(0, len(digits), generator.integers(2, 7))]
        canvas = render_number([strokes for strokes, _ in chosen], generator)
        yield canvas, "".join(str(label) for _, label in chosen)


def render_number(digits: list[list[np.ndarray]], generator: np.random.Generator) -> np.ndarray:
    """Digits side by side, (h, w, 4) uint8 RGBA, white on black."""
    line_height = generator.uniform(90, 170)
    stroke_width = line_height * generator.uniform(0.05, 0.17)
    baseline = 1.6 * line_height
    inked = np.zeros((round(2.2 * line_height), round(2 * line_height * len(digits) + line_height)), bool)
    left = right = round(0.4 * line_height)
    for index, strokes in enumerate(digits):
        digit = _inked(strokes, line_height * generator.uniform(0.85, 1.1), stroke_width)
        height, width = digit.shape
        top = max(0, round(baseline + line_height * generator.uniform(-0.08, 0.08)) - height)
        rows = slice(top, top + height)
        place = right if index == 0 else right + round(line_height * generator.uniform(0.08, 0.35))
        if index and generator.random() < 0.1:
            while place > left and not (inked[rows, place : place + width] & digit).any():
                place -= 1
            place -= round(line_height * generator.uniform(0, 0.04))
        inked[rows, place : place + width] |= digit
        left, right = place, place + width
    inked = inked[:, : right + round(0.4 * line_height)]
    return np.asarray(Image.fromarray(inked.astype(np.uint8) * 255).convert("RGBA"))


def _inked(strokes: list[np.ndarray], height: float, stroke_width: float) -> np.ndarray:
    """One digit of this height, (h, w) bool, without margins."""
    positions = np.concatenate(strokes)
    low, high = positions.min(axis=0), positions.max(axis=0)
    wide, high_ = high - low
    scale = height / max(high_, 0.6 * wide, 1)  # what lies would become as long as a line
    margin = stroke_width / 2 + 2
    size = [int(side * scale + 2 * margin) + 1 for side in (wide, high_)]
    picture = Image.new("1", size)
    pen, radius = ImageDraw.Draw(picture), stroke_width / 2
    for stroke in strokes:
        spots = [(x, y) for x, y in (stroke - low) * scale + margin]
        pen.line(spots, fill=1, width=round(stroke_width), joint="curve")
        for x, y in spots:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)
    inked = np.asarray(picture)
    rows, columns = np.flatnonzero(inked.any(1)), np.flatnonzero(inked.any(0))
    return inked[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def on_canvas(images: np.ndarray, side: int = 280) -> Iterator[np.ndarray]:
    """MNIST's digits, (n, 784), pasted onto canvases (side, side, 4), each enlarged and somewhere."""
    generator = np.random.default_rng(0)
    for image in images:
        size = int(generator.integers(side // 3, side))
        grey = Image.fromarray(np.rint(image.reshape(28, 28) * 255).astype(np.uint8))
        canvas = Image.new("L", (side, side))
        place = tuple(int(each) for each in generator.integers(0, side - size + 1, 2))
        canvas.paste(grey.resize((size, size), Image.Resampling.BICUBIC), place)
        yield np.asarray(canvas.convert("RGBA"))


def show(misread: list[tuple[np.ndarray, np.ndarray, str]]) -> Image.Image:
    """Every misread drawing beside what the network gets of it, with its words below."""
    side, words_height, gap, columns = 96, 18, 12, 5
    cell_width, cell_height = 2 * side + gap, side + words_height + gap
    rows = -(-len(misread) // columns)
    sheet = Image.new("L", (columns * cell_width + gap, rows * cell_height + gap), 255)
    pen = ImageDraw.Draw(sheet)
    for place, (canvas, image, words) in enumerate(misread):
        left, top = gap + place % columns * cell_width, gap + place // columns * cell_height
        grey = Image.fromarray(canvas).convert("L").resize((side, side), Image.Resampling.BOX)
        seen = Image.fromarray(np.rint(image.reshape(28, 28) * 255).astype(np.uint8)).resize((side, side))
        sheet.paste(grey, (left, top))
        sheet.paste(seen, (left + side, top))
        pen.rectangle((left, top, left + 2 * side - 1, top + side - 1), outline=128)
        pen.text((left, top + side + 2), words, fill=0, font_size=13)
    return sheet


def show_numbers(misread: list[tuple[np.ndarray, str, Any]], most: int = 40) -> Image.Image:
    """Misread numbers, with what was read below, and a bar under each digit that was found."""
    width, height, columns = 260, 110, 4
    misread = misread[:most]
    sheet = Image.new("L", (columns * width, -(-len(misread) // columns) * height), 255)
    pen = ImageDraw.Draw(sheet)
    for place, (canvas, number, reading) in enumerate(misread):
        left, top = place % columns * width, place // columns * height
        scale = min((width - 10) / canvas.shape[1], (height - 26) / canvas.shape[0])
        size = [round(side * scale) for side in reversed(canvas.shape[:2])]
        grey = Image.fromarray(255 - canvas[..., 0]).resize(size, Image.Resampling.BOX)
        sheet.paste(grey, (left + 4, top + 2))
        for digit in reading.digits:
            start, _, stop, bottom = (edge * scale for edge in digit.box)
            pen.line((left + 4 + start, top + 5 + bottom, left + 4 + stop, top + 5 + bottom), fill=0, width=2)
        pen.text((left + 4, top + height - 20), f"{number} read {reading.number}", fill=0, font_size=13)
    return sheet


def main() -> None:
    """Print how a model reads digits, numbers, MNIST's own digits, and what is none."""
    from nnlib import load_mnist, load_model, load_pretrained, read_digits
    from tests.non_digits import iter_non_digits

    parser = argparse.ArgumentParser(description="How a model reads what people draw.")
    parser.add_argument("model", nargs="?", help="a model file; without it, the pretrained network")
    parser.add_argument("--picture", help="a picture to make of all digits that are misread")
    parser.add_argument("--numbers", help="a picture to make of the numbers that are misread")
    parser.add_argument("--every", type=int, default=1, help="look at every n-th of all drawings only")
    arguments = parser.parse_args()
    model = load_model(arguments.model) if arguments.model else load_pretrained()

    def say(what: str, rights: Iterable[bool]) -> None:
        counts = Counter(rights)
        print(f"{what}: {counts[True]:,} of {counts.total():,}, {counts[True] / max(counts.total(), 1):.1%}")

    right: list[list[bool]] = [[] for _ in range(10)]
    misread, sure, sure_and_wrong = [], [], []
    for number, (canvas, label) in enumerate(iter_canvases(every=arguments.every), start=1):
        reading = read_digits(canvas, model)
        right[label].append(reading.number == str(label))
        sure.append(reading.sure)
        sure_and_wrong.append(reading.sure and reading.number != str(label))
        if reading.number != str(label):
            first = reading.digits[0] if reading.digits else None
            words = f"no. {number}: {label} read {reading.number}" + (f", {first.certainty:.0%}" if first else "")
            misread.append((canvas, first.image if first else np.zeros(784), words))
    say("digits read right", [each for of_it in right for each in of_it])
    for label, of_it in enumerate(right):
        say(f"  {label}", of_it)
    say("digits that are declined", [not each for each in sure])
    say("digits that are misread, and surely", sure_and_wrong)
    for stroke_width in (8, 12, 18, 26, 34):
        for extent in (0.35, 0.6, 0.85):
            canvases = iter_canvases(every=5 * arguments.every, stroke_widths=(stroke_width,), extents=(extent, extent))
            rights = [read_digits(canvas, model).number == str(label) for canvas, label in canvases]
            say(f"  of a brush of {stroke_width} pixels, {extent:.0%} as large as the canvas", rights)

    found = [(canvas, number, read_digits(canvas, model)) for canvas, number in iter_numbers(n=1000 // arguments.every)]
    say("numbers read right", [reading.number == number for _, number, reading in found])
    say("  of as many digits", [len(reading.digits) == len(number) for _, number, reading in found])
    say("  sure", [reading.sure for _, _, reading in found])
    say("  right, of those", [reading.number == number for _, number, reading in found if reading.sure])

    test = load_mnist().test
    plain = model.network.predict(test.images)[:: arguments.every] == test.labels[:: arguments.every]
    labels = test.labels[:: arguments.every]
    pasted = [read_digits(canvas, model) for canvas in on_canvas(test.images[:: arguments.every])]
    say("MNIST's test digits as they are", plain)
    say("  pasted onto a canvas", [each.number == str(label) for each, label in zip(pasted, labels, strict=True)])
    say("  that are declined", [not each.sure for each in pasted])

    sures: dict[str, list[bool]] = {}
    for canvas, kind in iter_non_digits(400 // arguments.every):
        sures.setdefault(kind, []).append(read_digits(canvas, model).sure)
    say("no digits, and sure nevertheless", [each for of_kind in sures.values() for each in of_kind])
    for kind, of_kind in sures.items():
        say(f"  {kind}s", of_kind)

    if arguments.picture:
        show(misread).save(arguments.picture, optimize=True)
    if arguments.numbers:
        show_numbers([each for each in found if each[2].number != each[1]]).save(arguments.numbers, optimize=True)


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])  # it was tests/, whose folder nnlib hides the package
    main()
