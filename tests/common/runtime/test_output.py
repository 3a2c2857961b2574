"""What a command says off a terminal: JSON lines, and as much as was asked for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import click
import pytest

from common import RUN_VARIABLE, __version__
from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.events import LEVEL_VARIABLE, Event, level
from common.runtime.run_report import RunReport
from tests.commands import call

FIELDS = ["time", "level", "stage", "step", "event", "run_id", "version"]
COMMAND = """
import logging, os, subprocess, sys, warnings
from common.errors import InputError
from common.runtime.cli import report_errors
from common.runtime.output import activity
from common.runtime.run_report import RunReport

@report_errors
def main():
    report = RunReport("ndr-test")
    with report.step("read"):
        warnings.warn("old")
        logging.getLogger("retries").warning("waiting 2 s")
        logging.getLogger("retries").info("found credentials")
    report.wrote("fg_a", 3, 47)
    if len(sys.argv) > 1:
        subprocess.run([sys.executable, "-c", {again}], check=True)
    else:
        with activity("outer"), report.step("inner"):
            raise InputError("no input", "Give some")

main()
"""


def ran(arguments: list[str], **environment: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The events and the other lines of the command above."""
    source = COMMAND.format(again=repr("from common.runtime.run_report import RunReport; RunReport('b').log('', 'x')"))
    clean = {name: value for name, value in os.environ.items() if name not in (LEVEL_VARIABLE, RUN_VARIABLE)}
    done = subprocess.run(
        [sys.executable, "-c", source, *arguments],
        env={**clean, **environment},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    lines = done.stderr.splitlines()
    return [json.loads(line) for line in lines if line[0] == "{"], [line for line in lines if line[0] != "{"]


def test_every_line_but_the_error_is_an_event() -> None:
    events, others = ran([])
    assert others == ["error: no input. Give some"]
    assert all(list(event)[: len(FIELDS)] == FIELDS for event in events)
    assert [(event["level"], event["step"], event["event"]) for event in events] == [
        ("info", "read", "started"),
        ("warning", "read", "message"),
        ("warning", "read", "message"),
        ("info", "read", "finished"),
        ("info", "inner", "started"),
        ("error", "inner", "failed"),
    ]
    assert events[1]["message"] == "UserWarning: old" and events[1]["source"].startswith("<string>:")
    assert (events[2]["message"], events[2]["source"]) == ("waiting 2 s", "retries")
    assert events[5]["message"] == "no input. Give some"
    assert {(event["stage"], event["version"]) for event in events} == {("ndr-test", __version__)}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"]) for event in events)
    (run_id,) = {event["run_id"] for event in events}
    assert re.fullmatch(r"run-[0-9a-f]{16}", run_id)


def test_quiet_says_the_error_only() -> None:
    events, others = ran([], NDR_LOG_LEVEL="error")
    assert [event["event"] for event in events] == ["failed"] and len(others) == 1


def test_children_have_the_run_id_of_their_parent() -> None:
    assert len({event["run_id"] for event in ran(["child"])[0]}) == 1
    events, _ = ran(["child"], NDR_RUN_ID="nightly-7")
    assert {(event["stage"], event["run_id"]) for event in events} == {("ndr-test", "nightly-7"), ("b", "nightly-7")}


def test_levels_choose_what_is_said() -> None:
    found, _ = ran([], NDR_LOG_LEVEL="debug")
    details = [event for event in found if event["level"] == "debug"]
    assert [(event["step"], event["event"]) for event in details] == [
        ("read", "message"),
        ("fg_a", "written"),
        ("outer", "started"),
        ("inner", "abandoned"),
        ("outer", "abandoned"),
    ]
    assert (details[1]["table_version"], details[1]["rows"]) == (3, 47)
    assert "found credentials" in [event.get("message") for event in found]


@command("ndr-test")
@report_errors
def tool() -> None:
    """Works."""
    with RunReport("ndr-test").step("read"):
        click.echo(level())


@pytest.mark.parametrize(
    ("options", "found", "lines"), [([], "info", 2), (["-q"], "error", 0), (["--verbose"], "debug", 2)]
)
def test_options_hold_for_one_call(options: list[str], found: str, lines: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LEVEL_VARIABLE, raising=False)
    code, output, errors = call(tool, *options)
    assert (code, output, len(errors.splitlines())) == (0, f"{found}\n", lines)
    assert LEVEL_VARIABLE not in os.environ


def test_one_of_quiet_and_verbose() -> None:
    code, _, errors = call(tool, "-q", "-v")
    assert code == 2 and "--quiet and --verbose exclude each other" in errors


@pytest.mark.parametrize("given", ["", "loud", "INFO"])
def test_an_unknown_level_is_the_usual_one(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LEVEL_VARIABLE, given)
    assert level() == "info"


@pytest.mark.parametrize(
    ("event", "values", "text"),
    [
        ("progress", {"done": 24_973, "total": None, "unit": "records"}, "a: b, 24,973 records"),
        ("progress", {"done": 12, "total": 96, "unit": "windows"}, "a: b, 12 of 96 windows"),
        ("progress", {"done": 1_500_000, "total": 62_000_000, "unit": "bytes"}, "a: b, 1.5 of 62.0 MB"),
        ("written", {"table_version": 3, "rows": 47}, "a: b written, table_version 3, rows 47"),
    ],
)
def test_events_in_words(event: str, values: dict[str, Any], text: str) -> None:
    assert Event("info", "a", "b", event, "run-1", values).to_text() == text
