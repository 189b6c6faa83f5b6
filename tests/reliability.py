"""How often networks are right when they are how sure, before and after calibration.

`python tests/reliability.py` trains the presets `quick` and `standard`, and prints the calibration error of these and
of the pretrained network, on the 10,000 test digits and on the pen drawings (`tests/pen_strokes.py`); with `--picture
FILE` it draws the reliability diagrams of the pretrained network and of `quick`. It takes half a minute.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from nnlib.study import Reliability

SCALE = 2  # of everything in the picture: dots twice as fine, for print
SIDE, LEFT, TOP, RIGHT, BOTTOM = 270, 64, 52, 20, 52  # of a panel, and what is around it
COLUMNS = 2
FEW = 20  # digits: the share of so few that is right says little
INK, PALE, LINE = "#222222", "#8c95a8", "#d8dce6"
MISSED, BAR, BAR_OF_FEW = "#f08c00", "#5c7cfa", "#c9d3fb"


def diagram(pen: ImageDraw.ImageDraw, left: int, top: int, title: str, reliability: "Reliability") -> None:
    """One panel: a bar for each bin, as high as the share that was right, framed up or down to how sure it was."""
    bins = len(reliability.counts)

    def place(across: float, up: float) -> tuple[float, float]:
        return (left + across * SIDE) * SCALE, (top + (1 - up) * SIDE) * SCALE

    for bin, (count, accuracy, certainty) in enumerate(
        zip(reliability.counts, reliability.accuracy, reliability.certainty, strict=True)
    ):
        if count:
            edges = bin / bins + 0.004, (bin + 1) / bins - 0.004
            low, high = sorted((accuracy, certainty))
            pen.rectangle((*place(edges[0], accuracy), *place(edges[1], 0)), fill=BAR if count >= FEW else BAR_OF_FEW)
            pen.rectangle((*place(edges[0], high), *place(edges[1], low)), outline=MISSED, width=2 * SCALE)
    pen.line((place(0, 0), place(1, 1)), fill=PALE, width=SCALE)
    pen.rectangle((*place(0, 1), *place(1, 0)), outline=LINE, width=SCALE)
    for share in (0, 0.5, 1):
        x, y = place(share, 0)
        pen.text((x, y + 4 * SCALE), f"{share:.0%}", INK, font_size=12 * SCALE, anchor="ma")
        x, y = place(0, share)
        pen.text((x - 5 * SCALE, y), f"{share:.0%}", INK, font_size=12 * SCALE, anchor="rm")
    pen.text(place(0, 1.09), title, INK, font_size=13 * SCALE, anchor="ls")
    pen.text(place(0, 1.025), f"calibration error {reliability.error:.1%}", INK, font_size=12 * SCALE, anchor="ls")
    pen.text(place(0.5, -0.11), "how sure it was", INK, font_size=12 * SCALE, anchor="mm")
    pen.text(place(-0.02, 0.94), "right", INK, font_size=12 * SCALE, anchor="rm")


def main() -> None:
    """Print a table, and draw the picture where that is asked for."""
    from nnlib import PRESETS, Model, Trainer, find_digits, load_mnist, load_pretrained
    from nnlib.study import Reliability, calibrate
    from tests.pen_strokes import iter_canvases

    parser = argparse.ArgumentParser(description="Whether networks are as sure as they are right.")
    parser.add_argument("--picture", help="a picture to make of the pretrained network and of quick")
    arguments = parser.parse_args()
    data = load_mnist()
    drawings = [(find_digits(canvas), label) for canvas, label in iter_canvases()]
    alone = [(found[0].image, label) for found, label in drawings if len(found) == 1]
    readable = {
        "test digits": (data.test.images, data.test.labels),
        "pen drawings": (np.stack([image for image, _ in alone]), np.array([label for _, label in alone])),
    }
    models = {"the pretrained network": load_pretrained()}
    for name in ("quick", "standard"):
        trainer = Trainer(PRESETS[name].config, data)
        for _ in trainer:
            pass
        models[name] = Model(trainer.network, name, PRESETS[name].config, None, None, "").calibrated()
    panels = []
    for name, model in models.items():
        for what, (images, labels) in readable.items():
            probabilities = model.network.predict_proba(images)
            before, after = (
                Reliability.of(each, labels) for each in (probabilities, calibrate(probabilities, model.temperature))
            )
            right = np.mean(probabilities.argmax(axis=1) == labels)
            sure = [np.average(each.certainty, weights=each.counts) for each in (before, after)]
            print(
                f"{name}, temperature {model.temperature:.2f}, {what}: {right:.2%} right; {sure[0]:.2%} sure "
                f"and then {sure[1]:.2%}; calibration error {before.error:.2%} and then {after.error:.2%}"
            )
            if what == "test digits" and name != "standard":
                panels += [(f"{name}, as it is", before), (f"{name}, temperature {model.temperature:.2f}", after)]
    if arguments.picture:
        width, height = LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM
        rows = -(-len(panels) // COLUMNS)
        sheet = Image.new("RGB", (COLUMNS * width * SCALE, rows * height * SCALE), "white")
        pen = ImageDraw.Draw(sheet)
        for number, (title, reliability) in enumerate(panels):
            left, top = number % COLUMNS * width + LEFT, number // COLUMNS * height + TOP
            diagram(pen, left, top, title, reliability)
        sheet.quantize(64).save(arguments.picture, optimize=True)


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])  # it was tests/, whose folder nnlib hides the package
    main()
