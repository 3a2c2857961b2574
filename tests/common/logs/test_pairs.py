"""CEF, LEEF and other lines of pairs: what they mean, and that parsing many lines together changes nothing."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from common.logs.batches import ParsedBatch, RecordCollector
from common.logs.blocks import Block
from common.logs.detection import detect_format
from common.logs.formats.cef import Cef
from common.logs.formats.leef import Leef
from common.logs.formats.panos_pairs import Pairs
from common.logs.options import ReadOptions
from common.logs.pairs import PairFormat, parse_block, parse_line

MANY = 30  # enough lines with the same keys to be parsed together
SYSLOG = "<14>Mar  3 08:10:31 edge-fw1 "
PAN_OS = {
    "rt": "Mar 03 2026 08:10:31 GMT", "deviceExternalId": "013201000001", "src": "10.1.4.20", "dst": "198.51.100.7",
    "sourceTranslatedAddress": "203.0.113.9", "destinationTranslatedAddress": "198.51.100.7", "cs1Label": "Rule",
    "cs1": "outbound web", "suser": "corp\\anna", "duser": "", "app": "ssl", "cs3Label": "Virtual System",
    "cs3": "vsys1", "cs4Label": "Source Zone", "cs4": "trust", "cs5Label": "Destination Zone", "cs5": "untrust",
    "deviceInboundInterface": "ethernet1/2", "cn1Label": "SessionID", "cn1": "48211", "cnt": "1", "spt": "51514",
    "dpt": "443", "sourceTranslatedPort": "40001", "destinationTranslatedPort": "443", "proto": "tcp", "act": "allow",
}  # fmt: skip
TRAFFIC = {
    "flexNumber1Label": "Total bytes", "flexNumber1": "9120", "in": "1870", "out": "7250", "cn2Label": "Packets",
    "cn2": "31", "PanOSPacketsReceived": "16", "PanOSPacketsSent": "15", "start": "Mar 03 2026 08:09:31 GMT",
    "cn3Label": "Elapsed time in seconds", "cn3": "43", "cs2Label": "URL Category", "cs2": "any",
    "externalId": "72910", "reason": "tcp-fin", "dvchost": "edge-fw1",
}  # fmt: skip
URL = {"request": "shop.example.org/a?b=c", "cs2": "shopping", "externalId": "5", "cat": "(9999)"}
SERVICE = {
    "dtz": "UTC", "rt": "Mar 03 2026 08:10:31", "deviceExternalId": "013201000001", "start": "Mar 03 2026 08:10:29",
    "src": "10.1.4.20", "dst": "198.51.100.7", "cs1": "outbound web", "cs1Label": "Rule", "suser": "anna",
    "suser0": "corp\\\\anna", "app": "ssl", "cs4": "trust",
    "cs4Label": "FromZone", "cn1": "48211", "cnt": "1", "spt": "51514", "dpt": "443",
    "proto": "tcp", "act": "allow", "PanOSBytes": "9120", "out": "1870", "in": "7250",
    "PanOSSessionStartTime": "Mar 03 2026 08:09:31", "cn3": "43", "externalId": "72910", "PanOSPacketsSent": "15",
    "PanOSPacketsReceived": "16", "reason": "tcp-fin",
}  # fmt: skip
LEEF = {
    "cat": "TRAFFIC", "ReceiveTime": "2026/03/03 09:10:31", "SerialNumber": "013201000001", "Type": "TRAFFIC",
    "Subtype": "end", "devTime": "Mar 03 2026 08:10:31 GMT", "src": "10.1.4.20", "dst": "198.51.100.7",
    "RuleName": "outbound web", "usrName": "corp\\anna", "SourceUser": "corp\\anna", "Application": "ssl",
    "SourceZone": "trust", "SessionID": "48211", "RepeatCount": "1", "srcPort": "51514", "dstPort": "443",
    "proto": "tcp", "totalBytes": "9120", "dstBytes": "7250", "srcBytes": "1870", "totalPackets": "31",
    "StartTime": "2026/03/03 09:09:31", "ElapsedTime": "43", "SessionEndReason": "tcp-fin", "srcPackets": "15",
    "dstPackets": "16",
}  # fmt: skip
PAIRS = {
    "type": "TRAFFIC", "subtype": "end", "src": "10.1.4.20", "dst": "198.51.100.7", "sport": "51514", "dport": "443",
    "proto": "tcp", "action": "allow", "rule": '"outbound web"', "srcuser": "corp\\anna", "app": "ssl", "from": "trust",
    "bytes_sent": "1870", "bytes_received": "7250", "pkts_sent": "15", "pkts_received": "16", "serial": "013201000001",
    "start": "2026/03/03 08:09:31", "elapsed": "43", "session_end_reason": "tcp-fin", "sessionid": "48211",
}  # fmt: skip


def cef(
    fields: dict[str, str], event: str = "end", name: str = "TRAFFIC", level: str = "1", product: str = "PAN-OS"
) -> str:
    pairs = " ".join(f"{key}={value}" for key, value in fields.items())
    return f"{SYSLOG}CEF:0|Palo Alto Networks|{product}|10.2.4|{event}|{name}|{level}|{pairs}"


def leef(fields: dict[str, str], version: str = "2.0", named: str = "x7C|", separator: str = "|") -> str:
    pairs = separator.join(f"{key}={value}" for key, value in fields.items())
    return f"{SYSLOG}LEEF:{version}|Palo Alto Networks|PAN-OS Syslog Integration|10.2.4|allow|{named}{pairs}"


def pairs(fields: dict[str, str]) -> str:
    return SYSLOG + " ".join(f"{key}={value}" for key, value in fields.items())


def one_by_one(lines: list[str], form: PairFormat, zone: str = "UTC") -> ParsedBatch:
    collector = RecordCollector("f")
    for number, line in enumerate(lines, 1):
        parse_line(line.encode("utf-8", "surrogateescape"), number, ReadOptions(time_zone=zone), form, collector)
    return collector.batch()


def both_ways(lines: list[str], form: PairFormat, zone: str = "UTC") -> ParsedBatch:
    """The lines parsed one by one, after a check that parsing them together gives the same."""
    many = lines * MANY
    data = "\n".join(many).encode("utf-8", "surrogateescape")
    together = parse_block(Block(data, 1), "f", ReadOptions(time_zone=zone), form)
    expected = one_by_one(many, form, zone)
    assert together.sessions.to_pylist() == expected.sessions.to_pylist()
    assert together.rejects.equals(expected.rejects)
    assert together.others == expected.others
    return one_by_one(lines, form, zone)


def session(line: str, form: PairFormat, zone: str = "UTC") -> dict[str, Any]:
    batch = both_ways([line], form, zone)
    assert batch.rejects.to_pylist() == []
    row: dict[str, Any]
    (row,) = batch.sessions.to_pylist()
    return row


EXPECTED = {
    "event_type": "TRAFFIC", "subtype": "end", "start_ts": datetime(2026, 3, 3, 8, 9, 31, tzinfo=UTC),
    "end_ts": datetime(2026, 3, 3, 8, 10, 14, tzinfo=UTC), "duration_s": 43.0, "src_ip": "10.1.4.20",
    "src_port": 51514, "dst_ip": "198.51.100.7", "dst_port": 443, "protocol": "tcp", "bytes_sent": 1870,
    "bytes_received": 7250, "packets_sent": 15, "packets_received": 16, "action": "allow", "app": "ssl",
    "session_end_reason": "tcp-fin", "rule": "outbound web", "src_zone": "trust", "src_user": "corp\\anna",
    "session_id": "48211", "device_serial": "013201000001",
}  # fmt: skip
BY_PAN_OS = cef(PAN_OS | TRAFFIC)
BY_SERVICE = cef(SERVICE, "TRAFFIC", "end", "3", "LF")
SWAPPED = {"cs1Label": "Source Zone", "cs1": "trust", "cs4Label": "Rule", "cs4": "outbound web"}
LINES: dict[str, tuple[str, PairFormat]] = {
    "CEF of PAN-OS": (BY_PAN_OS, Cef()),
    "CEF with other labels": (cef(PAN_OS | TRAFFIC | SWAPPED), Cef()),
    "CEF of the service": (BY_SERVICE, Cef()),
    "CEF with doubled backslashes": (cef(PAN_OS | TRAFFIC | {"suser": "corp\\\\anna"}), Cef()),
    "CEF with times since the epoch": (cef(PAN_OS | TRAFFIC | {"rt": "1772525431000", "start": "1772525371"}), Cef()),
    "LEEF 2.0, pipes": (leef(LEEF), Leef()),
    "LEEF 2.0, carets": (leef(LEEF, named="^|", separator="^"), Leef()),
    "LEEF 2.0, tabs": (leef(LEEF, named="0x09|", separator="\t"), Leef()),
    "LEEF 2.0, blanks": (leef(LEEF, named=" |", separator=" "), Leef()),
    "LEEF 1.0, tabs": (leef(LEEF, "1.0", "", "\t"), Leef()),
    "LEEF 1.0, pipes": (leef(LEEF, "1.0", ""), Leef()),
    "pairs": (pairs(PAIRS), Pairs()),
    "pairs without syslog": (pairs(PAIRS).removeprefix(SYSLOG), Pairs()),
}


@pytest.mark.parametrize("name", LINES)
def test_the_session(name: str) -> None:
    line, form = LINES[name]
    row = session(line, form)
    assert {column: row[column] for column in EXPECTED} == EXPECTED
    assert detect_format(line.encode()) == {Cef: "cef", Leef: "leef", Pairs: "panos_pairs"}[type(form)]


def test_lines_are_parsed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.logs.pairs.parse_line", None)
    for line, form in LINES.values():
        data = "\n".join([line] * MANY).encode()
        assert parse_block(Block(data, 1), "f", ReadOptions(), form).sessions.num_rows == MANY


def test_cef_start_that_is_the_time_of_the_log() -> None:
    """PAN-OS's own template writes the time of the log into `start`."""
    row = session(cef(PAN_OS | TRAFFIC | {"start": "Mar 03 2026 08:10:30 GMT"}), Cef())
    assert (row["start_ts"], row["end_ts"]) == (
        datetime(2026, 3, 3, 8, 9, 47, tzinfo=UTC),
        datetime(2026, 3, 3, 8, 10, 30, tzinfo=UTC),
    )


