"""The log formats that can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from common.errors import FormatError
from common.logs.batches import ParsedBatch
from common.logs.blocks import Block
from common.logs.formats import (
    argus,
    cef,
    cidds,
    ecs,
    leef,
    nfdump,
    ocsf,
    panos,
    panos_columns,
    panos_export,
    panos_pairs,
    parquet,
    sls,
    suricata,
    unsw,
    vpcflow,
    zeek,
)
from common.logs.source import Source


class LogFormat(Protocol):
    """What the module of a format defines.

    It may also define `TYPICAL`: the names of fields by which users know the format. The error for a file in no known
    format says which of them are missing. And `splits`: whether a file that begins with a block can be split although
    the format is not splittable as a rule.
    """

    NAME: str
    """What users call the format, as in `--log-format`."""

    SPLITTABLE: bool
    """Whether each block of lines can be parsed by itself; not so where a header tells how to read later lines."""

    def sniff(self, line: bytes) -> bool:
        """Whether this line, one of the first in a file, shows that the file has this format."""

    def read(self, source: Source) -> Iterator[ParsedBatch]:
        """The records of the file, in its order.

        Raises:
            FormatError: the file is not in this format.
        """


READERS: tuple[LogFormat, ...] = (
    parquet,
    zeek,
    argus,
    sls,
    cef,
    leef,
    panos_export,
    panos,
    panos_pairs,
    panos_columns,
    suricata,
    ocsf,
    ecs,
    vpcflow,
    nfdump,
    cidds,
    unsw,
)
"""The formats in order of preference: where a line fits several, the first one wins."""


def typical_names(reader: LogFormat) -> tuple[str, ...]:
    """The names of fields by which users know the format, none if its records do not name them."""
    return tuple(getattr(reader, "TYPICAL", ()))


def may_split(reader: LogFormat, first: Block) -> bool:
    """Whether each block of a file that begins with this one can be parsed by itself."""
    splits: Callable[[Block], bool] | None = getattr(reader, "splits", None)
    return reader.SPLITTABLE or (splits is not None and splits(first))


FORMATS = tuple(reader.NAME for reader in READERS)
"""The names of the formats."""


def reader_of(name: str) -> LogFormat:
    """The format with this name.

    Raises:
        FormatError: there is none.
    """
    for reader in READERS:
        if name == reader.NAME:
            return reader
    raise FormatError(f"log format {name!r} is unknown", f"Known formats: {', '.join(FORMATS)}")
