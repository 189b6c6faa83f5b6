"""Model files: what is saved comes back, and what is hostile or damaged does nothing but say so."""

import builtins
import io
import json
import os
import pickle
import re
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nnlib import model_files
from nnlib.digits.mnist import load_mnist
from nnlib.errors import ModelFileError
from nnlib.model_files import (
    SUFFIXES,
    Model,
    check_model_path,
    load_model,
    load_pretrained,
    model_bytes,
    original_file_name,
    save_model,
)
from nnlib.network.layers import ACTIVATIONS, Activation
from nnlib.network.network import Network
from nnlib.study.calibration import fit_temperature
from nnlib.training.config import TrainingConfig

MEGABYTE = 2**20


def make_model(widths: tuple[int, ...] = (784, 12, 8, 10), activation: Activation = "relu", **changes: Any) -> Model:
    network = Network(widths, activation, generator=np.random.default_rng(5))
    network.parameters += np.float32(0.01)  # biases too
    config = TrainingConfig(hidden_widths=widths[1:-1], activation=activation, epochs=7)
    known = {"name": "Grüße, 数字", "config": config, "epoch": 7, "test_accuracy": 0.9712, "recipe": "train --seed 5"}
    return Model(network, **{**known, **changes})


def arrays_of(model: Model) -> dict[str, np.ndarray]:
    return {key: a for key, a in pickle.loads(model_bytes(model, ".pkl")).items() if key != "metadata"}


def metadata_of(model: Model) -> dict[str, Any]:
    return json.loads(pickle.loads(model_bytes(model, ".pkl"))["metadata"].tobytes())


def write(arrays: dict[Any, Any], metadata: Any, suffix: str) -> bytes:
    """A model file as someone else might write it; `metadata` is JSON text, or what becomes it."""
    text = metadata if isinstance(metadata, str) else json.dumps(metadata)
    if suffix == ".safetensors":
        return safetensors.numpy.save(arrays, {"metadata": text})
    arrays = {**arrays, "metadata": np.frombuffer(text.encode(), np.uint8)}
    if suffix == ".pkl":
        return pickle.dumps(arrays)
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def refusal(content: bytes) -> str:
    with pytest.raises(ModelFileError) as caught:
        load_model(content, "digits.file")
    text = str(caught.value)
    assert text.startswith("digits.file was not loaded: ")
    assert text.endswith(". Save it again, or choose another file.")
    assert len(text) < 700
    assert text.isprintable()
    assert not re.search(r"Error\b|\bNone\b|\bTrue\b|\bFalse\b|\bdict\b|\bstr\b|bytes-like|object is|\[|'", text), text
    return text


# what is saved comes back


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_a_saved_model_comes_back_identical(tmp_path: Path, suffix: str, activation: Activation) -> None:
    model = make_model(activation=activation, temperature=1.625)
    path = tmp_path / f"model{suffix}"
    save_model(path, model)
    for loaded in (load_model(path), load_model(str(path)), load_model(path.read_bytes())):
        assert loaded.network.widths == model.network.widths
        assert loaded.network.activation == activation
        assert loaded.network.parameters.tobytes() == model.network.parameters.tobytes()
        for known in ("name", "config", "epoch", "test_accuracy", "recipe", "temperature"):
            assert getattr(loaded, known) == getattr(model, known)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_not_known_stays_unknown(suffix: str) -> None:
    loaded = load_model(model_bytes(make_model(config=None, epoch=None, test_accuracy=None), suffix))
    assert (loaded.config, loaded.epoch, loaded.test_accuracy) == (None, None, None)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_largest_network_allowed_fits(suffix: str) -> None:
    model = make_model((784, *[1024] * 6, 10))
    assert np.array_equal(load_model(model_bytes(model, suffix)).network.parameters, model.network.parameters)


def test_a_loaded_network_can_be_trained_and_saved_again() -> None:
    for suffix in SUFFIXES:
        content = model_bytes(make_model(), suffix)
        loaded = load_model(content)
        assert model_bytes(loaded, suffix) == content
        loaded.network.parameters += 1


def test_a_network_in_float64_or_with_dropout_is_saved_in_float32() -> None:
    network = Network((784, 5, 10), dropout=0.5, generator=np.random.default_rng(1), dtype=np.float64)
    loaded = load_model(model_bytes(Model(network, "wide", None, None, None, ""), ".npz"))
    assert np.array_equal(loaded.network.parameters, network.parameters.astype(np.float32))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("other", SUFFIXES)
