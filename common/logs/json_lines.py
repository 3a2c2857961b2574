"""Formats with one JSON object a line, whose values are read as text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from common.logs import values
from common.logs.batches import ParsedBatch, RecordCollector, decoded, encodable
from common.logs.lines import check_length, read_lines
from common.logs.source import Source
from common.logs.values import FieldError

Document = Mapping[str, Any]

_WHOLE = re.compile(r"[0-9]+\.0")


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
    """The JSON object on a line, with its numbers as text. Of values with one name, the first one counts.

    Raises:
        FieldError: the line holds no JSON object.
    """
    check_length(line)
    try:
        document = _DECODER.decode(decoded(line))
    except (ValueError, RecursionError) as error:
        raise FieldError(f"no JSON: {str(error) or 'nested too deeply'}") from None
    if not isinstance(document, dict):
        raise FieldError("no JSON object")
    return document


def _first_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def _integer(text: str) -> str:
    return "0" if text == "-0" else text


def _decimal(text: str) -> str:
    """The shortest text of the number in double precision: without exponent from 1e-6 to 1e21, as JavaScript has it."""
    number = float(text)
    if math.isinf(number):
        return text
    shortest = repr(number)
    if "e" not in shortest:
        return shortest
    digits, _, exponent = shortest.partition("e")
    if -7 < int(exponent) < 21:
        plain = format(Decimal(shortest), "f")
        return plain if int(exponent) < 0 else f"{plain}.0"
    return f"{digits}e{int(exponent)}"


_DECODER = json.JSONDecoder(
    object_pairs_hook=_first_of_each, parse_float=_decimal, parse_int=_integer, parse_constant=str, strict=False
)


def pick(document: Document, path: str) -> Any:
    """The value at a dotted path, of which any part may be nested and any part dotted; None if there is none."""
    found = document.get(path)
    if found is not None:
        return found
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
        return encodable(value)
    return None


def whole(value: str | None) -> str | None:
    """A whole number that was written as a decimal one (`1870.0`) without its fraction; other text unchanged."""
    return value[: value.index(".")] if value and _WHOLE.fullmatch(value) else value
