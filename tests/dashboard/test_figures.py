"""The figures: what is drawn is what was given, and every axis says what it is."""

import inspect
import math
import re
from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import pytest
from streamlit.elements.lib.streamlit_plotly_theme import BG_COLOR, GRAY_90

from dashboard import figures
from dashboard.figures import style
from nnlib.training.trainer import EpochRecord, Progress

RANDOM = np.random.default_rng(1)
IMAGE = RANDOM.random(784)
PROBABILITIES = np.array([0.05, 0.05, 0.1, 0.6, 0.05, 0.05, 0.03, 0.03, 0.02, 0.02])
ACTIVATIONS = [RANDOM.random(128), np.zeros(64), RANDOM.random(7), PROBABILITIES]
PICTURES = {"signal", "clicks"}  # of many small parts, which axes would only hide


def record(epoch: int) -> EpochRecord:
    return EpochRecord(epoch, 10 * epoch, 0.001, 1 / epoch, 0.8, 2 / epoch, 0.9, (0.1, 0.2, 0.3), (0, 1), epoch)


RECORDS = [record(epoch) for epoch in (1, 2, 3)]
PROGRESS = [Progress(step / 10, step, 0.001 * step, 1.0, 0.5, 1.0) for step in range(1, 30)]

CASES: dict[str, list[Callable[[], go.Figure]]] = {
    "learning_rate_curve": [
        lambda: figures.learning_rate_curve(RECORDS, PROGRESS),
        lambda: figures.learning_rate_curve([], []),
    ],
    "per_layer_curve": [
        lambda: figures.per_layer_curve("Title", "units", [1, 2], [(1, 2, 3)] * 2, ["a", "b", "c"]),
        lambda: figures.per_layer_curve("Title", "units", [], [], ["a", "b", "c"]),
    ],
    "probabilities": [lambda: figures.probabilities(PROBABILITIES), lambda: figures.probabilities(np.zeros(10))],
    "class_counts": [lambda: figures.class_counts(np.full(10, 6000), np.full(10, 1000))],
    "pixel_values": [lambda: figures.pixel_values(np.array([8, 1, 1]), np.array([0, 0.3, 0.6, 1]))],
    "pixels": [lambda: figures.pixels(IMAGE, "Title")],
    "clicks": [
        lambda: figures.clicks(1, 1, [(0, 0)], [0], "unit"),
        lambda: figures.clicks(2, 1, [(0, 0), (1, 0)], [[0, 1], [1, 0]], "cell", (1, 0)),
    ],
    "signal": [lambda: figures.signal(IMAGE, ACTIVATIONS)],
}


def public_figures() -> list[str]:
    """Every function that is handed out and gives a figure."""
    own = inspect.getmembers(figures, inspect.isfunction)
    return [name for name, f in own if f.__annotations__["return"] is go.Figure]


@pytest.mark.parametrize("name", public_figures())
def test_every_figure_has_a_title_and_says_what_its_axes_are(name: str) -> None:
    assert name in CASES, f"figures.{name} is new: give it a case here"
    for case in CASES[name]:
        figure = case()
        # plotly checks every property when it is asked for all of them
        assert figure.to_json()
        if name not in PICTURES:
            assert figure.layout.title.text
            assert figure.layout.xaxis.title.text
            assert figure.layout.yaxis.title.text


@pytest.mark.parametrize("name", ["learning_rate_curve", "per_layer_curve"])
def test_curves_that_grow_keep_a_zoom(name: str) -> None:
    full, empty = (case().layout.uirevision for case in CASES[name])
    assert full
    assert full == empty


def test_learning_rate_is_drawn_in_order_of_time() -> None:
    line = figures.learning_rate_curve(RECORDS, PROGRESS[::-1]).data[0]
    assert list(line.x) == sorted(line.x)


def test_layers_have_one_line_each() -> None:
    lines = figures.per_layer_curve("Title", "units", [1, 2], [(1, 2), (3, 4)], ["first", "second"]).data
    assert [(line.name, list(line.y)) for line in lines] == [("first", [1, 3]), ("second", [2, 4])]
    assert lines[0].line.dash != lines[1].line.dash


def test_probabilities_are_in_percent_and_the_highest_stands_out() -> None:
    bars = figures.probabilities(PROBABILITIES).data[0]
    assert list(bars.y) == pytest.approx(100 * PROBABILITIES)
    assert bars.text[3] == "60%"
    colours = list(bars.marker.color)
    assert colours.count(colours[3]) == 1
    nothing = figures.probabilities(np.zeros(10)).data[0]
    assert len(set(nothing.marker.color)) == 1
    assert not any(nothing.text)


def test_pixel_values_are_shares_of_all() -> None:
    bars = figures.pixel_values(np.array([8, 1, 1]), np.array([0, 0.3, 0.6, 1])).data[0]
    assert sum(bars.y) == pytest.approx(100)
    assert list(bars.x) == pytest.approx([0.15, 0.45, 0.8])


def test_pixels_stand_as_in_the_picture() -> None:
    figure = figures.pixels(IMAGE, "Title")
    heatmap = figure.data[0]
    assert np.array_equal(heatmap.z, IMAGE.reshape(28, 28))
    assert (heatmap.zmin, heatmap.zmax) == (0, 1)
    assert figure.layout.yaxis.autorange == "reversed", "row 0 is at the top"