def test_the_content_says_what_a_file_is_not_its_suffix(tmp_path: Path, suffix: str, other: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(model_bytes(make_model(), other))
    assert load_model(path).epoch == 7


@pytest.mark.parametrize("length", [0x0280, 0x0480])
def test_a_safetensors_file_that_begins_like_a_pickle_is_none(length: int) -> None:
    model = make_model((784, 4, 10), config=None, recipe="")
    header_size = int.from_bytes(model_bytes(model, ".safetensors")[:8], "little")
    recipe = "x" * (length - header_size)
    content = model_bytes(replace(model, recipe=recipe), ".safetensors")
    assert content[:2] == struct.pack("<H", length)
    assert load_model(content).recipe == recipe


@given(name=st.text(max_size=40), recipe=st.text(max_size=40), suffix=st.sampled_from(SUFFIXES))
@example(name="\ud800\n\u202e" + "x" * 5000, recipe="\0", suffix=".safetensors")
def test_any_name_can_be_saved_and_is_shown_on_one_line(name: str, recipe: str, suffix: str) -> None:
    loaded = load_model(model_bytes(make_model((784, 1, 10), name=name, recipe=recipe), suffix))
    assert loaded.name.isprintable()
    assert loaded.recipe.isprintable()
    if name.isprintable():
        assert loaded.name == name


def test_a_pkl_is_a_plain_dict_of_arrays_for_everyone() -> None:
    model = make_model()
    found = pickle.loads(model_bytes(model, ".pkl"))
    assert type(found) is dict
    assert list(found) == ["weights_1", "biases_1", "weights_2", "biases_2", "weights_3", "biases_3", "metadata"]
    assert all(type(array) is np.ndarray for array in found.values())
    assert {array.dtype for key, array in found.items() if key != "metadata"} == {np.dtype(np.float32)}
    assert found["weights_2"].shape == (12, 8)
    assert found["biases_2"].shape == (8,)
    assert json.loads(found["metadata"].tobytes())["preprocessing"] == "28 x 28 pixels, row by row, 0 paper to 1 ink"


def test_every_format_holds_the_same_arrays_for_other_libraries() -> None:
    model = make_model()
    expected = arrays_of(model)
    tensors = safetensors.numpy.load(model_bytes(model, ".safetensors"))
    archive = np.load(io.BytesIO(model_bytes(model, ".npz")), allow_pickle=False)
    assert tensors.keys() == expected.keys() == set(archive) - {"metadata"}
    for key, array in expected.items():
        assert np.array_equal(tensors[key], array)
        assert np.array_equal(archive[key], array)


# how sure it may be


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_from_before_there_were_temperatures_is_as_sure_as_it_was(suffix: str) -> None:
    metadata = metadata_of(make_model(temperature=3.0))
    del metadata["temperature"]
    assert load_model(write(arrays_of(make_model()), metadata, suffix)).temperature == 1


def test_a_model_is_calibrated_on_the_validation_digits_of_its_settings() -> None:
    config = TrainingConfig(hidden_widths=(12, 8), training_digits=1000, validation_digits=300)
    model = make_model(config=config)
    calibrated = model.calibrated()
    train = load_mnist().train
    images, labels = train.images[-300:], train.labels[-300:]
    assert calibrated.temperature == fit_temperature(model.network.predict_proba(images), labels) > 1.5
    assert replace(calibrated, temperature=1.0) == model


def test_without_its_validation_digits_a_model_stays_as_it_is(tmp_path: Path) -> None:
    for part in ("train", "t10k"):
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 0x0803, 5, 28, 28) + bytes(5 * 784))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x0801, 5) + bytes(5))
    for model, data in (
        (make_model(config=None), None),  # which digits they were is not known
        (make_model(), tmp_path / "moved"),
        (make_model(temperature=2.0), tmp_path / "moved"),
        (make_model(), tmp_path),  # there are fewer digits than its settings ask for
    ):
        assert model.calibrated(data) is model


def test_the_pretrained_model_is_calibrated() -> None:
    model = load_pretrained()
    assert model.temperature == pytest.approx(model.calibrated().temperature, rel=0.01)
    assert model.temperature < 0.9, "it learned from smoothed labels, so it is too modest by itself"


# files of the first version, and of other people


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("names", [("weights_", "biases_"), ("W", "b")])
def test_a_pkl_without_metadata_is_a_relu_network(tmp_path: Path, protocol: int, dtype: Any, names: Any) -> None:
    generator = np.random.default_rng(0)
    widths = (784, 16, 12, 10)
    arrays = {}
    for number, (n_inputs, n_outputs) in enumerate(pairwise(widths), start=1):
        arrays[f"{names[0]}{number}"] = np.asfortranarray(generator.normal(size=(n_inputs, n_outputs)).astype(dtype))
        arrays[f"{names[1]}{number}"] = generator.normal(size=(1, n_outputs)).astype(dtype)
    path = tmp_path / original_file_name(widths)
    path.write_bytes(pickle.dumps(arrays, protocol))
    loaded = load_model(path)
    assert loaded.name == "OCR_Model_16,12,10"
    assert (loaded.network.widths, loaded.network.activation) == (widths, "relu")
    assert "ReLU is assumed" in loaded.recipe
    for number, layer in enumerate(loaded.network.dense_layers, start=1):
        assert np.array_equal(layer.weights, arrays[f"{names[0]}{number}"].astype(np.float32))
        assert np.array_equal(layer.biases, arrays[f"{names[1]}{number}"][0].astype(np.float32))


