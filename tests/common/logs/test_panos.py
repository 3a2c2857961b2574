from __future__ import annotations

import random
from datetime import timedelta

import pyarrow as pa
import pytest

from common.logs.blocks import Block
from common.logs.formats.panos.vectorised import parse_block
from common.logs.options import ReadOptions
from tests.common.logs.panos_logs import THREAT_RELEASES, TRAFFIC_RELEASES, threat, traffic
from tests.common.logs.panos_reading import at, both_ways, one_by_one, parsed, rejected


@pytest.mark.parametrize(("release", "columns"), TRAFFIC_RELEASES.items())
def test_traffic_of_every_release(release: str, columns: int) -> None:
    assert parsed(traffic(columns)) == {
        "event_type": "TRAFFIC",
        "subtype": "end",
        "start_ts": at("2024-03-11T16:22:50"),
        "end_ts": at("2024-03-11T16:23:02"),  # 16:22:50 + 12 s, not the log time
        "log_ts": at("2024-03-11T16:23:30.071" if columns > 102 else "2024-03-11T16:23:30"),
        "duration_s": 12.0,
        "src_ip": "10.20.12.121",
        "src_port": 55331,
        "dst_ip": "34.230.55.224",
        "dst_port": 443,
        "protocol": "tcp",
        "bytes_sent": 367,
        "bytes_received": 197,
        "packets_sent": 2,
        "packets_received": 2,
        "action": "allow",
        "session_end_reason": None if release == "6.0" else "aged-out",
        "app": "ssl",
        "rule": "allow-untrust",
        "src_zone": "users",
        "dst_zone": "untrust",
        "src_user": None,
        "session_id": "2042976",
        "device_serial": "012501009999",
        "sequence_number": 7100000000002042975,
        "repeat_count": 1,
        "threat_id": None,
        "severity": None,
        "threat_category": None,
        "url": None,
        "url_category": "any",
        "app_category": "networking" if columns > 106 else None,
        "app_risk": 4 if columns > 108 else None,
        "dst_user": None,
        "src_country": "10.0.0.0-10.255.255.255",
        "dst_country": "United States",
        "nat_src_ip": "203.0.113.9",
        "nat_src_port": 40001,
        "nat_dst_ip": None,
        "nat_dst_port": None,
        "device_name": "fw-1" if columns > 52 else None,
        "virtual_system": "vsys1",
        "source_file": "f",
        "source_line": 1,
        "status": "kept",
    }


@pytest.mark.parametrize(("release", "columns"), THREAT_RELEASES.items())
def test_threat_of_every_release(release: str, columns: int) -> None:
    row = parsed(threat(columns))
    empty = ("start_ts", "duration_s", "bytes_sent", "bytes_received", "packets_sent", "packets_received")
    assert [row[name] for name in (*empty, "session_end_reason")] == [None] * 7
    assert row["end_ts"] == at("2024-03-11T16:23:30.250" if columns > 107 else "2024-03-11T16:23:30")
    assert row["event_type"] == "THREAT" and row["subtype"] == "vulnerability" and row["status"] == "kept"
    assert row["threat_id"] == "SMB: User Login(31696)" and row["severity"] == "high" and row["action"] == "reset-both"
    assert row["sequence_number"] == 7100000000000000123 and row["dst_port"] == 443
    assert (row["url"], row["url_category"], row["virtual_system"]) == ("example.com/a,b", "any", "vsys1")
    assert row["threat_category"] == ("brute-force" if columns > 69 else None)
    assert row["device_name"] == ("fw-1" if columns > 59 else None)
    assert (row["app_category"], row["app_risk"]) == (("networking", 4) if columns > 114 else (None, None))


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({9: "::"}, "nat_src_ip", None),
        ({9: ""}, "nat_src_ip", None),
        ({9: "nonsense"}, "nat_src_ip", None),
        ({9: "2001:DB8::7"}, "nat_src_ip", "2001:db8::7"),
        ({27: "443"}, "nat_dst_port", 443),
        ({27: "70000"}, "nat_dst_port", None),
        ({108: "6"}, "app_risk", None),
        ({13: r"acme\ben"}, "dst_user", r"acme\ben"),
    ],
)
def test_columns_that_may_say_nothing(changes: dict[int, str], name: str, value: object) -> None:
    assert parsed(traffic(changes=changes))[name] == value


def test_start_logs_do_not_count() -> None:
    row = parsed(traffic(changes={4: "start"}))
    assert row["status"] == "uncounted" and row["bytes_sent"] == 367
    assert parsed(traffic(changes={4: "drop"}))["status"] == "kept"
    assert parsed(traffic(changes={4: ""}))["subtype"] is None


