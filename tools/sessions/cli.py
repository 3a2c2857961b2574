"""Command line of ndr-sessions."""

from __future__ import annotations

from typing import Any

import click

from common.runtime.cli import lake_option, lake_spec_option, min_score_option, optional_window_option, report_errors
from common.runtime.commands import command
from common.runtime.loading import loading
from common.runtime.parameter_types import AddressType
from common.runtime.rows import format_option
from common.runtime.version import version_option
from tools.sessions.config import SessionsConfig


@command(
    name="ndr-sessions",
    epilog="Example: ndr-sessions --lake demo/lake --host 10.1.10.62 --port 443",
    groups={
        "Sessions": ("case", "host", "peer", "port", "min-score"),
        "Output": ("top", "firewall-filter", "format"),
    },
)
@lake_option
@optional_window_option("those of the case, or the last day that has sessions")
@click.option("--case", metavar="ID", help="Sessions of the contacts of a case, from ndr-report --cases.")
@click.option("--host", type=AddressType(), metavar="ADDRESS", help="Sessions of this host, in both directions.")
@click.option("--peer", type=AddressType(), metavar="ADDRESS", help="Only those with this address.")
@click.option("--port", type=click.IntRange(0, 65535), metavar="NUMBER", help="Only those of this service port.")
@click.option(
    "--top", type=click.IntRange(1, 1_000_000), default=200, show_default=True, help="Number of sessions to print."
)
@click.option("--firewall-filter", is_flag=True, help="Print a filter for the monitor of the firewall instead.")
@min_score_option
@lake_spec_option
@format_option
@version_option
@report_errors
def main(**options: Any) -> None:
    """Print the sessions that a case is about, or those of a host, with all that the logs say of them."""
    config = SessionsConfig(**options)
    if bool(config.case) == bool(config.host):
        raise click.UsageError("give either --case or --host")
    if config.case and (config.peer or config.port is not None):
        raise click.UsageError("--peer and --port need --host")
    with loading():
        from tools.sessions.job import run

    run(config)
