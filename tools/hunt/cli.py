"""Command line of ndr-hunt."""

from __future__ import annotations

from typing import Any

import click

from common.canonical import network_text
from common.runtime.cli import lake_option, lake_spec_option, report_errors
from common.runtime.commands import command
from common.runtime.loading import loading
from common.runtime.parameter_types import AddressType
from common.runtime.rows import format_option
from common.runtime.version import version_option
from tools.hunt.config import HuntConfig


def _peer(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """An address or a network as text; of a host in a network of the project, its address with the network's name."""
    if value is None:
        return None
    if "@" in value:
        return AddressType().convert(value, parameter, context)
    try:
        return network_text(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither an address nor a network such as 203.0.113.0/24") from None


@command(
    name="ndr-hunt",
    epilog="Example: ndr-hunt --lake demo/lake --peer 176.4.85.241",
    groups={"Contacts": ("peer", "host", "port", "app", "days"), "Output": ("top", "format")},
)
@lake_option
@click.option("--peer", metavar="ADDRESS", callback=_peer, help="Contacts with this address, or network in CIDR.")
@click.option("--host", type=AddressType(), metavar="ADDRESS", help="Contacts of this host.")
@click.option("--port", type=click.IntRange(0, 65535), metavar="NUMBER", help="Contacts on this service port.")
@click.option("--app", metavar="NAME", help="Contacts with this application, of sessions that are still kept.")
@click.option(
    "--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="Days to look at, up to the last one."
)
@click.option(
    "--top", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="Number of contacts to print."
)
@lake_spec_option
@format_option
@version_option
@report_errors
def main(**options: Any) -> None:
    """Print who met an address, used a service or an application, and when: the newest contacts first."""
    config = HuntConfig(**options)
    if config.peer is None and config.host is None and config.port is None and config.app is None:
        raise click.UsageError("give --peer, --host, --port or --app")
    with loading():
        from tools.hunt.job import run

    run(config)
