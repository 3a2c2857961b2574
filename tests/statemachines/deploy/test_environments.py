"""Two environments in one account: neither has, changes or starts what is the other's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from localaws.cli.process import LocalAws
from pipelines.cli import main as pipelines
from statemachines.definitions import MACHINES
from tests.localaws.running import wait_for
from tests.statemachines.deploy.deployer import Deployer
from tests.statemachines.template import Template

LIVE = "sfn_ndr_15m_features_inference"
DEV = "dev-"
pytestmark = pytest.mark.slow


def names(local: LocalAws) -> dict[str, set[str]]:
    """The names of what is deployed, by kind."""
    client = local.client
    return {
        "machines": {entry["name"] for entry in client("stepfunctions").list_state_machines()["stateMachines"]},
        "tables": set(client("dynamodb").list_tables()["TableNames"]),
        "buckets": {entry["Name"] for entry in client("s3").list_buckets()["Buckets"]},
        "roles": {entry["RoleName"] for entry in client("iam").list_roles()["Roles"]} - {"test"},
        "buses": {entry["Name"] for entry in client("events").list_event_buses()["EventBuses"]} - {"default"},
        "queues": {url.rpartition("/")[2] for url in client("sqs").list_queues().get("QueueUrls", [])},
        "logs": {entry["logGroupName"] for entry in client("logs").describe_log_groups()["logGroups"]},
        "functions": {entry["FunctionName"] for entry in client("lambda").list_functions()["Functions"]},
        "jobs": {entry["Name"] for entry in client("glue").get_jobs()["Jobs"]},
        "stacks": {entry["StackName"] for entry in client("cloudformation").list_stacks()["StackSummaries"]},
        "pipelines": {entry["PipelineName"] for entry in _pages(client("sagemaker"))},
    }


def _pages(sagemaker: Any) -> list[dict[str, Any]]:
    return [one for page in sagemaker.get_paginator("list_pipelines").paginate() for one in page["PipelineSummaries"]]


def upsert(*arguments: str) -> None:
    role = "arn:aws:iam::000000000000:role/steps"
    done = CliRunner().invoke(pipelines, ["upsert", "--role-arn", role, *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def test_two_environments_live_in_one_account(deployer: Deployer) -> None:
    local = deployer.local
    deployer.deploy("--customer-360")
    upsert()
    first = names(local)
    done = deployer.deploy("--environment", "dev", "--customer-360")
    assert done[f"stack {DEV}ndr-control-plane"] == done[f"stack {DEV}ndr-customer-360"] == "created"
    assert {done[f"{DEV}{machine}"] for machine in MACHINES} == {"created, live is version 1"}
    upsert("--environment", "dev")
    second = {kind: found - first[kind] for kind, found in names(local).items()}
    for kind, found in second.items():
        assert {DEV in name for name in found} == {True}, kind
        renamed = {name.replace(DEV, "", 1) for name in found}
        assert renamed == first[kind], kind
    again = deployer.deploy("--environment", "dev", "--customer-360")
    tagged = {name for name, text in again.items() if text == "tagged"}
    assert tagged == {f"pipeline {name}" for name in second["pipelines"]}  # ndr-pipelines was given no tag
    assert {text.partition(",")[0] for name, text in again.items() if name not in tagged} == {"unchanged"}

    # an event on the bus of one starts its machine alone
    detail = {"project_name": "nobody", "s3_key": "a/b/_SUCCESS", "timestamp": "2026-03-10T13:08:00Z"}
    entry = {"Source": "tests", "DetailType": "NdrBatchCompleted", "Detail": json.dumps(detail)}
    local.client("events").put_events(Entries=[{**entry, "EventBusName": f"{DEV}ndr"}])
    assert wait_for(lambda: runs(deployer, f"{DEV}{LIVE}")) == 1
    assert runs(deployer, LIVE) == 0
    target = deployer.definition(deployer.arn(f"{DEV}{LIVE}"))["States"]["LoadProjectRoutingFromDynamo"]
    assert target["Arguments"]["TableName"] == f"{DEV}project_routing"


def runs(deployer: Deployer, machine: str) -> int:
    return len(deployer.states.list_executions(stateMachineArn=deployer.arn(machine))["executions"])


@pytest.mark.parametrize("machine", [*MACHINES])
def test_no_role_of_one_reaches_the_other(machine: str) -> None:
    own, other = Template(Environment=DEV), Template()
    # endpoints, images and logs of jobs are those of the account
    for resource in {place for _, place in own.always_permitted(own.role_name(own.outputs[MACHINES[machine]]))}:
        name = resource.rpartition("/")[2] if ":log" not in resource else resource
        assert resource == "*" or "StepFunctionsGetEvents" in resource or DEV in resource, name
    for resource in {place for _, place in other.always_permitted(other.role_name(other.outputs[MACHINES[machine]]))}:
        assert DEV not in resource
        assert resource == "*" or not resource.rpartition(":")[2].startswith("*")


def test_a_name_that_is_none_is_refused(deployer: Deployer) -> None:
    for name in ("Dev", "dev-", "production"):
        assert "Use up to eight letters and digits" in deployer.run("deploy", "--environment", name).output