def test_repeat_count_multiplies_nothing() -> None:
    row = parsed(traffic(changes={23: "6"}))
    assert (row["repeat_count"], row["bytes_sent"], row["packets_sent"]) == (6, 367, 2)
    assert parsed(traffic(changes={23: "0"}))["repeat_count"] == 1
    assert parsed(traffic(changes={23: ""}))["repeat_count"] == 1


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


def test_client_behind_a_proxy_is_no_user() -> None:
    assert parsed(traffic(changes={12: "x-fwd-for: 10.1.2.3"}))["src_user"] is None
    assert parsed(traffic(changes={12: r"acme\ann"}))["src_user"] == r"acme\ann"


ODD = (
    *("", "0", "-1", "70000", "0x1F", " 443 ", "1e3", "12.5", "9" * 20, str(2**63 - 1), str(2**63), "+5", "1_0"),
    *("2020/00/00 00:00:00", "9/16/19 3:04", "2024/03/31 02:30:00", "2031/01/01 00:00:00", "\u0665", "\x85", "\xa0x"),
    *(r'"a \"b\", c"', r"a\"b", r'"a\\"', r'"\""', r'"a" \"b', r'"a""b\""', r"\""),
    *('"', '""', '"a,b"', '"a""b"', '"a\\"b"', 'a"b', '"ab"c', "\\", "a\\,b", "{a, b}", ",", "\0", "\t"),
    *("::1", "FE80::1%e", "::ffff:1.2.3.4", "10.1.2", "tcp", "58", "hopopt", "start", "reset both", "SYSTEM"),
    *("2024-03-11T16:23:30.071+00:00", "TRAFFIC", "THREAT"),
)
BERLIN = ReadOptions(time_zone="Europe/Berlin", device_time_zones={"012501009999": "Asia/Kolkata"})
COLUMNS = (0, 1, 2, 3, 4, 6, 7, 8, 11, 12, 14, *range(22, 26), *range(29, 37), 39, 44, 45, 46, 69, 75, 107)


def mutated(chance: random.Random) -> bytes:
    kind, releases = chance.choice(((traffic, TRAFFIC_RELEASES), (threat, THREAT_RELEASES)))
    columns = chance.choice(list(releases.values())) if chance.random() < 0.3 else 115
    changes = {chance.choice(COLUMNS): chance.choice(ODD) for _ in range(chance.randint(0, 2))}
    line = kind(columns, changes).encode()
    return chance.choices(
        (
            line,
            line[: chance.randint(0, len(line))],
            line + SYSLOG.encode() + traffic(46).encode(),
            SYSLOG.encode() + line,
            line[2:],
            line.replace(line[:1], bytes([chance.randint(0, 255)]), 1),
            chance.randbytes(chance.randint(0, 300)),
        ),
        (80, 4, 4, 4, 2, 4, 2),
    )[0].replace(b"\n", b"")


@pytest.mark.parametrize("seed", range(40))
def test_parsing_together_and_one_by_one_agree_on_damaged_lines(seed: int) -> None:
    chance = random.Random(seed)
    data = b"\n".join(mutated(chance) for _ in range(150))
    together = parse_block(Block(data, 1), "f", BERLIN)
    alone = one_by_one(data, BERLIN)
    assert together.sessions.equals(alone.sessions)
    assert together.rejects.equals(alone.rejects)
    assert together.others == alone.others and together.zones == alone.zones


@pytest.mark.parametrize("seed", range(30))
def test_parsing_together_and_one_by_one_agree_on_escapes(seed: int) -> None:
    chance = random.Random(seed)
    pieces = ('"', '\\"', "\\", ",", '""', "a", "\\,", '",', ',"', '"a\\"b"', '"a, \\"b\\" c"')
    lines = []
    for _ in range(200):
        text = "".join(chance.choices(pieces, k=chance.randint(0, 5)))
        quoted = f'"{text}"' if chance.random() < 0.5 else text
        lines.append(traffic(changes={chance.choice((11, 12, 46, 69, 109)): quoted}))
    data = "\n".join(lines).encode()
    together = parse_block(Block(data, 1), "f", BERLIN)
    alone = one_by_one(data, BERLIN)
    assert together.sessions.equals(alone.sessions) and together.rejects.equals(alone.rejects)
    assert together.others == alone.others and together.zones == alone.zones


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_never_fail_and_always_add_up(seed: int) -> None:
    chance = random.Random(seed)
    alphabet = chance.choice((bytes(range(256)), b',"\\\n\r\0 TRAFFIC1/:', b"\n,\x80\xff"))
    data = bytes(chance.choices(alphabet, k=20_000))
    batch = parse_block(Block(data, 1), "f", ReadOptions())
    assert batch.records_read == batch.sessions.num_rows + batch.rejects.num_rows + sum(batch.others.values())
    assert isinstance(batch.rejects, pa.RecordBatch)
