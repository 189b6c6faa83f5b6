"""Drawings: any picture becomes the digits in it as MNIST would have them, or a sentence saying why not."""

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from PIL import Image
from scipy import ndimage

from nnlib.digits import pictures
from nnlib.digits.cutting import Box
from nnlib.digits.mnist import load_mnist
from nnlib.digits.pictures import open_picture, read_picture
from nnlib.errors import DrawingError
from nnlib.model_files import load_pretrained
from nnlib.reading import ReadDigit, read_digits
from tests.pen_strokes import load_strokes, render

STROKES, LABELS = zip(*load_strokes(), strict=True)
A_FEW = range(0, 1500, 50)
BLOTCHES = 0.5 + ndimage.gaussian_filter(np.random.default_rng(1).normal(0, 1.2, (280, 280)), 4)


def find_digits(picture: np.ndarray) -> tuple[ReadDigit, ...]:
    return read_digits(picture, load_pretrained()).digits


def only_digit(picture: np.ndarray) -> np.ndarray:
    return max(find_digits(picture), key=lambda digit: digit.cut.size).image


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """The ink that only one of two digits has, as a share of the ink of one: 0 the same, 2 nothing in common.

    Two people's drawings of the same digit have 0.9 in the median, and seldom less than 0.45.
    """
    return float(np.abs(first - second).sum() / ((first + second).sum() / 2))


def bar(height: int, width: int) -> np.ndarray:
    """White on black, (280, 280): an upright or flat bar."""
    picture = np.zeros((280, 280), np.uint8)
    picture[30 : 30 + height, 50 : 50 + width] = 255
    return picture