def test_a_pkl_that_numpy_1_wrote_loads() -> None:
    content = pickle.dumps(arrays_of(make_model()), protocol=3).replace(
        b"numpy._core.multiarray", b"numpy.core.multiarray"
    )
    assert load_model(content).network.widths == (784, 12, 8, 10)


@pytest.mark.parametrize("write_npz", [np.savez, np.savez_compressed])
def test_an_npz_of_numpy_loads_compressed_or_not(write_npz: Callable) -> None:
    file = io.BytesIO()
    write_npz(file, **{key: np.asfortranarray(a, np.float64) for key, a in arrays_of(make_model()).items()})
    assert np.array_equal(load_model(file.getvalue()).network.parameters, make_model().network.parameters)


def test_the_first_version_names_files_by_their_widths() -> None:
    assert original_file_name((784, 128, 64, 64, 10)) == "OCR_Model_128,64,64,10.pkl"


# hostile pickles


class Calls:
    """Unpickles, for the ordinary pickle module, as the result of a call."""

    def __init__(self, call: Callable, *arguments: Any) -> None:
        self.order = (call, arguments)

    def __reduce__(self) -> Any:
        return self.order


def stack_global(module: str, name: str) -> bytes:
    parts = [b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name)]
    return b"".join(parts) + b"\x93"


def calling(module: str, name: str, argument: str) -> bytes:
    text = argument.encode()
    return b"\x80\x04" + stack_global(module, name) + b"X" + struct.pack("<I", len(text)) + text + b"\x85R."


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("call", [os.system, builtins.eval, builtins.exec])
def test_a_pkl_that_calls_something_is_refused_and_does_nothing(tmp_path: Path, call: Any, protocol: int) -> None:
    touched = tmp_path / "touched"
    order = f"touch {touched}" if call is os.system else f"open({str(touched)!r}, 'w').close()"
    for bait in (Calls(call, order), {**arrays_of(make_model((784, 2, 10))), "extra": Calls(call, order)}):
        content = pickle.dumps(bait, protocol)
        assert "may be an attack" in refusal(content) or protocol < 3
        assert not touched.exists()
        pickle.loads(content)  # the bait is real
        assert touched.exists()
        touched.unlink()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("nt", "system"),
        ("subprocess", "Popen"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("builtins", "__import__"),
        ("__builtin__", "eval"),
        ("importlib", "import_module"),
        ("numpy.testing._private.utils", "runstring"),
        ("numpy.testing", "rundocs"),
        ("numpy.f2py.crackfortran", "myeval"),
        ("numpy.f2py.capi_maps", "load_f2cmap_file"),
        ("numpy", "load"),
        ("numpy", "fromfile"),
        ("numpy", "memmap"),
        ("numpy", "ndarray.tofile"),
        ("numpy", "dtype.__class__.__subclasses__"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy._core.multiarray", "_reconstruct.__globals__"),
        ("numpy._core.multiarray", "_reconstruct.__class__"),
        ("numpy._core.multiarray", "os.system"),
        ("numpy._core.numeric", "_frombuffer.__globals__"),
        ("numpy._core._multiarray_umath", "_reconstruct"),
        ("numpy", "_reconstruct"),
        ("numpy ", "ndarray"),
        ("nnlib.model_files", "_Made"),
        ("functools", "partial"),
        ("copyreg", "_reconstructor"),
        ("_codecs", "encode"),
        ("collections", "OrderedDict"),
    ],
)
def test_every_name_that_arrays_do_not_need_is_refused(module: str, name: str) -> None:
    for content in (calling(module, name, "1"), b"\x80\x03c" + f"{module}\n{name}\n".encode() + b"."):
        assert f"it asks for {module}.{name}, which a model has no need of: it may be an attack" in refusal(content)


def test_the_admitted_names_call_nothing() -> None:
    """Stand-ins cannot be turned into anything, nor does what is done to them outlive the load."""
    for module, name in model_files._ArrayUnpickler.ADMITTED:
        part = stack_global(module, name)
        for order in (
            part + b")R.",
            part + b")R)R)R)R.",
            part + b"}\x8c\x0c__setstate__K\x01sb.",
            part + b"N}\x8c\x05makerK\x01s\x86b)R.",
            part + b"K\x01b)R}\x8c\x09arguments)sb.",
            b"}" + part + b")Rs.",
        ):
            refusal(b"\x80\x04" + order)
    assert load_model(model_bytes(make_model(), ".pkl")).epoch == 7


def memo_bomb() -> bytes:
    """A tuple of twice the same tuple, 60 deep, as a key: hashing it takes 2**60 steps."""
    levels = b"".join(bytes([ord("h"), level, ord("h"), level, 0x86, 0x94]) for level in range(60))
    return b"\x80\x04}()\x94" + levels + b"tK\x01s."


def late_memo_bomb() -> bytes:
    """The same, each tuple put into the memo only after a BUILD that changes nothing."""
    levels = b"".join(bytes([ord("h"), level, ord("h"), level, 0x86]) + b"Nb\x94" for level in range(60))
    return b"\x80\x04}()\x94" + levels + b"tK\x01s."


