"""Requests of processes to the services that this package adds: ministack checks those to its own."""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import error_response_json
from ministack.core.router import extract_access_key_id

from localaws.authorization.needs import keys, needed
from localaws.authorization.policies import denial
from localaws.authorization.sessions import Session, Sessions
from localaws.server.wire import CONTENT_TYPE, Handler, Response

CHECKED = ("sagemaker", "redshift-data")


def install(handlers: dict[str, Handler], sessions: Sessions) -> None:
    """Makes the handlers of these services refuse what the role of a process does not permit."""
    if sessions.enforced:
        for service in CHECKED:
            handlers[service] = _checked(service, handlers[service], sessions)


def _checked(service: str, handler: Handler, sessions: Sessions) -> Handler:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        # the calls of state machines have no key: they are checked before
        session = sessions.of(extract_access_key_id(headers, query))
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        message = refusal(session, service, operation, body) if session else ""
        if message:
            refused: Response = error_response_json("AccessDeniedException", message, 400, content_type=CONTENT_TYPE)
            return refused
        return await handler(method, path, headers, body, query)

    return handle


def refusal(session: Session, service: str, operation: str, body: bytes) -> str:
    """AWS's message about the first permission that a request lacks; empty if it has all."""
    try:
        arguments = json.loads(body or b"{}")
    except ValueError:
        return ""  # which the service itself refuses
    if not isinstance(arguments, dict):
        return ""
    seen = keys(service, arguments)
    found = (
        denial(session.role, action, arn, session.name, seen) for action, arn in needed(service, operation, arguments)
    )
    return next(filter(None, found), "")
