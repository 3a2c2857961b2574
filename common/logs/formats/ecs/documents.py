"""Parses single ECS documents."""

from __future__ import annotations

import ipaddress

from common.logs import values
from common.logs.batches import KEPT, RecordCollector
from common.logs.formats.ecs.fields import CONNECTION, PANOS, ZEEK, kind_of
from common.logs.json_lines import Document, pick, text_at
from common.logs.options import ReadOptions
from common.logs.records import THREAT, TRAFFIC, session_of, status_of
from common.logs.values import FieldError

_ADDRESSES = {"source.ip": "destination.ip", "destination.ip": "source.ip"}
"""The paths that may hold several addresses of a host, each with that of its peer."""


def parse(options: ReadOptions, document: Document, line: int, into: RecordCollector) -> None:
    """Collects what becomes of a document.

    Raises:
        FieldError: it is no event, or a value is wrong.
    """
    document = document.get(body_of(document), document)
    kind = _kind(document)
    if kind == ZEEK:
        into.keep(line, session_of(TRAFFIC, _without_log_time(document), options), KEPT)
    elif kind in (TRAFFIC, THREAT):
        session = session_of(kind, PANOS.texts(document, _text_at), options)
        into.keep(line, session, status_of(kind, session["subtype"]))
    else:
        into.skip(kind)


def body_of(document: Document) -> str:
    """The name of the object that holds the event: `_source` or `fields` of a search hit; empty if none does."""
    return next((name for name in ("_source", "fields") if isinstance(document.get(name), dict)), "")


def _without_log_time(document: Document) -> dict[str, str | None]:
    return CONNECTION.texts(document, _text_at)


def _kind(document: Document) -> str:
    names = ("type", "event_action", "dataset")
    named, action, dataset = (text_at(document, *PANOS.paths[name]) for name in names)
    kind = kind_of(named, action, dataset)
    if kind:
        return kind
    if text_at(document, "event.kind") == "pipeline_error":
        raise FieldError("event.kind pipeline_error: Elastic did not parse the record; event.original may hold it")
    raise FieldError(f"event.action {values.shown(action or '')} names no TRAFFIC or THREAT event")


def _text_at(document: Document, *paths: str) -> str | None:
    """As `text_at`; of several addresses, the one counts whose version is that of the only address of the peer."""
    found = pick(document, paths[0]) if paths[0] in _ADDRESSES else None
    if isinstance(found, list) and len(found) > 1:
        version = _version(text_at(document, _ADDRESSES[paths[0]]))
        same = [address for address in found if version and _version(address) == version]
        if len(same) == 1:
            return str(same[0])
    return text_at(document, *paths)


def _version(address: object) -> int | None:
    try:
        return ipaddress.ip_address(str(address)).version
    except ValueError:
        return None