def array_pickle(shape: bytes, kind: str = "f4", data: bytes = b"C\x04abcd", order: bytes = b"\x8c\x01<") -> bytes:
    """A dict with one array as numpy pickles it, its parts as pickled here."""
    dtype = stack_global("numpy", "dtype") + b"\x8c" + bytes([len(kind)]) + kind.encode() + b"\x89\x88\x87R"
    dtype += b"(K\x03" + order + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array = stack_global("numpy._core.multiarray", "_reconstruct") + stack_global("numpy", "ndarray")
    array += b"K\x00\x85C\x01b\x87R(K\x01" + shape + dtype + b"\x89" + data + b"tb"
    return b"\x80\x04}\x8c\x09weights_1" + array + b"s."


HOSTILE_PICKLES = {
    "persistent id": b"\x80\x04Pgive me\n.",
    "binary persistent id": b"\x80\x04K\x01Q.",
    "extension code": b"\x80\x04\x82\x01.",
    "new object": b"\x80\x04" + stack_global("numpy", "ndarray") + b")\x81.",
    "instance": b"\x80\x04(inumpy\nndarray\n.",
    "out-of-band buffer": b"\x80\x05\x97.",
    "2 GB of bytes": b"\x80\x04B\xff\xff\xff\x7f.",
    "huge bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b".",
    "huge bytearray": b"\x80\x05\x96" + struct.pack("<Q", 2**60) + b".",
    "huge text": b"\x80\x04\x8d" + struct.pack("<Q", 2**60) + b".",
    "huge frame": b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"}.",
    "huge frame, signed": b"\x80\x04\x95" + struct.pack("<Q", 2**63 - 1) + b"}.",
    "huge integer": b"\x80\x04\x8b\xff\xff\xff\x7f.",
    "huge memo": b"\x80\x04}r\0\0\0\x02.",
    "memo of nothing": b"\x80\x04h\x09.",
    "empty stack": b"\x80\x04R.",
    "no mark": b"\x80\x04t.",
    "deep": b"\x80\x04" + b"(" * 4000 + b"t" * 4000 + b".",
    "deeper": b"\x80\x04" + b")" + b"\x85" * 10**6 + b".",
    "many steps": b"\x80\x04" + b"N" * 30 * MEGABYTE + b".",
    "memo bomb": memo_bomb(),
    "late memo bomb": late_memo_bomb(),
    "no dict": pickle.dumps([1]),
    "number": pickle.dumps(1),
    "unknown protocol": b"\x80\x7f}.",
    "no end": b"\x80\x04}",
    "huge shape": array_pickle(b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86"),
    "shape too large for the bytes": array_pickle(b"K\x02\x85"),
    "negative shape": array_pickle(b"J\xff\xff\xff\xffJ\xff\xff\xff\xff\x86"),
    "shape of text": array_pickle(b"\x8c\x02ab\x85"),
    "text times millions": array_pickle(b"\x8c\x09" + b"a" * 9 + b"J\x00\x00\x00\x04\x86"),
    "shape that is a dict": array_pickle(b"}"),
    "no shape": array_pickle(b"N"),
    "empty shape": array_pickle(b")"),
    "many dimensions": array_pickle(b"(" + b"K\x01" * 64 + b"t"),
    "objects": array_pickle(b"K\x01\x85", "O"),
    "objects of eight bytes": array_pickle(b"K\x01\x85", "O8", b"C\x08abcdefgh"),
    "structured": array_pickle(b"K\x01\x85", "i2,i2"),
    "repeated": array_pickle(b"K\x01\x85", "f4", order=b"\x8c\x011"),
    "dates": array_pickle(b"K\x01\x85", "M8", b"C\x08abcdefgh"),
    "texts": array_pickle(b"K\x01\x85", "U1"),
    "order that is no text": array_pickle(b"K\x01\x85", order=b"K\x01"),
    "list of objects": array_pickle(b"K\x01\x85", data=b"}"),
    "text as data": array_pickle(b"K\x01\x85", data=b"\x8c\x04abcd"),
    "dtype as data": array_pickle(b"K\x01\x85", data=stack_global("numpy", "dtype")),
    "an array whose state is itself": b"\x80\x04}\x8c\x09weights_1"
    + stack_global("numpy._core.multiarray", "_reconstruct")
    + b")R\x94h\x00bs.",
    "surrogates": b"\x80\x04\x8c\x03\xed\xa0\x80\x8c\x01a\x93.",
}


@pytest.mark.parametrize("which", HOSTILE_PICKLES)
def test_a_hostile_pickle_is_refused_at_once_and_in_little_memory(which: str) -> None:
    content = HOSTILE_PICKLES[which]
    started = time.perf_counter()
    peak = peak_bytes(lambda: refusal(content))
    assert peak < 2 * len(content) + 4 * MEGABYTE
    assert time.perf_counter() - started < 5


# sizes that would fill the memory


def peak_bytes(work: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def npz_of(name: str, data: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr(name, data)
    return file.getvalue()


def npy(descr: str = "'<f4'", shape: str = "(10,)", order: str = "False") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    header += b" " * (118 - len(header) - 1) + b"\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header


def safetensors_of(header: str, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header.encode())) + header.encode() + data


def zip_bomb(declared: int | None) -> bytes:
    """400 MB in 400 kB; with `declared`, both its headers say that it is so many bytes."""
    content = npz_of("weights_1.npy", npy() + bytes(400 * MEGABYTE))
    true = struct.pack("<I", len(npy()) + 400 * MEGABYTE)
    return content if declared is None else content.replace(true, struct.pack("<I", declared))


def zip_of_many_members(count: int) -> bytes:
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 1) + bytes(16) + b"a"
    end = b"PK\x05\x06" + bytes(4) + struct.pack("<HHIIH", 1, 1, count * len(entry), 0, 0)
    return b"PK\x03\x04" + entry * count + end


def test_no_file_makes_a_loader_allocate_much_more_than_its_own_size() -> None:
    big = 50 * MEGABYTE
    shared = np.zeros((784, big // 784 // 8))
    contents = {
        "zip bomb": zip_bomb(None),
        "zip bomb that lies": zip_bomb(1000),
        "zip of a million members": zip_of_many_members(10**6),
        "zip with a long comment": npz_of("a.npy", b"")[:-2] + b"\xff\xff" + bytes(0xFFFF),
        "lzma": npz_of("weights_1.npy", npy(), zipfile.ZIP_LZMA),
        "npy of petabytes": npz_of("weights_1.npy", npy(shape="(999999999, 999999999)")),
        "npy of nothing times a lot": npz_of("weights_1.npy", npy(shape="(0, 999999999)")),
        "safetensors of petabytes": safetensors_of(
            json.dumps({"weights_1": {"dtype": "F32", "shape": [2**31, 2**31], "data_offsets": [0, 2**64 - 1]}})
        ),
        "safetensors of nothing times a lot": safetensors_of(
            json.dumps({"weights_1": {"dtype": "F32", "shape": [0, 2**62], "data_offsets": [0, 0]}})
        ),
        "safetensors with a huge header": struct.pack("<Q", 2**62) + b"{",
        "safetensors nested deep": safetensors_of('{"__metadata__":' + "[" * 90_000 + "]" * 9),
        "one array for all layers": pickle.dumps({f"{kind}{n}": shared for n in range(1, 8) for kind in "Wb"}),
        "too wide": pickle.dumps(
            {
                **{"W1": np.zeros((784, 30_000), np.float16), "b1": np.zeros(30_000, np.float16)},
                **{"W2": np.zeros((30_000, 10), np.float16), "b2": np.zeros(10, np.float16)},
            }
        ),
        "too large": bytes(64 * MEGABYTE + 1),
    }
    for which, content in contents.items():
        peak = peak_bytes(partial(refusal, content))
        assert peak < 130 * MEGABYTE, which


def test_a_file_of_any_size_is_read_no_further_than_the_cap(tmp_path: Path) -> None:
    path = tmp_path / "huge.npz"
    with path.open("wb") as file:
        file.truncate(20 * 2**30)  # takes no room

    def load() -> None:
        with pytest.raises(ModelFileError, match=r"huge.npz was not loaded: it is larger than 64 MB"):
            load_model(path)

    assert peak_bytes(load) < 70 * MEGABYTE


# damaged files, each with its sentence


def damaged(change: Callable[[dict[str, Any], dict[str, Any]], Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    arrays, metadata = arrays_of(make_model()), metadata_of(make_model())
    change(arrays, metadata)
    return arrays, metadata


def with_value(key: str, value: float) -> Callable:
    def change(arrays: dict[str, Any], metadata: dict[str, Any]) -> None:
        arrays[key] = arrays[key].astype(np.float64)
        arrays[key].flat[3] = value

    return change


DAMAGES: dict[str, tuple[Callable[[dict[str, Any], dict[str, Any]], Any], str]] = {
    "nan": (with_value("weights_2", np.nan), "some of its weights are no numbers"),
    "infinite": (with_value("biases_1", -np.inf), "some of its weights are no numbers"),
    "too large for float32": (with_value("weights_1", 1e300), "some of its weights are no numbers"),
    "no arrays": (lambda a, m: a.clear(), "the weights of layer 1 are missing"),
    "no first weights": (lambda a, m: a.pop("weights_1"), "the weights of layer 1 are missing"),
    "no biases": (lambda a, m: a.pop("biases_2"), "the biases of layer 2 are missing"),
    "no last layer": (lambda a, m: (a.pop("weights_3"), a.pop("biases_3")), "from 784 inputs to 8 outputs"),
    "unknown array": (lambda a, m: a.update(moments=a["biases_1"]), '"moments", which is neither weights nor biases'),
    "array of no layer": (lambda a, m: a.update(weights_0=a["biases_1"]), '"weights_0", which is neither'),
    "a layer twice": (lambda a, m: a.update(W1=a["weights_1"]), "the weights of layer 1 twice"),
    "biases too short": (
        lambda a, m: a.update(biases_1=a["biases_1"][:5]),
        "layer 1 does not fit: it has 784 x 12 weights, where 784 values come in and 5 biases are added",
    ),
    "chain broken": (
        lambda a, m: a.update(weights_2=a["weights_2"][:9].copy()),
        "layer 2 does not fit: it has 9 x 8 weights, where 12 values come in and 8 biases are added",
    ),
    "flat weights": (lambda a, m: a.update(weights_2=a["weights_2"].reshape(-1)), "its weights are no tables"),
    "other inputs": (lambda a, m: a.update(weights_1=a["weights_1"][:100].copy()), "100 inputs to 10 outputs"),
    "other format": (lambda a, m: m.update(format=2), "its format is 2, and this version reads 1"),
    "unknown activation": (lambda a, m: m.update(activation="gelu"), 'its activation is "gelu", not one of relu'),
    "activation of another type": (
        lambda a, m: m.update(activation=["relu"]),
        "its activation is a list: it must be a text",
    ),
    "no activation": (lambda a, m: m.pop("activation"), "its metadata lacks its activation"),
    "setting out of range": (lambda a, m: m["config"].update(learning_rate=50), "learning_rate is 50: it must be"),
    "unknown setting": (lambda a, m: m["config"].update(warp=9), "there is no setting warp"),
    "setting called self": (lambda a, m: m["config"].update(self=9), "was not loaded"),
    "config no object": (lambda a, m: m.update(config=[1]), "the settings are not readable"),
    "config of another network": (
        lambda a, m: m["config"].update(activation="tanh"),
        "describe another network than its weights",
    ),
    "accuracy above 1": (
        lambda a, m: m.update(test_accuracy=97.1),
        "its test accuracy is 97.1: it must be a number from 0 to 1",
    ),
    "accuracy nan": (lambda a, m: m.update(test_accuracy=float("nan")), "its test accuracy is not a number"),
    "accuracy text": (lambda a, m: m.update(test_accuracy="0.9"), 'its test accuracy is "0.9": it must be a number'),
    "accuracy true": (lambda a, m: m.update(test_accuracy=True), "its test accuracy is true"),
    "epoch negative": (lambda a, m: m.update(epoch=-1), "its epoch is -1: it must be a whole number from 0 to 1,000"),
    "epoch half": (lambda a, m: m.update(epoch=1.5), "its epoch is 1.5"),
    "temperature zero": (
        lambda a, m: m.update(temperature=0),
        "its temperature is 0: it must be a number from 0.05 to 20",
    ),
    "temperature too high": (lambda a, m: m.update(temperature=20.5), "its temperature is 20.5: it must be a number"),
    "temperature nan": (lambda a, m: m.update(temperature=float("nan")), "its temperature is not a number"),
    "temperature infinite": (lambda a, m: m.update(temperature=float("inf")), "its temperature is infinite"),
    "temperature endless": (lambda a, m: m.update(temperature=10**400), "its temperature is a number of very many"),
    "temperature text": (lambda a, m: m.update(temperature="1"), 'its temperature is "1": it must be a number'),
    "temperature true": (lambda a, m: m.update(temperature=True), "its temperature is true"),
    "temperature null": (lambda a, m: m.update(temperature=None), "its temperature is missing"),
    "name a list": (lambda a, m: m.update(name=[[]]), "its name is a list: it must be a text"),
    "name a number": (lambda a, m: m.update(name=5), "its name is 5: it must be a text"),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("which", DAMAGES)
def test_a_damaged_model_says_what_is_wrong(which: str, suffix: str) -> None:
    change, sentence = DAMAGES[which]
    assert sentence in refusal(write(*damaged(change), suffix))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 50_000, '{"format": 1, "format": 1}', "9" * 5000])
def test_metadata_that_is_no_json_object_is_refused(suffix: str, text: str) -> None:
    refusal(write(arrays_of(make_model()), text, suffix))


def test_endless_metadata_is_refused() -> None:
    endless = {**metadata_of(make_model()), "more": "x" * 200_000}
    assert "it is none of" in refusal(write(arrays_of(make_model()), endless, ".safetensors"))
    for suffix in (".npz", ".pkl"):
        assert "its metadata is longer than 100,000 bytes" in refusal(write(arrays_of(make_model()), endless, suffix))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x80\x04K\x01Q.", "it uses BINPERSID, which a model has no need of: it may be an attack"),
        (b"\x80\x04\x82\x01.", "it uses EXT1, which a model has no need of: it may be an attack"),
        (b"\x80\x04(inumpy\nndarray\n.", "it uses INST, which a model has no need of: it may be an attack"),
        (b"", "it is none of .safetensors, .npz and .pkl"),
        (b"\x89PNG\r\n\x1a\n", "it is none of .safetensors, .npz and .pkl"),
        (pickle.dumps({}, protocol=0), "it is none of .safetensors, .npz and .pkl"),
        (model_bytes(make_model(), ".npz")[:-1], "it is cut off"),
        (model_bytes(make_model(), ".npz")[:5000], "it is cut off"),
        (
            model_bytes(make_model(), ".pkl")[:-1],
            "it begins as a .pkl file does, but what follows is damaged or cut off",
        ),
        (
            model_bytes(make_model(), ".safetensors")[:-1],
            "it begins as a .safetensors file does, but what follows is damaged or cut off",
        ),
        (model_bytes(make_model(), ".safetensors") + b"x", "what follows is damaged or cut off"),
        (zip_bomb(None), "it unpacks to 419,4"),
        (zip_bomb(1000), "it begins as a .npz file does, but what follows is damaged or cut off"),
        (npz_of("weights_1.npy", npy(), zipfile.ZIP_LZMA), "its compression is unusual"),
        (npz_of("weights_1.npy", npy()), "it announces 40 bytes for an array and holds 0"),
        (npz_of("weights_1.npy", npy("'|O'")), "weights_1 is no plain table of numbers (array)"),
        (npz_of("weights_1.npy", npy("'|S5'")), 'it holds an array of type "|S5", not float32'),
        (npz_of("weights_1.npy", npy("'<i4'")), 'it holds an array of type "<i4", not float32'),
        (npz_of("weights_1.npy", npy("[('a', '<f4')]")), "weights_1 is no plain table of numbers (array)"),
        (npz_of("weights_1.npy", npy(shape="(2L,)")), "weights_1 is no plain table of numbers (array)"),
        (npz_of("weights_1.npy", npy(shape=r"('\d',)")), "weights_1 is no plain table of numbers (array)"),
        (npz_of("weights_1.npy", b"not an array"), "weights_1 is no plain table of numbers (array)"),
        (npz_of("../../weights_1.npy", npy() + bytes(40)), '"../../weights_1", which is neither weights nor biases'),
        (
            safetensors_of('{"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}', b"ab"),
            'a is of type "BF16"',
        ),
        (
            safetensors_of('{"a": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}', b"abcdefgh"),
            'a is of type "I64"',
        ),
        (safetensors_of('{"a": 1, "a": 1}'), "its metadata says something twice"),
        (safetensors_of('{"__metadata__": {"metadata": "{}", "metadata": ""}}'), "its metadata says something twice"),
        (safetensors_of('{"__metadata__": 5}'), "what follows is damaged or cut off"),
        (safetensors_of('{"__metadata__": {"metadata": 5}}'), "what follows is damaged or cut off"),
    ],
)
def test_a_file_of_another_form_says_what_is_wrong(content: bytes, sentence: str) -> None:
    assert sentence in refusal(content)


def test_an_npz_with_one_array_twice_or_too_many_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("weights_1.npy", npy() + bytes(40))
        archive.writestr("weights_1", npy() + bytes(40))
    assert "it holds weights_1 twice" in refusal(file.getvalue())
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        for number in range(16):
            archive.writestr(f"weights_{number}.npy", npy() + bytes(40))
    assert "it holds 16 arrays, and a model at most 15" in refusal(file.getvalue())


def test_too_wide_or_too_deep_a_network_is_refused() -> None:
    def content(*widths: int) -> bytes:
        network = Network(widths)
        return pickle.dumps(
            {f"W{n}": layer.weights for n, layer in enumerate(network.dense_layers, start=1)}
            | {f"b{n}": layer.biases for n, layer in enumerate(network.dense_layers, start=1)}
        )

    limits = "they must be 1 to 6 whole numbers from 1 to 1,024"
    assert f"its hidden layers are 1025: {limits}" in refusal(content(784, 1025, 10))
    assert f"its hidden layers are 2,2,2,2,2,2,2: {limits}" in refusal(content(784, *[2] * 7, 10))
    assert f"its hidden layers are none: {limits}" in refusal(content(784, 10))
    assert "from 784 inputs to 9 outputs" in refusal(content(784, 20, 9))


# mutations


VALID = [model_bytes(make_model((784, 3, 10)), suffix) for suffix in SUFFIXES]
VALID += [pickle.dumps(arrays_of(make_model((784, 3, 10))), protocol) for protocol in (3, 5)]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    content = bytearray(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 6))):
        # most of a file is weights: aim for its ends, where its structure is
        near = st.integers(0, min(1200, len(content)))
        at = draw(st.one_of(near, near.map(lambda n: len(content) - n), st.integers(0, len(content))))
        chunk = draw(st.one_of(st.binary(max_size=8), st.sampled_from([b"\xff" * 4, b"\xff" * 8, b"\x7f", bytes(8)])))
        length = draw(st.integers(0, 40))
        match draw(st.sampled_from(["flip", "replace", "insert", "delete", "repeat", "cut"])):
            case "flip" if at < len(content):
                content[at] ^= 1 << draw(st.integers(0, 7))
            case "replace":
                content[at : at + len(chunk)] = chunk
            case "insert":
                content[at:at] = chunk
            case "delete":
                del content[at : at + length]
            case "repeat":
                content[at:at] = content[at : at + length]
            case "cut":
                del content[at:]
    return bytes(content)


