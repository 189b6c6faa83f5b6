"""The data set: 70,000 handwritten digits, packaged, checked and split.

MNIST is by Yann LeCun, Corinna Cortes and Christopher J. C. Burges (CC BY-SA 3.0); see
`data/README.md`. Any folder of IDX files of the same form will do instead: Fashion-MNIST, KMNIST, QMNIST, EMNIST's
digits, as they come, however their files are called and packed.
"""

import gzip
import hashlib
import io
import math
import os
import re
import struct
import zlib
from contextlib import suppress
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
MAX_IMAGES = 300_000  # more than any set of this form has: a damaged count must not fill the memory

PARTS = {"train": ("train",), "t10k": ("t10k", "test")}  # what the names of their files have in them
NUMBERS = tuple(str(digit) for digit in range(N_CLASSES))
# what is known of sets by a word in the names of their folders and files: what they are called, and their classes
SETS = {
    "fashion": (
        "Fashion-MNIST",
        (*("T-shirt", "trousers", "pullover", "dress", "coat"), *("sandal", "shirt", "sneaker", "bag", "ankle boot")),
    ),
    "kmnist": ("KMNIST", ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")),
    "emnist": ("EMNIST digits", NUMBERS),
    "qmnist": ("QMNIST", NUMBERS),
}
NAMES_FILE = "names.txt"  # in a folder of one's own: a class in each line
ROWS_OF_NUMBERS = b"\0\0\x0c\x02"
MOST_LABEL_BYTES = 32  # QMNIST says eight numbers of each
DIGITS_FROM = 0.4  # so alike at least are digits to MNIST's: others of hers are 0.9, what is none is about 0

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
    """The digits to learn from, and the digits that no training ever sees.

    `title` is what the set is called, `names` (10,) what its classes are; `of_digits` is false where they are other
    things than the ten digits. `remarks` are sentences about what was odd with its files, and how it was mended.
    """

    train: Digits
    test: Digits
    title: str = "MNIST"
    names: tuple[str, ...] = NUMBERS
    of_digits: bool = True
    remarks: tuple[str, ...] = ()


def load_mnist(directory: str | Path | None = None) -> DataSet:
    """The packaged MNIST, or the set of IDX files in `directory`, or in the one folder within that has some.

    Their names may have dots for dashes, and more before and behind; they may be gzipped or not. Read once in a
    process: a second call costs nothing. Raises DataError, naming the file and what is wrong with it; only the packaged
    files must match their checksums.
    """
    # a variable that is empty is one that was not set
    return _load(PACKAGED if directory in (None, "") else Path(directory).absolute())


@lru_cache(maxsize=2)
def _load(directory: Path) -> DataSet:
    if directory == PACKAGED:
        return DataSet(load_part(directory, "train"), load_part(directory, "t10k"))
    folder = _folder_of(directory)
    train, test = (load_part(folder, part) for part in PARTS)
    title, names = _called(folder)
    remarks, of_digits = [], False
    if names == NUMBERS and not (of_digits := _are_digits(train)):
        sideways = _turned(train)
        if of_digits := _are_digits(sideways):
            train, test = sideways, _turned(test)
            remarks.append("Its pictures were stored sideways, as EMNIST's are: they were turned upright.")
        else:
            remarks.append(
                "Its pictures are not the digits that their labels say. If they show something else, write what, a "
                f"name for each label from 0 to 9 in a line of its own, into {NAMES_FILE} beside its files."
            )
    if missing := sorted(set(range(N_CLASSES)) - set(train.labels.tolist())):
        which = ", ".join(names[label] for label in missing)
        remarks.append(f"It has nothing to learn from for {which}: a network will never answer that.")
    return DataSet(train, test, title, names, of_digits, tuple(remarks))


def _folder_of(directory: Path) -> Path:
    """Where the files are: the directory, or the one folder in it that has training pictures."""
    if _candidates(directory, "train", "images"):
        return directory
    try:
        folders = [each for each in sorted(directory.iterdir()) if each.is_dir()]
    except (OSError, ValueError):  # which reading its files will say
        return directory
    within = [each for each in folders if _candidates(each, "train", "images")]
    if len(within) > 1:
        names = " and ".join(printable(each.name) for each in within[:2])
        raise DataError(
            f"{printable(str(directory))} holds several data sets, {names}: name the folder of one of them."
        )
    return within[0] if within else directory


def _candidates(folder: Path, part: str, kind: str) -> list[str]:
    """The names of files that may be that part's "images" or "labels"."""
    try:
        names = sorted(each.name for each in folder.iterdir())
    except (OSError, ValueError):
        return []
    words = PARTS.get(part, (part,))
    return [
        name
        for name in names
        if re.search(rf"(^|[^a-z])({'|'.join(words)})[-._]{kind}[-._]idx\d", name.lower())
        and re.search(r"(ubyte|int|idx\d)(\.gz)?$", name.lower())
    ]


def _called(folder: Path) -> tuple[str, tuple[str, ...]]:
    """What a set is called, and its classes, from its names file or the names of its folder and files."""
    with suppress(OSError, ValueError):
        lines = (folder / NAMES_FILE).read_text(encoding="utf-8")[:2000].splitlines()
        names = tuple(printable(line.strip(), 40).replace("|", "/") for line in lines if line.strip())
        if len(names) == N_CLASSES:
            return printable(folder.name, 40), names
    words = " ".join([folder.name, *_candidates(folder, "train", "images")]).lower()
    found = next((known for word, known in SETS.items() if word in words), None)
    return found or (printable(folder.name, 40), NUMBERS)


def _are_digits(digits: Digits) -> bool:
    """Whether the classes differ from each other as MNIST's do: how alike the average digits are tells it."""
    usual = load_part(PACKAGED, "t10k")
    found = [label for label in range(N_CLASSES) if np.any(digits.labels == label)]
    own, theirs = (
        np.stack([each.images[each.labels == label].mean(axis=0) for label in found]) for each in (digits, usual)
    )
    if len(found) > 1:
        for averages in (own, theirs):
            averages -= averages.mean(axis=0)
    return bool(np.ptp(own) and np.corrcoef(own.ravel(), theirs.ravel())[0, 1] > DIGITS_FROM)


def _turned(digits: Digits) -> Digits:
    """With rows and columns exchanged."""
    pixels = np.ascontiguousarray(digits.images.reshape(-1, SIDE, SIDE).transpose(0, 2, 1)).reshape(-1, N_PIXELS)
    pixels.flags.writeable = False
    return Digits(pixels, digits.labels)


def load_part(directory: str | Path, part: str) -> Digits:
    """The digits of one pair of IDX files: `part`-images-idx3-ubyte and `part`-labels-idx1-ubyte, or so."""
    directory = Path(directory).absolute()
    images_path, images = _read_idx(directory, part, "images", 3)
    labels_path, labels = _read_idx(directory, part, "labels", 1)
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


def _read_idx(directory: Path, part: str, which: str, n_dimensions: int) -> tuple[str, np.ndarray]:
    """One IDX file as uint8: magic 0x0800 + n_dimensions, big-endian sizes, then the bytes; and what to call it.

    QMNIST's labels are rows of numbers, of which the first is the digit: magic 0x0c02, then int32.
    """
    folder, name = printable(str(directory)), f"{part}-{which}-idx{n_dimensions}-ubyte"
    found = next((each for each in (f"{name}.gz", name) if os.path.lexists(directory / each)), None)
    if found is None:
        candidates = _candidates(directory, part, which)
        if not candidates:
            raise DataError(f"{folder}/{name} is missing, with and without .gz: the folder must hold all four files.")
        if len(candidates) > 1:
            several = " and ".join(map(printable, candidates[:2]))
            raise DataError(f"{folder} holds several such files, {several}: leave those of one data set in it.")
        (found,) = candidates
    path = f"{folder}/{printable(found)}"
    kind = "pictures" if n_dimensions == 3 else "labels"
    header_size = 4 + 4 * n_dimensions
    most = header_size + MAX_IMAGES * (N_PIXELS if n_dimensions == 3 else MOST_LABEL_BYTES)
    content = read_bytes(directory / found, most + 2**20, DataError)  # gzip makes noise a little larger
    magic = (0x0800 + n_dimensions).to_bytes(4, "big")
    if content.startswith(b"\x1f\x8b") or (
        found.lower().endswith(".gz") and not content.startswith((magic, ROWS_OF_NUMBERS))
    ):
        try:
            content = gzip.GzipFile(fileobj=io.BytesIO(content)).read(most + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path} is damaged or no gzip file: copy it again from where it came.") from error
    rows = content.startswith(ROWS_OF_NUMBERS) and kind == "labels"
    if len(content) > (most if rows or kind == "pictures" else header_size + MAX_IMAGES):
        raise DataError(f"{path} is too large: at most {MAX_IMAGES:,} {kind} are read.")
    if not rows and not content.startswith(magic):
        raise DataError(f"{path} is no IDX file of {kind}: it must begin with the bytes {magic.hex(' ')}.")
    header_size += 4 * rows
    if len(content) < header_size:
        raise DataError(f"{path} is cut off after {count(len(content), 'byte')}: copy it again from where it came.")
    shape = struct.unpack_from(f">{n_dimensions + rows}I", content, 4)
    if not 1 <= shape[0] <= MAX_IMAGES:
        raise DataError(f"{path} announces {shape[0]:,} {kind}: there must be 1 to {MAX_IMAGES:,}.")
    announced, held = math.prod(shape) * (4 if rows else 1), len(content) - header_size
    if announced != held or not held:
        wrong = f"{path} announces {count(announced, 'byte')} of {kind} but holds {held:,}"
        raise DataError(f"{wrong}: copy it again from where it came.")
    if directory == PACKAGED and hashlib.sha256(content).hexdigest() != CHECKSUMS[name]:
        raise DataError(f"{path} is damaged: its SHA-256 is not that of MNIST. Install the package again.")
    if rows:
        first = np.frombuffer(content, ">i4", offset=header_size).reshape(shape)[:, 0]
        if not 0 <= first.min() <= first.max() < N_CLASSES:
            wrong = first.min() if first.min() < 0 else first.max()
            raise DataError(f"{path} holds the label {wrong}: labels must be 0 to 9.")
        return path, first.astype(np.uint8)
    return path, np.frombuffer(content, np.uint8, offset=header_size).reshape(shape)
