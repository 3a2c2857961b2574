"""Formats with one JSON object a line, whose values are read as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from common.logs import values
from common.logs.batches import ParsedBatch, RecordCollector, decoded
from common.logs.lines import check_length, read_lines
from common.logs.source import Source
from common.logs.values import FieldError

Document = Mapping[str, Any]


def names_in(line: bytes) -> frozenset[str]:
    """The names in the JSON object on a line, outermost level only; empty where the line holds no JSON object."""
    if not line.startswith(b"{"):
        return frozenset()
    try:
        return frozenset(json.loads(line))
    except (ValueError, RecursionError):
        return frozenset()


def read_documents(source: Source, parse: Callable[[Document, int, RecordCollector], None]) -> Iterator[ParsedBatch]:
    """A batch for each block: every document is given to `parse`, which collects its outcome or raises `FieldError`."""
    return read_lines(source, lambda line, number, into: parse(document_of(line), number, into))


def document_of(line: bytes) -> Document:
    """The JSON object on a line, with its numbers as text.

    Raises:
        FieldError: the line holds no JSON object.
    """
    check_length(line)
    try:
        document = json.loads(decoded(line), parse_float=str, parse_int=str, parse_constant=str, strict=False)
    except (ValueError, RecursionError) as error:
        raise FieldError(f"no JSON: {str(error) or 'nested too deeply'}") from None
    if not isinstance(document, dict):
        raise FieldError("no JSON object")
    return document


def pick(document: Document, path: str) -> Any:
    """The value at a dotted path, of which any part may be nested and any part dotted; None if there is none."""
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
    """The first value at the paths that is not empty, as text; a list of one value counts as that value."""
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