def load_or_refuse(content: bytes) -> None:
    try:
        loaded = load_model(content, "mutated")
    except ModelFileError:
        return
    assert np.isfinite(loaded.network.parameters).all()
    model_bytes(loaded, ".npz")


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(mutated())
def test_a_mutated_file_loads_or_is_refused(content: bytes) -> None:
    load_or_refuse(content)


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from([b"", b"PK\x03\x04", b"\x80\x02", b"\x80\x04", b"\x80\x05", b"\x20\0\0\0\0\0\0\0{"]),
    st.binary(max_size=400),
)
def test_any_bytes_are_refused(start: bytes, rest: bytes) -> None:
    load_or_refuse(start + rest)


def test_every_flipped_bit_of_the_structure_loads_or_is_refused() -> None:
    for content in VALID:
        places = [*range(min(420, len(content))), *range(len(content) - 120, len(content))]
        for at in places:
            for bit in (0, 3, 7):
                changed = bytearray(content)
                changed[at] ^= 1 << bit
                load_or_refuse(bytes(changed))


# saving


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.npz"
    save_model(path, make_model())
    before = path.read_bytes()

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(ModelFileError, match=r"model.npz was not saved: no space left on device\. Choose another"):
        save_model(path, make_model(epoch=1))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_save_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.pkl"
    save_model(path, make_model())
    before = path.read_bytes()

    def interrupt(descriptor: int) -> None:
        assert path.read_bytes() == before
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_model(path, make_model(epoch=1))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_saving_replaces_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model.SafeTensors"
    save_model(str(path), make_model(epoch=1))
    save_model(path, make_model(epoch=2))
    assert load_model(path).epoch == 2


