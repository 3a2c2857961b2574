"""Garbage collection of commands."""

from __future__ import annotations

import subprocess
import sys

SAID = "import sys; sys.argv[0] = {name!r}; import common, atexit, gc; \
before = gc.get_freeze_count(); atexit._run_exitfuncs(); print(gc.get_freeze_count() > before)"


def said(name: str) -> list[str]:
    command = [sys.executable, "-c", SAID.format(name=name)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_a_command_collects_nothing_at_its_end() -> None:
    assert said("ndr-report") == ["True"]


def test_duckdb_ends_silently() -> None:
    ends = "import sys; sys.argv[0] = 'ndr-report'; import common, duckdb; print(duckdb.sql('SELECT 1').fetchall())"
    done = subprocess.run([sys.executable, "-c", ends], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[(1,)]\n", "")


def test_who_imports_it_ends_as_before() -> None:
    assert said("pytest") == ["False"]
