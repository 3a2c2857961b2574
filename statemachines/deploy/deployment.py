"""Deployment of everything but the pipelines: stacks, code of jobs, state machines, projects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from common import __version__
from common.aws.clients import client
from common.runtime.output import activity
from statemachines.definitions import CUSTOMER_360, MACHINES
from statemachines.deploy.canary import Canary, try_out
from statemachines.deploy.code import CUSTOMER_360_SCRIPTS, SCRIPTS, Code, read_code, upload_code
from statemachines.deploy.projects import deploy_project, read_project
from statemachines.deploy.publish import Published, go_live, prepare
from statemachines.deploy.schedules import former_of_stack, put_for_project
from statemachines.deploy.stack import (
    CUSTOMER_360_TEMPLATE,
    INGESTION_TEMPLATE,
    OBSERVABILITY_TEMPLATE,
    TEMPLATE,
    check_parameters,
    deploy_stack,
)


@dataclass(frozen=True)
class Stacks:
    """Names of the stacks; None where Customer 360 or the alarms are no part."""

    control_plane: str
    ingestion: str
    customer_360: str | None
    observability: str | None = None

    @classmethod
    def of(cls, prefix: str, has_customer_360: bool) -> Stacks:
        """Those of an environment, whose names begin with the prefix."""
        names = ("ndr-control-plane", "ndr-ingestion", "ndr-customer-360", "ndr-observability")
        control_plane, ingestion, customer_360, observability = (f"{prefix}{name}" for name in names)
        return cls(control_plane, ingestion, customer_360 if has_customer_360 else None, observability)

    def templates(self) -> Iterator[tuple[str, Path]]:
        """Name and template of each stack, in the order in which they are deployed."""
        yield self.control_plane, TEMPLATE
        yield self.ingestion, INGESTION_TEMPLATE
        if self.customer_360:
            yield self.customer_360, CUSTOMER_360_TEMPLATE
        if self.observability:
            yield self.observability, OBSERVABILITY_TEMPLATE


def deploy_all(
    prefix: str,
    stacks: Stacks,
    parameters: Mapping[str, str],
    projects: Sequence[Path],
    wheel: Path | None = None,
    allow_replace: bool = False,
    check_code: Callable[[Code], None] = lambda code: None,
    before_live: Callable[[Mapping[str, str]], None] = lambda outputs: None,
    canary: Canary | None = None,
) -> dict[str, str]:
    """The outputs of the stacks, once all is deployed; prints what was done to each part.

    All names begin with the prefix. The wheel is built from the checkout if there is none. `check_code`
    may refuse it before anything changes. `before_live` gets the outputs and deploys what machines call; only then are
    their aliases moved, after the canary if there is one.

    Raises:
        CanaryError: an alarm went off while the release was tried.
        DeploymentError, ParameterError, InputError: something is wrong; nothing of it was changed yet.
        AwsError: a call was refused.
    """
    wanted = [read_project(path) for path in projects]
    given = {"Release": __version__, **parameters, "Environment": prefix}
    check_parameters(given)
    with activity("code of the Glue job"):
        code = read_code(wheel, {**SCRIPTS, **CUSTOMER_360_SCRIPTS} if stacks.customer_360 else SCRIPTS)
    check_code(code)
    scheduler = client("scheduler")
    former = former_of_stack(scheduler, prefix + given.get("NamePrefix", "ndr"))
    found: dict[str, str] = {}
    keys = {name: key for name, (key, _) in code.items()}
    for name, template in stacks.templates():
        found |= _deployed(name, {**keys, **given}, template, allow_replace)
        if template == TEMPLATE:  # whose bucket has what the jobs of the other stacks run
            with activity("code of the Glue job"):
                done = upload_code(client("s3"), found["ArtifactsBucket"], code)
            click.echo(f"code of the Glue job: {done}")
    wanted_machines = [machine for machine in MACHINES if stacks.customer_360 or machine != CUSTOMER_360]
    states = client("stepfunctions")
    with activity("state machines"):
        prepared = prepare(states, found, wanted_machines)
    before_live(found)
    if canary:
        with activity("canary"):
            tried = try_out(states, prepared, canary, found["SchedulePrefix"])
        click.echo(f"canary: {'no alarm went off' if tried else 'nothing to try'}")
    with activity("aliases"):
        machines = go_live(states, prepared)
    for published in machines:
        show(published)
    for name in sorted(set(former) - {project.project_name for project in wanted}):
        put_for_project(scheduler, found, name, {}, former[name])
    for project in wanted:
        with activity(f"project {project.project_name}"):
            deploy_project(scheduler, project, found, former.get(project.project_name))
        click.echo(f"project {project.project_name}: {', '.join(project.organisations)}")
    return found


def show(published: Published) -> None:
    """Prints what was done to a machine."""
    click.echo(f"{published.machine}: {published.done}, live is version {published.version}")


def _deployed(name: str, given: Mapping[str, str], template: Path, allow_replace: bool) -> dict[str, str]:
    """The outputs of the stack, once it is deployed; prints what changes before it does."""
    with activity(f"stack {name}"):
        done, outputs = deploy_stack(
            client("cloudformation"),
            name,
            given,
            template,
            allow_replace,
            lambda change: click.echo(f"  {change.resource}: {change.what}"),
        )
    click.echo(f"stack {name}: {done}")
    return outputs
