"""Real pen strokes of digits, drawn onto a canvas the way a person would draw them.

    for canvas, label in iter_canvases():
        ...

`python tests/pen_strokes.py [MODEL]` says how many of them a model reads right, and with `--picture
FILE` shows those that it misreads. The strokes are 1,500 digits by 30 people (Alpaydin & Alimoglu
1998, CC BY 4.0); see `data/pen_strokes/README.md`.
"""

import argparse
import sys
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

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


def main() -> None:
    """Print how many drawings a model reads right: of all, and of each digit."""
    from nnlib import find_digits, load_model, load_pretrained

    parser = argparse.ArgumentParser(description="How many of 1,500 pen drawings a model reads right.")
    parser.add_argument("model", nargs="?", help="a model file; without it, the pretrained network")
    parser.add_argument("--picture", help="a picture to make of all that are misread")
    arguments = parser.parse_args()
    network = (load_model(arguments.model) if arguments.model else load_pretrained()).network
    right: list[list[bool]] = [[] for _ in range(10)]
    misread = []
    for number, (canvas, label) in enumerate(iter_canvases(), start=1):
        digits = find_digits(canvas)
        probabilities = [network.predict_proba(digit.image[np.newaxis])[0] for digit in digits]
        answers = [int(each.argmax()) for each in probabilities]
        right[label].append(answers == [label])
        if answers != [label]:
            words = (
                f"no. {number}: {label} read {answers[0]}, {probabilities[0].max():.0%}" if answers else f"{label}: -"
            )
            misread.append((canvas, digits[0].image if digits else np.zeros(784), words))
    n_right, n_drawings = sum(map(sum, right)), sum(map(len, right))
    print(f"{n_right:,} of {n_drawings:,} drawings read right: {n_right / n_drawings:.1%}")
    for label, of_it in enumerate(right):
        print(f"{label}: {sum(of_it):>3} of {len(of_it)}, {sum(of_it) / len(of_it):.1%}")
    if arguments.picture:
        show(misread).save(arguments.picture, optimize=True)


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])  # it was tests/, whose folder nnlib hides the package
    main()
