"""Records inside other records: every wrapper around several formats gives the sessions of the bare records."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.logs import Counts, ReadOptions, detect_format, find_logs, read_files
from common.logs.blocks import BLOCK_BYTES, Block
from common.logs.file_parts import FilePart
from common.logs.packing import Damage
from common.logs.reading import read_records
from common.logs.wrappers import Wrapping, documents
from common.logs.wrappers.columns import objects_at, texts_at
from common.logs.wrappers.documents import Splitter
from common.logs.wrappers.records import PATHS, records_at, unwrapped
from tests.common.logs.log_samples import SAMPLES
from tests.common.logs.panos_logs import traffic
from tests.common.logs.test_files import write
from tests.common.logs.wrappings import OBJECTS, TEXT

COUNT = 24
PLACE = ("source_file", "source_line")


def sample(name: str, count: int = COUNT) -> list[str]:
    return SAMPLES[name](random.Random(1), count).decode().split("\n")


def read(path: str, threads: int = 1) -> tuple[list[dict[str, Any]], Counts, list[dict[str, Any]]]:
    counts, sessions, rejects = Counts(), [], []
    for batch in read_files([path], ReadOptions(), threads):
        counts.add(batch)
        sessions += batch.sessions.to_pylist()
        rejects += batch.rejects.to_pylist()
    return sessions, counts, rejects


def values(sessions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sessions without their places; those of one line may come in any order."""
    rows = [{name: value for name, value in row.items() if name not in PLACE} for row in sessions]
    return sorted(rows, key=str)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["panos", "syslog", "sls", "ecs", "zeek", "zeek_json", "argus"])