def png(picture: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", **options)
    return file.getvalue()


# what a drawing becomes


def test_a_digit_is_an_image_as_the_network_takes_it() -> None:
    image = only_digit(render(STROKES[0]))
    assert (image.shape, image.dtype) == ((784,), np.float32)
    assert image.flags.c_contiguous
    assert image.min() == 0
    assert image.max() == 1


def test_the_box_holds_the_ink() -> None:
    (digit,) = find_digits(bar(120, 40))
    assert np.allclose(digit.box, (50, 30, 90, 150), atol=1)


def test_the_box_of_a_large_picture_is_in_its_own_pixels() -> None:
    picture = np.full((2000, 3000), 255, np.uint8)
    picture[600:1400, 1500:1700] = 0
    (digit,) = find_digits(picture)
    assert np.allclose(digit.box, (1500, 600, 1700, 1400), atol=6)


@pytest.mark.parametrize("index", A_FEW)
def test_the_larger_side_becomes_20_pixels_and_proportions_are_kept(index: int) -> None:
    # a thin pen, at MNIST's own width, so that its way has the proportions of the ink
    way = np.ptp(np.concatenate(STROKES[index]), axis=0)
    width, height = 17.5 * way / way.max() + 2.5
    ink = only_digit(render(STROKES[index], stroke_width=4)).reshape(28, 28) >= 0.5
    assert np.ptp(np.flatnonzero(ink.any(0))) + 1 == pytest.approx(width, abs=1.5)
    assert np.ptp(np.flatnonzero(ink.any(1))) + 1 == pytest.approx(height, abs=1.5)


@pytest.mark.parametrize("index", A_FEW)
def test_the_centre_of_mass_is_in_the_middle(index: int) -> None:
    image = only_digit(render(STROKES[index], centre=(0.4, 0.55))).reshape(28, 28)
    # MNIST's middle is the pixel (14, 14)
    assert np.allclose(ndimage.center_of_mass(image), (14, 14), atol=0.5)


@pytest.mark.parametrize("stroke_width", [2, 6, 12, 18, 26])
def test_strokes_are_as_wide_as_those_of_mnist(stroke_width: float) -> None:
    # of as much ink, then, since they are as long
    images = np.stack([only_digit(render(STROKES[i], stroke_width=stroke_width)) for i in range(0, 1500, 15)])
    assert images.mean() == pytest.approx(load_mnist().train.images.mean(), rel=0.1)


def test_a_hairline_survives_beside_a_blot() -> None:
    picture = np.zeros((280, 280), np.uint8)
    picture[40:110, 90:160] = 255
    picture[110:240, 140:144] = 255
    image = only_digit(picture).reshape(28, 28)
    blot, line = image[:14].sum(axis=0) > 0.5, image[18:].sum(axis=0) > 0.5
    assert blot.sum() > 5
    assert 1 <= line.sum() <= 3


# what must not matter


@pytest.mark.parametrize(
    ("closeness", "change"),
    [
        pytest.param(0.02, {"ink": (20, 20, 20), "paper": (255, 255, 255)}, id="dark on light"),
        pytest.param(0.02, {"ink": (200, 30, 30), "paper": (30, 30, 200)}, id="red on blue"),
        pytest.param(0.02, {"ink": (255, 255, 0), "paper": (255, 255, 255)}, id="yellow on white"),
        pytest.param(0.05, {"ink": (150, 150, 150), "paper": (190, 190, 190)}, id="grey on grey"),
        pytest.param(0.15, {"centre": (0.37, 0.58)}, id="place"),
        pytest.param(0.15, {"extent": 0.3, "stroke_width": 9}, id="size"),
        pytest.param(0.15, {"size": 1400, "stroke_width": 90}, id="canvas"),
        pytest.param(0.2, {"stroke_width": 6}, id="thin brush"),
        pytest.param(0.2, {"stroke_width": 26}, id="thick brush"),
    ],
)
def test_the_same_strokes_become_the_same_digit(closeness: float, change: dict[str, Any]) -> None:
    differences = [difference(only_digit(render(STROKES[i])), only_digit(render(STROKES[i], **change))) for i in A_FEW]
    assert np.quantile(differences, 0.95) < closeness


@pytest.mark.parametrize("ink", [(0, 0, 0), (255, 255, 255), (0, 90, 200)])
def test_a_transparent_canvas_reads_like_an_opaque_one(ink: tuple[int, int, int]) -> None:
    opaque = render(STROKES[3])
    transparent = np.empty_like(opaque)
    transparent[..., :3] = ink
    transparent[..., 3] = opaque[..., 0]
    transparent[transparent[..., 3] == 0] = 0  # as browsers do
    assert difference(only_digit(opaque), only_digit(transparent)) < 0.02


def test_floats_read_like_bytes() -> None:
    picture = render(STROKES[5])
    assert difference(only_digit(picture), only_digit(picture / 255)) < 1e-3


def test_a_digit_drawn_into_the_edges_of_the_canvas_is_found() -> None:
    for i in A_FEW:
        whole, cut = (only_digit(render(STROKES[i], extent=extent, stroke_width=12)) for extent in (0.9, 1.0))
        assert difference(whole, cut) < 0.35


def test_specks_are_no_digits_and_leave_no_trace() -> None:
    generator = np.random.default_rng(1)
    for i in A_FEW:
        clean = render(STROKES[i], extent=0.5)[..., 0]
        specked = np.where(generator.random(clean.shape) < 0.01, 255 - clean, clean)
        specked[4:12, 268:276] = 255
        assert difference(only_digit(clean), only_digit(specked)) < 0.2


def test_a_speck_inside_a_digit_leaves_no_trace() -> None:
    clean = render(STROKES[LABELS.index(0)], stroke_width=12)
    left, top, right, bottom = find_digits(clean)[0].box
    x, y = (left + right) // 2, (top + bottom) // 2
    specked = clean.copy()
    specked[y : y + 7, x : x + 7] = 255
    assert difference(only_digit(clean), only_digit(specked)) < 0.01


def test_uneven_light_and_noise_are_not_ink() -> None:
    generator = np.random.default_rng(1)
    light = np.linspace(0.6, 1, 600)[:, None, None] * np.linspace(1, 0.8, 600)[:, None]
    for i in A_FEW:
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
        pytest.param((np.random.default_rng(1).random((280, 280)) < 0.001) * 1.0, id="dust"),
        pytest.param(BLOTCHES.clip(0, 1), id="blotches"),
        pytest.param(np.ones((1, 1)), id="one pixel"),
    ],
)
def test_a_picture_without_ink_holds_no_digit(picture: np.ndarray) -> None:
    assert find_digits(picture) == ()