def test_cef_times_without_zone_are_local() -> None:
    fields = PAN_OS | TRAFFIC | {"rt": "Mar 03 2026 09:10:31", "start": "Mar 03 2026 09:09:31"}
    assert session(cef(fields), Cef(), "Europe/Berlin")["start_ts"] == EXPECTED["start_ts"]
    late = fields | {"start": "Mar 03 2026 09:10:30"}
    assert session(cef(late), Cef(), "Europe/Berlin")["start_ts"] == datetime(2026, 3, 3, 8, 9, 47, tzinfo=UTC)


@pytest.mark.parametrize("product", ["PAN-OS", "LF"])
def test_cef_custom_fields_are_read_by_their_labels(product: str) -> None:
    """Rule and source zone have changed places, the duration is in a free field, and `cn3` holds something else."""
    base = {key: value for key, value in (PAN_OS | TRAFFIC).items() if key[:2] not in ("cs", "cn")}
    base |= {"flexString1Label": "Rule", "flexString1": "outbound web", "cs1Label": "FromZone", "cs1": "trust"}
    base |= {"cs4Label": "Log Profile", "cs4": "fwd", "cs5": "untrust", "cs3Label": "Department", "cs3": "vsys7"}
    base |= {"cn1Label": "SessionDuration", "cn1": "43", "cn3Label": "packets", "cn3": "31"}
    fields = base | {"cn2Label": "Session ID", "cn2": "48211"}
    if product == "LF":
        fields |= {"in": "7250", "out": "1870", "PanOSSessionStartTime": "Mar 03 2026 08:09:31"}
    line = cef(fields, *(("end", "TRAFFIC") if product == "PAN-OS" else ("TRAFFIC", "end")), product=product)
    row = session(line, Cef())
    assert {column: row[column] for column in EXPECTED} == EXPECTED
    assert (row["dst_zone"], row["virtual_system"]) == ("untrust", "vsys7")  # no label, and one that nobody knows


def test_cef_lines_with_different_labels_are_each_read_by_their_own() -> None:
    twice = {"cs4Label": "Rule"}
    lines = [cef(PAN_OS | TRAFFIC | changes) for changes in ({}, SWAPPED, twice, {"cs4Label": ""})]
    rows = both_ways(lines, Cef()).sessions.to_pylist()
    assert [(row["rule"], row["src_zone"]) for row in rows] == [
        ("outbound web", "trust"), ("outbound web", "trust"), ("outbound web", None), ("outbound web", "trust")
    ]  # fmt: skip


def test_cef_without_the_labelled_duration_is_rejected() -> None:
    (reject,) = both_ways([cef(PAN_OS | TRAFFIC | {"cn3Label": "Packets"})], Cef()).rejects.to_pylist()
    assert "duration_s is empty" in reject["reason"]


def test_cef_of_threats() -> None:
    row = session(cef(PAN_OS | URL, "url", "THREAT", "1"), Cef())
    assert (row["subtype"], row["threat_id"], row["severity"]) == ("url", "(9999)", "informational")
    assert (row["url"], row["url_category"], row["bytes_sent"]) == ("shop.example.org/a?b=c", "shopping", None)
    assert row["end_ts"] == datetime(2026, 3, 3, 8, 10, 31, tzinfo=UTC)
    row = session(cef(PAN_OS | URL | {"cat": "vulnerability"}, "Log4Shell(91991)", "THREAT", "5"), Cef())
    assert (row["subtype"], row["threat_id"], row["severity"]) == ("vulnerability", "Log4Shell(91991)", "critical")


def test_threats_keep_their_session() -> None:
    fields = PAN_OS | {key: value for key, value in URL.items() if key != "externalId"}
    assert session(cef(fields, "url", "THREAT"), Cef())["session_id"] == "48211"


def test_other_cef_is_counted() -> None:
    batch = both_ways([cef(PAN_OS, "general", "SYSTEM"), "CEF:0|Other|Device|1|x|y|3|src=1.2.3.4"], Cef())
    assert dict(batch.others) == {"SYSTEM": 1, "CEF of Other": 1}
    assert batch.records_read == 2
    batch = both_ways([SYSLOG + "CEF:0|Palo Alto Networks|PAN-OS|10|GLOBALPROTECT|0|rt=2026/03/03 08:10:31"], Cef())
    assert dict(batch.others) == {"GLOBALPROTECT": 1}


def test_other_programs_in_the_same_file_are_counted() -> None:
    other = "<30>Mar  3 08:10:31 host sshd[1]: Accepted publickey for x from 10.1.1.1"
    for line, form in ((BY_PAN_OS, Cef()), (leef(LEEF), Leef()), (pairs(PAIRS), Pairs())):
        batch = both_ways([line, other], form)
        assert (batch.sessions.num_rows, batch.rejects.num_rows, dict(batch.others)) == (1, 0, {"other program": 1})


@pytest.mark.parametrize(
    ("line", "form", "reason"),
    [
        (cef(PAN_OS | TRAFFIC, product="Panorama"), Cef(), "the product 'Panorama' is neither PAN-OS nor LF"),
        (cef(PAN_OS | TRAFFIC | {"rt": "Mar 03 2026 08:10:31 CST"}), Cef(), "names the zone 'CST'"),
        (cef(PAN_OS | TRAFFIC | {"src": "host"}), Cef(), "src_ip 'host' is not an IP address"),
        (cef(PAN_OS | TRAFFIC | {"cn3": ""}), Cef(), "duration_s is empty"),
        ("Mar  3 08:10:31 host CEF:0|Palo Alto Networks|PAN-OS", Cef(), "does not have the header"),
        (leef(LEEF | {"srcPort": "70000"}), Leef(), "src_port 70000 is outside"),
        (pairs(PAIRS | {"elapsed": "x"}), Pairs(), "duration_s 'x' is not a number"),
    ],
)
def test_rejects(line: str, form: PairFormat, reason: str) -> None:
    (reject,) = both_ways([line], form).rejects.to_pylist()
    assert reason in reject["reason"]


def test_leef_start_is_local_to_the_firewall() -> None:
    """The line has the time of receipt in local time and in UTC: the difference is the zone of its other times."""
    assert session(leef(LEEF), Leef(), "America/New_York")["start_ts"] == EXPECTED["start_ts"]
    without = {key: value for key, value in LEEF.items() if key != "ReceiveTime"}
    assert session(leef(without), Leef(), "Europe/Berlin")["start_ts"] == EXPECTED["start_ts"]


@pytest.mark.parametrize(
    ("written", "value"),
    [('"outbound, web"', "outbound, web"), ('"a app=x b"', "a app=x b"), ("plain rule", "plain rule"), ('""', None)],
)
def test_quoted_pairs(written: str, value: str | None) -> None:
    row = session(pairs(PAIRS | {"rule": written}), Pairs())
    assert (row["rule"], row["app"]) == (value, "ssl")


@pytest.mark.slow
def test_damaged_lines_are_parsed_alike() -> None:
    random.seed(13)
    noise = [" ", "=", "|", "\\", "\\=", '"', "x=y", "\x1f", "\0", "\r", "\t", "é", "\udcff", "app=", " src=1.1.1.1 "]
    for line, form in LINES.values():
        lines = [line] * MANY
        for _ in range(250):
            at, length = random.randrange(len(line)), random.choice((0, 0, 1, 5))
            lines.append(line[:at] + random.choice(noise) + line[at + length :])
        lines += [line[:at] for at in range(0, len(line), 7)] + ["", "  "]
        random.shuffle(lines)
        lines = [part for part in lines if "\n" not in part]
        data = "\n".join(lines).encode("utf-8", "surrogateescape")
        together, alone = parse_block(Block(data, 1), "f", ReadOptions(), form), one_by_one(lines, form)
        for row, expected in zip(together.sessions.to_pylist(), alone.sessions.to_pylist(), strict=True):
            assert row == expected, lines[min(row["source_line"], expected["source_line"]) - 1]
        assert together.rejects.to_pylist() == alone.rejects.to_pylist()
        assert together.others == alone.others
