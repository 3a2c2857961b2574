"""Calls of a state machine are checked against its role, as on AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from tests.localaws.running import create_role, create_table, unique, write_step
from tests.localaws.services.stepfunctions.machines import Machine, machine, part, passing

HERE = "us-east-1:000000000000"
CALLS: dict[str, tuple[str, dict[str, Any], str, str, str]] = {
    # resource, arguments, the permission and what it is for, and the error without it
    "dynamodb": (
        "arn:aws:states:::dynamodb:updateItem",
        {"TableName": "t", "Key": {"k": {"S": "x"}}},
        "dynamodb:UpdateItem",
        f"arn:aws:dynamodb:{HERE}:table/t",
        "DynamoDB.AmazonDynamoDBException",
    ),
    "transaction": (
        "arn:aws:states:::aws-sdk:dynamodb:transactWriteItems",
        {"TransactItems": [{"Put": {"TableName": "t", "Item": {"k": {"S": "x"}}}}]},
        "dynamodb:PutItem",
        f"arn:aws:dynamodb:{HERE}:table/t",
        "DynamoDb.DynamoDbException",
    ),
    "s3": (
        "arn:aws:states:::aws-sdk:s3:putObject",
        {"Bucket": "b", "Key": "a/b.json", "Body": "x"},
        "s3:PutObject",
        "arn:aws:s3:::b/a/b.json",
        "S3.S3Exception",
    ),
    "list": (
        "arn:aws:states:::aws-sdk:s3:listObjectsV2",
        {"Bucket": "b", "Prefix": "a/"},
        "s3:ListBucket",
        "arn:aws:s3:::b",
        "S3.S3Exception",
    ),
    "copy": (
        "arn:aws:states:::aws-sdk:s3:copyObject",
        {"Bucket": "b", "Key": "k", "CopySource": "other/folder/k"},
        "s3:GetObject",
        "arn:aws:s3:::other/folder/k",
        "S3.S3Exception",
    ),
    "sagemaker": (
        "arn:aws:states:::aws-sdk:sagemaker:startPipelineExecution",
        {"PipelineName": "ndr-x"},
        "sagemaker:StartPipelineExecution",
        f"arn:aws:sagemaker:{HERE}:pipeline/ndr-x",
        "SageMaker.SageMakerException",
    ),
    "pipeline execution": (
        "arn:aws:states:::aws-sdk:sagemaker:describePipelineExecution",
        {"PipelineExecutionArn": f"arn:aws:sagemaker:{HERE}:pipeline/ndr-x/execution/abc"},
        "sagemaker:DescribePipelineExecution",
        f"arn:aws:sagemaker:{HERE}:pipeline/ndr-x/execution/abc",
        "SageMaker.SageMakerException",
    ),
    "events": (
        "arn:aws:states:::events:putEvents",
        {"Entries": [{"EventBusName": "bus", "Source": "s", "DetailType": "d", "Detail": {}}]},
        "events:PutEvents",
        f"arn:aws:events:{HERE}:event-bus/bus",
        "EventBridge.AmazonEventBridgeException",
    ),
    "schedule": (
        "arn:aws:states:::aws-sdk:scheduler:getSchedule",
        {"Name": "ndr-acme-grow"},
        "scheduler:GetSchedule",
        f"arn:aws:scheduler:{HERE}:schedule/default/ndr-acme-grow",
        "Scheduler.SchedulerException",
    ),
    "another execution": (
        "arn:aws:states:::aws-sdk:sfn:describeExecution",
        {"ExecutionArn": f"arn:aws:states:{HERE}:execution:m:one"},
        "states:DescribeExecution",
        f"arn:aws:states:{HERE}:execution:m:one",
        "Sfn.SfnException",
    ),
    "sns": (
        "arn:aws:states:::sns:publish",
        {"TopicArn": f"arn:aws:sns:{HERE}:topic", "Message": "m"},
        "sns:Publish",
        f"arn:aws:sns:{HERE}:topic",
        "SNS.AuthorizationErrorException",
    ),
    "ecs": (
        "arn:aws:states:::ecs:runTask",
        {"TaskDefinition": "none"},
        "ecs:RunTask",
        "*",
        "ECS.AccessDeniedException",
    ),
    "glue": (
        "arn:aws:states:::glue:startJobRun.sync",
        {"JobName": "job"},
        "glue:StartJobRun",
        f"arn:aws:glue:{HERE}:job/job",
        "Glue.AccessDeniedException",
    ),
    "states": (
        "arn:aws:states:::states:startExecution",
        {"StateMachineArn": f"arn:aws:states:{HERE}:stateMachine:other"},
        "states:StartExecution",
        f"arn:aws:states:{HERE}:stateMachine:other",
        "StepFunctions.AWSStepFunctionsException",
    ),
}


def allow(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def with_role(local: LocalAws, states: dict[str, Any], *statements: dict[str, Any]) -> tuple[Machine, str]:
    """A machine with a role of its own, and the role's name."""
    name = unique("role")
    return machine(local, states, role=create_role(local, name, *statements)), name


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_the_role_does_not_permit_fails(local_aws: LocalAws, call: str) -> None:
    resource, arguments, action, arn, expected = CALLS[call]
    states = {"A": {"Type": "Task", "Resource": resource, "Arguments": arguments}}
    tested, name = with_role(local_aws, states, allow(action, f"{arn}-other"), allow("s3:GetBucketLocation", "*"))
    started = tested.start()
    done = tested.finish(started)
    principal = f"arn:aws:sts::000000000000:assumed-role/{name}/{started.rpartition(':')[2]}"
    assert (done["error"], done["cause"]) == (
        expected,
        f"User: {principal} is not authorized to perform: {action} on resource: {arn} because no identity-based "
        f"policy allows the {action} action",
    )


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_the_role_permits_reaches_the_service(local_aws: LocalAws, call: str) -> None:
    resource, arguments, action, arn, _ = CALLS[call]
    states = {"A": {"Type": "Task", "Resource": resource, "Arguments": arguments}}
    more = [allow("glue:*", "*"), allow("s3:PutObject", "*")] if call in ("glue", "copy") else []
    done = with_role(local_aws, states, allow(action, arn), *more)[0].run()
    assert "is not authorized" not in done.get("cause", "")


