"""The start of a local AWS, on the port that is asked for or on one that is free."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from localaws.cli.errors import LocalAwsError, PortTakenError
from localaws.cli.ports import free_ports, listens
from localaws.cli.process import LocalAws


def start(home: Path, port: int | None, variables: Mapping[str, str]) -> tuple[LocalAws, bool]:
    """The running local AWS of a home folder, and whether it was started just now.

    Without a port it stays where it runs, or takes the port of its last start, or the next one that is free.

    Raises:
        LocalAwsError: the port is taken, the home's server runs on another one, or it does not start.
    """
    last = LocalAws(home, LocalAws.last_port(home), variables=variables)
    if last.pid() is not None:
        if port not in (None, last.port):
            raise LocalAwsError(
                f"the local AWS in {home} runs on port {last.port}, not on {port}",
                f"Leave the port out, or stop it first: ndr-local down --home {home}",
            )
        return last, last.start()
    if port is not None:
        local = LocalAws(home, port, variables=variables)
        return local, local.start()
    return _start_where_free(last), True


def _start_where_free(last: LocalAws) -> LocalAws:
    if listens(last.port):
        click.echo(f"port {last.port} is used by {last.user_of_port()}; taking the next one that is free", err=True)
    for port in free_ports(last.port):
        local = LocalAws(last.home, port, variables=last.variables)
        try:
            local.start()
        except PortTakenError:
            continue
        return local
    raise LocalAwsError(f"no port from {last.port} on is free", "Name one with --port")