@pytest.mark.parametrize("name", ["model.h5", "model", "model.pkl.gz", ""])
def test_another_suffix_is_refused_by_naming_the_three(tmp_path: Path, name: str) -> None:
    for attempt in (lambda: save_model(tmp_path / name, make_model()), lambda: check_model_path(tmp_path / name)):
        with pytest.raises(ModelFileError, match=r"choose \.safetensors, \.npz or \.pkl\."):
            attempt()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_said_beforehand_and_when_saving(tmp_path: Path) -> None:
    folder = tmp_path / "folder.npz"
    folder.mkdir()
    for path in (tmp_path / "missing" / "model.npz", folder):
        with pytest.raises(ModelFileError, match="choose a folder that exists"):
            check_model_path(path)
        with pytest.raises(ModelFileError, match="was not saved"):
            save_model(path, make_model())
    with pytest.raises(ModelFileError, match="was not saved: no file can have this name"):
        save_model(tmp_path / "a\0.npz", make_model())
    check_model_path(tmp_path / "model.npz")
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"test_accuracy": 97.0}, "its test accuracy is 97: it must be a number from 0 to 1"),
        ({"test_accuracy": float("nan")}, "its test accuracy is not a number"),
        ({"epoch": -3}, "its epoch is -3"),
        ({"temperature": 50.0}, "its temperature is 50: it must be a number from 0.05 to 20"),
        ({"config": TrainingConfig()}, "describe another network than its weights"),
    ],
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_could_not_be_loaded_is_not_saved(changes: dict[str, Any], sentence: str, suffix: str) -> None:
    with pytest.raises(ModelFileError, match=sentence):
        model_bytes(make_model(**changes), suffix)


