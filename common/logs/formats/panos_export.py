"""Exports of the log pages of the PAN-OS web interface: CSV with a header, also as spreadsheets rewrite it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from common.logs import values
from common.logs.batches import ParsedBatch, RecordCollector
from common.logs.named_lines import Fields, NamedColumns, read_named
from common.logs.records import THREAT, TRAFFIC, session_of, status_of
from common.logs.source import Source
from common.logs.spelled_times import spreadsheet_time
from common.logs.values import FieldError, shown

NAME = "panos_export"
SPLITTABLE = False  # a header names the columns
TYPICAL = ("Receive Time", "Type", "Source address", "Destination address", "Source Port", "Start Time")

REQUIRED = ("type", "source address", "destination address")
"""Columns that every export needs."""

NAMES: dict[str, tuple[str, ...]] = {
    "device_serial": ("serial #", "serial number", "device sn"),
    "subtype": ("threat/content type", "subtype"),
    "log_time": ("generate time", "time generated", "receive time"),
    "precise_time": ("high res timestamp", "high resolution timestamp"),
    "src_ip": ("source address", "source"),
    "dst_ip": ("destination address", "destination"),
    "nat_src_ip": ("nat source ip",),
    "nat_dst_ip": ("nat destination ip",),
    "rule": ("rule", "rule name"),
    "src_user": ("source user",),
    "dst_user": ("destination user",),
    "app": ("application",),
    "virtual_system": ("virtual system",),
    "src_zone": ("source zone", "from zone"),
    "dst_zone": ("destination zone", "to zone"),
    "session_id": ("session id",),
    "repeat_count": ("repeat count",),
    "src_port": ("source port",),
    "dst_port": ("destination port",),
    "nat_src_port": ("nat source port",),
    "nat_dst_port": ("nat destination port",),
    "protocol": ("ip protocol", "protocol"),
    "action": ("action",),
    "url_category": ("category",),
    "sequence_number": ("seqno", "sequence number"),
    "src_country": ("source country", "source location"),
    "dst_country": ("destination country", "destination location"),
    "device_name": ("device name",),
    "app_category": ("category of app", "application category"),
    "app_risk": ("risk of app", "application risk"),
    "bytes_sent": ("bytes sent",),
    "bytes_received": ("bytes received",),
    "packets_sent": ("pkts sent", "packets sent"),
    "packets_received": ("pkts received", "packets received"),
    "start_ts": ("start time",),
    "duration_s": ("elapsed time (sec)", "elapsed time"),
    "session_end_reason": ("session end reason",),
    "threat_id": ("threat/content name", "threat name", "threat id"),
    "severity": ("severity",),
    "url": ("url/filename", "url", "file name"),
    "threat_category": ("thr category", "threat category"),
}
"""Names of each column in the web interface, in lower case and with blanks for underscores."""

_TIMES = ("log_time", "start_ts")
_IDENTIFIERS = ("device_serial", "session_id", "sequence_number")
_ROUNDED = re.compile(r"[0-9][.,][0-9]+E\+?[0-9]+", re.IGNORECASE)


def sniff(line: bytes) -> bool:
    """Whether the line is the header of an export."""
    return _is_header(line.decode("utf-8", "replace"))


def _is_header(line: str) -> bool:
    lower = line.lower()
    return "receive time" in lower and "source address" in lower and not lower.lstrip("\ufeff").startswith("{")


def read(source: Source) -> Iterator[ParsedBatch]:
    """The sessions of the file; types other than TRAFFIC and THREAT are counted only.

    Raises:
        FormatError: the header lacks a column.
    """

    def parse(fields: Fields, number: int, into: RecordCollector) -> None:
        named = {name.replace("_", " "): value for name, value in fields.items()}
        kind = named["type"].upper()
        if kind not in (TRAFFIC, THREAT):
            into.skip(kind or "no log type")
            return
        raw = _raw(named)
        session = session_of(kind, raw, source.options)
        into.keep(number, session, status_of(kind, session["subtype"]))

    form = NamedColumns("an export of PAN-OS", (REQUIRED,), _is_header, parse, ",;\t", lower=True)
    return read_named(source, form)


def _raw(named: Fields) -> dict[str, str | None]:
    raw = {name: next((named[given] for given in names if named.get(given)), None) for name, names in NAMES.items()}
    for name in _TIMES:
        raw[name] = spreadsheet_time(raw[name])
    for name in _IDENTIFIERS:
        if raw[name] and _ROUNDED.fullmatch(raw[name] or ""):
            raw[name] = None  # a spreadsheet rounded it: 1.3201E+13
    if values.text(raw["log_time"]) is None:
        raise FieldError(f"the record has no receive time: {shown(raw['log_time'] or '')}")
    return raw
