"""A log file as the reader of its format gets it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from common.logs.blocks import Block
from common.logs.options import ReadOptions


@dataclass(frozen=True)
class Source:
    """A log file, or some of its blocks.

    Attributes:
        path: where the file is; the `source_file` of its records.
        options: how to read it.
        blocks: the unpacked contents as blocks of whole lines. They can be read once.
    """

    path: str
    options: ReadOptions
    blocks: Iterable[Block]
