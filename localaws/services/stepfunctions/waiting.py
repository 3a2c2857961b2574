"""Waits that end with their execution, and time limits of tasks."""

from __future__ import annotations

import contextvars
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

from ministack.services import stepfunctions as sf

from localaws.services.stepfunctions.scope import ExpiredError, Scope, current, entered


def scaled_sleep(seconds: float) -> None:
    """Waits a scaled time; ministack's own sleep continues after the execution was stopped."""
    current().sleep(seconds * sf._SFN_WAIT_SCALE)


def invoke_with_timeout(resource: str, input_data: Any, timeout: float) -> Any:
    """The task's result; raises States.Timeout and halts the task, which ministack lets run on."""
    with current().inner(timeout) as scope:
        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="task")
        future = pool.submit(contextvars.copy_context().run, _invoke, scope, resource, input_data)
        pool.shutdown(wait=False)
        try:
            return future.result(timeout=timeout)
        except FutureTimeoutError:
            scope.halt()
            raise _timeout(timeout) from None
        except ExpiredError as error:
            if error.scope is scope:
                raise _timeout(timeout) from None
            raise


def _invoke(scope: Scope, resource: str, input_data: Any) -> Any:
    with entered(scope):
        return sf._invoke_resource(resource, input_data)


def _timeout(seconds: float) -> Exception:
    error: Exception = sf._ExecutionError("States.Timeout", f"Task timed out after {seconds} seconds")
    return error