def test_every_place_can_be_clicked_and_the_chosen_one_has_a_frame() -> None:
    figure = figures.clicks(3, 2, [(0, 0), (2, 1)], [10, 11], "unit %{customdata}", (2, 1))
    (points,) = figure.data
    assert list(points.customdata) == [10, 11]
    assert list(zip(points.x, points.y, strict=True)) == [(0.5, 0.5), (2.5, 1.5)], "in the middle of each cell"
    assert (tuple(figure.layout.xaxis.range), tuple(figure.layout.yaxis.range)) == ((0, 3), (2, 0)), "row 0 is on top"
    assert "select" in figure.layout.clickmode
    (frame,) = figure.layout.shapes
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (2, 3, 1, 2)
    assert not figures.clicks(1, 1, [(0, 0)], [0], "unit").layout.shapes


@pytest.mark.parametrize("n", [1, 2, 5, 16, 17, 32, 64, 128, 256, 257, 1024])
def test_a_grid_holds_all_in_no_row_too_many_and_about_as_a_screen_is(n: int) -> None:
    columns, rows = figures.grid_shape(n)
    assert columns * (rows - 1) < n <= columns * rows
    assert n < 5 or 0.9 <= columns / rows <= 2.5


# --- numbers on axes ---

EXTREMES = [[1e-11, 1e-3], [3e38, 2.3], [0.001] * 9, [0.0011, 0.0013], [5.0], [0.0, math.inf, math.nan, 20], [], [0.0]]
EXTREMES += [[10.0**power for power in range(-45, 39)], [2, 400], [0.3, 9.9], [1e-45, 1e-44]]


@pytest.mark.parametrize("values", EXTREMES, ids=str)
def test_a_logarithmic_axis_has_two_to_six_ticks_in_plain_numbers(values: list[float]) -> None:
    axis = style.log_axis(values)
    low, high = axis["range"]
    assert 2 <= len(axis["tickvals"]) == len(axis["ticktext"]) == len(set(axis["ticktext"])) <= 6
    assert all(low <= math.log10(tick) <= high for tick in axis["tickvals"])
    assert all(low <= math.log10(value) <= high for value in values if 1e-12 < value < math.inf and max(values) < 1e30)
    assert not any(re.search(r"\de|\^|[A-Z]", text) for text in axis["ticktext"])


@pytest.mark.parametrize("values", [*EXTREMES, [6742, 5421], [0, 0, 1], [128]], ids=str)
def test_a_linear_axis_has_two_to_six_ticks_in_plain_numbers(values: list[float]) -> None:
    axis = style.linear_axis(values)
    assert 2 <= len(axis["tickvals"]) == len(set(axis["ticktext"])) <= 6
    assert axis["tickvals"][0] == axis["range"][0] == 0
    assert all(value <= axis["range"][1] for value in values if math.isfinite(value))
    assert not any(re.search(r"\de|\^|[A-Z]", text) for text in axis["ticktext"])


def test_numbers_are_written_as_people_write_them() -> None:
    said = {0: "0", 0.001: "0.001", 2.27e-11: "0.0000000000227", 0.5: "0.5", 12.34: "12.3", 1500: "1,500"}
    said |= {67421: "67,421", 1e6: "1 million", 2.5e9: "2.5 billion", 1e12: "1 trillion"}
    said |= {1e19: "10 million trillion", 3e38: "300 trillion trillion trillion"}
    assert {number: figures.plain(number) for number in said} == said


def test_vanishing_rates_and_exploding_gradients_have_readable_axes() -> None:
    fading = [Progress(step, step, 0.001 * 0.1**step, 1.0, 0.5, 1.0) for step in range(9)]
    rates = figures.learning_rate_curve([], fading).layout.yaxis
    assert list(rates.ticktext) == ["0.000001", "0.00001", "0.0001", "0.001"]
    gradients = figures.per_layer_curve("Title", "gradient norm", [1, 2], [(1, 1e25), (2, 3)], ["a", "b"]).layout.yaxis
    assert gradients.type == "log"
    assert len(gradients.tickvals) <= 6


@pytest.mark.parametrize("name", public_figures())
def test_no_figure_writes_powers_of_ten(name: str) -> None:
    for case in CASES[name]:
        text = case().to_json()
        assert not re.search(r":\.\d*[eg]\}", text), "d3's e and g may"


def test_signal_shows_every_unit_of_every_layer() -> None:
    pixels, *layers, answers = figures.signal(IMAGE, ACTIVATIONS).data
    assert np.array_equal(pixels.z, IMAGE.reshape(28, 28))
    for layer, activations in zip(layers, ACTIVATIONS[:-1], strict=True):
        assert np.array_equal(layer.z[np.isfinite(layer.z)], activations)
        assert layer.zmin < layer.zmax
    assert list(answers.x) == pytest.approx(100 * PROBABILITIES)


def test_ink_and_paper_are_the_marks_that_the_theme_fills_in() -> None:
    assert (style.INK, style.PAPER) == (GRAY_90, BG_COLOR)
