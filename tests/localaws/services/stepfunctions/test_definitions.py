"""What AWS refuses when a machine is created or updated, and arguments with which it starts no task."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from tests.localaws.running import ROLE, unique
from tests.localaws.services.stepfunctions.machines import FAIL, chain, failing_task, machine, part, passing

UNSUPPORTED = "UNSUPPORTED_JSONATA_EXPRESSION: "
CATCH = {"ErrorEquals": ["States.ALL"], "Next": "B"}
GET = "arn:aws:states:::dynamodb:getItem"
KEY = {"k": {"S": "x"}}


def task(resource: str, **arguments: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "Arguments": arguments}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (passing("{% $eval('1') %}"), f"{UNSUPPORTED}Function '$eval' is not supported. at /States/A/Output"),
        (passing("{% $sun([1]) %}"), f"{UNSUPPORTED}Function '$sun' is not supported. at /States/A/Output"),
        (passing({"v": "{% $$.x %}"}), f"{UNSUPPORTED}Reference to '$$' is not supported. at /States/A/Output/v"),
        (
            passing({"v": "{% phone %}"}),
            f"{UNSUPPORTED}Reference to 'phone' at the top level is not supported. at /States/A/Output/v",
        ),
        (
            passing("{% $states.errorOutput %}"),
            f"{UNSUPPORTED}Field '$states.errorOutput' does not exist. at /States/A/Output",
        ),
        (
            passing(Assign={"x": "{% $states.result %}"}),
            f"{UNSUPPORTED}Field '$states.result' does not exist. at /States/A/Assign/x",
        ),
        (
            failing_task(Catch=[{**CATCH, "Output": "{% $states.result %}"}]),
            f"{UNSUPPORTED}Field '$states.result' does not exist. at /States/A/Catch[0]/Output",
        ),
        (
            {"Type": "Map", "Items": [1], "ItemProcessor": part({"I": passing("{% $eval('1') %}")})},
            f"{UNSUPPORTED}Function '$eval' is not supported. at /States/A/States/I/Output",
        ),
        (
            task(GET, TableName="t", Key=KEY, tableName="t"),
            "SCHEMA_VALIDATION_FAILED: The field 'tableName' is not supported by Step Functions at /States/A/Arguments",
        ),
        (
            task(GET, Key=KEY),
            "SCHEMA_VALIDATION_FAILED: The field 'TableName' is required but was missing at /States/A/Arguments",
        ),
        (
            task("arn:aws:states:::aws-sdk:dynamodb:getItem", TableName="t", Key={"k": {"BOOL": True}}),
            "SCHEMA_VALIDATION_FAILED: The field 'BOOL' is not supported by Step Functions at /States/A/Arguments",
        ),
    ],
)
def test_a_definition_that_aws_refuses_is_refused(local_aws: LocalAws, state: dict[str, Any], message: str) -> None:
    expected = ("InvalidDefinition", f"Invalid State Machine Definition: '{message}'")
    with pytest.raises(ClientError) as caught:
        machine(local_aws, {"A": state, "B": passing()})
    assert (caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]) == expected
    right = machine(local_aws, {"A": passing()})
    text = json.dumps({"QueryLanguage": "JSONata", "StartAt": "A", "States": chain({"A": state, "B": passing()})})
    with pytest.raises(ClientError) as caught:
        right.client.update_state_machine(stateMachineArn=right.arn, definition=text)
    assert (caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]) == expected


def test_a_machine_says_whether_it_is_traced(local_aws: LocalAws) -> None:
    tested, client = machine(local_aws, {"A": passing(1)}), local_aws.client("stepfunctions")

    def is_traced() -> bool:
        return bool(client.describe_state_machine(stateMachineArn=tested.arn)["tracingConfiguration"]["enabled"])

    assert not is_traced()
    client.update_state_machine(stateMachineArn=tested.arn, tracingConfiguration={"enabled": True})
    assert is_traced()
    with pytest.raises(ClientError):
        client.update_state_machine(
            stateMachineArn=tested.arn, definition="{}", tracingConfiguration={"enabled": False}
        )
    assert is_traced()
    client.update_state_machine(stateMachineArn=tested.arn, roleArn=ROLE)
    assert is_traced()
    definition = client.describe_state_machine(stateMachineArn=tested.arn)["definition"]
    made = client.create_state_machine(
        name=unique("traced"), definition=definition, roleArn=ROLE, tracingConfiguration={"enabled": True}
    )
    found = client.describe_state_machine(stateMachineArn=made["stateMachineArn"])
    assert found["tracingConfiguration"] == {"enabled": True}


def test_what_aws_takes_is_taken(local_aws: LocalAws) -> None:
    catch = {**CATCH, "Output": "{% $states.errorOutput.Error %}", "Assign": {"e": "{% $states.errorOutput.Cause %}"}}
    caught = failing_task(Output="{% $states.result.Item %}", Catch=[catch])
    tested = machine(local_aws, {"A": caught, "B": passing("{% [1, 2].{'double': $ * 2}.double ~> $sum() %}")})
    assert tested.output() == 6


@pytest.mark.parametrize(
    ("resource", "arguments", "problem"),
    [
        (GET, {"TableName": "t", "key": KEY, "Key": KEY}, "The field 'key' is not supported by Step Functions"),
        (GET, {"TableName": "t"}, "The field 'Key' is required but was missing"),
        (GET, {"TableName": "t", "Key": {"k": {"N": 1}}}, "The value for the field 'N' must be a STRING"),
        (
            "arn:aws:states:::aws-sdk:sagemaker:startPipelineExecution",
            {"PipelineName": "p", "PipelineParameters": [{"Name": "Count", "Value": 1}]},
            "The value for the field 'Value' must be a STRING",
        ),
    ],
)
def test_a_task_with_such_arguments_does_not_start(
    local_aws: LocalAws, resource: str, arguments: dict[str, Any], problem: str
) -> None:
    state = {"Type": "Task", "Resource": resource, "Arguments": "{% $states.input %}", "Catch": [CATCH]}
    error, cause = machine(local_aws, {"A": state, "B": passing()}).failure(arguments)
    assert error == "States.Runtime"
    assert cause == (
        f"An error occurred while executing the state 'A'. The Arguments '{json.dumps(arguments)}' could not be used "
        f"to start the Task: [{problem}]"
    )


def test_a_value_that_a_service_refuses_is_its_general_exception(local_aws: LocalAws) -> None:
    start = task(
        "arn:aws:states:::aws-sdk:sagemaker:startPipelineExecution",
        PipelineName=unique("pipeline"),
        ClientRequestToken="{% $uuid() %}",
        PipelineParameters=[{"Name": "Text", "Value": "{% $pad('', 1025, 'x') %}"}],
    )
    error, cause = machine(local_aws, {"A": start}).failure()
    assert error == "SageMaker.SageMakerException"
    assert "'pipelineParameters.1.member.value' failed to satisfy constraint: Member must have length less" in cause


@pytest.mark.parametrize(
    ("integration", "error"),
    [("aws-sdk:dynamodb", "DynamoDb.DynamoDbException"), ("dynamodb", "DynamoDB.AmazonDynamoDBException")],
)
def test_a_reserved_word_is_the_general_exception(local_aws: LocalAws, integration: str, error: str) -> None:
    get = task(f"arn:aws:states:::{integration}:getItem", TableName="t", Key=KEY, ProjectionExpression="status")
    said = "Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: status"
    assert machine(local_aws, {"A": get}).failure() == (error, said)


def test_a_nested_machine_gets_any_json_as_its_input(local_aws: LocalAws) -> None:
    nested = machine(local_aws, {"A": FAIL})
    start = task("arn:aws:states:::states:startExecution", StateMachineArn=nested.arn, Input={"deep": [1, {"x": None}]})
    assert "ExecutionArn" in machine(local_aws, {"A": start}).output()
