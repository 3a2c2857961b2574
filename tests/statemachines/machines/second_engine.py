"""Cases run on a second engine, moto's interpreter of state machines: its parser, flow, retries, catchers and maps.

Fed at its boundaries: JSONata, which moto does not evaluate, by the engines of the tests; the calls of tasks and the
items of maps by the case; waits take no time.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from moto.stepfunctions.parser.api import (
    EvaluationFailedEventDetails,
    HistoryEventType,
    StateMachineType,
    TaskFailedEventDetails,
)
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval.resource_eval_s3 import (
    ResourceEvalS3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.eval.program_state import ProgramError
from moto.stepfunctions.parser.asl.eval.states import ContextObjectData
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from tests.statemachines.machines.answers import Situation
from tests.statemachines.machines.cases import engines
from tests.statemachines.machines.jsonata_engines import QueryError
from tests.statemachines.machines.runs import Run
from tests.statemachines.machines.samples import (
    DEFINITIONS,
)
from tests.statemachines.machines.walker import NO_ITEMS, STARTED, StateError

ACCOUNT, REGION = "000000000000", "us-east-1"


@dataclass
class Recorder:
    """What happens in one execution and in its children, which are told apart by their variables: each has its own."""

    situation: Situation
    lock: threading.Lock = field(default_factory=threading.Lock)
    states: dict[int, list[str]] = field(default_factory=dict)
    arguments: dict[int, dict[str, list[Any]]] = field(default_factory=dict)
    stores: list[Any] = field(default_factory=list)

    def enter(self, env: Environment, state: str) -> None:
        with self.lock:
            self.stores.append(env.variable_store)  # so that no other gets its identity
            self.states.setdefault(id(env.variable_store), []).append(state)

    def call(self, env: Environment, arguments: Any) -> Any:
        """The response to the next attempt of the state that the environment is in."""
        responses = self.situation.all_responses()[env.next_state_name]
        with self.lock:
            made = self.arguments.setdefault(id(env.variable_store), {}).setdefault(env.next_state_name, [])
            made.append(arguments)
            return responses[min(len(made), len(responses)) - 1]


def _failure(env: Environment, error: str, cause: str) -> FailureEventException:
    details = EventDetails(taskFailedEventDetails=TaskFailedEventDetails(error=error, cause=cause))
    return FailureEventException(FailureEvent(env, _name(error), HistoryEventType.TaskFailed, details))


def _name(error: str) -> ErrorName:
    known = error.startswith("States.")
    return StatesErrorName(StatesErrorNameType.from_name(error)) if known else CustomErrorName(error)


def _evaluate(self: StringJSONata, env: Environment) -> None:
    """In the place of moto's evaluation, with the same sources: variables of the scope, $states."""
    store, data = env.variable_store, env.states._states_data
    context = {"Execution": {**data["context"]["Execution"], "RedriveCount": 0}}
    if data["context"].get("Map"):
        context["Map"] = {"Item": data["context"]["Map"]["Item"]}
    given = {"input": data["input"], "context": context}
    given |= {name: data[name] for name in ("result", "errorOutput") if data.get(name) is not None}
    try:
        value = engines().evaluate(self.expression, {**store._outer_scope, **store._inner_scope}, given)
    except QueryError as error:
        details = EventDetails(
            evaluationFailedEventDetails=EvaluationFailedEventDetails(
                error="States.QueryEvaluationError", cause=str(error)
            )
        )
        failed = FailureEvent(env, _name("States.QueryEvaluationError"), HistoryEventType.EvaluationFailed, details)
        raise FailureEventException(failed) from error
    env.stack.append(value)


def readable(definition: str) -> str:
    """The definition as moto can read it."""
    return re.sub(r'("ToleratedFailurePercentage": \d+)', r"\1.0", definition)


class SecondEngine:
    """moto's interpreter for the machines."""

    def __init__(self) -> None:
        self._programs = {
            machine: AmazonStateLanguageParser.parse(readable(json.dumps(definition)))[0]
            for machine, definition in DEFINITIONS.items()
        }

    def run(self, situation: Situation, name: str = "test") -> tuple[Run, Recorder]:
        """How a case goes, and what was passed to its calls."""
        recorder = Recorder(situation)
        with fed(recorder):
            env = _environment(situation, name)
            self._programs[situation.machine].eval(env)
        return _read(env, recorder), recorder


def _environment(situation: Situation, name: str) -> Environment:
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{situation.machine}:{name}"
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{situation.machine}"
    return Environment(
        aws_execution_details=AWSExecutionDetails(account=ACCOUNT, region=REGION, role_arn="arn:aws:iam::0:role/test"),
        execution_type=StateMachineType.STANDARD,
        context=ContextObjectData(
            Execution={"Id": arn, "Name": name, "Input": situation.message, "StartTime": STARTED},
            StateMachine={"Id": machine, "Name": situation.machine},
        ),
        event_history_context=EventHistoryContext.of_program_start(),
        cloud_watch_logging_session=None,
        activity_store={},
    )


def _read(env: Environment, recorder: Recorder) -> Run:
    state = env.program_state()
    failed = isinstance(state, ProgramError)
    own, *children = (
        Run(states, {name: len(made) for name, made in recorder.arguments.get(store, {}).items()}, "SUCCEEDED")
        for store, states in recorder.states.items()
    )
    return Run(
        own.states,
        own.attempts,
        "FAILED" if failed else "SUCCEEDED",
        None if failed else env.states.get_input(),
        (state.error or {}).get("error", "") if failed else "",
        (state.error or {}).get("cause", "") if failed else "",
        children,
    )


def _integrations(base: type[Any] = state_task_service.StateTaskService) -> Iterator[type[Any]]:
    """The integrations that name errors in their own way, those which the case throws too."""
    integration: type[Any]
    for integration in base.__subclasses__():
        if "_from_error" in vars(integration):
            yield integration
        yield from _integrations(integration)


@contextmanager
def fed(recorder: Recorder) -> Iterator[None]:
    """moto with the case at its boundaries."""
    entering = CommonStateField._eval_body

    def enter(self: CommonStateField, env: Environment) -> None:
        recorder.enter(env, self.name)
        entering(self, env)

    def answer(self: Any, env: Environment) -> None:
        arguments = self._eval_parameters(env=env)
        response = recorder.call(env, arguments)
        if isinstance(response, StateError):
            raise _failure(env, response.error, response.cause)
        env.stack.append(json.loads(json.dumps(response)))

    def unchanged(self: Any, env: Environment, ex: Exception) -> FailureEvent:
        assert isinstance(ex, FailureEventException), ex
        return ex.failure_event

    def read(env: Environment, resource_runtime_part: Any, state_credentials: Any) -> None:
        env.stack.pop()
        items = recorder.situation.items_of()[env.next_state_name]
        if items is None:
            raise _failure(env, "States.ItemReaderFailed", NO_ITEMS)
        env.stack.append(json.dumps(items))

    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StringJSONata, "_eval_body", _evaluate)
        patch.setattr(CommonStateField, "_eval_body", enter)
        patch.setattr(state_task_service.StateTaskService, "_eval_execution", answer)
        patch.setattr(ResourceEvalS3, "_handle_get_object", staticmethod(read))
        patch.setattr(WaitFunction, "_wait_interval", lambda self, env, wait_seconds: None)
        patch.setattr(retrier_decl, "time", SimpleNamespace(sleep=lambda seconds: None))
        for integration in _integrations():
            patch.setattr(integration, "_from_error", unchanged)
        yield
