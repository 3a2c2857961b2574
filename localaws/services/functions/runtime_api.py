"""The Runtime API of Lambda: a process of a function fetches its invocations, and posts its answers and errors."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localaws.server.signatures import RefusedError
from localaws.services.functions.pools import PATH, Pools
from localaws.services.functions.process import Answer, FunctionProcess

Reply = tuple[int, dict[str, str], bytes]
_CALL = re.compile(r"(?P<secret>[\w-]+)/2018-06-01/runtime/(?:invocation/(?P<request>[\w-]+)/)?(?P<action>[a-z/]+)")
_TAKEN: Reply = (202, {"Content-Type": "application/json"}, b'{"status":"OK"}')


@dataclass(frozen=True)
class Call:
    """A call of a process of a function: what it asks for, and of which invocation."""

    process: FunctionProcess
    action: str
    request: str | None
    pools: Pools

    async def reply(self, method: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply; that to a question for the next invocation comes once there is one."""
        match method, self.action, self.request:
            case "GET", "invocation/next", None:
                return await self._next()
            case "POST", "response", str(request):
                return _settled(self.process, request, Answer(_document(body)))
            case "POST", "error", str(request):
                return _settled(self.process, request, _failure(body, headers))
            case "POST", "init/error", None:
                self.process.settle(None, _failure(body, headers))
                self.process.kill()
                return _TAKEN
        return _refused(404, "NotFound", f"There is no {method} {self.action}")

    async def _next(self) -> Reply:
        while True:
            try:
                invocation = await asyncio.wait_for(self.process.next(), self.pools.idle_seconds)
            except TimeoutError:
                if self.pools.retire(self.process):
                    self.process.kill()
                continue
            except EOFError:
                return _refused(410, "Gone", "The process has ended")
            headers = {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": invocation.identifier,
                "Lambda-Runtime-Deadline-Ms": str(round(invocation.deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
            }
            return 200, headers, invocation.event


class RuntimeApi:
    """Answers the processes of functions, each of which has a secret of its own in its address."""

    def __init__(self, pools: Pools) -> None:
        self._pools = pools

    def call(self, path: str) -> Call:
        """The call that a path beginning with `PATH` stands for.

        Raises:
            RefusedError: it has no secret of a process that runs.
        """
        found = _CALL.fullmatch(path.removeprefix(PATH))
        process = self._pools.process_of(found["secret"]) if found else None
        if found is None or process is None:
            raise RefusedError("AccessDenied", "The Runtime API answers the processes of functions only.")
        return Call(process, found["action"], found["request"], self._pools)


def _settled(process: FunctionProcess, request: str, answer: Answer) -> Reply:
    if process.settle(request, answer):
        return _TAKEN
    return _refused(400, "InvalidRequestID", f"No invocation {request} is under way")


def _refused(status: int, kind: str, message: str) -> Reply:
    body = json.dumps({"errorType": kind, "errorMessage": message}).encode()
    return status, {"Content-Type": "application/json"}, body


def _document(body: bytes) -> Any:
    """The JSON of an answer; its text if it is none, as Lambda hands it on."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


def _failure(body: bytes, headers: Mapping[str, str]) -> Answer:
    """The error of a function, as it has it; one without a document has the type of its header."""
    document = _document(body)
    if not isinstance(document, dict):
        kind = headers.get("lambda-runtime-function-error-type", "Runtime.UnknownReason")
        document = {"errorMessage": "" if document is None else str(document), "errorType": kind}
    return Answer(document, failed=True)
