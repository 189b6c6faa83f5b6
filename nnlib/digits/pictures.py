"""Pictures from files: photos, scans and drawings, whatever made them, as arrays.

A phone's photo has up to 48 megapixels, and digits are found as well in a quarter of them: a large picture is read
reduced, a JPEG while it is decoded, any other kind band by band, so that it never takes its memory twice.
"""

import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import ExifTags, Image

from nnlib.errors import DrawingError
from nnlib.files import read_bytes
from nnlib.words import printable

MIN_SIDE_PX, MAX_SIDE_PX = 20, 12_000
KEPT_SIDE_PX = 4096  # a larger picture is reduced to at most this
MAX_FILE_BYTES = 80 * 2**20  # 48 megapixels take up to 60 MB
MAX_ASPECT = 100  # the larger side in terms of the smaller: more is no picture of digits, and no page can show it
USUAL_WHITES = (1, 255, 1023, 4095, 65_535)  # of floats, and of 8, 10, 12 and 16 bits
BAND_PIXELS = 2**22
TIFF_STARTS = (b"II", b"MM")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")  # and HEIC, which Pillow does not know
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
# what is often taken for a picture: how it starts, and what to do about it
OTHER_KINDS = {
    b"%PDF": "is a PDF: save its page as a picture, or take a picture of the screen.",
    b"PK\x03\x04": "is an archive or a document: take the picture out of it first.",
    b"<svg": "is an SVG drawing, which has no pixels: export it as PNG.",
    b"<?xml": "is an SVG drawing or another text, which has no pixels: export it as PNG.",
    b"<!DOC": "is a web page, not a picture: save the picture on it.",
    b"<html": "is a web page, not a picture: save the picture on it.",
    b"8BPS": "is a Photoshop file: export it as PNG.",
    b"\xff\x0a": "is a JPEG XL picture: save it as JPEG or PNG.",
}
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_picture(source: str | Path | bytes) -> np.ndarray:
    """The picture in an image file, or in a file's content: (h, w, 3) or (h, w, 4) uint8, upright.

    Of a moving picture, the first; a large one reduced, see `open_picture`. Raises DrawingError, naming
    the file, where it is missing, damaged, too small, large or thin, or of another kind.
    """
    return open_picture(source)[0]


def open_picture(source: str | Path | bytes) -> tuple[np.ndarray, int]:
    """As `read_picture`, and how many times smaller than in the file the picture is, a whole number: 1 where no side
    has more than KEPT_SIDE_PX pixels. A place in the array times that is the place in the file's own pixels."""
    name = "the picture" if isinstance(source, bytes) else printable(str(source))
    content = source if isinstance(source, bytes) else read_bytes(source, MAX_FILE_BYTES, DrawingError)
    if len(content) > MAX_FILE_BYTES:
        raise DrawingError(f"{name} has more than {MAX_FILE_BYTES >> 20} MB, which is most: save it smaller.")
    try:
        with _silent_decoders(content):
            return _read_heic(content) if content[8:12] in HEIC_BRANDS else _read(content)
    except _UnfitError as error:
        raise DrawingError(f"{name} {error}") from None
    except Image.DecompressionBombError as error:
        raise DrawingError(f"{name} has too many pixels: {_sides()}") from error
    # decoders of damaged files raise nearly anything
    except Exception as error:
        raise DrawingError(f"{name} {_what_is_wrong(content, error)}") from error


class _UnfitError(Exception):
    """A picture that may be sound, but is none of digits: the rest of a sentence."""


