"""What images/engine.sh says while it works."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.checkout import ROOT
from tests.terminals import on_terminal

SCRIPT = """
set -euo pipefail
source images/engine/progress.sh
trap stop_ticker EXIT
cd /
work() { sleep 1.2; say "half done"; }
during "building" work
during "starting" {last}
say "never said"
"""


def command(last: str) -> list[str]:
    return ["bash", "-c", f"cd {ROOT}\n" + SCRIPT.replace("{last}", last)]


@pytest.mark.parametrize(
    ("last", "error"), [("false", []), ('fail "no disk. Free some"', ["error: no disk. Free some"])]
)
def test_a_log_has_a_line_for_each_part(last: str, error: list[str]) -> None:
    done = subprocess.run(command(last), stderr=subprocess.PIPE, text=True, check=False)
    lines = [re.sub(r"[0-9]+ s", "N s", line) for line in done.stderr.splitlines()]
    assert done.returncode == 1
    assert lines == [
        "engine: building ...",
        "engine: half done",
        "engine: building: N s",
        "engine: starting ...",
        *error,
    ]


def test_a_terminal_has_a_line_that_moves() -> None:
    shown = on_terminal(command('fail "no disk. Free some"'))
    assert "\r\x1b[Kengine: building, 1 s" in shown.written
    lines = [re.split(r"\r\x1b\[K", line)[-1] for line in shown.written.split("\r\n")]
    assert [re.sub(r"[0-9]+ s", "N s", line) for line in lines if line] == [
        "engine: half done",
        "engine: building: N s",
        "error: no disk. Free some",
    ]
    assert "\x1b" not in on_terminal(command("false"), TERM="dumb").written
