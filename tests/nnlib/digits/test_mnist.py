"""The digits: what they are, and what is said of a folder that does not hold them."""

import gzip
import os
import struct
import tempfile
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib.digits import mnist
from nnlib.digits.mnist import DataSet, Digits, idx_files, load_mnist, load_part
from nnlib.errors import DataError

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def idx(array: np.ndarray) -> bytes:
    """An IDX file's content."""
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def some_pictures(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, 28, 28))


def some_files() -> dict[str, bytes]:
    """The content of four small files that go together."""
    return {
        TRAIN_IMAGES: idx(some_pictures(20)),
        TRAIN_LABELS: idx(np.arange(20) % 10),
        TEST_IMAGES: idx(some_pictures(10)),
        TEST_LABELS: idx(np.arange(10)),
    }


def write(folder: Path) -> Path:
    """`folder`, with the small files in it."""
    for name, content in some_files().items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def data() -> DataSet:
    return load_mnist()


def test_packaged_digits_have_the_announced_form(data: DataSet) -> None:
    for digits, n in ((data.train, 60_000), (data.test, 10_000)):
        assert len(digits) == n
        assert digits.images.shape == (n, 784)
        assert digits.images.dtype == np.float32
        assert digits.images.flags.c_contiguous
        assert digits.images.min() == 0
        assert digits.images.max() == 1
        assert digits.labels.shape == (n,)
        assert set(digits.labels.tolist()) == set(range(10))


def test_packaged_digits_are_mnist(data: DataSet) -> None:
    assert data.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert data.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(data.train.labels)[5] == 5421
    # ink is 1 and paper 0: the corners are empty
    assert data.train.images[:, 0].max() == 0


def test_digits_are_read_only(data: DataSet) -> None:
    for digits in (data.train, data.test, data.train[:5]):
        with pytest.raises(ValueError, match="read-only"):
            digits.images[0, 0] = 1
        with pytest.raises(ValueError, match="read-only"):
            digits.labels[0] = 1


def test_a_slice_of_digits_holds_images_and_labels(data: DataSet) -> None:
    part = data.test[10:14]
    assert isinstance(part, Digits)
    assert len(part) == 4
    np.testing.assert_array_equal(part.images, data.test.images[10:14])
    np.testing.assert_array_equal(part.labels, data.test.labels[10:14])


def test_an_empty_folder_name_means_the_packaged_digits() -> None:
    assert load_mnist("") is load_mnist()


def test_a_second_load_gives_the_same_object() -> None:
    assert load_mnist() is load_mnist()


