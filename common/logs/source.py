"""A log file as the reader of its format gets it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from common.logs.blocks import Block


@dataclass(frozen=True)
class Source:
    """A log file, or some of its blocks.

    Attributes:
        path: where the file is; the `source_file` of its records.
        time_zone: zone of times that do not name one: IANA name or offset.
        column_mapping: name of each canonical column in the file, where it has another name there; Parquet only.
        blocks: the unpacked contents as blocks of whole lines. They can be read once.
    """

    path: str
    time_zone: str
    column_mapping: Mapping[str, str]
    blocks: Iterable[Block]
