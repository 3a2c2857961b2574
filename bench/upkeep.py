"""The cost of a live window on lakes of many commits, without and with upkeep.

    python -m bench.upkeep --out build/bench --commits 0 500 5000

A window of 60 hosts is run by ndr-15m, in turns, on a lake that has that many windows, and on one that ndr-maintain
has kept up each night, the last one of which is run. The lakes are made of one window, without an engine.
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
        lake = folder / f"as-written-{commits}"
        kept_up = folder / f"kept-up-{commits}"
        write_commits(template, lake, before, commits, given.feature_files)
        write_commits(template, kept_up, before, commits, given.feature_files, is_kept_up=True)
        upkeep = run([sys.executable, "-c", UPKEEP, str(kept_up)])
        runs: dict[Path, list[Run]] = {lake: [], kept_up: []}
        for place in runs:
            live(before, batches[before.key], place)  # rolls up the days before, which is done once
        for _ in range(given.repeats):
            for place, measured in runs.items():
                measured.append(live(LAST, batches[LAST.key], place))
        found["commits"][commits] = {
            "as_written": summary(runs[lake]) | _size(lake),
            "kept_up": summary(runs[kept_up]) | _size(kept_up),
            "upkeep": summary([upkeep]),
        }
        print(_line(commits, found["commits"][commits]), flush=True)
        for place in runs:
            shutil.rmtree(place)
    return found


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
