"""The cost of a live window on lakes of many commits, with and without upkeep.

    python -m bench.upkeep --out build/bench --commits 0 500 5000

A window of 60 hosts is run by ndr-15m, in turns, on three lakes that have that many windows: one that ndr-maintain has
kept up each night, the last one of which is run; one without it, where the windows have put the files of earlier days
together; and one of a release whose windows did not. The lakes are made of one window, without an engine.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.commits import write_commits
from bench.data import COMMITS, batches
from bench.measure import Run, compile_checkout, machine, run, summary
from common.features.spec import load_spec
from common.lake.reader import LakeReader
from common.runtime.programs import scripts_folder
from common.windows import WINDOW, Windows

DAY = "2024-03-05"
FIRST, LAST = Windows.parse(f"{DAY}T12:08Z"), Windows.parse(f"{DAY}T12:38Z")
LAKES = {"kept_up": 1, "by_windows": 1, "as_written": None}
"""The days before that of the window that each lake has as their windows wrote them; None for all."""
MOST_WINDOWS = 96
UPKEEP = f"""
import sys
from datetime import datetime
from common.runtime.lake_project import lake_project
from jobs.maintain.config import MaintainConfig
from jobs.maintain.job import run
now = datetime.fromisoformat("{DAY}T03:30:00+00:00")
run(MaintainConfig(sys.argv[1], lake_project(sys.argv[1]), None, (), {{}}, False), now)
"""
"""What `ndr-maintain` does in the night before the window."""


def simulated(folder: Path, hosts: int) -> dict[str, Path]:
    """The batch of each window of a day, by window key."""
    logs = folder / f"logs-{hosts}"
    if not logs.exists():
        options = ("--start", DAY, "--days", "1", "--hosts", str(hosts), "--attack-days", "0")
        command("ndr-simulate", *options, "--out", str(logs))
    return batches(logs)


def command(name: str, *options: str) -> Run:
    """A run of an installed command."""
    return run([str(scripts_folder() / name), *options])


def live(window: Windows, batch: Path, lake: Path) -> Run:
    """A run of the window."""
    where = ("--window", str(window), "--input", str(batch), "--lake", str(lake))
    return command("ndr-15m", *where)


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """The figures by number of commits."""
    compile_checkout()
    folder: Path = given.out / "upkeep"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    batches = simulated(given.out, given.hosts)
    template = folder / "template"
    live(FIRST, batches[FIRST.key], template)
    found: dict[str, Any] = {"machine": machine(), "hosts": given.hosts, "commits": {}}
    before = Windows(LAST.start - WINDOW, LAST.start)
    for commits in given.commits:
        lakes = {name: folder / f"{name}-{commits}" for name in LAKES}
        for name, lake in lakes.items():
            write_commits(template, lake, before, commits, given.feature_files, days_as_written=LAKES[name])
        upkeep = run([sys.executable, "-c", UPKEEP, str(lakes["kept_up"])])
        runs: dict[str, list[Run]] = {name: [] for name in lakes}
        for lake in lakes.values():
            live(before, batches[before.key], lake)  # rolls up the days before, which is done once
        together = settled(before, batches[before.key], lakes["by_windows"])
        for _ in range(given.repeats):
            for name, lake in lakes.items():
                runs[name].append(live(LAST, batches[LAST.key], lake))
        of_lakes = {name: summary(runs[name]) | _size(lake) for name, lake in lakes.items()}
        found["commits"][commits] = of_lakes | {"upkeep": summary([upkeep])}
        if together:
            found["commits"][commits]["putting_together"] = summary(together) | {"windows": len(together)}
        print(_line(commits, found["commits"][commits]), flush=True)
        for lake in lakes.values():
            shutil.rmtree(lake)
    return found


def settled(window: Windows, batch: Path, lake: Path) -> list[Run]:
    """The runs of the window that put files of the day before together, until there is nothing left to do."""
    runs: list[Run] = []
    while len(runs) < MOST_WINDOWS:
        before = _size(lake)["files"]
        made = live(window, batch, lake)
        if _size(lake)["files"] == before:
            break
        runs.append(made)
    return runs


def _size(lake: Path) -> dict[str, int]:
    """The files that the logs of all tables name, and those of `fg_a`."""
    reader = LakeReader(str(lake), load_spec("v1"))
    counts = {name: reader.files(name).num_rows for name in reader.names if reader.exists(name)}
    return {"files": sum(counts.values()), "files_of_fg_a": counts["fg_a"]}


def _line(commits: int, found: dict[str, Any]) -> str:
    parts = [
        f"{name.replace('_', ' ')} {figures['seconds']:.2f} s ({figures['cpu_seconds']:.2f} s of processor time)"
        + (f", {figures['files']:,} files" if "files" in figures else "")
        for name, figures in found.items()
    ]
    return f"{commits:,} commits: {'; '.join(parts)}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the results and for logs to reuse")
    parser.add_argument("--commits", type=int, nargs="+", default=COMMITS, help="windows that the lakes have")
    parser.add_argument("--hosts", type=int, default=60, help="number of hosts")
    parser.add_argument("--repeats", type=int, default=3, help="number of runs on each lake")
    parser.add_argument("--feature-files", type=int, default=1, help="files of a window in fg_a; once, they were 15")
    given = parser.parse_args(arguments)
    given.out = given.out.resolve()
    given.out.mkdir(parents=True, exist_ok=True)
    found = measure(given)
    (given.out / "upkeep.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
