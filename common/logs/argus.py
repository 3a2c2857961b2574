"""Argus bidirectional flows as CSV (binetflow), the format of the CTU-13 captures."""

from __future__ import annotations

import re

from common.errors import FormatError
from common.logs import values
from common.logs.batches import KEPT, ParsedBatch, RecordCollector, decoded
from common.logs.blocks import MAX_LINE_BYTES, Block
from common.logs.json_lines import lines_of
from common.logs.panos_lines import split_columns
from common.logs.records import TRAFFIC, session_of
from common.logs.values import FieldError

REQUIRED = ("StartTime", "Dur", "Proto", "SrcAddr", "Sport", "DstAddr", "Dport", "TotPkts", "TotBytes", "SrcBytes")

ETHERNET_HEADER_BYTES = 14
"""Argus counts the Ethernet header of each packet; a firewall does not."""

_HARDWARE_ADDRESS = re.compile(r"[0-9A-Fa-f]{1,2}(?::[0-9A-Fa-f]{1,2}){5}")
_HEXADECIMAL = re.compile(r"0[xX][0-9A-Fa-f]{1,8}")


class Parser:
    """Parses the blocks of one file in order: the header line names the columns."""

    def __init__(self, source_file: str, zone: str) -> None:
        self._source_file = source_file
        self._zone = zone
        self._fields: list[str] = []

    def __call__(self, block: Block) -> ParsedBatch:
        """The sessions of the block's records; flows below IP (ARP and the like) are counted only.

        Raises:
            FormatError: the header lacks a column.
        """
        collector = RecordCollector(self._source_file)
        for number, line in lines_of(block):
            if line.startswith(b"StartTime,"):
                self._header(decoded(line))
                continue
            try:
                self._parse(decoded(line), number, collector)
            except FieldError as error:
                collector.reject(number, str(error), decoded(line[:MAX_LINE_BYTES]))
        return collector.batch()

    def _header(self, line: str) -> None:
        self._fields = [name.strip() for name in line.split(",")]
        if missing := [name for name in REQUIRED if name not in self._fields]:
            raise FormatError(
                f"{self._source_file} is a binetflow file without the columns {', '.join(missing)}",
                f"Write at least {', '.join(REQUIRED)}",
            )

    def _parse(self, line: str, number: int, into: RecordCollector) -> None:
        if not self._fields:
            raise FieldError("no header line with column names came before this line")
        columns = split_columns(line)
        if len(columns) != len(self._fields):
            raise FieldError(f"the line has {len(columns)} columns, the header names {len(self._fields)}")
        flow = {name: value.strip() for name, value in zip(self._fields, columns, strict=True)}
        if _is_below_ip(flow):
            into.skip()
            return
        into.keep(number, session_of(TRAFFIC, _raw(flow), self._zone), KEPT)


def _is_below_ip(flow: dict[str, str]) -> bool:
    named = flow["Proto"].lower() in ("arp", "rarp", "llc")
    return named or any(_HARDWARE_ADDRESS.fullmatch(flow[name]) for name in ("SrcAddr", "DstAddr"))


def _raw(flow: dict[str, str]) -> dict[str, str | None]:
    sent, received, packets_sent, packets_received = _volumes(flow)
    is_tcp = values.protocol(flow["Proto"]) == "tcp"
    return {
        "subtype": "end",
        "action": "allow",
        "start_ts": flow["StartTime"],
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


def _volumes(flow: dict[str, str]) -> tuple[int, int, int, int]:
    """Bytes sent and received without Ethernet headers, packets sent and received.

    Older files do not say how many packets the source sent: they are split as the bytes are.
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
    """The port in decimal. What Argus shows in hexadecimal for protocols without ports (types, SPIs) is none."""
    if not _HEXADECIMAL.fullmatch(value):
        return value
    return str(int(value, 16)) if values.protocol(protocol) in ("tcp", "udp") else "0"


def end_reason(state: str) -> str:
    """Session end reason of a TCP flow by the flags that each side sent, such as `FSPA_FSRPA`."""
    client, _, server = state.upper().partition("_")
    if "F" in client and "F" in server:
        return "tcp-fin"
    if "R" in server:
        return "tcp-rst-from-server"
    return "tcp-rst-from-client" if "R" in client else "aged-out"
