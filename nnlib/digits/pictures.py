"""Pictures from files: photos, scans and drawings, whatever made them, as arrays."""

import io
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image, ImageOps

from nnlib.errors import DrawingError
from nnlib.files import read_bytes
from nnlib.words import printable

MAX_PIXELS = 4096 * 4096
MAX_FILE_BYTES = 32 * 2**20
MAX_ASPECT = 100  # the larger side in terms of the smaller: more is no picture of digits, and no page can show it
USUAL_WHITES = (1, 255, 1023, 4095, 65_535)  # of floats, and of 8, 10, 12 and 16 bits
TIFF_STARTS = (b"II", b"MM")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")


def read_picture(source: str | Path | bytes) -> np.ndarray:
    """The picture in an image file, or in a file's content: (h, w, 3) or (h, w, 4) uint8, upright.

    Of a moving picture, the first. Raises DrawingError, naming the file, where it is missing, damaged,
    too large, too thin or of another kind.
    """
    name = "the picture" if isinstance(source, bytes) else printable(str(source))
    content = source if isinstance(source, bytes) else read_bytes(source, MAX_FILE_BYTES, DrawingError)
    if len(content) > MAX_FILE_BYTES:
        raise DrawingError(f"{name} has more than {MAX_FILE_BYTES >> 20} MB, which is most: save it smaller.")
    try:
        with _silent_decoders(content), Image.open(io.BytesIO(content), formats=FORMATS) as image:
            short, long = sorted(image.size)
            size = f"{image.width:,} x {image.height:,}"
            if short * long <= MAX_PIXELS and long <= MAX_ASPECT * short:
                return _upright(image)
    except Image.DecompressionBombError:
        size, short, long = f"more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,}", 1, 1
    # decoders of damaged files raise nearly anything
    except Exception as error:
        kinds = ", ".join(FORMATS)
        raise DrawingError(f"{name} is damaged, or not a picture ({kinds}): open and save it again.") from error
    if long > MAX_ASPECT * short:
        raise DrawingError(
            f"{name} has {size} pixels: one side may be at most {MAX_ASPECT} times the other, so cut it."
        )
    raise DrawingError(f"{name} has {size} pixels: {MAX_PIXELS:,} is most, so shrink it.")


@contextmanager
def _silent_decoders(content: bytes) -> Iterator[None]:
    """What libraries remark about odd files is not for those who brought them: they get a picture or a sentence."""
    # warning filters and stderr are the whole process's: two threads that changed them at once would leave them changed
    with _SILENCE, warnings.catch_warnings(), ExitStack() as stack:
        warnings.filterwarnings("ignore", module="PIL")
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


def _upright(image: Image.Image) -> np.ndarray:
    image.load()
    try:
        turned = ImageOps.exif_transpose(image)
    # a photo with a note that nobody can read is a photo still
    except Exception:
        turned = image
    if turned.mode.startswith(("I", "F")):  # more than 8 bits of grey, which convert() would cut off, not scale
        turned = Image.fromarray(_eight_bits(np.asarray(turned, np.float64)))
    return np.asarray(turned.convert("RGBA" if turned.has_transparency_data else "RGB"))


def _eight_bits(grey: np.ndarray) -> np.ndarray:
    """Numbers of any range, (h, w), as uint8: the file does not say which is white, so it is the next usual one."""
    grey = np.where(np.isfinite(grey), grey, 0)
    black, highest = min(grey.min(), 0), grey.max()
    white = next((most for most in USUAL_WHITES if highest <= most), highest)
    return np.round((grey - black) / (white - black) * 255).astype(np.uint8)
