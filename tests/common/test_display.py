from __future__ import annotations

import json
import sys
import unicodedata

import pytest

from common.display import counted, in_csv, in_json, lines_on_terminal, on_terminal

HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Co", "Cs", "Cn"})


def test_no_character_that_a_terminal_obeys_is_left() -> None:
    every = "".join(map(chr, [*range(0x12000), *range(0xE0000, 0xE0200), sys.maxunicode]))
    shown = on_terminal(every)
    assert not HIDDEN & {unicodedata.category(character) for character in shown}
    kept = "".join(c for c in every if unicodedata.category(c) not in HIDDEN)
    assert on_terminal(kept) == kept


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("Bürofläche 日本", "Bürofläche 日本"),
        ("\x9b31mred", "\\x9b31mred"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\u202egpj.exe", "a\\u202egpj.exe"),
        ("two\nlines\r\u2028", "two\\x0alines\\x0d\\u2028"),
        ("\udce9 \U000e0041", "\\udce9 \\U000e0041"),
        (b"x", "b'x'"),
    ],
)
def test_on_terminal(text: object, shown: str) -> None:
    assert on_terminal(text) == shown


def test_lines_keep_their_ends_and_tabs() -> None:
    assert lines_on_terminal("a\tb\r\n\x9bc\n\rd") == "a\tb\n\\x9bc\n\\x0dd"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"), ("+49 1", "'+49 1"), ("-2+3", "'-2+3"), ("@SUM(A1)", "'@SUM(A1)"), (" =1", "' =1"),
        ("\uff1d1", "'\uff1d1"), ("\t=1", "\\x09=1"), ("\r=1", "\\x0d=1"), ("-5", "-5"), ("+1.5e-3", "+1.5e-3"),
        ("10.1.2.3", "10.1.2.3"), ("", ""), ("-", "'-"),
    ],
)  # fmt: skip
def test_a_csv_cell_is_no_formula(text: str, cell: str) -> None:
    assert in_csv(text) == cell


@pytest.mark.parametrize("value", ['a "b" \\ ü', "\x9b\x7f\u202e", "\U000e0041", "\ud800", None, 5])
def test_json_is_the_same_value_and_printable(value: object) -> None:
    assert json.loads(in_json(value)) == value and in_json(value).isprintable()
    assert in_json("ü") == '"ü"'


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 other hosts"), (1, "1 other host"), (2, "2 other hosts"), (1000, "1,000 other hosts")]
)
def test_counted(number: int, words: str) -> None:
    assert counted(number, "other host") == words