@pytest.mark.parametrize("gzipped", [False, True])
def test_a_folder_of_idx_files_loads(tmp_path: Path, gzipped: bool) -> None:
    for name, content in some_files().items():
        if gzipped:
            (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (tmp_path / name).write_bytes(content)
    data = load_mnist(str(tmp_path))
    np.testing.assert_allclose(data.train.images * 255, some_pictures(20).reshape(20, 784), atol=1e-4)
    assert data.train.labels.tolist() == list(range(10)) * 2
    np.testing.assert_allclose(data.test.images * 255, some_pictures(10).reshape(10, 784), atol=1e-4)
    assert data.test.labels.tolist() == list(range(10))
    assert not data.train.images.flags.writeable
    assert not data.train.labels.flags.writeable


@pytest.mark.parametrize("name", some_files())
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (write(tmp_path) / name).unlink()
    with pytest.raises(DataError, match=f"{name} is missing, with and without .gz"):
        load_mnist(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere.* is missing"):
        load_mnist(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (TRAIN_IMAGES, idx(np.arange(20)), "is no IDX file of pictures: it must begin with the bytes 00 00 08 03"),
        (TRAIN_LABELS, idx(some_pictures(20)), "is no IDX file of labels: it must begin with the bytes 00 00 08 01"),
        (TEST_IMAGES, b"<!DOCTYPE html><html></html>", "is no IDX file of pictures"),
        (TEST_LABELS, b"", "is no IDX file of labels"),
        (TEST_IMAGES, idx(some_pictures(10))[:12], "is cut off after 12 bytes"),
        (
            TRAIN_IMAGES,
            idx(some_pictures(20))[:-1],
            "announces 15,680 bytes of pictures but holds 15,679: copy it again",
        ),
        (
            TRAIN_IMAGES,
            idx(some_pictures(20)) + b"\0",
            "announces 15,680 bytes of pictures but holds 15,681: copy it again",
        ),
        (TEST_LABELS, idx(np.arange(10))[:-4], "announces 10 bytes of labels but holds 6: copy it again"),
        (
            TRAIN_IMAGES,
            idx(some_pictures(19)),
            f"holds 19 pictures, but .*{TRAIN_LABELS} 20 labels: each picture needs its label",
        ),
        (TEST_LABELS, idx(np.arange(10) + 1), "holds the label 10: labels must be 0 to 9"),
        (TRAIN_IMAGES, idx(np.zeros((20, 32, 30))), "holds pictures of 30 x 32 pixels: they must be 28 x 28"),
        (TRAIN_IMAGES, idx(np.zeros((0, 28, 28))), "announces 0 pictures: there must be 1 to 300,000"),
        (TRAIN_LABELS, idx(np.zeros(0)), "announces 0 labels: there must be 1 to 300,000"),
        (TRAIN_IMAGES, idx(np.zeros((20, 0, 28))), "announces 0 bytes of pictures but holds 0"),
        (TRAIN_LABELS, idx(np.zeros(300_001)), "is too large: at most 300,000 labels are read"),
        (
            TRAIN_IMAGES,
            struct.pack(">4I", 0x803, 2**32 - 1, 2**32 - 1, 0),
            "announces 4,294,967,295 pictures: there must be 1 to 300,000",
        ),
        (TRAIN_IMAGES, idx(np.zeros((300_001, 1, 1))), "announces 300,001 pictures: there must be 1 to 300,000"),
    ],
    ids=range(17),
)
def test_a_damaged_file_is_named_with_its_damage(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    write(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=sentence) as caught:
        load_mnist(tmp_path)
    assert str(tmp_path / name) in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[: len(packed) // 2],
        lambda packed: packed[:-6],
        lambda packed: b"these are no gzipped bytes",
        lambda packed: b"",
        lambda packed: packed[:10] + b"\xff" * 20 + packed[30:],
        lambda packed: packed[:-8] + b"\0\0\0\0" + packed[-4:],
        lambda packed: packed + b"more",
    ],
    ids=["half", "end missing", "no gzip", "empty", "overwritten", "wrong sum", "more behind"],
)
@pytest.mark.parametrize("name", [TRAIN_IMAGES, TEST_LABELS])
def test_a_damaged_gzip_file_is_named(tmp_path: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    write(tmp_path)
    path = tmp_path / f"{name}.gz"
    path.write_bytes(damage(gzip.compress(some_files()[name], mtime=0)))
    with pytest.raises(DataError) as caught:
        load_mnist(tmp_path)
    assert str(path) in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist, "MAX_IMAGES", 100)
    path = write(tmp_path) / f"{TRAIN_LABELS}.gz"
    path.write_bytes(gzip.compress(idx(np.zeros(20)) + bytes(20_000_000)))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="is too large"):
            load_mnist(tmp_path)
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 5_000_000


def test_packaged_files_must_match_their_checksums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "PACKAGED", write(tmp_path))
    with pytest.raises(DataError, match=rf"{TRAIN_IMAGES} is damaged: its SHA-256 is not that of MNIST\."):
        load_mnist()


def test_a_pipe_in_the_place_of_a_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    (write(tmp_path) / TEST_LABELS).unlink()
    os.mkfifo(tmp_path / TEST_LABELS)
    with pytest.raises(DataError, match=f"{TEST_LABELS} is not a file but a pipe"):
        load_mnist(tmp_path)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "loop", "not\udcfftext"])
def test_a_folder_that_cannot_be_is_a_data_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(DataError, match="is missing") as caught:
        load_mnist(tmp_path / name)
    assert str(caught.value).isprintable()


def test_a_failed_load_is_not_remembered(tmp_path: Path) -> None:
    (write(tmp_path) / TEST_LABELS).write_bytes(b"")
    with pytest.raises(DataError):
        load_mnist(tmp_path)
    write(tmp_path)
    assert len(load_mnist(tmp_path).test) == 10


