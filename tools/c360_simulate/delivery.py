"""What a source delivers: a file with rows, of which some are faulty, in a form of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tools.c360_simulate.people import Record

BROKEN = "broken line"


@dataclass(frozen=True)
class Row:
    """A row of a file.

    Attributes:
        values: by column of the clean zone, as they should arrive there.
        written: values by field of the source that are written as they are here, in place of a spelling.
        fault: why the row must be rejected.
        column: of the fault, if it is in one.
    """

    values: Record
    written: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    column: str | None = None


@dataclass(frozen=True)
class Form:
    """How a file is written.

    Attributes:
        is_plain: whether each value has its usual spelling, else any that a source may use.
        has_more: whether rows have a field that nobody knows.
    """

    encoding: str = "utf-8"
    newline: str = "\n"
    is_gzip: bool = False
    is_plain: bool = False
    has_more: bool = False
    delimiter: str = ","
    decimal_comma: bool = False
    quotes_all: bool = False


@dataclass(frozen=True)
class Delivery:
    """A file that arrives.

    Attributes:
        name: below `raw/<dataset>/`.
        day: its business date.
        moment: when it arrives.
        seed: of its spellings: equal rows with an equal seed are equal bytes.
        content: the bytes of a file that must be rejected.
        fault: why the whole file must be rejected.
        is_known: whether the same bytes came before under the same name and date: then it changes nothing.
        ends_early: whether the last line is cut; the last row has the fault.
    """

    dataset: str
    name: str
    day: date
    moment: datetime
    rows: tuple[Row, ...] = ()
    form: Form = field(default_factory=Form)
    seed: str = ""
    content: bytes | None = None
    fault: str = ""
    is_known: bool = False
    ends_early: bool = False
