"""A stepper of state machines: each step runs an execution from one boundary to the next.

A boundary is what the scheduler may do something else at: before the call of a task, at a wait, before a map, while
children run. moto's interpreter runs a thread for each execution, which can be neither copied nor paused there, and
takes 34 ms for the usual execution of the live machine: half an hour for 10,000 schedules of half a dozen executions.
This stepper takes 0.4 ms, and an execution is plain data, so that a world can be copied and compared. So that the
semantics are not ours alone, `test_stepper.py` holds it against moto's interpreter: in every situation of the machines,
and on executions of simulated schedules, replayed there with the answers that they got here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from tests.statemachines.machines.walker import StateError, matching
from tests.statemachines.simulation.compiled import Leave, Machine, State
from tests.statemachines.simulation.values import Scope, Val, val

RUNNING = "RUNNING"
NOTHING = val({})


@dataclass(slots=True)
class Execution:
    """An execution between two steps. It is ready at `wake`, and waits for its `children` if it has any."""

    arn: str
    name: str
    machine: Machine
    context: Mapping[str, Any]
    message: Val
    started: int
    parent: str | None = None
    state: str | None = None
    data: Val = NOTHING
    variables: dict[str, Val] = field(default_factory=dict)
    wake: int = 0
    waits: bool = False
    retries: tuple[tuple[int, int], ...] = ()
    children: tuple[str, ...] = ()
    items: tuple[Val, ...] = ()
    results: tuple[Val, ...] = ()
    status: str = RUNNING
    output: Val | None = None
    error: str = ""
    cause: str = ""
    way: tuple[str, ...] | None = None
    answers: tuple[tuple[str, Val | StateError], ...] | None = None

    def copy(self) -> Execution:
        """An execution that goes on by itself; what both hold is never changed in place."""
        return replace(self)

    def heard(self, answer: Val | StateError) -> None:
        """Remembers the answer to a call, if that is asked for."""
        if self.answers is not None and self.state:
            self.answers += ((self.state, answer),)

    def key(self) -> tuple[Any, ...]:
        """What tells apart two executions of one name in what they can still do."""
        return (
            self.state,
            self.status,
            self.data.id,
            tuple(sorted((name, held.id) for name, held in self.variables.items())),
            self.wake,
            self.waits,
            self.retries,
            self.children,
            len(self.items),
            len(self.results),
        )


class Blocked(Exception):  # noqa: N818
    """A call waits for executions that it started."""

    def __init__(self, children: Sequence[str]) -> None:
        super().__init__(children)
        self.children = tuple(children)


class Services(Protocol):
    """What a stepper needs of the world around it."""

    @property
    def now(self) -> int:
        """The time, in seconds."""

    def call(self, execution: Execution, state: State, arguments: Val) -> Val:
        """What the call of a task returns; raises StateError or Blocked."""

    def ended(self, execution: Execution, state: State) -> Val:
        """What the call returns whose children have ended; raises StateError."""

    def read_items(self, execution: Execution, state: State, arguments: Val) -> Sequence[Any]:
        """The items of a map; raises StateError."""

    def start_child(self, execution: Execution, state: State, index: int, message: Val) -> str:
        """Starts the execution of an item; returns its ARN."""

    def outcome(self, arn: str) -> tuple[str, Val | None]:
        """Status and output of an execution."""


def enter(execution: Execution, services: Services, state: str, data: Val) -> None:
    """Leads an execution into a state, and through all that need no boundary."""
    target: str | None = state
    while target is not None:
        execution.state, execution.data, execution.retries, execution.waits = target, data, (), False
        if execution.way is not None:
            execution.way += (target,)
        current = execution.machine.states[target]
        try:
            if current.kind == "Wait":
                seconds = current.templates["Seconds"].fill(_scope(execution, services)).value
                execution.wake, execution.waits = services.now + int(seconds), True
                return
            if current.kind in ("Task", "Map"):
                return
            target, data = _pure(execution, services, current)
        except StateError as error:
            _end(execution, "FAILED", error=error)
            return


def step(execution: Execution, services: Services) -> None:
    """Runs an execution that is ready over its boundary, to the next one or to its end."""
    if execution.machine.timeout and services.now > execution.started + execution.machine.timeout:
        _end(execution, "TIMED_OUT", error=StateError("States.Timeout", ""))
        return
    assert execution.state and execution.status == RUNNING
    current = execution.machine.states[execution.state]
    if current.kind == "Wait":
        _go(execution, services, *_left(execution, services, current.leave, execution.data))
        return
    try:
        result = _map(execution, services, current) if current.kind == "Map" else _task(execution, services, current)
        target, data = _left(execution, services, current.leave, result, result=result)
    except Blocked as blocked:
        execution.children = blocked.children
        if "TimeoutSeconds" in current.templates:
            limit = current.templates["TimeoutSeconds"].fill(_scope(execution, services)).value
            execution.wake = services.now + int(limit)
        return
    except StateError as error:
        fail(execution, services, error)
        return
    _go(execution, services, target, data)


def fail(execution: Execution, services: Services, error: StateError) -> None:
    """What an error in the state of an execution leads to: another attempt, a catcher, or the end."""
    assert execution.state
    current = execution.machine.states[execution.state]
    execution.children, execution.items, execution.results = (), (), ()
    number = matching(current.retry, error.error)
    if number is not None:
        retrier, made = current.retry[number], dict(execution.retries).get(number, 0) + 1
        if made <= retrier.get("MaxAttempts", 3):
            pause = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** (made - 1)
            execution.retries = tuple(sorted({**dict(execution.retries), number: made}.items()))
            execution.wake = services.now + int(min(pause, retrier.get("MaxDelaySeconds", pause)))
            return
    number = matching(current.catch, error.error)
    if number is None:
        _end(execution, "FAILED", error=error)
        return
    caught = val({"Error": error.error, "Cause": error.cause})
    try:
        target, data = _left(execution, services, current.catches[number], caught, error=caught)
    except StateError as another:
        _end(execution, "FAILED", error=another)
        return
    _go(execution, services, target, data)


def _go(execution: Execution, services: Services, target: str | None, data: Val) -> None:
    execution.children = ()
    if target is None:
        _end(execution, "SUCCEEDED", output=data)
    else:
        enter(execution, services, target, data)


def _pure(execution: Execution, services: Services, state: State) -> tuple[str | None, Val]:
    scope = _scope(execution, services)
    if state.kind == "Fail":
        raise StateError(state.templates["Error"].fill(scope).value, state.templates["Cause"].fill(scope).value)
    if state.kind == "Choice":
        for condition, leave in state.rules:
            holds = condition.fill(scope).value
            if not isinstance(holds, bool):
                raise StateError("States.QueryEvaluationError", f"the condition is {holds!r}")
            if holds:
                return _left(execution, services, leave, execution.data)
        _, data = _left(execution, services, state.leave, execution.data)
        return state.default, data
    target, data = _left(execution, services, state.leave, execution.data)
    if target is None:
        _end(execution, "SUCCEEDED", output=data)
    return target, data


def _left(
    execution: Execution,
    services: Services,
    leave: Leave,
    default: Val,
    result: Val | None = None,
    error: Val | None = None,
) -> tuple[str | None, Val]:
    scope = _scope(execution, services, result, error)
    output = leave.output.fill(scope) if leave.output else default
    if leave.assign:
        execution.variables = {**execution.variables, **leave.assign.members(scope)}
    return leave.next, output


def _scope(execution: Execution, services: Services, result: Val | None = None, error: Val | None = None) -> Scope:
    return Scope(execution.variables, execution.data, execution.context, services.now, result, error)


def _end(execution: Execution, status: str, output: Val | None = None, error: StateError | None = None) -> None:
    execution.status, execution.output, execution.children = status, output, ()
    if error:
        execution.error, execution.cause = error.error, error.cause


def _task(execution: Execution, services: Services, state: State) -> Val:
    try:
        if execution.children:
            answer: Val | StateError = services.ended(execution, state)
        else:
            arguments = state.templates["Arguments"].fill(_scope(execution, services))
            answer = services.call(execution, state, arguments)
    except StateError as error:
        answer = error
    execution.heard(answer)
    if isinstance(answer, StateError):
        raise answer
    return answer


def _map(execution: Execution, services: Services, state: State) -> Val:
    scope = _scope(execution, services)
    if not execution.children:
        read = services.read_items(execution, state, state.reader.fill(scope))
        execution.items = tuple(val({"Index": index, "Value": item}) for index, item in enumerate(read))
    for arn in execution.children:
        status, output = services.outcome(arn)
        if status == "SUCCEEDED" and output is not None:
            execution.results += (output,)
    started = []
    for item in execution.items[: int(state.templates["MaxConcurrency"].fill(scope).value)]:
        context = {**execution.context, "Map": {"Item": item}}
        given = replace(scope, context=context)
        started.append(
            services.start_child(execution, state, item.value["Index"], state.templates["ItemSelector"].fill(given))
        )
    if started:
        execution.items = execution.items[len(started) :]
        raise Blocked(started)
    results, execution.results = execution.results, ()
    return val([result.value for result in results])


def failure_of(execution: Execution) -> StateError:
    """The error of a call that waited for an execution which failed."""
    said = {"Error": execution.error, "Cause": execution.cause} if execution.status == "FAILED" else {}
    cause = {"ExecutionArn": execution.arn, "Name": execution.name, "Status": execution.status, **said}
    return StateError("States.TaskFailed", json.dumps(cause))
