"""The data set: 70,000 handwritten digits, packaged, checked and split.

MNIST is by Yann LeCun, Corinna Cortes and Christopher J. C. Burges (CC BY-SA 3.0); see
`data/README.md`. Any folder of IDX files of the same form will do instead, Fashion-MNIST for one.
"""

import gzip
import hashlib
import io
import math
import os
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from nnlib.errors import DataError
from nnlib.files import read_bytes
from nnlib.words import count, printable

PACKAGED = Path(__file__).parents[1] / "data"
SIDE = 28
N_PIXELS = SIDE * SIDE
N_CLASSES = 10
DIGIT_SIDE_PX = 20  # the larger side of every digit
CENTRE_PX = 14.5  # the centre of mass of each, across and down: the middle of pixel (14, 14)
MAX_IMAGES = 200_000  # more than any set of this form has: a damaged count must not fill the memory

# SHA-256 of the uncompressed files
CHECKSUMS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


@dataclass(frozen=True)
class Digits:
    """Images (n, 784) float32 in [0, 1], 0 being paper and 1 ink, and their labels (n,) uint8; read-only."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: slice) -> "Digits":
        return Digits(self.images[rows], self.labels[rows])

    @classmethod
    def from_bytes(cls, pixels: np.ndarray, labels: np.ndarray) -> "Digits":
        """The digits whose pixels are bytes, (n, ...) uint8 with 784 for each, as files have them."""
        scaled = np.divide(pixels.reshape(-1, N_PIXELS), np.float32(255), dtype=np.float32)
        for array in (scaled, labels):
            array.flags.writeable = False
        return cls(scaled, labels)

    @property
    def pixels(self) -> np.ndarray:
        """The images as bytes, (n, 784) uint8."""
        return np.rint(self.images * np.float32(255)).astype(np.uint8)

    @property
    def digest(self) -> str:
        """The SHA-256 of all pixels, as bytes, and all labels, in hexadecimal."""
        return hashlib.sha256(self.pixels.tobytes() + self.labels.astype(np.uint8).tobytes()).hexdigest()


NO_DIGITS = Digits(np.zeros((0, N_PIXELS), np.float32), np.zeros(0, np.uint8))


@dataclass(frozen=True)
class DataSet:
    """The digits to learn from, and the digits that no training ever sees."""

    train: Digits
    test: Digits


def load_mnist(directory: str | Path | None = None) -> DataSet:
    """The packaged MNIST, or the IDX files (gzipped or not) of the same names in `directory`.

    Read once in a process: a second call costs nothing. Raises DataError, naming the file and what
    is wrong with it; only the packaged files must match their checksums.
    """
    # a variable that is empty is one that was not set
    return _load(PACKAGED if directory in (None, "") else Path(directory).absolute())


@lru_cache(maxsize=2)
def _load(directory: Path) -> DataSet:
    return DataSet(train=load_part(directory, "train"), test=load_part(directory, "t10k"))


def load_part(directory: str | Path, part: str) -> Digits:
    """The digits of one pair of IDX files: `part`-images-idx3-ubyte and `part`-labels-idx1-ubyte, gzipped or not."""
    directory = Path(directory).absolute()
    images_path, images = _read_idx(directory, f"{part}-images-idx3-ubyte", 3)
    labels_path, labels = _read_idx(directory, f"{part}-labels-idx1-ubyte", 1)
    if images.shape[1:] != (SIDE, SIDE):
        height, width = images.shape[1:]
        raise DataError(f"{images_path} holds pictures of {width:,} x {height:,} pixels: they must be 28 x 28.")
    if len(images) != len(labels):
        held, other = count(len(images), "picture"), count(len(labels), "label")
        raise DataError(f"{images_path} holds {held}, but {labels_path} {other}: each picture needs its label.")
    if labels.max() >= N_CLASSES:
        raise DataError(f"{labels_path} holds the label {labels.max()}: labels must be 0 to 9.")
    return Digits.from_bytes(images, labels)


def idx_files(digits: Digits, part: str) -> dict[str, bytes]:
    """A pair of gzipped IDX files, by their names, that `load_part` reads as the very same digits."""
    arrays = {f"{part}-images-idx3-ubyte": digits.pixels.reshape(-1, SIDE, SIDE)}
    arrays[f"{part}-labels-idx1-ubyte"] = digits.labels.astype(np.uint8)
    return {
        f"{name}.gz": gzip.compress(struct.pack(f">I{a.ndim}I", 0x0800 + a.ndim, *a.shape) + a.tobytes(), mtime=0)
        for name, a in arrays.items()
    }


def _read_idx(directory: Path, name: str, n_dimensions: int) -> tuple[str, np.ndarray]:
    """One IDX file as uint8: magic 0x0800 + n_dimensions, big-endian sizes, then the bytes; and what to call it."""
    folder = printable(str(directory))
    found = next((each for each in (f"{name}.gz", name) if os.path.lexists(directory / each)), None)
    if found is None:
        raise DataError(f"{folder}/{name} is missing, with and without .gz: the folder must hold all four files.")
    path = f"{folder}/{found}"
    header_size = 4 + 4 * n_dimensions
    kind = "pictures" if n_dimensions == 3 else "labels"
    most = header_size + MAX_IMAGES * (N_PIXELS if n_dimensions == 3 else 1)
    content = read_bytes(directory / found, most + 2**20, DataError)  # gzip makes noise a little larger
    if found.endswith(".gz"):
        try:
            content = gzip.GzipFile(fileobj=io.BytesIO(content)).read(most + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path} is damaged or no gzip file: copy it again from where it came.") from error
    if len(content) > most:
        raise DataError(f"{path} is too large: at most {MAX_IMAGES:,} {kind} are read.")
    magic = (0x0800 + n_dimensions).to_bytes(4, "big")
    if not content.startswith(magic):
        raise DataError(f"{path} is no IDX file of {kind}: it must begin with the bytes {magic.hex(' ')}.")
    if len(content) < header_size:
        raise DataError(f"{path} is cut off after {count(len(content), 'byte')}: copy it again from where it came.")
    shape = struct.unpack_from(f">{n_dimensions}I", content, 4)
    if not 1 <= shape[0] <= MAX_IMAGES:
        raise DataError(f"{path} announces {shape[0]:,} {kind}: there must be 1 to {MAX_IMAGES:,}.")
    announced, held = math.prod(shape), len(content) - header_size
    if announced != held or not held:
        wrong = f"{path} announces {count(announced, 'byte')} of {kind} but holds {held:,}"
        raise DataError(f"{wrong}: copy it again from where it came.")
    if directory == PACKAGED and hashlib.sha256(content).hexdigest() != CHECKSUMS[name]:
        raise DataError(f"{path} is damaged: its SHA-256 is not that of MNIST. Install the package again.")
    return path, np.frombuffer(content, np.uint8, offset=header_size).reshape(shape)
