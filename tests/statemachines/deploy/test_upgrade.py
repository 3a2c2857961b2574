"""Stacks of the former layout, deployed and then upgraded: what they held is there, wherever it is interrupted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from statemachines.deploy import stack, upgrade
from statemachines.deploy.stack import CAPABILITIES
from statemachines.deploy.templates import body_of
from tests.localaws.running import wait_for
from tests.statemachines.deploy.deployer import Deployer

FORMER = Path(__file__).parent / "former"
KEY = "arn:aws:kms:us-east-1:000000000000:key/0f3a"
PLACE = {"AWS::AccountId": "000000000000", "AWS::Region": "us-east-1"}
GIVEN = {"Environment": "dev-", "NamePrefix": "ndr", "KmsKeyArn": KEY}
OBJECT = {"Bucket": "dev-ndr-lake-000000000000-us-east-1", "Key": "acme/kept"}
MACHINE = "dev-sfn_ndr_prediction_publication"
ROUTING, ROLE = "dev-project_routing", "dev-ndr-prediction-publication"
pytestmark = pytest.mark.slow


class _Killed(BaseException):
    """The end of a deployment in its midst."""


def deploy_former(deployer: Deployer) -> None:
    """What an earlier release deployed, with an object, an item, and a letter in a queue."""
    cloudformation = deployer.local.client("cloudformation")
    for path in sorted(FORMER.glob("*.yaml")):
        name = f"dev-{path.stem}"
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in GIVEN.items()]
        body = body_of(path, {**GIVEN, **PLACE})
        cloudformation.create_stack(StackName=name, TemplateBody=body, Capabilities=CAPABILITIES, Parameters=parameters)
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    deployer.local.client("s3").put_object(**OBJECT, Body=b"1")
    deployer.local.client("dynamodb").put_item(TableName=ROUTING, Item={"org_key": {"S": "acme/hq"}})
    deployer.local.client("sqs").send_message(QueueUrl=queue(deployer, "undelivered-events"), MessageBody="lost")
    definition = json.dumps({"StartAt": "Do", "States": {"Do": {"Type": "Pass", "Result": "former", "End": True}}})
    machine = deployer.states.create_state_machine(
        name=MACHINE, definition=definition, roleArn=f"arn:aws:iam::000000000000:role/{ROLE}", publish=True
    )
    routing = [{"stateMachineVersionArn": machine["stateMachineVersionArn"], "weight": 100}]
    deployer.states.create_state_machine_alias(name="live", routingConfiguration=routing)


def queue(deployer: Deployer, name: str) -> str:
    return str(deployer.local.client("sqs").get_queue_url(QueueName=f"dev-ndr-{name}")["QueueUrl"])


def killed_after(monkeypatch: pytest.MonkeyPatch, changes: int) -> None:
    """Has a deployment end after so many changes of stacks."""
    done: list[str] = []
    original = stack.apply_request

    def apply_request(*arguments: Any, **named: Any) -> str:
        done.append(original(*arguments, **named))
        if len(done) == changes:
            raise _Killed
        return done[-1]

    for module in (stack, upgrade):
        monkeypatch.setattr(module, "apply_request", apply_request)


def test_a_deployment_of_the_former_layout_is_upgraded_and_loses_nothing(
    deployer: Deployer, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy_former(deployer)
    iam, buses = deployer.local.client("iam"), deployer.local.client("events")
    role, bus = iam.get_role(RoleName=ROLE)["Role"]["RoleId"], buses.describe_event_bus(Name="dev-ndr")["CreationTime"]
    # in what is left behind, in what is only identified by its new stack, and between both
    for changes in (1, 2, 3, 5):
        with monkeypatch.context() as killing:
            killed_after(killing, changes)
            with pytest.raises(_Killed):
                deployer.run("deploy", "--environment", "dev")

    done = deployer.deploy("--environment", "dev")
    assert deployer.local.client("s3").get_object(**OBJECT)["Body"].read() == b"1"
    assert [item["org_key"]["S"] for item in deployer.items(ROUTING)] == ["acme/hq"]
    assert iam.get_role(RoleName=ROLE)["Role"]["RoleId"] == role
    assert buses.describe_event_bus(Name="dev-ndr")["CreationTime"] == bus
    letters = deployer.local.client("sqs").receive_message(QueueUrl=queue(deployer, "undelivered-events-dlq"))
    assert [letter["Body"] for letter in letters["Messages"]] == ["lost"]
    assert done["queue dev-ndr-undelivered-events"] == "removed, 1 messages are in dev-ndr-undelivered-events-dlq"

    held = {
        entry["PhysicalResourceId"]: entry["StackName"]
        for name in ("foundation", "roles", "control-plane")
        for entry in deployer.local.client("cloudformation").describe_stack_resources(StackName=f"dev-ndr-{name}")[
            "StackResources"
        ]
    }
    assert held[OBJECT["Bucket"]] == held[ROUTING] == held["dev-ndr"] == "dev-ndr-foundation"
    assert held[ROLE] == "dev-ndr-roles"
    # what is taken over is made what the template says, with the key that its former stack was given
    lake = deployer.local.client("s3").get_bucket_versioning(Bucket=OBJECT["Bucket"])
    assert lake["Status"] == "Enabled"
    assert set(iam.list_role_policies(RoleName=ROLE)["PolicyNames"]) == {"work", "key", "machines", "task-events"}
    assert iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"] == []
    again = deployer.deploy("--environment", "dev")
    assert {text.partition(",")[0] for text in again.values()} == {"unchanged"}

    # one machine goes back to what it was in the former layout, and works
    assert done[MACHINE] == "updated, live is version 2"
    assert deployer.run("rollback", "--environment", "dev", MACHINE.removeprefix("dev-")).exit_code == 0
    assert deployer.live(MACHINE) == 1
    run = deployer.states.start_execution(stateMachineArn=f"{deployer.arn(MACHINE)}:live")["executionArn"]
    ended = wait_for(lambda: deployer.states.describe_execution(executionArn=run).get("output"))
    assert json.loads(ended) == "former"

    # nothing is known of releases whose buckets and tables another stack had
    refused = deployer.refusal("rollback", "--release", "--environment", "dev")
    assert "no release is deployed" in refused


def test_the_part_that_has_the_data_cannot_be_left_out_of_an_upgrade(deployer: Deployer) -> None:
    deploy_former(deployer)
    refused = deployer.refusal("up", "dev", "--parts", "ingestion")
    assert "dev-ndr-control-plane still has the buckets and tables" in refused
    assert "Deploy once with the part ndr" in refused