def test_a_network_that_diverged_is_not_saved() -> None:
    model = make_model()
    model.network.parameters[5] = np.nan
    with pytest.raises(ModelFileError, match="was not saved: some of its weights are no numbers"):
        model_bytes(model, ".safetensors")


# what comes with the package, and what is not there


def test_a_missing_file_and_a_folder_are_said_to_be_so(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.pkl", tmp_path / "a\0b"):
        with pytest.raises(ModelFileError, match=r"there is no file .*: check its name and folder\."):
            load_model(path)
    with pytest.raises(ModelFileError, match=r" is a folder: name a file in it\."):
        load_model(tmp_path)


def test_what_might_keep_one_waiting_for_ever_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    os.mkfifo(path)
    with pytest.raises(ModelFileError, match=r"model.npz is not a file but a pipe, a device or a broken link: copy "):
        load_model(path)


def test_a_file_that_cannot_be_read_is_said_to_be_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.npz"
    save_model(path, make_model())

    def forbidden(*arguments: Any, **more: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(ModelFileError, match=r"model.npz cannot be read: permission denied\. Check its permissions"):
        load_model(path)


def test_the_pretrained_model_is_shared_and_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "PACKAGED", tmp_path)
    load_pretrained.cache_clear()
    with pytest.raises(ModelFileError, match=r"pretrained.safetensors is missing: install the package again"):
        load_pretrained()
    save_model(tmp_path / "pretrained.safetensors", make_model())
    try:
        model = load_pretrained()
        assert load_pretrained() is model
        layer = model.network.dense_layers[0]
        for array in (model.network.parameters, layer.weights, layer.biases):
            with pytest.raises(ValueError, match="read-only"):
                array += 1
        assert model.network.predict_proba(np.zeros((1, 784), np.float32)).shape == (1, 10)
    finally:
        load_pretrained.cache_clear()
