"""Texts inside the JSON objects of a block, read for all lines at once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from common.logs.blocks import is_utf8
from common.logs.wrappers.spans import members

_NEWLINE = 10
_OBJECTS = ("source", "destination")
_ADDRESSES = pa.struct([("ip", pa.string()), ("address", pa.string())])


def texts_at(data: bytes, path: tuple[str, ...]) -> bytes | None:
    """The texts at the path in each line, one a line with its end; None where a line needs a closer look.

    That is a line without a text there, with a text of several lines, without an object, or with an address of ECS.
    """
    if not data or not is_utf8(data):
        return None
    wanted = pa.string()
    for name in reversed(path[1:]):
        wanted = pa.struct([(name, wanted)])
    types = {"source": _ADDRESSES, "source.ip": pa.string(), "source.address": pa.string(), path[0]: wanted}
    try:
        table = pa_json.read_json(
            pa.BufferReader(data),
            pa_json.ReadOptions(use_threads=False, block_size=len(data) + 1),
            pa_json.ParseOptions(pa.schema(list(types.items())), unexpected_field_behavior="ignore"),
        )
    except (pa.ArrowException, OSError):
        return None
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if table.num_rows != lines or _has_address(table):
        return None
    texts = table.column(path[0])
    for name in path[1:]:
        texts = pc.struct_field(texts, name)
    texts = pc.ascii_rtrim(texts.combine_chunks(), "\r\n")
    if texts.null_count or pc.any(pc.match_substring(texts, "\n")).as_py():
        return None
    whole = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    joined: bytes = pc.binary_join(whole, "\n")[0].as_buffer().to_pybytes()
    return joined + b"\n"


def objects_at(data: bytes, name: str) -> bytes | None:
    """The objects with this name in each line, one a line with its end; None where a line needs a closer look."""
    ends_of_lines = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == _NEWLINE)
    lines = len(ends_of_lines) + (not data.endswith(b"\n"))
    starts, ends = members(data, name)
    of_line = np.searchsorted(ends_of_lines, starts)
    if len(starts) != lines or not np.array_equal(of_line, np.arange(lines)):
        return None
    if not np.array_equal(of_line, np.searchsorted(ends_of_lines, ends - 1)):
        return None
    if any(len(members(data, address)[0]) for address in _OBJECTS if address != name):
        return None
    places = zip(starts.tolist(), ends.tolist(), strict=True)
    return b"".join([data[start:end] + b"\n" for start, end in places])


def _has_address(table: pa.Table) -> bool:
    found = [table.column("source.ip"), table.column("source.address")]
    found += [pc.struct_field(table.column("source"), name) for name in ("ip", "address")]
    return any(column.null_count < len(column) for column in found)
