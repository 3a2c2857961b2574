"""The deployed roles, as IAM itself judges them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest

from localaws.cli.process import LocalAws
from statemachines.definitions import MACHINES
from statemachines.deploy.parts import TEMPLATES
from statemachines.deploy.permissions.check import needs
from statemachines.deploy.permissions.needs import Need
from statemachines.deploy.templates import body_of, declared
from tests.localaws.running import Started, wait_for
from tests.statemachines.deploy.permissions.templates import SETTINGS, template_of

WITH_ROLES = ("ndr-roles", "ndr-jobs", "ndr-tasks", "ndr", "ingestion-roles", "customer-360-roles")
FOREIGN = (
    ("s3:PutObject", "arn:aws:s3:::another-bucket/x"),
    ("dynamodb:DeleteTable", "arn:aws:dynamodb:us-east-1:000000000000:table/project_parameters"),
    ("iam:CreateUser", "*"),
)


def deploy(local: LocalAws, settings: str) -> None:
    client = local.client("cloudformation")
    for name in WITH_ROLES:
        known = declared(TEMPLATES[name])
        given = [(key, value) for key, value in SETTINGS[settings].items() if key in known]
        client.create_stack(
            StackName=name, TemplateBody=body_of(TEMPLATES[name]), Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given],
        )  # fmt: skip
        wait_for(partial(is_there, client, name))


def is_there(client: Any, name: str) -> bool:
    return bool(client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE")


def decisions(local: LocalAws, role: str, wanted: Iterable[Need]) -> set[tuple[str, str, str]]:
    """What IAM says of each action, and of each resource."""
    iam = local.client("iam")
    record = iam.get_role(RoleName=role)["Role"]
    by_resource: dict[tuple[tuple[tuple[str, str], ...], str], set[str]] = defaultdict(set)
    for need in wanted:
        by_resource[tuple(sorted(need.keys.items())), need.resource].add(need.action)
    groups: dict[tuple[tuple[tuple[str, str], ...], frozenset[str]], list[str]] = defaultdict(list)
    for (keys, resource), actions in by_resource.items():
        groups[keys, frozenset(actions)].append(resource)
    found = set()
    for (keys, same), resources in groups.items():
        entries = [
            {
                "ContextKeyName": name,
                "ContextKeyType": "string",
                "ContextKeyValues": [value.replace("${aws:userid}", f"{record['RoleId']}:simulation")],
            }
            for name, value in keys
        ]
        answer = iam.simulate_principal_policy(
            PolicySourceArn=record["Arn"],
            ActionNames=sorted(same),
            ResourceArns=resources,
            ContextEntries=entries,
        )
        for one in answer["EvaluationResults"]:
            found.add((one["EvalActionName"], one["EvalResourceName"], one["EvalDecision"]))
    return found


@pytest.mark.slow
def test_iam_permits_what_is_needed_and_nothing_foreign(start_local_aws: Started) -> None:
    local = start_local_aws()
    try:
        deploy(local, "tasks")
        wanted = needs(template_of("tasks"), MACHINES)
        for role, of_role in wanted.items():
            found = decisions(local, role, of_role)
            assert {one for one in found if one[2] != "allowed"} == set(), role
            assert len(found) == len(set(of_role)), role
            foreign = decisions(local, role, [Need(*pair) for pair in FOREIGN])
            assert {one[2] for one in foreign} == {"implicitDeny"}, role
    finally:
        local.stop()
