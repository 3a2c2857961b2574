"""Arrays in a file are what was written, in the format that others read too."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from common.detection.registry.tensors import of_texts, packed, texts_in, unpacked
from common.errors import ModelError

ARRAYS: dict[str, Any] = {
    "bytes": np.frombuffer(b"abc", np.uint8),
    "numbers": np.array([1, -(2**31)], dtype=np.int32),
    "table": np.array([[1.5, -np.inf, 0], [2, 3, 4]]),
    "none": np.zeros(0, dtype=np.float32),
    "large": np.array([2**63 - 1]),
}


def file(header: Any, content: bytes = b"") -> bytes:
    """A file with that header."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content


def entry(dtype: Any = "U8", shape: Any = (2,), offsets: Any = (0, 2)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def test_arrays_survive_and_cannot_be_written_to() -> None:
    found = unpacked(packed(ARRAYS), "the file")
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype and found[name].flags.aligned and not found[name].flags.writeable


def test_the_same_arrays_give_the_same_bytes() -> None:
    assert packed(ARRAYS) == packed(dict(reversed(ARRAYS.items())))


def test_the_file_has_the_format_by_hand() -> None:
    # 8 bytes of length, the header filled up to whole words with spaces, the two bytes
    header = b'{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}   '
    assert packed({"a": np.frombuffer(b"xy", np.uint8)}) == len(header).to_bytes(8, "little") + header + b"xy"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 7,
        (2**63).to_bytes(8, "little"),
        (10).to_bytes(8, "little") + b"{}",
        file([]),
        file({}, b"more"),
        file({"a": entry()}, b"x"),
        file({"a": entry()}, b"xyz"),
        file({"a": entry(offsets=[1, 3])}, b"xyz"),
        file({"a": entry(), "b": entry()}, b"xy"),
        file({"a": entry(dtype="O")}, b"xy"),
        file({"a": entry(dtype=["U8"])}, b"xy"),
        file({"a": entry(shape=[-2])}, b"xy"),
        file({"a": entry(shape=[2**40, 2**40], offsets=[0, 2**80])}, b"xy"),
        file({"a": entry(shape=[1, 1, 2])}, b"xy"),
        file({"a": {}}, b"xy"),
    ],
)
def test_files_that_nobody_packed_are_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match="damaged"):
        unpacked(content, "the file")


def test_texts_survive() -> None:
    texts = pa.array(["", "a", "ä\n\t", "10.0.0.1"])
    assert texts_in(of_texts("hosts", texts), "hosts").equals(texts)
    assert len(texts_in(of_texts("hosts", pa.array([], pa.string())), "hosts")) == 0


@pytest.mark.parametrize("offsets", [[], [1, 3], [0, 2], [0, 4], [0, 3, 1, 3], [0, -1, 3], [0, 2**62, 3]])
def test_texts_out_of_their_bytes_are_refused(offsets: list[int]) -> None:
    arrays: dict[str, Any] = {
        "x.bytes": np.frombuffer(b"abc", np.uint8),
        "x.offsets": np.array(offsets, dtype=np.int64),
    }
    with pytest.raises(ModelError, match="x cannot be"):
        texts_in(arrays, "x")


def test_texts_that_are_no_utf_8_are_refused() -> None:
    arrays: dict[str, Any] = {"x.bytes": np.frombuffer(b"\xff\xfe", np.uint8), "x.offsets": np.array([0, 1, 2])}
    with pytest.raises(ModelError, match="x cannot be"):
        texts_in(arrays, "x")
