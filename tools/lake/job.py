"""Shows and migrates a lake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from common.errors import InputError, LakeFormatError
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.lake.lake_format import LAKE_FORMAT, UNMARKED_FORMAT, mark, read_format
from common.lake.window_status import defects, read_statuses
from common.runtime.run_report import RunReport
from tools.lake.migration import steps

WINDOWS_SHOWN = 20


def show(lake_uri: str, feature_spec_version: str) -> None:
    """Prints the state of the lake.

    Raises:
        InputError: it has no tables.
        TableError: a table is unreadable.
    """
    lake, found = _lake(lake_uri, feature_spec_version)
    statuses = read_statuses(lake)
    lacking = {key: status.incomplete_reason for key, status in sorted(statuses.items()) if status.incomplete_reason}
    present = [name for name in lake.names if lake.exists(name)]
    state = {
        "lake": lake.uri,
        "lake_format": found,
        "tables": {name: {"version": lake.version(name), "rows": lake.count(name)} for name in present},
        "windows": len(statuses),
        "not_whole": _part(defects(statuses, ())),
        "incomplete": _part(lacking),
    }
    click.echo(json.dumps(state, indent=1))


def migrate(lake_uri: str, feature_spec_version: str, dry_run: bool) -> None:
    """Migrates the lake, and prints what was done; nothing where it has this release's format.

    Raises:
        InputError: it has no tables.
        LakeFormatError: it is newer than this release.
        TableError: a table is unreadable.
        CommitError: a table cannot be written; what was migrated stays.
    """
    lake, found = _lake(lake_uri, feature_spec_version)
    if found not in (UNMARKED_FORMAT, LAKE_FORMAT):
        raise LakeFormatError(
            f"the lake {lake.uri} has format {found}, but this release knows format {LAKE_FORMAT}",
            "Upgrade the package",
        )
    report = RunReport("ndr-lake")
    done = []
    for step in steps(lake) if found < LAKE_FORMAT else ():
        done.append({"table": step.table, "change": step.change})
        if not dry_run:
            with report.step(step.table):
                step.apply(lake, report)
    if not dry_run:
        mark(lake, replace=True)
    state = {"lake": lake.uri, "from_format": found, "to_format": LAKE_FORMAT, "dry_run": dry_run, "steps": done}
    click.echo(json.dumps(state, indent=1))


def _lake(lake_uri: str, feature_spec_version: str) -> tuple[Lake, int]:
    lake = Lake(lake_uri, load_spec(feature_spec_version))
    found = read_format(lake)
    if found is None:
        raise InputError(f"{lake.uri} has no tables", "Check --lake")
    return lake, found


def _part(found: Mapping[str, Any]) -> dict[str, Any]:
    """How many windows there are, and the last of them with their reasons."""
    return {"count": len(found), "last": dict(sorted(found.items())[-WINDOWS_SHOWN:])}