def _read(content: bytes) -> tuple[np.ndarray, int]:
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        reduction, width = _reduction(image.size), image.width
        image.draft(None, (image.width // reduction, image.height // reduction))  # as only JPEG can
        left = reduction // round(width / image.width)
        image.load()
        band = _eight_bits(image) if image.mode.startswith(("I", "F")) else _coloured(image)
        return _upright(_in_bands(band, image.size, left), image), reduction


def _read_heic(content: bytes) -> tuple[np.ndarray, int]:
    import pillow_heif  # 30 MB that only a HEIC photo needs

    photo = pillow_heif.open_heif(io.BytesIO(content), convert_hdr_to_8bit=True)
    size, reduction = photo.size, _reduction(photo.size)
    pixels = np.asarray(photo)[:, : size[0]]
    mode = "RGBA" if photo.has_alpha else "RGB"
    # libheif has turned it upright
    return _in_bands(lambda box: Image.fromarray(pixels[box[1] : box[3]]).convert(mode), size, reduction), reduction


def _reduction(size: tuple[int, int]) -> int:
    """How many times smaller a picture of this width and height is read: a power of 2, as JPEG can."""
    short, long = sorted(size)
    pixels = f"has {size[0]:,} x {size[1]:,} pixels"
    if short < MIN_SIDE_PX or long > MAX_SIDE_PX:
        raise _UnfitError(f"{pixels}: {_sides()}")
    if long > MAX_ASPECT * short:
        raise _UnfitError(f"{pixels}: one side may be at most {MAX_ASPECT} times the other, so cut it.")
    reduction = 1
    while long > KEPT_SIDE_PX * reduction:
        reduction *= 2
    return reduction


def _sides() -> str:
    return f"each side must have {MIN_SIDE_PX} to {MAX_SIDE_PX:,}, so enlarge or shrink it."


def _what_is_wrong(content: bytes, error: Exception) -> str:
    """The rest of a sentence on a file that no decoder could read."""
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not content:
        return "is empty: it has 0 bytes, so copy or take it again."
    for beginning, words in OTHER_KINDS.items():
        if start.startswith(beginning):
            return words
    if content[4:8] == b"ftyp" and content[8:12] not in HEIC_BRANDS:
        return "is a film, or a picture of a kind that is not read: take a photo, or save it as JPEG or PNG."
    if any(words in str(error).lower() for words in ("truncated", "end of file", "eof", "premature")):
        return "is cut off: the rest of it is missing, so copy it again."
    if len(start.split()) > 1 and start.isascii() and b"".join(start.split()).decode("ascii").isprintable():
        return "is a text, not a picture: choose a picture."
    kinds = ", ".join((*FORMATS, "HEIC"))
    return f"is damaged, or not a picture ({kinds}): open and save it again."


@contextmanager
def _silent_decoders(content: bytes) -> Iterator[None]:
    """What libraries remark about odd files is not for those who brought them: they get a picture or a sentence."""
    # warning filters and stderr are the whole process's: two threads that changed them at once would leave them changed
    with _SILENCE, warnings.catch_warnings(), ExitStack() as stack:
        warnings.filterwarnings("ignore", module="PIL")
        warnings.filterwarnings("ignore", module="pillow_heif")
        if content.startswith(TIFF_STARTS):
            # libtiff writes past Python, to whatever has this number
            with suppress(OSError):
                stderr = os.dup(2)
                stack.callback(os.close, stderr)
                stack.callback(os.dup2, stderr, 2)
                os.dup2(stack.enter_context(Path(os.devnull).open("wb")).fileno(), 2)
        yield


_SILENCE = Lock()
logging.getLogger("PIL").addHandler(logging.NullHandler())

Band = tuple[int, int, int, int]  # left, top, right, bottom


def _in_bands(band: Callable[[Band], Image.Image], size: tuple[int, int], reduction: int) -> np.ndarray:
    """All bands of a picture of this width and height, one below the other, so many times smaller."""
    width, height = size
    rows = reduction * max(1, BAND_PIXELS // (width * reduction))
    boxes = [(0, top, width, min(top + rows, height)) for top in range(0, height, rows)]
    return np.concatenate([np.asarray(band(box).reduce(reduction)) for box in boxes])


def _coloured(image: Image.Image) -> Callable[[Band], Image.Image]:
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return lambda box: image.crop(box).convert(mode)


def _eight_bits(image: Image.Image) -> Callable[[Band], Image.Image]:
    """More than 8 bits of grey, which convert() would cut off, not scale. The file does not say which number is
    white, so it is the next usual one."""

    def finite(box: Band) -> np.ndarray:
        grey = np.asarray(image.crop(box), np.float64)
        return np.where(np.isfinite(grey), grey, np.nan)

    rows = max(1, BAND_PIXELS // image.width)
    lowest, highest = np.inf, -np.inf
    for top in range(0, image.height, rows):
        numbers = finite((0, top, image.width, min(top + rows, image.height)))
        numbers = numbers[~np.isnan(numbers)]
        if numbers.size:
            lowest, highest = min(lowest, numbers.min()), max(highest, numbers.max())
    if highest < lowest:
        raise _UnfitError("has no number in any of its pixels: save it again from where it came.")
    black = min(lowest, 0)
    white = next((most for most in USUAL_WHITES if highest <= most), highest)

    def scaled(box: Band) -> Image.Image:
        share = (np.nan_to_num(finite(box), nan=black) - black) / (white - black)
        return Image.fromarray(np.round(share * 255).astype(np.uint8)).convert("RGB")

    return scaled


def _upright(picture: np.ndarray, image: Image.Image) -> np.ndarray:
    """The picture turned as the camera noted."""
    try:
        turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    # a photo with a note that nobody can read is a photo still
    except Exception:
        turn = None
    return picture if turn is None else np.asarray(Image.fromarray(picture).transpose(turn))
