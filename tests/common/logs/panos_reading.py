"""Reads PAN-OS lines for tests, one by one and together, and checks that both give the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from common.contracts.session import PARSED_SCHEMA
from common.logs.batches import ParsedBatch, RecordCollector
from common.logs.blocks import Block
from common.logs.formats.panos.lines import parse_lines
from common.logs.formats.panos.vectorised import parse_block
from common.logs.options import ReadOptions
from tests.common.logs.panos_logs import traffic

MANY = 30  # enough lines of one layout to be parsed together


def at(text: str) -> datetime:
    """The time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def options_of(zone: str | ReadOptions) -> ReadOptions:
    """Options with the zone of the logs."""
    return zone if isinstance(zone, ReadOptions) else ReadOptions(time_zone=zone)


def one_by_one(data: bytes, zone: str | ReadOptions = "UTC") -> ParsedBatch:
    """The lines, parsed one by one."""
    collector = RecordCollector("f")
    lines = data.split(b"\n")
    parse_lines(lines, range(len(lines)), lambda at: at + 1, options_of(zone), collector)
    return collector.batch()


def texts_of(batch: ParsedBatch) -> pa.RecordBatch:
    """The sessions without dictionaries, which may differ for the same texts."""
    return batch.sessions.cast(PARSED_SCHEMA)


def both_ways(lines: Sequence[str | bytes], zone: str | ReadOptions = "UTC") -> ParsedBatch:
    """The lines parsed one by one, after a check that parsing them together gives the same."""
    raw = [line.encode() if isinstance(line, str) else line for line in lines]
    padding = [traffic().encode()] * MANY
    alone = one_by_one(b"\n".join(raw), zone)
    together = parse_block(Block(b"\n".join(raw * MANY + padding) + b"\n", 1), "f", options_of(zone))
    expected = one_by_one(b"\n".join(raw * MANY + padding), zone)
    assert texts_of(together).equals(texts_of(expected))
    assert together.rejects.equals(expected.rejects)
    assert together.others == expected.others and together.zones == expected.zones
    return alone


def parsed(line: str | bytes, zone: str | ReadOptions = "UTC") -> dict[str, Any]:
    """The one session on the line."""
    batch = both_ways([line], zone)
    assert batch.rejects.to_pylist() == []
    row: dict[str, Any]
    (row,) = batch.sessions.to_pylist()
    return row


def rejected(line: str | bytes, zone: str | ReadOptions = "UTC") -> str:
    """The reason for which the one record on the line is rejected."""
    batch = both_ways([line], zone)
    assert batch.sessions.num_rows == 0
    (reject,) = batch.rejects.to_pylist()
    assert reject["source_file"] == "f" and reject["source_line"] == 1
    return str(reject["reason"])
