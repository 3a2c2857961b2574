"""Functions: how they are invoked and end, how many run at once, and what their processes get."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.cli.logs import log_files
from localaws.cli.process import LocalAws
from localaws.credential import Credential
from tests.localaws.running import Started, new_local_aws, wait_for
from tests.localaws.services.functions.functions import create, invoke, write_function
from tests.localaws.services.stepfunctions.machines import machine


@pytest.fixture(autouse=True)
def program(step_bin: Path) -> None:
    write_function(step_bin)


def running(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists() or Path(f"/proc/{pid}").exists()


def test_a_process_serves_one_invocation_after_the_other(local_aws: LocalAws) -> None:
    name = create(local_aws)
    before = time.time()
    first, second = (invoke(local_aws, name, do="echo", n=n) for n in (1, 2))
    assert (first["event"], second["event"]) == ({"do": "echo", "n": 1}, {"do": "echo", "n": 2})
    assert first["pid"] == second["pid"]
    headers = first["headers"]
    assert headers["lambda-runtime-invoked-function-arn"].endswith(f":function:{name}")
    assert before + 20 <= int(headers["lambda-runtime-deadline-ms"]) / 1000 <= time.time() + 20
    assert headers["lambda-runtime-aws-request-id"] != second["headers"]["lambda-runtime-aws-request-id"]


def test_a_process_has_the_functions_variables_and_the_servers_credential(local_aws: LocalAws) -> None:
    variables = {"NDR_DEBUG": "1", "MANIFEST_BUCKET": "manifests"}
    name = create(local_aws, Environment={"Variables": variables}, MemorySize=256)
    expected = {
        **variables,
        "AWS_ENDPOINT_URL": local_aws.endpoint,
        "AWS_ACCESS_KEY_ID": Credential.of(local_aws.home).key_id,
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": "us-east-1",
    }
    assert invoke(local_aws, name, do="environment", names=list(expected)) == expected


def failure(local: LocalAws, name: str, **event: Any) -> tuple[str, str, str]:
    """The kind of a failed invocation, and type and message of its error, whose request id is left out."""
    answer = local.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    error = json.loads(answer["Payload"].read())
    return (
        answer["FunctionError"],
        error["errorType"],
        error["errorMessage"].partition(" Error: ")[2] or error["errorMessage"],
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("event", "kind", "message"),
    [
        ({"do": "fail", "message": "bad key"}, "ValueError", "bad key"),
        ({"do": "exit", "code": 3}, "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ({"do": "exit", "code": 0}, "Runtime.ExitError", "Runtime exited without providing a reason"),
        ({"do": "kill"}, "Runtime.ExitError", "Runtime exited with error: signal: killed"),
    ],
)
def test_a_failure_is_said_as_lambda_says_it(local_aws: LocalAws, event: Any, kind: str, message: str) -> None:
    name = create(local_aws)
    assert failure(local_aws, name, **event) == ("Unhandled", kind, message)
    assert invoke(local_aws, name, do="echo")["event"] == {"do": "echo"}


@pytest.mark.slow
def test_a_process_that_takes_too_long_is_killed(local_aws: LocalAws) -> None:
    name = create(local_aws, Timeout=1)
    pid = invoke(local_aws, name, do="echo")["pid"]
    found = failure(local_aws, name, do="sleep", seconds=60)
    assert found == ("Unhandled", "Sandbox.Timedout", "Task timed out after 1.00 seconds")
    wait_for(lambda: not running(pid))
    assert invoke(local_aws, name, do="echo")["pid"] != pid


def test_a_program_that_does_not_start_says_why(local_aws: LocalAws) -> None:
    name = create(local_aws, ImageConfig={"Command": ["broken"]})
    assert failure(local_aws, name) == ("Unhandled", "Runtime.ImportModuleError", "no such module")


@pytest.mark.slow
def test_as_many_processes_run_as_invocations_up_to_the_reserved(local_aws: LocalAws, tmp_path: Path) -> None:
    name = create(local_aws)
    client = local_aws.client("lambda")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=3)
    go, notes = tmp_path / "go", tmp_path / "notes"

    def at_once() -> set[int]:
        """The processes of three invocations that run at once, while a fourth one is refused."""
        go.unlink(missing_ok=True)
        notes.unlink(missing_ok=True)
        waiting = {"do": "wait", "until": str(go), "folder": str(tmp_path)}
        with ThreadPoolExecutor(3) as pool:
            busy = [pool.submit(invoke, local_aws, name, **waiting) for _ in range(3)]
            wait_for(lambda: notes.exists() and len(notes.read_text().splitlines()) == 3)
            with pytest.raises(ClientError) as caught:
                invoke(local_aws, name, do="echo")
            assert caught.value.response["Error"]["Code"] == "TooManyRequestsException"
            go.touch()
            return {each.result()["pid"] for each in busy}

    first = at_once()
    assert len(first) == 3
    assert at_once() == first


def test_a_changed_function_has_new_processes(local_aws: LocalAws) -> None:
    name = create(local_aws, Environment={"Variables": {"NDR_DEBUG": "old"}})
    pid = invoke(local_aws, name, do="echo")["pid"]
    client = local_aws.client("lambda")
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {"NDR_DEBUG": "new"}})
    wait_for(lambda: not running(pid))
    assert invoke(local_aws, name, do="environment", names=["NDR_DEBUG"]) == {"NDR_DEBUG": "new"}
    pid = invoke(local_aws, name, do="echo")["pid"]
    client.delete_function(FunctionName=name)
    wait_for(lambda: not running(pid))


def test_what_a_function_prints_is_in_its_log(local_aws: LocalAws) -> None:
    name = create(local_aws)
    invoke(local_aws, name, do="sleep", seconds=0)
    (log,) = log_files(local_aws, name, None)
    assert (log, log.read_text()) == (local_aws.home / "logs" / "lambda" / f"{name}.log", "sleeping\n")


def invoke_as_event(local: LocalAws, name: str, event: str) -> None:
    local.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=event)


def invoke_by_rule(local: LocalAws, name: str, event: str) -> None:
    client, arn = local.client("events"), f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    client.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    client.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn, "Input": event}])
    client.put_events(Entries=[{"Source": name, "DetailType": "test", "Detail": "{}"}])


@pytest.mark.slow
@pytest.mark.parametrize("invoke_asynchronously", [invoke_as_event, invoke_by_rule])
def test_an_asynchronous_invocation_is_repeated_twice(
    local_aws: LocalAws, tmp_path: Path, invoke_asynchronously: Callable[[LocalAws, str, str], None]
) -> None:
    event = json.dumps({"do": "fail", "message": "again", "folder": str(tmp_path)})
    invoke_asynchronously(local_aws, create(local_aws), event)
    notes = tmp_path / "notes"
    wait_for(lambda: notes.exists() and notes.read_text().splitlines() == [event] * 3)


def test_a_state_invokes_a_function(local_aws: LocalAws) -> None:
    name = create(local_aws)
    arguments = {"FunctionName": name, "Payload": {"do": "{% $states.input.what %}", "message": "because"}}
    state = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": arguments}
    tested = machine(local_aws, {"A": state})
    assert tested.output({"what": "echo"})["Payload"]["event"] == {"do": "echo", "message": "because"}
    error, cause = tested.failure({"what": "fail"})
    assert (error, json.loads(cause)["errorMessage"]) == ("ValueError", "because")


@pytest.mark.slow
def test_an_idle_process_ends(start_local_aws: Started, step_bin: Path) -> None:
    local = start_local_aws(step_bin=step_bin, NDR_FUNCTION_IDLE="0.5")
    name = create(local)
    pid = invoke(local, name, do="echo")["pid"]
    wait_for(lambda: not running(pid))
    assert invoke(local, name, do="echo")["pid"] != pid


@pytest.mark.slow
@pytest.mark.parametrize("killed", [True, False])
def test_no_process_outlives_the_server(tmp_path: Path, killed: bool) -> None:
    local = new_local_aws(tmp_path / "home", tmp_path / "bin")
    write_function(tmp_path / "bin")
    local.start()
    try:
        name = create(local)
        pid = invoke(local, name, do="echo")["pid"]
        server = local.pid()
        assert server
        if killed:
            os.kill(server, 9)
            os.waitpid(server, 0)
            local.start()
        else:
            local.stop()
        wait_for(lambda: not running(pid), 5)
        if killed:
            assert invoke(local, name, do="echo")["pid"] != pid
    finally:
        local.stop()
