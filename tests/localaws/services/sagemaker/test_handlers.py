"""SageMaker pipelines: what steps get, their order, failures, and stopping."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from localaws.credential import Credential
from tests.localaws.running import unique, wait_for, write_step
from tests.localaws.server.requests import send, signed
from tests.localaws.services.sagemaker.pipelines import ROLE, create, definition, finish, log_of, run, step

PARAMETERS = (
    {"Name": "ProjectName", "Type": "String"},
    {"Name": "ImageTag", "Type": "String", "DefaultValue": "7"},
    {"Name": "InstanceCount", "Type": "Integer", "DefaultValue": 1},
)


def test_arguments_are_resolved_and_passed(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-show", 'printf "%s\\n" "$@"')
    image = {"Std:Join": {"On": "", "Values": ["registry/ndr-show:", {"Get": "Parameters.ImageTag"}]}}
    joined = {
        "Std:Join": {"On": "/", "Values": [{"Get": "Parameters.ProjectName"}, {"Get": "Parameters.InstanceCount"}]}
    }
    item = step(
        "A", "x", "--project", {"Get": "Parameters.ProjectName"}, joined, {"Get": "Execution.PipelineExecutionArn"}
    )
    item["Arguments"]["AppSpecification"]["ImageUri"] = image
    done = run(local_aws, definition(item, parameters=PARAMETERS), ProjectName="a b")
    assert done["PipelineExecutionStatus"] == "Succeeded"
    listed = local_aws.client("sagemaker").list_pipeline_parameters_for_execution(
        PipelineExecutionArn=done["PipelineExecutionArn"]
    )
    assert listed["PipelineParameters"] == [{"Name": "ProjectName", "Value": "a b"}]
    lines = log_of(local_aws, done["PipelineExecutionArn"], "A").splitlines()
    assert lines == ["--project", "a b", "a b/1", done["PipelineExecutionArn"]]
    shown = done["Steps"]["A"]
    assert shown["StepStatus"] == "Succeeded"
    assert shown["EndTime"] >= shown["StartTime"]
    assert shown["Metadata"]["ProcessingJob"]["Arn"].startswith(
        "arn:aws:sagemaker:us-east-1:000000000000:processing-job/"
    )


def test_a_step_reaches_the_local_aws_in_a_folder_of_its_own(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(
        step_bin, "ndr-environment", 'echo "$AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID $AWS_DEFAULT_REGION $NDR_MINE"; pwd'
    )
    done = run(local_aws, definition(step("A", "ndr-environment", Environment={"NDR_MINE": "yes"})))
    first, folder = log_of(local_aws, done["PipelineExecutionArn"], "A").splitlines()
    assert first == f"{local_aws.endpoint} {Credential.of(local_aws.home).key_id} us-east-1 yes"
    assert Path(folder).is_relative_to(local_aws.home / "scratch")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ContainerEntrypoint": ["sh", "-c"]}, "'sh' is not the command of a stage, and nothing else is run. Use one"),
        ({"ContainerEntrypoint": ["python"]}, "'python' is not the command of a stage"),
        ({"ContainerEntrypoint": ["/bin/ndr-quick"]}, "'/bin/ndr-quick' is not the command of a stage"),
        ({"ContainerEntrypoint": ["../bin/ndr-quick"]}, "'../bin/ndr-quick' is not the command of a stage"),
        ({"ContainerEntrypoint": ["ndr-quick; id"]}, "'ndr-quick; id' is not the command of a stage"),
        ({"ContainerEntrypoint": [""]}, "'' is not the command of a stage"),
        ({"ImageUri": "registry/ndr-local:1"}, "'ndr-local' is not the command of a stage"),
        ({"ImageUri": "ndr-parse"}, "'ndr-parse' is not the command of a stage"),
    ],
)
def test_only_commands_of_stages_are_run(
    local_aws: LocalAws, step_bin: Path, tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    for name in ("ndr-quick", "ndr-local", "ndr-parse", "sh", "python"):
        write_step(step_bin, name, f"touch {tmp_path}/ran")
    item = step("A", "ndr-quick", f"; touch {tmp_path}/ran")
    item["Arguments"]["AppSpecification"] |= changes
    done = run(local_aws, definition(item, step("B", "ndr-quick", after=("A",))))
    assert done["PipelineExecutionStatus"] == "Failed"
    assert {name: found["StepStatus"] for name, found in done["Steps"].items()} == {"A": "Failed"}
    assert done["Steps"]["A"]["FailureReason"].startswith(f"ClientError: {reason}")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["PATH", "PYTHONPATH", "LD_PRELOAD", "AWS_ENDPOINT_URL", "NDR_X=1\nPATH", "ndr_x"])
def test_variables_that_change_what_runs_are_refused(local_aws: LocalAws, step_bin: Path, name: str) -> None:
    write_step(step_bin, "ndr-quick", "true")
    done = run(local_aws, definition(step("A", "ndr-quick", Environment={"NDR_X": "1", name: "/tmp"})))
    reason = done["Steps"]["A"]["FailureReason"]
    pattern = "Member must satisfy regular expression pattern: [a-zA-Z_][a-zA-Z0-9_]*]"
    assert f"ClientError: the variables {name!r} cannot be set" in reason or ("\n" in name and pattern in reason)


def test_arguments_are_words_whatever_they_hold(local_aws: LocalAws, step_bin: Path, tmp_path: Path) -> None:
    write_step(step_bin, "ndr-show", 'printf "%s\\n" "$@"')
    words = ["$(id)", "`id`", "; id", "a b", "*", "--x=$HOME", "é"]
    done = run(local_aws, definition(step("A", "ndr-show", *words)))
    assert log_of(local_aws, done["PipelineExecutionArn"], "A").splitlines() == words


@pytest.mark.parametrize("name", ["../../outside", "a/b", "", "-a", "a_b", "a" * 257])
def test_names_that_are_paths_are_refused(local_aws: LocalAws, name: str) -> None:
    with pytest.raises(ClientError, match="letters, digits and hyphens"):
        create(local_aws, definition({**step("A"), "Name": name}))
    # sent without the SDK, which checks the names of pipelines itself
    members = {"PipelineName": name or "/", "PipelineDefinition": definition(step("A")), "RoleArn": ROLE}
    body = json.dumps(members).encode()
    headers = signed(local_aws, "POST", "/", {"X-Amz-Target": "SageMaker.CreatePipeline"}, body, "sagemaker")
    answer = send(local_aws, "POST", "/", headers, body)
    assert (answer.status, b"at 'pipelineName' failed to satisfy constraint" in answer.body) == (400, True)


@pytest.mark.slow
def test_steps_run_in_the_order_of_their_dependencies(local_aws: LocalAws, step_bin: Path, tmp_path: Path) -> None:
    write_step(step_bin, "ndr-append", 'echo "$1" >> "$2"')
    order = tmp_path / "order"
    steps = [
        step("C", "ndr-append", "C", str(order), after=("B",)),
        step("A", "ndr-append", "A", str(order)),
        step("B", "ndr-append", "B", str(order), after=("A",)),
    ]
    assert run(local_aws, definition(*steps))["PipelineExecutionStatus"] == "Succeeded"
    assert order.read_text().split() == ["A", "B", "C"]


def test_independent_steps_run_at_the_same_time(local_aws: LocalAws, step_bin: Path, tmp_path: Path) -> None:
    # each waits for the file of the other: one after the other, neither would end
    write_step(step_bin, "ndr-meet", 'touch "$1"; until [ -e "$2" ]; do sleep 0.02; done')
    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    done = run(local_aws, definition(step("A", "ndr-meet", one, other), step("B", "ndr-meet", other, one)))
    assert done["PipelineExecutionStatus"] == "Succeeded"


def test_a_failed_step_fails_the_execution(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(
        step_bin, "ndr-fail", "echo before; echo 'error: table fg_b is missing. Make it' >&2; echo after; exit 3"
    )
    write_step(step_bin, "ndr-pass", "sleep 0.3")
    done = run(
        local_aws,
        definition(step("A", "ndr-fail"), step("B", "ndr-pass", after=("A",)), step("C", "ndr-pass")),
    )
    assert done["PipelineExecutionStatus"] == "Failed"
    assert done["FailureReason"] == "Step failure: One or multiple steps failed."
    assert set(done["Steps"]) == {"A", "C"}
    assert done["Steps"]["A"]["FailureReason"] == (
        "AlgorithmError: error: table fg_b is missing. Make it, exit code: 3"
    )
    assert done["Steps"]["C"]["StepStatus"] == "Succeeded"


def test_a_missing_command_fails_the_step(local_aws: LocalAws) -> None:
    done = run(local_aws, definition(step("A", "ndr-nowhere")))
    assert done["PipelineExecutionStatus"] == "Failed"
    assert "ndr-nowhere cannot be run: No such file or directory" in done["Steps"]["A"]["FailureReason"]


def test_a_step_that_runs_too_long_fails(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-forever", "sleep 600")
    done = run(local_aws, definition(step("A", "ndr-forever", StoppingCondition={"MaxRuntimeInSeconds": 1})))
    assert done["Steps"]["A"]["StepStatus"] == "Failed"
    assert done["Steps"]["A"]["FailureReason"].startswith("MaxRuntimeExceeded")


def test_stopping_ends_the_whole_process_group(local_aws: LocalAws, step_bin: Path, tmp_path: Path) -> None:
    # the step and its child ignore SIGTERM: both must be gone after the grace time
    write_step(step_bin, "ndr-stubborn", "trap '' TERM; sleep 600 & echo $! > \"$1\"; wait; sleep 600")
    pid_file = tmp_path / "pid"
    name = create(
        local_aws, definition(step("A", "ndr-stubborn", str(pid_file)), step("B", "ndr-stubborn", "x", after=("A",)))
    )
    client = local_aws.client("sagemaker")
    arn = client.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    child = int(wait_for(lambda: pid_file.exists() and pid_file.read_text()))
    client.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="t" * 32)
    described = client.describe_pipeline_execution(PipelineExecutionArn=arn)
    assert described["PipelineExecutionStatus"] == "Stopping"
    done = finish(local_aws, arn)
    assert done["PipelineExecutionStatus"] == "Stopped"
    assert {name: item["StepStatus"] for name, item in done["Steps"].items()} == {"A": "Stopped"}
    wait_for(lambda: not _runs(child))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_same_token_starts_once(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-quick", "true")
    name = create(local_aws, definition(step("A", "ndr-quick")))
    client = local_aws.client("sagemaker")
    arns = {
        client.start_pipeline_execution(PipelineName=name, ClientRequestToken=token)["PipelineExecutionArn"]
        for token in ("a" * 32, "a" * 32, "b" * 32)
    }
    assert len(arns) == 2
    summaries = client.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    assert {item["PipelineExecutionArn"] for item in summaries} == arns
    for arn in arns:
        finish(local_aws, arn)
    again = client.start_pipeline_execution(PipelineName=name, ClientRequestToken="a" * 32)["PipelineExecutionArn"]
    assert again in arns


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Pipeline parameters without a value: ProjectName"),
        ({"ProjectName": "a", "Nonsense": "b"}, "Unknown pipeline parameters: Nonsense"),
        ({"ProjectName": "a", "InstanceCount": "two"}, "Parameter InstanceCount must be of type Integer, not 'two'"),
    ],
)
def test_parameters_are_checked_at_the_start(local_aws: LocalAws, given: dict[str, str], message: str) -> None:
    name = create(local_aws, definition(step("A"), parameters=PARAMETERS))
    values = [{"Name": key, "Value": value} for key, value in given.items()]
    with pytest.raises(ClientError, match=message) as caught:
        local_aws.client("sagemaker").start_pipeline_execution(PipelineName=name, PipelineParameters=values)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{**step("A"), "Type": "Training"}], "steps of type Training are not supported"),
        ([{**step("A"), "Type": "Callback"}], "steps of type Callback are not supported"),
        ([{**step("A"), "Type": "Condition"}], "steps of type Condition are not supported"),
        ([step("A", after=("B",))], "depends on B, which is not a step"),
        ([step("A", after=("B",)), step("B", after=("A",))], "in a circle"),
        ([step("A"), step("A")], "two steps are called A"),
        ([step("A", "x", {"Get": "Parameters.Other"})], "refers to Parameters.Other"),
        ([step("A", ProcessingInputs=[{"InputName": "x"}])], "ProcessingInputs is not supported"),
        ([], "Steps is empty"),
    ],
)
def test_what_cannot_run_is_refused_when_created(local_aws: LocalAws, steps: list[Any], message: str) -> None:
    with pytest.raises(ClientError, match=message) as caught:
        create(local_aws, definition(*steps))
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_pipelines_can_be_changed_listed_and_deleted(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-quick", "true")
    first, second = definition(step("A", "ndr-quick")), definition(step("B", "ndr-quick"))
    name = create(local_aws, first)
    client = local_aws.client("sagemaker")
    with pytest.raises(ClientError, match="must be unique"):
        client.create_pipeline(PipelineName=name, PipelineDefinition=first, RoleArn=ROLE)
    arn = client.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    client.update_pipeline(PipelineName=name, PipelineDefinition=second, PipelineDescription="two")
    described = client.describe_pipeline(PipelineName=name)
    assert (described["PipelineDefinition"], described["PipelineDescription"]) == (second, "two")
    used = client.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
    assert used["PipelineDefinition"] == first
    finish(local_aws, arn)
    listed = client.list_pipelines(PipelineNamePrefix=name)["PipelineSummaries"]
    assert [item["PipelineName"] for item in listed] == [name]
    client.delete_pipeline(PipelineName=name)
    with pytest.raises(ClientError, match="does not exist"):
        client.describe_pipeline(PipelineName=name)


def test_lists_come_in_pages(local_aws: LocalAws) -> None:
    prefix = unique("page")
    client = local_aws.client("sagemaker")
    for number in range(5):
        name = f"{prefix}-{number}"
        client.create_pipeline(PipelineName=name, PipelineDefinition=definition(step("A")), RoleArn=ROLE)
        time.sleep(0.002)
    pages = client.get_paginator("list_pipelines").paginate(
        PipelineNamePrefix=prefix, SortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    found = [[item["PipelineName"][-1] for item in page["PipelineSummaries"]] for page in pages]
    assert found == [["0", "1"], ["2", "3"], ["4"]]


def test_a_step_costs_little_beyond_its_process(
    local_aws: LocalAws, step_bin: Path, record_property: Callable[[str, object], None]
) -> None:
    write_step(step_bin, "ndr-quick", "true")
    names = [f"S{number}" for number in range(10)]
    steps = [step(name, "ndr-quick", after=(names[number - 1],) if number else ()) for number, name in enumerate(names)]
    done = run(local_aws, definition(*steps))
    seconds = (done["LastModifiedTime"] - done["CreationTime"]).total_seconds() / len(names)
    record_property("seconds_per_step", seconds)
    assert seconds < 1


def test_pipelines_have_tags(local_aws: LocalAws) -> None:
    sagemaker, name = local_aws.client("sagemaker"), unique("tagged")
    text = definition(step("A", "ndr-show"))
    given = [{"Key": "owner", "Value": "soc"}, {"Key": "environment", "Value": "dev"}]
    made = {"PipelineName": name, "PipelineDefinition": text, "RoleArn": ROLE, "ClientRequestToken": "t" * 32}
    arn = sagemaker.create_pipeline(**made, Tags=given)["PipelineArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "owner", "Value": "ops"}])
    sagemaker.update_pipeline(PipelineName=name, RoleArn=ROLE)
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "owner", "Value": "ops"}, given[1]]
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["owner", "absent"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [given[1]]
    for wrong, said in ((f"{arn}x", "does not exist"), (arn.replace(":pipeline/", ":model/"), "no pipeline")):
        with pytest.raises(ClientError, match=said):
            sagemaker.add_tags(ResourceArn=wrong, Tags=given)
