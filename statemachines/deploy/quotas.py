"""What an account permits of what a new environment needs: looked at before its stacks are made."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from common.aws.clients import aws_errors, client
from common.errors import DeploymentError, one_line
from common.runtime.output import message
from pipelines.deployment import Plan
from pipelines.images import defaults_of
from statemachines.deploy.described import known_parameters
from statemachines.deploy.parts import Stack, machines_of
from statemachines.deploy.permissions.template import ROLE, in_account
from statemachines.deploy.publish import machines_by_name
from statemachines.deploy.templates import defaults

UNRESERVED = 100
"""Executions of functions that Lambda wants left when some are reserved."""
RESERVED = ("ReservedBuilders",)
"""Parameters that reserve executions of functions."""


@dataclass(frozen=True)
class Need:
    """What is needed of a quota: its service, a pattern of its name, what an environment adds, and what there is."""

    service: str
    name: str
    adds: int
    used: int


def check_quotas(prefix: str, stacks: Collection[Stack], parts: Collection[str], given: Mapping[str, str]) -> None:
    """Refuses stacks that are new, with their machines, where a quota of the account does not suffice.

    A quota that Service Quotas does not list, or does not tell, is a matter for CloudFormation.

    Raises:
        DeploymentError: quotas do not suffice.
        AwsError: what there is cannot be read.
    """
    known = known_parameters(client("cloudformation"))
    new = [stack for stack in stacks if stack.name not in known]
    _check(_needs(prefix, new, parts, given))


def check_jobs(planned: Iterable[Plan]) -> None:
    """Refuses pipelines that are new or changed whose largest job alone is more than the account permits.

    New accounts often have no instance of a type for processing jobs. How many jobs run at once is not looked at.

    Raises:
        DeploymentError: quotas do not suffice.
    """
    most: defaultdict[str, int] = defaultdict(int)
    for plan in planned:
        if plan.changes != ():
            for name, value in _of_jobs(plan):
                most[name] = max(most[name], value)
    _check(Need("sagemaker", re.escape(name), value, 0) for name, value in sorted(most.items()))


def _of_jobs(plan: Plan) -> Iterator[tuple[str, int]]:
    """What each job of a pipeline needs by the name of the quota, with the defaults of its parameters."""
    values = defaults_of(plan.definition)
    for step in plan.definition["Steps"]:
        cluster = {
            key: values[value["Get"].removeprefix("Parameters.")] if isinstance(value, dict) else value
            for key, value in step["Arguments"]["ProcessingResources"]["ClusterConfig"].items()
        }
        count = int(cluster["InstanceCount"])
        yield f"{cluster['InstanceType']} for processing job usage", count
        yield "Number of instances across all processing jobs", count
        yield "Size of EBS volume for a processing job instance", int(cluster["VolumeSizeInGB"])


def _check(needs: Iterable[Need]) -> None:
    by_service: defaultdict[str, list[Need]] = defaultdict(list)
    for need in needs:
        by_service[need.service].append(need)
    if found := [said for service, own in by_service.items() for said in _lacking(service, own)]:
        raise DeploymentError(
            f"quotas of the account do not suffice: {'; '.join(found)}",
            "Ask for more in the console of Service Quotas, for this region, and repeat the command",
        )


def _needs(prefix: str, new: Collection[Stack], parts: Collection[str], given: Mapping[str, str]) -> Iterator[Need]:
    """What stacks that are new need."""
    if roles := len(in_account(new, given).of_kind(ROLE)):
        with aws_errors("the roles of the account cannot be counted"):
            used = int(client("iam").get_account_summary()["SummaryMap"]["Roles"])
        yield Need("iam", "Roles per account", roles, used)
    if new:
        machines = machines_by_name(client("stepfunctions"))
        wanted = {f"{prefix}{machine}" for machine in machines_of(parts)}
        yield Need("states", "(Maximum number of )?registered state machines", len(wanted - {*machines}), len(machines))
    values = {name: value for stack in new for name, value in {**defaults(stack.template), **given}.items()}
    if reserved := sum(int(values[name]) for name in RESERVED if name in values):
        yield Need("lambda", "Concurrent executions", reserved, UNRESERVED)


def _lacking(service: str, needs: Iterable[Need]) -> Iterator[str]:
    """What quotas of a service permit that do not suffice, and what is needed."""
    try:
        pages = client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode=service)
        listed: list[dict[str, Any]] = [quota for page in pages for quota in page["Quotas"]]
    except (BotoCoreError, ClientError) as error:
        message(f"whether the quotas of {service} suffice is not known: {one_line(error)}", "warning")
        return
    for need in needs:
        for quota in listed:
            name, permitted, needed = quota["QuotaName"], quota["Value"], need.used + need.adds
            if permitted < needed and re.fullmatch(need.name, name, re.IGNORECASE):
                yield f"{service}, {name} ({quota['QuotaCode']}): {needed} are needed, {permitted:g} are permitted"
