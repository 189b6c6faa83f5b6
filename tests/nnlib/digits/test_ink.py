"""Where the ink is: on canvases of any colours and on photographed paper, and nowhere where nothing was written."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from nnlib.digits.ink import find_ink
from nnlib.errors import DrawingError
from nnlib.model_files import load_pretrained
from nnlib.reading import read_digits
from tests.pen_strokes import load_strokes, render
from tests.photos import PAPERS, Ruling, Scene, choose_scene, ink_cover, lay_out, photograph

STROKES, LABELS = zip(*load_strokes(), strict=True)
A_FEW = range(0, 1500, 50)
BLOTCHES = 0.5 + ndimage.gaussian_filter(np.random.default_rng(1).normal(0, 1.2, (280, 280)), 4)


def only_digit(picture: np.ndarray) -> np.ndarray:
    (digit,) = read_digits(picture, load_pretrained()).digits
    return digit.image


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """The ink that only one of two digits has, as a share of the ink of one: 0 the same, 2 nothing in common."""
    return float(np.abs(first - second).sum() / ((first + second).sum() / 2))


def plain_scene(seed: int) -> Scene:
    """White paper in even light, on which a felt pen writes one digit, 1,100 pixels wide."""
    scene = choose_scene(np.random.default_rng(seed), 1, PAPERS[:1])
    factor = 1100 / scene.width
    return replace(
        scene,
        width=1100,
        height=round(scene.height * factor),
        view=np.diag([factor, factor, 1]) @ scene.view,
        pens=(((0.1, 0.1, 0.12), 0.9),),
        table=None,
        shadows=(),
        glare=None,
        vignetting=0,
        slope=(0, 0),
        brightness=0.9,
        blur=0.7,
        motion=(0, 0),
        noise=0.01,
        jpeg=85,
    )


def agreement(picture: np.ndarray, scene: Scene, digit: list[np.ndarray]) -> float:
    """How much of what is found and of what was written is both, 0 to 1; a pixel more or less at edges is nothing."""
    ink, reduction = find_ink(picture)
    laid = lay_out([digit], scene, np.random.default_rng(scene.seed))
    cover = ink_cover(laid, scene)
    height, width = (side * reduction for side in ink.shape)
    padded = np.pad(cover, ((0, height - cover.shape[0]), (0, width - cover.shape[1])))
    written = padded.reshape(ink.shape[0], reduction, ink.shape[1], reduction).mean(axis=(1, 3)) >= 100
    found = ink >= 0.5
    near = [ndimage.binary_dilation(each, np.ones((3, 3)), iterations=2) for each in (written, found)]
    return float(min((found & near[0]).sum() / max(found.sum(), 1), (written & near[1]).sum() / written.sum()))


HAND = np.array([[-0.1, -0.1], [0.55, -0.1], [0.6, 0.3], [0.45, 0.45], [0.3, 0.4], [-0.1, 0.6]])
BLUE_LINES = tuple(Ruling(5, 0.25, (0.4, 0.55, 0.85), 0.7, upright) for upright in (False, True))


# on photographed paper


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="plain"),
        pytest.param({"shadows": ((HAND, 0.003, 0.5),)}, id="hard shadow"),
        pytest.param({"shadows": ((HAND, 0.04, 0.6),)}, id="soft shadow"),
        pytest.param({"rulings": BLUE_LINES}, id="squared"),
        pytest.param({"rulings": BLUE_LINES[:1]}, id="ruled"),
        pytest.param({"pens": (((0.1, 0.1, 0.1), 0.25),)}, id="soft pencil"),
        pytest.param({"pens": (((0.1, 0.1, 0.1), 0.35),), "rulings": BLUE_LINES}, id="pencil on squares"),
        pytest.param({"vignetting": 0.6, "glare": (0.3, 0.6, 0.2, 0.3)}, id="glare and vignetting"),
        pytest.param({"noise": 0.05, "brightness": 0.45}, id="night"),
        pytest.param({"jpeg": 30}, id="JPEG blocks"),
    ],
)
def test_what_was_written_is_found_and_nothing_else(change: dict) -> None:
    agreements = []
    for seed in range(3):
        scene, digit = replace(plain_scene(seed), **change), STROKES[50 * seed]
        agreements.append(agreement(photograph([digit], np.random.default_rng(seed), scene), scene, digit))
    assert np.median(agreements) > 0.9


@pytest.mark.parametrize("seed", [0, 2])
def test_a_dark_table_and_a_shadow_make_no_board_of_paper(seed: int) -> None:
    scene, digit = plain_scene(seed), STROKES[50 * seed]
    left, top = (middle - 1.2 * scene.digit_height for middle in scene.place)
    box = (left, top, left + 2.4 * scene.digit_height, top + 2.4 * scene.digit_height)
    scene = replace(scene, table="dark table", paper_box=box, brightness=0.5, shadows=((HAND, 0.003, 0.5),))
    assert agreement(photograph([digit], np.random.default_rng(seed), scene), scene, digit) > 0.9


@pytest.mark.parametrize("dash_px", [20, 60])
def test_a_low_dash_far_from_what_is_written_is_not_ink(dash_px: int) -> None:
    paper = np.full((700, 1000, 3), 220, np.uint8)
    paper[100:300, 100:300] -= render(STROKES[0], size=200, stroke_width=6)[..., :3] // 2
    paper[600:606, 800 : 800 + dash_px] -= 100
    paper += np.random.default_rng(0).integers(0, 6, (700, 1000, 1), np.uint8)
    ink, _ = find_ink(paper)
    assert ink[100:300, 100:300].max() == 1
    assert not ink[500:, 700:].any()


def test_small_digits_in_a_photo_of_24_megapixels_do_not_vanish() -> None:
    paper = np.full((4000, 6000, 3), 220, np.uint8)
    cover = render(STROKES[0], size=600, stroke_width=7, extent=0.7)[..., :1]
    paper[1500:2100, 2500:3100] -= (cover // 2).astype(np.uint8)
    paper += np.random.default_rng(0).integers(0, 12, (4000, 6000, 1), np.uint8)
    (digit,) = read_digits(paper, load_pretrained()).digits
    assert np.allclose(digit.box, (2590, 1590, 3010, 2010), atol=80)
    assert difference(digit.image, only_digit(render(STROKES[0]))) < 0.5


@pytest.mark.parametrize("seed", range(6))
def test_a_blank_page_holds_none(seed: int) -> None:
    scene = choose_scene(np.random.default_rng(seed), 1, PAPERS[:4])
    factor = 1100 / scene.width
    view = np.diag([factor, factor, 1]) @ scene.view
    scene = replace(scene, width=1100, height=round(scene.height * factor), view=view, table=None)
    assert not find_ink(photograph([], np.random.default_rng(seed), scene))[0].any()


def test_chalk_on_a_board_is_found() -> None:
    board = (60 + 120 * (render(STROKES[0], size=900, stroke_width=40)[..., :3] / 255)) * (0.7, 0.9, 0.8)
    board = board * np.linspace(0.6, 1, 900)[:, np.newaxis, np.newaxis] + np.random.default_rng(0).normal(
        0, 4, board.shape
    )
    assert difference(only_digit(board.clip(0, 255).astype(np.uint8)), only_digit(render(STROKES[0]))) < 0.3


# in any picture


def test_uneven_light_and_noise_are_not_ink() -> None:
    generator = np.random.default_rng(1)
    light = np.linspace(0.6, 1, 600)[:, None, None] * np.linspace(1, 0.8, 600)[:, None]
    for i in A_FEW[::6]:
        drawn = render(STROKES[i], size=600, stroke_width=38)[..., :3] / 255
        photo = (210 - 90 * drawn) * light * (1, 0.97, 0.9) + generator.normal(0, 8, drawn.shape)
        assert difference(only_digit(drawn), only_digit(photo.clip(0, 255).astype(np.uint8))) < 0.2


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(np.zeros((280, 280, 4), np.uint8), id="transparent"),
        pytest.param(render([np.array([[0, 0]])], ink=(0, 0, 0)), id="black on black"),
        pytest.param(np.full((280, 280, 3), (30, 200, 90), np.uint8), id="one colour"),
        pytest.param(np.add.outer(np.linspace(0, 0.4, 280), np.linspace(0, 0.6, 280)), id="shades"),
        pytest.param(np.random.default_rng(1).normal(0.5, 0.02, (280, 280, 3)), id="faint noise"),
        pytest.param(np.random.default_rng(1).normal(0.5, 0.08, (280, 280)), id="noise"),
        pytest.param(np.random.default_rng(1).integers(200, 215, (600, 900, 3), np.uint8), id="noise of a scan"),
        pytest.param(BLOTCHES.clip(0, 1), id="blotches"),
        pytest.param(np.ones((1, 1)), id="one pixel"),
    ],
)
def test_a_picture_without_ink_holds_none(picture: np.ndarray) -> None:
    ink, _ = find_ink(picture)
    assert ink.dtype == np.float32
    assert not ink.any()


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        (np.zeros(784), r"the picture is 784: it must be height x width"),
        (np.zeros((28, 28, 2)), r"28 x 28 x 2"),
        (np.zeros((1, 28, 28, 3)), r"1 x 28 x 28 x 3"),
        (np.zeros((0, 28)), r"0 x 28"),
        (np.zeros(()), r"a single number"),
        (np.broadcast_to(np.uint8(0), (20, 12_001)), r"12,001 x 20 pixels: 12,000 on a side is most, so shrink it"),
        (np.zeros((28, 28), np.int64), r"type int64: it must be uint8, or floats from 0 to 1"),
        (np.zeros((28, 28), complex), r"type complex128"),
        (np.full((28, 28), 200.0), r"from 200 to 200: .* divide by 255"),
        (np.full((28, 28), -0.5), r"from -0.5 to -0.5"),
        (np.full((28, 28), np.nan), r"values that are not finite: floats must be finite"),
        (np.full((28, 28), np.inf), r"values that are not finite: floats must be finite"),
    ],
)
def test_another_array_is_refused_with_its_shape_or_values(picture: np.ndarray, sentence: str) -> None:
    with pytest.raises(DrawingError, match=sentence):
        find_ink(picture)


@pytest.mark.parametrize("shape", [(1, 12_000), (12_000, 1), (12_000, 12_000)])
def test_the_largest_pictures_are_searched(shape: tuple[int, int]) -> None:
    assert not find_ink(np.broadcast_to(np.uint8(0), shape))[0].any()


def test_small_digits_in_a_large_noisy_photo_keep_their_strokes() -> None:
    some, ink, paper = A_FEW[:10], (70, 70, 70), (200, 200, 200)
    photo = np.full((900, 1200), 200.0)
    for number, i in enumerate(some):
        small = render(STROKES[i], size=64, stroke_width=3, ink=ink, paper=paper)
        photo[400:464, 40 + 110 * number : 104 + 110 * number] = small[..., 0]
    photo += np.random.default_rng(1).normal(0, 4, photo.shape)
    found = read_digits(photo.clip(0, 255).astype(np.uint8), load_pretrained()).digits
    assert len(found) == len(some)
    large = [only_digit(render(STROKES[i], stroke_width=3 * 280 / 64, ink=ink, paper=paper)) for i in some]
    assert np.mean([difference(one.image, other) for one, other in zip(found, large, strict=True)]) < 0.35
