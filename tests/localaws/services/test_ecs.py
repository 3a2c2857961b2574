"""Tasks of ECS: what they run, how they end, and how a state waits for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from tests.localaws.running import unique, wait_for, write_step
from tests.localaws.services.stepfunctions.machines import machine

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}}


def family(local: LocalAws, image: str, **members: Any) -> str:
    """A new task definition of that image, and a cluster of the same name; its name."""
    name = unique("tasks")
    client = local.client("ecs")
    client.create_cluster(clusterName=name)
    client.register_task_definition(
        family=name,
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="1024",
        memory="2048",
        containerDefinitions=[{"name": "stage", "image": f"docker.io/library/{image}:latest", **members}],
    )
    return name


def start(local: LocalAws, name: str, *command: str, **members: Any) -> str:
    overrides = {"containerOverrides": [{"name": "stage", "command": list(command)}]}
    given = {"launchType": "FARGATE", "networkConfiguration": NETWORK, "overrides": overrides, **members}
    return str(local.client("ecs").run_task(cluster=name, taskDefinition=name, **given)["tasks"][0]["taskArn"])


def described(local: LocalAws, name: str, arn: str) -> dict[str, Any]:
    return dict(local.client("ecs").describe_tasks(cluster=name, tasks=[arn])["tasks"][0])


def finish(local: LocalAws, name: str, arn: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        task = described(local, name, arn)
        return task if task["lastStatus"] == "STOPPED" else None

    return dict(wait_for(ended))


def log(local: LocalAws, name: str, arn: str) -> list[str]:
    return (local.home / "logs" / "ecs" / name / f"{arn.rpartition('/')[2]}.log").read_text().splitlines()


def test_a_task_runs_the_command_of_its_image_with_the_overrides(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-show", 'printf "%s\\n" "$@"; echo "$NDR_A $NDR_B $AWS_ENDPOINT_URL"')
    variables = [{"name": "NDR_A", "value": "1"}, {"name": "NDR_B", "value": "2"}]
    name = family(local_aws, "ndr-show", command=["--no"], environment=variables)
    overrides = {
        "containerOverrides": [
            {"name": "stage", "command": ["--lake", "s3://a b"], "environment": [{"name": "NDR_B", "value": "3"}]}
        ]
    }
    arn = start(local_aws, name, overrides=overrides)
    task = finish(local_aws, name, arn)
    assert (task["stopCode"], task["containers"][0]["exitCode"]) == ("EssentialContainerExited", 0)
    assert log(local_aws, name, arn) == ["--lake", "s3://a b", f"1 3 {local_aws.endpoint}"]


@pytest.mark.slow
def test_a_failed_task_has_the_exit_code_and_what_it_printed_is_in_its_log(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-fail", "echo begins; echo 'error: the lake is missing' >&2; exit 3")
    group, logs = unique("/ecs/"), local_aws.client("logs")
    logs.create_log_group(logGroupName=group)
    options = {"awslogs-group": group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ndr"}
    name = family(local_aws, "ndr-fail", logConfiguration={"logDriver": "awslogs", "options": options})
    arn = start(local_aws, name)
    (container,) = finish(local_aws, name, arn)["containers"]
    # as on AWS, whose reasons are those of its own
    assert (container["exitCode"], "reason" in container) == (3, False)
    stream = f"ndr/stage/{arn.rpartition('/')[2]}"
    events = logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]
    assert [event["message"] for event in events] == ["begins", "error: the lake is missing"]


def test_tasks_are_found_by_who_started_them_and_stopped(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-slow", "sleep 600")
    name, client = family(local_aws, "ndr-slow"), local_aws.client("ecs")
    arn = start(local_aws, name, startedBy="a-lock")
    start(local_aws, name, startedBy="another")
    wait_for(lambda: described(local_aws, name, arn)["lastStatus"] == "RUNNING")
    assert client.list_tasks(cluster=name, startedBy="a-lock")["taskArns"] == [arn]
    for found in client.list_tasks(cluster=name)["taskArns"]:
        client.stop_task(cluster=name, task=found, reason="somebody else owns the window")
    task = finish(local_aws, name, arn)
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "somebody else owns the window")
    assert task["containers"][0]["exitCode"] != 0
    assert client.list_tasks(cluster=name)["taskArns"] == []


def test_what_is_no_command_of_a_stage_is_refused(local_aws: LocalAws) -> None:
    with pytest.raises(ClientError, match="is not the command of a stage"):
        start(local_aws, family(local_aws, "ndr-local"))
    with pytest.raises(ClientError, match="is not the command of a stage"):
        start(local_aws, family(local_aws, "ndr-show", entryPoint=["sh"]))
    with pytest.raises(ClientError, match="cannot be set"):
        start(local_aws, family(local_aws, "ndr-show", environment=[{"name": "PATH", "value": "/tmp"}]))
    with pytest.raises(ClientError, match="no container 'other'"):
        overrides = {"containerOverrides": [{"name": "other", "command": []}]}
        start(local_aws, family(local_aws, "ndr-show"), overrides=overrides)


def test_overrides_have_the_length_that_aws_allows(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-pass", "true")
    name = family(local_aws, "ndr-pass")
    finish(local_aws, name, start(local_aws, name, "x" * 8000))
    with pytest.raises(ClientError, match="Container Overrides length must be at most 8192"):
        start(local_aws, name, "x" * 8192)


def state(name: str, **members: Any) -> dict[str, Any]:
    overrides = {"ContainerOverrides": [{"Name": "stage", "Command": "{% $states.input.command %}"}]}
    arguments = {"Cluster": name, "TaskDefinition": name, "LaunchType": "FARGATE", "Overrides": overrides, **members}
    return {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", "Arguments": arguments}


def test_a_state_waits_for_the_task(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-quick", '[ "$2" = 5 ] || { echo "error: not five"; exit 4; }')
    name = family(local_aws, "ndr-quick")
    tested = machine(local_aws, {"A": state(name, StartedBy="a-lock")})
    done = tested.output({"command": ["--n", "5"]})
    assert (done["LastStatus"], done["StartedBy"], done["Containers"][0]["ExitCode"]) == ("STOPPED", "a-lock", 0)
    error, cause = tested.failure({"command": ["--n", "6"]})
    assert error == "States.TaskFailed"
    (container,) = json.loads(cause)["Containers"]
    assert container["ExitCode"] == 4
    missing = machine(local_aws, {"A": {**state(name, TaskDefinition="none")}})
    assert missing.failure({"command": []})[0] == "ECS.ClientException"


def test_a_stopped_execution_stops_its_task(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-slow", "sleep 600")
    name, client = family(local_aws, "ndr-slow"), local_aws.client("ecs")
    tested = machine(local_aws, {"A": state(name)})
    execution = tested.start({"command": []})
    (arn,) = wait_for(lambda: client.list_tasks(cluster=name)["taskArns"])
    wait_for(lambda: described(local_aws, name, arn)["lastStatus"] == "RUNNING")
    local_aws.client("stepfunctions").stop_execution(executionArn=execution)
    assert finish(local_aws, name, arn)["stoppedReason"] == "The execution has ended"
