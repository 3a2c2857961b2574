"""The command ndr-local against a running local AWS."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from localaws.cli.cli import main
from localaws.cli.process import LocalAws
from localaws.credential import Credential
from tests.localaws.running import free_port, wait_for, write_step
from tests.localaws.services.sagemaker.pipelines import create, definition, step
from tests.localaws.services.stepfunctions.machines import FAIL, Machine, failing_task, machine, part, passing

pytestmark = pytest.mark.slow


def ndr_local(local: LocalAws, *arguments: str) -> Result:
    return CliRunner().invoke(main, [arguments[0], "--home", str(local.home), *arguments[1:]])


def start_state(pipeline: str) -> dict[str, object]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sagemaker:startPipelineExecution",
        "Arguments": {"PipelineName": pipeline, "ClientRequestToken": "{% $uuid() %}"},
    }


@pytest.fixture(scope="module")
def pipeline(local_aws: LocalAws, step_bin: Path) -> str:
    """A pipeline whose second step fails."""
    write_step(step_bin, "ndr-say", 'echo "said $1"')
    write_step(step_bin, "ndr-refuse", "echo 'error: no baseline of 2026-03. Run ndr-fg-b' >&2; exit 1")
    return create(local_aws, definition(step("Say", "ndr-say", "hello"), step("Refuse", "ndr-refuse", after=("Say",))))


@pytest.fixture(scope="module")
def failing(local_aws: LocalAws, pipeline: str) -> Machine:
    return machine(local_aws, {"Start": start_state(pipeline), "Wait": {"Type": "Wait", "Seconds": 50}, "Failed": FAIL})


@pytest.fixture(scope="module")
def failed(failing: Machine) -> str:
    """ARN of an execution that failed because of the pipeline."""
    arn = failing.start()
    failing.finish(arn)
    return arn


def name_of(machine: Machine) -> str:
    return machine.arn.rpartition(":")[2]


@pytest.mark.slow
def test_failures_name_state_pipeline_step_and_reason(
    local_aws: LocalAws, failing: Machine, failed: str, pipeline: str
) -> None:
    shown = ndr_local(local_aws, "executions", "--machine", name_of(failing), "--failed", "--format", "csv")
    assert shown.exit_code == 0, shown.output
    (row,) = csv.DictReader(shown.output.splitlines())
    assert (row["machine"], row["status"], row["state"]) == (name_of(failing), "FAILED", "Start")
    assert row["why"] == (
        f"My.Error: because; pipeline {pipeline}, step Refuse: "
        "AlgorithmError: error: no baseline of 2026-03. Run ndr-fg-b, exit code: 1"
    )


def test_executions_can_be_shown_with_steps_and_as_json(
    local_aws: LocalAws, failing: Machine, failed: str, pipeline: str
) -> None:
    shown = ndr_local(local_aws, "executions", "--machine", name_of(failing), "--steps").output.splitlines()
    steps = [json.loads(line) for line in shown]
    assert [(row["pipeline"], row["step"], row["step_status"]) for row in steps] == [
        (pipeline, "Say", "Succeeded"),
        (pipeline, "Refuse", "Failed"),
    ]
    found = json.loads(ndr_local(local_aws, "executions", "--machine", name_of(failing)).output)
    assert (found["arn"], found["status"], found["state"]) == (failed, "FAILED", "Start")
    assert [item["name"] for item in found["pipelines"][0]["steps"]] == ["Say", "Refuse"]


def test_pipelines_of_the_children_of_a_map_are_found(local_aws: LocalAws, pipeline: str) -> None:
    states = {"Start": start_state(pipeline), "Wait": {"Type": "Wait", "Seconds": 50}, "Failed": FAIL}
    processor = part(states, ProcessorConfig={"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"})
    tested = machine(local_aws, {"M": {"Type": "Map", "Items": [1], "ItemProcessor": processor}})
    tested.run()
    found = json.loads(ndr_local(local_aws, "executions", "--machine", name_of(tested)).output)
    assert f"pipeline {pipeline}, step Refuse: AlgorithmError" in found["why"]


def test_a_failed_task_is_where_it_failed(local_aws: LocalAws) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Assign": {"error": "{% $states.errorOutput.Error %}"}, "Next": "Release"}]
    fail = {"Type": "Fail", "Error": "{% $error %}", "Cause": "because"}
    tested = machine(local_aws, {"Read": failing_task(Catch=catch), "Release": passing(), "Failed": fail})
    tested.run()
    found = json.loads(ndr_local(local_aws, "executions", "--machine", name_of(tested)).output)
    assert found["state"] == "Read"


def test_an_unknown_machine_is_an_error_that_lists_the_known_ones(local_aws: LocalAws, failed: str) -> None:
    shown = ndr_local(local_aws, "executions", "--machine", "none")
    assert shown.exit_code == 1
    assert "error: the state machine none does not exist. Use one of " in shown.output


def test_logs_are_those_of_a_step_or_of_all_steps(local_aws: LocalAws, failing: Machine, failed: str) -> None:
    found = json.loads(ndr_local(local_aws, "executions", "--machine", name_of(failing)).output)
    execution = found["pipelines"][0]["execution"]
    assert ndr_local(local_aws, "logs", execution, "--step", "Say").output == "said hello\n"
    by_state_machine = ndr_local(local_aws, "logs", failed).output
    assert "Say.log <==\nsaid hello\n" in by_state_machine
    assert "error: no baseline of 2026-03" in by_state_machine
    missing = ndr_local(local_aws, "logs", execution, "--step", "None")
    assert (missing.exit_code, "no log of the step None" in missing.output) == (1, True)


def test_logs_can_be_followed(local_aws: LocalAws, step_bin: Path, tmp_path: Path) -> None:
    write_step(step_bin, "ndr-slow", 'echo one; until [ -e "$1" ]; do sleep 0.05; done; echo two')
    go = tmp_path / "go"
    name = create(local_aws, definition(step("A", "ndr-slow", str(go))))
    client = local_aws.client("sagemaker")
    arn = client.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    wait_for(lambda: list(local_aws.home.glob(f"logs/{name}/*/A.log")))
    command = [sys.executable, "-m", "localaws.cli.cli", "logs", "--home", str(local_aws.home), arn, "-f"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        timer = threading.Timer(30, process.kill)
        timer.start()
        assert process.stdout.readline() == "one\n"
        go.touch()
        assert process.stdout.readline() == "two\n"
        timer.cancel()
        process.send_signal(signal.SIGINT)


def test_a_shell_can_evaluate_env(local_aws: LocalAws) -> None:
    text = ndr_local(local_aws, "env").output
    script = f'{text}\necho "$AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID $AWS_DEFAULT_REGION"'
    shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout == f"{local_aws.endpoint} {Credential.of(local_aws.home).key_id} us-east-1\n"


def test_status_shows_pipelines_and_running_executions(local_aws: LocalAws, failing: Machine, pipeline: str) -> None:
    waiting = machine(local_aws, {"W": {"Type": "Wait", "Seconds": 100_000}})
    arn = waiting.start()
    shown = ndr_local(local_aws, "status")
    waiting.client.stop_execution(executionArn=arn)
    assert shown.exit_code == 0
    assert shown.output.startswith(f"{local_aws.endpoint}: running, process {local_aws.pid()}")
    assert pipeline in shown.output
    assert f"running: {name_of(waiting)} {arn.rpartition(':')[2]}" in shown.output


def test_up_starts_and_down_stops(tmp_path: Path) -> None:
    home, port = tmp_path / "home", str(free_port())
    up = CliRunner().invoke(main, ["up", "--home", str(home), "--port", port, "--no-deploy", "--wait-scale", "0"])
    assert up.output == f"http://127.0.0.1:{port}: started, state in {home}\n"
    again = CliRunner().invoke(main, ["up", "--home", str(home), "--no-deploy"])
    assert again.output == f"http://127.0.0.1:{port}: already running, state in {home}\n"
    down = CliRunner().invoke(main, ["down", "--home", str(home)])
    assert down.output == f"http://127.0.0.1:{port}: stopped\n"
    again = CliRunner().invoke(main, ["down", "--home", str(home)])
    assert again.output == f"http://127.0.0.1:{port}: was not running\n"
    status = CliRunner().invoke(main, ["status", "--home", str(home)])
    assert (status.exit_code, status.output) == (1, f"http://127.0.0.1:{port}: not running\n")
    executions = CliRunner().invoke(main, ["executions", "--home", str(home)])
    assert (executions.exit_code, "is not running. Start it with: ndr-local up" in executions.output) == (1, True)


def test_up_refuses_a_parameter_that_no_stack_has(local_aws: LocalAws) -> None:
    command = [str(Path(sys.executable).parent / "ndr-local"), "up", "--home", str(local_aws.home), "--set", "Nope=1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no stack has a parameter Nope" in done.stderr


@pytest.mark.slow
def test_up_deploys_everything(tmp_path: Path) -> None:
    home, port, path = tmp_path / "home", str(free_port()), tmp_path / "project.yaml"
    orchestration = {"lake_uri": "s3://lake", "ingestion_prefix": "s3://logs/acme/hq"}
    path.write_text(json.dumps({"project_name": "demo", "organisations": ["acme/hq"], "orchestration": orchestration}))
    command = [str(Path(sys.executable).parent / "ndr-local"), "up", "--home", str(home), "--port", port, "--fused"]
    command += ["--set", "SchedulesState=ENABLED", "--project", str(path)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    try:
        first = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert first.returncode == 0, first.stderr
        assert "stack ndr-control-plane: created" in first.stdout
        assert "sfn_ndr_15m_features_inference: created, live is version 1" in first.stdout
        local = LocalAws.of(home)
        pid = local.pid()
        assert pid
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: local.pid() is None)
        second = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert second.returncode == 0, second.stderr
        changed = [line for line in second.stdout.splitlines() if "unchanged" not in line]
        images = "images: docker.io/library, tag latest (deployed)"
        assert changed == [f"http://127.0.0.1:{port}: started, state in {home}", "project demo: acme/hq", images]
        outputs = json.loads((home / "outputs.json").read_text())
        assert outputs["PipelineName15m"] == "ndr-15m-streaming-fused"
        assert outputs["PipelineName15m"] in local_pipelines(local)
        schedules = {one["Name"]: one["State"] for one in local.client("scheduler").list_schedules()["Schedules"]}
        assert set(schedules.values()) == {"ENABLED"}
        assert {"ndr-demo-grow", "ndr-demo-training", "ndr-demo-monthly-baselines"} <= set(schedules)
    finally:
        LocalAws.of(home).stop()


def local_pipelines(local: LocalAws) -> set[str]:
    return {item["PipelineName"] for item in local.client("sagemaker").list_pipelines()["PipelineSummaries"]}
