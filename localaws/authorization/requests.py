"""Requests of processes to the services that this package adds: ministack checks those to its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack import app as ministack_app
from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json
from ministack.core.router import extract_access_key_id
from ministack.services import s3

from localaws.authorization.needs import keys, needed
from localaws.authorization.policies import denial, user_id
from localaws.authorization.sessions import Session, Sessions
from localaws.server.patching import replace
from localaws.server.wire import CONTENT_TYPE, Handler, Response

CHECKED = ("sagemaker", "redshift-data")
_OWNER = "redshift-data:statement-owner-iam-userid"


_original_origin = iam_evaluator.pin_request_origin


def install_transport() -> None:
    """Makes policies see requests as those over TLS, which AWS gets: here they do not leave the machine."""
    replace(ministack_app, "pin_request_origin", pin_request_origin)


def pin_request_origin(source_ip: str, secure_transport: bool) -> None:
    """Notes where a request comes from."""
    _original_origin(source_ip, True)


def install_objects(handlers: dict[str, Handler]) -> None:
    """Makes S3 answer the server itself, whose calls have no key: to ministack, that is a stranger on the internet."""

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        own = not extract_access_key_id(headers, query)
        response: Response = await s3.handle_request(method, path, headers, body, query, internal=own)
        return response

    handlers["s3"] = handle


def install(handlers: dict[str, Handler], sessions: Sessions) -> None:
    """Makes the handlers of these services refuse what the role of a process does not permit."""
    if sessions.enforced:
        for service in CHECKED:
            handlers[service] = _checked(service, handlers[service], sessions)


def _checked(service: str, handler: Handler, sessions: Sessions) -> Handler:
    owners: dict[str, str] = {}  # of statements of Redshift, by their ids

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        # the calls of state machines have no key: they are checked before
        session = sessions.of(extract_access_key_id(headers, query))
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if session is None:
            return await handler(method, path, headers, body, query)
        if message := refusal(session, service, operation, body, owners):
            refused: Response = error_response_json("AccessDeniedException", message, 400, content_type=CONTENT_TYPE)
            return refused
        response = await handler(method, path, headers, body, query)
        if operation in ("ExecuteStatement", "BatchExecuteStatement") and response[0] == 200:
            owners[json.loads(response[2])["Id"]] = user_id(session.role, session.name)
        return response

    return handle


def refusal(session: Session, service: str, operation: str, body: bytes, owners: Mapping[str, str]) -> str:
    """AWS's message about the first permission that a request lacks; empty if it has all."""
    try:
        arguments = json.loads(body or b"{}")
    except ValueError:
        return ""  # which the service itself refuses
    if not isinstance(arguments, dict):
        return ""
    owner = owners.get(str(arguments.get("Id", "")).partition(":")[0])
    seen = keys(service, arguments) | ({_OWNER: owner} if owner else {})
    found = (
        denial(session.role, action, arn, session.name, seen) for action, arn in needed(service, operation, arguments)
    )
    return next(filter(None, found), "")
