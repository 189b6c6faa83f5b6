"""Files that people name: read, or refused in one sentence."""

import os
import secrets
from pathlib import Path

from nnlib.errors import NnlibError
from nnlib.words import printable


def read_bytes(path: str | Path, most: int, error: type[NnlibError]) -> bytes:
    """The content of a file, up to `most` bytes and one more: that one says that it is too large.

    Raises `error` where there is no such file, where it cannot be read, and for what is no file at all:
    a folder, or a pipe or device, which might keep one waiting for ever.
    """
    name = printable(str(path)) or "without a name"
    try:
        if not os.path.lexists(path):
            raise error(f"there is no file {name}: check its name and folder.")
        if Path(path).is_dir():
            raise error(f"{name} is a folder: name a file in it.")
        if not Path(path).is_file():
            raise error(f"{name} is not a file but a pipe, a device or a broken link: copy what it gives to a file.")
        with Path(path).open("rb") as file:
            return file.read(most + 1)
    except OSError as reason:
        raise error(f"{name} cannot be read: {why(reason)}. Check its permissions, or copy it again.") from reason


def write_bytes(path: Path, content: bytes, error: type[NnlibError]) -> None:
    """Write a file, which appears whole or not at all; what it replaces is there until then. Raises `error`."""
    try:
        unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
        try:
            with unfinished.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except (OSError, ValueError) as reason:
        raise error(f"{printable(str(path))} was not saved: {why(reason)}. Choose another folder or name.") from reason


def is_plain_zip(content: bytes, most_directory_bytes: int) -> bool:
    """Whether it ends as a ZIP archive does that lists its members in so few bytes, and has nothing unusual.

    zipfile lists all members before one can count them: what is not plain is not to be opened.
    """
    end, directory_bytes = content[-22:], int.from_bytes(content[-10:-6], "little")
    plain = end.startswith(b"PK\x05\x06") and end.endswith(b"\0\0") and content[-42:-38] != b"PK\x06\x07"
    return plain and directory_bytes <= most_directory_bytes


def why(error: Exception) -> str:
    """The system's own words for what failed with a file, as the middle of a sentence."""
    reason = getattr(error, "strerror", None) or "no file can have this name"
    return printable(reason[:1].lower() + reason[1:])
