"""Text formats other than PAN-OS CSV."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from common.errors import FormatError
from common.logs import ParsedBatch, ReadOptions, read_file

START, END = datetime(2024, 3, 11, 16, 22, 50, tzinfo=UTC), datetime(2024, 3, 11, 16, 23, 2, tzinfo=UTC)

Rows = list[dict[str, Any]]


def parse(tmp_path: Path, data: str, **options: Any) -> tuple[Rows, Rows, list[ParsedBatch]]:
    """Sessions, rejects and batches of a file with this content."""
    path = tmp_path / "log"
    path.write_text(data, encoding="utf-8")
    batches = list(read_file(str(path), ReadOptions(**options)))
    return (
        [row for batch in batches for row in batch.sessions.to_pylist()],
        [reject for batch in batches for reject in batch.rejects.to_pylist()],
        batches,
    )


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for name, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(name), dict)
        result[name] = merged(result[name], value) if both else value
    return result


def ecs(**changes: Any) -> dict[str, Any]:
    """A TRAFFIC event of 12 s as Elastic's integration writes it."""
    base = {
        "@timestamp": "2024-03-11T17:23:30.000+01:00",
        "source": {"ip": "10.20.12.121", "port": 55331, "bytes": 367, "packets": 2, "nat": {"ip": "0.0.0.0"},
                   "user": {"domain": "acme", "name": "ann"}},
        "destination": {"ip": "34.230.55.224", "port": 443, "bytes": 197, "packets": 3},
        "network": {"transport": "tcp", "application": "ssl", "bytes": 564},
        "event": {"action": "flow_terminated", "start": "2024-03-11T17:22:50.000+01:00", "duration": 12000000000,
                  "end": "2024-03-11T17:23:02.000+01:00", "type": ["allowed", "end", "connection"]},
        "observer": {"serial_number": "0125", "ingress": {"zone": "users"}, "egress": {"zone": "untrust"}},
        "rule": {"name": "allow-untrust"},
        "panw": {"panos": {"type": "TRAFFIC", "sub_type": "end", "action": "allow", "endreason": "tcp-fin",
                           "flow_id": "2042976", "sequence_number": "71", "repeat_count": 3}},
    }  # fmt: skip
    return merged(base, changes)


def dotted(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in document.items():
        flat |= dotted(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


@pytest.mark.parametrize("form", [lambda doc: doc, dotted, lambda doc: {"_index": "logs", "_source": doc}])
def test_ecs_traffic(tmp_path: Path, form: Any) -> None:
    ((row,), rejects, _) = parse(tmp_path, json.dumps(form(ecs())), format="ecs")
    assert rejects == []
    assert (row["start_ts"], row["end_ts"], row["duration_s"]) == (START, END, 12.0)  # duration is in nanoseconds
    assert (row["bytes_sent"], row["bytes_received"], row["packets_sent"], row["packets_received"]) == (367, 197, 2, 3)
    assert (row["subtype"], row["action"], row["session_end_reason"], row["status"]) == (
        "end",
        "allow",
        "tcp-fin",
        "kept",
    )
    assert (row["src_user"], row["app"], row["src_zone"], row["dst_zone"]) == ("acme\\ann", "ssl", "users", "untrust")
    assert (row["session_id"], row["sequence_number"], row["repeat_count"]) == ("2042976", 71, 3)
    assert (row["device_serial"], row["rule"]) == ("0125", "allow-untrust")


@pytest.mark.parametrize(
    ("action", "subtype", "status"),
    [("flow_started", "start", "uncounted"), ("flow_terminated", "end", "kept"), ("flow_dropped", "drop", "kept"),
     ("flow_denied", "deny", "kept")],
)  # fmt: skip
def test_ecs_subtype_from_the_event_action(tmp_path: Path, action: str, subtype: str, status: str) -> None:
    event = ecs(
        event={"action": action, "type": ["denied"]}, panw={"panos": {"type": None, "sub_type": None, "action": None}}
    )
    ((row,), _, _) = parse(tmp_path, json.dumps(event))
    assert (row["event_type"], row["subtype"], row["status"], row["action"]) == ("TRAFFIC", subtype, status, "deny")


def test_ecs_threat(tmp_path: Path) -> None:
    panos = {
        "type": "THREAT",
        "sub_type": "url",
        "action": "block-url",
        "threat": {"id": "9999", "name": "URL-filtering"},
    }
    event = ecs(event={"action": "url_filtering", "start": None, "severity": 5}, panw={"panos": panos})
    ((row,), _, _) = parse(tmp_path, json.dumps(event))
    assert (row["event_type"], row["start_ts"], row["bytes_sent"], row["duration_s"]) == ("THREAT", None, None, None)
    assert row["end_ts"] == datetime(2024, 3, 11, 16, 23, 30, tzinfo=UTC)
    assert (row["threat_id"], row["severity"], row["action"]) == ("URL-filtering(9999)", "informational", "block-url")
    inverted = merged(event, {"event": {"severity": 1}})
    assert parse(tmp_path, json.dumps(inverted))[0][0]["severity"] == "critical"


def test_json_lines_that_are_no_sessions(tmp_path: Path) -> None:
    lines = [
        json.dumps(ecs()),
        "{broken",
        "[1, 2]",
        "",
        json.dumps(ecs(panw={"panos": {"type": "SYSTEM"}})),
        json.dumps(ecs(destination={"port": 65536})),
        json.dumps(ecs(source={"ip": ["10.1.1.1", "10.1.1.2"]})),
        json.dumps({"@timestamp": "x", "event": {"action": "login"}}),
        '{"a":' * 100_000,
    ]
    rows, rejects, batches = parse(tmp_path, "\n".join(lines))
    assert len(rows) == 1 and sum(sum(batch.others.values()) for batch in batches) == 1
    reasons = {reject["source_line"]: reject["reason"] for reject in rejects}
    assert list(reasons) == [2, 3, 6, 7, 8, 9]
    assert reasons[6] == "dst_port 65536 is outside 0 to 65535"
    assert "is not a single value" in reasons[7] and "names no TRAFFIC or THREAT" in reasons[8]
    assert sum(batch.records_read for batch in batches) == 8


def sls(**changes: Any) -> str:
    base = {
        "LogType": "TRAFFIC", "Subtype": "end", "SourceAddress": "10.20.12.121", "DestinationAddress": "34.230.55.224",
        "SourcePort": 55331, "DestinationPort": 443, "Protocol": "tcp", "BytesSent": 367, "BytesReceived": 197,
        "PacketsSent": 2, "PacketsReceived": 3, "SessionStartTime": "2024-03-11T16:22:50.000Z", "SessionDuration": 12,
        "TimeGenerated": "2024-03-11T16:23:30.000000Z", "Action": "reset both", "SessionEndReason": "n-a",
        "Application": "ssl", "Rule": "allow-untrust", "FromZone": "users", "ToZone": "untrust", "SourceUser": None,
        "SessionID": 2042976, "SequenceNo": 7100000000002042975, "RepeatCount": 1, "DeviceSN": "0125",
        "NATSource": "", "ConfigVersion": "10.1", "IsDuplicateLog": False,
    }  # fmt: skip
    return json.dumps(base | changes)


def test_sls(tmp_path: Path) -> None:
    threat = sls(LogType="THREAT", Subtype="spyware", ThreatName="Bad", ThreatID=12, VendorSeverity="High",
                 TimeGeneratedHighResolution="2024-03-11T16:23:30.250000Z")  # fmt: skip
    lines = [sls(), sls(IsDuplicateLog=True), sls(Subtype="start"), threat, sls(LogType="SYSTEM"), sls(LogType="")]
    rows, rejects, batches = parse(tmp_path, "\n".join(lines))
    assert [row["status"] for row in rows] == ["kept", "duplicate", "uncounted", "kept"]
    assert (rows[0]["start_ts"], rows[0]["end_ts"], rows[0]["sequence_number"]) == (START, END, 7100000000002042975)
    assert (rows[0]["action"], rows[0]["session_end_reason"]) == ("reset-both", "n/a")
    assert rows[3]["end_ts"] == datetime(2024, 3, 11, 16, 23, 30, 250_000, tzinfo=UTC)
    assert (rows[3]["threat_id"], rows[3]["severity"]) == ("Bad(12)", "high")
    assert sum(batches[0].others.values()) == 1 and [reject["reason"] for reject in rejects] == ["LogType is empty"]


ZEEK_FIELDS = [
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "service",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "conn_state",
    "orig_pkts",
    "orig_ip_bytes",
    "resp_pkts",
    "resp_ip_bytes",
    "tunnel_parents",
]
ZEEK = [
    "1710174170.500000",
    "Cx1",
    "10.1.1.5",
    "55331",
    "34.230.55.224",
    "443",
    "tcp",
    "ssl",
    "1.25",
    "100",
    "200",
    "SF",
    "3",
    "220",
    "4",
    "360",
    "-",
]


def zeek(*records: list[str], labels: str = "") -> str:
    header = "#separator \\x09\n#path\tconn\n#fields\t" + "\t".join(ZEEK_FIELDS)
    tail = "   label   detailed-label" if labels else ""
    return "\n".join([header + tail, *("\t".join(record) + labels for record in records), "#close\t2024"])


def test_zeek(tmp_path: Path) -> None:
    icmp = [*ZEEK[:3], "8", ZEEK[4], "0", "icmp", "-", "-", "-", "-", "OTH", *ZEEK[12:]]
    refused = [*ZEEK[:7], "-", "-", "-", "-", "REJ", "1", "-", "1", "-", "-"]
    short = ZEEK[:5]
    for labels in ("", "   Malicious   C&C"):
        rows, rejects, batches = parse(tmp_path, zeek(ZEEK, icmp, refused, short, labels=labels))
        assert rows[0]["start_ts"] == datetime(2024, 3, 11, 16, 22, 50, 500_000, tzinfo=UTC)
        assert rows[0]["end_ts"] - rows[0]["start_ts"] == timedelta(seconds=1.25)
        assert (rows[0]["bytes_sent"], rows[0]["bytes_received"]) == (220, 360)  # IP bytes, not payload
        assert (rows[0]["session_end_reason"], rows[0]["app"], rows[0]["session_id"]) == ("tcp-fin", "ssl", "Cx1")
        assert (rows[1]["protocol"], rows[1]["src_port"], rows[1]["duration_s"]) == ("icmp", 0, 0.0)
        assert (rows[2]["session_end_reason"], rows[2]["app"]) == ("tcp-rst-from-server", "incomplete")
        assert rows[2]["bytes_sent"] is None
        assert "columns" in rejects[0]["reason"] and sum(batch.records_read for batch in batches) == 4


def test_zeek_json(tmp_path: Path) -> None:
    record: dict[str, Any] = dict(zip(ZEEK_FIELDS, ZEEK, strict=True))
    record |= {"ts": 1710174170.5, "duration": 1e-06, "orig_ip_bytes": None, "orig_bytes": 100, "orig_pkts": 3}
    rows, rejects, _ = parse(
        tmp_path, json.dumps(record) + "\n" + json.dumps(record | {"ts": "2024-03-11T16:22:50.5Z"})
    )
    assert rejects == [] and rows[0]["start_ts"] == rows[1]["start_ts"]
    assert (rows[0]["duration_s"], rows[0]["bytes_sent"]) == (1e-06, 100)


def test_zeek_logs_of_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"without the fields id\.resp_h"):
        parse(tmp_path, "#fields\tts\tid.orig_h\tid.orig_p\n", format="zeek")


ARGUS = "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label\n"


def test_argus(tmp_path: Path) -> None:
    lines = [
        "2011/08/10 09:46:53.047277,3.5,tcp,147.32.84.165,1025,   ->,77.75.73.33,80,FSPA_FSPA,0,0,10,1400,600,x",
        "2011/08/10 09:46:53,0.0,tcp,147.32.84.165,1026,   ->,77.75.73.33,80,S_RA,0,0,2,120,60,x",
        "2011/08/10 09:46:53,0.0,icmp,147.32.84.165,0x0008,  <->,77.75.73.33,0x4d2,ECO,0,0,2,196,98,x",
        "2011/08/10 09:46:53,0.0,arp,147.32.84.165,,who,147.32.84.1,,CON,,,2,120,60,x",
        "2011/08/10 09:46:53,0.0,llc,00:15:17:2c:e5:2d,0,->,01:80:c2:00:00:00,66,INT,,,1,60,60,x",
        "2011/08/10 09:46:53,x,tcp,147.32.84.165,1026,->,77.75.73.33,80,S_RA,0,0,2,120,60,x",
    ]
    rows, rejects, batches = parse(tmp_path, ARGUS + "\n".join(lines), time_zone="+02:00")
    assert rows[0]["start_ts"] == datetime(2011, 8, 10, 7, 46, 53, 47_277, tzinfo=UTC)
    assert rows[0]["end_ts"] - rows[0]["start_ts"] == timedelta(seconds=3.5)
    # 10 packets split as 600 of 1400 bytes: 4 sent, 6 received; 14 bytes of Ethernet header each are taken off
    assert (rows[0]["packets_sent"], rows[0]["packets_received"]) == (4, 6)
    assert (rows[0]["bytes_sent"], rows[0]["bytes_received"]) == (600 - 4 * 14, 800 - 6 * 14)
    assert [row["session_end_reason"] for row in rows] == ["tcp-fin", "tcp-rst-from-server", "aged-out"]
    assert rows[2]["src_port"] == 0
    assert sum(batches[0].others.values()) == 2 and rejects[0]["reason"] == "duration_s 'x' is not a number"


def test_argus_without_needed_columns(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="without the columns Dur"):
        parse(tmp_path, "StartTime,SrcAddr\n1,2\n", format="argus")
