"""Run reports in the logs of jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import InputError

TOGETHER = "ndr-15m"
"""The command of a job whose log has the reports of several stages."""
OF_INPUT = ("ndr-delta", "ndr-ndjson-to-parquet")
"""The stages whose input is sessions; the first of them that ran counts them."""


@dataclass(frozen=True)
class Ran:
    """A job that ran: its command, seconds and bytes as measured, and by stage the sessions that it read."""

    command: str
    seconds: float
    read_bytes: int
    sessions: dict[str, int]


def variants(folder: Path) -> dict[str, list[Ran]]:
    """The jobs of each variant: a folder in the given one, or this one alone.

    Raises:
        InputError: there is no folder, or no run report in it.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", "Give one with the logs of jobs, or folders of them")
    inner = sorted(path for path in folder.iterdir() if path.is_dir())
    found = {path.name: list(_jobs(path)) for path in inner or [folder]}
    found = {name: jobs for name, jobs in found.items() if jobs}
    if not found:
        raise InputError(
            f"no log in {folder} has a run report", "Give the logs of jobs, such as demo/lake-aws/logs after make demo"
        )
    return found


def _jobs(folder: Path) -> Iterator[Ran]:
    """The jobs of all logs below a folder, each of which is that of a job."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (reports := list(_reports(path))):
            stages = list(dict.fromkeys(str(report["stage"]) for report in reports))
            yield Ran(
                stages[0] if len(stages) == 1 else TOGETHER,
                sum(_number(report, "seconds") for report in reports),
                round(sum(_number(report, "bytes_in") for report in reports)),
                {str(report["stage"]): _sessions(report) for report in reports if report["stage"] in OF_INPUT},
            )


def _reports(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open("rb") as lines:
        for line in lines:
            if line.startswith(b"{") and b'"rows_in"' in line:
                try:
                    found = json.loads(line)
                except ValueError:
                    continue  # a line that was cut off
                if isinstance(found.get("stage"), str) and "seconds" in found:
                    yield found


def _sessions(report: Mapping[str, Any]) -> int:
    """The sessions among the records of a report."""
    records = report.get("details", {}).get("records", {})
    return round(_number(records, "kept") if "kept" in records else _number(report, "rows_in"))


def _number(report: Mapping[str, Any], name: str) -> float:
    value = report.get(name) or 0
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise InputError(
            f"a run report of {report.get('stage')} has {name} {value!r}", "Give logs that are not altered"
        )
    return float(value)
