"""Lines that are no session, cut lines, and records on several lines."""

from __future__ import annotations

import pytest

from common.logs.blocks import Block
from common.logs.formats.panos.vectorised import parse_block
from common.logs.options import ReadOptions
from tests.common.logs.panos_logs import TRAFFIC_RELEASES, threat, traffic
from tests.common.logs.panos_reading import both_ways, one_by_one, parsed, rejected

SYSLOG = "<14>Mar 11 16:23:31 fw-1 "
START = "1,2026/03/03 08:10:31,013201000001"
GENERATED = "2561,2026/03/03 08:10:31"


@pytest.mark.slow
@pytest.mark.parametrize("header", ["", SYSLOG, "<14>1 2026-03-03T08:10:31Z fw - - - - ", "fw,x "])
@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (f"{START},SYSTEM,general,0,2026/03/03 08:10:31,,x", "SYSTEM"),
        (f"{START},GLOBALPROTECT,0,{GENERATED},vsys1,gateway-auth", "GLOBALPROTECT"),
        (f"{START},START,start,{GENERATED},10.1.4.20,198.51.100.7", "START"),
        (f"{START},END,end,{GENERATED},10.1.4.20,198.51.100.7", "END"),
        (f"{START},AUTH,Unknown,2817,2026/03/03 08:10:31,vsys1,10.1.4.20,u", "AUTH"),
        (f"{START},USERID,login,{GENERATED},vsys1", "USERID"),
        (f"{START},HIPMATCH,0,{GENERATED},corp\\anna", "HIPMATCH"),
        (f"{START},QUANTUM-FLUX,0,{GENERATED},x", "QUANTUM-FLUX"),
        ('013201000001,2026/03/03 08:10:31,audit,2561,gui-op,ops,"<show/>",success', "AUDIT"),
    ],
)
def test_other_log_types_are_counted_by_type(header: str, record: str, kind: str) -> None:
    batch = both_ways([header + record, traffic()])
    assert (batch.others, batch.sessions.num_rows, batch.rejects.num_rows) == ({kind: 1}, 1, 0)


@pytest.mark.parametrize(
    "message",
    [
        "Mar  3 08:10:31 jump1 sshd[1234]: Accepted publickey for ops from 10.0.0.9 port 51022 ssh2",
        "<13>Mar  3 08:10:31 jump1 kernel: [1.0] eth0: link up, full duplex, 10 Gbit",
        "<13>Mar  3 08:10:31 jump1 last message repeated 3 times",
        "2026-03-03T08:10:31.5+01:00 web1 nginx: 10.0.0.9 - GET /",
        "<165>1 2026-03-03T08:10:31Z web1 evntslog 111 ID47 - started",
    ],
)
def test_messages_of_other_programs_are_counted(message: str) -> None:
    batch = both_ways([message, traffic()])
    assert (batch.others, batch.sessions.num_rows, batch.rejects.num_rows) == ({"other program": 1}, 1, 0)


@pytest.mark.parametrize(
    "damaged",
    [
        SYSLOG,
        SYSLOG + "1,20",
        SYSLOG + "paloalto: 1,2026/03/03 08:1",
        "<14>1 2026-03-03T08:10:31Z fw PAN-OS - TRAFFIC - 1",
        SYSLOG + traffic()[30:],
        f"{START},TR@FFIC,end,{GENERATED},10.1.4.20,198.51.100.7",
        f"{START},QUANTUM,0,2561",
        "no log at all, but text",
    ],
)
def test_a_damaged_record_is_rejected(damaged: str) -> None:
    assert rejected(damaged) == "no PAN-OS log: the first columns hold no time, serial number and log type"


@pytest.mark.parametrize(
    "line",
    [
        SYSLOG + traffic().replace(",TRAFFIC,", ",traffic,"),
        SYSLOG + traffic().replace("2024/03/11 16:23:31", "2024/03/11T16:23:31", 1),
        SYSLOG + traffic().replace("2024/03/11 16:23:31", "2024-03-11T16:23:31Z", 1).removeprefix("1,"),
        traffic()[len("1,2024/03/11 16") - 2 :],  # begins within the time
        '"' + (SYSLOG + traffic()).replace('"', '""') + '"',
        "10.9.9.9 " + SYSLOG + traffic(),
        "03-11-2024\t16:23:31\tLocal0.Info\t10.9.9.9\t" + SYSLOG + traffic(),
    ],
)
def test_unusual_beginnings(line: str) -> None:
    row = parsed(line)
    assert (row["src_ip"], row["bytes_sent"], row["packets_received"]) == ("10.20.12.121", 367, 2)


