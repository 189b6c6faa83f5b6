"""Pictures from files: whatever made them, an upright array, or a sentence saying why not."""

import io
import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nnlib.digits import pictures
from nnlib.digits.pictures import open_picture, read_picture
from nnlib.errors import DrawingError
from tests.pen_strokes import load_strokes, render

STROKES, _ = zip(*load_strokes(), strict=True)


def saved(picture: np.ndarray, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, **options)
    return file.getvalue()


def png(picture: np.ndarray, **options: Any) -> bytes:
    return saved(picture, "PNG", **options)


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """The mean difference of two pictures, of 255."""
    return float(np.abs(first.astype(float) - second).mean())


@pytest.mark.parametrize("kind", pictures.FORMATS)
def test_every_format_is_read(kind: str, tmp_path: Path) -> None:
    picture = render(STROKES[0])[..., :3]
    path = tmp_path / f"digit.{kind.lower()}"
    Image.fromarray(picture).save(path, kind)
    for source in (path, str(path), path.read_bytes()):
        read = read_picture(source)
        assert (read.shape, read.dtype) == ((280, 280, 3), np.uint8)
        assert difference(read, picture) < 6


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_every_kind_of_colour_is_read(mode: str) -> None:
    expected = render(STROKES[0], ink=(0, 0, 0), paper=(255, 255, 255))
    file = io.BytesIO()
    Image.fromarray(expected).convert(mode).save(file, "TIFF" if mode == "CMYK" else "PNG")
    assert difference(read_picture(file.getvalue())[..., :3], expected[..., :3]) < 12


def test_16_bits_are_scaled_to_8() -> None:
    shades = np.arange(0, 256, 0.25).astype(np.uint8).reshape(32, 32)
    assert np.array_equal(read_picture(png(shades.astype(np.uint16) * 257))[..., 0], shades)


def test_transparency_is_kept() -> None:
    picture = np.zeros((60, 60, 4), np.uint8)
    picture[10:50, 25:33, 3] = 255  # black on nothing
    assert np.array_equal(read_picture(png(picture)), picture)


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


def heic(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(picture)).save(file, quality=80)
    return file.getvalue()


HOSTILE = {
    "empty": (b"", "is empty: it has 0 bytes"),
    "stub": (b"GIF89a", "is damaged, or not a picture"),
    "binary": (b"P5 28 28 255\n" + bytes(784), "is damaged, or not a picture"),
    "text": (b"These are my notes,\r\n\tnot a picture.", "is a text, not a picture"),
    "SVG": (b'\xef\xbb\xbf<svg xmlns="http://www.w3.org/2000/svg"/>', "is an SVG drawing, which has no pixels"),
    "web page": (b"\n<!DOCTYPE html><html></html>", "is a web page, not a picture"),
    "PDF": (b"%PDF-1.7\n", "is a PDF: save its page as a picture"),
    "document": (b"PK\x03\x04" + bytes(40), "is an archive or a document"),
    "film": (b"\0\0\0\x18ftypmp42" + bytes(40), "is a film, or a picture of a kind that is not read"),
    "cut PNG": (png(render(STROKES[0]))[:900], "is cut off: the rest of it is missing"),
    "cut JPEG": (saved(render(STROKES[0])[..., :3], "JPEG")[:1500], "is cut off: the rest of it is missing"),
    "cut HEIC": (heic(render(STROKES[0])[..., :3])[:1500], "is cut off: the rest of it is missing"),
    "too short": (announcing(100, 100), "is cut off: the rest of it is missing"),
    "no width": (announcing(0, 100), "is damaged, or not a picture"),
    "small": (png(np.zeros((19, 30), np.uint8)), "has 30 x 19 pixels: each side must have 20 to 12,000"),
    "large": (announcing(12_001, 5000), "has 12,001 x 5,000 pixels: each side must have 20 to 12,000"),
    "bomb": (announcing(60_000, 60_000), "has too many pixels: each side must have 20 to 12,000"),
    "thread": (announcing(1, 4000), "has 1 x 4,000 pixels: each side must have 20 to 12,000"),
    "ribbon": (announcing(4000, 30), "has 4,000 x 30 pixels: one side may be at most 100 times the other"),
    "no numbers": (saved(np.full((30, 30), np.nan, np.float32), "TIFF"), "has no number in any of its pixels"),
    "many bytes": (bytes(pictures.MAX_FILE_BYTES + 1), "has more than 80 MB"),
}


@pytest.mark.parametrize(("content", "sentence"), HOSTILE.values(), ids=HOSTILE)
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
    assert abs(np.corrcoef(read[..., 0].ravel(), expected.ravel())[0, 1]) > 0.99


def test_grey_without_a_number_in_some_pixels_is_read() -> None:
    picture = render(STROKES[0])[..., 0] / np.float32(255)
    expected = np.rint(picture * 255)
    picture[0, :3] = np.nan, np.inf, -np.inf
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "TIFF")
    assert np.array_equal(read_picture(file.getvalue())[..., 0], expected)


# as bytes that stand where a photo's notes belong: no numbers, none at the address they give, of another kind
BAD_EXIF = [b"II*\0garbage here and there", b"MM\0*\xff\xff\xff\xff", b"XX\0*\0\0\0\x08\xff\xff"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("exif", BAD_EXIF)
def test_a_photo_with_damaged_notes_is_read(kind: str, exif: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    picture = render(STROKES[0])[..., :3]
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, exif=b"Exif\0\0" + exif)
    assert difference(read_picture(file.getvalue()), picture) < 6
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


def test_a_heic_photo_is_read() -> None:
    picture = render(STROKES[0])[..., :3]
    read, reduction = open_picture(heic(picture))
    assert reduction == 1
    assert difference(read, picture) < 6


def test_damage_to_a_heic_photo_raises_nothing_else() -> None:
    content, generator = heic(np.tile(np.arange(64, dtype=np.uint8), (64, 1))), np.random.default_rng(1)
    for _ in range(60):
        damaged = np.frombuffer(content, np.uint8).copy()
        damaged[generator.integers(8, len(damaged), 4)] = generator.integers(0, 256, 4)
        with suppress(DrawingError):
            assert read_picture(damaged.tobytes()).shape[2] in (3, 4)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_large_picture_is_read_reduced(kind: str) -> None:
    expected = np.zeros((500, 4100, 3), np.uint8)
    expected[100:400, 1000:1200] = 200
    read, reduction = open_picture(saved(expected, kind))
    assert (read.shape, reduction) == ((250, 2050, 3), 2)
    assert difference(read, expected[::2, ::2]) < 2


def test_a_large_picture_of_16_bits_is_read_reduced() -> None:
    expected = np.zeros((300, 9001), np.uint16)
    expected[100:200, 1000:1200] = 65_535
    read, reduction = open_picture(saved(expected, "PNG"))
    assert (read.shape, reduction) == ((75, 2251, 3), 4)
    assert difference(read, np.repeat(expected[::4, ::4, np.newaxis] >> 8, 3, axis=2)) < 2


def test_of_a_moving_picture_the_first_is_read() -> None:
    first = render(STROKES[0])[..., :3]
    file = io.BytesIO()
    Image.fromarray(first).save(file, "GIF", save_all=True, append_images=[Image.fromarray(255 - first)])
    assert difference(read_picture(file.getvalue())[..., :3], first) < 6
