"""Concurrent branches of a Parallel state and iterations of a Map; all end when one fails."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from ministack.services import stepfunctions as sf

from localaws.services.stepfunctions.scope import Scope, current, entered
from localaws.services.stepfunctions.variables import inner_context

Work = Callable[[], Any]

_original_parallel = sf._run_parallel_branches


def run_all(work: Sequence[Work], most: int) -> list[Any]:
    """The results in order; the first failure halts the others, and is raised once all have ended."""
    failures: list[Exception] = []
    lock = threading.Lock()

    def guarded(scope: Scope, item: Work) -> Any:
        with entered(scope):
            try:
                return item()
            except Exception as error:
                with lock:
                    failures.append(error)
                scope.halt()
                raise

    if not work:
        return []
    with current().inner() as scope, ThreadPoolExecutor(max_workers=min(most, len(work))) as pool:
        futures = [pool.submit(contextvars.copy_context().run, guarded, scope, item) for item in work]
        wait(futures)
    if failures:
        raise failures[0]
    return [future.result() for future in futures]


def run_parallel_branches(state_def: dict[str, Any], raw_input: Any, execution: Any, ctx: Any) -> Any:
    """Runs the branches; ministack lacks Arguments, Output and Assign of a Parallel state, and scopes."""
    if sf._state_query_language(state_def, ctx) != "JSONata":
        return _original_parallel(state_def, raw_input, execution, ctx)
    given = sf._apply_jsonata_arguments(state_def, raw_input, ctx)

    def branch(item: dict[str, Any]) -> Work:
        return lambda: sf._run_sub_machine(item["States"], item["StartAt"], given, execution, inner_context(ctx))

    sf._add_event(execution, "ParallelStateStarted")
    branches = state_def["Branches"]
    results = run_all([branch(item) for item in branches], len(branches))
    sf._add_event(execution, "ParallelStateSucceeded")
    return outcome(state_def, raw_input, ctx, results)


def outcome(state_def: dict[str, Any], raw_input: Any, ctx: Any, result: Any) -> Any:
    """The output and next state of a state with a result, after assigning its variables."""
    output = sf._apply_jsonata_output(state_def, raw_input, ctx, result=result, default=result)
    sf._apply_state_assign(state_def, raw_input, ctx, result=result)
    return output, sf._next_or_end(state_def)
