"""Reads files of indicators, whatever their format, and refuses what is not outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

import msgspec

from common.errors import InputError, one_line
from common.storage.files import Folder
from common.storage.filesystems import normal_uri
from tools.indicators.entries import Entry, Found, bounds
from tools.indicators.formats import csv_lines, misp, stix

NOT_OUTSIDE = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    "224.0.0.0/4", "240.0.0.0/4", "::/127", "fc00::/7", "fe80::/10", "ff00::/8",
)  # fmt: skip
"""Networks that nobody reaches from outside: private ones, loopback, link-local, multicast, reserved."""


def read_file(uri: str, source: str | None, own_networks: Sequence[str]) -> Found:
    """What a file has: a bundle of STIX, events of MISP, or lines of CSV. Entries of one thing are one.

    Args:
        uri: a path, or the URI of a file.
        source: the source of all of it; None for what the file says, or else its name.
        own_networks: networks of the organisation, of which nothing is taken.

    Raises:
        InputError: it is JSON of another format, or it has nothing.
        StorageError: it cannot be read.
    """
    folder, _, name = normal_uri(uri).rpartition("/")
    content, found = Folder(folder).read(name), Found(name)
    otherwise = PurePosixPath(name).stem
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        _read_json(content, found, source, otherwise)
    else:
        csv_lines.read(content, found, source or otherwise)
    if not (found.entries or found.unusable or found.wrong):
        raise InputError(f"{name} has no indicator", "Give a bundle of STIX, events of MISP, or CSV")
    found.entries = _merged(_outside(found, own_networks))
    return found


def _read_json(content: bytes, found: Found, source: str | None, otherwise: str) -> None:
    try:
        document = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(f"{found.file} is not valid JSON: {one_line(error)}", "Export it again") from None
    events = misp.events(document)
    if stix.is_bundle(document):
        stix.read(document, found, source, otherwise)
    elif events is not None:
        for event in events:
            misp.read(event, found, source, otherwise)
    else:
        raise InputError(f"{found.file} is neither a bundle of STIX nor events of MISP", "Give one of these, or CSV")


def _outside(found: Found, own_networks: Sequence[str]) -> list[Entry]:
    """The entries that touch no internal network; the others are wrong."""
    internal = [(network, bounds(network)) for network in (*own_networks, *NOT_OUTSIDE)]
    kept = []
    for entry in found.entries:
        version, first, last = bounds(entry.value)
        inside = next(
            (name for name, (of, begin, end) in internal if of == version and first <= end and begin <= last), None
        )
        if inside is None:
            kept.append(entry)
        else:
            found.wrong.append(f"{entry.place}: {entry.value} touches {inside}, which is not outside")
    return kept


def _merged(entries: Sequence[Entry]) -> list[Entry]:
    """Each source, value and port once, with the labels of all and the longest time."""
    merged: dict[tuple[str, str, int | None], Entry] = {}
    for entry in entries:
        key = entry.source, entry.value, entry.port
        merged[key] = _both(merged[key], entry) if key in merged else entry
    return list(merged.values())


def _both(one: Entry, other: Entry) -> Entry:
    starts = [entry.valid_from for entry in (one, other) if entry.valid_from]
    ends = [entry.valid_until for entry in (one, other) if entry.valid_until]
    sure = [entry.confidence for entry in (one, other) if entry.confidence is not None]
    return replace(
        one,
        labels=tuple(dict.fromkeys((*one.labels, *other.labels))),
        confidence=max(sure, default=None),
        reference=one.reference or other.reference,
        valid_from=min(starts, default=None),
        valid_until=max(ends) if len(ends) == 2 else None,
        is_withdrawn=one.is_withdrawn and other.is_withdrawn,
    )
