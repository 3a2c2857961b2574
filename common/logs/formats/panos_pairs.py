"""Custom log formats of PAN-OS with `key=value` pairs, whose keys are the names of PAN-OS's variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.logs.batches import ParsedBatch
from common.logs.keyed import Style
from common.logs.pair_rules import unquoted, with_own_zone
from common.logs.pairs import PLAIN, Profile, Together, read_pairs
from common.logs.panos_texts import session_texts
from common.logs.panos_variables import CANONICAL, VARIABLES
from common.logs.records import THREAT, TRAFFIC, Raw
from common.logs.source import Source
from common.logs.spelled_times import cef_time
from common.logs.values import BLANK
from common.logs.vectors import as_text, by_distinct

NAME = "panos_pairs"
SPLITTABLE = True
TYPICAL = ("type", "src", "dst", "sport", "dport", "proto", "start", "elapsed")

_STYLE = Style(b"", (), b" ", quotes=True)
_WORDS = re.compile(rb"(?:^|\s)([A-Za-z_-]+)=")
_HALF_QUOTED = r'^\s*"[^"]*$|^\s*"[^"]*"\s*[^"\s]|^\s*"[^"]*".*"'
"""A value that begins with a quote and does not end with the next one."""

_TYPICAL = frozenset({b"src", b"dst", b"sport", b"dport", b"proto", b"elapsed", b"bytes_sent", b"src_ip", b"dst_ip"})


def _keys() -> dict[str, tuple[str, ...]]:
    names = dict.fromkeys((*VARIABLES.values(), *sorted(CANONICAL)))
    return {name: tuple(dict.fromkeys((*(key for key, to in VARIABLES.items() if to == name), name))) for name in names}


_PROFILE = Profile(_keys(), dict.fromkeys(_keys(), unquoted))


def sniff(line: bytes) -> bool:
    """Whether the line has the pairs of a PAN-OS log of sessions."""
    if line.startswith(b"{") or b"CEF:" in line or b"LEEF:" in line:
        return False
    words = set(_WORDS.findall(line))
    return len(words & _TYPICAL) > 3 and bool(words & {b"src", b"src_ip"})


def read(source: Source) -> Iterator[ParsedBatch]:
    """The sessions of the file; types other than TRAFFIC and THREAT are counted only."""
    return read_pairs(source, Pairs())


class Pairs:
    """How the lines are built and what they mean, as `PairFormat` asks."""

    wanted = frozenset(key for keys in _PROFILE.keys.values() for key in keys)
    plain = frozenset(key for name in PLAIN for key in _PROFILE.keys.get(name, ()))

    def style(self, line: bytes) -> Style:
        """All lines are built alike."""
        return _STYLE

    def raw(self, fields: Mapping[str, str]) -> tuple[str, Raw]:
        """The log type and the texts of one line."""
        found = {name: value for name, value in _PROFILE.raw(fields).items() if value is not None}
        if "src_ip" not in found and "event_type" not in found:
            return "other program", {}
        return session_texts(found, cef_time)

    def together(self, table: pa.RecordBatch, style: Style) -> Iterator[Together]:
        """The same for lines that share their keys."""
        raw, certain = _PROFILE.columns(table)
        if "event_type" not in raw or not {"start_ts", "log_time", "receive_time"} & set(raw):
            return
        for column in (as_text(table.column(name)) for name in table.schema.names):
            certain &= ~np.asarray(pc.match_substring_regex(column, _HALF_QUOTED).fill_null(False))
        kinds = pc.utf8_upper(pc.utf8_trim(as_text(raw.pop("event_type")), BLANK))
        times = [raw.pop(name) for name in ("log_time", "receive_time") if name in raw]
        if times:
            raw["log_time"] = pc.coalesce(*map(as_text, times))
        for name in ("start_ts", "end_ts", "log_time"):
            if name in raw:
                raw[name], sure = by_distinct(raw[name], cef_time, pa.string())
                certain &= sure
        if "start_ts" in raw and "log_time" in raw:
            certain &= with_own_zone(raw["start_ts"], raw["log_time"])
        for kind in (TRAFFIC, THREAT):
            mask = np.asarray(pc.equal(kinds, kind).fill_null(False))
            if mask.any() and ("start_ts" if kind == TRAFFIC else "log_time") in raw:
                yield kind, mask, raw, certain
