"""JSON lines that are read together come out as they do alone."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from common.logs.blocks import Block
from common.logs.json_columns import JsonLines, text_columns
from common.logs.json_fields import by_combination
from common.logs.json_lines import document_of, text_at
from common.logs.tables import sessions_of
from common.logs.values import FieldError
from tests.common.logs.json_samples import SAMPLES, differences, spoilt_line, together


@pytest.mark.slow
@pytest.mark.parametrize("at", range(len(SAMPLES)))
@pytest.mark.parametrize("seed", range(3))
def test_spoilt_documents_together_and_alone(at: int, seed: int) -> None:
    chance = random.Random(f"{at}-{seed}")
    log_format, document = SAMPLES[at]
    lines = [spoilt_line(chance, document) for _ in range(400)]
    lines[0] = json.dumps(document).encode()
    assert differences(log_format, lines) == []


@pytest.mark.parametrize(("log_format", "document"), SAMPLES)
def test_good_documents_are_read_together(
    log_format: str, document: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def counted(*given: object) -> tuple[pa.RecordBatch, object]:
        rows, certain = sessions_of(*given)  # type: ignore[arg-type]
        read.append(rows.num_rows)
        return rows, certain

    monkeypatch.setattr("common.logs.json_blocks.sessions_of", counted)
    rows, rejects, _ = together(log_format, [json.dumps(document).encode()] * 50)
    assert (len(rows), rejects, read) == (50, [], [50])


PATHS = {"a": ("a",), "bc": ("b.c", "d"), "deep": ("x.y.z",)}


def columns(*lines: str) -> list[dict[str, object] | None]:
    """The texts of each line, None where they are not certain."""
    rows, certain = text_columns(pa.array(lines), PATHS)
    return [row if sure else None for row, sure in zip(rows.to_pylist(), certain.tolist(), strict=True)]


@pytest.mark.parametrize(
    "line",
    ['{"a":1,"b":{"c":"x"}}', '{"b.c":"x"}', '{"b":{"c":""},"d":"y"}', '{"b":{"c":null},"d":true}', '{"b":1,"b.c":2}',
     '{"x":{"y.z":1}}', '{"x.y":{"z":1}}', '{"x.y.z":1}', '{"x.y.z":null,"x":{"y":{"z":2}}}', '{"a":1.870E3}',
     '{"a":-0}', '{"a":1e400}', '{"a":123456789012345678901234567890}', '{"a":0.000001}', '{"a":1e21}', '{"a":1E-7}',
     '{"a":"\\u0000\\ud83d\\ude00"}', '{"a":1,"a":2}', '{"x":{"y":1},"x":{"y":{"z":1}}}', '{"a":[]}', '{"a":["x"]}',
     '{"a":{}}', '{"a":"[x"}', '{"a":"\\ud800"}', '{"a":1', '{"a":1,}', '{"a":[1,]}', '{"a":nan}', '{"q":[inf]}'],
)  # fmt: skip
def test_texts_are_those_of_single_lines_or_not_certain(line: str) -> None:
    (found,) = columns(line)
    if found is not None:
        document = document_of(line.encode())
        assert found == {name: text_at(document, *paths) for name, paths in PATHS.items()}


def test_a_malformed_line_costs_only_itself() -> None:
    assert columns('{"a":1}', '{"a":', '{"a.b":1,"a":3}', "7") == [
        {"a": "1", "bc": None, "deep": None},
        None,
        {"a": "3", "bc": None, "deep": None},
        {"a": None, "bc": None, "deep": None},
    ]


def test_dotted_names_after_a_line_without_them() -> None:
    found = columns('{"a":"10.1.1.1 x.y"}', '{"a":2}', '{"b.c":"x","a":1.5}', '{"x":{"y.z":""}}')
    assert found == [
        {"a": "10.1.1.1 x.y", "bc": None, "deep": None},
        {"a": "2", "bc": None, "deep": None},
        {"a": "1.5", "bc": "x", "deep": None},
        {"a": None, "bc": None, "deep": None},
    ]


@pytest.mark.parametrize(
    "line",
    ['{"a":1,}', '{"a":1 ,\t}', '{"q":[1, ]}', '{"q":nan,"a":1}', '{"a":1,"q":-Infinity}', '{"q":[1,NaN ,2]}',
     '{"q":[iNF]}', '{"q":{"r":INFINITY\t}}'],
)  # fmt: skip
def test_lenient_json_is_not_certain_whatever_is_around_it(line: str) -> None:
    good = '{"a":"x, y], {n} in-f, ","q":[true,null]}'
    assert columns(good, line, good)[1] is None
    assert columns(good, line, good)[2] == {"a": "x, y], {n} in-f, ", "bc": None, "deep": None}


def test_a_rule_sees_each_combination_of_texts_as_it_is() -> None:
    def joined(first: str | None, second: str | None) -> str:
        if second == "refused":
            raise FieldError("refused")
        return f"{first}|{second}"

    given = [pa.array(["a", None, "a\x1f", "a", "b"]), pa.array(["x", "x", None, "x", "refused"])]
    found, certain = by_combination(joined, given)
    assert found.to_pylist() == ["a|x", "None|x", "a\x1f|None", "a|x", None]
    assert certain.tolist() == [True, True, True, True, False]


def test_lines_of_a_block() -> None:
    deep = b'{"a":' + b"[" * 2_000 + b"]" * 2_000 + b"}"
    lines = JsonLines(
        Block(b'\xef\xbb\xbf{"a":1}\r\n\n{"a":"\xff"}\n{"a":"\xc3\xa9"}\n' + deep + b'\n [1]\n{"a":2}', 1)
    )
    assert (lines.likely.tolist(), lines.others.tolist()) == ([0, 3, 6], [1, 2, 4, 5])
    assert [lines[at] for at in (0, 1, 6)] == [b'{"a":1}', b"", b'{"a":2}']
    assert columns(*lines.texts.to_pylist())[0] == {"a": "1", "bc": None, "deep": None}


def test_threads_read_blocks_at_the_same_time() -> None:
    lines = [json.dumps(SAMPLES[2][1]).encode()] * 2_000
    expected = together("sls", lines)
    with ThreadPoolExecutor(4) as pool:
        assert all(found == expected for found in pool.map(lambda _: together("sls", lines), range(8)))
