"""VPC flow logs that are read together come out as they do one by one."""

from __future__ import annotations

import random

import pytest

from common.logs.batches import ParsedBatch
from common.logs.blocks import Block
from common.logs.formats import vpcflow
from common.logs.named_lines import NamedColumns
from common.logs.options import ReadOptions
from common.logs.source import Source
from common.logs.vpc_records import DEFAULT

HEADER = " ".join((*DEFAULT, "tcp-flags"))


def records(number: int) -> list[str]:
    draw = random.Random(7)
    lines = []
    for at in range(number):
        ports = draw.choice(((51514, 443), (443, 51514), (53, 53), (0, 0), (2000, 3000), (1023, 1024)))
        protocol, flags = draw.choice((6, 17, 1, 58, 47)), draw.choice((0, 2, 3, 18, 19, 4, "-"))
        action = draw.choice(("ACCEPT", "REJECT", "ACCEPT"))
        lines.append(
            f"2 111122223333 eni-0abc 10.1.4.{at % 250} 198.51.100.7 {ports[0]} {ports[1]} {protocol} 15 {at} "
            f"1772525371 1772525414 {action} OK {flags}"
        )
    return lines


def read(data: str) -> ParsedBatch:
    (batch,) = vpcflow.read(Source("f", ReadOptions(), [Block(data.encode("utf-8", "surrogateescape"), 1)]))
    return batch


def one_by_one(data: str, monkeypatch: pytest.MonkeyPatch) -> ParsedBatch:
    with monkeypatch.context() as patch:
        patch.setattr("common.logs.formats.vpcflow.NamedColumns", lambda *a, together, **k: NamedColumns(*a, **k))
        return read(data)


def assert_same(data: str, monkeypatch: pytest.MonkeyPatch) -> ParsedBatch:
    found, expected = read(data), one_by_one(data, monkeypatch)
    assert found.sessions.to_pylist() == expected.sessions.to_pylist()
    assert found.rejects.to_pylist() == expected.rejects.to_pylist()
    assert (found.others, found.zones) == (expected.others, expected.zones)
    assert found.records_read == expected.records_read
    return found


def test_many_records(monkeypatch: pytest.MonkeyPatch) -> None:
    data = "\n".join((HEADER, *records(400), "- - - - - - - - - - 1772525371 1772525414 - NODATA -"))
    found = assert_same(data, monkeypatch)
    assert found.sessions.num_rows == 400 and found.others == {"NODATA": 1}
    assert_same(data + "\n", monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr("common.logs.vpc_records.session_of", None)
        assert read("\n".join((HEADER, *records(400)))).sessions.num_rows == 400


def test_a_second_header_changes_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    swapped = " ".join((*DEFAULT[:3], "dstaddr", "srcaddr", *DEFAULT[5:], "tcp-flags"))
    data = "\n".join((HEADER, *records(20), swapped, *records(20)))
    found = assert_same(data, monkeypatch)
    assert found.sessions.num_rows == 40


@pytest.mark.slow
def test_damaged_records(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(11)
    noise = ["", " ", "-", "x", "\r", "\0", "\udcff", "é", '"', "99999999999", "\n", "\n\n", "REJECT", "  ", "."]
    for _ in range(300):
        lines = [HEADER, *records(12)]
        for _ in range(draw.choice((1, 2, 6))):
            number = draw.randrange(1, len(lines))
            at = draw.randrange(len(lines[number]) + 1)
            lines[number] = lines[number][:at] + draw.choice(noise) + lines[number][at + draw.choice((0, 1, 6)) :]
        assert_same("\n".join(lines), monkeypatch)
