"""How many steps run at once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.localaws.running import wait_for, write_step
from tests.localaws.services.sagemaker.pipelines import create, definition, finish, run, step

pytestmark = pytest.mark.slow


def test_no_more_processes_than_slots(start_local_aws: Any, tmp_path: Path) -> None:
    write_step(tmp_path, "ndr-count", 'echo in >> "$1"; sleep 0.2; echo out >> "$1"')
    local = start_local_aws(step_bin=tmp_path, NDR_STEP_SLOTS="2")
    log = tmp_path / "log"
    steps = [step(f"S{number}", "ndr-count", str(log)) for number in range(6)]
    assert run(local, definition(*steps))["PipelineExecutionStatus"] == "Succeeded"
    inside, most = 0, 0
    for line in log.read_text().split():
        inside += 1 if line == "in" else -1
        most = max(most, inside)
    assert most == 2


def test_a_step_that_waits_for_another_leaves_its_place(start_local_aws: Any, tmp_path: Path) -> None:
    """With one place, a step waits for what only a second step brings about."""
    write_step(tmp_path, "ndr-wait", 'echo > "$1.begun"; until [ -e "$1" ]; do sleep 1; done')
    write_step(tmp_path, "ndr-bring", 'echo > "$1"')
    local = start_local_aws(step_bin=tmp_path, NDR_STEP_SLOTS="1")
    file = tmp_path / "file"
    waiting = create(local, definition(step("A", "ndr-wait", str(file))))
    client = local.client("sagemaker")
    arn = client.start_pipeline_execution(PipelineName=waiting)["PipelineExecutionArn"]
    wait_for(Path(f"{file}.begun").exists)
    assert run(local, definition(step("B", "ndr-bring", str(file))))["PipelineExecutionStatus"] == "Succeeded"
    assert finish(local, arn)["PipelineExecutionStatus"] == "Succeeded"


def test_a_step_that_works_keeps_its_place(start_local_aws: Any, tmp_path: Path) -> None:
    write_step(tmp_path, "ndr-work", 'echo > "$1.begun"; until [ -e "$1.stop" ]; do :; done; echo worked >> "$1"')
    write_step(tmp_path, "ndr-late", 'echo late >> "$1"')
    local = start_local_aws(step_bin=tmp_path, NDR_STEP_SLOTS="1")
    file = tmp_path / "file"
    client = local.client("sagemaker")
    arns = []
    for image in ("ndr-work", "ndr-late"):
        name = create(local, definition(step("A", image, str(file))))
        arns.append(client.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"])
        wait_for(Path(f"{file}.begun").exists)
    # longer than it takes to be found idle
    wait_for(lambda: _age(Path(f"{file}.begun")) > 6)
    Path(f"{file}.stop").touch()
    for arn in arns:
        assert finish(local, arn)["PipelineExecutionStatus"] == "Succeeded"
    assert file.read_text().split() == ["worked", "late"]


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime
