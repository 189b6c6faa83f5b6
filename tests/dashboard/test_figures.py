"""The figures: what is drawn is what was given, and every axis says what it is."""

import inspect
import math
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import pytest

from dashboard import figures
from dashboard.figures import style
from dashboard.figures.cells import grid_shape
from nnlib.study.calibration import Reliability
from nnlib.study.distributions import Distribution
from nnlib.study.landscape import Landscape, Path
from nnlib.training.rate_finder import RatePoint, RateTrial
from nnlib.training.trainer import EpochRecord, Progress

RANDOM = np.random.default_rng(1)
IMAGE = RANDOM.random(784)
PROBABILITIES = np.array([0.05, 0.05, 0.1, 0.6, 0.05, 0.05, 0.03, 0.03, 0.02, 0.02])
ACTIVATIONS = [RANDOM.random(128), np.zeros(64), RANDOM.random(7), PROBABILITIES]


def record(epoch: int) -> EpochRecord:
    return EpochRecord(epoch, 10 * epoch, 0.001, 1 / epoch, 0.8, 2 / epoch, 0.9, (0.1, 0.2, 0.3), (0, 1), epoch)


RECORDS = [record(epoch) for epoch in (1, 2, 3)]
PROGRESS = [Progress(step / 10, step, 0.001 * step, 1.0, 0.5, 1.0) for step in range(1, 30)]
POINTS = [RatePoint(1e-6 * 1.5**step, abs(2.3 - step / 10)) for step in range(40)]
TRIALS = [RateTrial(0.01, None), RateTrial(0.002, 0.3), RateTrial(0.001, 0.2)]
EPOCHS = [0, 0.002, 1, 2]
SPREAD = Distribution(np.array([-0.5, 0, 0.5, 1]), np.array([[0, 4, 0], [1, 2, 1], [2, 1, 1], [3999, 0, 1]]))


def valley(*ends: float) -> Landscape:
    """A valley along y = 0, whose walls no colour tells apart from the sky, and straight paths into it from (-4, 2)."""
    x, y = np.linspace(-5, 5, 9), np.linspace(-3, 3, 9)
    loss = 0.1 + np.exp(2 * np.abs(y))[:, None] - 1 + 0 * x
    paths = []
    for number, end in enumerate(ends, 1):
        points = np.linspace([-4, 2], [end, 0], 5)
        paths.append(Path(f"run {number}", (0, 0.02, 1, 2, 3), points, np.array([2.3, 64, 1, 0.5, 0.1])))
    return Landscape(x, y, loss, np.full(loss.shape, 0.5), tuple(paths), 0.9, 1000, 1.0)


CASES: dict[str, list[Callable[[], go.Figure]]] = {
    "learning_rate_curve": [
        lambda: figures.learning_rate_curve(RECORDS, PROGRESS),
        lambda: figures.learning_rate_curve([], []),
    ],
    "per_layer_curve": [
        lambda: figures.per_layer_curve("Title", "units", [1, 2], [(1, 2, 3)] * 2, ["a", "b", "c"]),
        lambda: figures.per_layer_curve("Title", "units", [], [], ["a", "b", "c"]),
    ],
    "update_ratio_curve": [
        lambda: figures.update_ratio_curve([1, 2], [(0.001, 0.01)] * 2, ["a", "b"]),
        lambda: figures.update_ratio_curve([], [], ["a", "b"]),
    ],
    "distributions": [
        lambda: figures.distributions("Title", "weight", EPOCHS, [("layer 1", SPREAD), ("answers", SPREAD)]),
        lambda: figures.distributions("Title", "weight", [], []),
    ],
    "landscape": [lambda: figures.landscape(valley(2)), lambda: figures.landscape(valley(2, 4, -2, 0))],
    "mountains": [lambda: figures.mountains(valley(2)), lambda: figures.mountains(valley(2, 4, -2, 0))],
    "rate_curve": [
        lambda: figures.rate_curve(POINTS, TRIALS, 0.001),
        lambda: figures.rate_curve([], [], None),
    ],
    "overlay": [lambda: figures.overlay({"one": RECORDS, "other": RECORDS[:1]}, 10), lambda: figures.overlay({}, 10)],
    "class_counts": [lambda: figures.class_counts(np.full(10, 6000), np.full(10, 1000))],
    "pixel_values": [lambda: figures.pixel_values(np.array([8, 1, 1]), np.array([0, 0.3, 0.6, 1]))],
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
        assert figure.layout.title.text
        axes = figure.layout.scene if any(trace.type == "surface" for trace in figure.data) else figure.layout
        assert axes.xaxis.title.text
        assert axes.yaxis.title.text


@pytest.mark.parametrize(
    "name", ["learning_rate_curve", "per_layer_curve", "update_ratio_curve", "distributions", "rate_curve", "overlay"]
)
def test_curves_that_grow_keep_a_zoom(name: str) -> None:
    full, empty = (case().layout.uirevision for case in CASES[name])
    assert full
    assert full == empty


def test_where_a_setting_was_changed_both_lines_of_a_run_have_a_mark() -> None:
    figure = figures.overlay({"one": RECORDS, "other": RECORDS}, 10, {"other": [(1.5, "dropout 0 → 0.1")]})
    marks = [trace for trace in figure.data if trace.mode == "markers"]
    assert [(mark.legendgroup, list(mark.x), mark.yaxis) for mark in marks] == [
        ("other", [1.5], y) for y in ("y", "y2")
    ]
    first, second = (record.validation_accuracy for record in RECORDS[:2])
    assert marks[0].y[0] == pytest.approx((first + second) / 2)
    assert "dropout 0 → 0.1" in marks[0].hovertemplate[0]


def test_learning_rate_is_drawn_in_order_of_time() -> None:
    line = figures.learning_rate_curve(RECORDS, PROGRESS[::-1]).data[0]
    assert list(line.x) == sorted(line.x)


def test_the_suggested_rate_is_marked_and_what_diverged_has_no_dot() -> None:
    figure = figures.rate_curve(POINTS, TRIALS, 0.001)
    each, curve, dots = figure.data
    assert list(each.x) == list(curve.x) == [point.learning_rate for point in POINTS]
    assert list(zip(dots.x, dots.y, strict=True)) == [(0.002, 0.3), (0.001, 0.2)]
    assert [line.x0 for line in figure.layout.shapes] == [0.001]
    assert [said.text for said in figure.layout.annotations] == ["suggested: 0.001"]
    before = figures.rate_curve(POINTS[:3], [], None)
    assert before.layout.xaxis.range == figure.layout.xaxis.range, "the curve grows in its place"
    assert not before.layout.shapes


def test_layers_have_one_line_each() -> None:
    lines = figures.per_layer_curve("Title", "units", [1, 2], [(1, 2), (3, 4)], ["first", "second"]).data
    assert [(line.name, list(line.y)) for line in lines] == [("first", [1, 3]), ("second", [2, 4])]
    assert lines[0].line.dash != lines[1].line.dash


def test_epochs_of_which_nothing_is_known_are_left_out() -> None:
    lines = figures.per_layer_curve("Title", "share", [1, 2, 3], [(), (1, 2), (3, 4)], ["first", "second"]).data
    assert [(list(line.x), list(line.y)) for line in lines] == [([2, 3], [1, 3]), ([2, 3], [2, 4])]
    assert not figures.per_layer_curve("Title", "share", [1, 2], [(), ()], ["first"]).data[0].y


@pytest.mark.parametrize("ratios", [[(1e-9, 1e-8)], [(0.3, 1e300)], [], [(0.0, 0.0)]])
@pytest.mark.parametrize("log", [True, False])
def test_the_healthy_band_of_updates_is_always_in_sight(ratios: list[tuple[float, ...]], log: bool) -> None:
    figure = figures.update_ratio_curve(range(len(ratios)), ratios, ["a", "b"], log)
    band, line = figure.layout.shapes
    assert band.y0 < line.y0 == 0.001 < band.y1
    low, high = figure.layout.yaxis.range
    if log:
        assert low < math.log10(band.y0) < math.log10(band.y1) < high
    else:
        assert low < band.y0 < band.y1 < high


# --- distributions ---


def test_tiles_have_the_share_of_every_bin_and_are_clear_where_there_is_nothing() -> None:
    first, second = figures.distributions("Title", "weight", EPOCHS, [("layer 1", SPREAD), ("answers", SPREAD)]).data
    assert (first.yaxis, second.yaxis) == ("y", "y2")
    np.testing.assert_allclose(first.customdata, 100 * SPREAD.shares.T, rtol=1e-6)
    assert list(first.x) == ["0", "0.002", "1", "2"]
    assert list(first.y) == [-0.5, 0, 0.5, 1]
    np.testing.assert_allclose(first.z[:, 1], np.log10([25, 50, 25]), rtol=1e-6)
    np.testing.assert_array_equal(np.isnan(first.z), SPREAD.counts.T == 0)
    (linear,) = figures.distributions("Title", "weight", EPOCHS, [("layer 1", SPREAD)], log=False).data
    np.testing.assert_allclose(linear.z[:, 1], [25, 50, 25])


def test_the_tiles_of_all_layers_share_colours_and_the_axis_of_epochs_and_never_overlap() -> None:
    layers = [(f"layer {number}", SPREAD) for number in range(7)]
    layout = figures.distributions("Title", "weight", EPOCHS, layers).layout
    places = [layout[f"yaxis{number or ''}"].domain for number in (0, *range(2, 8))]
    assert all(low > below for (low, _), (_, below) in pairwise(places))
    assert places[0][1] == 1
    assert places[-1][0] == pytest.approx(0, abs=1e-9)
    assert layout.xaxis.anchor == "y7"
    assert list(layout.coloraxis.colorbar.ticktext) == ["0.01", "0.1", "1", "10", "100"]


@pytest.mark.parametrize("last", [1, 3, 20, 100, 1000])
def test_epochs_on_the_axis_are_whole_round_and_not_too_many(last: int) -> None:
    early = [step / 313 for step in (0, 1, 2, 5, 10, 20, 50, 100, 200)]
    every = max(1, last // 100)
    epochs = [*early, *sorted({1, *range(every, last + 1, every)})]
    spread = Distribution(np.array([0.0, 1]), np.ones((len(epochs), 1), int))
    ticks = figures.distributions("Title", "weight", epochs, [("layer 1", spread)]).layout.xaxis.ticktext
    assert list(ticks[:2]) == ["0", "1"]
    assert len(ticks) <= 15
    assert all(tick.isdecimal() for tick in ticks)
    assert last < 20 or len(ticks) >= 4


@pytest.mark.parametrize("picture", ["png", "svg"])
def test_a_chart_with_buttons_can_be_zoomed_and_saved(picture: str) -> None:
    config = figures.bar(picture, "run-3-weights")
    assert config["displayModeBar"]
    assert not config["displaylogo"], "it leads to the network"
    assert {"zoom2d", "autoScale2d", "toImage"} <= set(config["modeBarButtons"][0])
    saved = config["toImageButtonOptions"]
    assert (saved["format"], saved["filename"]) == (picture, "run-3-weights")


def test_pixel_values_are_shares_of_all() -> None:
    bars = figures.pixel_values(np.array([8, 1, 1]), np.array([0, 0.3, 0.6, 1])).data[0]
    assert sum(bars.y) == pytest.approx(100)
    assert list(bars.x) == pytest.approx([0.15, 0.45, 0.8])


# --- the landscape ---


def test_a_map_shows_the_loss_and_each_path_from_its_start_to_its_end() -> None:
    found = valley(2, 4)
    figure = figures.landscape(found)
    ground, *lines = figure.data
    low, high = ground.zmin, ground.zmax
    np.testing.assert_allclose(ground.z, np.clip(np.log10(found.loss), low, high))
    assert 10**low == pytest.approx(found.loss.min())
    named = [line for line in lines if line.showlegend is None]
    assert [line.name for line in named] == ["run 1", "run 2"]
    assert len({line.line.color for line in named}) == len({line.line.dash for line in named}) == 2
    for line, path in zip(named, found.paths, strict=True):
        np.testing.assert_array_equal(np.column_stack([line.x, line.y]), path.points)
    assert figure.layout.xaxis.title.text == "first main direction of their paths"
    assert figures.landscape(valley(2)).layout.yaxis.title.text == "second main direction of its path"


def test_dots_of_a_map_tell_the_true_loss() -> None:
    ground, *_, dots = figures.landscape(valley(2)).data
    assert dots.marker.color == pytest.approx(np.log10([2.3, 10**ground.zmax, 1, 0.5, 0.1]))
    assert (dots.marker.cmin, dots.marker.cmax) == (ground.zmin, ground.zmax)
    assert list(dots.customdata) == [
        "run 1, start: loss 2.3",
        "run 1, within epoch 1: loss 64",
        "run 1, epoch 1: loss 1",
        "run 1, epoch 2: loss 0.5",
        "run 1, epoch 3: loss 0.1",
    ]


def test_a_map_says_where_paths_start_and_end_and_no_word_covers_another() -> None:
    signs = figures.landscape(valley(2, 4, -2, 0)).layout.annotations
    words = [sign.text for sign in signs]
    assert words.count("start") == 1, "they start at the same place"
    assert words.count("end, epoch 3") >= 2
    places = [(sign.x / 10, sign.y / 6, sign.yshift > 0) for sign in signs]
    for n, (x, y, above) in enumerate(places):
        for other_x, other_y, other_above in places[:n]:
            assert abs(x - other_x) > 0.15 or abs(y - other_y) > 0.05 or above != other_above
    assert [sign.text for sign in figures.landscape(valley(2)).layout.annotations] == [
        "start",
        "end, epoch 3",
        "epoch 1",
        "epoch 2",
    ]


@pytest.mark.parametrize("draw", [figures.landscape, figures.mountains])
@pytest.mark.parametrize("loss", [1e6, 1e-9, 0.1])
def test_a_flat_landscape_can_be_drawn(draw: Callable[[Landscape], go.Figure], loss: float) -> None:
    bar = draw(replace(valley(2), loss=np.full((9, 9), loss))).data[0].colorbar
    assert 2 <= len(bar.tickvals) == len(bar.ticktext) <= 8
    assert bar.title.text == "loss"
    assert not any(re.search(r"\de|\^|[A-Z]", text) for text in bar.ticktext)


def test_paths_of_mountains_lie_on_the_ground_and_are_seen() -> None:
    found = valley(2, 4)
    figure = figures.mountains(found)
    ground, line, dots, *_ = figure.data
    assert len(line.x) > len(dots.x)
    for x, y, z in zip(line.x, line.y, line.z, strict=True):
        heights = [np.interp(x, found.x, row) for row in ground.z]
        assert 0 < z - np.interp(y, found.y, heights) < 0.1
    # the valley is open at its two ends: its walls hide it from everywhere else
    eye = figure.layout.scene.camera.eye
    assert abs(eye.x) > 10 * abs(eye.y)


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
    for log, kind in ((True, "log"), (False, "linear")):
        values = [(1, 1e25), (2, 3)]
        gradients = figures.per_layer_curve("Title", "gradient norm", [1, 2], values, ["a", "b"], log).layout.yaxis
        assert gradients.type == kind
        assert ("log scale" in gradients.title.text) == log
        assert 2 <= len(gradients.tickvals) <= 6


@pytest.mark.parametrize("name", public_figures())
def test_no_figure_writes_powers_of_ten(name: str) -> None:
    for case in CASES[name]:
        text = case().to_json()
        assert not re.search(r":\.\d*[eg]\}", text), "d3's e and g may"


# --- what is drawn as HTML ---


def grids(html: str) -> list[tuple[int, int, list[str], str]]:
    """Columns, rows, what the cells say and in which form, of all grids of cells."""
    found = re.findall(r'data-columns="(\d+)" data-rows="(\d+)" data-says="([^"]*)" data-each="([^"]*)"', html)
    return [(int(columns), int(rows), unescape(says).split("|"), each) for columns, rows, says, each in found]


def shares(html: str) -> list[float]:
    return [float(share) for share in re.findall(r'style="--share: ([\d.]+)" title=', html)]


@pytest.mark.parametrize("n", [1, 2, 5, 16, 17, 32, 64, 128, 256, 257, 1024])
def test_a_grid_holds_all_in_no_row_too_many_and_about_as_a_screen_is(n: int) -> None:
    columns, rows = grid_shape(n)
    assert columns * (rows - 1) < n <= columns * rows
    assert n < 5 or 0.9 <= columns / rows <= 2.5


def test_every_cell_says_something_and_the_chosen_one_has_a_frame() -> None:
    html = figures.cells(3, 2, ["a", "", "<c>", "d"], chosen=5, below="<img>", each="it is {says}")
    assert grids(html) == [(3, 2, ["a", "", "<c>", "d"], "it is {says}")]
    (frame,) = re.findall(r'<b style="(.*?)">', html)
    assert frame == "left: 66.667%; top: 50.000%; width: 33.333%; height: 50.000%"
    assert html.count("<img>") == 1
    assert "<b" not in figures.cells(1, 1, ["a"])


def test_probabilities_are_bars_with_a_title_and_axes_and_the_highest_stands_out() -> None:
    html = figures.probabilities(PROBABILITIES)
    assert shares(html) == pytest.approx(PROBABILITIES)
    assert re.findall("<(?:figcaption|em)>(.*?)<", html) == ["How sure it is of each digit", "probability (%)", "digit"]
    assert html.count('class="best"') == 1
    assert re.search(r'class="best"[^>]*><b>60%</b><i></i><span>3<', html)
    nothing = figures.probabilities(np.zeros(10))
    assert 'class="best"' not in nothing
    assert "<b></b>" in nothing
    assert "0%" not in re.sub('title="[^"]*"', "", nothing), "no number where there is no bar"


@pytest.mark.parametrize("true", [3, 5])
def test_the_true_digit_is_marked_in_words_too(true: int) -> None:
    html = figures.probabilities(PROBABILITIES, true=true)
    assert re.findall(r"<span>(\d)<br>true", html) == [str(true)]
    assert html.count('class="best"') == (0 if true == 3 else 1), "green, where the highest is the true one"


def test_pixels_say_what_they_are_and_stand_as_in_the_picture() -> None:
    html = figures.pixels(IMAGE, "A <title>")
    ((columns, rows, says, each),) = grids(html)
    assert (columns, rows) == (28, 28)
    assert [float(value) for value in says] == pytest.approx(IMAGE, abs=0.005)
    assert each == "row {row}, column {column}: {says}"
    assert re.findall("<(?:figcaption|em)>(.*?)<", html) == ["A &lt;title&gt;", "row (pixels)", "column (pixels)"]


def test_signal_shows_every_unit_of_every_layer() -> None:
    html = figures.signal(IMAGE, ACTIVATIONS)
    titles = re.findall("<figcaption>(.*?)</figcaption>", html)
    assert titles == ["784 pixels", "128 units", "64 units", "7 units", "10 answers"]
    layers = grids(html)
    assert len(layers) == 3
    for (columns, rows, says, _), activations in zip(layers, ACTIVATIONS[:-1], strict=True):
        assert [float(output) for output in says] == pytest.approx(activations, abs=0.005)
        assert columns * (rows - 1) < len(activations) <= columns * rows
    assert shares(html) == pytest.approx(PROBABILITIES)


def test_a_unit_is_chosen_among_all() -> None:
    ((columns, rows, says, each),) = grids(figures.unit_cells(128, 5, "<img>"))
    assert columns * rows >= 128
    assert says == [str(unit) for unit in range(128)]
    assert each == "unit {says}"
    ((_, _, weights, _),) = grids(figures.unit(IMAGE - 0.5, 0.5))
    assert [float(weight) for weight in weights] == pytest.approx(IMAGE - 0.5, abs=0.005)
    assert all(weight[0] in "+-" for weight in weights)


def test_a_gallery_has_a_place_to_click_for_each_digit() -> None:
    html = figures.gallery([("3 read as 5", "no. <1>"), ("8 read as 1", "no. 2")], np.zeros((2, 784)))
    assert re.findall(r'<figure data-number="(\d)"', html) == ["0", "1"]
    assert re.findall("<figcaption>(.*?)</figcaption>", html) == [
        "3 read as 5<br>no. &lt;1&gt;",
        "8 read as 1<br>no. 2",
    ]


@pytest.mark.parametrize(("n", "columns", "shape"), [(1, 1, 1), (12, 6, 178 / 58), (10, 10, 298 / 28)])
def test_ink_has_the_shape_of_its_sheet(n: int, columns: int, shape: float) -> None:
    (found,) = re.findall(r"--shape: ([\d.]+)", figures.ink(np.zeros((n, 784)), columns))
    assert float(found) == pytest.approx(shape, abs=1e-4)


def test_what_being_sure_costs_is_drawn_also_where_nothing_is_answered() -> None:
    percents = np.arange(10, 100)
    answered = np.linspace(1, 0, 90)
    for right in (np.linspace(0.99, 1, 90), np.where(answered > 0.5, 0.1, np.nan), np.full(90, np.nan)):
        drawn = figures.cost(percents, answered, right, 89)
        assert "nan" not in drawn
        assert drawn.count("<polyline") == 2
    assert "96" in figures.cost(percents, answered, np.linspace(0.99, 1, 90), 0), "the axis shows what differs"


# --- why a digit is read as it is ---


def test_a_sheet_has_a_cell_and_a_caption_for_each_digit() -> None:
    captions, says = [f"{n}→<b>" for n in range(23)], [f"no. {n}" for n in range(23)]
    html = figures.sheet(RANDOM.random((23, 784)), 10, captions, says, 12)
    ((columns, rows, found, _),) = grids(html)
    assert (columns, rows, found) == (10, 3, says)
    assert [unescape(each) for each in re.findall("<span>(.*?)</span>", html)] == captions
    (left, top) = re.search(r'<b style="left: ([\d.]+)%; top: ([\d.]+)%', html).groups()  # type: ignore[union-attr]
    assert (float(left), float(top)) == pytest.approx((20, 100 / 3), abs=0.01)


def test_every_pixel_of_every_way_says_how_much_it_speaks_for_the_answer() -> None:
    values = RANDOM.standard_normal((3, 784))
    ways = [(f"way {n}", each, "what it says & what not") for n, each in enumerate(values)]
    html = figures.evidence(IMAGE, ways)
    found = grids(html)
    assert len(found) == 3
    for (_, _, says, _), expected in zip(found, values, strict=True):
        assert [float(each) for each in says] == pytest.approx(expected, abs=0.005)
    assert html.count("what it says &amp; what not") == 3
    assert "nan" not in figures.evidence(IMAGE, [("nothing", np.zeros(784), "")])


def test_a_history_has_a_line_for_each_digit_and_the_answers_below() -> None:
    probabilities = np.full((40, 10), 0.01)
    probabilities[:20, 4], probabilities[20:, 9] = 0.91, 0.91
    html = figures.history(list(range(40)), probabilities, [(4, "4, the true digit"), (9, "9, its answer now")])
    lines = re.findall('<polyline class="(.*?)" points="(.*?)"', html)
    assert [kind for kind, _ in lines] == ["true", "answer"]
    assert all(len(points.split()) == 40 for _, points in lines)
    below = re.findall(r'<text class="(\w*)" [^>]*>(\d)</text>', html)
    assert 16 <= len(below) <= 32, "few enough to be read"
    assert below[0] == ("true", "4")
    assert below[-1] == ("answer", "9")
    assert "nan" not in figures.history([0, 0], probabilities[:2], [(4, "4")]), "two moments at the same time"


def test_a_reliability_diagram_has_a_bar_for_each_range_with_answers() -> None:
    found = Reliability(np.array([0, 10, 30]), np.array([0, 0.5, 0.9]), np.array([0, 0.4, 1.0]))
    html = figures.reliability(found, "As it <says>")
    heights = [float(each) for each in re.findall(r'<rect [^>]*height="([\d.]+)"', html)]
    assert len(heights) == 2
    assert heights[0] / heights[1] == pytest.approx(0.4, abs=0.01)
    assert "10 answers, 50.0% sure on average: 40.0% right" in html
    assert "As it &lt;says&gt;" in html