def test_a_deny_goes_before_an_allow_and_may_be_retried_and_caught(local_aws: LocalAws) -> None:
    table = unique("table")
    create_table(local_aws, table, "k")
    states = {
        "A": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:getItem",
            "Arguments": {"TableName": table, "Key": {"k": {"S": "x"}}},
            "Catch": [{"ErrorEquals": ["DynamoDB.AmazonDynamoDBException"], "Output": "caught", "Next": "B"}],
            "Output": "read",
        },
        "B": passing(),
    }
    everything = allow("*", "*")
    assert with_role(local_aws, states, everything)[0].output() == "read"
    denied = {"Effect": "Deny", "Action": "dynamodb:Get*", "Resource": f"arn:aws:dynamodb:{HERE}:table/{table}"}
    assert with_role(local_aws, states, everything, denied)[0].output() == "caught"


def test_managed_policies_of_a_role_count(local_aws: LocalAws) -> None:
    _, arguments, action, arn, _ = CALLS["events"]
    states = {"A": {"Type": "Task", "Resource": CALLS["events"][0], "Arguments": arguments}}
    tested, name = with_role(local_aws, states)
    assert "is not authorized" in tested.failure()[1]
    client = local_aws.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow(action, arn)]})
    policy = client.create_policy(PolicyName=unique("policy"), PolicyDocument=document)["Policy"]["Arn"]
    client.attach_role_policy(RoleName=name, PolicyArn=policy)
    assert "is not authorized" not in tested.run().get("cause", "")


