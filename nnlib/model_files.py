"""Models on disk: saved so that a crash cannot halve them, loaded so that a hostile file can do nothing.

A model file is data. It holds `weights_1` (n_inputs, n_outputs), `biases_1` (n_outputs,), `weights_2`
and so on as float32, and `metadata`, a JSON object: the text of that name in the metadata of
.safetensors, its UTF-8 bytes as a uint8 array in .npz and .pkl. A file without metadata, like the
.pkl of this project's first version, is taken for a ReLU network.
"""

import io
import json
import math
import os
import pickle
import pickletools
import re
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from nnlib.digits import N_CLASSES, N_PIXELS, PACKAGED, load_mnist
from nnlib.errors import DataError, ModelFileError, SettingError
from nnlib.files import is_plain_zip, read_bytes, write_bytes
from nnlib.network import ACTIVATIONS, Network
from nnlib.study import HIGHEST_TEMPERATURE, LOWEST_TEMPERATURE, NO_CHANGE, fit_temperature
from nnlib.training import MAX_HIDDEN_LAYERS, SETTINGS, Recipe, TrainingConfig, split
from nnlib.words import count, exact, printable, shown

SUFFIXES = (".safetensors", ".npz", ".pkl")
FORMAT = 1
PREPROCESSING = "28 x 28 pixels, row by row, 0 paper to 1 ink"
MAX_FILE_BYTES = 64 * 2**20  # the largest network allowed takes 48 MB in float64
MAX_METADATA_BYTES = 100_000
MAX_ARRAYS = 2 * (MAX_HIDDEN_LAYERS + 1) + 1
MAX_TEXT = 2_000
METADATA = ("format", "name", "activation", "epoch", "test_accuracy", "recipe", "config")

WAY_OUT = "Save it again, or choose another file."

Content = tuple[dict[str, np.ndarray], bytes | None]  # the arrays of a file, and its metadata


@dataclass(frozen=True)
class Model:
    """A network with what is known of its making.

    `name` is for people, `recipe` the command or sentence that made it; `epoch` says after how many
    epochs, `test_accuracy` (0 to 1) how many of the test digits it reads. `training` is all that decided
    its training, up to the step where it was so: trained by it, another network has the same bits. None:
    not known. `temperature` is what its probabilities need to be as sure as it is right: see `calibrate`.
    """

    network: Network
    name: str
    config: TrainingConfig | None
    epoch: int | None
    test_accuracy: float | None
    recipe: str
    training: Recipe | None = None
    temperature: float = NO_CHANGE

    def calibrated(self, data: str | Path | None = None) -> "Model":
        """The same model, with the temperature that suits the validation digits of its own settings: those of MNIST, or
        of the folder `data`. Where they cannot be had, it stays as it is.

        It takes as long as reading these digits once.
        """
        if self.config is None:
            return self
        try:
            digits = split(load_mnist(data).train, self.config)[1]
        except (DataError, SettingError):  # the folder was moved, or has other digits by now
            return self
        probabilities = self.network.predict_proba(digits.images)
        return replace(self, temperature=fit_temperature(probabilities, digits.labels))


class _RefusedError(Exception):
    """What is wrong with a file, as the middle of a sentence."""


def save_model(path: str | Path, model: Model) -> None:
    """Write the model as .safetensors, .npz or .pkl, whichever `path` ends with.

    The file appears whole or not at all, and what it replaces is there until then. Raises
    ModelFileError for another suffix, for a model that could not be loaded again, and where the disk
    does not take it.
    """
    path = Path(path)
    write_bytes(path, model_bytes(model, path.suffix), ModelFileError)


def check_model_path(path: str | Path) -> None:
    """Raise ModelFileError where `save_model` could not save: better before hours of training than after."""
    path = Path(path)
    _checked_suffix(path.suffix)
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise ModelFileError(
            f"{printable(str(path))} cannot be saved there: choose a folder that exists and lets you write."
        )


