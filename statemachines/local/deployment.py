"""Everything that AWS would have, in the local AWS: deployed by the commands that deploy to AWS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from statemachines.local.errors import LocalAwsError
from statemachines.local.process import LocalAws

OUTPUTS = "outputs.json"


def deploy(local: LocalAws, projects: Sequence[Path], fused: bool) -> None:
    """Creates or updates the stack, the state machines, the projects and the pipelines.

    Raises:
        LocalAwsError: a command failed; it has said why on stderr.
    """
    outputs = local.home / OUTPUTS
    form = "ndr-15m-streaming-fused" if fused else "ndr-15m-streaming"
    words = [word for path in projects for word in ("--project", str(path))]
    _run(
        local,
        *("ndr-statemachines", "deploy", "--outputs", str(outputs), "--set", f"PipelineName15mParameter={form}"),
        *words,
    )
    role = json.loads(outputs.read_text(encoding="utf-8"))["StepRoleArn"]
    _run(local, "ndr-pipelines", "upsert", "--role-arn", role)


def _run(local: LocalAws, command: str, *arguments: str) -> None:
    program = Path(sys.executable).parent / command
    done = subprocess.run([program, *arguments], env={**os.environ, **local.environment}, check=False)
    if done.returncode:
        raise LocalAwsError(
            f"{command} failed with exit code {done.returncode}", "The reason stands above; the server is still up"
        )