def test_a_distributed_map_needs_its_own_machine_and_its_items(local_aws: LocalAws) -> None:
    bucket = unique("bucket")
    client = local_aws.client("s3")
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="items.json", Body=b"[1, 2]")
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Arguments": {"Bucket": bucket, "Key": "items.json"},
    }
    work = part({"I": passing()}, ProcessorConfig={"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"})
    states = {"A": {"Type": "Map", "ItemReader": reader, "ItemProcessor": work}}
    start, read = allow("states:StartExecution", "*"), allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")
    assert with_role(local_aws, states, start, read)[0].output() == [1, 2]
    assert with_role(local_aws, states, read)[0].failure()[0] == "States.Permissions"
    error, cause = with_role(local_aws, states, start)[0].failure()
    assert (error, "s3:GetObject" in cause) == ("States.ItemReaderFailed", True)


def test_a_machine_needs_a_role_that_step_functions_can_assume(local_aws: LocalAws) -> None:
    missing = f"arn:aws:iam::000000000000:role/{unique('missing')}"
    of_another = local_aws.client("iam").create_role(
        RoleName=unique("role"),
        AssumeRolePolicyDocument=json.dumps(
            {"Statement": [{**allow("sts:AssumeRole", ""), "Principal": {"Service": "lambda.amazonaws.com"}}]}
        ),
    )["Role"]["Arn"]
    for role in missing, of_another:
        with pytest.raises(ClientError) as caught:
            machine(local_aws, {"A": passing()}, role=role)
        assert (caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]) == (
            "AccessDeniedException",
            "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume "
            "the provided role.",
        )


def test_a_machine_that_runs_a_task_passes_its_roles_on(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-pass", "true")
    name, role = unique("tasks"), create_role(local_aws, unique("task-role"), allow("s3:GetObject", "*"))
    client = local_aws.client("ecs")
    client.create_cluster(clusterName=name)
    container = {"name": "stage", "image": "ndr-pass:latest"}
    made = client.register_task_definition(family=name, taskRoleArn=role, containerDefinitions=[container])
    arguments = {"Cluster": name, "TaskDefinition": name}
    states = {"A": {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", "Arguments": arguments}}
    run = allow("ecs:RunTask", made["taskDefinition"]["taskDefinitionArn"])
    run["Condition"] = {"ArnEquals": {"ecs:cluster": f"arn:aws:ecs:{HERE}:cluster/{name}"}}
    elsewhere = {**run, "Condition": {"ArnEquals": {"ecs:cluster": f"arn:aws:ecs:{HERE}:cluster/another"}}}
    pass_on = allow("iam:PassRole", role)
    pass_on["Condition"] = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    waiting = [allow(f"ecs:{verb}", f"arn:aws:ecs:{HERE}:task/{name}/*") for verb in ("DescribeTasks", "StopTask")]
    rule = allow("events:*", f"arn:aws:events:{HERE}:rule/StepFunctionsGetEventsForECSTaskRule")
    with pytest.raises(ClientError, match="is not authorized to create managed-rule"):
        with_role(local_aws, states, run, *waiting, pass_on)
    error, cause = with_role(local_aws, states, run, *waiting, rule)[0].failure()
    assert (error, f"not authorized to perform: iam:PassRole on resource: {role}" in cause) == (
        "ECS.AccessDeniedException",
        True,
    )
    assert with_role(local_aws, states, run, *waiting, rule, pass_on)[0].run()["status"] == "SUCCEEDED"
    error, cause = with_role(local_aws, states, elsewhere, *waiting, rule, pass_on)[0].failure()
    assert error == "ECS.AccessDeniedException" and "ecs:RunTask" in cause


def test_a_machine_that_waits_for_another_needs_the_managed_rule(local_aws: LocalAws) -> None:
    nested = machine(local_aws, {"A": passing()})
    states = {
        "A": {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Arguments": {"StateMachineArn": nested.arn, "Input": {}},
        }
    }
    permitted = [allow("states:*", "*"), allow("events:Put*", "*")]
    with pytest.raises(ClientError, match="is not authorized to create managed-rule"):
        with_role(local_aws, states, *permitted)
    rule = f"arn:aws:events:{HERE}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
    assert (
        with_role(local_aws, states, *permitted, allow("events:DescribeRule", rule))[0].run()["status"] == "SUCCEEDED"
    )
