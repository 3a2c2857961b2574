"""Zeek conn.log, as TSV (also with the label columns of public data sets) or JSON lines."""

from __future__ import annotations

import re

from common.errors import FormatError
from common.logs import values
from common.logs.batches import KEPT, ParsedBatch, RecordCollector, decoded
from common.logs.blocks import MAX_LINE_BYTES, Block
from common.logs.json_lines import document_of, lines_of, text_at
from common.logs.records import TRAFFIC, session_of
from common.logs.values import FieldError

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
"""Zeek's fields by canonical column. Bytes are those of the IP packets where Zeek has them, else of the payload."""

END_REASONS = {
    "SF": "tcp-fin",
    "RSTO": "tcp-rst-from-client",
    "RSTOS0": "tcp-rst-from-client",
    "RSTR": "tcp-rst-from-server",
    "RSTRH": "tcp-rst-from-server",
    "REJ": "tcp-rst-from-server",
}
"""Session end reason of a TCP connection by its `conn_state`; any other ended by timeout."""

NO_HANDSHAKE = frozenset({"S0", "REJ", "SH", "SHR", "RSTOS0", "RSTRH"})
"""States of TCP connections that never got established: a firewall calls their application incomplete."""

_REQUIRED = ("ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto")
_JOINED = re.compile("\t|   ")


class Parser:
    """Parses the blocks of one file in order: the header of a TSV log tells how to read the lines after it."""

    def __init__(self, source_file: str, zone: str) -> None:
        self._source_file = source_file
        self._zone = zone
        self._separator = "\t"
        self._unset = frozenset({"-", "(empty)"})
        self._fields: list[str] = []

    def __call__(self, block: Block) -> ParsedBatch:
        """The sessions of the block's records.

        Raises:
            FormatError: the header names other fields than those of conn.log.
        """
        collector = RecordCollector(self._source_file)
        for number, line in lines_of(block):
            if line.startswith(b"#"):
                self._header(decoded(line))
                continue
            try:
                if len(line) > MAX_LINE_BYTES:
                    raise FieldError(f"the line is longer than {MAX_LINE_BYTES} bytes")
                raw = self._from_json(line) if line.startswith(b"{") else self._from_columns(decoded(line))
                collector.keep(number, self._session(raw), KEPT)
            except FieldError as error:
                collector.reject(number, str(error), decoded(line[:MAX_LINE_BYTES]))
        return collector.batch()

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
                    f"{self._source_file} is a Zeek log without the fields {', '.join(missing)}", "Give Zeek's conn.log"
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
        start_ts = values.instant("ts", self._zone, stamp) if is_text else values.epoch("ts", stamp)
        is_tcp = values.protocol(raw["protocol"]) == "tcp"
        raw |= {"subtype": "end", "action": "allow", "duration_s": raw["duration_s"] or "0"}
        raw["start_ts"] = values.wall_clock(start_ts)
        raw["session_end_reason"] = END_REASONS.get(state, "aged-out") if is_tcp else "aged-out"
        raw["app"] = raw["app"] or ("incomplete" if is_tcp and state in NO_HANDSHAKE else None)
        return session_of(TRAFFIC, raw, self._zone)


def _first(named: dict[str, str | None], names: tuple[str, ...]) -> str | None:
    return next((value for name in names if (value := named.get(name))), None)
