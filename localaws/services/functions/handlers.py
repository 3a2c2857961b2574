"""Lambda of ministack without its executors: what it would run in containers, archives and threads is out of reach."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, NoReturn
from urllib.parse import unquote

from ministack import app
from ministack.services import lambda_svc

from localaws.processes.jobs import Processes
from localaws.processes.programs import ProgramError
from localaws.server.patching import replace
from localaws.server.settings import Settings
from localaws.server.wire import Handler, Response
from localaws.services.functions import configuration
from localaws.services.functions.pools import Pools

_DATE = r"/\d{4}-\d\d-\d\d"
_SERVED = re.compile(
    rf"{_DATE}/(account-settings|tags/.+|event-source-mappings(/[^/]+)?|functions(/[^/]+(/(code|configuration|concurrency"
    rf"|event-invoke-config|invocations|policy(/[^/]+)?|versions|aliases(/[^/]+)?))?)?)/?"
)
"""The paths of the operations that are served: none of layers, function URLs, durable executions, microVMs."""

_original_create = lambda_svc._create_function
_original_update_code = lambda_svc._update_code
_original_update_config = lambda_svc._update_config


class Functions:
    """The functions of this server."""

    def __init__(self, processes: Processes) -> None:
        self._settings: Settings = processes.settings
        self.pools = Pools(processes)

    def install(self) -> None:
        """Patches ministack to run functions as processes, and nothing else."""
        replace(lambda_svc, "_create_function", self.create_function)
        replace(lambda_svc, "_update_code", self.update_code)
        replace(lambda_svc, "_update_config", self.update_config)
        replace(lambda_svc, "_execute_function_dispatch", self.execute)
        replace(lambda_svc, "_pool_kill_function", self.end_idle)
        for name in _EXECUTORS:
            replace(lambda_svc, name, _unreachable(getattr(lambda_svc, name)))
        app.SERVICE_HANDLERS["lambda"] = _served(app.SERVICE_HANDLERS["lambda"])

    def check(self, function: dict[str, Any]) -> None:
        """Refuses a function, as a request or a template has it, that is not run; raises ProgramError."""
        configuration.check(self._settings, function)

    def create_function(self, data: dict[str, Any]) -> Any:
        """Creates a function of an image."""
        return self._refusal(configuration.check, data) or _original_create(data)

    def update_code(self, name: str, data: dict[str, Any]) -> Any:
        """Gives a function another image."""
        return self._refusal(configuration.check_code, data) or _original_update_code(name, data)

    def update_config(self, name: str, data: dict[str, Any]) -> Any:
        """Gives a function other settings."""
        return self._refusal(configuration.check_settings, data) or _original_update_config(name, data)

    def _refusal(self, check: Callable[[Settings, dict[str, Any]], None], data: dict[str, Any]) -> Any:
        """The answer to a request that the check refuses; None if it does not."""
        try:
            check(self._settings, data)
        except ProgramError as error:
            return lambda_svc.error_response_json("InvalidParameterValueException", str(error), 400)
        return None

    def execute(
        self, func: dict[str, Any], config: dict[str, Any], event: Any, request_id: str, started: float
    ) -> dict[str, Any]:
        """Runs an invocation that ministack has admitted."""
        answer = self.pools.invoke(config, event, request_id)
        if answer.failed:
            return {"body": answer.document, "error": True, "function_error": "Unhandled", "log": ""}
        return {"body": answer.document, "log": ""}

    def end_idle(self, account: str, func_name: str) -> None:
        """Ends the waiting processes of a function that has changed or is gone."""
        self.pools.end_idle(func_name)


def _served(handler: Handler) -> Handler:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        if not _SERVED.fullmatch(unquote(path)):
            message = f"{method} {path} is not supported by the local AWS"
            refusal: Response = lambda_svc.error_response_json("InvalidParameterValueException", message, 400)
            return refusal
        return await handler(method, path, headers, body, query)

    return handle


def _unreachable(original: Callable[..., Any]) -> Callable[..., NoReturn]:
    """A function with the parameters of another, which only fails."""

    @functools.wraps(original)
    def fail(*given: object, **named: object) -> NoReturn:
        raise ProgramError(f"{original.__name__} of ministack is not used by the local AWS")

    return fail


_EXECUTORS = (
    "_execute_function_docker",
    "_execute_function_local",
    "_execute_function_provided",
    "_execute_function_provided_warm",
    "_execute_function_proxy",
    "_execute_function_warm",
    "_get_docker_client",
    "_snapstart_provision_version_async",
    "_spawn_lambda_container",
    "acquire_worker",
)
"""All ways in which ministack starts containers and processes, or calls other servers, for functions."""
