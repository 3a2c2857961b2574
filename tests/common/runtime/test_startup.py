"""How a command starts: its help loads no heavy library, and a stage says that it starts before it loads one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

import pytest

from bench.startup import HELPS, commands
from common.runtime.catalog import STAGES
from tests.checkout import ROOT

HEAVY = {
    *("boto3", "botocore", "deltalake", "duckdb", "mlflow", "numpy", "optuna", "pandas", "polars"),
    *("pyarrow", "pydantic", "pysail", "pyspark", "rich", "scipy", "sklearn", "tenacity", "yaml"),
}
"""Each takes at least 0.05 s of processor time to load."""

HELP = """
import json, sys
from importlib.metadata import entry_points
names, heavy = json.loads(sys.argv[1]), set(json.loads(sys.argv[2]))
before = set()
for script in entry_points(group="console_scripts"):
    if script.name in names:
        script.load().main(["--help"], prog_name=script.name, standalone_mode=False)
        found = heavy.intersection(sys.modules) - before
        before |= found
        print(json.dumps([script.name, sorted(found)]), file=sys.stderr)
"""
"""Prints, of each command, the heavy libraries that it is the first to load."""

STAGE = """
import sys
class Stream:
    def __init__(self, stream): self.stream = stream
    def write(self, text):
        if text.startswith("{"):
            self.stream.write(" ".join(sys.modules) + "\\n" + text + "\\n")
            self.stream.flush()
            import os
            os._exit(0)
    def flush(self): pass
    def isatty(self): return False
    def fileno(self): return 2
sys.stderr = Stream(sys.stderr)
from importlib.metadata import entry_points
(script,) = entry_points(group="console_scripts", name=sys.argv[1])
script.load().main(sys.argv[2:], prog_name=sys.argv[1])
"""


def loaded(code: str, *arguments: str) -> Sequence[str]:
    """The lines on stderr of Python with that code."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stderr.splitlines()


@pytest.fixture(scope="module")
def loaded_by_help() -> dict[str, list[str]]:
    return dict(map(json.loads, loaded(HELP, json.dumps(HELPS), json.dumps(sorted(HEAVY)))))


@pytest.mark.parametrize("command", HELPS)
def test_help_loads_no_heavy_library(command: str, loaded_by_help: dict[str, list[str]]) -> None:
    assert loaded_by_help[command] == []


@pytest.mark.slow
@pytest.mark.parametrize("stage", [stage.command for stage in STAGES if stage.is_step])
def test_a_stage_says_that_it_starts_before_it_loads_a_heavy_library(stage: str) -> None:
    modules, event = loaded(STAGE, stage, *commands()[stage][1:])
    assert not HEAVY & set(modules.split())
    found = json.loads(event)
    assert (found["stage"], found["step"], found["event"], found["level"]) == (stage, "", "started", "info")
