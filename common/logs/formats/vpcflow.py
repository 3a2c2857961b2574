"""AWS VPC flow logs, versions 2 to 5, as text: the default columns, or those that a header line names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from common.logs.batches import ParsedBatch
from common.logs.named_lines import NamedColumns, read_named
from common.logs.source import Source
from common.logs.vpc_records import DEFAULT, REQUIRED, vpc_parser, vpc_sessions

NAME = "vpcflow"
SPLITTABLE = False  # a header names the columns
TYPICAL = ("version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport")

_RECORD = re.compile(rb"2 (?:[0-9]{12}|unknown) eni-[0-9a-f]+ ")


def sniff(line: bytes) -> bool:
    """Whether the line is a header of VPC flow logs, or a record with the default columns."""
    return _is_header(line.decode("utf-8", "replace")) or _RECORD.match(line) is not None


def _is_header(line: str) -> bool:
    return {"srcaddr", "dstaddr"} <= set(line.split()) and "{" not in line


def read(source: Source) -> Iterator[ParsedBatch]:
    """The flows of the file as sessions; records without data (NODATA, SKIPDATA) are counted only.

    Raises:
        FormatError: the header lacks a column.
    """
    parse = vpc_parser(source.options)
    columns = {len(DEFAULT): DEFAULT, len(DEFAULT) + 1: ("ingestion-time", *DEFAULT)}  # CloudWatch puts a time before
    together = partial(vpc_sessions, source.options)
    form = NamedColumns("a VPC flow log", (REQUIRED,), _is_header, parse, " ", columns, together=together)
    return read_named(source, form)
