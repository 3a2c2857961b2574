"""Command line of upkeep."""

from __future__ import annotations

from typing import Any

import click

from common.runtime.cli import engine_option, lake_option, project_options, report_errors
from common.runtime.commands import command
from common.runtime.parameter_types import TableDaysType
from common.runtime.version import version_option


@command(
    name="ndr-maintain",
    epilog="Example: ndr-maintain --lake demo/lake --dry-run",
    groups={"Upkeep": ("table", "keep", "dry-run")},
)
@click.option("--table", "tables", multiple=True, metavar="NAME", help="Table; can be repeated.  [default: all]")
@click.option(
    "--keep",
    type=TableDaysType(),
    multiple=True,
    metavar="TABLE=DAYS",
    help="Days of a table, or of models, to keep before the newest, in place of the setting; can be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Only print what would be done.")
@lake_option
@engine_option
@project_options
@version_option
@report_errors
def main(**options: Any) -> None:
    """Keep a lake small and fast, beside all that reads and writes it.

    Removes what is older than the settings of the group retention say, puts the small files of past days together,
    deletes files that no commit has named for a week, and shortens the logs. Needs no engine; --engine has no effect.
    """
    from common.runtime.lake_project import with_lake_project
    from jobs.maintain.config import MaintainConfig
    from jobs.maintain.job import run

    known = with_lake_project(options)
    known.pop("engine")
    run(MaintainConfig(**known | {"keep": dict(known["keep"])}))
