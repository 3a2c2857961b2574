"""What a person sees on a terminal while a command works."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import command_line
from tests.terminals import COLOUR, CONTROL, Shown, on_terminal

WORK = """
import logging, os, sys, time, warnings
from common.errors import InputError
from common.runtime.cli import report_errors
from common.runtime.output import activity, doing, progress
from common.runtime.run_report import RunReport

@report_errors
def main():
    report = RunReport("ndr-test")
    {body}

main()
"""
STEPS = """
    with report.step("parse"):
        for number in range(1, 41):
            progress(number * 1_000_000, 40_000_000, "bytes")
            time.sleep(0.02)
    with report.step("query"):
        doing("of 3 tables")
        time.sleep(0.4)
    print("result")
"""


def work(body: str) -> list[str | Path]:
    return [sys.executable, "-c", WORK.format(body=body.strip())]


@pytest.fixture(scope="module")
def shown() -> Shown:
    """The steps above on a terminal."""
    return on_terminal(work(STEPS))


def test_a_bar_moves_and_each_step_leaves_one_line(shown: Shown) -> None:
    assert shown.code == 0
    parse, query, result = shown.lines
    assert re.fullmatch(r"ndr-test: parse [0-9.]+ s", parse) and re.fullmatch(r"ndr-test: query [0-9.]+ s", query)
    assert result == "result"
    bar = next(line for line in shown.moved if "MB" in line and "left" in line and "━" in line)
    assert re.search(r"ndr-test: parse .*[0-9.]+ of 40\.0 MB +[0-9.]+ MB/s +0:00:0[0-9] +0:00:0[0-9] left", bar), bar
    assert any(re.search(r"ndr-test: query, of 3 tables +0:00:00", line) for line in shown.moved)


def test_the_cursor_is_never_hidden(shown: Shown) -> None:
    assert "\x1b[2K" in shown.written and "\x1b[?25" not in shown.written


def test_short_steps_leave_their_lines_and_names_are_harmless() -> None:
    shown = on_terminal(work('with report.step("a"): pass\n    with report.step("\\x1b[31mb\\nc"): time.sleep(0.3)'))
    assert [re.sub(r" [0-9.]+ s$", "", line) for line in shown.lines] == ["ndr-test: a", "ndr-test: \\x1b[31mb\\x0ac"]
    assert any(line.startswith("ndr-test: \\x1b[31mb\\x0ac 0:", 2) for line in shown.moved)


@pytest.mark.slow
@pytest.mark.parametrize("width", [20, 47, 200])
def test_the_line_fits_any_terminal(width: int) -> None:
    body = STEPS.replace('"parse"', '"a very long name: 一二三四五 " + "x" * 300')
    shown = on_terminal(work(body), width=width)
    drawn = [line for line in shown.moved if re.search("0:00:00", line)]
    assert drawn and all(_cells(line) < width for line in drawn)
    assert shown.lines[-1] == "result"


def _cells(line: str) -> int:
    return sum(2 if character in "一二三四五" else 1 for character in line)


def test_without_colour_nothing_has_a_colour(shown: Shown) -> None:
    assert COLOUR.search(shown.written)
    plain = on_terminal(work(STEPS), NO_COLOR="1")
    assert not COLOUR.search(plain.written) and "━" in plain.written


def test_a_dumb_terminal_gets_plain_lines() -> None:
    shown = on_terminal(work(STEPS), TERM="dumb")
    assert not CONTROL.search(shown.written) and "\r" not in shown.written.replace("\r\n", "")
    assert [re.sub(r"[0-9.]+ s", "N s", line) for line in shown.lines] == [
        "ndr-test: parse ...",
        "ndr-test: parse N s",
        "ndr-test: query ...",
        "ndr-test: query N s",
        "result",
    ]


def test_quiet_shows_the_result_only() -> None:
    assert on_terminal(work(STEPS), NDR_LOG_LEVEL="error").written == "result\r\n"


def test_warnings_stand_above_the_bar() -> None:
    body = """
    with report.step("query"):
        time.sleep(0.3)
        logging.getLogger("retries").warning("the connection broke; waiting 2 s")
        warnings.warn("old")
        logging.getLogger("retries").info("not shown")
        time.sleep(0.3)
    """
    shown = on_terminal(work(body))
    assert shown.lines[:2] == ["warning: the connection broke; waiting 2 s", "warning: UserWarning: old"]
    assert len(shown.lines) == 3


FAILURES = {
    "in a step": 'with report.step("query"):\n        time.sleep(0.3); raise InputError("no input", "Give some")',
    "in an activity": 'with activity("query"):\n        time.sleep(0.3); raise InputError("no input", "Give some")',
}


@pytest.mark.parametrize("failure", FAILURES)
def test_the_last_line_is_the_error(failure: str) -> None:
    shown = on_terminal(work(FAILURES[failure]))
    assert (shown.code, shown.lines) == (1, ["error: no input. Give some"])


@pytest.mark.parametrize(
    "wait", ["time.sleep(60)", "__import__('hashlib').pbkdf2_hmac('sha256', b'', b'', 10**9)"], ids=["python", "c"]
)
def test_an_interruption_leaves_its_line_alone(wait: str) -> None:
    end = f"__import__('threading').Timer(0.2, os.kill, (os.getpid(), {signal.SIGTERM.value})).start()"
    shown = on_terminal(work(f'with report.step("query"):\n        time.sleep(0.4); {end}; {wait}'))
    assert (shown.code, len(shown.lines)) == (143, 1), shown.lines
    assert shown.lines[0].startswith("error: interrupted by SIGTERM.")
    assert any("ndr-test: query 0:00:00" in line for line in shown.moved)


def test_stdout_in_a_pipe_is_untouched() -> None:
    shown = on_terminal(work(STEPS), stdout=subprocess.PIPE)
    assert shown.stdout == "result\n" and len(shown.lines) == 2


def test_children_share_the_terminal() -> None:
    child = WORK.format(body=STEPS.strip()).replace("{", "{{").replace("}", "}}")
    body = f"""
    import subprocess
    with report.step("own"):
        time.sleep(0.2)
    subprocess.run([sys.executable, "-c", {child!r}], check=True)
    with report.step("last"):
        time.sleep(0.2)
    """
    shown = on_terminal([sys.executable, "-c", WORK.format(body=body.strip())])
    assert [line.partition(" ")[2].partition(" ")[0] for line in shown.lines] == ["own", "parse", "query", "", "last"]


def test_a_forked_process_draws_nothing() -> None:
    body = """
    with report.step("outer"):
        if os.fork() == 0:
            with report.step("inner"): time.sleep(0.2)
            os._exit(0)
        os.wait()
    """
    shown = on_terminal(work(body))
    assert shown.code == 0 and "inner" not in shown.written


def test_only_a_terminal_loads_the_library() -> None:
    body = 'with report.step("query"): pass\n    sys.exit("rich" in sys.modules)'
    assert subprocess.run(work(body), stderr=subprocess.DEVNULL, check=False).returncode == 0
    assert on_terminal(work(body)).code == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("ndr-lake", "show", "--lake", "/missing"),
        ("ndr-feedback", "--lake", "/missing"),
        ("ndr-batches", "list", "--window", "2026-03-10T13:08Z"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command_that_loads_says_so(arguments: tuple[str, ...]) -> None:
    shown = on_terminal(command_line(*arguments), AWS_EC2_METADATA_DISABLED="true", AWS_PROFILE="", HOME="/missing")
    assert any(line.startswith(f"{arguments[0]}: loading", 2) for line in shown.moved)
