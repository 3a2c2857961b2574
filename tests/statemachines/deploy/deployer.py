"""The command line of deployments against a local AWS, and what it leaves there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from localaws.cli.process import LocalAws
from statemachines.cli import main
from tests.localaws.running import lead_to

BESIDE = ('{"time": ', "  ", "signatures: ")
"""What lines begin with that are not about what was done, or why not."""


class Deployer:
    """The command line against a local AWS."""

    def __init__(self, local: LocalAws) -> None:
        self.local = local
        self.states = local.client("stepfunctions")

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, arguments, catch_exceptions=False)

    def deploy(self, *arguments: str) -> dict[str, str]:
        """What is said of the stack and of each machine by a deployment that succeeds."""
        done = self.run("deploy", *arguments)
        assert done.exit_code == 0, done.output
        return dict(line.split(": ", 1) for line in done.output.splitlines() if not line.startswith("  "))

    def refusal(self, *arguments: str) -> str:
        """What is said by a command that fails: one line, besides events."""
        failed = self.run(*arguments)
        assert failed.exit_code == 1, failed.output
        (line,) = (line for line in failed.output.splitlines(keepends=True) if not line.startswith(BESIDE))
        return line

    def arn(self, machine: str) -> str:
        return f"arn:aws:states:us-east-1:000000000000:stateMachine:{machine}"

    def versions(self, machine: str) -> list[int]:
        listed = self.states.list_state_machine_versions(stateMachineArn=self.arn(machine))["stateMachineVersions"]
        return sorted(int(entry["stateMachineVersionArn"].rpartition(":")[2]) for entry in listed)

    def live(self, machine: str) -> int:
        alias = self.states.describe_state_machine_alias(stateMachineAliasArn=f"{self.arn(machine)}:live")
        (route,) = alias["routingConfiguration"]
        assert route["weight"] == 100
        return int(route["stateMachineVersionArn"].rpartition(":")[2])

    def definition(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.states.describe_state_machine(stateMachineArn=arn)["definition"])
        return found

    @property
    def machines(self) -> set[str]:
        return {entry["name"] for entry in self.states.list_state_machines()["stateMachines"]}

    @property
    def tables(self) -> list[str]:
        return list(self.local.client("dynamodb").list_tables()["TableNames"])

    def items(self, table: str) -> list[dict[str, Any]]:
        return list(self.local.client("dynamodb").scan(TableName=table)["Items"])


def led_to(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Deployer:
    lead_to(local, monkeypatch)
    return Deployer(local)
