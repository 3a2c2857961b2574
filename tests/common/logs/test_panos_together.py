"""Reading many lines of PAN-OS at once gives what reading them one by one gives, however damaged they are."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from common.logs.blocks import Block
from common.logs.formats.panos.vectorised import parse_block
from common.logs.options import ReadOptions
from tests.common.logs.panos_logs import THREAT_RELEASES, TRAFFIC_RELEASES, threat, traffic
from tests.common.logs.panos_reading import one_by_one

pytestmark = pytest.mark.slow

SYSLOG = b"<14>Mar 11 16:23:31 fw-1 "
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
            line + SYSLOG + traffic(46).encode(),
            SYSLOG + line,
            line[2:],
            line.replace(line[:1], bytes([chance.randint(0, 255)]), 1),
            chance.randbytes(chance.randint(0, 300)),
        ),
        (80, 4, 4, 4, 2, 4, 2),
    )[0].replace(b"\n", b"")


@pytest.mark.slow
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
