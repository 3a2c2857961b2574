"""Parquet of the texts of JSON records gives the sessions of the records."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.json_logs import ecs, flows, strata, zeek
from common.logs import ReadOptions, read_files
from common.logs.blocks import Block
from common.logs.detection import find_logs
from common.logs.packing import Damage, contents
from common.logs.packing.text_table import METADATA
from common.ndjson.texts import read_block

OWN = ("source_file",)


def as_text(lines: bytes, path: Path, metadata: dict[bytes, bytes] | None = METADATA) -> Path:
    """The Parquet file of the lines, as the job writes it."""
    block = read_block(Block(lines, 1))
    table = pa.table(block.columns(block.names), names=list(block.names))
    table = table.append_column("_source_file", pa.array(["x"] * table.num_rows))
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path


def unpacked(path: Path) -> list[Any]:
    with path.open("rb") as stream:
        pieces = list(contents(stream, stream.read(1000)))
    assert not any(isinstance(piece, Damage) for piece in pieces)
    return [json.loads(line) for line in b"".join(piece for piece in pieces if isinstance(piece, bytes)).splitlines()]


def sessions(path: Path) -> pa.Table:
    batches = list(read_files([str(path)], ReadOptions()))
    assert sum(batch.rejects.num_rows for batch in batches) == 0
    return pa.Table.from_batches([batch.sessions for batch in batches]).drop_columns(OWN)


@pytest.mark.parametrize(("document", "name"), [(ecs, "ecs"), (strata, "sls"), (zeek, "zeek")])
@pytest.mark.parametrize("count", [1, pytest.param(6000, marks=pytest.mark.slow)])
def test_the_sessions_are_those_of_the_lines(
    document: Callable[[dict[str, Any]], dict[str, Any]], name: str, count: int, tmp_path: Path
) -> None:
    lines = tmp_path / "log.ndjson"
    lines.write_text("".join(json.dumps(document(flow)) + "\n" for flow in flows(count)))
    found = as_text(lines.read_bytes(), tmp_path / "log.parquet")
    assert find_logs([str(found)], ReadOptions()).formats == (name,)
    assert sessions(found).num_rows == count
    assert sessions(found).equals(sessions(lines))


def test_rows_are_lines_of_json_again(tmp_path: Path) -> None:
    documents = [
        {"a": "é\n\"", "b": {"x": [1.10, "["]}, "c.d": "2"},
        {"a": None, "b": [], "c.d": "[not a list"},
        {},
        {"b": "{}"},
    ]  # fmt: skip
    lines = "\n".join(map(json.dumps, documents)).encode()
    assert unpacked(as_text(lines, tmp_path / "a.parquet")) == [
        {"a": "é\n\"", "b": {"x": [1.1, "["]}, "c.d": "2"},
        {"b": [], "c.d": "[not a list"},
        {},
        {"b": {}},
    ]  # fmt: skip


def test_a_file_that_does_not_say_so_is_no_such_table(tmp_path: Path) -> None:
    path = as_text(b'{"a":1}', tmp_path / "a.parquet", None)
    with path.open("rb") as stream:
        assert b"".join(contents(stream, stream.read(10))) == path.read_bytes()  # type: ignore[arg-type]


def test_damage_is_said(tmp_path: Path) -> None:
    lines = b"".join(b'{"a":"%d"}\n' % number for number in range(100_000))
    path = as_text(lines, tmp_path / "a.parquet")
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)
    with path.open("rb") as stream:
        *_, last = contents(stream, stream.read(1000))
    assert isinstance(last, Damage)
    assert last.reason.startswith("the Parquet data are damaged: ")
