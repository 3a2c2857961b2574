"""Texts inside the JSON objects of a block, read for all lines at once."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

_ADDRESSES = pa.struct([("ip", pa.string()), ("address", pa.string())])


def texts_at(data: bytes, path: tuple[str, ...]) -> bytes | None:
    """The texts at the path in each line, one a line with its end; None where a line needs a closer look.

    That is a line without a text there, with a text of several lines, without an object, or with an address of ECS.
    """
    if not data or not _is_utf8(data):
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


def _has_address(table: pa.Table) -> bool:
    found = [table.column("source.ip"), table.column("source.address")]
    found += [pc.struct_field(table.column("source"), name) for name in ("ip", "address")]
    return any(column.null_count < len(column) for column in found)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
