"""Command line of ndr-calendar: the periods in which what hosts do teaches nothing."""

from __future__ import annotations

from typing import Any

import click

from common.runtime.cli import by_option, lake_option, lake_spec_option, min_score_option, report_errors
from common.runtime.commands import command
from common.runtime.loading import loading
from common.runtime.parameter_types import PlaceType
from common.runtime.rows import format_option
from common.runtime.version import version_option
from tools.calendar.config import CalendarConfig


@command(
    name="ndr-calendar",
    epilog="Example: ndr-calendar --lake demo/lake --put calendar.yaml --preview",
    groups={"Calendar": ("put", "preview", "by", "min-score")},
)
@lake_option
@click.option("--put", type=PlaceType(), metavar="FILE", help="Put this calendar in place (YAML).")
@click.option("--preview", is_flag=True, help="With --put: only say what each entry would change.")
@by_option
@min_score_option
@lake_spec_option
@format_option
@version_option
@report_errors
def main(**options: Any) -> None:
    """Say which hosts teach nothing when: penetration tests, outages, migrations; without --put, list the entries.

    What lies in an entry is left out of training and baselines, and cases in it are hidden as planned; their scores
    stay as they are.
    """
    config = CalendarConfig(**options)
    if config.preview and not config.put:
        raise click.UsageError("--preview needs --put")
    with loading():
        from tools.calendar.job import run

    run(config)