def load_with(name: str, content: bytes) -> None:
    """Load a folder in which one file has this content; DataError is fine."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        (Path(folder) / name.removesuffix(".gz")).unlink()
        (Path(folder) / name).write_bytes(content)
        with suppress(DataError):
            load_mnist(folder)


ANY_FILE = st.sampled_from([name + ending for name in some_files() for ending in ("", ".gz")])
SIZE = st.sampled_from([0, 1, 10, 20, 28, 2**31, 2**32 - 1])


@settings(deadline=None)
@given(name=ANY_FILE, content=st.binary(max_size=200))
def test_arbitrary_bytes_load_or_raise_a_data_error(name: str, content: bytes) -> None:
    load_with(name, content)


@settings(deadline=None)
@given(
    name=ANY_FILE,
    magic=st.sampled_from([0x801, 0x803]),
    sizes=st.lists(SIZE, min_size=1, max_size=3),
    content=st.binary(max_size=40),
)
def test_arbitrary_sizes_load_or_raise_a_data_error(name: str, magic: int, sizes: list[int], content: bytes) -> None:
    whole = struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + content
    load_with(name, gzip.compress(whole, mtime=0) if name.endswith(".gz") else whole)


@settings(deadline=None)
@given(name=ANY_FILE, position=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_changed_byte_loads_or_raises_a_data_error(name: str, position: int, byte: int) -> None:
    whole = some_files()[name.removesuffix(".gz")]
    content = bytearray(gzip.compress(whole, mtime=0) if name.endswith(".gz") else whole)
    content[position % len(content)] = byte
    load_with(name, bytes(content))


# other sets, as they come


def real(n: int = 300) -> dict[str, bytes]:
    """Some of MNIST's own digits, in files of its own form."""
    data = load_mnist()
    parts = {"train": data.train[:n], "t10k": data.test[:n]}
    return {
        name: gzip.decompress(content)
        for part, digits in parts.items()
        for name, content in ((key.removesuffix(".gz"), each) for key, each in idx_files(digits, part).items())
    }


DOTS = {name: name.replace("-idx", ".idx") for name in some_files()}
EMNIST = {name: f"emnist-digits-{name.replace('t10k', 'test')}" for name in some_files()}


@pytest.mark.parametrize("names", [DOTS, EMNIST, {name: name.upper() for name in some_files()}])
@pytest.mark.parametrize("packed", ["plain", "gzipped", "gzipped, and not called so", "called so, and not gzipped"])
@pytest.mark.parametrize("within", [".", "raw"])
def test_files_of_other_names_and_packing_are_found(
    tmp_path: Path, names: dict[str, str], packed: str, within: str
) -> None:
    folder = tmp_path / within
    folder.mkdir(exist_ok=True)
    for name, content in some_files().items():
        called = names[name] + (".gz" if packed in ("gzipped", "called so, and not gzipped") else "")
        (folder / called).write_bytes(gzip.compress(content) if packed.startswith("gzipped") else content)
    (folder / "readme.txt").write_text("train-images")
    (folder / "train-labels.tsv.gz").write_bytes(b"")
    found = load_mnist(tmp_path)
    assert (len(found.train), len(found.test)) == (20, 10)


def test_two_sets_in_one_folder_are_named(tmp_path: Path) -> None:
    for kind in ("digits", "letters"):
        for name, content in some_files().items():
            (tmp_path / f"emnist-{kind}-{name.replace('t10k', 'test')}").write_bytes(content)
    with pytest.raises(DataError, match=r"several such files, emnist-digits-train-images.* and emnist-letters-train"):
        load_mnist(tmp_path)


def test_two_folders_of_sets_are_named(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder)
    with pytest.raises(DataError, match=r"holds several data sets, one and two: name the folder of one of them\.$"):
        load_mnist(tmp_path)


def rows_of_numbers(labels: np.ndarray) -> bytes:
    """Labels as QMNIST has them: the digit, and where it comes from."""
    rows = np.stack([labels, *[np.full(len(labels), 70_000)] * 7], axis=1).astype(">i4")
    return struct.pack(">3I", 0x0C02, *rows.shape) + rows.tobytes()


