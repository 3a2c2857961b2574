"""Deployment of everything but the pipelines: stacks, code of jobs, state machines, projects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from common.aws.caller import identity
from common.aws.clients import client
from common.errors import ParameterError
from common.runtime.output import activity
from statemachines.canary_option import Canary
from statemachines.deploy.canary import try_out
from statemachines.deploy.code import CUSTOMER_360_SCRIPTS, SCRIPTS, Code, read_code, upload_code
from statemachines.deploy.described import known_parameters
from statemachines.deploy.function_images import release_of_images
from statemachines.deploy.parts import FOUNDATION, Stack, machines_of, stacks_of
from statemachines.deploy.projects import deploy_project, read_project
from statemachines.deploy.publish import Published, go_live, prepare
from statemachines.deploy.schedules import former_of_stack, put_for_project
from statemachines.deploy.stack import check_parameters, deploy_stack
from statemachines.deploy.tagged_parts import tag
from statemachines.deploy.upgrade import former_stacks, in_order, let_go, owner_of, remove_left

SCRIPTS_OF = {"ingestion": SCRIPTS, "customer-360": CUSTOMER_360_SCRIPTS}
"""Scripts of Glue jobs by part."""


def deploy_all(
    prefix: str,
    parts: Sequence[str],
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
        CanaryError: a release that was tried is not taken up.
        DeploymentError, ParameterError, InputError: something is wrong; nothing of it was changed yet.
        AwsError: a call was refused.
    """
    if projects and "ndr" not in parts:
        raise ParameterError("projects need the part ndr, which is left out", "Add the part, or leave out the projects")
    wanted = [read_project(path) for path in projects]
    given = {**release_of_images(), **parameters, "Environment": prefix}
    check_parameters(given)
    scripts = {name: path for part in parts for name, path in SCRIPTS_OF.get(part, {}).items()}
    with activity("code of the Glue job"):
        code = read_code(wheel, scripts) if scripts else {}
    check_code(code)
    scheduler, cloudformation = client("scheduler"), client("cloudformation")
    former = former_of_stack(scheduler, prefix + given.get("NamePrefix", "ndr"))
    found = _stacks(cloudformation, prefix, parts, given, code, allow_replace)
    states = client("stepfunctions")
    with activity("state machines"):
        prepared = prepare(states, found, machines_of(parts))
    before_live(found)
    if canary:
        with activity("canary"):
            tried = try_out(states, prepared, canary, found["SchedulePrefix"])
        click.echo(f"canary: {'no alarm went off' if tried else 'nothing to try'}")
    with activity("aliases"):
        machines = go_live(states, prepared)
    for published in machines:
        show(published)
    for part in tag(prefix):
        click.echo(f"{part.kind} {part.name}: tagged")
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


def _stacks(
    cloudformation: Any,
    prefix: str,
    parts: Sequence[str],
    given: Mapping[str, str],
    code: Code,
    allow_replace: bool,
) -> dict[str, str]:
    """The outputs of the stacks, once they are deployed, with the code of the Glue jobs in the artifacts bucket."""
    keys = {name: key for name, (key, _) in code.items()}
    known = known_parameters(cloudformation)
    former = former_stacks(cloudformation, prefix)
    order = in_order(stacks_of(prefix, parts), former, prefix)
    if prefix and f"{prefix}{FOUNDATION}" not in known:
        region = cloudformation.meta.region_name
        click.echo(f"{prefix.removesuffix('-')}: new in the account {identity().account}, {region}")
    found: dict[str, str] = {}
    for stack in order:
        if stack.name in former:
            let_go(cloudformation, stack.name, former[stack.name])
        owner = known.get(owner_of(stack, prefix) or "", {}) if stack.name not in known else {}
        found |= _deployed(cloudformation, stack, {**owner, **keys, **given}, allow_replace, bool(owner))
        if stack.name == f"{prefix}{FOUNDATION}" and code:  # whose bucket has what jobs of other stacks run
            with activity("code of the Glue job"):
                done = upload_code(client("s3"), found["ArtifactsBucket"], code)
            click.echo(f"code of the Glue job: {done}")
    if not set(former) - {stack.name for stack in order}:
        remove_left(found["SchedulePrefix"], lambda name, done: click.echo(f"{name}: {done}"))
    return found


def _deployed(
    cloudformation: Any, stack: Stack, given: Mapping[str, str], allow_replace: bool, moves: bool
) -> dict[str, str]:
    """The outputs of the stack, once it is deployed; prints what changes before it does."""
    with activity(f"stack {stack.name}"):
        done, outputs = deploy_stack(
            cloudformation,
            stack.name,
            given,
            stack.template,
            allow_replace,
            lambda change: click.echo(f"  {change.resource}: {change.what}"),
            moves,
        )
    click.echo(f"stack {stack.name}: {done}")
    return outputs
