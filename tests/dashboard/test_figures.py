"""The figures: what is drawn is what was given, and every axis says what it is."""

import inspect
from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import pytest

from dashboard import figures
from nnlib.training.trainer import EpochRecord, Progress

RANDOM = np.random.default_rng(1)
MATRIX = RANDOM.integers(0, 9, (10, 10)) + 90 * np.eye(10, dtype=int)
IMAGE = RANDOM.random(784)
WEIGHTS = RANDOM.normal(size=(784, 128))
PROBABILITIES = np.array([0.05, 0.05, 0.1, 0.6, 0.05, 0.05, 0.03, 0.03, 0.02, 0.02])
ACTIVATIONS = [RANDOM.random(128), np.zeros(64), RANDOM.random(7), PROBABILITIES]
PICTURES = {"signal", "weight_grid"}  # of many small parts, which axes would only hide


def record(epoch: int) -> EpochRecord:
    return EpochRecord(epoch, 10 * epoch, 0.001, 1 / epoch, 0.8, 2 / epoch, 0.9, (0.1, 0.2, 0.3), (0, 1), epoch)


RECORDS = [record(epoch) for epoch in (1, 2, 3)]
PROGRESS = [Progress(step / 10, step, 0.001 * step, 1.0, 0.5, 1.0) for step in range(1, 30)]

CASES: dict[str, list[Callable[[], go.Figure]]] = {
    "loss_curve": [lambda: figures.loss_curve(RECORDS, PROGRESS, 10), lambda: figures.loss_curve([], [], 10)],
    "accuracy_curve": [
        lambda: figures.accuracy_curve(RECORDS, PROGRESS, 10),
        lambda: figures.accuracy_curve([], [], 1),
    ],
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
    "confusion": [
        lambda: figures.confusion(MATRIX),
        lambda: figures.confusion(MATRIX, (4, 9)),
        lambda: figures.confusion(np.zeros((10, 10), int)),
    ],
    "weight_grid": [lambda: figures.weight_grid(WEIGHTS, 0), lambda: figures.weight_grid(np.zeros((784, 1)), 0)],
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


@pytest.mark.parametrize("name", ["loss_curve", "accuracy_curve", "learning_rate_curve", "per_layer_curve"])
def test_live_curves_keep_a_zoom(name: str) -> None:
    full, empty = (case().layout.uirevision for case in CASES[name])
    assert full
    assert full == empty


def test_loss_curve_draws_every_epoch_of_both_kinds_of_digits() -> None:
    within, training, validation = figures.loss_curve(RECORDS, PROGRESS, 10).data
    assert len(within.x) == len(PROGRESS)
    assert list(training.x) == list(validation.x) == [1, 2, 3]
    assert list(training.y) == [r.training_loss for r in RECORDS]
    assert list(validation.y) == [r.validation_loss for r in RECORDS]
    assert training.line.dash != validation.line.dash, "told apart without colours too"


def test_accuracy_is_in_percent() -> None:
    figure = figures.accuracy_curve(RECORDS, PROGRESS, 10)
    assert "%" in figure.layout.yaxis.title.text
    assert list(figure.data[1].y) == pytest.approx([80] * 3)
    assert list(figure.data[2].y) == pytest.approx([90] * 3)


def test_curves_leave_room_for_the_epochs_to_come() -> None:
    for curve in (figures.loss_curve, figures.accuracy_curve):
        low, high = curve(RECORDS, PROGRESS, 10).layout.xaxis.range
        assert (low, high) == (0, pytest.approx(10, rel=0.05))


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


def clickable(figure: go.Figure) -> go.Scatter:
    return next(trace for trace in figure.data if isinstance(trace, go.Scatter))


def test_every_cell_of_the_confusion_matrix_can_be_clicked() -> None:
    figure = figures.confusion(MATRIX)
    cells = clickable(figure)
    assert [tuple(cell) for cell in cells.customdata] == [(true, answer) for true in range(10) for answer in range(10)]
    for x, y, text, (true, answer) in zip(cells.x, cells.y, cells.text, cells.customdata, strict=True):
        assert (x, y) == (answer, true)
        assert text == (str(MATRIX[true, answer]) if MATRIX[true, answer] else "")
    assert "select" in figure.layout.clickmode


def test_chosen_cell_has_a_frame() -> None:
    assert not figures.confusion(MATRIX).layout.shapes
    (frame,) = figures.confusion(MATRIX, (4, 9)).layout.shapes
    assert ((frame.x0 + frame.x1) / 2, (frame.y0 + frame.y1) / 2) == pytest.approx((9, 4))


def test_weight_grid_has_a_picture_of_every_unit() -> None:
    figure = figures.weight_grid(WEIGHTS, 37)
    points = clickable(figure)
    assert list(points.customdata) == list(range(128))
    assert len(set(zip(points.x, points.y, strict=True))) == 128
    (picture,) = figure.layout.images
    assert picture.source.startswith("data:image/png")
    for frame in figure.layout.shapes:
        assert frame.x0 < points.x[37] < frame.x1
        assert frame.y0 < points.y[37] < frame.y1


@pytest.mark.parametrize("n", [1, 5, 16, 17, 128, 256, 257, 1024])
def test_weight_grid_of_any_width_lies_within_its_axes(n: int) -> None:
    figure = figures.weight_grid(WEIGHTS[:, RANDOM.integers(0, 128, n)], n - 1)
    points = clickable(figure)
    left, right = figure.layout.xaxis.range
    bottom, top = figure.layout.yaxis.range
    assert len(points.customdata) == n
    assert left < min(points.x) <= max(points.x) < right
    assert top < min(points.y) <= max(points.y) < bottom
    assert figures.weight_grid_aspect(n) == pytest.approx((right - left) / (bottom - top), rel=0.1)


def test_signal_shows_every_unit_of_every_layer() -> None:
    pixels, *layers, answers = figures.signal(IMAGE, ACTIVATIONS).data
    assert np.array_equal(pixels.z, IMAGE.reshape(28, 28))
    for layer, activations in zip(layers, ACTIVATIONS[:-1], strict=True):
        assert np.array_equal(layer.z[np.isfinite(layer.z)], activations)
        assert layer.zmin < layer.zmax
    assert list(answers.x) == pytest.approx(100 * PROBABILITIES)
