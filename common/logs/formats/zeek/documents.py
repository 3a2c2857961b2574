"""Zeek's records as NDJSON."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from common.logs.batches import RecordCollector
from common.logs.formats.zeek.fields import CONN, kind_of
from common.logs.json_blocks import Layout, Part
from common.logs.json_fields import by_combination, rows_by_kind
from common.logs.json_lines import Document, text_at
from common.logs.options import ReadOptions
from common.logs.records import TRAFFIC, session_of, status_of


def parse(options: ReadOptions, document: Document, line: int, into: RecordCollector) -> None:
    """Collects what becomes of a record."""
    stream, state, sent = (text_at(document, *CONN.paths[name]) for name in ("stream", "state", "bytes_sent"))
    kind = kind_of(stream, state, sent)
    if kind == "conn":
        session = session_of(TRAFFIC, CONN.texts(document), options)
        into.keep(line, session, status_of(TRAFFIC, session["subtype"]))
    else:
        into.skip(str(kind))


def layout_of(document: Document) -> Layout:
    """The layout of Zeek's records."""
    return _LAYOUT


def _parts(found: pa.RecordBatch) -> Iterator[Part]:
    sent = pc.if_else(found.column("bytes_sent").is_valid(), "1", pa.scalar(None, pa.string()))
    kinds, _ = by_combination(kind_of, [found.column("stream"), found.column("state"), sent])
    for kind, rows in rows_by_kind(kinds):
        if kind == "conn":
            raw, doubtful = CONN.columns(found, rows)
            yield Part(TRAFFIC, rows, raw, doubtful)
        else:
            yield Part(kind, rows)


_LAYOUT = Layout(CONN.paths, _parts)
