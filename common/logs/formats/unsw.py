"""Flows of the UNSW-NB15 data set as CSV, with or without a header, and with labels."""

from __future__ import annotations

import re
from collections.abc import Iterator

from common.logs import values
from common.logs.batches import KEPT, ParsedBatch, RecordCollector
from common.logs.epochs import iso
from common.logs.named_lines import Fields, NamedColumns, number_of, read_named
from common.logs.records import TRAFFIC, session_of
from common.logs.source import Source
from common.logs.values import FieldError

NAME = "unsw"
SPLITTABLE = False  # a header may name the columns
TYPICAL = ("srcip", "sport", "dstip", "dsport", "proto", "stime", "sbytes", "dbytes")

COLUMNS = (
    "srcip", "sport", "dstip", "dsport", "proto", "state", "dur", "sbytes", "dbytes", "sttl", "dttl", "sloss",
    "dloss", "service", "sload", "dload", "spkts", "dpkts", "swin", "dwin", "stcpb", "dtcpb", "smeansz", "dmeansz",
    "trans_depth", "res_bdy_len", "sjit", "djit", "stime", "ltime", "sintpkt", "dintpkt", "tcprtt", "synack",
    "ackdat", "is_sm_ips_ports", "ct_state_ttl", "ct_flw_http_mthd", "is_ftp_login", "ct_ftp_cmd", "ct_srv_src",
    "ct_srv_dst", "ct_dst_ltm", "ct_src_ltm", "ct_src_dport_ltm", "ct_dst_sport_ltm", "ct_dst_src_ltm",
    "attack_cat", "label",
)  # fmt: skip
"""The names of the columns in their order, in lower case."""

REQUIRED = (
    *("srcip", "sport", "dstip", "dsport", "proto", "state", "dur", "sbytes", "dbytes", "spkts", "dpkts", "service"),
    "stime",
)

ETHERNET_HEADER_BYTES = 14
"""The bytes are those of Argus, which counts the Ethernet header of each packet; firewalls do not."""

_RECORD = re.compile(rb"[0-9]{1,3}(?:\.[0-9]{1,3}){3},[^,]+,[0-9]{1,3}(?:\.[0-9]{1,3}){3},[^,]+,[a-z0-9-]+,[A-Za-z-]+,")
_HEXADECIMAL = re.compile(r"0[xX][0-9A-Fa-f]{1,4}")


def sniff(line: bytes) -> bool:
    """Whether the line is the header, or a record, of UNSW-NB15."""
    return line.lower().startswith(b"srcip,sport,dstip,dsport,") or (
        _RECORD.match(line) is not None and line.count(b",") == len(COLUMNS) - 1
    )


def read(source: Source) -> Iterator[ParsedBatch]:
    """The flows of the file as sessions; flows below IP (ARP) are counted only. The labels are not read.

    Raises:
        FormatError: the header lacks a column.
    """

    def parse(flow: Fields, number: int, into: RecordCollector) -> None:
        if flow["proto"].lower() == "arp":
            into.skip("below IP")
            return
        into.keep(number, session_of(TRAFFIC, _raw(flow), source.options), KEPT)

    def is_header(line: str) -> bool:
        return line.lower().lstrip("\ufeff").startswith("srcip,sport,")

    return read_named(
        source, NamedColumns("UNSW-NB15", (REQUIRED,), is_header, parse, columns={len(COLUMNS): COLUMNS}, lower=True)
    )


def _raw(flow: Fields) -> dict[str, str | None]:
    sent, packets_sent = _volume(flow, "s")
    received, packets_received = _volume(flow, "d")
    is_tcp = values.protocol(flow["proto"]) == "tcp"
    start = iso("time", flow.get("stime"))
    if not start:
        raise FieldError("Stime is empty")
    return {
        "subtype": "end",
        "action": "allow",
        "start_ts": start,
        "duration_s": flow["dur"],
        "src_ip": flow["srcip"],
        "src_port": _port("sport", flow),
        "dst_ip": flow["dstip"],
        "dst_port": _port("dsport", flow),
        "protocol": flow["proto"],
        "app": flow["service"] if flow["service"] not in ("-", "") else None,
        "bytes_sent": sent,
        "packets_sent": packets_sent,
        "bytes_received": received,
        "packets_received": packets_received,
        "session_end_reason": {"FIN": "tcp-fin", "RST": "tcp-rst-from-client"}.get(flow["state"])
        if is_tcp
        else "aged-out",
    }


def _volume(flow: Fields, side: str) -> tuple[str, str]:
    """Bytes without Ethernet headers, and packets, that the source (`s`) or destination (`d`) sent."""
    names = (f"{side}bytes", f"{side}pkts")
    size, packets = (values.integer(name, number_of(name, flow.get(name))) for name in names)
    if size is None or packets is None:
        raise FieldError(f"{names[0]} or {names[1]} is empty")
    return str(max(0, size - ETHERNET_HEADER_BYTES * packets)), str(packets)


def _port(name: str, flow: Fields) -> str | None:
    port = flow[name]
    if values.protocol(flow["proto"]) not in ("tcp", "udp"):
        return None  # of ICMP, type and code in hexadecimal, or nothing (-)
    return str(int(port, 16)) if _HEXADECIMAL.fullmatch(port) else number_of(name, port)
