"""Deployments, rollbacks and removals that are killed at random points, and repeated: the same as undisturbed ones.

All beside another environment in the account, of which nothing changes.
Four points are drawn here, one in each; `make kills` draws twenty.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.differences import differences
from statemachines.deploy import environment
from tests.checkout import ROOT
from tests.statemachines.deploy.account import contents, of_environment
from tests.statemachines.deploy.deployer import Deployer
from tests.statemachines.deploy.dying import on_each_call

ROUNDS = int(os.environ.get("NDR_DEPLOY_ROUNDS", "1"))
SEED = int(os.environ.get("NDR_DEPLOY_SEED", "20"))
FEW = 5
"""Calls by which an operation may differ from the same one, as it waits for something."""
PARTS = "parts: [ndr, ingestion]\n"
FIRST = f"{PARTS}pipeline_defaults: {{InstanceType: ml.m5.2xlarge}}\n"
SECOND = f"{PARTS}parameters: {{PipelineName15mParameter: ndr-15m-streaming, LogRetentionDays: '7'}}\n"
ROLLBACK = ("rollback", "--release", "--environment", "dev")
DESTROY = ("destroy", "dev", "--delete-data", "dev")
pytestmark = [pytest.mark.slow, pytest.mark.long]


class Operations:
    """The first deployment of an environment, its upgrade, the rollback and the removal, each as a command."""

    def __init__(self, deployer: Deployer, folder: Path, wheel: Path) -> None:
        self.deployer, self.folder = deployer, folder
        up = ("up", "dev", "--signed", str(wheel))
        self.commands = {"deploy": up, "upgrade": up, "rollback": ROLLBACK, "destroy": DESTROY}

    def describe(self, name: str) -> None:
        """Writes the environment as the operation wants it."""
        (self.folder / "dev.yaml").write_text(FIRST if name == "deploy" else SECOND)

    def run(self, name: str) -> tuple[dict[str, Any], int]:
        """What the account has after the operation, and how many calls that took."""
        self.describe(name)
        calls = [0]
        on_each_call(lambda: calls.__setitem__(0, calls[0] + 1))
        done = self.deployer.run(*self.commands[name])
        assert done.exit_code == 0, done.output
        made = calls[0]
        return contents(self.deployer.local), made

    def kill(self, name: str, calls: int) -> None:
        """Begins the operation in a process of its own, which dies after so many calls."""
        self.describe(name)
        program = [sys.executable, "-m", "tests.statemachines.deploy.dying", str(calls), str(self.folder)]
        done = subprocess.run(
            [*program, *self.commands[name]],
            env={**os.environ, **self.deployer.local.environment},
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def test_what_was_killed_and_repeated_is_what_was_never_killed(
    deployer: Deployer, tmp_path: Path, wheel_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "FILES", tmp_path)
    (tmp_path / "test.yaml").write_text(SECOND)
    assert deployer.run("up", "test", "--signed", str(wheel_folder)).exit_code == 0
    before = contents(deployer.local)
    operations = Operations(deployer, tmp_path, wheel_folder)
    undisturbed = {name: operations.run(name) for name in operations.commands}
    # what one environment does leaves the other as it is, and a removed one leaves nothing
    for name, (found, _) in undisturbed.items():
        assert of_environment(found, "test") == of_environment(before, "test"), name
    assert undisturbed["destroy"][0] == before
    drawn = random.Random(SEED)
    for name in list(operations.commands) * ROUNDS:
        wanted, calls = undisturbed[name]
        point = drawn.randrange(1, calls - FEW)
        operations.kill(name, point)
        found, _ = operations.run(name)
        changed = [str(change) for change in differences(wanted, found)]
        assert changed == [], f"{name}, killed after {point} of {calls} calls, seed {SEED}"
