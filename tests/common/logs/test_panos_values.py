"""Values of PAN-OS logs: what they mean, what is rejected, and what says nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.common.logs.panos_logs import threat, traffic
from tests.common.logs.panos_reading import at, one_by_one, parsed, rejected


@pytest.mark.parametrize(
    ("zone", "wall_clock", "utc"),
    [
        ("UTC", "2024/03/11 16:22:50", "2024-03-11T16:22:50"),
        ("+02:00", "2024/03/11 16:22:50", "2024-03-11T14:22:50"),
        ("-0930", "2024/03/11 16:22:50", "2024-03-12T01:52:50"),
        ("Europe/Berlin", "2024/03/11 16:22:50", "2024-03-11T15:22:50"),
        ("Europe/Berlin", "2024/03/31 01:59:59", "2024-03-31T00:59:59"),  # winter time's last second
        ("Europe/Berlin", "2024/03/31 03:00:00", "2024-03-31T01:00:00"),  # summer time's first
        ("Europe/Berlin", "2024/10/27 02:30:00", "2024-10-27T00:30:00"),  # twice there: the first
        ("America/New_York", "2024/03/11 23:22:50", "2024-03-12T03:22:50"),
    ],
)
def test_wall_clock_in_the_zone_of_the_logs(zone: str, wall_clock: str, utc: str) -> None:
    row = parsed(traffic(75, {35: wall_clock, 6: wall_clock}), zone)
    assert row["start_ts"] == at(utc) and row["end_ts"] == at(utc) + timedelta(seconds=12)


def test_high_resolution_time_has_its_own_zone() -> None:
    assert parsed(threat(changes={107: "2024-03-11T18:23:30.250+02:00"}), "Asia/Tokyo")["end_ts"] == at(
        "2024-03-11T16:23:30.250"
    )
    assert parsed(threat(changes={107: "2024-03-11T16:23:30.25Z"}))["end_ts"] == at("2024-03-11T16:23:30.250")
    assert parsed(threat(changes={107: ""}), "+01:00")["end_ts"] == at("2024-03-11T15:23:30")


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ('"a, b"', "a, b"),
        ('"say ""hi"", there"', 'say "hi", there'),
        (r'"say \"hi\", there"', 'say "hi", there'),
        (r"a\, b", "a, b"),
        (r'"say \"hi\" there"', 'say "hi" there'),
        (r'"\"all of it\""', '"all of it"'),
        (r'"a\\"', "a\\"),
        (r'"a \"b\" \\c"', 'a "b" \\c'),
        (r"say \"hi\"", 'say "hi"'),
        ("acme\\bob", "acme\\bob"),
        ('a "quoted" word', 'a "quoted" word'),
        ('"{""k"": [1, 2]}"', '{"k": [1, 2]}'),
        ('""', None),
        ("  spaces ", "spaces"),
        ("Größe", "Größe"),
    ],
)
def test_quoting(raw: str, rule: str | None) -> None:
    row = parsed(traffic(changes={11: raw}))
    assert row["rule"] == rule and row["dst_zone"] == "untrust" and row["bytes_sent"] == 367


def test_unquoted_braces_with_commas_after_the_columns_that_matter() -> None:
    assert parsed(traffic(changes={69: "{a, b}"}))["bytes_sent"] == 367
    assert parsed(traffic(75, {69: "{a, b, c}"}))["bytes_sent"] == 367


@pytest.mark.parametrize(
    ("raw", "action"),
    [
        ("reset both", "reset-both"),
        ("reset-both", "reset-both"),
        ("drop ICMP", "drop-icmp"),
        ("DENY", "deny"),
        ("", None),
    ],
)
def test_actions(raw: str, action: str | None) -> None:
    assert parsed(traffic(changes={30: raw}))["action"] == action


@pytest.mark.parametrize(
    ("raw", "protocol"),
    [("TCP", "tcp"), ("6", "tcp"), ("17", "udp"), ("hopopt", "other"), ("gre", "other"), ("47", "other")]
    + [(name, "icmp") for name in ("icmp", "ICMP", "ipv6-icmp", "icmp6", "icmpv6", "1", "58")],
)
def test_protocols(raw: str, protocol: str) -> None:
    row = parsed(traffic(changes={29: raw}))
    assert row["protocol"] == protocol
    assert (row["src_port"], row["dst_port"]) == ((0, 0) if protocol == "icmp" else (55331, 443))


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ("2001:0DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("0.0.0.0", "0.0.0.0"),
        (" 10.1.2.3 ", "10.1.2.3"),
    ],
)
def test_addresses(raw: str, address: str) -> None:
    assert parsed(traffic(changes={7: raw}))["src_ip"] == address
    assert parsed(threat(changes={8: raw}))["dst_ip"] == address


def test_boundaries_that_are_accepted() -> None:
    row = parsed(traffic(changes={24: "0", 25: "65535", 32: "0", 33: str(2**63 - 1), 36: "0", 22: "0", 39: ""}))
    assert (row["src_port"], row["dst_port"], row["bytes_received"]) == (0, 65535, 2**63 - 1)
    assert row["start_ts"] == row["end_ts"] and row["session_id"] == "0" and row["sequence_number"] is None
    assert parsed(traffic(changes={29: "gre", 24: "", 25: ""}))["dst_port"] == 0
    assert parsed(traffic(changes={32: "", 44: ""}))["bytes_sent"] is None
    assert parsed(traffic(changes={6: "2024/03/10 16:22:50"}))["subtype"] == "end"  # logged one day before: still good


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        (25, "65536", "dst_port 65536 is outside 0 to 65535"),
        (24, "-1", "src_port -1 is negative"),
        (25, "", "dst_port is empty"),
        (24, "12x", "src_port '12x' is not a whole number"),
        (24, "0x1F", "src_port '0x1F' is not a whole number"),
        (36, "-3", "duration_s -3 is outside 0 to 1000000000 s"),
        (36, "", "duration_s is empty"),
        (36, "x", "duration_s 'x' is not a number"),
        (7, "", "src_ip is empty"),
        (8, "10.1.2.256", "dst_ip '10.1.2.256' is not an IP address"),
        (8, "010.1.2.3", "dst_ip '010.1.2.3' is not an IP address"),
        (7, '"10,1,2,3"', "src_ip '10,1,2,3' is not an IP address"),
        (7, "10,1,2,3", "src_ip '10' is not an IP address"),
        (29, "", "protocol is empty"),
        (35, "2020/00/00 00:00:00", "start_ts '2020/00/00 00:00:00' is not a date and time"),
        (35, "2023/02/29 10:00:00", "start_ts '2023/02/29 10:00:00' is not a date and time"),
        (35, "9/16/19 3:04", "start_ts '9/16/19 3:04' is not a date and time"),
        (35, "2024/03/11 24:00:00", "start_ts '2024/03/11 24:00:00' is not a date and time"),
        (35, "1969/12/31 23:59:59", "start_ts '1969/12/31 23:59:59' is not a date and time"),
        (35, "2200/01/01 00:00:00", "start_ts '2200/01/01 00:00:00' is not a date and time"),
        (35, "2024-03/11 16:22:50", "start_ts '2024-03/11 16:22:50' is not a date and time"),
        (6, "", "log time is empty"),
        (
            35,
            "2024/03/12 16:23:31",
            "start_ts 2024-03-12T16:23:31Z is more than a day after the log time 2024-03-11T16:23:30Z",
        ),
    ],
)
def test_broken_values_are_rejected_by_name(column: int, value: str, reason: str) -> None:
    line = traffic(changes={column: value})
    assert rejected(line) == reason
    assert one_by_one(line.encode()).rejects.to_pylist()[0]["raw"] == line


def test_a_url_is_not_bytes() -> None:
    assert parsed(threat(changes={31: '"1234"'}))["bytes_sent"] is None


@pytest.mark.parametrize(
    ("column", "value", "name", "found"),
    [
        (32, "-5", "bytes_sent", None),
        (33, "1.5", "bytes_received", None),
        (33, "4294967296", "bytes_received", 2**32),
        (44, str(2**63), "packets_sent", None),
        (39, "?", "sequence_number", None),
        (23, "many", "repeat_count", 1),
    ],
)
def test_an_impossible_number_costs_no_session(column: int, value: str, name: str, found: int | None) -> None:
    assert parsed(traffic(changes={column: value}))[name] == found


def test_client_behind_a_proxy_is_no_user() -> None:
    assert parsed(traffic(changes={12: "x-fwd-for: 10.1.2.3"}))["src_user"] is None
    assert parsed(traffic(changes={12: r"acme\ann"}))["src_user"] == r"acme\ann"
