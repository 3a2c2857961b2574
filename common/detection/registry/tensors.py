"""Arrays in one file, in the format safetensors: the length of a JSON header, the header, the bytes of the arrays.

Reading runs no code, and takes no more memory than the file has bytes: nothing is compressed, and arrays are views.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.detection.checked import damaged, section, whole
from common.detection.registry.formats import parsed

TYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(kind)
    for name, kind in (("F64", "<f8"), ("I64", "<i8"), ("F32", "<f4"), ("I32", "<i4"), ("U8", "u1"))
}
NAMES = {dtype: name for name, dtype in TYPES.items()}
LENGTH = 8
HEADER_MOST = 2**20
DIMENSIONS_MOST = 2
TEXT_MOST = 2**31 - 1
Arrays = Mapping[str, NDArray[Any]]


def packed(arrays: Arrays) -> bytes:
    """The file of the arrays, the same bytes for equal ones; wide types first, so that all are aligned."""
    ordered = sorted(arrays.items(), key=lambda entry: (-entry[1].dtype.itemsize, entry[0]))
    header, contents, end = {}, [], 0
    for name, array in ordered:
        content = np.ascontiguousarray(array).tobytes()
        begin, end = end, end + len(content)
        header[name] = {"dtype": NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [begin, end]}
        contents.append(content)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % LENGTH)
    return b"".join([len(text).to_bytes(LENGTH, "little"), text, *contents])


def unpacked(content: bytes, where: str) -> dict[str, NDArray[Any]]:
    """The arrays that `packed` wrote, which cannot be written to.

    Raises:
        ModelError: the file is damaged: arrays overlap, leave gaps, or are not as long as their type and shape say.
    """
    length = int.from_bytes(content[:LENGTH], "little")
    if len(content) < LENGTH or length > min(HEADER_MOST, len(content) - LENGTH):
        raise damaged(f"the header of {where}")
    header = parsed(content[LENGTH : LENGTH + length], f"the header of {where}")
    found: dict[str, NDArray[Any]] = {}
    end = LENGTH + length
    for name, entry in header.items():
        dtype, shape, size = _described(entry, f"{name} of {where}")
        if entry["data_offsets"] != [end - LENGTH - length, end - LENGTH - length + size] or end + size > len(content):
            raise damaged(f"the place of {name} in {where}")
        found[name] = np.frombuffer(content, dtype, math.prod(shape), end).reshape(shape)
        end += size
    if end != len(content):
        raise damaged(f"the length of {where}")
    return found


def _described(raw: Any, what: str) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Type, shape and number of bytes of an array, from its entry in the header."""
    entry = section(raw, what, "dtype", "shape", "data_offsets")
    name, shape = entry["dtype"], entry["shape"]
    if not isinstance(name, str) or name not in TYPES or not isinstance(shape, list) or len(shape) > DIMENSIONS_MOST:
        raise damaged(what)
    dims = tuple(whole(dim, what) for dim in shape)
    return TYPES[name], dims, math.prod(dims) * TYPES[name].itemsize


def of_texts(name: str, column: pa.Array) -> dict[str, NDArray[Any]]:
    """The texts, none null, as two arrays: the bytes of all of them, and where each begins and the last one ends."""
    encoded = [text.encode() for text in column.to_pylist()]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    return {f"{name}.bytes": np.frombuffer(b"".join(encoded), np.uint8), f"{name}.offsets": ends}


def texts_in(arrays: Arrays, name: str) -> pa.Array:
    """The texts that `of_texts` gave.

    Raises:
        ModelError: they are missing or damaged.
    """
    content, offsets = vector(arrays, f"{name}.bytes", "u1"), vector(arrays, f"{name}.offsets", "<i8")
    ends = offsets[-1:].tolist()
    if offsets[:1].tolist() != [0] or ends != [min(len(content), TEXT_MOST)] or (np.diff(offsets) < 0).any():
        raise damaged(name)
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(content)]
    found = pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)
    try:
        found.validate(full=True)
    except pa.ArrowInvalid:  # no UTF-8
        raise damaged(name) from None
    return found


def vector(arrays: Arrays, name: str, kind: str, dimensions: int = 1) -> NDArray[Any]:
    """The array of that name, type and number of dimensions.

    Raises:
        ModelError: there is none.
    """
    found = arrays.get(name)
    if found is None or found.dtype != np.dtype(kind) or found.ndim != dimensions:
        raise damaged(name)
    return found
