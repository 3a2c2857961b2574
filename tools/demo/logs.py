"""The logs of the demo: simulated where none are given, and whether a lake may be filled from them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import click

from common.errors import InputError
from common.windows import Windows
from tools.demo.exclusive import exclusive
from tools.demo.steps import files_digest, run_command

HOSTS, DAYS = 60, 8


def simulated(scenario: Path) -> str:
    """The folder with the simulated logs, which are made once; demos that run side by side share them."""
    with exclusive(scenario.parent, waiting=f"waiting for another ndr-demo, which simulates in {scenario.parent}"):
        if not (scenario / "scenario.json").is_file():
            click.echo(f"simulating {DAYS} days of an office with {HOSTS} hosts in {scenario} ...", err=True)
            run_command("ndr-simulate", "--out", str(scenario), "--hosts", str(HOSTS), "--days", str(DAYS))
    return str(scenario)


def logs_digest(paths: tuple[str, ...], log_time_zone: str | None) -> str:
    """A digest of the files and of how their times are read."""
    return hashlib.sha256(f"{files_digest(paths)} {log_time_zone}".encode()).hexdigest()


def require_replaceable(lake: Path, digest: str, windows: Windows) -> None:
    """Records of which logs the lake's windows are, before any are written.

    Other logs than before must cover all windows that the lake has, so that each is replaced.

    Raises:
        InputError: windows of other logs would stay, or the lake is not the demo's.
    """
    memory = lake / "_demo" / "logs.json"
    if memory.is_file():
        before = json.loads(memory.read_text(encoding="utf-8"))
        held = Windows.parse(before["windows"])
        if before["digest"] == digest:
            windows = Windows(min(held.start, windows.start), max(held.end, windows.end))
        elif held.start < windows.start or held.end > windows.end:
            raise InputError(
                f"the lake {lake} has windows {held} of other logs, and these cover {windows}: both would be mixed",
                "Give another lake with --lake (make demo LAKE=...), or remove this one",
            )
    elif (lake / "delta_host").exists() and not (lake / "_demo" / "steps.json").exists():
        raise InputError(
            f"the lake {lake} was not made by ndr-demo, whose windows would be mixed with those that it has",
            "Give another lake with --lake (make demo LAKE=...)",
        )
    memory.write_text(json.dumps({"digest": digest, "windows": str(windows)}), encoding="utf-8")
