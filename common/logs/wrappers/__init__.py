"""What is around the records of a file, found from its start, and how they are taken out of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from common.logs.batches import decoded
from common.logs.blocks import Block, blocks_of
from common.logs.packing import Damage
from common.logs.wrappers.documents import Splitter
from common.logs.wrappers.records import PATHS, Path, holds_session, is_action, records_at, unwrapped, without_actions
from common.logs.wrappers.spans import spans

Sniff = Callable[[bytes], str | None]

_HEAD_LINES = 200
_MOST_LAYERS = 3
_INNER_LINES = 10
_JSON = re.compile(rb"\s*(?:\{\s*(?:[\"}]|$)|\[\s*(?:[{\[\"]|$))")
_LIST = re.compile(rb'"(?:hits|results|logEvents|records|Records|events|items|value|data)"\s*:\s*\[\s*\{')
_NO_OBJECT = 2**31
MAY_BE_WRAPPED = frozenset({"ecs"})
"""Formats that also give their names to documents which hold nothing but a log line."""


@dataclass(frozen=True)
class Wrapping:
    """What is around the records of a file.

    Attributes:
        depth: how many objects surround the list of records; None where each line is one, 0 for a plain list.
        has_actions: whether there are action lines of bulk requests.
        paths: where the record is in each line, from the outermost layer on.
    """

    depth: int | None = None
    has_actions: bool = False
    paths: tuple[Path, ...] = ()

    def blocks(self, pieces: Iterable[bytes | Damage], first_line: int = 1) -> Iterator[Block]:
        """The pieces of the file, from this line on, as blocks of lines, which `unwrap` takes."""
        if self.depth is None:
            return blocks_of(pieces, first_line=first_line)
        return Splitter(self.depth).blocks(pieces)

    def unwrap(self, block: Block) -> Block:
        """The block with one record a line; what cannot be unwrapped is passed on as it is."""
        if self.has_actions:
            block = without_actions(block)
        for path in self.paths:
            block = unwrapped(block, path)
        return block


def find_wrapping(head: bytes, sniff: Sniff) -> tuple[Wrapping, str] | None:
    """What is around the records of a file that begins like this, and their format; None if no format is found.

    `sniff` gives the name of the format of a line.
    """
    for depth in _depths(head):
        has_actions, found = False, None
        for line in first_lines(head, depth):
            if is_action(line):
                has_actions = True
                continue
            layers = _layers(line, sniff)
            found = found or layers
            if layers and (layers[0] or layers[1] not in MAY_BE_WRAPPED or _holds_session(line)):
                found = layers
                break
        if found:
            return Wrapping(depth, has_actions, found[0]), found[1]
    return None


def records_in(line: bytes, sniff: Sniff) -> tuple[str, list[bytes]] | None:
    """The format and the records of what the document on a line holds; None if it holds nothing but itself."""
    found = _layers(line.strip(), sniff)
    if not found or not found[0]:
        return None
    records = [line]
    for path in found[0]:
        records = [inner for record in records for inner in records_at(record, path)]
    return found[1], records


def first_lines(head: bytes, depth: int | None = None) -> list[bytes]:
    """The first lines that are not blank, comments first; with a depth, the first whole objects."""
    if depth is not None:
        found = spans(head, depth, 0)
        places = islice(zip(found.starts.tolist(), found.ends.tolist(), strict=True), _HEAD_LINES)
        return [head[start:end].replace(b"\n", b" ") for start, end in places]
    lines = [line for line in map(bytes.strip, head.split(b"\n")) if line]
    if head.startswith(b"#"):
        lines.sort(key=lambda line: not line.startswith(b"#"))
    return lines[:_HEAD_LINES]


def _depths(head: bytes) -> list[int | None]:
    """The ways to find the records of a file that begins like this, the likelier first."""
    lines = [line for line in head.split(b"\n", _HEAD_LINES)[:_HEAD_LINES] if line.strip()]
    if not lines or not _JSON.match(lines[0]):
        return [None]
    if any(line.startswith(b"{") and isinstance(_json(line), dict) for line in lines[:2]):
        return [None]
    depths: list[int | None] = [0]
    if match := _LIST.search(head):
        depths.append(spans(head[: match.end() - 1], _NO_OBJECT, 0).inside)
    return depths


def _json(line: bytes) -> Any:
    """The JSON value on a line; None if there is none."""
    try:
        return json.loads(decoded(line), strict=False)
    except (ValueError, RecursionError):
        return None


def _holds_session(line: bytes) -> bool:
    return holds_session(_json(line))


def _layers(line: bytes, sniff: Sniff, layers: int = 0) -> tuple[tuple[Path, ...], str] | None:
    """The paths that lead to the record of a line, and its format; None if no format is found."""
    direct = sniff(line)
    plain = ((), direct) if direct else None
    if layers == _MOST_LAYERS or not line.startswith((b"{", b"[")):
        return plain
    if direct and direct not in MAY_BE_WRAPPED:
        return plain
    if direct and _holds_session(line):
        return plain
    for path in PATHS:
        for inner in records_at(line, path)[:_INNER_LINES]:
            found = None if inner is line else _layers(inner.strip(), sniff, layers + 1)
            if found:
                return (path, *found[0]), found[1]
    return plain
