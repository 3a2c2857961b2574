"""The command that says how what is deployed differs from what was deployed."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.environments import EnvironmentType
from common.runtime.output import activity
from common.runtime.rows import print_rows, rows_option


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

    What somebody changed, added or removed by hand is named, with how to mend it: resources and their policies,
    parameters and templates of stacks, state machines and their aliases, pipelines, tasks, schedules. Exit code 1 says
    that something differs.
    """
    from statemachines.deploy.drift.environments import deployed_environments, without_file
    from statemachines.deploy.drift.environments import drift as compared

    found = []
    for environment in environments or deployed_environments():
        with activity(f"environment {environment}"):
            missing = without_file(environment)
            differs = [missing] if missing and not environments else list(compared(environment))
        found += [(environment, finding) for finding in differs]
        if form is None:
            for finding in differs:
                click.echo(f"{environment}: {finding}\n  {finding.remedy}")
            click.echo(f"{environment}: {len(differs) or 'nothing'} differs")
    if form is not None:
        print_rows([{"environment": name, **asdict(finding)} for name, finding in found], form)
    sys.exit(1 if found else 0)
