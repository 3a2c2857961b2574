"""What makes a file invalid."""

from __future__ import annotations

import gzip
import hashlib
import io
import json

import pytest

from jobs.c360_validate.verdicts import Verdict, verdict

ROW = {"event_id": "e1", "customer_id": "C1", "event_type": "login", "event_timestamp": "2025-01-01T00:00:00Z"}
GOOD = json.dumps(ROW).encode() + b"\n"
UNKEYED = json.dumps(ROW | {"event_id": " "}).encode() + b"\n"


def judged(content: bytes, dataset: str = "activity_logs", ratio: float = 0.05) -> Verdict:
    found = verdict(dataset, io.BytesIO(content), ratio)
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    return found


def told(content: bytes, dataset: str = "activity_logs") -> tuple[str, int | None, str | None]:
    """The reason, line and column of an invalid file."""
    problem = judged(content, dataset).problem
    assert problem
    return problem.reason, problem.line, problem.column


@pytest.mark.parametrize("content", [GOOD, GOOD.strip(), GOOD * 3 + b"\n", GOOD.replace(b"\n", b"\r\n"), b"\n"])
def test_ndjson_is_valid(content: bytes) -> None:
    found = judged(content)
    assert (found.problem, found.bad, found.rows) == (None, 0, content.count(b"{"))


def test_packed_files_are_valid() -> None:
    found = judged(gzip.compress(GOOD * 100))
    assert (found.problem, found.rows) == (None, 100)


def test_what_is_no_file_of_the_dataset() -> None:
    assert told(b"") == ("the file is empty", None, None)
    assert told(GOOD, "events")[0] == "there is no dataset 'events', but customers, plans, activity_logs"
    assert told(b"plan_id,plan_name\nP1,x\n")[:2] == (
        "2 of 2 rows are broken, more than 5.00%; the first: no JSON: invalid character (byte 0)", 1
    )  # fmt: skip
    assert told(GOOD.replace(b"event_type", b"kind")) == ("no row has event_type", None, "event_type")


def test_the_last_line_may_be_cut() -> None:
    content = GOOD * 99 + GOOD[:40]
    found = judged(content)
    assert (found.problem, found.rows, found.bad) == (None, 100, 1)


def test_broken_lines_late_in_the_file_are_seen() -> None:
    reason, line, _ = told(GOOD * 300 + b"{broken\n" * 1000)
    assert line == 301
    assert reason.startswith("1,000 of 1,300 rows are broken, more than 5.00%; the first: ")


def test_the_ratio_is_inclusive_and_counts_rows_without_a_key() -> None:
    assert judged(GOOD * 19 + UNKEYED).problem is None
    assert told(GOOD * 19 + UNKEYED * 2) == (
        "2 of 21 rows are broken, more than 5.00%; the first: no event_id", 20, "event_id"
    )  # fmt: skip
    found = judged(GOOD * 19 + UNKEYED + b"{\n", ratio=0.1)
    assert (found.problem, found.rows, found.bad) == (None, 21, 2)
    assert told(b"{\n" + UNKEYED)[1:] == (1, None)


@pytest.mark.parametrize("cut", [1, 9, 200])
def test_a_damaged_gzip_file_is_invalid(cut: int) -> None:
    packed = gzip.compress(b"".join(GOOD.replace(b"e1", hashlib.md5(b"%d" % number).hexdigest().encode())
                                    for number in range(1000)))  # fmt: skip
    reason, line, _ = told(packed[:-cut])
    assert "cut off" in reason and line is not None
    middle = packed[:3000] + b"\xff" * 20 + packed[3020:]
    assert judged(middle).problem is not None


HEADER = "plan_id,plan_name,monthly_price\n"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (HEADER + "P1,Basic,5\n", 1),
        (HEADER, 0),
        (HEADER.strip(), 0),
        ("\ufeff" + HEADER + "P1,Basic,5\n", 1),
        (HEADER + '"P1","Basic, ""new""\nand better","5"\n', 1),
        (HEADER.replace(",", ";") + "P1;Basic;5,00\n", 1),
        (HEADER.replace(",", "\t") + "P1\tBasic\t5,00\n", 1),
        (" PLAN_ID , Plan_Name,Monthly_Price\r\nP1,Basic,5\r\n\r\n", 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_csv_is_valid(text: str, rows: int, encoding: str) -> None:
    if encoding == "utf-16":
        text = text.removeprefix("\ufeff")
    found = judged(text.encode(encoding), "plans")
    assert (found.problem, found.rows, found.bad) == (None, rows, 0)


def test_latin_1_is_understood() -> None:
    assert judged((HEADER + "P1,Crédit,5\n").encode("latin-1"), "plans").problem is None


def test_what_is_no_csv_of_the_dataset() -> None:
    assert told(b"\n\n", "plans") == ("no header", 1, None)
    assert told(GOOD, "plans") == ("the header has no plan_id", 1, "plan_id")
    assert told(b"plan_id,PLAN_ID\nP1,P2\n", "plans") == ("the header has plan_id twice", 1, "plan_id")
    assert told((HEADER + "P1,Basic\n").encode(), "plans")[:2] == (
        "1 of 1 rows are broken, more than 5.00%; the first: 2 values, but the header has 3 columns", 2
    )  # fmt: skip


def test_a_quote_that_nothing_ends_hides_no_rows() -> None:
    text = HEADER + "P1,a,1\n" * 20 + 'P2,"a,1\n' + "P3,b,2\n" * 20
    found = judged(text.encode(), "plans")
    assert (found.problem, found.rows, found.bad) == (None, 41, 1)