# one digit or several


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param((60, 100, 180, 140), (150, 60, 164, 220), id="low angle, high bar"),
    ],
)
def test_strokes_apart_are_one_digit(left: Box, right: Box) -> None:
    picture = np.zeros((280, 280), np.uint8)
    for x1, y1, x2, y2 in (left, right):
        picture[y1:y2, x1:x2] = 255
    assert len(find_digits(picture)) == 1


def test_digits_side_by_side_are_found_in_order() -> None:
    network = load_pretrained().network
    # such as are read right alone
    alone = [i for i in A_FEW if network.predict(only_digit(render(STROKES[i]))[np.newaxis])[0] == LABELS[i]]
    for pair in zip(alone[::2], alone[1::2], strict=False):
        canvas = np.concatenate([render(STROKES[i]) for i in pair], axis=1)
        digits = find_digits(canvas)
        assert list(network.predict(np.stack([digit.image for digit in digits]))) == [LABELS[i] for i in pair]
        assert digits[0].box[2] <= digits[1].box[0]


def test_a_digit_is_as_if_its_neighbour_were_not_there() -> None:
    one, other = render(STROKES[10]), render(STROKES[12])
    first, second = find_digits(np.concatenate([one, other], axis=1))
    assert difference(first.image, only_digit(one)) < 0.05
    assert difference(second.image, only_digit(other)) < 0.05


# what cannot be a picture


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        (np.zeros(784), r"the picture is 784: it must be height x width"),
        (np.zeros((28, 28, 2)), r"28 x 28 x 2"),
        (np.zeros((1, 28, 28, 3)), r"1 x 28 x 28 x 3"),
        (np.zeros((0, 28)), r"0 x 28"),
        (np.zeros(()), r"a single number"),
        (np.broadcast_to(np.uint8(0), (12_001, 40)), r"40 x 12,001 pixels: 12,000 on a side is most, so shrink it"),
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
        find_digits(picture)


COLOURS = st.sampled_from([(), (3,), (4,)])
SIDES = st.integers(1, 40)
PICTURES = st.tuples(SIDES, SIDES, COLOURS).flatmap(
    lambda shape: st.one_of(
        st_numpy.arrays(np.uint8, (*shape[:2], *shape[2])),
        # noise has more ink than hypothesis draws by itself
        st.integers(0, 2**32 - 1).map(
            lambda seed: np.random.default_rng(seed).integers(0, 256, (*shape[:2], *shape[2]), np.uint8)
        ),
    )
)


@given(PICTURES)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_picture_becomes_digits_or_none(picture: np.ndarray) -> None:
    height, width = picture.shape[:2]
    for digit in find_digits(picture):
        assert (digit.image.shape, digit.image.dtype) == ((784,), np.float32)
        assert digit.image.flags.c_contiguous
        assert np.isfinite(digit.image).all()
        assert digit.image.min() >= 0
        assert 0 < digit.image.max() <= 1
        left, top, right, bottom = digit.box
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height


@pytest.mark.parametrize("shape", [(1, 12_000), (12_000, 1), (12_000, 12_000)])
def test_the_largest_pictures_are_searched(shape: tuple[int, int]) -> None:
    assert find_digits(np.zeros(shape, np.uint8)) == ()


