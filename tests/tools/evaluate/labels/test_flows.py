"""Rows in the layouts of public data sets, written for these tests: who attacked in which window."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from common.errors import InputError
from common.logs.formats.unsw import COLUMNS
from tools.evaluate.labels.forms import read_form
from tools.evaluate.labels.labelled import Labelled

CTU = """StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label
2011/08/10 09:46:53.047277,1.5,tcp,147.32.84.165,1025,   ->,198.51.100.7,80,SF,0,0,9,900,600,flow=From-Botnet-V42-TCP
2011/08/10 10:07:59.000000,2.0,tcp,147.32.84.165,1026,   ->,147.32.80.9,25,SF,0,0,9,900,600,flow=From-Botnet-V42-TCP
2011/08/10 10:10:00.000000,1.0,udp,147.32.80.9,53,  <->,147.32.84.165,1027,CON,0,0,2,214,81,flow=To-Botnet-V42-UDP-DNS
2011/08/10 10:30:00.000000,0.1,tcp,147.32.84.170,1028,   ->,198.51.100.8,443,SF,0,0,2,214,81,flow=From-Normal-V42-Jist
2011/08/10 10:31:00.000000,0.1,tcp,147.32.84.171,1028,   ->,198.51.100.8,443,SF,0,0,2,214,81,flow=Background-TCP
"""


def unsw(**given: str) -> str:
    row = dict.fromkeys(COLUMNS, "0") | {
        "srcip": "175.45.176.1", "dstip": "149.171.126.18", "stime": "1421927414", "dur": "0.5",
        "attack_cat": "", "label": "0",
    }  # fmt: skip
    return ",".join((row | given).values()) + "\n"


def read(form: str, path: Path, content: str | bytes, zone: str = "UTC") -> Labelled:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_form(form, [path], zone)


def attacks(labelled: Labelled) -> list[tuple[str, str, str]]:
    rows = labelled.attacks.sort_values(["window_start", "host_ip", "attack"])
    return [(str(row.host_ip), f"{row.window_start:%m-%d %H:%M}", str(row.attack)) for row in rows.itertuples()]


def test_ctu13_bots_attack_in_the_windows_in_which_their_flows_end(tmp_path: Path) -> None:
    """10:07:59 in Prague in summer is 08:07:59 UTC; two seconds later it is 08:08:01, in the next window."""
    found = read("ctu13", tmp_path / "capture20110810.binetflow", CTU, "Europe/Prague")
    assert attacks(found) == [
        ("147.32.84.165", "08-10 07:38", "botnet"),
        ("147.32.84.165", "08-10 08:08", "botnet"),
    ]
    assert set(found.spared["host_ip"]) == {"198.51.100.7", "147.32.80.9"}
    assert found.about is not None
    assert [f"{moment:%H:%M}" for moment in found.about] == ["07:38", "08:23"]
    assert (found.counts.files, found.counts.rows) == (1, 5)


def test_what_is_no_flow_is_counted(tmp_path: Path) -> None:
    """A short row, an empty one, one without a time, and one of a label that nobody knows."""
    strange = CTU.splitlines()[4].replace("From-Normal-V42-Jist", "Martian").replace("147.32.84.170", "147.32.84.199")
    timeless = CTU.splitlines()[4].replace("2011/08/10 10:30:00.000000", "yesterday")
    text = CTU + "2011/08/10,1\n" + "," * 14 + "\n" + timeless + "\n" + strange + "\n"
    found = read("ctu13", tmp_path / "flows.binetflow", text)
    assert (found.counts.broken, found.counts.empty) == (1, 1)
    assert found.counts.other == {"without a time": 1, "unknown label 'flow=Martian'": 1}
    assert "147.32.84.199" in set(found.spared["host_ip"])


def test_unsw_has_no_header_and_blanks_around_its_attacks(tmp_path: Path) -> None:
    text = unsw() + unsw(attack_cat=" Reconnaissance ", label="1") + unsw(attack_cat="Backdoors", label="1")
    text += unsw(srcip="59.166.0.0", label="7")
    found = read("unsw-nb15", tmp_path / "UNSW-NB15_1.csv", text)
    assert attacks(found) == [
        ("175.45.176.1", "01-22 11:38", "Backdoor"),  # 1421927414 is 2015-01-22T11:50:14Z
        ("175.45.176.1", "01-22 11:38", "Reconnaissance"),
    ]
    assert found.counts.other == {"unknown label '7'": 1}
    with_header = read("unsw-nb15", tmp_path / "with.csv", ",".join(COLUMNS) + "\n" + text)
    assert attacks(with_header) == attacks(found)


CIC = (
    b"Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Flow Duration, Label\n"
    b"a,192.168.10.5,1,192.168.10.50,443,6,03/07/2017 08:55:58,2000000,BENIGN\n"
    b"b,172.16.0.1,2,192.168.10.50,80,6,6/7/2017 9:22,1000000,Web Attack \x96 XSS\n"
    b"c,192.168.10.8,3,205.174.165.73,8080,6,7/7/2017 1:05,60000000,Bot\n"
    b",,,,,,,,\n"
)


def test_cic_has_days_first_a_clock_of_twelve_hours_and_halifax_time(tmp_path: Path) -> None:
    """9:22 in Halifax in July is 12:22 UTC; 1:05 is after noon, and a minute later it is 16:06 UTC."""
    found = read("cic-ids2017", tmp_path / "Thursday.csv", CIC, "Asia/Tokyo")
    assert attacks(found) == [
        ("172.16.0.1", "07-06 12:08", "Web Attack - XSS"),
        ("192.168.10.8", "07-07 15:53", "Bot"),
    ]
    assert found.counts.empty == 1
    assert found.about is not None
    assert f"{found.about[0]:%m-%d %H:%M}" == "07-03 11:53"


UNRAVELED = """\
id,src_ip,dst_ip,bidirectional_first_seen_ms,bidirectional_last_seen_ms,Activity,Stage,DefenderResponse,Signature
15,10.1.3.14,239.255.255.250,1624347417421,1624347420424,Normal,Benign,Benign,None
16,10.1.3.8,10.8.10.84,1624347422390,1624347482454,Encrypted Channel,Establish Foothold,Benign,APT
"""


def test_unraveled_attacks_are_stages_and_files_may_be_packed_in_folders(tmp_path: Path) -> None:
    """1624347482 is 2021-06-22T07:38:02Z."""
    folder = tmp_path / "network-flows" / "Week5_Day2_06222021"
    folder.mkdir(parents=True)
    (folder / "net1013x_Flow_labeled.csv.gz").write_bytes(gzip.compress(UNRAVELED.encode()))
    found = read_form("unraveled", [tmp_path / "network-flows"], "UTC")
    assert attacks(found) == [("10.1.3.8", "06-22 07:38", "Establish Foothold")]
    assert found.spared["host_ip"].tolist() == ["10.8.10.84"]


@pytest.mark.parametrize(
    ("form", "content", "message"),
    [
        ("ctu13", "", "is empty"),
        ("ctu13", CTU.splitlines()[0] + "\n", "has no rows"),
        ("ctu13", UNRAVELED, "lacks the columns starttime, dur, srcaddr, dstaddr, label"),
        ("ctu13", "\n".join(line[: line.rfind(",")] + ",x" for line in CTU.split("\n")[1:6]), "lacks the columns"),
        ("ctu13", re.sub("flow=.*", "x", CTU), "none of the 5 flows has a time and a known label: 'x'"),
        ("unsw-nb15", "1,2,3\n", "has 3 columns, not 49"),
        ("cic-ids2017", " Destination Port, Label\n80,BENIGN\n", "lacks the columns source ip"),
        ("cic-ids2017", CIC.replace(b"2017 ", b"2017T"), "none of the 3 flows has a time and a known label: no time"),
    ],
)  # fmt: skip
def test_files_of_another_kind_are_refused(tmp_path: Path, form: str, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(form, tmp_path / "labels.csv", content)


def test_damaged_and_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"labels\.csv\.gz cannot be read"):
        read("ctu13", tmp_path / "labels.csv.gz", b"\x1f\x8b\x08\x00garbage")
    with pytest.raises(InputError, match="nothing does not exist"):
        read_form("ctu13", [tmp_path / "nothing"], "UTC")
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="has no files"):
        read_form("ctu13", [tmp_path / "none"], "UTC")
    with pytest.raises(InputError, match="'Mars/Base' is no time zone"):
        read("ctu13", tmp_path / "flows.binetflow", CTU, "Mars/Base")


def test_an_offset_is_a_zone(tmp_path: Path) -> None:
    found = read("ctu13", tmp_path / "flows.binetflow", CTU, "+02:00")
    assert attacks(found)[0][1] == "08-10 07:38"
