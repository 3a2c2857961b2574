"""Roles permit what machines, jobs, functions and services need, and nothing else."""

from __future__ import annotations

import copy

import pytest

from common.errors import DeploymentError
from pipelines.catalog import PIPELINES
from statemachines.definitions import MACHINES
from statemachines.deploy.parts import machines_of, stacks_of
from statemachines.deploy.permissions.check import findings, needs, superfluous
from statemachines.deploy.permissions.needs import Need, allows, missing, unused
from statemachines.deploy.permissions.preflight import refuse
from statemachines.deploy.permissions.template import ROLE, Statement, Template
from statemachines.deploy.permissions.works import COMMANDS, ROLES, WORKS, _works
from tests.statemachines.deploy.permissions.templates import ACCOUNT, REGION, SETTINGS, template_of

EXTRA = """
Resources:
  Extra:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: extra
      Roles: [ndr-customer-360]
      PolicyDocument: {Statement: [{Effect: Allow, Action: [sns:Publish, s3:GetObject], Resource: "*"}]}
"""


@pytest.mark.slow
@pytest.mark.parametrize("settings", SETTINGS)
def test_nothing_is_missing_and_nothing_unused(settings: str) -> None:
    template = template_of(settings)
    assert [str(found) for found in findings(template, MACHINES)] == []
    assert [str(found) for found in superfluous(template, MACHINES)] == []


def test_every_role_of_the_templates_is_one_of_which_the_needs_are_known() -> None:
    template = template_of("tasks")
    named = {role["RoleName"] for role in template.of_kind(ROLE).values()}
    assert named == set(needs(template, MACHINES))


@pytest.mark.slow
@pytest.mark.parametrize("settings", ["defaults", "tasks", "key"])
def test_each_action_on_each_resource_that_is_taken_away_is_missed(settings: str) -> None:
    template = template_of(settings)
    wanted, permitted = needs(template, MACHINES), template.statements()
    taken = 0
    for role, statements in permitted.items():
        for number, statement in enumerate(statements):
            for action in statement.actions:
                for resource in statement.resources:
                    kept = [
                        *statements[:number],
                        *statements[number + 1 :],
                        *_without(statement, action, resource),
                    ]
                    lacking = missing(wanted[role], kept)
                    if lacking == [] and not _given_twice(statements, number, action, resource):
                        pytest.fail(f"{role} does without {action} on {resource} of {statement.place}")
                    taken += 1
    assert taken > 300


def _without(statement: Statement, action: str, resource: str) -> list[Statement]:
    """The statement in two parts, without the action on the resource."""
    others = tuple(one for one in statement.actions if one != action)
    elsewhere = tuple(one for one in statement.resources if one != resource)
    parts = [(others, statement.resources), ((action,), elsewhere)]
    return [Statement(statement.place, actions, places, statement.condition) for actions, places in parts]


def _given_twice(statements: list[Statement], number: int, action: str, resource: str) -> bool:
    """Whether another statement gives the same, as where a role's own says less than one that it shares."""
    need = Need(action, resource)
    return any(allows(other, need) for place, other in enumerate(statements) if place != number)


def test_what_a_role_has_and_nothing_needs_is_said() -> None:
    found = [str(one) for one in superfluous(template_of("defaults", EXTRA), MACHINES)]
    assert found == ["role ndr-customer-360 permits s3:GetObject on * (Extra extra), which nothing needs"]


def test_what_a_role_lacks_is_said() -> None:
    template = template_of("defaults")
    role = copy.deepcopy(template.raw["Resources"]["CleanRole"])
    (policy,) = role["Properties"]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    policy["PolicyDocument"]["Statement"] = [one for one in statements if "s3:DeleteObject" not in one["Action"]]
    template.raw["Resources"]["CleanRole"] = role
    bucket = "arn:aws:s3:::ndr-c360-000000000000-us-east-1/clean/*"
    with pytest.raises(DeploymentError, match="role ndr-c360-clean lacks s3:DeleteObject on arn:aws:s3:::ndr-c360"):
        refuse(findings(template, MACHINES))
    refuse([])
    assert [str(found) for found in findings(template, MACHINES)] == [
        f"role ndr-c360-clean lacks s3:{verb} on {bucket}"
        for verb in ("AbortMultipartUpload", "DeleteObject", "GetObject", "PutObject")
    ]


def test_a_condition_must_be_met() -> None:
    statement = Statement("", ("iam:PassRole",), ("*",), {"StringEquals": {"iam:PassedToService": "a.amazonaws.com"}})
    assert allows(statement, Need("iam:PassRole", "x", {"iam:PassedToService": "a.amazonaws.com"}))
    assert not allows(statement, Need("iam:PassRole", "x", {"iam:PassedToService": "b.amazonaws.com"}))
    assert not allows(statement, Need("iam:PassRole", "x"))
    unknown = Statement("", ("s3:GetObject",), ("*",), {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    assert not allows(unknown, Need("s3:GetObject", "x", {"aws:SourceIp": "10.0.0.1"}))
    assert unused([Need("iam:PassRole", "x")], [statement]) == [(statement, "iam:PassRole", "*")]


def test_actions_have_no_case_and_resources_do() -> None:
    statement = Statement("", ("S3:getobject",), ("arn:aws:s3:::Bucket/[a]*",), {})
    assert allows(statement, Need("s3:GetObject", "arn:aws:s3:::Bucket/[a]b"))
    assert not allows(statement, Need("s3:GetObject", "arn:aws:s3:::Bucket/ab"))
    assert not allows(statement, Need("s3:GetObject", "arn:aws:s3:::bucket/[a]b"))


def test_every_command_of_a_pipeline_and_every_work_is_known() -> None:
    assert set(COMMANDS) == {step.command for pipeline in PIPELINES.values() for step in pipeline.steps}
    used = {work for done in (*COMMANDS.values(), *ROLES.values()) for work in done} | {"container", "joins_network"}
    assert set(_works()) == used, WORKS


def test_a_part_that_is_left_out_needs_nothing() -> None:
    for parts in (("ndr",), ("ingestion",), ("customer-360", "observability"), ()):
        bodies = [stack.template.read_text(encoding="utf-8") for stack in stacks_of("", parts)]
        template = Template(bodies, {}, ACCOUNT, REGION)
        assert findings(template, machines_of(parts)) == []
