"""The command that says how what is deployed differs from what was deployed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.environments import EnvironmentType
from common.runtime.output import activity
from common.runtime.rows import print_rows, rows_option

if TYPE_CHECKING:
    from statemachines.deploy.drift.comparison import Finding


@command("drift", epilog="Example: ndr-statemachines drift --environment dev")
@click.option(
    "--environment",
    "environments",
    type=EnvironmentType(),
    multiple=True,
    metavar="NAME",
    help="Environment; repeatable.  [default: all in the account]",
)
@rows_option
@report_errors
def drift(environments: tuple[str, ...], form: str | None) -> None:
    """Compare what is deployed with templates, definitions and files, property by property; nothing is changed.

    What somebody changed, added or removed by hand is named, with how to mend it: resources with their policies and
    tags, parameters and templates of stacks, state machines and their aliases, pipelines, tasks, schedules, whom topics
    tell; and the repositories of images, unless environments are named. Exit code 1 says that something differs.
    """
    from statemachines.deploy.drift.environments import deployed_environments, drift_of_registry, without_file
    from statemachines.deploy.drift.environments import drift as compared
    from statemachines.deploy.registry import STACK

    def compared_in_turn() -> Iterator[tuple[str, list[Finding]]]:
        for environment in environments or deployed_environments():
            with activity(f"environment {environment}"):
                missing = without_file(environment)
                differs = [missing] if missing and not environments else list(compared(environment))
            yield environment, differs
        if not environments and (of_registry := drift_of_registry()) is not None:
            yield STACK, of_registry

    found = {}
    for name, differs in compared_in_turn():
        found[name] = differs
        if form is not None:
            continue
        for finding in differs:
            click.echo(f"{name}: {finding}\n  {finding.remedy}")
        click.echo(f"{name}: {len(differs) or 'nothing'} differs")
    if form is not None:
        print_rows([{"environment": name, **asdict(one)} for name, differs in found.items() for one in differs], form)
    sys.exit(1 if any(found.values()) else 0)
