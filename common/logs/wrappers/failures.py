"""Documents that an ingest pipeline could not take apart, among others that it could."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby

import numpy as np

from common.logs.blocks import Block

_MARK = b"pipeline_error"


def in_runs(
    block: Block, inner: Callable[[bytes], tuple[str, list[bytes]] | None]
) -> Iterator[tuple[str | None, Block]]:
    """The block in parts, in order, each with the format of its lines; None for that of the file.

    `inner` gives the format and the records of what a document holds that lacks the fields of a session.
    """
    if _MARK not in block.data:
        yield None, block
        return
    found: list[tuple[str | None, int, bytes]] = []
    for index, line in enumerate(block.data.split(b"\n")):
        name, records = (inner(line) if _MARK in line else None) or (None, [line])
        found += [(name, index, record) for record in records if record.strip()]
    runs = [(name, list(group)) for name, group in groupby(found, key=lambda entry: entry[0])]
    for at, (name, group) in enumerate(runs, 1):
        numbers = block.numbers_of(np.array([index for _, index, _ in group], dtype=np.int64))
        data = b"".join(record + b"\n" for _, _, record in group)
        part = Block(data, block.first_line, numbers=numbers, behind=block.next_line)
        yield name, replace(part, damage=block.damage, cut=block.cut) if at == len(runs) else part
    if not runs:
        yield None, block
