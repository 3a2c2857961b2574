"""Bidirectional flows of Argus as CSV (binetflow), the format of the CTU-13 captures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from common.display import counted
from common.errors import FormatError
from common.logs import values
from common.logs.batches import KEPT, ParsedBatch, RecordCollector, decoded
from common.logs.csv_lines import split_columns
from common.logs.epochs import iso
from common.logs.lines import read_lines
from common.logs.records import TRAFFIC, session_of
from common.logs.services import SERVICE_PORTS
from common.logs.source import Source
from common.logs.values import FieldError

NAME = "argus"
SPLITTABLE = False  # a header names the columns

REQUIRED = ("StartTime", "Dur", "Proto", "SrcAddr", "Sport", "DstAddr", "Dport", "TotPkts", "TotBytes", "SrcBytes")

ETHERNET_HEADER_BYTES = 14
"""Argus counts the Ethernet header of each packet; firewalls do not."""

_HARDWARE_ADDRESS = re.compile(r"[0-9A-Fa-f]{1,2}(?::[0-9A-Fa-f]{1,2}){5}")
_TIME_ONLY = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?")
_HEXADECIMAL = re.compile(r"0[xX][0-9A-Fa-f]{1,8}")
TYPICAL = REQUIRED


def sniff(line: bytes) -> bool:
    """Whether the line is the header of a binetflow file."""
    return line.startswith(b"StartTime,") and b"SrcAddr" in line


def read(source: Source) -> Iterator[ParsedBatch]:
    """The flows of the file as sessions; flows below IP (ARP and the like) are counted only.

    Raises:
        FormatError: the header lacks a column.
    """
    return read_lines(source, _Parser(source).parse)


class _Parser:
    """Parses the lines of one file in order: the header names the columns of those after it."""

    def __init__(self, source: Source) -> None:
        self._path = source.path
        self._options = source.options
        self._fields: list[str] = []

    def parse(self, line: bytes, number: int, into: RecordCollector) -> None:
        if line.startswith(b"StartTime,"):
            self._header(decoded(line))
            return
        if not self._fields:
            raise FieldError("no header line with column names came before this line")
        columns = split_columns(decoded(line))
        if len(columns) != len(self._fields):
            raise FieldError(f"the line has {counted(len(columns), 'column')}, the header names {len(self._fields)}")
        flow = {name: value.strip() for name, value in zip(self._fields, columns, strict=True)}
        if flow["Proto"].lower() == "man":
            into.skip("management")
            return
        if _is_below_ip(flow):
            into.skip("below IP")
            return
        into.keep(number, session_of(TRAFFIC, _raw(flow), self._options), KEPT)

    def _header(self, line: str) -> None:
        self._fields = [name.strip() for name in line.split(",")]
        if missing := [name for name in REQUIRED if name not in self._fields]:
            raise FormatError(
                f"{self._path} is a binetflow file without the columns {', '.join(missing)}",
                f"Write at least {', '.join(REQUIRED)}",
            )


def _is_below_ip(flow: dict[str, str]) -> bool:
    named = flow["Proto"].lower() in ("arp", "rarp", "llc")
    return named or any(_HARDWARE_ADDRESS.fullmatch(flow[name]) for name in ("SrcAddr", "DstAddr"))


def _raw(flow: dict[str, str]) -> dict[str, str | None]:
    sent, received, packets_sent, packets_received = _volumes(flow)
    is_tcp = values.protocol(flow["Proto"]) == "tcp"
    return {
        "subtype": "end",
        "action": "allow",
        "start_ts": _start(flow["StartTime"]),
        "duration_s": flow["Dur"],
        "src_ip": flow["SrcAddr"],
        "src_port": _port(flow["Sport"], flow["Proto"]),
        "dst_ip": flow["DstAddr"],
        "dst_port": _port(flow["Dport"], flow["Proto"]),
        "protocol": flow["Proto"],
        "bytes_sent": str(sent),
        "bytes_received": str(received),
        "packets_sent": str(packets_sent),
        "packets_received": str(packets_received),
        "session_end_reason": end_reason(flow.get("State", "")) if is_tcp else "aged-out",
        "app": "incomplete" if is_tcp and packets_received == 0 else None,
    }


def _start(value: str) -> str | None:
    """The start as text that names the time: Argus writes it as its format says, also in seconds since the epoch."""
    if _TIME_ONLY.fullmatch(value):
        raise FieldError(f"StartTime {values.shown(value)} has no date: write it with ra -u, or with a date in -t")
    return iso("time", value)


def _volumes(flow: dict[str, str]) -> tuple[int, int, int, int]:
    """Bytes sent and received without Ethernet headers, packets sent and received.

    Older files lack the number of packets that the source sent: packets are then divided in proportion to bytes.
    """
    names = ("TotPkts", "TotBytes", "SrcBytes", "SrcPkts")
    packets, total, source, known = (values.integer(name, flow.get(name)) for name in names)
    if packets is None or total is None or source is None:
        raise FieldError("TotPkts, TotBytes or SrcBytes is empty")
    packets_sent = known if known is not None else min(packets, max(1, round(packets * source / max(total, 1))))
    if packets_sent > packets or source > total:
        raise FieldError(f"the source's share ({packets_sent} packets, {source} bytes) exceeds the total")
    packets_received = packets - packets_sent
    sent = max(0, source - ETHERNET_HEADER_BYTES * packets_sent)
    received = max(0, total - source - ETHERNET_HEADER_BYTES * packets_received)
    return sent, received, packets_sent, packets_received


def _port(value: str, protocol: str) -> str:
    """The port in decimal, also of a service by name; 0 where Argus shows a type or an SPI of other protocols."""
    if not _HEXADECIMAL.fullmatch(value):
        return SERVICE_PORTS.get(value.lower(), value)
    return str(int(value, 16)) if values.protocol(protocol) in ("tcp", "udp") else "0"


def end_reason(state: str) -> str:
    """The session end reason of a TCP flow, from the flags that each side sent, such as `FSPA_FSRPA`."""
    client, _, server = state.upper().partition("_")
    if "F" in client and "F" in server:
        return "tcp-fin"
    if "R" in server:
        return "tcp-rst-from-server"
    return "tcp-rst-from-client" if "R" in client else "aged-out"
