from __future__ import annotations

import csv
import io
import json
import os
import pty
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import click
import numpy as np
import pandas as pd
import pytest

from common.runtime.rows import FORMATS, default_form, format_option, plain, print_rows
from tests.commands import call

ROWS: list[dict[str, Any]] = [
    {"host": "10.1.0.7", "score": 0.25, "at": datetime(2026, 3, 10, 13, 8, tzinfo=UTC), "peers": ["a", "b"]},
    {"host": '=HYPERLINK("x")', "score": float("nan"), "at": None, "extra": -1},
]
HEADER = ["host", "score", "at", "peers", "extra"]


def printed(capsys: pytest.CaptureFixture[str], form: str, *columns: str, rows: Any = None) -> str:
    print_rows(ROWS if rows is None else rows, form, columns or None)
    return capsys.readouterr().out


def test_json_is_one_array_and_ndjson_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    values = [
        {"host": "10.1.0.7", "score": 0.25, "at": "2026-03-10T13:08:00Z", "peers": ["a", "b"]},
        {"host": '=HYPERLINK("x")', "score": None, "at": None, "extra": -1},
    ]
    assert json.loads(printed(capsys, "json")) == values
    assert [json.loads(line) for line in printed(capsys, "ndjson").splitlines()] == values


def test_csv_has_all_columns_and_no_formula(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(csv.reader(io.StringIO(printed(capsys, "csv")))) == [
        HEADER,
        ["10.1.0.7", "0.25", "2026-03-10T13:08:00Z", '["a", "b"]', ""],
        ['\'=HYPERLINK("x")', "", "", "", "-1"],
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_columns_choose_and_order(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    output = printed(capsys, form, "extra", "host")
    assert output.index("extra") < output.index("host") and "score" not in output


@pytest.mark.parametrize(
    ("form", "output", "with_columns"),
    [("json", "[]\n", "[]\n"), ("ndjson", "", ""), ("csv", "", "host\n"), ("table", "no rows\n", "no rows\n")],
)
def test_no_rows(form: str, output: str, with_columns: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, form, rows=[]) == output
    assert printed(capsys, form, "host", rows=[]) == with_columns


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_rows_are_written_as_they_come(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)

    def rows() -> Iterator[dict[str, int]]:
        yield {"row": 1}
        assert '{"row": 1}' in out.getvalue()
        yield {"row": 2}

    print_rows(rows(), form)
    assert '{"row": 2}' in out.getvalue()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (datetime(2026, 3, 10, 13, 8), "2026-03-10T13:08:00Z"),
        (datetime(2026, 3, 10, 15, 8, 1, 500, timezone(timedelta(hours=2))), "2026-03-10T13:08:01.000500Z"),
        (pd.NaT, None),
        (date(2026, 3, 10), "2026-03-10"),
        (Decimal("1.5"), 1.5),
        (Decimal("NaN"), None),
        (-np.inf, None),
        (np.int64(7), 7),
        (np.array([1.0, np.nan]), [1.0, None]),
        (b"\x01\xff", "01ff"),
        ({"a": (True, None)}, {"a": [True, None]}),
    ],
)
def test_values_are_plain_json(value: Any, shown: Any) -> None:
    assert plain(value) == shown


def test_the_form_depends_on_where_stdout_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        assert default_form() == "table"
    os.close(master)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert default_form() == "ndjson"


@click.command()
@format_option
def command(form: str) -> None:
    """Rows."""
    print_rows([{"host": "h", "text": "\x1b[31m\u202e"}], form)


@pytest.mark.parametrize("form", FORMATS)
def test_no_form_sends_what_a_terminal_obeys(form: str) -> None:
    code, output, _ = call(command, "--format", form)
    assert code == 0 and output.replace("\n", "").isprintable()


def test_the_option() -> None:
    assert call(command) == (0, '{"host": "h", "text": "\\u001b[31m\\u202e"}\n', "")
    assert "table on a terminal, ndjson elsewhere" in " ".join(call(command, "--help")[1].split())
    assert call(command, "--format", "xml")[0] == 2
