"""Parses many ECS documents at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache, partial

import pyarrow as pa

from common.logs.formats.ecs.documents import body_of
from common.logs.formats.ecs.fields import CONNECTION, PANOS, ZEEK, kind_of
from common.logs.json_blocks import Layout, Part
from common.logs.json_fields import Fields, by_combination, rows_by_kind
from common.logs.json_lines import Document, text_at
from common.logs.records import THREAT, TRAFFIC


def layout_of(document: Document) -> Layout:
    """The layout of documents such as this one: where the event is, and of which integration it is."""
    name = body_of(document)
    event = document.get(name, document)
    dataset = text_at(event, *PANOS.paths["dataset"])
    return _layout(name, dataset == ZEEK)


@lru_cache(maxsize=8)
def _layout(body: str, is_zeek: bool) -> Layout:
    fields = CONNECTION if is_zeek else PANOS
    prefix = f"{body}." if body else ""
    paths = {name: tuple(prefix + path for path in some) for name, some in fields.paths.items()}
    return Layout(paths, partial(_parts, replace(fields, paths=paths)), fields.composite)


def _parts(fields: Fields, found: pa.RecordBatch) -> Iterator[Part]:
    """The kinds of the documents: those of the integration, and what others there are by kind."""
    named, action, dataset = (found.column(name) for name in ("type", "event_action", "dataset"))
    kinds, _ = by_combination(kind_of, [named, action, dataset])
    own = (ZEEK,) if "state" in fields.paths else (TRAFFIC, THREAT)
    for kind, rows in rows_by_kind(kinds):
        if kind in own:
            canonical = TRAFFIC if kind == ZEEK else kind
            raw, doubtful = fields.columns(found, rows)
            yield Part(canonical, rows, raw, doubtful)
        elif kind not in (TRAFFIC, THREAT, ZEEK):
            yield Part(kind, rows)