def test_small_digits_in_a_large_noisy_photo_keep_their_strokes() -> None:
    some, ink, paper = A_FEW[:10], (70, 70, 70), (200, 200, 200)
    photo = np.full((900, 1200), 200.0)
    for number, i in enumerate(some):
        small = render(STROKES[i], size=64, stroke_width=3, ink=ink, paper=paper)
        photo[400:464, 40 + 110 * number : 104 + 110 * number] = small[..., 0]
    photo += np.random.default_rng(1).normal(0, 4, photo.shape)
    found = find_digits(photo.clip(0, 255).astype(np.uint8))
    assert len(found) == len(some)
    large = [only_digit(render(STROKES[i], stroke_width=3 * 280 / 64, ink=ink, paper=paper)) for i in some]
    assert np.mean([difference(one.image, other) for one, other in zip(found, large, strict=True)]) < 0.35


# pictures from files


@pytest.mark.parametrize("kind", pictures.FORMATS)
def test_every_format_is_read(kind: str, tmp_path: Path) -> None:
    picture = render(STROKES[0])[..., :3]
    path = tmp_path / f"digit.{kind.lower()}"
    Image.fromarray(picture).save(path, kind)
    for source in (path, str(path), path.read_bytes()):
        read = read_picture(source)
        assert (read.shape, read.dtype) == ((280, 280, 3), np.uint8)
        assert difference(only_digit(read), only_digit(picture)) < 0.05


def test_a_phones_heic_is_read() -> None:
    picture, file = render(STROKES[0])[..., :3], io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(picture)).save(file, quality=95)
    assert difference(only_digit(read_picture(file.getvalue())), only_digit(picture)) < 0.1


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_photo_is_read_reduced(kind: str) -> None:
    picture, file = render(STROKES[0], size=5000, stroke_width=320)[..., :3], io.BytesIO()
    Image.fromarray(picture).save(file, kind)
    pixels, reduction = open_picture(file.getvalue())
    assert (pixels.shape, reduction) == ((2500, 2500, 3), 2)
    assert difference(only_digit(pixels), only_digit(render(STROKES[0]))) < 0.15


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_every_kind_of_colour_is_read(mode: str) -> None:
    expected = render(STROKES[0], ink=(0, 0, 0), paper=(255, 255, 255))
    file = io.BytesIO()
    Image.fromarray(expected).convert(mode).save(file, "TIFF" if mode == "CMYK" else "PNG")
    assert difference(only_digit(read_picture(file.getvalue())), only_digit(expected)) < 0.1


def test_16_bits_are_scaled_to_8() -> None:
    shades = np.arange(1024, dtype=np.uint16).reshape(32, 32) // 4
    assert np.array_equal(read_picture(png(shades * 257))[..., 0], shades)


def test_transparency_is_kept() -> None:
    picture = np.zeros((60, 60, 4), np.uint8)
    picture[10:50, 25:33, 3] = 255  # black on nothing
    assert len(find_digits(read_picture(png(picture)))) == 1


def test_a_photo_is_turned_as_its_exif_says() -> None:
    picture = render(STROKES[0])[..., :3]
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held a quarter turn to the left
    assert np.array_equal(read_picture(png(np.rot90(picture), exif=exif)), picture)