def test_labels_of_qmnist_are_read(tmp_path: Path) -> None:
    files = some_files()
    for part, n in (("train", 20), ("test", 10)):
        pictures = files[f"{'t10k' if part == 'test' else part}-images-idx3-ubyte"]
        (tmp_path / f"qmnist-{part}-images-idx3-ubyte").write_bytes(pictures)
        labels = rows_of_numbers(np.arange(n) % 10)
        (tmp_path / f"qmnist-{part}-labels-idx2-int.gz").write_bytes(gzip.compress(labels))
    found = load_mnist(tmp_path)
    assert found.title == "QMNIST"
    assert found.train.labels.tolist() == (np.arange(20) % 10).tolist()
    (tmp_path / "qmnist-train-labels-idx2-int.gz").write_bytes(rows_of_numbers(np.arange(20)))
    with pytest.raises(DataError, match=r"holds the label 19: labels must be 0 to 9\.$"):
        load_part(tmp_path, "train")


def test_pictures_that_lie_sideways_are_turned_and_that_is_said(tmp_path: Path) -> None:
    upright, sideways = tmp_path / "upright", tmp_path / "sideways"
    for folder in (upright, sideways):
        folder.mkdir()
        for name, content in real().items():
            turned = content
            if folder == sideways and "images" in name:
                pixels = np.frombuffer(content, np.uint8, offset=16).reshape(-1, 28, 28).transpose(0, 2, 1)
                turned = content[:16] + pixels.tobytes()
            (folder / name).write_bytes(turned)
    one, other = load_mnist(upright), load_mnist(sideways)
    assert one.remarks == ()
    (remark,) = other.remarks
    assert "stored sideways" in remark
    assert np.array_equal(one.test.images, other.test.images)
    assert np.array_equal(one.train.images, other.train.images)


def test_a_set_is_known_by_its_folder_or_says_itself_what_its_classes_are(tmp_path: Path) -> None:
    fashion, own = tmp_path / "fashion-mnist", tmp_path / "shapes"
    for folder in (fashion, own):
        folder.mkdir()
        write(folder)
    assert load_mnist(fashion).title == "Fashion-MNIST"
    assert load_mnist(fashion).names[9] == "ankle boot"
    (own / "names.txt").write_text("\n".join(f"shape {number}" for number in range(10)))
    assert (load_mnist(own).title, load_mnist(own).names[3]) == ("shapes", "shape 3")
    assert load_mnist().names == tuple("0123456789")


def test_a_class_that_is_missing_is_said(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / TRAIN_LABELS).write_bytes(idx(np.zeros(20)))
    remarks = load_mnist(tmp_path).remarks
    assert any(remark.startswith("It has nothing to learn from for 1, 2, 3,") for remark in remarks)


def test_digits_that_are_alike_sideways_are_left_upright(tmp_path: Path) -> None:
    data = load_mnist()
    for part, digits in (("train", data.train), ("t10k", data.test)):
        zeros = np.flatnonzero(digits.labels == 0)[:200]
        for name, content in idx_files(Digits(digits.images[zeros], digits.labels[zeros]), part).items():
            (tmp_path / name).write_bytes(content)
    found = load_mnist(tmp_path)
    assert found.of_digits
    assert not any("sideways" in remark for remark in found.remarks)
    assert np.array_equal(found.test.images, data.test.images[data.test.labels == 0][:200])


def test_pictures_of_something_else_are_not_taken_for_digits(tmp_path: Path) -> None:
    digits, shuffled, named = (tmp_path / name for name in ("digits", "shuffled", "named"))
    for folder in (digits, shuffled, named):
        folder.mkdir()
        for name, content in real().items():
            if folder != digits and "labels" in name:  # pictures of a 5 are then anything
                content = content[:8] + bytes(
                    np.random.default_rng(1).permutation(np.frombuffer(content[8:], np.uint8))
                )
            (folder / name).write_bytes(content)
    (named / "names.txt").write_text("\n".join(f"thing {number}" for number in range(10)))
    assert load_mnist(digits).of_digits
    assert load_mnist().of_digits
    found = load_mnist(shuffled)
    assert not found.of_digits
    (remark,) = found.remarks
    assert remark.startswith("Its pictures are not the digits that their labels say.")
    assert (load_mnist(named).of_digits, load_mnist(named).remarks) == (False, ())