def model_bytes(model: Model, suffix: str) -> bytes:
    """The content of a model file, to write or to offer as a download; raises as `save_model` does."""
    suffix = _checked_suffix(suffix)
    try:
        _check(model)
    except _RefusedError as wrong:
        raise ModelFileError(
            f"{printable(model.name)} was not saved: {wrong}. Save an earlier epoch or another model."
        ) from wrong
    arrays = {}
    for number, layer in enumerate(model.network.dense_layers, start=1):
        arrays[f"weights_{number}"] = layer.weights.astype("<f4")
        arrays[f"biases_{number}"] = layer.biases.astype("<f4")
    training = model.training.to_json() if model.training else "null"
    metadata = json.dumps(
        {
            "format": FORMAT,
            "name": printable(model.name, MAX_TEXT),
            "activation": model.network.activation,
            "preprocessing": PREPROCESSING,
            "epoch": model.epoch,
            "test_accuracy": model.test_accuracy,
            "temperature": model.temperature,
            "recipe": printable(model.recipe, MAX_TEXT),
            "config": model.config and json.loads(model.config.to_json()),
            # without the rest, a model can still be used
            "training": json.loads(training) if len(training) < MAX_METADATA_BYTES / 2 else None,
        }
    )
    if suffix == ".safetensors":
        return safetensors.numpy.save(arrays, {"metadata": metadata})
    arrays["metadata"] = np.frombuffer(metadata.encode(), np.uint8)
    if suffix == ".pkl":
        return pickle.dumps(arrays, protocol=4)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def load_model(source: str | Path | bytes, name: str | None = None) -> Model:
    """The model in a file, or in the bytes of one, whatever its suffix: its content says what it is.

    `name` is what errors call it, and what a model without metadata is called; the path's own if
    not given. Raises ModelFileError for all that is missing, damaged, too large or unsafe.
    """
    if isinstance(source, bytes):
        name, content = name or "the file", source
    else:
        name, content = name or Path(source).name, read_bytes(source, MAX_FILE_BYTES, ModelFileError)
    name = printable(name)
    kind = "model"
    try:
        kind, reader = _reader_of(content)
        arrays, metadata = reader(content)
        model = _model_from(arrays, metadata, Path(name).stem)
        _check(model)
    except (_RefusedError, SettingError) as wrong:
        sentence = printable(str(wrong).rstrip("."), 500)
        raise ModelFileError(f"{name} was not loaded: {sentence}. {WAY_OUT}") from wrong
    except Exception as error:  # hostile bytes make the libraries raise nearly anything
        sentence = f"it begins as a {kind} file does, but what follows is damaged or cut off"
        raise ModelFileError(f"{name} was not loaded: {sentence}. {WAY_OUT}") from error
    return model


@lru_cache(maxsize=1)
def load_pretrained() -> Model:
    """The model that comes with the package, one for all who ask: its parameters are read-only."""
    path = PACKAGED / "pretrained.safetensors"
    if not path.is_file():
        raise ModelFileError(f"{path} is missing: install the package again, or choose a model of your own.")
    model = load_model(path)
    layers = model.network.dense_layers
    for array in (model.network.parameters, *(a for layer in layers for a in (layer.weights, layer.biases))):
        array.flags.writeable = False
    return model


def original_file_name(widths: Sequence[int]) -> str:
    """What this project's first version called such a network: OCR_Model_128,64,64,10.pkl."""
    return f"OCR_Model_{','.join(map(str, widths[1:]))}.pkl"


def _checked_suffix(suffix: str) -> str:
    if suffix.lower() not in SUFFIXES:
        raise ModelFileError(f"{suffix or 'no suffix'} is no kind of model file: choose .safetensors, .npz or .pkl.")
    return suffix.lower()


def _reader_of(content: bytes) -> tuple[str, Callable[[bytes], Content]]:
    """What kind of file it is, and what reads those."""
    _require(len(content) <= MAX_FILE_BYTES, f"it is larger than {MAX_FILE_BYTES // 2**20} MB, and no model is")
    if content.startswith(b"PK\x03\x04"):
        return ".npz", _read_npz
    # before the pickles: the length of a safetensors header may begin with the byte that marks those
    if int.from_bytes(content[:8], "little") <= MAX_METADATA_BYTES and content[8:9] == b"{":
        return ".safetensors", _read_safetensors
    _require(content.startswith(b"\x80"), "it is none of .safetensors, .npz and .pkl (of protocol 3 or newer)")
    return ".pkl", _read_pickle


