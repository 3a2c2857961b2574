"""Cases run on the local AWS, whose Step Functions take the answers of all calls from them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.retries import polled
from localaws.cli.process import LocalAws
from tests.localaws.running import ROLE
from tests.statemachines.machines.answers import Situation
from tests.statemachines.machines.cases import cases, responses_of
from tests.statemachines.machines.samples import (
    DEFINITIONS,
    PLACEHOLDERS,
)

AT_ONCE = 24
SECONDS = 600.0  # an execution that hangs is meant, not one among many on a slow machine


@dataclass(frozen=True)
class Run:
    """How an execution went: its states in order, the attempts of its tasks, its end; the same of the children."""

    states: list[str]
    attempts: dict[str, int]
    status: str
    output: Any = None
    error: str = ""
    cause: str = ""
    children: list[Run] = field(default_factory=list)


def mock_config() -> dict[str, Any]:
    """All cases in the form of Step Functions Local."""
    machines: dict[str, Any] = {}
    responses: dict[str, Any] = {}
    for machine in DEFINITIONS:
        named: dict[str, dict[str, str]] = {}
        for name, (situation, _) in cases(machine).items():
            answers = responses_of(situation)
            named[name] = {state: f"{machine}/{name}/{state}" for state in answers}
            responses |= {f"{machine}/{name}/{state}": answer for state, answer in answers.items()}
        machines[machine] = {"TestCases": named}
    return {"StateMachines": machines, "MockedResponses": responses}


def write_mock_config(path: Path) -> Path:
    """The file of all cases."""
    path.write_text(json.dumps(mock_config()))
    return path


class Machines:
    """The machines on a local AWS that was started with the cases."""

    def __init__(self, local: LocalAws) -> None:
        self._states = local.client("stepfunctions")
        self._s3 = local.client("s3")
        self._bucket = PLACEHOLDERS["ArtifactsBucket"]
        self._s3.create_bucket(Bucket=self._bucket)
        self._arns = {
            machine: self._states.create_state_machine(name=machine, definition=json.dumps(definition), roleArn=ROLE)
            for machine, definition in DEFINITIONS.items()
        }

    def run_all(self) -> dict[tuple[str, str], Run]:
        """All cases, many at once, by machine and name."""
        situations = [situation for machine in DEFINITIONS for situation, _ in cases(machine).values()]
        for situation in situations:
            self._put_items(situation)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            runs = list(pool.map(self.run, situations))
        return {(one.machine, one.name): run for one, run in zip(situations, runs, strict=True)}

    def run(self, situation: Situation) -> Run:
        """One case, to its end."""
        started = self._states.start_execution(
            stateMachineArn=f"{self._arns[situation.machine]['stateMachineArn']}#{situation.name}",
            name=f"{situation.name}-{time.monotonic_ns()}"[-80:],
            input=json.dumps(situation.message),
        )
        if situation.vanished_for:
            self._vanish(situation, started["executionArn"])
        return self._read(self._ended(started["executionArn"]))

    def _put_items(self, situation: Situation) -> None:
        if situation.items is not None:
            body = json.dumps(situation.items).encode()
            self._s3.put_object(Bucket=self._bucket, Key=situation.items_key, Body=body)

    def _vanish(self, situation: Situation, arn: str) -> None:
        """Takes the items away as soon as the first map has read them."""
        deadline = time.monotonic() + SECONDS
        while not any(event["type"] == "MapRunStarted" for event in self._history(arn)):
            assert time.monotonic() < deadline, f"{arn} starts no map"
            time.sleep(0.05)
        self._s3.delete_object(Bucket=self._bucket, Key=situation.items_key)

    def _ended(self, arn: str) -> dict[str, Any]:
        def end() -> dict[str, Any] | None:
            found = dict(self._states.describe_execution(executionArn=arn))
            return None if found["status"] == "RUNNING" else found

        # asked all the time, the server has no time for the executions
        found = polled(arn, end, first_pause_seconds=0.1, longest_pause_seconds=3.0, seconds=SECONDS)
        assert found is not None, f"{arn} still runs"
        return found

    def _read(self, execution: dict[str, Any]) -> Run:
        states: list[str] = []
        attempts: dict[str, int] = {}
        for event in self._history(execution["executionArn"]):
            if "stateEnteredEventDetails" in event:
                states.append(event["stateEnteredEventDetails"]["name"])
            elif event["type"] == "TaskScheduled":
                attempts[states[-1]] = attempts.get(states[-1], 0) + 1
        return Run(
            states,
            attempts,
            execution["status"],
            json.loads(execution["output"]) if execution["status"] == "SUCCEEDED" else None,
            execution.get("error", ""),
            execution.get("cause", ""),
            [] if execution.get("mapRunArn") else [self._read(child) for child in self._children(execution)],
        )

    def _history(self, arn: str) -> Iterator[dict[str, Any]]:
        options = {"PageSize": 1000}
        for page in self._states.get_paginator("get_execution_history").paginate(
            executionArn=arn, PaginationConfig=options
        ):
            yield from page["events"]

    def _children(self, execution: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The executions of all maps of an execution."""
        for run in self._states.list_map_runs(executionArn=execution["executionArn"])["mapRuns"]:
            for child in self._states.list_executions(mapRunArn=run["mapRunArn"])["executions"]:
                yield dict(self._states.describe_execution(executionArn=child["executionArn"]))
