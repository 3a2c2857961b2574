"""Exports of PAN-OS's web interface, and custom orders of columns."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from common.errors import FormatError, ParameterError
from common.logs import ReadOptions
from tests.common.logs.flow_files import is_the_session, one, others, parse, reason

EXPORT = {
    "Domain": "1", "Receive Time": "2026/03/03 08:10:31", "Serial #": "013201000001", "Type": "TRAFFIC",
    "Threat/Content Type": "end", "Generate Time": "2026/03/03 08:10:31", "Source address": "10.1.4.20",
    "Destination address": "198.51.100.7", "NAT Source IP": "203.0.113.9", "Rule": "outbound-web",
    "Source User": "corp\\anna", "Application": "ssl", "Source Zone": "trust", "Session ID": "48211",
    "Source Port": "51514", "Destination Port": "443", "IP Protocol": "tcp", "Action": "allow", "Bytes": "9120",
    "Bytes Sent": "1870", "Bytes Received": "7250", "Start Time": "2026/03/03 08:09:31", "Elapsed Time (sec)": "43",
    "seqno": "7291000000000000001", "pkts_sent": "15", "pkts_received": "16", "session_end_reason": "tcp-fin",
}  # fmt: skip


def export(changes: dict[str, str] | None = None, delimiter: str = ",", quote: str = "", end: str = "\n") -> str:
    fields = EXPORT | (changes or {})
    return (
        end.join(delimiter.join(f"{quote}{value}{quote}" for value in line) for line in (fields, fields.values())) + end
    )


@pytest.mark.parametrize(
    "data",
    [
        export(),
        "\ufeff" + export(quote='"', end="\r\n"),
        export(delimiter=";"),
        export(delimiter="\t"),
        export({"Rule": "outbound-web", "Start Time": "3/3/2026 8:09:31"}),
        export({"Start Time": "03.03.2026 08:09:31"}, ";"),
        export({"Start Time": "3/3/2026 8:09:31 AM"}),
    ],
)
def test_export_of_the_web_interface(tmp_path: Path, data: str) -> None:
    row = one(tmp_path, data)
    assert is_the_session(row)
    assert (row["device_serial"], row["sequence_number"], row["src_user"]) == (
        "013201000001", 7291000000000000001, "corp\\anna"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("written", "start"),
    [
        ("3/28/2026 8:09", datetime(2026, 3, 28, 8, 9, tzinfo=UTC)),
        ("28/3/2026 8:09", datetime(2026, 3, 28, 8, 9, tzinfo=UTC)),
        ("4.3.2026 20:09", datetime(2026, 3, 4, 20, 9, tzinfo=UTC)),
        ("3/28/2026 12:09:01 AM", datetime(2026, 3, 28, 0, 9, 1, tzinfo=UTC)),
    ],
)
def test_times_that_a_spreadsheet_rewrote(tmp_path: Path, written: str, start: datetime) -> None:
    assert one(tmp_path, export({"Start Time": written, "Generate Time": "2026/03/29 08:10:31"}))["start_ts"] == start


@pytest.mark.parametrize("written", ["3/4/2026 8:09", "13/13/2026 8:09", "3/28/2026 13:09 PM", "3-28-26 8:09"])
def test_times_that_could_be_wrong_are_rejected(tmp_path: Path, written: str) -> None:
    assert written in reason(tmp_path, export({"Start Time": written}))


def test_numbers_that_a_spreadsheet_rounded(tmp_path: Path) -> None:
    row = one(tmp_path, export({"Serial #": "1.3201E+13", "seqno": "7.291E+18"}))
    assert (row["device_serial"], row["sequence_number"], row["session_id"]) == (None, None, "48211")
    assert one(tmp_path, export({"Bytes Sent": "1.9E+13"}))["bytes_sent"] is None


def test_export_of_other_logs_and_of_threats(tmp_path: Path) -> None:
    data = export({"Type": "SYSTEM"}) + export({"Type": "THREAT", "Severity": "high", "Threat/Content Name": "x(1)"})
    (row,), rejects, batches = parse(tmp_path, data)
    assert rejects == [] and others(batches) == {"SYSTEM": 1}
    assert (row["event_type"], row["severity"], row["threat_id"]) == ("THREAT", "high", "x(1)")


ORDER = ("type", "src", "$dst", "rule", "sport", "dport", "proto", "bytes", "bytes_sent", "bytes_received", "start",
         "elapsed", "pkts_sent", "pkts_received", "future_use")  # fmt: skip
ORDERED = 'TRAFFIC,10.1.4.20,198.51.100.7,"a, b",51514,443,tcp,9120,1870,7250,2026/03/03 08:09:31,43,15,16,x\n'


@pytest.mark.parametrize(
    "header",
    ["", "Mar  3 08:10:31 F-EDGE-1 ", "<14>Mar  3 08:10:31 edge-fw1 ", "<14>1 2026-03-03T08:10:31Z fw - - - - ",
     "2026-03-03T08:10:31+00:00 fw "],
)  # fmt: skip
def test_custom_order_of_columns(tmp_path: Path, header: str) -> None:
    row = one(tmp_path, header + ORDERED, columns=ORDER)
    assert is_the_session(row) and row["rule"] == "a, b"


def test_custom_order_that_looks_like_another(tmp_path: Path) -> None:
    """The first columns are those of a PAN-OS log, the later ones are not."""
    data = "1,2026/03/03 08:10:31,013201000001,TRAFFIC," + ORDERED.removeprefix("TRAFFIC,")
    order = ("future_use", "receive_time", "serial", *ORDER)
    assert is_the_session(one(tmp_path, data, columns=order))


def test_custom_order_that_does_not_fit(tmp_path: Path) -> None:
    assert "has 15 columns, the project parameter columns names 14" in reason(tmp_path, ORDERED, columns=ORDER[:-1])
    with pytest.raises(FormatError, match="project parameter columns"):
        parse(tmp_path, ORDERED, format="panos_columns")
    with pytest.raises(ParameterError, match="unknown variables: source"):
        ReadOptions(columns=("source",))
