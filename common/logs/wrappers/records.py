"""Records inside JSON objects: what shippers and search engines put around a log line or a document."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from sys import getsizeof
from typing import Any

import numpy as np

from common.logs.batches import decoded
from common.logs.blocks import BLOCK_BYTES, Block
from common.logs.packing.gunzip import MAGIC
from common.logs.wrappers.columns import objects_at, texts_at
from common.logs.wrappers.documents import MAX_DOCUMENT_BYTES
from common.logs.wrappers.spans import spans

EACH, BASE64 = "*", "base64"
MOST_UNPACKED_BYTES = 16 * BLOCK_BYTES
"""Records of a block that take more memory are no logs: they are packed to do harm, and passed on as they are."""

Path = tuple[str, ...]

PATHS: tuple[Path, ...] = (
    ("event", "original"),  # Filebeat, Elastic Agent
    ("event.original",),
    ("message",),  # Vector, Logstash, Filebeat
    ("log",),  # Docker's json-file, Fluent Bit
    ("MESSAGE",),  # journald, syslog-ng
    ("_raw",),  # Splunk, Cribl
    ("result", "_raw"),
    ("result",),
    ("event",),  # Splunk's HTTP event collector
    ("_source", "event", "original"),  # search hits
    ("_source", "message"),
    ("_source",),
    ("doc",),  # updates in bulk requests
    ("logEvents", EACH, "message"),  # subscriptions of CloudWatch
    ("records", EACH, "data", BASE64),  # Firehose
    ("Records", EACH, "kinesis", "data", BASE64),
    ("data", BASE64),
    ("hits", "hits", EACH),  # answers of Elasticsearch
    ("results", EACH),
    ("records", EACH),
    ("Records", EACH),
    ("jsonPayload",),  # Google Cloud
    ("textPayload",),
    ("body",),  # OpenTelemetry
    ("msg",),  # rsyslog
    ("rawmsg",),
    ("full_message",),  # Graylog
    ("raw_event",),  # NXLog
    ("RawData",),  # Azure Monitor
    ("SyslogMessage",),
    (EACH,),
)
"""Where records may be, the more specific place first; `*` stands for each element of a list."""

_ACTION = re.compile(rb'\s*\{\s*"(?:index|create|update|delete)"\s*:\s*\{[^{}]*\}\s*\}\s*')
_ADDRESSES = ("source", "destination")


def unwrapped(block: Block, path: Path) -> Block:
    """The block with the records at the path, each with the line number of what held it.

    A line without a record there is passed on as it is.
    """
    joined = None
    if block.data and EACH not in path and BASE64 not in path:
        joined = objects_at(block.data, path[0]) if len(path) == 1 else None
        joined = joined or texts_at(block.data, path)
    if joined is not None:
        numbers = block.numbers_of(np.arange(joined.count(b"\n"), dtype=np.int64))
        return replace(block, data=joined, numbers=numbers, behind=block.next_line)
    lines: list[bytes] = []
    numbers_: list[int] = []
    size = 0
    for index, line in enumerate(block.data.split(b"\n")):
        if not line.strip():
            continue
        found = records_at(line, path) if size <= MOST_UNPACKED_BYTES else [line]
        size += sum(map(getsizeof, found))
        lines += found
        numbers_ += [block.number(index)] * len(found)
    data = b"\n".join((*lines, b"")) if lines else b""
    return replace(block, data=data, numbers=np.array(numbers_, dtype=np.int64), behind=block.next_line)


def without_actions(block: Block) -> Block:
    """The block without the action lines of a bulk request."""
    lines = block.data.split(b"\n")
    kept = [index for index, line in enumerate(lines) if line and not _ACTION.fullmatch(line)]
    data = b"\n".join((*(lines[index] for index in kept), b"")) if kept else b""
    return replace(block, data=data, numbers=block.numbers_of(np.array(kept, dtype=np.int64)), behind=block.next_line)


def is_action(line: bytes) -> bool:
    """Whether the line is an action of a bulk request."""
    return _ACTION.fullmatch(line) is not None


def records_at(line: bytes, path: Path) -> list[bytes]:
    """The records at the path in the JSON on a line, each on one line; the line itself if there is none."""
    text = line.strip(b" \t\r\0")
    if not text.startswith((b"{", b"[")):
        return [line]
    try:
        document = json.loads(decoded(text), strict=False)
    except (ValueError, RecursionError):
        return [line]
    if holds_session(document):
        return [line]
    if path[-1] == EACH:
        return _elements(document, text, path) or [line]
    found: list[bytes] = []
    size = 0
    for value in _values(document, path):
        record = _record(text, value, path)
        if record is None or size > MOST_UNPACKED_BYTES:
            return [line]
        found += record
        size += sum(map(getsizeof, record))
    return found or [line]


def holds_session(document: Any) -> bool:
    """Whether the document has the addresses of a session under ECS's names: then it is no mere wrapper."""
    if not isinstance(document, Mapping):
        return False
    for name in _ADDRESSES:
        inner = document.get(name)
        if isinstance(inner, Mapping) and ("ip" in inner or "address" in inner):
            return True
        if f"{name}.ip" in document or f"{name}.address" in document:
            return True
    return False


def _values(value: Any, path: Path) -> Iterator[Any]:
    """The values at the path; None where there is none."""
    if not path or path == (BASE64,):
        yield value
    elif path[0] == EACH:
        for element in value if isinstance(value, list) else (None,):
            yield from _values(element, path[1:])
    else:
        yield from _values(value.get(path[0]) if isinstance(value, Mapping) else None, path[1:])


def _record(text: bytes, value: Any, path: Path) -> list[bytes] | None:
    """The lines of a value; None if it is neither text nor an object."""
    if isinstance(value, Mapping) and path[-1] != BASE64:
        return [_text_of(decoded(text), value, path[-1]).encode()]
    if not isinstance(value, str):
        return None
    if path[-1] != BASE64:
        return value.encode("utf-8", "backslashreplace").rstrip(b"\r\n").split(b"\n")
    try:
        raw = base64.b64decode(value, validate=True)
        if raw.startswith(MAGIC):
            member = zlib.decompressobj(31)
            raw = member.decompress(raw, MAX_DOCUMENT_BYTES)
            if not member.eof:  # cut off, or too long for a record
                return None
    except (binascii.Error, ValueError, zlib.error):
        return None
    return raw.rstrip(b"\r\n").split(b"\n")


def _text_of(text: str, value: Mapping[str, Any], name: str) -> str:
    """The object as the text has it, which keeps the spelling of its numbers."""
    decoder = json.JSONDecoder(strict=False)
    for match in re.finditer(rf'"{re.escape(name)}"\s*:\s*(?=\{{)', text):
        try:
            found, end = decoder.raw_decode(text, match.end())
        except (ValueError, RecursionError):
            continue
        if found == value:
            return text[match.end() : end].replace("\n", " ")
    return json.dumps(value, ensure_ascii=False)


def _elements(document: Any, text: bytes, path: Path) -> list[bytes]:
    """The objects in the list at the path, as the text has them."""
    if not all(isinstance(value, Mapping) for value in _values(document, path)):
        return []
    found = spans(text, len(path) - 1, 0)
    return [text[start:end] for start, end in zip(found.starts.tolist(), found.ends.tolist(), strict=True)]
