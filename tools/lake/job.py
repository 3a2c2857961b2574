"""Shows and migrates a lake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from common.features.spec import load_spec
from common.lake.identity import LakeIdentity, require_same, require_same_names
from common.lake.lake import Lake
from common.lake.lake_format import (
    LAKE_FORMAT,
    Record,
    known_record,
    newer,
    read_record,
    replace_record,
)
from common.lake.window_status import defects, read_statuses
from common.runtime.output import activity
from common.runtime.run_report import RunReport
from tools.lake.comments import describe
from tools.lake.migration import chosen_identity, steps

DEFAULT_SPEC = "v1"
WINDOWS_SHOWN = 20


def show(lake_uri: str, feature_spec_version: str | None) -> None:
    """Prints the state of the lake.

    Raises:
        InputError: it has no tables.
        TableError: a table is unreadable.
    """
    lake, record = opened(lake_uri, feature_spec_version)
    with activity("reading windows"):
        statuses = read_statuses(lake)
    lacking = {key: status.incomplete_reason for key, status in sorted(statuses.items()) if status.incomplete_reason}
    with activity("counting rows"):
        present = [name for name in lake.names if lake.exists(name)]
        tables = {name: {"version": lake.version(name), "rows": lake.count(name)} for name in present}
    state = {
        "lake": lake.uri,
        "lake_format": record.lake_format,
        "tables": tables,
        "windows": len(statuses),
        "not_whole": _part(defects(statuses, ())),
        "incomplete": _part(lacking),
    }
    click.echo(json.dumps(state, indent=1))


def migrate(
    lake_uri: str,
    dry_run: bool,
    project_name: str | None = None,
    feature_spec_version: str | None = None,
    parameters: str | None = None,
) -> None:
    """Migrates the lake, and prints what was done; nothing where it has this release's format.

    Raises:
        InputError: it has no tables, or what it holds is of several projects.
        LakeFormatError: it is newer than this release.
        TableError: a table is unreadable.
        CommitError: a table cannot be written; what was migrated stays.
    """
    lake, record = opened(lake_uri, feature_spec_version)
    found = record.lake_format
    if found > LAKE_FORMAT:
        raise newer(lake.uri, found)
    if record.identity is None:
        identity, chosen = chosen_identity(lake, project_name, parameters)
    else:
        identity, chosen = record.identity, "recorded"
        require_same_names(lake.uri, identity, project_name, None)
        if parameters:
            given = LakeIdentity.of(identity.project_name, identity.feature_spec_version, parameters, {})
            require_same(lake.uri, identity, given)
    report = RunReport("ndr-lake")
    done = []
    for step in steps(lake, found):
        done.append({"table": step.table, "change": step.change})
        if not dry_run:
            with report.step(step.table):
                step.apply(lake, report)
    if not dry_run and found < LAKE_FORMAT:
        for name in filter(lake.exists, lake.names):
            describe(lake, lake.table(name))
        replace_record(lake.uri, identity)
    state = {
        "lake": lake.uri,
        "from_format": found,
        "to_format": LAKE_FORMAT,
        "dry_run": dry_run,
        "steps": done,
        "identity": identity.to_dict(),
        "chosen": chosen,
    }
    click.echo(json.dumps(state, indent=1))


def opened(lake_uri: str, feature_spec_version: str | None) -> tuple[Lake, Record]:
    """The lake and its record, whichever format it has."""
    record = read_record(lake_uri)
    identity = record.identity if record else None
    if identity is not None:
        require_same_names(lake_uri, identity, None, feature_spec_version)
    own = identity.feature_spec_version if identity else DEFAULT_SPEC
    lake = Lake(lake_uri, load_spec(feature_spec_version or own))
    return lake, record or known_record(lake)


def _part(found: Mapping[str, Any]) -> dict[str, Any]:
    """How many windows there are, and the last of them with their reasons."""
    return {"count": len(found), "last": dict(sorted(found.items())[-WINDOWS_SHOWN:])}
