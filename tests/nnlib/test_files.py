"""Files that people name: their content, or one sentence."""

import os
from pathlib import Path
from typing import Any

import pytest

from nnlib.errors import DataError, DrawingError
from nnlib.files import read_bytes, why


def test_a_file_is_read_up_to_one_byte_more_than_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "some").write_bytes(b"12345")
    for most, content in ((3, b"1234"), (5, b"12345"), (9, b"12345")):
        assert read_bytes(tmp_path / "some", most, DataError) == content
    (tmp_path / "link").symlink_to(tmp_path / "some")
    assert read_bytes(str(tmp_path / "link"), 9, DataError) == b"12345"


def test_what_is_no_file_is_said_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "broken").symlink_to(tmp_path / "nothing")
    sentences = {
        tmp_path / "none": "there is no file .*none: check its name and folder",
        tmp_path / "a\0b": "there is no file .*a.b: check its name and folder",
        tmp_path: "is a folder: name a file in it",
        tmp_path / "pipe": "pipe is not a file but a pipe, a device or a broken link",
        tmp_path / "broken": "broken is not a file but a pipe, a device or a broken link",
        Path(os.devnull): "null is not a file but a pipe, a device",
    }
    for path, sentence in sentences.items():
        with pytest.raises(DrawingError, match=sentence):
            read_bytes(path, 9, DrawingError)


def test_what_the_system_forbids_is_said_in_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some").write_bytes(b"1")

    def forbidden(*arguments: Any, **more: Any) -> None:
        raise PermissionError(13, "Permission denied")

    for step in ("open", "is_file", "is_dir"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, step, forbidden)
            with pytest.raises(DataError, match=r"some cannot be read: permission denied\. Check its permissions"):
                read_bytes(tmp_path / "some", 9, DataError)
    assert why(ValueError("embedded null byte")) == "no file can have this name"
