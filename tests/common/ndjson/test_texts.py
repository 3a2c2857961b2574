"""The lines of a block as columns of text, against values written by hand and against Python's JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.logs.blocks import Block
from common.logs.packing import Damage
from common.ndjson.lines import LONGEST_LINE, Reject
from common.ndjson.names import Columns, distinct
from common.ndjson.texts import read_block
from tests.common.ndjson.edge_cases import BAD, GOOD, LONG

TAKEN = ("_source_file", "_processing_timestamp")


def rows_of(data: bytes, taken: tuple[str, ...] = TAKEN) -> list[dict[str, str | None]]:
    """The rows, each with the columns of the block; there must be no rejects."""
    block = read_block(Block(data, 1), taken)
    assert block.rejects == []
    columns = [column.to_pylist() for column in block.columns(block.names)]
    for column in block.columns(block.names):
        column.validate(full=True)
    return [dict(zip(block.names, row, strict=True)) for row in zip(*columns, strict=True)]


def present(row: dict[str, str | None]) -> dict[str, str | None]:
    return {name: value for name, value in row.items() if value is not None}


def test_the_values_of_each_line_are_those_written_by_hand() -> None:
    rows = rows_of(b"\n".join(line for line, _ in GOOD))
    expected = [present(values) for _, values in GOOD]
    assert [present(row) for row in rows] == expected
    assert list(rows[0])[:4] == ["decimal", "big", "huge", "minus"]


@pytest.mark.parametrize(("line", "values"), GOOD, ids=range(len(GOOD)))
def test_a_line_alone_has_the_same_values(line: bytes, values: dict[str, str | None]) -> None:
    block = read_block(Block(line + b"\n", 1), TAKEN)
    assert [column.to_pylist() for column in block.columns(values)] == [[value] for value in values.values()]
    assert {name.lower() for name in block.names} == {name.lower() for name in values}


@pytest.mark.parametrize(("line", "reason"), BAD, ids=range(len(BAD)))
def test_a_bad_line_is_a_reject_between_good_ones(line: bytes, reason: str) -> None:
    block = read_block(Block(b'{"a":1}\n\n' + line + b'\r\n{"a":2}\n', 7))
    (column,) = block.columns(["a"])
    assert column.to_pylist() == ["1", "2"]
    assert block.rejects == [Reject(9, reason, line.decode("utf-8", "backslashreplace"))]


@pytest.mark.parametrize(("line", "reason"), BAD, ids=range(len(BAD)))
def test_a_bad_line_among_lines_that_are_alike_is_a_reject(line: bytes, reason: str) -> None:
    block = read_block(Block(b'{"a":1}\n' + line + b'\n{"a":2}\n', 1))
    assert [column.to_pylist() for column in block.columns(["a"])] == [["1", "2"]]
    assert [(reject.line, reject.reason) for reject in block.rejects] == [(2, reason)]


def test_as_many_records_as_lines_are_not_one_on_each() -> None:
    two, first, last = '{"a":1}{"a":2}', '{"a":', "3}"
    begun, ended = '{"a":', '{"b":1}}{"a":2}'
    inner = ('{"a":{}', ',"b":1}{"a":2}')
    cases = (
        ((two, first, last), 0),
        (("", two), 0),
        ((begun, ended), 0),
        (inner, 0),
        (('{"a":{}', two, "}", '{"a":4}'), 1),
    )
    for lines, good in cases:
        block = read_block(Block("\n".join(lines).encode(), 1))
        assert block.rows == good
        assert [reject.text for reject in block.rejects] == [line for line in lines if line][: len(lines) - good]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_names_that_only_later_records_have_are_columns(end: str) -> None:
    lines = ['{"a":1,"b":null}', '{"b":"x"}', *['{"a":2}'] * 1000, '{"A":3,"\\"":4,"":5}']
    block = read_block(Block(end.join(lines).encode(), 1))
    assert (block.names, block.rejects) == (("a", "b", '"', "_empty"), [])
    assert [column.to_pylist()[:2] for column in block.columns(["a", "b"])] == [["1", None], [None, "x"]]
    assert [column.to_pylist()[-2:] for column in block.columns(['a', '"', "_empty"])] == [
        ["2", "3"], [None, "4"], [None, "5"],
    ]  # fmt: skip
    alike = read_block(Block(end.join(lines[:-1]).encode(), 1))
    assert alike.names == ("a", "b")
    assert alike.columns(["a", "b"]) == [column.slice(0, 1002) for column in block.columns(["a", "b"])]


@pytest.mark.parametrize("other", ["1.50", "true", '{"b": [1]}', '"\\u00e9"', "null", '"\\n"'])
def test_a_value_that_is_no_string_behind_strings_is_as_written(other: str) -> None:
    lines = ['{"a":"x","b":1.0}', '{"a":null,"b":"y"}', *['{"a":"z"}'] * 100, f'{{"a":{other}}}']
    block = read_block(Block("\n".join(lines).encode(), 1))
    value = json.loads(other)
    expected = value if value is None or isinstance(value, str) else other
    assert block.columns(["a"])[0].to_pylist() == ["x", None, *["z"] * 100, expected]
    assert block.columns(["b"])[0].to_pylist() == ["1.0", "y", *[None] * 101]


def test_a_line_of_16_mib_is_a_record() -> None:
    assert len(LONG) == LONGEST_LINE
    assert rows_of(LONG) == [{"long": "x" * (LONGEST_LINE - 11)}]


def test_a_record_may_have_1000_columns() -> None:
    record = {f"n{number}": number for number in range(1000)}
    assert rows_of(json.dumps(record).encode()) == [{name: str(value) for name, value in record.items()}]


@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\t\n"])
def test_blank_lines_are_nothing(data: bytes) -> None:
    block = read_block(Block(data, 1))
    assert (block.rows, block.names, block.rejects) == (0, (), [])


def test_damage_is_a_reject_behind_the_lines_before_it() -> None:
    block = read_block(Block(b'{"a":1}\n', 1, Damage("the gzip stream is cut off", None), b'{"a'))
    assert (block.names, block.rejects) == (("a",), [Reject(2, "the gzip stream is cut off", '{"a')])


def test_a_column_that_no_record_has_is_null() -> None:
    block = read_block(Block(b'{"a":1}\n{"b":"x"}\n', 1))
    assert [column.to_pylist() for column in block.columns(["c", "B"])] == [[None, None], [None, "x"]]


def test_names_are_told_apart_without_regard_to_case() -> None:
    assert distinct(["a", "A", "a__2", "", "_Empty", "taken"], ["Taken"]) == (
        "a", "A__2", "a__2__2", "_empty", "_Empty__2", "taken__2",
    )  # fmt: skip


def test_columns_keep_the_order_and_spelling_of_their_first_sight() -> None:
    columns = Columns(["b", "A"])
    columns.add(["a", "c", "B"])
    assert columns.names == ("b", "A", "c")
    assert columns.has_all(["C", "a"])
    assert not columns.has_all(["a", "d"])


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS | TEXTS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=8
)
NAMES = st.sampled_from(["a", "b", "c.d", "é", "x y"]) | st.from_regex(r"[a-z]{1,3}", fullmatch=True)


def written(value: Any, ascii_only: bool) -> str | None:
    """The text rule: strings are themselves, null is null, anything else is as it was written."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=ascii_only)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=5), max_size=6), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_documents_of_python_have_the_values_that_python_gave_them(
    documents: list[dict[str, Any]], ascii_only: bool, end: str
) -> None:
    lines = "".join(json.dumps(document, ensure_ascii=ascii_only) + end for document in documents)
    block = read_block(Block(lines.encode(), 1))
    names = list(dict.fromkeys(name for document in documents for name in document))
    assert block.rejects == []
    assert block.names == tuple(names)
    assert [column.to_pylist() for column in block.columns(names)] == [
        [written(document.get(name), ascii_only) for document in documents] for name in names
    ]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.text('{}[]":,\\u0123eE+-.ntfalsru d8\x01').map(str.encode))
def test_what_python_refuses_is_refused(line: bytes) -> None:
    line = line.replace(b"\n", b" ")
    try:
        value = json.loads(line.decode(), parse_constant=_refuse)
        is_record = isinstance(value, dict) and not _has_half_pair(json.dumps(value, ensure_ascii=False))
    except (ValueError, RecursionError):
        is_record = False
    block = read_block(Block(line, 1))
    assert block.rows == is_record
    assert len(block.rejects) == (not is_record and bool(line.strip(b" \t\r")))


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _has_half_pair(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
