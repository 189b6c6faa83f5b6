"""The pictures on the page Draw that can be read without a mouse: python tests/example_pictures.py

They are made of real pen strokes (see data/pen_strokes/README.md), but for the letter and the scribble.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

# run as a file, not as a module
sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.pen_strokes import load_strokes

FOLDER = Path(__file__).parents[1] / "dashboard" / "examples"
WIDTH, HEIGHT = 480, 320
SUPERSAMPLE = 3
INK, BLUE_INK, RULING = (25, 25, 30), (40, 50, 110), (150, 175, 205)

Strokes = Sequence[np.ndarray]  # each (n, 2) positions of a pen


def paper(colour: tuple[int, int, int] = (255, 255, 255)) -> Image.Image:
    """A sheet with nothing on it."""
    return Image.new("RGB", (WIDTH * SUPERSAMPLE, HEIGHT * SUPERSAMPLE), colour)


def write(
    sheet: Image.Image,
    digits: Sequence[Strokes],
    rows_px: tuple[float, float],
    gap_px: float = 0,
    width_px: float = 9,
    ink: tuple[int, int, int] = INK,
) -> None:
    """Digits side by side in the middle of the sheet, from one height to another, so many pixels apart."""
    top, bottom = rows_px
    sized = []
    for strokes in digits:
        low, high = (getattr(np.concatenate(strokes), end)(axis=0) for end in ("min", "max"))
        sized.append([(stroke - low) * (bottom - top) / max(high[1] - low[1], 1) for stroke in strokes])
    widths = [np.concatenate(strokes)[:, 0].max() for strokes in sized]
    left = (WIDTH - sum(widths) - gap_px * (len(digits) - 1)) / 2
    pen, radius = ImageDraw.Draw(sheet), width_px * SUPERSAMPLE / 2
    for strokes, width in zip(sized, widths, strict=True):
        for stroke in strokes:
            spots = [(x, y) for x, y in np.add(stroke, (left, top)) * SUPERSAMPLE]
            pen.line(spots, fill=ink, width=round(2 * radius), joint="curve")
            for x, y in spots:
                pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)
        left += width + gap_px


def save(sheet: Image.Image, name: str) -> None:
    """In a file as small as it looks good in."""
    small = sheet.resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    if name.endswith(".jpg"):
        small.save(FOLDER / name, quality=80)
    else:
        small.convert("L").quantize(16).save(FOLDER / name, optimize=True)


def photographed(sheet: Image.Image) -> Image.Image:
    """As a telephone sees it: a little askew, in the light of a lamp, not quite sharp, and noisy."""
    generator = np.random.default_rng(3)
    turned = sheet.rotate(2, Image.Resampling.BICUBIC, fillcolor=sheet.getpixel((3, 3)))
    seen = np.asarray(turned.filter(ImageFilter.GaussianBlur(2)), float)
    y, x = np.mgrid[0 : 1 : seen.shape[0] * 1j, 0 : 1 : seen.shape[1] * 1j]
    light = 0.98 - 0.38 * np.hypot(x - 0.25, y - 0.1)
    seen = seen * light[..., None] * (1, 0.97, 0.9) + generator.normal(0, 9, seen.shape)
    return Image.fromarray(seen.clip(0, 255).astype(np.uint8))


def main() -> None:
    """Write all of them."""
    FOLDER.mkdir(exist_ok=True)
    every = list(load_strokes())

    def hand(label: int, number: int) -> Strokes:
        """How one person or another wrote a digit."""
        return [strokes for strokes, its in every if its == label][number]

    def number(text: str, first: int) -> list[Strokes]:
        return [hand(int(digit), first + place) for place, digit in enumerate(text)]

    def unsure() -> Strokes:
        return [strokes for strokes, label in every if label in (4, 9)][75]

    sheet = paper()
    write(sheet, [hand(3, 5)], (70, 250), width_px=13)
    save(sheet, "digit.png")

    sheet = paper()
    write(sheet, number("2057", 3), (115, 205), 26)
    save(sheet, "number.png")

    sheet = paper()
    write(sheet, number("638", 8), (95, 225), -7)
    save(sheet, "touching.png")

    sheet = paper()
    write(sheet, number("194", 12), (45, 130), 34)
    write(sheet, number("72", 20), (190, 275), 34)
    save(sheet, "rows.png")

    sheet = paper((238, 236, 226))
    ruling = ImageDraw.Draw(sheet)
    for y in range(34, HEIGHT, 48):
        ruling.line([(0, y * SUPERSAMPLE), (WIDTH * SUPERSAMPLE, y * SUPERSAMPLE)], RULING, 2)
    write(sheet, number("8146", 30), (116, 196), 34, width_px=6, ink=BLUE_INK)
    save(photographed(sheet), "photo.jpg")

    sheet = paper()
    write(sheet, [unsure()], (70, 250), width_px=13)
    save(sheet, "unsure.png")

    sheet = paper()
    bow = np.linspace(-np.pi / 2, np.pi / 2, 20)
    round_part = np.stack([3.5 + 2.5 * np.cos(bow), 2.5 + 2.5 * np.sin(bow)], axis=1)
    letter = [np.array([(0.3, 10), (0, 0)]), np.array([(0, 0), *round_part, (0.2, 5)]), np.array([(3, 5), (6.5, 10)])]
    write(sheet, [letter], (70, 250), width_px=13)
    save(sheet, "letter.png")

    sheet = paper()
    angle = np.linspace(0, 15 * np.pi, 400)
    scribble = np.stack([angle * 0.9 + 5 * np.sin(1.7 * angle), 7 * np.cos(angle) + 3 * np.sin(2.3 * angle)], axis=1)
    write(sheet, [[scribble]], (90, 240), width_px=8)
    save(sheet, "scribble.png")


if __name__ == "__main__":
    main()
