"""Bundles of STIX 2.0 and 2.1: their indicators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.errors import one_line
from tools.indicators.entries import Entry, Found, UnusableError, confidence_of, labels_of, moment_of, port_of, text_of
from tools.indicators.formats.patterns import targets


def is_bundle(document: Any) -> bool:
    """Whether the document is a bundle."""
    return isinstance(document, dict) and document.get("type") == "bundle"


def read(document: Mapping[str, Any], found: Found, source: str | None, otherwise: str) -> None:
    """Adds the indicators of a bundle, the newest version of each; other objects are no indicators.

    The source is the given one, else who created the indicator, else what the file is called.
    """
    objects = document.get("objects")
    held = [one for one in objects if isinstance(one, dict)] if isinstance(objects, list) else []
    names = {str(one.get("id")): one.get("name") for one in held if one.get("type") == "identity"}
    newest: dict[str, dict[str, Any]] = {}
    for number, one in enumerate(held):
        if one.get("type") == "indicator":
            key = str(one.get("id") or f"object {number}")
            if key not in newest or str(one.get("modified")) >= str(newest[key].get("modified")):
                newest[key] = one
    for key, one in newest.items():
        creator = text_of(names.get(str(one.get("created_by_ref"))))
        _add(found, one_line(key, 80), one, source or creator or otherwise)


def _add(found: Found, place: str, one: Mapping[str, Any], source: str) -> None:
    if one.get("pattern_type", "stix") != "stix":
        found.unusable[f"pattern of {one_line(one['pattern_type'], 40)}"] += 1
        return
    pattern = one.get("pattern")
    if not isinstance(pattern, str):
        found.wrong.append(f"{found.file}:{place}: has no pattern")
        return
    try:
        wanted, others = targets(pattern)
    except UnusableError as error:
        found.unusable[str(error)] += 1
        return
    found.unusable.update(others)
    lists = [value for name in ("indicator_types", "labels") for value in _list(one.get(name))]

    def entry(value: str, port: int | None) -> Entry:
        return Entry(
            value=value,
            port=port_of(port),
            source=source,
            labels=labels_of(one.get("name"), *lists),
            confidence=confidence_of(one.get("confidence")),
            reference=_reference(one.get("external_references")),
            valid_from=moment_of(one.get("valid_from")),
            valid_until=moment_of(one.get("valid_until")),
            is_withdrawn=one.get("revoked") is True,
        )

    found.add(place, wanted, entry)


def _reference(references: Any) -> str | None:
    """The first address of a page, else the first name."""
    held = [one for one in _list(references) if isinstance(one, dict)]
    texts = [text_of(one.get(name)) for name in ("url", "external_id", "source_name") for one in held]
    return next(filter(None, texts), None)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
