"""Command line of ndr-page."""

from __future__ import annotations

from typing import Any

import click

from common.runtime.cli import (
    by_option,
    lake_option,
    lake_spec_option,
    min_score_option,
    optional_window_option,
    parameters_option,
    project_name_option,
    report_errors,
)
from common.runtime.commands import command
from common.runtime.loading import loading
from common.runtime.parameter_types import PlaceType
from common.runtime.version import version_option
from tools.page.config import PageConfig


@command(
    name="ndr-page",
    epilog="Example: ndr-page --lake demo/lake --out demo/page.html",
    groups={"Page": ("out", "top", "sessions", "daily-budget", "min-score"), "Server": ("serve", "port", "by")},
)
@lake_option
@optional_window_option("the last day that is scored")
@click.option(
    "--out",
    type=PlaceType(),
    metavar="PLACE",
    help="Page to write: a path or s3:// URI; in a folder, with a slash at its end, latest.html and one for each day.",
)
@click.option("--serve", is_flag=True, help="Serve it to this machine instead, with verdicts, until Ctrl-C.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="NUMBER",
    help="Port to serve on.  [default: a free one]",
)
@by_option
@click.option(
    "--top", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Number of cases with sessions."
)
@click.option(
    "--sessions", type=click.IntRange(0, 10_000), default=200, show_default=True, help="Number of sessions of a case."
)
@click.option(
    "--daily-budget",
    "budget",
    type=click.IntRange(1, 1_000_000),
    default=20,
    show_default=True,
    metavar="CASES",
    help="Number of cases a day that the team can look at, a line in the chart of cases.",
)
@min_score_option
@project_name_option
@lake_spec_option
@parameters_option
@version_option
@report_errors
def main(**options: Any) -> None:
    """Write the cases of the scored windows, and why they are cases, as one HTML page that needs nothing else.

    With --serve, the page takes verdicts; only who has the address that is printed can open it, on this machine.
    """
    serve = options.pop("serve")
    if serve == bool(options["out"]):
        raise click.UsageError("give either --out or --serve")
    if not serve:
        options["port"] = None
    with loading():
        from tools.page.job import run

    run(PageConfig(**options))
