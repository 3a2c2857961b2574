r"""How soon commands answer: the help of each, and the first output of each stage, against an empty Python.

    python -m bench.startup --out build/bench/startup.json

Commands take turns, so that the load of the machine meets all alike. Targets hold for processor time, which load
changes least.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from bench.measure import machine, median
from common.runtime.catalog import STAGES, TOOLS
from common.runtime.programs import scripts_folder

HELP_SECONDS, FIRST_SECONDS = 0.3, 0.7
OTHERS = ("ndr-local", "ndr-pipelines", "ndr-statemachines", "ndr-spark")
HELPS = (*(entry.command for entry in (*STAGES, *TOOLS)), *OTHERS)
EMPTY = "python -c pass"
WINDOW = "2026-03-10T13:08Z"
"""A window of a lake that does not exist: a stage says that it starts, and then fails."""

OPTIONS = {
    "ndr-fg-b": ("--month", "2026-03"),
    "ndr-inventory-unload": ("--month", "2026-03"),
    "ndr-if-training": ("--stage", "train", "--run-id", "a", "--window", f"{WINDOW}/2026-03-11T13:08Z"),
    "ndr-maintain": (),
    "ndr-extractor": ("--window", WINDOW, "--input-prefix", "none", "--request-id", "a", "--manifest", "manifest"),
}


def measured(command: Sequence[str]) -> dict[str, float]:
    """Seconds until the first output and until the end, and processor seconds until each."""
    with tempfile.TemporaryDirectory() as folder:
        began = monotonic()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder)
        assert child.stdout is not None
        text = os.read(child.stdout.fileno(), 1 << 16)
        first, first_cpu = monotonic() - began, _processor_seconds(child.pid)
        while os.read(child.stdout.fileno(), 1 << 16):
            pass
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0
    if "--lake" in command and b'"event": "started"' not in text:
        raise SystemExit(f"{' '.join(command)} does not begin with the event of its start: {text.decode()}")
    whole = {"seconds": monotonic() - began, "cpu_seconds": usage.ru_utime + usage.ru_stime}
    return whole | {"first_seconds": first, "first_cpu_seconds": first_cpu}


def _processor_seconds(process: int) -> float:
    values = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")


def commands() -> dict[str, list[str]]:
    """What is measured, by name: an empty Python, all helps, and the stages at work."""
    found = {EMPTY: [sys.executable, "-c", "print()"]}
    found |= {f"{name} --help": [str(scripts_folder() / name), "--help"] for name in HELPS}
    for stage in STAGES:
        options = OPTIONS.get(stage.command, ("--window", WINDOW))
        inputs = ("--input", "none") if stage.command in ("ndr-delta", "ndr-15m") else ()
        found[stage.command] = [str(scripts_folder() / stage.command), *options, *inputs, "--lake", "lake"]
    return found


def measure(repeats: int) -> dict[str, Any]:
    """Medians of each command, which is run `repeats` times, in turns with the others."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in commands()}
    for _ in range(repeats):
        for name, command in commands().items():
            runs[name].append(measured(command))
    return {name: {key: median(run[key] for run in found) for key in found[0]} for name, found in runs.items()}


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown, with the target of each."""
    lines = [
        "| command | first output, s | processor, s | end, s | processor, s | at most, s | met |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for name, entry in figures.items():
        limit = None if name == EMPTY else HELP_SECONDS if name.endswith("--help") else FIRST_SECONDS
        cost = entry["cpu_seconds"] if limit == HELP_SECONDS else entry["first_cpu_seconds"]
        cells = [f"{entry[key]:.2f}" for key in ("first_seconds", "first_cpu_seconds", "seconds", "cpu_seconds")]
        judged = ("", "") if limit is None else (f"{limit:g}", "yes" if cost <= limit else "**no**")
        lines.append(f"| `{name}` | {' | '.join([*cells, *judged])} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="file for the results")
    parser.add_argument("--repeats", type=int, default=5, help="number of runs of each command")
    given = parser.parse_args()
    figures = measure(given.repeats)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps({"machine": machine(), "commands": figures}, indent=2) + "\n")
    print(table(figures))


if __name__ == "__main__":
    main()
