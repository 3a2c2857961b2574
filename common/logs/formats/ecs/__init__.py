"""ECS documents of Elastic's integrations for Palo Alto firewalls and Zeek: NDJSON with nested or dotted names."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from common.logs.batches import ParsedBatch
from common.logs.formats.ecs.blocks import layout_of
from common.logs.formats.ecs.documents import parse
from common.logs.json_blocks import read_json
from common.logs.json_lines import names_in
from common.logs.source import Source

NAME = "ecs"
SPLITTABLE = True

_TYPICAL = frozenset({"@timestamp", "ecs", "event", "source", "panw", "source.ip", "event.action", "ecs.version"})
TYPICAL = ("@timestamp", "event.action", "event.start", "source.ip", "destination.ip", "network.transport")
_HIT = frozenset({"_index", "_id", "_source", "fields"})


def sniff(line: bytes) -> bool:
    """Whether the line is a JSON object with at least two of ECS's names, or a search hit of Elasticsearch."""
    names = names_in(line)
    return len(_TYPICAL & names) > 1 or len(_HIT & names) > 1


def read(source: Source) -> Iterator[ParsedBatch]:
    """The sessions of the file's documents."""
    return read_json(source, layout_of, partial(parse, source.options))
