"""Whether documents are of the Elastic Common Schema: its fields, their types, arrays and allowed values.

`ecs_fields.json` has them as Elastic publishes them, in `EcsFlat` of its npm package @elastic/ecs 9.4.0 (Apache License
2.0), whose archive has the SHA-256 1c7863cd70f9d52365570fa38a9c39f3d056511fefe4e36a51d2ad7f142ac071; of each field
`type`, whether `normalize` says array, the names of `allowed_values`, and their `expected_event_types`.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

FIELDS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("ecs_fields.json").read_text(encoding="utf-8"))
VERSION = "9.4.0"
TEXTS = ("keyword", "constant_keyword", "wildcard", "match_only_text", "text", "flattened")


def defects(document: Mapping[str, Any]) -> list[str]:
    """What is not as the schema has it, in words; empty if all is."""
    found = [words for name, value in leaves(document) for words in _defects(name, value)]
    expected = FIELDS["event.category"]["types"]
    event = document.get("event", {})
    for category in event.get("category", []):
        others = sorted({*event.get("type", [])} - {*expected.get(category, [])})
        found += [f"event.type {kind} is none of event.category {category}" for kind in others]
    if document.get("ecs", {}).get("version") != VERSION:
        found.append(f"ecs.version is not {VERSION}")
    return found


def leaves(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The dotted name and the value of each field; lists are values."""
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from leaves(inner, f"{above}{name}.")
        else:
            yield f"{above}{name}", inner


def _defects(name: str, value: Any) -> Iterator[str]:
    field = {"type": "keyword"} if name.startswith("labels.") else FIELDS.get(name)
    if field is None:
        yield f"{name} is no field"
        return
    if isinstance(value, list) != field.get("array", False):
        yield f"{name} is {'not ' if field.get('array') else ''}an array"
        return
    for one in value if isinstance(value, list) else [value]:
        if not _is_of(field["type"], one):
            yield f"{name} {one!r} is no {field['type']}"
        elif field.get("values") and one not in field["values"]:
            yield f"{name} {one!r} is not allowed"


def _is_of(kind: str, value: Any) -> bool:
    if kind == "long":
        return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    if kind in ("float", "scaled_float"):
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind not in (*TEXTS, "date", "ip"):
        raise ValueError(f"fields of type {kind} are not checked yet")
    if not isinstance(value, str):
        return False
    try:
        if kind == "date":
            datetime.fromisoformat(value)
        elif kind == "ip":
            ipaddress.ip_address(value)
    except ValueError:
        return False
    return True
