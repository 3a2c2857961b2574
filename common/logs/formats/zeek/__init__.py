"""Zeek's connections as TSV or NDJSON; the TSV may have the label columns of public data sets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import chain

from common.logs.batches import ParsedBatch
from common.logs.blocks import Block
from common.logs.formats.zeek import documents, tsv
from common.logs.json_blocks import read_json
from common.logs.json_lines import names_in
from common.logs.source import Source

NAME = "zeek"
SPLITTABLE = False  # a header names the fields and says how they are separated

TYPICAL = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "conn_state")
_CONN_FIELDS = re.compile(rb"#fields\s(?=.*\bid[._]orig_h\b).*\bconn_state\b")


def sniff(line: bytes) -> bool:
    """Whether the line is the list of fields, or a JSON record, of a conn.log."""
    if line.startswith(b"{"):
        names = names_in(line)
        return "conn_state" in names and not names.isdisjoint({"id.orig_h", "id_orig_h", "id"})
    return bool(_CONN_FIELDS.match(line))


def splits(first: Block) -> bool:
    """Whether a file that begins with this block has its records in JSON, which need no header."""
    return first.data.lstrip(b"\xef\xbb\xbf \t\r\n\0").startswith(b"{")


def read(source: Source) -> Iterator[ParsedBatch]:
    """The connections of the file as sessions; records of other streams are counted by their names.

    Raises:
        FormatError: the header lacks a field of conn.log.
    """
    given = iter(source.blocks)
    first = next(given, None)
    if first is None:
        return iter(())
    source = Source(source.path, source.options, chain((first,), given))
    if splits(first):
        return read_json(source, documents.layout_of, partial(documents.parse, source.options))
    return tsv.read(source)