def _read_safetensors(content: bytes) -> Content:
    size = int.from_bytes(content[:8], "little")
    header = _read_json(content[8 : 8 + size])
    metadata = header.pop("__metadata__", {}).get("metadata")
    for name, entry in header.items():
        _require(
            entry["dtype"] in ("F16", "F32", "F64"),
            f"{printable(name)} is of type {_quoted(entry['dtype'])}, not float32",
        )
    return safetensors.numpy.load(content), None if metadata is None else metadata.encode()


# numpy's own reader evaluates this text as Python literals; what numpy writes always looks like this
_NPY_HEADER = re.compile(
    rb"\x93NUMPY\x01\0..\{'descr': '([<>|]\w\d)', 'fortran_order': (True|False), "
    rb"'shape': \((\d{1,9}),(?: (\d{1,9}))?\), \} *\n",
    re.DOTALL,
)


def _read_npz(content: bytes) -> Content:
    plain = is_plain_zip(content, MAX_METADATA_BYTES)
    _require(plain, "it is cut off, or it is a zip file of another kind")
    arrays = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        unpacked = sum(member.file_size for member in members)
        _require(len(members) <= MAX_ARRAYS, f"it holds {len(members):,} arrays, and a model at most {MAX_ARRAYS}")
        _require(unpacked <= MAX_FILE_BYTES, f"it unpacks to {unpacked:,} bytes, and no model does")
        for member in members:
            name = member.filename.removesuffix(".npy")
            _require(name not in arrays, f"it holds {printable(name)} twice")
            # the other compressions can ask for gigabytes to begin with
            _require(member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), "its compression is unusual")
            with archive.open(member) as file:
                data = file.read(member.file_size)
            header = _NPY_HEADER.match(data)
            if header is None:
                raise _RefusedError(f"{printable(name)} is no plain table of numbers (array)")
            shape = tuple(int(size) for size in header.groups()[2:] if size is not None)
            arrays[name] = _array(header[1].decode(), shape, memoryview(data)[header.end() :], header[2] == b"True")
    return arrays, _take_metadata(arrays)


