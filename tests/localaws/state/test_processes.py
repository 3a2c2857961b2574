"""What becomes of a local AWS's processes when it ends, and of the next one."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from localaws.cli.errors import LocalAwsError
from localaws.cli.process import LocalAws
from tests.localaws.running import free_port, wait_for, write_step
from tests.localaws.services.sagemaker.pipelines import create, definition, finish, step
from tests.localaws.services.stepfunctions.machines import machine, part
from tests.localaws.state.keeping import kill

pytestmark = pytest.mark.slow

INTERRUPTED = "the local AWS was stopped"


@pytest.mark.parametrize("killed", [True, False])
def test_what_ran_has_failed_and_its_processes_are_gone(local: LocalAws, tmp_path: Path, killed: bool) -> None:
    write_step(tmp_path / "bin", "ndr-forever", 'sleep 600 & echo $! > "$1"; wait')
    pid_file = tmp_path / "pid"
    pipeline = create(local, definition(step("A", "ndr-forever", str(pid_file)), step("B", after=("A",))))
    started = local.client("sagemaker").start_pipeline_execution(PipelineName=pipeline)["PipelineExecutionArn"]
    child = int(wait_for(lambda: pid_file.exists() and pid_file.read_text()))
    waiting = {"Type": "Wait", "Seconds": 100_000}
    tested = machine(local, {"W": waiting})
    parallel = part({"X": waiting}, ProcessorConfig={"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"})
    mapped = machine(local, {"M": {"Type": "Map", "Items": [1, 2], "ItemProcessor": parallel}})
    executions = [tested.start(), mapped.start()]
    run = wait_for(lambda: mapped.client.list_map_runs(executionArn=executions[1])["mapRuns"])[0]["mapRunArn"]
    wait_for(lambda: len(mapped.client.list_executions(mapRunArn=run)["executions"]) == 2)

    if killed:
        kill(local)
        assert _runs(child)
    else:
        local.stop()
    local.start()

    assert not _runs(child)
    done = finish(local, started)
    assert (done["PipelineExecutionStatus"], done["FailureReason"]) == ("Failed", INTERRUPTED)
    assert {name: found["FailureReason"] for name, found in done["Steps"].items()} == {"A": INTERRUPTED}
    for arn in executions:
        ended = tested.finish(arn)
        assert (ended["status"], ended["cause"]) == ("FAILED", INTERRUPTED)
    assert tested.history(executions[0])[-1]["type"] == "ExecutionFailed"
    assert tested.states(executions[0]) == ["W"]
    children = mapped.client.list_executions(mapRunArn=run)["executions"]
    assert {found["status"] for found in children} == {"FAILED"}
    assert mapped.client.describe_map_run(mapRunArn=run)["status"] == "ABORTED"


def _runs(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_process_that_took_an_old_number_is_left_alone(local: LocalAws, tmp_path: Path) -> None:
    """A record of a process with this test's number, but another start, must not kill this test."""
    local.stop()
    with sqlite3.connect(local.home / "state.sqlite3") as connection:
        record = json.dumps({"started": "12345", "name": "other", "container": None})
        connection.execute("INSERT INTO documents VALUES ('process', ?, ?)", (str(os.getpid()), record))
    connection.close()
    local.start()
    assert local.pid() is not None


def test_two_servers_cannot_share_a_home(local: LocalAws) -> None:
    other = LocalAws(local.home, free_port(), local.step_bin)
    with pytest.raises(LocalAwsError, match="is used by another local AWS"):
        other.start()
