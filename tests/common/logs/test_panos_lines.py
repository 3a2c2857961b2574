"""What is around the records of PAN-OS: syslog headers, glued messages, line ends, bytes that are no text."""

from __future__ import annotations

import pytest

from common.logs.blocks import Block
from common.logs.formats.panos.vectorised import parse_block
from common.logs.options import ReadOptions
from tests.common.logs.panos_logs import threat, traffic
from tests.common.logs.panos_reading import both_ways, one_by_one, parsed, rejected

SYSLOG = "<14>Mar 11 16:23:31 fw-1 "
SYSLOG_5424 = '<14>1 2024-03-11T16:23:31.100Z fw-1 - - - [meta sequenceId="1"] \ufeff'


@pytest.mark.parametrize(
    "header",
    [SYSLOG, SYSLOG_5424, "Mar 11 16:23:31 fw-1 ", "<14>", "812 <14>1 - - - - - - ", "2024-03-11T16:23:31,100 fw-1 "],
)
def test_syslog_headers(header: str) -> None:
    assert parsed(header + traffic())["bytes_sent"] == 367
    assert parsed(header + threat())["severity"] == "high"


def test_missing_first_column() -> None:
    assert parsed(traffic().removeprefix("1,"))["bytes_sent"] == 367
    assert parsed(SYSLOG + threat().removeprefix("1,"))["severity"] == "high"


@pytest.mark.slow
@pytest.mark.parametrize("columns", [46, 115, 117])
@pytest.mark.parametrize("glue", ["", " ", SYSLOG, SYSLOG_5424, "Mar 11 16:23:31 fw-1 ", "812 <14>1 - - - - - - "])
def test_glued_messages(columns: int, glue: str) -> None:
    first, second = traffic(columns), traffic(columns, {7: "10.9.9.9"})
    batch = both_ways([first + glue + second + glue + threat()])
    assert [row["src_ip"] for row in batch.sessions.to_pylist()] == ["10.20.12.121", "10.9.9.9", "10.20.12.121"]
    assert set(batch.sessions.column("source_line").to_pylist()) == {1}


def test_octet_counts_tell_where_a_message_ends() -> None:
    messages = [f"<14>1 - - - - - - {traffic(46, {45: count})}" for count in ("2", "31", "4")]
    batch = both_ways(["".join(f"{len(message)} {message}" for message in messages)])
    assert [row["packets_received"] for row in batch.sessions.to_pylist()] == [2, 31, 4]


def test_a_url_cannot_pose_as_a_record() -> None:
    hostile = f'"example.com/?{traffic(46, {8: "6.6.6.6"})}"'
    batch = both_ways([threat(changes={31: hostile})])
    assert [row["dst_ip"] for row in batch.sessions.to_pylist()] == ["34.230.55.224"]


def test_line_ends_blank_lines_byte_order_mark_and_nul() -> None:
    data = (
        b"\xef\xbb\xbf" + b"\r\n".join([traffic().encode(), b"", b"  ", threat().encode() + b"\0", b""]) + b"\n\n\0\n"
    )
    batch = parse_block(Block(data, 1), "f", ReadOptions())
    assert batch.records_read == 2 and batch.rejects.num_rows == 0
    assert batch.sessions.column("source_line").to_pylist() == [1, 4]


def test_undecodable_bytes_stay_visible() -> None:
    good = traffic(changes={11: "caf#"}).encode().replace(b"#", b"\xe9")
    assert parsed(good)["rule"] == r"caf\xe9"
    bad = traffic(changes={11: "caf#", 25: "x"}).encode().replace(b"#", b"\xe9")
    assert rejected(bad) == "dst_port 'x' is not a whole number"
    assert r"caf\xe9" in one_by_one(bad).rejects.to_pylist()[0]["raw"]
