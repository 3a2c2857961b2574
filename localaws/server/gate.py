"""The gate before ministack, which itself checks nothing: who may ask is decided here, for every path and protocol.

A web page can make a browser send requests to this machine, under a name of its own too (DNS rebinding). It cannot
sign them. So nothing is answered but requests with a valid signature, and these only under the server's own address.
"""

from __future__ import annotations

import hmac
import json
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from localaws.authorization.sessions import Sessions
from localaws.credential import Credential
from localaws.server.settings import HEALTH_PATH, SERVER_HEADER, Settings
from localaws.server.signatures import UNKNOWN_KEY, RefusedError, Signed, check_signature, claimed_signature
from localaws.services.functions.pools import PATH as RUNTIME_PATH
from localaws.services.functions.runtime_api import RuntimeApi

Application = Callable[[Any, Any, Any], Awaitable[None]]
_FORBIDDEN = 403
_SERVICE = re.compile(r"Credential=[^/,]*/[^/,]*/[^/,]*/([a-z0-9-]+)/")


class Gate:
    """The application behind a check of host, origin and signature.

    It adds the health document at `HEALTH_PATH`, and the Runtime API, whose processes have a secret in their address
    instead of a signature.
    """

    def __init__(
        self, application: Application, settings: Settings, runtime_api: RuntimeApi, sessions: Sessions
    ) -> None:
        self._application = application
        self._sessions = sessions
        self._runtime_api = runtime_api
        self._settings = settings
        self._health = {
            "pid": os.getpid(),
            "home": str(settings.home),
            "port": settings.port,
            "key_id": settings.credential.key_id,
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers one connection, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:  # a WebSocket, which no service in use needs, is closed before it opens
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Any, receive: Any, send: Any) -> None:
        headers = _headers(scope)
        request = Signed(
            scope["method"],
            scope["raw_path"].decode("latin-1"),
            parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True),
            headers,
        )
        try:
            self._check_place(request)
            if scope["path"].startswith(RUNTIME_PATH):
                await self._runtime(scope, receive, send, request)
                return
            found, presigned = claimed_signature(request, datetime.now(UTC))
            credential = self._credential(found.access_key_id, request)
            body = await _body(receive)
            if body is None:
                return
            check_signature(found, presigned, request, body, credential)
        except RefusedError as error:
            await _answer(send, _FORBIDDEN, *_error(error, request))
            return
        if scope["path"] == HEALTH_PATH:
            await _answer(send, 200, "application/json", json.dumps(self._health).encode())
        elif scope["path"].startswith("/_"):  # ministack's own pages: its settings, a reset of everything, and more
            await _answer(send, 404, *_error(RefusedError("NotFound", "There is no such page."), request))
        else:
            await self._application(_unsigned(scope), _replay(body, receive), _without_cors(send))

    async def _runtime(self, scope: Any, receive: Any, send: Any, request: Signed) -> None:
        call = self._runtime_api.call(scope["path"])
        body = await _body(receive)
        if body is not None:
            await _reply(send, *await call.reply(request.method, request.headers, body))

    def _credential(self, key_id: str, request: Signed) -> Credential:
        """The credential with an access key: the user's, or that of a process, whose requests carry a token."""
        own = self._settings.credential
        if hmac.compare_digest(key_id.encode(), own.key_id.encode()):
            return own
        session = self._sessions.of(key_id)
        if session is None:
            raise RefusedError("InvalidAccessKeyId", UNKNOWN_KEY)
        token = request.headers.get("x-amz-security-token") or request.query.get("X-Amz-Security-Token", [""])[0]
        if not hmac.compare_digest(token.encode(), session.token.encode()):
            raise RefusedError("InvalidToken", "The provided token is malformed or otherwise invalid.")
        return session.credential

    def _check_place(self, request: Signed) -> None:
        """Refuses other names of this machine, other pages, and the question what other pages may do."""
        if request.headers.get("host") not in self._settings.hosts:
            raise RefusedError("AccessDenied", "The local AWS does not have this name.")
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc not in self._settings.hosts:
            raise RefusedError("AccessDenied", "The local AWS does not answer web pages.")
        if request.method == "OPTIONS":
            raise RefusedError("AccessDenied", "CORS is not enabled.")


def _headers(scope: Any) -> dict[str, str]:
    """The headers by name; values of the same name are joined, as ministack joins them."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), _text(value)
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _unsigned(scope: Any) -> Any:
    """The scope without the signature of a presigned URL, which ministack would check against keys of its own."""
    parts = scope["query_string"].split(b"&")
    kept = [part for part in parts if not part.lower().startswith(b"x-amz-signature=")]
    return {**scope, "query_string": b"&".join(kept)}


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


async def _body(receive: Any) -> bytes | None:
    """The body of a request; None if the client has gone."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Any) -> Callable[[], Awaitable[Any]]:
    """The `receive` of an application whose request was read already."""
    given = False

    async def replay() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _without_cors(send: Any) -> Callable[[Any], Awaitable[None]]:
    """The `send` of an application whose permissions for web pages are dropped."""

    async def sending(message: Any) -> None:
        if "headers" in message:
            kept = [item for item in message["headers"] if not item[0].lower().startswith(b"access-control-")]
            message = {**message, "headers": kept}
        await send(message)

    return sending


def _error(error: RefusedError, request: Signed) -> tuple[str, bytes]:
    """Content type and body of an error, in the request's protocol: JSON, or XML of the Query protocol or of S3."""
    if request.method == "HEAD":
        return "application/xml", b""
    service = _SERVICE.search(request.headers.get("authorization", ""))
    inner = f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
    if "application/x-www-form-urlencoded" in request.headers.get("content-type", ""):
        text = f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error></ErrorResponse>"
    elif "x-amz-target" in request.headers or (service and service[1] != "s3"):
        return "application/json", json.dumps({"__type": error.code, "message": error.message}).encode()
    else:
        text = f"<Error>{inner}</Error>"
    return "application/xml", f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


async def _answer(send: Any, status: int, content_type: str, body: bytes) -> None:
    await _reply(send, status, {"Content-Type": content_type}, body)


async def _reply(send: Any, status: int, given: Mapping[str, str], body: bytes) -> None:
    named = {**given, "Content-Length": str(len(body)), "Server": SERVER_HEADER}
    headers = [(name.lower().encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