@pytest.mark.parametrize("wrapper", TEXT)
def test_texts(tmp_path: Path, wrapper: str, name: str) -> None:
    _check(tmp_path, sample(name), TEXT[wrapper](sample(name)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sls", "ecs", "zeek_json"])
@pytest.mark.parametrize("wrapper", OBJECTS)
def test_objects(tmp_path: Path, wrapper: str, name: str) -> None:
    records = sample(name)
    if wrapper == "array on each line":
        records = [record for record in records[::2] for _ in range(2)]
    _check(tmp_path, records, OBJECTS[wrapper](sample(name)))


def _check(folder: Path, records: list[str], text: str) -> None:
    bare, wrapped = write(folder / "bare", "\n".join(records)), write(folder / "wrapped", text)
    expected, expected_counts, _ = read(bare)
    found, counts, rejects = read(wrapped)
    assert len(expected) > 10 and not rejects
    assert values(found) == values(expected)
    assert counts.of_records() == expected_counts.of_records() and counts.others == expected_counts.others
    assert find_logs([bare], ReadOptions()).formats == find_logs([wrapped], ReadOptions()).formats


def test_the_line_is_that_of_the_file(tmp_path: Path) -> None:
    lines = [traffic(46, {39: str(number)}) for number in range(3)]
    bad = traffic(46, {25: "70000"})
    text = json.dumps([{"message": line} for line in [*lines, bad]], indent=1)
    sessions, _, (reject,) = read(write(tmp_path / "log", text))
    assert [row["source_line"] for row in sessions] == [2, 5, 8]
    assert (reject["source_line"], reject["raw"]) == (11, bad)
    assert dict(read_records(FilePart(str(tmp_path / "log"))))[5] == lines[1].encode()


def test_what_cannot_be_unwrapped_is_rejected_as_it_is(tmp_path: Path) -> None:
    good = [json.dumps({"message": traffic(46, {39: str(number)})}) for number in range(3)]
    others = ['{"message": "cut off', '{"message": 5}', '{"other": "text"}', "no JSON", "[]", '{"message": "nonsense"}']
    mixed = [line for pair in zip([*good, good[0], good[0], good[0]], others, strict=True) for line in pair]
    sessions, counts, rejects = read(write(tmp_path / "log", "\n".join(mixed)))
    assert len(sessions) == len(rejects) == 6 and counts.read == 12
    assert [reject["raw"] for reject in rejects] == [*others[:5], "nonsense"]
    assert [reject["source_line"] for reject in rejects] == [2, 4, 6, 8, 10, 12]


def test_an_ecs_document_with_its_original_is_ecs() -> None:
    (document,) = sample("ecs", 1)
    whole = json.loads(document) | {"message": traffic()}
    assert detect_format(json.dumps(whole).encode()) == "ecs"
    failed = {"@timestamp": "x", "ecs": {}, "event": {"kind": "pipeline_error", "original": traffic()}}
    assert detect_format(json.dumps(failed).encode()) == "panos"


def test_documents_that_a_pipeline_could_not_take_apart_among_others(tmp_path: Path) -> None:
    documents = sample("ecs", 40)
    for at in (0, 7, 8, 39):
        original = traffic(46, {39: str(at), 11: "from the original"})
        failed = {"@timestamp": "x", "ecs": {}, "event": {"kind": "pipeline_error", "original": original}}
        documents[at] = json.dumps(failed)
    documents[20] = json.dumps({"@timestamp": "x", "ecs": {}, "event": {"kind": "pipeline_error"}})
    sessions, counts, (reject,) = read(write(tmp_path / "log", "\n".join(documents[1:])))
    assert counts.read == 39 and reject["source_line"] == 20
    assert [row["source_line"] for row in sessions] == [line for line in range(1, 40) if line != 20]
    assert [row["source_line"] for row in sessions if row["rule"] == "from the original"] == [7, 8, 39]


def test_both_ways_to_unwrap_agree() -> None:
    chance = random.Random(3)
    texts = ["", "a", "two\nlines", "end\r\n", 'quote " and \\', "\u00e9\u4e2d", "\x00", "tab\t"]
    for _ in range(200):
        rows = [{"message": chance.choice(texts), "event": {"original": chance.choice(texts)}} for _ in range(5)]
        data = "\n".join(json.dumps(row, ensure_ascii=chance.random() < 0.5) for row in rows).encode()
        for path in (("message",), ("event", "original")):
            expected = [line for row in data.split(b"\n") for line in records_at(row, path)]
            found = unwrapped(Block(data, 1), path)
            assert found.data.removesuffix(b"\n").split(b"\n") == expected
            assert found.numbers is not None and len(found.numbers) == len(expected)


@pytest.mark.parametrize(
    "data",
    [
        b'{"message": "a"}\n\n{"message": "b"}', b'{"message": "a"} {"message": "b"}', b'{"message": "caf\xe9"}',
        b'{"message": "a", "source": {"ip": "10.1.1.1"}}', b'{"message": 1}', b'{"message": null}', b"{}", b"",
        b'{"message": "a"', b'{"message": "\\ud800"}',
    ],
)  # fmt: skip
def test_what_needs_a_closer_look(data: bytes) -> None:
    assert texts_at(data, ("message",)) is None


def test_objects_of_lines_are_found_at_once() -> None:
    row = {"time": 1.50, "fields": {"event": {"no": 1}}, "event": {"a": 'x "event": {} \\', "n": 1.10}, "z": {}}
    data = "\n".join([json.dumps(row)] * 3).encode()
    assert objects_at(data, "event") == (json.dumps(row["event"]) + "\n").encode() * 3
    for spoilt in (b"{}\n" + data, data + b'\n{"event": 1}', data[:-1], b'{"event": {}, "source": {"ip": "::"}}', b"}"):
        assert objects_at(spoilt, "event") is None
        lines = [line for part in spoilt.split(b"\n") for line in records_at(part, ("event",))]
        assert unwrapped(Block(spoilt, 1), ("event",)).data == b"\n".join((*lines, b""))


def pieces(data: bytes, step: int) -> Iterator[bytes]:
    return (data[at : at + step] for at in range(0, len(data), step))


def lines_in(blocks: Iterator[Block]) -> list[bytes]:
    found = []
    for block in blocks:
        lines = block.data.split(b"\n")[:-1]
        assert block.numbers is not None and len(block.numbers) == len(lines)
        assert list(block.numbers) == sorted(block.numbers)
        found += lines
    return found


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 50, BLOCK_BYTES])
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_documents_are_neither_lost_nor_doubled(monkeypatch: pytest.MonkeyPatch, size: int, step: int) -> None:
    monkeypatch.setattr(documents, "BLOCK_BYTES", size)
    rows = [{"a": at, "s": 'x"{}\\' * (at % 5), "n": {"k": [{"z": 1}, {"y": "}{"}]}} for at in range(40)]
    shapes = [json.dumps(rows), json.dumps(rows, indent=2), "".join(map(json.dumps, rows))]
    shapes += ["\r\n".join(map(json.dumps, rows)), f"[{json.dumps(rows[0])}]\n{json.dumps(rows[1:], indent=1)}\n"]
    for text in shapes:
        assert [json.loads(line) for line in lines_in(Splitter(0).blocks(pieces(text.encode(), step)))] == rows
    result = json.dumps({"took": 1, "x": {"y": {"z": 1}}, "hits": {"total": {"value": 1}, "hits": rows}}, indent=1)
    assert [json.loads(line) for line in lines_in(Splitter(2).blocks(pieces(result.encode(), step)))] == rows