@dataclass
class _Made:
    """A stand-in for what a pickle wants made of numpy: it notes the order, and makes nothing."""

    maker: str
    arguments: tuple = ()
    state: Any = None

    def __call__(self, *arguments: Any) -> "_Made":
        return _Made(self.maker, arguments)

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickles dicts of numpy arrays. Nothing that the file names is ever imported or called."""

    ADMITTED = frozenset(
        {
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("numpy.core.multiarray", "_reconstruct"),  # numpy 1
            ("numpy._core.multiarray", "_reconstruct"),
            ("numpy.core.numeric", "_frombuffer"),  # numpy 1, protocol 5
            ("numpy._core.numeric", "_frombuffer"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        _require(
            (module, name) in self.ADMITTED,
            f"it asks for {module[:80]}.{name[:80]}, which a model has no need of: it may be an attack",
        )
        return _Made(name)


_SHAREABLE = {
    *("SHORT_BINUNICODE", "BINUNICODE", "SHORT_BINBYTES", "BINBYTES", "BYTEARRAY8"),
    *("GLOBAL", "STACK_GLOBAL", "REDUCE"),
}
_PUTS = {"MEMOIZE", "BINPUT", "LONG_BINPUT"}
_GETS = {"BINGET", "LONG_BINGET"}
_OPCODES = {
    *("PROTO", "FRAME", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2"),
    *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_DICT", "SETITEM", "SETITEMS", "BUILD"),
    *_SHAREABLE,
    *_PUTS,
    *_GETS,
}
MAX_OPCODES = 5_000


def _walk_pickle(content: bytes) -> None:
    """Refuse what no dict of arrays needs, before anything is built.

    Walking finds every length that the file cannot keep. Few opcodes keep nesting and memo small.
    Containers must not be shared: a tuple of twice the same tuple of twice the same ... is tiny
    and takes forever to hash.
    """
    shareable: dict[int, bool] = {}
    previous = ""
    for steps, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        name = opcode.name
        _require(name in _OPCODES, f"it uses {name}, which a model has no need of: it may be an attack")
        _require(steps < MAX_OPCODES, f"it takes more than {MAX_OPCODES:,} steps to read, and no model does")
        if name in _PUTS:
            index = len(shareable) if argument is None else int(argument)
            _require(index < MAX_OPCODES, f"it numbers one of its parts {index:,}, and no model has so many")
            shareable[index] = previous in _SHAREABLE
        if name in _GETS:
            _require(shareable.get(int(argument or 0), False), "it uses one of its parts twice, as no model does")
        previous = name


def _read_pickle(content: bytes) -> Content:
    _walk_pickle(content)
    found = _ArrayUnpickler(io.BytesIO(content)).load()
    _require(type(found) is dict, "it is no collection of named tables of numbers (arrays)")
    arrays = {}
    for name, made in found.items():
        match made:
            case _Made("_reconstruct", state=(_, shape, _Made("dtype", (kind, *_)) as dtype, in_columns, data)):
                pass
            case _Made("_frombuffer", (data, _Made("dtype", (kind, *_)) as dtype, shape, order)):
                in_columns = order == "F"
            case _:
                raise _RefusedError(f"{_quoted(name)} is no plain table of numbers (array)")
        arrays[name] = _array(dtype.state[1] + kind, shape, data, bool(in_columns))
    return arrays, _take_metadata(arrays)


def _array(dtype: str, shape: tuple[int, ...], data: bytes | memoryview, in_columns: bool) -> np.ndarray:
    """The array that a file announces, as a view of its bytes: nothing is allocated."""
    _require(
        re.fullmatch("[<>|](f2|f4|f8|u1)", dtype) is not None,
        f"it holds an array of type {_quoted(dtype)}, not float32",
    )
    _require(
        len(shape) <= 2 and all(type(size) is int and 0 < size < 10**9 for size in shape),
        "one of its arrays has an odd shape",
    )
    expected = math.prod(shape) * int(dtype[2])
    _require(len(data) == expected, f"it announces {expected:,} bytes for an array and holds {len(data):,}")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if in_columns else "C")


def _take_metadata(arrays: dict[str, np.ndarray]) -> bytes | None:
    array = arrays.pop("metadata", None)
    return None if array is None else array[: MAX_METADATA_BYTES + 1].tobytes()


def _read_json(content: bytes) -> dict[str, Any]:
    _require(len(content) <= MAX_METADATA_BYTES, f"its metadata is longer than {MAX_METADATA_BYTES:,} bytes")

    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        _require(len(dict(pairs)) == len(pairs), "its metadata says something twice")
        return dict(pairs)

    values = None
    with suppress(ValueError, RecursionError):
        values = json.loads(content.decode(), object_pairs_hook=distinct)
    if not isinstance(values, dict):
        raise _RefusedError("its metadata is not readable: it must be one JSON object")
    return values


def _model_from(arrays: dict[str, np.ndarray], metadata: bytes | None, name: str) -> Model:
    if metadata is None:
        unknown = "not known: the file has no metadata, and ReLU is assumed"
        return Model(_network_from(arrays, "relu"), name, None, None, None, unknown)
    values = _read_json(metadata)
    for key in METADATA:
        _require(key in values, f"its metadata lacks its {key}")
    for key in ("name", "recipe", "activation"):
        _require(isinstance(values[key], str), f"its {key} is {_quoted(values[key])}: it must be a text")
    version, activation, config = values["format"], values["activation"], values["config"]
    _require(version == FORMAT, f"its format is {_quoted(version)}, and this version reads {FORMAT}")
    _require(activation in ACTIVATIONS, f"its activation is {_quoted(activation)}, not one of {', '.join(ACTIVATIONS)}")
    return Model(
        _network_from(arrays, activation),
        printable(values["name"], MAX_TEXT),
        None if config is None else TrainingConfig.from_json(json.dumps(config)),
        values["epoch"],
        values["test_accuracy"],
        printable(values["recipe"], MAX_TEXT),
        Recipe.from_json(json.dumps(values["training"])) if values.get("training") is not None else None,
        values.get("temperature", NO_CHANGE),  # older versions did not have it
    )


def _network_from(arrays: dict[str, np.ndarray], activation: Any) -> Network:
    """A network with these weights and biases, called weights_1 and biases_1, or W1 and b1, and so on."""
    parameters = {}
    for name, array in arrays.items():
        found = re.fullmatch(r"(weights_|biases_|W|b)([1-9])", name)
        if found is None:
            raise _RefusedError(f"it holds {_quoted(name)}, which is neither weights nor biases of a layer")
        key = ("weights" if found[1] in ("weights_", "W") else "biases", int(found[2]))
        _require(key not in parameters, f"it holds the {key[0]} of layer {key[1]} twice")
        parameters[key] = array
    layers = range(1, max(1, math.ceil(len(parameters) / 2)) + 1)
    for key in ((kind, number) for number in layers for kind in ("weights", "biases")):
        _require(key in parameters, f"the {key[0]} of layer {key[1]} are missing")

    weights = [parameters["weights", number] for number in layers]
    # a row of biases, (1, n), is as good
    biases = [parameters["biases", number].reshape(-1) for number in layers]
    _require(all(matrix.ndim == 2 for matrix in weights), "its weights are no tables of rows and columns")
    widths = (weights[0].shape[0], *(matrix.shape[1] for matrix in weights))
    for number, (n_inputs, matrix, row) in enumerate(zip(widths, weights, biases, strict=False), start=1):
        rows, columns = matrix.shape
        _require(
            (rows, columns) == (n_inputs, len(row)),
            f"layer {number} does not fit: it has {rows:,} x {columns:,} weights, where {n_inputs:,} values come in "
            f"and {count(len(row), 'bias', 'biases')} {'is' if len(row) == 1 else 'are'} added",
        )
    _check_widths(widths)

    network = Network(widths, activation)
    with np.errstate(over="ignore", invalid="ignore"):  # float64 too large for float32 is found by _check
        for layer, matrix, row in zip(network.dense_layers, weights, biases, strict=True):
            layer.weights[:] = matrix
            layer.biases[:] = row
    return network


def _check_widths(widths: Sequence[int]) -> None:
    n_inputs, *hidden, n_outputs = widths
    ends = (n_inputs, n_outputs) == (N_PIXELS, N_CLASSES)
    _require(ends, f"it goes from {n_inputs} inputs to {n_outputs} outputs, not from {N_PIXELS} to {N_CLASSES}")
    limits = SETTINGS["hidden_widths"]
    allowed = 1 <= len(hidden) <= MAX_HIDDEN_LAYERS and all(limits.low <= width <= limits.high for width in hidden)
    _require(allowed, f"its hidden layers are {limits.show(hidden) or 'none'}: they must be {limits.limits}")


def _check(model: Model) -> None:
    """What holds for every model, loaded or to be saved."""
    network, config, accuracy = model.network, model.config, model.test_accuracy
    _check_widths(network.widths)
    # no comparison with nan holds
    finite = bool(np.abs(network.parameters).max() <= np.finfo(np.float32).max)
    _require(finite, "some of its weights are no numbers, or too large")
    most = SETTINGS["epochs"].high
    _require(
        model.epoch is None or (type(model.epoch) is int and 0 <= model.epoch <= most),
        f"its epoch is {_quoted(model.epoch)}: it must be a whole number from 0 to {most:,}",
    )
    _require(
        accuracy is None or (type(accuracy) is not bool and isinstance(accuracy, int | float) and 0 <= accuracy <= 1),
        f"its test accuracy is {_quoted(accuracy)}: it must be a number from 0 to 1",
    )
    temperature = model.temperature
    lowest, highest = LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE
    _require(
        type(temperature) is not bool and isinstance(temperature, int | float) and lowest <= temperature <= highest,
        f"its temperature is {_quoted(temperature)}: it must be a number from {exact(lowest)} to {exact(highest)}",
    )
    fits = config is None or (config.hidden_widths, config.activation) == (network.widths[1:-1], network.activation)
    _require(fits, "its settings (config) describe another network than its weights are for")


def _quoted(value: Any) -> str:
    """A value from a file, for a sentence; text stands in quotes, or the text 0.9 would look like the number."""
    if isinstance(value, list):
        return "a list"
    return f'"{shown(value)}"' if isinstance(value, str) else shown(value)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _RefusedError(otherwise)
