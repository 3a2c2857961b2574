"""Deployment of the control plane to a local AWS, by the same commands as to AWS."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from common.runtime.programs import scripts_folder
from localaws.cli.errors import LocalAwsError
from localaws.cli.process import LocalAws

FUSED, FOUR_STEPS = "ndr-15m-streaming-fused", "ndr-15m-streaming"


def deploy(
    local: LocalAws, projects: Sequence[Path] = (), fused: bool | None = None, parameters: Sequence[str] = ()
) -> None:
    """Deploys stacks, state machines, projects and pipelines; the commands print to standard output.

    Parameters of the stacks have the form NAME=VALUE.

    Raises:
        LocalAwsError: a command is missing or failed; its error is on stderr.
    """
    outputs = local.home.resolve() / "outputs.json"
    arguments = ["deploy", "--outputs", str(outputs)]
    for project in projects:
        arguments += ["--project", str(project)]
    if fused is not None:
        arguments += ["--set", f"PipelineName15mParameter={FUSED if fused else FOUR_STEPS}"]
    for parameter in parameters:
        arguments += ["--set", parameter]
    run_command(local, "ndr-statemachines", *arguments)
    found = json.loads(outputs.read_text())
    execution_role = found["TaskExecutionRoleArn"]
    of_tasks = [] if execution_role == "none" else ["--task-execution-role-arn", execution_role]
    run_command(local, "ndr-pipelines", "upsert", "--role-arn", found["PipelineRoleArn"], *of_tasks)


def run_command(local: LocalAws, name: str, *arguments: str) -> None:
    """Runs a command of this project against a local AWS.

    Raises:
        LocalAwsError: the command is missing or failed.
    """
    program = scripts_folder() / name
    if not program.exists():
        raise LocalAwsError(f"the command {program} is missing", "Install it with: make setup")
    done = subprocess.run([program, *arguments], env={**os.environ, **local.environment}, umask=0o077, check=False)
    if done.returncode:
        raise LocalAwsError(
            f"{name} {arguments[0]} failed with exit code {done.returncode}",
            "Fix the error above and repeat ndr-local up; the local AWS keeps running",
        )
