"""Exports of flows, Suricata and OCSF, as text and in Parquet."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from common.logs.formats.unsw import COLUMNS
from tests.common.logs.flow_files import START, is_the_session, one, others, parse, reason

VPC = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
FLOW = "2 111122223333 eni-0abc 10.1.4.20 198.51.100.7 51514 443 6 15 1870 1772525371 1772525414 ACCEPT OK"


@pytest.mark.parametrize("data", [f"{VPC}\n{FLOW}\n", f"{FLOW}\n", f"2026-03-03T08:11:00.000Z {FLOW}\n{FLOW[:0]}"])
def test_vpc_flow_log(tmp_path: Path, data: str) -> None:
    row = one(tmp_path, data, **({"format": "vpcflow"} if data.startswith("2026") else {}))
    assert is_the_session(row, received=False) and (row["action"], row["subtype"]) == ("allow", "end")


def test_vpc_flow_log_of_a_custom_order(tmp_path: Path) -> None:
    header = "tcp-flags srcaddr dstaddr srcport dstport protocol bytes packets start end action log-status traffic-path"
    lines = [
        "3 10.1.4.20 198.51.100.7 51514 443 6 1870 15 1772525371 1772525414 ACCEPT OK egress",
        "19 198.51.100.7 10.1.4.20 443 51514 6 7250 16 1772525371 1772525414 ACCEPT OK ingress",
        "2 198.51.100.7 10.1.4.20 53 51514 6 40 1 1772525371 1772525414 REJECT OK ingress",
        "0 198.51.100.7 10.1.4.20 53 51514 17 80 1 1772525371 1772525414 ACCEPT OK ingress",
        "- - - - - - - - 1772525371 1772525414 - NODATA -",
    ]
    rows, rejects, batches = parse(tmp_path, "\n".join([header, *lines]))
    assert rejects == [] and others(batches) == {"NODATA": 1}
    sent, answer, refused, udp_answer = rows
    assert is_the_session(sent, received=False)
    assert (answer["src_ip"], answer["dst_port"], answer["bytes_sent"], answer["bytes_received"]) == (
        "10.1.4.20", 443, None, 7250
    )  # fmt: skip
    assert (refused["src_port"], refused["action"], refused["subtype"], refused["bytes_sent"]) == (
        53,
        "deny",
        "deny",
        40,
    )
    assert (udp_answer["dst_port"], udp_answer["bytes_received"]) == (53, 80)


def test_vpc_flow_log_in_parquet(tmp_path: Path) -> None:
    record = dict(zip(VPC.replace("-", "_").split(), FLOW.split(), strict=True))
    whole = {"srcport", "dstport", "protocol", "packets", "bytes", "start", "end", "version"}
    table = pa.Table.from_pylist([{name: int(value) if name in whole else value for name, value in record.items()}])
    assert is_the_session(one(tmp_path, table), received=False)


def test_nfdump(tmp_path: Path) -> None:
    header = "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,label"
    times = "2026-03-03 08:09:31,2026-03-03 08:10:14,43.000"
    both = f"{times},10.1.4.20,198.51.100.7,51514,443,TCP,.AP.SF,0,0,15,1870,16,7250,0,0,x"
    answer = f"{times},198.51.100.7,10.1.4.20,443,51514,TCP,.AP.SF,0,0,16,7250,0,0,0,0,x"
    ping = "2026-03-03 08:09:31,2026-03-03 08:09:31,0.000,10.1.4.20,198.51.100.7,0,8.0,ICMP,......,0,0,1,84,0,0,0,0,x"
    end = "Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n3,1,1,1,1,1"
    rows, rejects, batches = parse(tmp_path, "\n".join([header, both, answer, ping, end]))
    assert rejects == [] and others(batches) == {"summary": 3}
    assert is_the_session(rows[0])
    assert (rows[1]["src_ip"], rows[1]["bytes_sent"], rows[1]["bytes_received"]) == ("10.1.4.20", None, 7250)
    assert (rows[2]["protocol"], rows[2]["dst_port"], rows[2]["bytes_received"]) == ("icmp", 0, None)


def test_nfdump_from_release_1_7(tmp_path: Path) -> None:
    header = "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows"
    line = "2026-03-03 08:09:31.000,43.000,TCP,10.1.4.20,51514,198.51.100.7,443,15,1870,1"
    assert is_the_session(one(tmp_path, f"{header}\n{line}\n"), received=False)


CIDDS = (
    "Date first seen,Duration,Proto,Src IP Addr,Src Pt,Dst IP Addr,Dst Pt,Packets,Bytes,Flows,Flags,Tos,class\n"
    "2026-03-03 08:09:31.000,   43.000,TCP  ,{},51514,198.51.100.7,443.0,15,{},1,.AP.SF,0,normal\n"
)


@pytest.mark.parametrize(("written", "number"), [("1870", 1870), ("    9.1 M", 9_100_000), ("1.5 K", 1500)])
def test_cidds(tmp_path: Path, written: str, number: int) -> None:
    row = one(tmp_path, CIDDS.format("10.1.4.20", written))
    assert (row["bytes_sent"], row["bytes_received"], row["dst_port"], row["start_ts"]) == (number, None, 443, START)


def test_cidds_that_is_wrong(tmp_path: Path) -> None:
    assert "src_ip 'EXT_SERVER' is not an IP address" in reason(tmp_path, CIDDS.format("EXT_SERVER", "1"))
    assert "Bytes '9,1 M'" in reason(tmp_path, CIDDS.format("10.1.4.20", '"9,1 M"'))


UNSW = (
    "59.166.0.0,1390,149.171.126.6,53,udp,CON,0.001055,132,164,31,29,0,0,dns,500473.9,621800.9,2,2,0,0,0,0,66,82,0,0,0,"
    "0,1421927414,1421927414,0.017,0.013,0,0,0,0,0,0,0,0,3,7,1,3,1,1,1,,0"
)


def test_unsw_with_and_without_header(tmp_path: Path) -> None:
    for data in (UNSW, ",".join(COLUMNS) + "\n" + UNSW, ",".join(name.title() for name in COLUMNS) + "\n" + UNSW):
        row = one(tmp_path, data)
        assert (row["src_ip"], row["dst_port"], row["protocol"], row["app"]) == ("59.166.0.0", 53, "udp", "dns")
        assert (row["bytes_sent"], row["packets_sent"]) == (132 - 2 * 14, 2)  # without Ethernet headers
        assert row["start_ts"] == datetime(2015, 1, 22, 11, 50, 14, tzinfo=UTC)
    row = one(tmp_path, UNSW.replace(",1390,", ",0x000b,").replace(",udp,", ",icmp,"))
    assert (row["protocol"], row["src_port"]) == ("icmp", 0)


ARGUS = "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,TotPkts,TotBytes,SrcBytes,SrcPkts,Label\n"


def argus(start: str = "2026/03/03 08:09:31.000000", proto: str = "tcp", dport: str = "443") -> str:
    return f"{ARGUS}{start},43.0,{proto},10.1.4.20,51514,->,198.51.100.7,{dport},FSPA_FSPA,31,9554,2080,15,flow=x\n"


@pytest.mark.parametrize(
    "data", [argus(), argus("1772525371.000000"), argus("2026-03-03T08:09:31Z"), argus(dport="https")]
)
def test_argus(tmp_path: Path, data: str) -> None:
    assert is_the_session(one(tmp_path, data))


def test_argus_that_cannot_be_read(tmp_path: Path) -> None:
    assert "StartTime '08:09:31.5' has no date: write it with ra -u" in reason(tmp_path, argus("08:09:31.5"))
    assert "dst_port 'nosuch' is not a whole number" in reason(tmp_path, argus(dport="nosuch"))
    rows, rejects, batches = parse(tmp_path, argus(proto="man"))
    assert (rows, rejects, others(batches)) == ([], [], {"management": 1})


def eve(**changes: Any) -> str:
    stamp = "2026-03-03T08:{}.000000+0000"
    event = {
        "timestamp": stamp.format("10:14"), "flow_id": 1, "event_type": "flow", "src_ip": "10.1.4.20",
        "src_port": 51514, "dest_ip": "198.51.100.7", "dest_port": 443, "proto": "TCP", "app_proto": "tls",
        "flow": {"pkts_toserver": 15, "pkts_toclient": 16, "bytes_toserver": 1870, "bytes_toclient": 7250, "age": 43,
                 "start": stamp.format("09:31"), "end": stamp.format("10:14"), "state": "closed", "reason": "timeout"},
    }  # fmt: skip
    return json.dumps(event | changes) + "\n"


def test_suricata(tmp_path: Path) -> None:
    data = (
        eve() + eve(tcp={"tcp_flags_ts": "1b", "tcp_flags_tc": "1e"}) + eve(event_type="dns") + eve(event_type="stats")
    )
    rows, rejects, batches = parse(tmp_path, data)
    assert rejects == [] and others(batches) == {"dns": 1, "stats": 1}
    assert all(is_the_session(row) for row in rows)
    assert [row["session_end_reason"] for row in rows] == ["tcp-fin", "tcp-rst-from-server"]


def test_suricata_alert(tmp_path: Path) -> None:
    alert = {"action": "blocked", "signature_id": 2024, "signature": "ET X", "category": "Trojan", "severity": 1}
    row = one(tmp_path, eve(event_type="alert", alert=alert, http={"hostname": "a.example", "url": "/b"}))
    found = (row["event_type"], row["action"], row["threat_id"], row["severity"], row["url"], row["bytes_sent"])
    assert found == ("THREAT", "drop", "ET X(2024)", "high", "a.example/b", None)


OCSF = {
    "class_uid": 4001, "category_uid": 4, "activity_id": 2, "time": 1772525414000, "start_time": 1772525371000,
    "end_time": 1772525414000, "src_endpoint": {"ip": "10.1.4.20", "port": 51514},
    "dst_endpoint": {"ip": "198.51.100.7", "port": 443}, "connection_info": {"protocol_num": 6, "protocol_name": "tcp"},
    "traffic": {"bytes_out": 1870, "bytes_in": 7250, "packets_out": 15, "packets_in": 16},
}  # fmt: skip
OCSF_MAPPING = {
    "src_ip": "src_endpoint.ip", "src_port": "src_endpoint.port", "dst_ip": "dst_endpoint.ip",
    "dst_port": "dst_endpoint.port", "protocol": "connection_info.protocol_num", "bytes_sent": "traffic.bytes_out",
    "bytes_received": "traffic.bytes_in", "packets_sent": "traffic.packets_out", "start_ts": "start_time",
    "packets_received": "traffic.packets_in", "end_ts": "end_time",
}  # fmt: skip


def test_ocsf(tmp_path: Path) -> None:
    documents = [OCSF, OCSF | {"class_uid": 4003}, OCSF | {"activity_id": 5, "disposition_id": 2}]
    data = "\n".join(map(json.dumps, documents))
    (session, refused), rejects, batches = parse(tmp_path, data)
    assert rejects == [] and others(batches) == {"class 4003": 1}
    assert is_the_session(session)
    assert (refused["subtype"], refused["action"]) == ("deny", "deny")


def test_ocsf_that_was_a_vpc_flow_log(tmp_path: Path) -> None:
    flow = OCSF | {"metadata": {"product": {"name": "Amazon VPC"}}, "traffic": {"bytes": 1870, "packets": 15}}
    assert is_the_session(one(tmp_path, json.dumps(flow)), received=False)
    unknown = OCSF | {"traffic": {"bytes": 9120}}  # of both sides together
    assert one(tmp_path, json.dumps(unknown))["bytes_sent"] is None


@pytest.mark.parametrize("mapping", [{}, OCSF_MAPPING])
def test_ocsf_in_parquet(tmp_path: Path, mapping: dict[str, str]) -> None:
    table = pa.Table.from_pylist([OCSF])
    assert is_the_session(one(tmp_path, table, column_mapping=mapping))


@pytest.mark.parametrize("factor", [1, 10**3, 10**6, 10**9])
def test_parquet_with_times_since_the_epoch(tmp_path: Path, factor: int) -> None:
    row = {"src_ip": "10.1.4.20", "src_port": 51514, "dst_ip": "198.51.100.7", "dst_port": 443, "protocol": 6,
           "bytes_sent": 1870.0, "bytes_received": 7250.0, "packets_sent": 15, "packets_received": 16,
           "start_ts": 1772525371 * factor, "end_ts": 1772525414 * factor}  # fmt: skip
    gap = row | {"bytes_sent": None, "start_ts": 5 * 10**10}  # neither s nor ms
    (session,), (reject,), _ = parse(tmp_path, pa.Table.from_pylist([row, gap]))
    assert is_the_session(session)
    assert "start_ts '50000000000' is not a date and time" in reject["reason"]