def announcing(width: int, height: int) -> bytes:
    """A PNG that says it is of this size."""
    content = png(np.zeros((1, 1), np.uint8))
    header = b"IHDR" + struct.pack(">II", width, height) + content[24:29]
    return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty: it has 0 bytes"),
        (b"GIF89a", "is a text, not a picture"),
        (b"P5 28 28 255\n" + bytes(784), "is damaged, or not a picture"),
        (png(render(STROKES[0]))[:900], "is cut off: the rest of it is missing"),
        (announcing(100, 100), "is cut off"),
        (announcing(0, 100), "is damaged, or not a picture"),
        (announcing(12_001, 12_001), "has 12,001 x 12,001 pixels: each side must have 20 to 12,000"),
        (announcing(60_000, 60_000), "has too many pixels: each side must have 20 to 12,000"),
        (announcing(600, 1), "has 600 x 1 pixels: each side must have 20 to 12,000"),
        (announcing(30, 4000), "has 30 x 4,000 pixels: one side may be at most 100 times the other"),
        (bytes(pictures.MAX_FILE_BYTES + 1), "has more than 80 MB"),
        (b"%PDF-1.7", "is a PDF"),
        (b"PK\x03\x04", "is an archive or a document"),
        (b'<svg xmlns="http://www.w3.org/2000/svg">', "is an SVG drawing"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "is damaged, or not a picture"),
        (b"\0\0\0\x18ftypisom" + bytes(40), "is a film"),
    ],
)
def test_a_damaged_or_too_large_file_is_named(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "digit.png"
    path.write_bytes(content)
    with pytest.raises(DrawingError, match=f"digit.png {sentence}"):
        read_picture(path)
    with pytest.raises(DrawingError, match=f"the picture {sentence}"):
        read_picture(content)


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    for name, sentence in {
        "none.png": "there is no file .*none.png: check its name",
        "a\0b": "there is no file",
        "": "is a folder: name a file in it",
        "pipe.png": "pipe.png is not a file but a pipe",
        "loop.png": "loop.png is not a file but a pipe, a device or a broken link",
    }.items():
        with pytest.raises(DrawingError, match=sentence):
            read_picture(tmp_path / name)


@pytest.mark.parametrize("scale", [1 / 255, 1, 3, 16, 257, 1e6, -1])
@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_grey_of_any_range_is_scaled_to_8_bits(scale: float, kind: type) -> None:
    if kind is np.int32 and scale == 1 / 255:
        return
    expected = render(STROKES[0])[..., 0]
    file = io.BytesIO()
    Image.fromarray((expected.astype(float) * scale).astype(kind)).save(file, "TIFF")
    read = read_picture(file.getvalue())
    assert np.ptp(read) > 50
    assert difference(only_digit(read), only_digit(expected)) < 0.1


def test_grey_without_a_number_in_some_pixels_is_read() -> None:
    picture = render(STROKES[0])[..., 0] / np.float32(255)
    expected = only_digit(picture)
    picture[0, :3] = np.nan, np.inf, -np.inf
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "TIFF")
    assert difference(only_digit(read_picture(file.getvalue())), expected) < 0.1


# as bytes that stand where a photo's notes belong: no numbers, none at the address they give, of another kind
BAD_EXIF = [b"II*\0garbage here and there", b"MM\0*\xff\xff\xff\xff", b"XX\0*\0\0\0\x08\xff\xff"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("exif", BAD_EXIF)
def test_a_photo_with_damaged_notes_is_read(kind: str, exif: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    picture = render(STROKES[0])[..., :3]
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, exif=b"Exif\0\0" + exif)
    assert difference(only_digit(read_picture(file.getvalue())), only_digit(picture)) < 0.1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "jpeg", "tiff_deflate", "packbits"])
def test_what_libraries_remark_about_a_damaged_tiff_is_not_printed(
    compression: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    file = io.BytesIO()
    Image.fromarray(render(STROKES[0])[..., :3]).resize((40, 40)).save(file, "TIFF", compression=compression)
    generator = np.random.default_rng(1)
    refused = 0
    for _ in range(60):
        content = np.frombuffer(file.getvalue(), np.uint8).copy()
        content[generator.integers(8, len(content), 5)] = generator.integers(0, 256, 5)
        content[-generator.integers(1, 150)] = generator.integers(0, 256)
        try:
            read_picture(content.tobytes())
        except DrawingError:
            refused += 1
    assert refused
    assert capfd.readouterr() == ("", "")


@given(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"]), st.data())
@settings(max_examples=200, deadline=None)
def test_no_damage_to_a_file_raises_anything_else(kind: str, data: st.DataObject) -> None:
    file = io.BytesIO()
    Image.fromarray(np.tile(np.arange(24, dtype=np.uint8), (24, 1))).convert("RGB").save(file, kind)
    content = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = read_picture(bytes(content[: data.draw(st.integers(0, len(content)))]))
    except DrawingError:
        return
    assert read.dtype == np.uint8
    assert read.shape[2] in (3, 4)
