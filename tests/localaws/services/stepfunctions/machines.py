"""Small state machines, run to their end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from localaws.cli.process import LocalAws
from tests.localaws.running import ROLE, unique, wait_for


@dataclass
class Machine:
    """A state machine of its own, and its executions."""

    local: LocalAws
    arn: str

    def __post_init__(self) -> None:
        self.client = self.local.client("stepfunctions")

    def start(self, data: Any = None, name: str | None = None) -> str:
        named = {"name": name} if name else {}
        started = self.client.start_execution(stateMachineArn=self.arn, input=json.dumps(data or {}), **named)
        return str(started["executionArn"])

    def finish(self, arn: str, seconds: float = 30) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = self.client.describe_execution(executionArn=arn)
            return found if found["status"] != "RUNNING" else None

        return dict(wait_for(ended, seconds))

    def run(self, data: Any = None) -> dict[str, Any]:
        return self.finish(self.start(data))

    def output(self, data: Any = None) -> Any:
        """What an execution that succeeds returns."""
        done = self.run(data)
        assert done["status"] == "SUCCEEDED", (done.get("error"), done.get("cause"))
        return json.loads(done["output"])

    def failure(self, data: Any = None) -> tuple[str, str]:
        """Error and cause of an execution that fails."""
        done = self.run(data)
        assert done["status"] == "FAILED", done
        return done["error"], done["cause"]

    def history(self, arn: str) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def states(self, arn: str) -> list[str]:
        """Names of the states in the order in which they were entered."""
        return [event["stateEnteredEventDetails"]["name"] for event in self.history(arn) if "Entered" in event["type"]]


def machine(
    local: LocalAws,
    states: dict[str, Any],
    start: str | None = None,
    name: str | None = None,
    role: str = ROLE,
    **members: Any,
) -> Machine:
    """A new JSONata machine; states are listed in their order, and follow each other unless they say otherwise."""
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": start or next(iter(states)),
        "States": chain(states),
        **members,
    }
    created = local.client("stepfunctions").create_state_machine(
        name=name or unique("machine"), definition=json.dumps(definition), roleArn=role
    )
    return Machine(local, created["stateMachineArn"])


def chain(states: dict[str, Any]) -> dict[str, Any]:
    """The states, each followed by the next one where it says nothing else; the last one ends."""
    names = list(states)
    linked = {}
    for name, following in zip(names, [*names[1:], None], strict=True):
        state = dict(states[name])
        if state["Type"] not in ("Choice", "Succeed", "Fail") and not {"Next", "End"} & set(state):
            state |= {"Next": following} if following else {"End": True}
        linked[name] = state
    return linked


def part(states: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A branch, or an item processor."""
    return {"StartAt": next(iter(states)), "States": chain(states), **members}


def passing(output: Any = None, **members: Any) -> dict[str, Any]:
    """A Pass state."""
    return {"Type": "Pass", **({} if output is None else {"Output": output}), **members}


FAIL = {"Type": "Fail", "Error": "My.Error", "Cause": "because"}


def failing_task(**members: Any) -> dict[str, Any]:
    """A task that fails with DynamoDB.ResourceNotFoundException."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:getItem",
        "Arguments": {"TableName": "no-such-table", "Key": {"k": {"S": "x"}}},
        **members,
    }
