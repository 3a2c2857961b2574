"""OCSF network activity (class 4001) as NDJSON."""

from __future__ import annotations

from collections.abc import Iterator

from common.logs.batches import ParsedBatch, RecordCollector
from common.logs.json_lines import Document, names_in, read_documents
from common.logs.ocsf_records import parse_ocsf
from common.logs.source import Source

NAME = "ocsf"
SPLITTABLE = True
TYPICAL = ("class_uid", "time", "src_endpoint", "dst_endpoint", "connection_info", "traffic")


def sniff(line: bytes) -> bool:
    """Whether the line is an event of OCSF."""
    names = names_in(line)
    return "class_uid" in names and bool({"activity_id", "category_uid", "src_endpoint", "metadata"} & names)


def read(source: Source) -> Iterator[ParsedBatch]:
    """The network activities of the file as sessions; events of other classes are counted only."""

    def parse(document: Document, number: int, into: RecordCollector) -> None:
        parse_ocsf(document, number, source.options, into)

    return read_documents(source, parse)
