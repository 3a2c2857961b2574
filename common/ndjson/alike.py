"""Records that have few names, the same in all of them but for some that some do not have: those of most blocks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from io import BytesIO
from itertools import islice
from typing import Any

import msgspec

from common.logs.blocks import Block
from common.ndjson.lines import NULL, Record, records_at_once
from common.ndjson.names import distinct

_SAMPLE_LINES = 32
_MOST_VALUES = 500_000
"""In a block: a record takes the place of all names, also of those that it does not have."""

_decode = msgspec.json.Decoder(Record).decode
_decoders = lru_cache(16)(lambda names, strings: msgspec.json.Decoder(_type_of(names, strings)))


def alike_records(block: Block, taken: Sequence[str]) -> tuple[dict[str, str], list[Any]]:
    """The attribute of each name, in the order of their first sight, and the records, as objects with these.

    They are decoded in less time than others. An attribute is a `str`, or None for null and where it is absent, if the
    values of its name are strings in the first records and in all others; else it is as written, `NULL` where it is
    absent. There are no records if one has a name that is not in the first ones, if a line is none, or if a name is not
    that of its column.
    """
    names: dict[str, None] = {}
    others: set[str] = set()
    try:
        for line in islice(BytesIO(block.data), _SAMPLE_LINES):
            record = _decode(line)
            names |= dict.fromkeys(record)
            others |= {name for name, value in record.items() if bytes(value)[:1] not in (b'"', b"n")}
        values = len(names) * (block.next_line - block.first_line)
        if values > _MOST_VALUES or distinct(names, taken) != tuple(names):
            return {}, []
        for strings in dict.fromkeys((frozenset(names.keys() - others), frozenset[str]())):
            if found := records_at_once(block, _decoders(tuple(names), strings)):
                return _attributes(names), found
    except (msgspec.DecodeError, ValueError, RecursionError):
        pass
    return {}, []


def _attributes(names: Iterable[str]) -> dict[str, str]:
    return {name: f"_{number}" for number, name in enumerate(names)}


def _type_of(names: Sequence[str], strings: Collection[str]) -> type[msgspec.Struct]:
    """A type of records, some of whose attributes are strings.

    Raises:
        ValueError: a name has characters that no name of such a type may have.
    """
    attributes = _attributes(names)
    fields = [
        (attribute, str | None, None) if name in strings else (attribute, msgspec.Raw, NULL)
        for name, attribute in attributes.items()
    ]
    rename = {attribute: name for name, attribute in attributes.items()}
    return msgspec.defstruct("Alike", fields, rename=rename, gc=False, forbid_unknown_fields=True)
