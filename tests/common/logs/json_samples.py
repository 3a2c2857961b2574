"""JSON documents of every format, whole and spoilt, and reading them together and by themselves."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

from common.logs import ReadOptions
from common.logs.blocks import Block
from common.logs.registry import reader_of
from common.logs.source import Source

Outcome = tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, int]]
"""Sessions, rejects, and the counts of all that is no session and of the origin of zones."""

ECS: dict[str, Any] = {
    "@timestamp": "2026-03-03T08:10:31.219Z",
    "event": {"action": "flow_terminated", "start": "2026-03-03T08:09:31.000Z", "end": "2026-03-03T08:10:14Z",
              "duration": 43_000_000_000, "type": ["allowed", "end"], "dataset": "panw.panos"},
    "source": {"ip": "10.1.4.20", "port": 51514, "bytes": 1870, "packets": 15, "nat": {"ip": "203.0.113.9"},
               "user": {"name": "anna", "domain": "corp"}, "geo": {"name": "Germany"}},
    "destination": {"ip": "198.51.100.7", "port": 443, "bytes": 7250, "packets": 16},
    "network": {"transport": "tcp", "application": "ssl"}, "rule": {"name": "outbound-web"},
    "panw": {"panos": {"type": "TRAFFIC", "sub_type": "end", "flow_id": "48211", "action": "allow",
                       "endreason": "tcp-fin", "repeat_count": 1, "sequence_number": "72910"}},
    "observer": {"serial_number": "013201000001", "ingress": {"zone": "trust"}},
}  # fmt: skip
CONNECTION: dict[str, Any] = {
    "@timestamp": "2026-03-03T08:09:31.500Z", "event": {"dataset": "zeek.connection", "duration": 43_250_000_000},
    "source": {"ip": "10.1.4.20", "port": 51514, "bytes": 1870, "packets": 15},
    "destination": {"ip": "198.51.100.7", "port": 443, "bytes": 7250, "packets": 16},
    "network": {"transport": "tcp", "protocol": "ssl"},
    "zeek": {"session_id": "CAbc1", "connection": {"state": "SF"}},
}  # fmt: skip
STRATA: dict[str, Any] = {
    "LogType": "TRAFFIC", "Subtype": "end", "TimeGenerated": "2026-03-03T08:10:31.000000Z",
    "SourceAddress": "10.1.4.20", "DestinationAddress": "198.51.100.7", "SourcePort": 51514, "DestinationPort": 443,
    "Protocol": "tcp", "BytesSent": 1870, "BytesReceived": 7250, "PacketsSent": 15, "PacketsReceived": 16,
    "SessionStartTime": "2026-03-03T08:09:31.000000Z", "SessionDuration": 43, "SessionID": 48211, "Action": "allow",
    "Application": "ssl", "Rule": "outbound-web", "SourceUser": "corp\\anna", "DeviceSN": "013201000001",
    "SequenceNo": 72910, "RepeatCount": 1, "SessionEndReason": "tcp-fin", "IsDuplicateLog": False, "NATSource": "",
}  # fmt: skip
STORED: dict[str, Any] = {
    "log_type": "traffic", "sub_type": "end", "source_ip": {"value": "10.1.4.20"},
    "dest_ip": {"value": "198.51.100.7"}, "source_port": 51514, "dest_port": 443, "protocol": {"value": "tcp"},
    "bytes_sent": 1870, "bytes_received": 7250, "session_start_time": 1772525371000000, "session_duration": 43,
    "session_id": 48211, "log_time": 1772525431000000, "action": {"value": "allow"}, "app": "ssl",
}  # fmt: skip
ZEEK: dict[str, Any] = {
    "ts": 1772525371.5, "uid": "CAbc1", "id.orig_h": "10.1.4.20", "id.orig_p": 51514, "id.resp_h": "198.51.100.7",
    "id.resp_p": 443, "proto": "tcp", "service": "ssl", "duration": 43.25, "orig_bytes": 1500, "resp_bytes": 7000,
    "conn_state": "SF", "orig_pkts": 15, "orig_ip_bytes": 1870, "resp_pkts": 16, "resp_ip_bytes": 7250,
}  # fmt: skip
SAMPLES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ecs", ECS), ("ecs", CONNECTION), ("sls", STRATA), ("sls", STORED), ("zeek", ZEEK),
)  # fmt: skip

VALUES: tuple[Any, ...] = (
    None, "", " ", "x", True, False, 0, 1, -1, 1.5, 1870.0, 1e3, 1e22, 1e-7, 0.1, 2**53 + 1, 2**63, 2**64, 10**30,
    [], ["10.1.1.1"], ["10.1.1.1", "fe80::1"], ["a", "b"], {}, {"value": "7"}, {"name": "x"}, "[x", "{x", "a\x1fb",
    "\ud800", "\x00", " 10.1.1.1 ", "010.1.1.1", "2001:DB8::1", "::ffff:10.0.0.1", "1870.0", "1e3", "-0", "٣",
    "\ufeffx",
    "2026-03-03T08:09:31Z", "2026-03-03 08:09:31", "2026-03-03T10:09:31+02:00", "2026-03-03T08:09:31.123456789Z",
    "2026-03-03T08:09:60Z", "2026-13-03T08:09:31Z", "2300-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2026-03-03",
    1772525371, 1772525371.123456, 1772525371123, 1772525371123456, 1772525371123456789, 99999999999, "1772525371.5",
    43_000_000_000.0, 43_000_000_001, "icmp", "ipv6-icmp", "unknown_transport", "TRAFFIC", "threat", "SYSTEM", "S0",
    "RSTR", "conn_long", "dns", "zeek.connection", "zeek.dns", "flow_started", "url_filtering", "x-fwd-for: 10.2.3.4",
    "n-a", "reset both", "é", "a" * 5_000,
)  # fmt: skip


def together(log_format: str, lines: list[bytes], **options: Any) -> Outcome:
    """The outcome of lines that are one block."""
    return _outcome(log_format, [Block(b"\n".join(lines), 1)], options)


def alone(log_format: str, lines: list[bytes], **options: Any) -> Outcome:
    """The outcome of lines each of which is a block of its own."""
    return _outcome(log_format, [Block(line, number) for number, line in enumerate(lines, 1)], options)


def _outcome(log_format: str, blocks: list[Block], options: dict[str, Any]) -> Outcome:
    batches = list(reader_of(log_format).read(Source("f", ReadOptions(**options), blocks)))
    others: Counter[str] = sum((Counter(batch.others) + Counter(batch.zones) for batch in batches), Counter())
    return (
        [row for batch in batches for row in batch.sessions.to_pylist()],
        [reject for batch in batches for reject in batch.rejects.to_pylist()],
        dict(others),
    )


def spoilt_line(chance: random.Random, document: dict[str, Any]) -> bytes:
    """The document on a line, with up to four faults."""
    document = json.loads(json.dumps(document))
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        chance.choice((_other_value, _other_value, _left_out, _other_form))(chance, document)
    text = json.dumps(document, separators=chance.choice(((",", ":"), (", ", ": "))))
    if chance.random() < 0.3:
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    line = text.encode("utf-8", "surrogatepass")
    if chance.random() < 0.15:
        line = _slip(chance, line)
    return line.replace(b"\n", b" ")


def _places(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    for name, value in document.items():
        yield document, name
        if isinstance(value, dict):
            yield from _places(value)


def _other_value(chance: random.Random, document: dict[str, Any]) -> None:
    inside, name = chance.choice(list(_places(document)))
    inside[name] = chance.choice(VALUES)


def _left_out(chance: random.Random, document: dict[str, Any]) -> None:
    if places := list(_places(document)):
        inside, name = chance.choice(places)
        del inside[name]


def _other_form(chance: random.Random, document: dict[str, Any]) -> None:
    """An object becomes dotted names, or a dotted name an object."""
    objects = [(inside, name) for inside, name in _places(document) if isinstance(inside[name], dict)]
    if not objects:
        dotted = [name for name in document if "." in name]
        for name in dotted[: chance.randrange(len(dotted) + 1)]:
            first, _, rest = name.partition(".")
            if isinstance(document.setdefault(first, {}), dict):
                document[first][rest] = document.pop(name)
        return
    inside, name = chance.choice(objects)
    for inner, value in inside.pop(name).items():
        inside[f"{name}.{inner}"] = value


def _slip(chance: random.Random, line: bytes) -> bytes:
    at = chance.randrange(len(line))
    return chance.choice((
        line[:at], line[at:], line[:at] + line[at + 1 :], line + line, line[:-1] + b",}", line[:-1] + b" , }",
        line[:-1] + b',"x":nan}', line[:-1] + b',"x":[1,]}', line[:-1] + b',"x":-Infinity}', line[:-1] + b',"x":NaN}',
        line[:-1] + b',"x":' + b"[" * 3_000 + b"]" * 3_000 + b"}", line + b"\r", line + b"\0\0", b"  " + line,
        line[:at] + b"\xff" + line[at + 1 :], line[:at] + b"\x01" + line[at:], b"[" + line + b"]", b"", b'"x"', b"null",
        line[:-1] + b',"source":{"ip":"10.9.9.9"}}', line[:-1] + b',"SourcePort":1,"ts":1}',
        line[:-1] + b',"source":{"port":7.50}}', line[:1] + b'"event":{"a":1},' + line[1:],
    ))  # fmt: skip


def differences(log_format: str, lines: list[bytes]) -> list[str]:
    """What differs between the outcome of the lines together and alone."""
    one, other = together(log_format, lines), alone(log_format, lines)
    found = []
    for rows, others in zip(one[:2], other[:2], strict=True):
        by_line = [{row["source_line"]: row for row in some} for some in (rows, others)]
        for line in sorted(by_line[0].keys() ^ by_line[1].keys()):
            found.append(f"line {line} {lines[line - 1]!r}: {by_line[0].get(line)} {by_line[1].get(line)}")
        for line in sorted(by_line[0].keys() & by_line[1].keys()):
            row, same = by_line[0][line], by_line[1][line]
            if row != same:
                changed = {name: (row[name], same[name]) for name in row if row[name] != same[name]}
                found.append(f"line {line} {lines[line - 1]!r}: {changed}")
    return [*found, *([] if one[2] == other[2] else [f"{one[2]} {other[2]}"])]