@pytest.mark.slow
def test_spoilt_documents_stay_near_their_damage() -> None:
    chance = random.Random(5)
    rows = [json.dumps({"id": at, "text": 'a"b{c}\\', "list": [{"x": 1}]}) for at in range(300)]
    text = ("[" + ",\n".join(rows) + "]").encode()
    for _ in range(300):
        at = chance.randrange(len(text))
        spoilt = text[:at] + bytes([chance.choice(b'"{}\\x,[')]) + text[at + chance.choice((0, 1, 30)) :]
        found = lines_in(Splitter(0).blocks(pieces(spoilt, chance.choice((500, 1 << 20)))))
        assert sum(line.decode(errors="replace") in rows for line in found) >= 296
        kept = b"".join(found).translate(None, b" \n,[]")
        assert len(spoilt.translate(None, b" \n,[]")) == len(kept), "bytes are lost or doubled"


@pytest.mark.slow
@pytest.mark.parametrize("junk", [b"}", b'{"a":"', b'{"a":', b'{}"{', b"[[", b'"', b"x\n", b"{ }}\n"])
def test_what_is_no_json_is_read_in_time(junk: bytes) -> None:
    text = b'{"id": 1}' + junk * (5_000_000 // len(junk)) + b'\n{"id": 2}'
    began = time.process_time()
    lines = lines_in(Splitter(0).blocks(pieces(text, BLOCK_BYTES)))
    assert lines[0] == b'{"id": 1}' and time.process_time() - began < 60


def test_documents_after_a_hole() -> None:
    rows = [json.dumps({"id": at, "inner": {"x": {"y": at}}}, indent=1) for at in range(20)]
    text = ",\n".join(rows).encode()
    at = text.index(b'"id": 10') + 20
    parts: list[bytes | Damage] = [text[:at], Damage("broken", 5), text[at + 7 :]]
    found = list(Splitter(0).blocks(parts))
    whole = [json.loads(line)["id"] for line in lines_in(iter(found)) if b'"id"' in line]
    assert whole == [number for number in range(20) if number != 10]
    (hole,) = [block for block in found if block.damage]
    assert b'"id": 10' in hole.cut and hole.next_line == text[: text.index(b'"id": 10')].count(b"\n")


@pytest.mark.slow
def test_a_long_array_takes_little_memory() -> None:
    row = json.dumps({"LogType": "TRAFFIC", "text": "x" * 500}).encode()

    def stream() -> Iterator[bytes]:
        yield b"["
        for _ in range(120):
            yield b",".join([row] * 1_000) + b","
        yield row + b"]"

    tracemalloc.start()
    count = sum(block.data.count(b"\n") for block in Splitter(0).blocks(stream()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 120_001 and peak < 20 * BLOCK_BYTES  # the array has more than 60 MB
    endless = [b'{"a": "', *[b"x" * BLOCK_BYTES] * 19]
    assert sum(len(block.data) for block in Splitter(0).blocks(endless)) < 20 * BLOCK_BYTES


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_large_wrapped_files_keep_order_and_lines(tmp_path: Path, threads: int) -> None:
    rows = [json.dumps({"message": traffic(46, {39: str(number)})}) for number in range(1, 40_001)]
    for text in ("\n".join(rows), "[" + ",\n".join(rows) + "]"):
        assert len(text) > 1.5 * BLOCK_BYTES
        sessions, _, _ = read(write(tmp_path / "big", text), threads)
        assert [(row["source_line"], row["sequence_number"]) for row in sessions] == [
            (number, number) for number in range(1, 40_001)
        ]


def test_inputs_of_several_formats_and_wrappers(tmp_path: Path) -> None:
    files = {
        "a": ("panos", "\n".join(sample("panos"))),
        "b": ("sls", OBJECTS["pretty array"](sample("sls"))),
        "c": ("zeek", TEXT["Docker"](sample("zeek"))),
        "d": ("ecs", OBJECTS["bulk"](sample("ecs"))),
        "e": ("panos", TEXT["Filebeat"](sample("syslog"))),
    }
    for name, (_, text) in files.items():
        write(tmp_path / name, text)
    logs = find_logs([str(tmp_path)], ReadOptions())
    assert list(logs.formats) == [name for name, _ in files.values()]
    counts = Counts()
    for batch in read_files(logs.paths, ReadOptions(), 2):
        counts.add(batch)
    assert counts.read == 5 * COUNT and not counts.rejected


def test_a_foreign_header_hides_no_format(tmp_path: Path) -> None:
    for header in ("-- export of 3 March --\n\n", "# written by a script\n", '{"exported": "yes"}\n'):
        text = header + traffic()
        sessions, _, rejects = read(write(tmp_path / "log", text))
        assert len(sessions) == 1 and len(rejects) == 1


def test_no_wrapper_changes_nothing() -> None:
    block = Block(b"a\nb\n", 1)
    assert Wrapping().unwrap(block) is block
    assert len(set(PATHS)) == len(PATHS)
