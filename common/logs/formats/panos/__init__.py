"""PAN-OS TRAFFIC and THREAT logs as CSV, bare or in syslog."""

from __future__ import annotations

from collections.abc import Iterator

from common.logs.batches import ParsedBatch
from common.logs.formats.panos.columns import RECORD_START_BYTES
from common.logs.formats.panos.vectorised import parse_block
from common.logs.source import Source

NAME = "panos"
SPLITTABLE = True


def sniff(line: bytes) -> bool:
    """Whether the line holds the first columns of a PAN-OS log; JSON that quotes such a log is not PAN-OS CSV."""
    return not line.startswith(b"{") and RECORD_START_BYTES.search(line) is not None


def read(source: Source) -> Iterator[ParsedBatch]:
    """The sessions of the file; logs of types other than TRAFFIC and THREAT are counted only."""
    for block in source.blocks:
        yield parse_block(block, source.path, source.options)
