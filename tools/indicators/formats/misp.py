"""Events and attributes of MISP, as its core format has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from common.errors import one_line
from tools.indicators.entries import Entry, Found, labels_of, moment_of, port_of, text_of

ADDRESSES = ("ip-src", "ip-dst")
SERVICE, FROM_PORT = "ip-dst|port", "ip-src|port"
"""Attributes with a port: that of a service, or that from which the address connects, which no contact has."""

DOMAIN_AND_ADDRESS = "domain|ip"
NOT_MEANT = "attribute that is not meant for detection"


def events(document: Any) -> list[Mapping[str, Any]] | None:
    """The events of a document, attributes outside of one as an event of their own; None if it is not of MISP."""
    if isinstance(document, dict) and "response" in document:
        return events(document["response"])
    if isinstance(document, dict) and isinstance(document.get("Event"), dict):
        return [document["Event"]]
    if isinstance(document, dict) and isinstance(document.get("Attribute"), list):
        return [document]
    if isinstance(document, list) and document:
        found = [events(one) for one in document]
        return None if None in found else [event for one in found if one for event in one]
    return None


def read(event: Mapping[str, Any], found: Found, source: str | None, otherwise: str) -> None:
    """Adds the attributes of an event, also those of its objects.

    The source is the given one, else the organisation that wrote the event, else what the file is called.
    """
    organisation = event.get("Orgc")
    writer = text_of(organisation.get("name")) if isinstance(organisation, dict) else None
    for number, attribute in enumerate(_attributes(event)):
        place = one_line(attribute.get("uuid") or f"attribute {number}", 80)
        _add(found, place, event, attribute, source or writer or otherwise)


def _attributes(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from _dicts(event.get("Attribute"))
    for one in _dicts(event.get("Object")):
        yield from _dicts(one.get("Attribute"))


def _add(found: Found, place: str, event: Mapping[str, Any], attribute: Mapping[str, Any], source: str) -> None:
    kind, value = attribute.get("type"), attribute.get("value")
    if not isinstance(kind, str) or not isinstance(value, str):
        found.wrong.append(f"{found.file}:{place}: has no type or no value")
        return
    if kind not in (*ADDRESSES, SERVICE, FROM_PORT, DOMAIN_AND_ADDRESS):
        found.unusable[one_line(kind, 40)] += 1
        return
    if attribute.get("to_ids") in (False, "0", 0):
        found.unusable[NOT_MEANT] += 1
        return
    first, bar, second = value.partition("|")
    own, of_event = ([tag.get("name") for tag in _dicts(held.get("Tag"))] for held in (attribute, event))
    info = text_of(event.get("info"))
    number = text_of(event.get("uuid")) or text_of(event.get("id"))

    def entry(address: str, _: int | None) -> Entry:
        return Entry(
            value=address,
            port=port_of(second) if kind == SERVICE and bar else None,
            source=source,
            labels=labels_of(info, attribute.get("category"), *own, *of_event),
            reference=f"event {number}" if number else None,
            valid_from=moment_of(attribute.get("first_seen") or attribute.get("timestamp") or event.get("date")),
            is_withdrawn=attribute.get("deleted") in (True, "1", 1),
        )

    found.add(place, [(second if kind == DOMAIN_AND_ADDRESS else first, None)], entry)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