@pytest.mark.slow
@pytest.mark.parametrize("columns", range(38, 130))
def test_a_cut_line_gives_what_is_whole(columns: int) -> None:
    names = {32: "bytes_sent", 36: "duration_s", 39: "sequence_number", 42: "dst_country", 44: "packets_sent"}
    names |= {45: "packets_received", 46: "session_end_reason", 52: "device_name", 108: "app_risk"}
    whole = parsed(traffic(130, {5: "2817"}))
    row = parsed(",".join(traffic(130, {5: "2817", 109: ""}).split(",")[:columns]))
    believed = columns if columns >= 117 else columns - 1
    assert {name: row[name] for name in names.values()} == {
        name: whole[name] if at < believed else None for at, name in names.items()
    }


def test_the_number_at_the_cut_is_never_believed() -> None:
    row = parsed(traffic(46, {5: "2561", 45: "16"}))  # 46 columns would be whole in release 6.0
    assert (row["packets_sent"], row["packets_received"]) == (2, None)
    assert parsed(traffic(46, {45: "16"}))["packets_received"] == 16
    assert rejected(traffic(37)) == (
        "the line has 36 columns and perhaps a part of one, a session of a TRAFFIC log needs the first 37"
    )
    assert rejected(threat(31)).startswith(
        "the line has 30 columns and perhaps a part of one, a session of a THREAT log"
    )
    assert parsed(threat(32))["url"] is None


@pytest.mark.parametrize("release", ["9.1", "10.0", "11.1"])
@pytest.mark.parametrize("field", ['"two\nlines"', '"a\n,""b""\n\nc"'])
def test_line_ends_in_a_quoted_field_cost_no_session(release: str, field: str) -> None:
    columns = TRAFFIC_RELEASES[release]
    for header in ("", SYSLOG):
        record = header + traffic(columns, {11: field})
        batch = both_ways([*record.split("\n"), traffic()])
        assert [row["rule"] for row in batch.sessions.to_pylist()] == [field[1:-1].replace('""', '"'), "allow-untrust"]
        tails = sum(bool(line) for line in field.split("\n")) - 1
        assert batch.rejects.num_rows == 0 and batch.others == {"tail of a split line": tails}


def test_an_open_quote_does_not_swallow_the_next_record() -> None:
    batch = both_ways([traffic(changes={11: '"open'}), traffic(), traffic(changes={11: 'open"'})])
    assert [row["session_id"] for row in batch.sessions.to_pylist()].count("2042976") == batch.sessions.num_rows
    assert batch.records_read == 3


def test_the_tail_of_a_split_line_is_no_record() -> None:
    record = traffic(115, {65: "5a1c0e0e-1111-4222", 109: ""})
    cut = record.index("-1111")
    batch = both_ways([record[:cut], record[cut:], traffic()])
    assert batch.others == {"tail of a split line": 1} and batch.rejects.num_rows == 0
    assert [row["bytes_sent"] for row in batch.sessions.to_pylist()] == [367, 367]
    batch = both_ways([traffic(), record[cut:]])
    assert batch.rejects.num_rows == 1 and not batch.others


def test_a_line_that_is_split_before_its_version_has_a_tail() -> None:
    line = traffic()
    split = line.index("end,") + 1  # within the subtype
    batch = both_ways([line[:split], line[split:]])
    reason = "the line has 4 columns and perhaps a part of one, a session of a TRAFFIC log needs the first 37"
    assert batch.rejects["reason"].to_pylist() == [reason] and batch.others == {"tail of a split line": 1}


def test_link_switches_do_not_move_the_columns_behind_them() -> None:
    row = parsed(traffic(117, {69: "{wan1, direct, 2026/03/03 08:09:40,100,,N/A}"}), "Asia/Tokyo")
    assert (row["app_category"], row["app_risk"]) == ("networking", 4)
    assert row["log_ts"].microsecond == 71_000


def test_records_of_several_kinds_in_one_block_keep_their_lines() -> None:
    lines = [traffic(changes={39: str(number)}) for number in range(60)]
    lines[20:20] = ["Mar  3 08:10:31 jump1 sshd[1]: x", *traffic(changes={11: '"a\nb"', 39: "99"}).split("\n"), ""]
    data = "\n".join(lines).encode()
    batch = parse_block(Block(data, 1), "f", ReadOptions())
    assert batch.sessions.equals(one_by_one(data).sessions)
    assert batch.sessions.column("source_line").to_pylist() == [*range(1, 21), 22, *range(25, 65)]
