from __future__ import annotations

import io
from typing import Any

import pytest

from common.runtime.text_tables import print_table


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


REASON = "many peers that are new to this host and to its whole segment"
ROWS: list[dict[str, Any]] = [
    {"host": "10.1.0.7", "sessions": 12, "score": 0.5, "reason": REASON},
    {"host": "10.1.0.70", "sessions": 1234567, "score": 12.125, "reason": None},
]
COLUMNS = ("host", "sessions", "score", "reason")


@pytest.fixture(autouse=True)
def a_plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")


def on_terminal_of(width: int, monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, Any]] = ROWS) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(width))
    out = Terminal()
    print_table(rows, COLUMNS, out)
    return [line.rstrip() for line in out.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()]


def test_elsewhere_lines_are_whole_and_numbers_aligned() -> None:
    out = io.StringIO()
    print_table([*ROWS, {"host": "a" * 300, "score": 1e-9}], COLUMNS, out)
    header, rule, first, second, third = out.getvalue().splitlines()
    assert out.getvalue().isascii()
    assert [cell.strip() for cell in header.split("|")[1:-1]] == list(COLUMNS)
    assert not set(rule) - set("|-")
    assert [cell.strip() for cell in first.split("|")[1:-1]] == ["10.1.0.7", "12", "0.5", REASON]
    assert first.index("12 |") + 2 == second.index("1234567") + 7
    assert first.index("0.5") + 1 == second.index("12.125") + 2
    assert "a" * 300 in third and "1e-09" in third


def test_on_a_terminal_texts_wrap_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = on_terminal_of(60, monkeypatch)
    assert max(map(len, lines)) <= 60
    assert lines[2].startswith("10.1.0.7 ") and "many peers" in lines[2]
    assert set(" ".join(lines).split()) >= {*REASON.split(), "10.1.0.70", "1234567", "12.125"}


def test_rows_wider_than_the_terminal_are_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = on_terminal_of(30, monkeypatch)
    assert lines == [
        "row 1",
        "  host      10.1.0.7",
        "  sessions  12",
        "  score     0.5",
        f"  reason    {REASON}",
        "row 2",
        "  host      10.1.0.70",
        "  sessions  1234567",
        "  score     12.125",
        "  reason",
    ]


@pytest.mark.parametrize("width", [30, 200])
def test_cells_are_text_and_nothing_else(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = "[red]x[/red]:smile:\x1b]0;t\x07"
    shown = " ".join(on_terminal_of(width, monkeypatch, [{"host": hostile, "reason": hostile}]))
    assert shown.count("[red]x[/red]:smile:\\x1b]0;t\\x07") == 2


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.1 + 0.2, "0.3"), (123456789.6, "123456790"), (True, "true"), ({"a": [1]}, '{"a": [1]}'), (7, "7")],
)
def test_values(value: Any, shown: str) -> None:
    out = io.StringIO()
    print_table([{"host": value}], ("host",), out)
    assert out.getvalue().splitlines()[-1].strip("| ") == shown
