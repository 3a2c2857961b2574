"""What a file in no known format looks like, and which format it resembles most."""

from __future__ import annotations

import json
import re

from common.display import on_terminal
from common.logs.batches import decoded
from common.logs.registry import READERS, typical_names

_MOST_NAMES = 12
_LONGEST_NAME = 40
_LEAST_SHARED = 2
_NAME = re.compile(r"[A-Za-z_#@][\w .:#/()@-]*")
_SEPARATORS = (",", "\t", ";", "|")


def describe(head: bytes) -> str:
    """What a text that begins like this looks like and what it lacks for a known format; "" if nobody can say.

    Such as `a CSV file with the header src,dst; nearest: argus, which also needs StartTime, Dur`.
    """
    text = decoded(head.strip())
    if names := _names_of_object(text):
        return f"JSON objects with the names {_shown(names)}{_nearest(names)}"
    line = text.split("\n", 1)[0].rstrip("\r")
    for separator in _SEPARATORS:
        names = [name.strip().strip('"') for name in line.split(separator)]
        if len(names) > 1 and all(map(_NAME.fullmatch, names)):
            return f"a CSV file with the header {_shown(names, separator)}{_nearest(names)}"
    return ""


def _names_of_object(text: str) -> list[str]:
    """The names in the first JSON object, those of inner objects after a dot."""
    start = text.find("{", 0, 2 + text.startswith("["))
    if start < 0 or text[:start].strip("[ \n"):
        return []
    try:
        document, _ = json.JSONDecoder(strict=False).raw_decode(text, start)
    except (ValueError, RecursionError):
        return []
    inner = [f"{name}.{key}" for name, value in document.items() if isinstance(value, dict) for key in value]
    return [*document, *inner]


def _nearest(names: list[str]) -> str:
    """The format that shares most of its typical names, and which of them are missing; "" if none shares any."""
    known = {_plain(name) for name in names}
    shared = {
        reader.NAME: [name for name in typical_names(reader) if _plain(name) in known]
        for reader in READERS
        if typical_names(reader)
    }
    best = max(shared, key=lambda name: len(shared[name]), default=None)
    if best is None or len(shared[best]) < _LEAST_SHARED:
        return ""
    typical = next(typical_names(reader) for reader in READERS if best == reader.NAME)
    missing = [name for name in typical if _plain(name) not in known]
    return f"; nearest: {best}, which also needs {', '.join(missing)}" if missing else f"; nearest: {best}"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.]", "", name.lower())


def _shown(names: list[str], separator: str = ", ") -> str:
    shown = separator.replace("\t", " ").join(on_terminal(name)[:_LONGEST_NAME] for name in names[:_MOST_NAMES])
    return f"{shown}, ..." if len(names) > _MOST_NAMES else shown
