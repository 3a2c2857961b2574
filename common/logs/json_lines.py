"""NDJSON: one JSON object a line, with values as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from common.logs import values
from common.logs.batches import ParsedBatch, RecordCollector, decoded
from common.logs.blocks import MAX_LINE_BYTES, Block
from common.logs.values import FieldError

Document = Mapping[str, Any]


def lines_of(block: Block) -> Iterator[tuple[int, bytes]]:
    """The lines of a block that are not blank, with their numbers."""
    data = block.data.removeprefix(b"\xef\xbb\xbf") if block.first_line == 1 else block.data
    for number, line in enumerate(data.split(b"\n"), block.first_line):
        if stripped := line.strip(b" \t\r\0"):
            yield number, stripped


def parse_documents(
    block: Block, source_file: str, parse: Callable[[Document, int, RecordCollector], None]
) -> ParsedBatch:
    """The block's documents, each handed to `parse`, which collects the outcome or raises `FieldError`."""
    collector = RecordCollector(source_file)
    for number, line in lines_of(block):
        try:
            parse(document_of(line), number, collector)
        except FieldError as error:
            collector.reject(number, str(error), decoded(line[:MAX_LINE_BYTES]))
    return collector.batch()


def document_of(line: bytes) -> Document:
    """The JSON object on a line, its numbers as text.

    Raises:
        FieldError: the line holds no JSON object.
    """
    if len(line) > MAX_LINE_BYTES:
        raise FieldError(f"the line is longer than {MAX_LINE_BYTES} bytes")
    try:
        document = json.loads(decoded(line), parse_float=str, parse_int=str, parse_constant=str, strict=False)
    except (ValueError, RecursionError) as error:
        raise FieldError(f"no JSON: {str(error) or 'nested too deeply'}") from None
    if not isinstance(document, dict):
        raise FieldError("no JSON object")
    return document


def pick(document: Document, path: str) -> Any:
    """The value at a dotted path, whatever part of the path is nested and whatever is dotted; None without one."""
    if path in document:
        return document[path]
    at = path.find(".")
    while at > 0:
        inner = document.get(path[:at])
        if isinstance(inner, Mapping):
            found = pick(inner, path[at + 1 :])
            if found is not None:
                return found
        at = path.find(".", at + 1)
    return None


def text_at(document: Document, *paths: str) -> str | None:
    """The first value that is not empty at any of the paths, as text; a list of one value counts as that value."""
    for path in paths:
        value = pick(document, path)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, bool):
            value = str(value).lower()
        if value is None or value == "":
            continue
        if not isinstance(value, str):
            raise FieldError(f"{path} {values.shown(json.dumps(value))} is not a single value")
        return value
    return None
