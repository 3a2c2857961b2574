"""Zeek's conn.log as TSV or NDJSON; the TSV may have the label columns of public data sets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from common.errors import FormatError
from common.logs import values
from common.logs.batches import KEPT, ParsedBatch, RecordCollector, decoded
from common.logs.json_lines import document_of, names_in, text_at
from common.logs.lines import check_length, read_lines
from common.logs.records import TRAFFIC, session_of
from common.logs.source import Source
from common.logs.values import FieldError

NAME = "zeek"
SPLITTABLE = False  # a header names the fields and says how they are separated

NAMES: dict[str, tuple[str, ...]] = {
    "start_ts": ("ts",),
    "duration_s": ("duration",),
    "session_id": ("uid",),
    "src_ip": ("id.orig_h", "id_orig_h"),
    "src_port": ("id.orig_p", "id_orig_p"),
    "dst_ip": ("id.resp_h", "id_resp_h"),
    "dst_port": ("id.resp_p", "id_resp_p"),
    "protocol": ("proto",),
    "app": ("service",),
    "bytes_sent": ("orig_ip_bytes", "orig_bytes"),
    "bytes_received": ("resp_ip_bytes", "resp_bytes"),
    "packets_sent": ("orig_pkts",),
    "packets_received": ("resp_pkts",),
}
"""Zeek's fields by canonical column. Bytes are those of IP packets if Zeek logged them, else of the payload."""

END_REASONS = {
    "SF": "tcp-fin",
    "RSTO": "tcp-rst-from-client",
    "RSTOS0": "tcp-rst-from-client",
    "RSTR": "tcp-rst-from-server",
    "RSTRH": "tcp-rst-from-server",
    "REJ": "tcp-rst-from-server",
}
"""Session end reason of a TCP connection by its `conn_state`; in all other states it timed out."""

NO_HANDSHAKE = frozenset({"S0", "REJ", "SH", "SHR", "RSTOS0", "RSTRH"})
"""States of TCP connections that were never established; a firewall logs their application as incomplete."""

_REQUIRED = ("ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto")
_JOINED = re.compile("\t|   ")
_CONN_FIELDS = re.compile(rb"#fields\s.*\bid\.orig_h\b.*\bconn_state\b")
TYPICAL = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "conn_state")


def sniff(line: bytes) -> bool:
    """Whether the line is the list of fields, or a JSON record, of a conn.log."""
    if line.startswith(b"{"):
        names = names_in(line)
        return "conn_state" in names and ("id.orig_h" in names or "id_orig_h" in names)
    return bool(_CONN_FIELDS.match(line))


def read(source: Source) -> Iterator[ParsedBatch]:
    """The connections of the file as sessions.

    Raises:
        FormatError: the header lacks a field of conn.log.
    """
    return read_lines(source, _Parser(source).parse)


class _Parser:
    """Parses the lines of one file in order: the header of a TSV log tells how to read those after it."""

    def __init__(self, source: Source) -> None:
        self._path = source.path
        self._options = source.options
        self._separator = "\t"
        self._unset = frozenset({"-", "(empty)"})
        self._fields: list[str] = []

    def parse(self, line: bytes, number: int, into: RecordCollector) -> None:
        if line.startswith(b"#"):
            self._header(decoded(line))
            return
        check_length(line)
        raw = self._from_json(line) if line.startswith(b"{") else self._from_columns(decoded(line))
        into.keep(number, self._session(raw), KEPT)

    def _header(self, line: str) -> None:
        if line.startswith("#separator "):
            code = line.removeprefix("#separator ").strip()
            self._separator = chr(int(code[2:], 16)) if re.fullmatch(r"\\x[0-9A-Fa-f]{2}", code) else code or "\t"
        elif line.startswith(("#unset_field", "#empty_field")):
            self._unset |= {line[len("#unset_field") + 1 :].strip()}
        elif line.startswith("#fields"):
            self._fields = self._split(line)[1:]
            if missing := [name for name in _REQUIRED if name not in self._fields]:
                raise FormatError(
                    f"{self._path} is a Zeek log without the fields {', '.join(missing)}", "Give Zeek's conn.log"
                )

    def _split(self, line: str) -> list[str]:
        return _JOINED.split(line) if self._separator == "\t" else line.split(self._separator)

    def _from_columns(self, line: str) -> dict[str, str | None]:
        if not self._fields:
            raise FieldError("no #fields header came before this line")
        columns = self._split(line)
        if len(columns) != len(self._fields):
            raise FieldError(f"the line has {len(columns)} columns, the header names {len(self._fields)}")
        named = {
            name: None if value in self._unset else value for name, value in zip(self._fields, columns, strict=True)
        }
        raw = {name: _first(named, names) for name, names in NAMES.items()}
        return raw | {"conn_state": named.get("conn_state")}

    @staticmethod
    def _from_json(line: bytes) -> dict[str, str | None]:
        document = document_of(line)
        raw = {name: text_at(document, *names) for name, names in NAMES.items()}
        return raw | {"conn_state": text_at(document, "conn_state")}

    def _session(self, raw: dict[str, str | None]) -> dict[str, object]:
        state = (raw.pop("conn_state") or "").strip().upper()
        stamp = raw.pop("start_ts")
        is_text = stamp is not None and "-" in stamp.strip()[1:]
        start_ts = values.instant("ts", self._options.time_zone, stamp) if is_text else values.epoch("ts", stamp)
        is_tcp = values.protocol(raw["protocol"]) == "tcp"
        raw |= {"subtype": "end", "action": "allow", "duration_s": raw["duration_s"] or "0"}
        raw["start_ts"] = values.wall_clock(start_ts)
        raw["session_end_reason"] = END_REASONS.get(state, "aged-out") if is_tcp else "aged-out"
        raw["app"] = raw["app"] or ("incomplete" if is_tcp and state in NO_HANDSHAKE else None)
        return session_of(TRAFFIC, raw, self._options)


def _first(named: dict[str, str | None], names: tuple[str, ...]) -> str | None:
    return next((value for name in names if (value := named.get(name))), None)
