"""Glue jobs: what a run executes, how it ends, and how a state waits for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from localaws.credential import Credential
from localaws.server.settings import Settings
from tests.localaws.running import Started, unique, wait_for, write_step
from tests.localaws.services.stepfunctions.machines import machine

ENDED = {"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT"}


def job(local: LocalAws, script: str, **members: Any) -> str:
    """A new Glue job; its name."""
    name = unique("job")
    command = {"Name": "glueetl", "ScriptLocation": f"s3://code/{script}"}
    local.client("glue").create_job(Name=name, Role="arn:aws:iam::000000000000:role/g", Command=command, **members)
    return name


def finish(local: LocalAws, name: str, run: str, seconds: float = 30) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = local.client("glue").get_job_run(JobName=name, RunId=run)["JobRun"]
        return found if found["JobRunState"] in ENDED else None

    return dict(wait_for(ended, seconds))


def run(local: LocalAws, name: str, **members: Any) -> dict[str, Any]:
    return finish(local, name, local.client("glue").start_job_run(JobName=name, **members)["JobRunId"])


def test_a_run_gets_the_arguments_that_are_not_glues_own(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-glue-show", 'printf "%s\\n" "$@"; echo "$AWS_ENDPOINT_URL"')
    defaults = {
        "--enable-metrics": "true",
        "--job-language": "python",
        "--TempDir": "s3://tmp",
        "--input": "s3://a",
        "--mode": "x",
        "--MANIFEST_PATH": "s3://manifests/a b.json",
    }
    name = job(local_aws, "ndr_glue_show.py", DefaultArguments=defaults)
    done = run(local_aws, name, Arguments={"--mode": "y z"})
    assert done["JobRunState"] == "SUCCEEDED"
    log = (local_aws.home / "logs" / "glue" / name / f"{done['Id']}.log").read_text().splitlines()
    manifest = ["--MANIFEST_PATH", "s3://manifests/a b.json"]
    assert log == ["--input", "s3://a", "--mode", "y z", *manifest, local_aws.endpoint]


def test_a_failed_run_says_why(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-glue-fail", "echo 'error: no manifest in s3://x. Build it' >&2; exit 1")
    done = run(local_aws, job(local_aws, "ndr_glue_fail.py"))
    assert done["JobRunState"] == "FAILED"
    assert done["ErrorMessage"] == "error: no manifest in s3://x. Build it, exit code: 1"


def test_runs_at_once_are_bounded(local_aws: LocalAws, step_bin: Path, tmp_path: Path) -> None:
    write_step(step_bin, "ndr-glue-wait", 'until [ -e "$2" ]; do sleep 0.05; done')
    name = job(local_aws, "ndr_glue_wait.py", ExecutionProperty={"MaxConcurrentRuns": 2})
    go = tmp_path / "go"
    client = local_aws.client("glue")
    runs = [client.start_job_run(JobName=name, Arguments={"--until": str(go)})["JobRunId"] for _ in range(2)]
    with pytest.raises(ClientError) as caught:
        client.start_job_run(JobName=name)
    assert caught.value.response["Error"]["Code"] == "ConcurrentRunsExceededException"
    go.touch()
    assert [finish(local_aws, name, identifier)["JobRunState"] for identifier in runs] == ["SUCCEEDED", "SUCCEEDED"]
    assert run(local_aws, name, Arguments={"--until": str(go)})["JobRunState"] == "SUCCEEDED"


def test_further_runs_wait_if_the_job_has_a_queue(local_aws: LocalAws, step_bin: Path, tmp_path: Path) -> None:
    write_step(step_bin, "ndr-glue-wait", 'echo "$4" >>"$2.order"; until [ -e "$2" ]; do sleep 0.05; done')
    name = job(local_aws, "ndr_glue_wait.py", ExecutionProperty={"MaxConcurrentRuns": 1}, JobRunQueuingEnabled=True)
    client, go = local_aws.client("glue"), tmp_path / "go"

    def start(number: str) -> str:
        arguments = {"--until": str(go), "--n": number}
        return str(client.start_job_run(JobName=name, Arguments=arguments)["JobRunId"])

    def state_of(run: str) -> str:
        return str(client.get_job_run(JobName=name, RunId=run)["JobRun"]["JobRunState"])

    runs = [start(number) for number in "1234"]
    wait_for(lambda: state_of(runs[0]) == "RUNNING")
    assert [state_of(run) for run in runs[1:]] == ["WAITING"] * 3
    client.batch_stop_job_run(JobName=name, JobRunIds=[runs[2]])
    assert finish(local_aws, name, runs[2])["JobRunState"] == "STOPPED"
    go.touch()
    assert [finish(local_aws, name, run)["JobRunState"] for run in runs] == [
        "SUCCEEDED",
        "SUCCEEDED",
        "STOPPED",
        "SUCCEEDED",
    ]
    assert (tmp_path / "go.order").read_text().split() == ["1", "2", "4"]


def test_a_run_can_be_stopped(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-glue-long", "sleep 600")
    name = job(local_aws, "ndr_glue_long.py")
    client = local_aws.client("glue")
    identifier = client.start_job_run(JobName=name)["JobRunId"]
    wait_for(lambda: client.get_job_run(JobName=name, RunId=identifier)["JobRun"]["JobRunState"] == "RUNNING")
    stopped = client.batch_stop_job_run(JobName=name, JobRunIds=[identifier, "jr_none"])
    assert [item["JobRunId"] for item in stopped["SuccessfulSubmissions"]] == [identifier]
    assert [item["JobRunId"] for item in stopped["Errors"]] == ["jr_none"]
    assert finish(local_aws, name, identifier)["JobRunState"] == "STOPPED"


@pytest.mark.slow
def test_a_run_has_a_time_limit_in_minutes(start_local_aws: Started, step_bin: Path) -> None:
    local = start_local_aws(step_bin, NDR_GLUE_MINUTE="3")
    write_step(step_bin, "ndr-glue-long", "sleep 600")
    name = job(local, "ndr_glue_long.py", Timeout=500)
    identifier = local.client("glue").start_job_run(JobName=name, Timeout=2)["JobRunId"]
    done = finish(local, name, identifier, 100)
    assert (done["JobRunState"], done["ErrorMessage"]) == ("TIMEOUT", "Job run exceeded its timeout of 2 minutes")
    assert 6 <= done["ExecutionTime"] <= 20


def test_a_minute_has_sixty_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Credential.make(tmp_path)
    monkeypatch.setenv("NDR_LOCAL_HOME", str(tmp_path))
    monkeypatch.setenv("NDR_STEP_BIN", str(tmp_path))
    assert Settings.from_environment(step_umask=0o022).glue_minute_seconds == 60


@pytest.mark.slow
@pytest.mark.parametrize("script", ["ndr_local.py", "sh", "../ndr_glue_true.py/python", "ndr_glue_true.py/.."])
def test_only_commands_of_stages_are_run(local_aws: LocalAws, step_bin: Path, script: str) -> None:
    for command in ("ndr-local", "sh", "python"):
        write_step(step_bin, command, "true")
    with pytest.raises(ClientError, match="is not the command of a stage"):
        run(local_aws, job(local_aws, script))


@pytest.mark.parametrize("name", ["../outside", "a/b", ".."])
def test_a_job_whose_name_is_a_path_is_refused(local_aws: LocalAws, name: str) -> None:
    command = {"Name": "glueetl", "ScriptLocation": "s3://code/ndr_glue_true.py"}
    with pytest.raises(ClientError, match="must not be a path"):
        local_aws.client("glue").create_job(Name=name, Role="r", Command=command)


def test_a_missing_job_is_an_error(local_aws: LocalAws) -> None:
    with pytest.raises(ClientError) as caught:
        local_aws.client("glue").start_job_run(JobName="none")
    assert caught.value.response["Error"]["Code"] == "EntityNotFoundException"


def state(name: str, **members: Any) -> dict[str, Any]:
    arguments = {"JobName": name, **members}
    return {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "Arguments": arguments}


def test_a_state_waits_for_the_run(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-glue-quick", '[ "$2" = 5 ]')
    name = job(local_aws, "ndr_glue_quick.py")
    tested = machine(local_aws, {"A": state(name, Arguments={"--n": "{% $string($states.input.n) %}"})})
    assert tested.output({"n": 5})["JobRunState"] == "SUCCEEDED"
    error, cause = tested.failure({"n": 6})
    assert error == "States.TaskFailed"
    assert json.loads(cause)["JobRunState"] == "FAILED"
    assert machine(local_aws, {"A": state("none")}).failure()[0] == "Glue.EntityNotFoundException"


def test_a_stopped_execution_stops_its_run(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-glue-long", "sleep 600")
    name = job(local_aws, "ndr_glue_long.py")
    tested = machine(local_aws, {"A": state(name)})
    arn = tested.start()
    client = local_aws.client("glue")
    found = wait_for(lambda: client.get_job_runs(JobName=name)["JobRuns"])[0]["Id"]
    wait_for(lambda: client.get_job_run(JobName=name, RunId=found)["JobRun"]["JobRunState"] == "RUNNING")
    tested.client.stop_execution(executionArn=arn)
    assert finish(local_aws, name, found)["JobRunState"] == "STOPPED"


def test_the_sdk_integration_starts_a_run(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-glue-true", "true")
    name = job(local_aws, "ndr_glue_true.py")
    sdk = "arn:aws:states:::aws-sdk:glue:"
    tested = machine(
        local_aws,
        {
            "Start": {"Type": "Task", "Resource": f"{sdk}startJobRun", "Arguments": {"JobName": name}},
            "Wait": {"Type": "Wait", "Seconds": 25, "Assign": {"run": "{% $states.input.JobRunId %}"}},
            "Get": {
                "Type": "Task",
                "Resource": f"{sdk}getJobRun",
                "Arguments": {"JobName": name, "RunId": "{% $run %}"},
                "Output": "{% $states.result.JobRun.JobRunState %}",
            },
        },
    )
    assert tested.output() == "SUCCEEDED"
