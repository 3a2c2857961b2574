"""The page, served to this machine alone, with verdicts; who opens a case is logged."""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from common.detection.alerts.below import recent_with_below
from common.detection.alerts.cases import named_case
from common.detection.alerts.planned import read_rules
from common.detection.alerts.terms import IN_PROGRESS, NEW, SCOPES, STATUSES
from common.detection.alerts.triage import Wanted, change_of, hidden_by, read_changes, record, standing
from common.errors import InputError, NdrError
from common.lake.lake import Lake
from common.privacy.actions import OPEN_CASE
from common.privacy.audit import Entry, note
from common.runtime.output import message
from common.windows import iso

ADDRESS = "127.0.0.1"
MOST_BYTES = 65_536
LONGEST = 10_000
CASE_ID = re.compile("[0-9a-f]{12}")
SHOWN = ("predictions", "triage", "indicators", "allow_lists", "calendars")
"""The tables whose changes make the page another one."""


@dataclass
class Served:
    """What is served to an analyst: the page that `make` writes; `token` is in its address, so nobody can guess it.

    `log` writes who opened which case, one entry after the other; close it, and all that were asked for are written.
    """

    lake: Lake
    make: Callable[[], str]
    by: str
    min_score: float
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    log: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _lock: Lock = field(default_factory=Lock)
    _page: tuple[object, str] = (None, "")

    def page(self) -> str:
        """The page of the lake as it is now; made anew if what it shows has changed."""
        with self._lock:
            state = tuple(self.lake.version(name) if self.lake.exists(name) else None for name in SHOWN)
            if self._page[0] != state:
                self._page = state, self.make()
            return self._page[1]

    def opened(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Logs that a case was opened; when this returns, it is in the lake.

        Raises:
            InputError: that is no id of a case.
            CommitError: the log cannot be written.
        """
        case_id = asked.get("case_id")
        if not isinstance(case_id, str) or not CASE_ID.fullmatch(case_id):
            raise InputError(f"{str(case_id)[:80]!r} is no id of a case", "Open a case of the page")
        try:
            self.log.submit(note, self.lake, Entry(OPEN_CASE, self.by, subject=case_id)).result()
        except NdrError as error:
            message(f"that {self.by} has opened case {case_id} could not be logged: {error.problem}", "warning")
            raise
        return {}

    def change(self, asked: Mapping[str, Any], preview: bool) -> dict[str, Any]:
        """Makes a change of a case, or says what it would hide of the last 30 days.

        Raises:
            InputError: the change is not valid, or somebody else has changed the case since.
        """
        wanted = _wanted(asked, self.by)
        changes = read_changes(self.lake)
        cases = recent_with_below(self.lake, self.lake.spec, self.min_score)
        case = named_case(cases, str(asked.get("case_id")), self.lake.uri, self.min_score)
        now = standing(changes).get(case.case_id)
        seen = now if (now.change_id if now else None) == asked.get("seen") else None
        change = change_of(case, wanted, now, datetime.now(UTC))
        hidden = [{"case_id": one.case_id, "source": one.source, "technique": one.technique.name}
                  for one in hidden_by(change, cases, changes, read_rules(self.lake))]  # fmt: skip
        if not preview:
            record(self.lake, change, seen)
            message(f"{self.by} has marked case {case.case_id} as {change.status}", "info")
        made = {"status": change.status, "owner": change.owner, "note": change.note, "by": change.changed_by}
        return made | {"change_id": change.change_id, "changed_ts": iso(change.changed_ts), "hidden": hidden}


def _wanted(asked: Mapping[str, Any], by: str) -> Wanted:
    status, scope, days = asked.get("status"), asked.get("scope", SCOPES[0]), asked.get("days", 90)
    note, owner = (str(asked.get(name) or "")[:LONGEST] for name in ("note", "owner"))
    if status not in STATUSES or scope not in SCOPES:
        raise InputError(f"{status!r} is no status, or {scope!r} no scope", "Choose one of the page")
    if not isinstance(days, int | float) or not 0 < days <= 3650:
        raise InputError(f"{days!r} is no number of days up to 3,650", "Correct it")
    if status not in (NEW, IN_PROGRESS) and not note.strip():
        raise InputError(f"{status} needs a note", "Say why")
    return Wanted(status, note, owner or None, by, scope, float(days))


def server_of(served: Served, port: int) -> ThreadingHTTPServer:
    """A server of the page on 127.0.0.1.

    It answers requests with the token in their path, whose `Host` is this server, and of those that change anything
    only such as its own page sends: so no other site that the analyst has open can read or change anything.

    Raises:
        OSError: the port is taken.
    """
    works: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
        "/triage": lambda asked: served.change(asked, preview=False),
        "/preview": lambda asked: served.change(asked, preview=True),
        "/opened": served.opened,
    }

    class Handler(BaseHTTPRequestHandler):
        server_version = "ndr-page"
        sys_version = ""

        def do_GET(self) -> None:
            if self._is_ours("/"):
                self._answer(HTTPStatus.OK, "text/html; charset=utf-8", served.page().encode())

        def do_POST(self) -> None:
            name = self.path[self.path.rfind("/") :]
            if name not in works:
                self._answer(HTTPStatus.NOT_FOUND)
            elif self._is_ours(name):
                self._work(works[name])

        def _is_ours(self, name: str) -> bool:
            hosts = {f"{host}:{port_of(self.server)}" for host in (ADDRESS, "localhost")}
            origin = self.headers.get("Origin")
            own = {f"http://{host}" for host in hosts}
            is_ours = (
                self.headers.get("Host") in hosts
                and hmac.compare_digest(self.path.encode(), f"/{served.token}{name}".encode())
                and (origin in own if self.command == "POST" else origin is None or origin in own)
            )
            if not is_ours:
                self._answer(HTTPStatus.NOT_FOUND)
            return is_ours

        def _work(self, work: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
            length = self.headers.get("Content-Length", "")
            if (
                self.headers.get("Content-Type") != "application/json"
                or not length.isdigit()
                or int(length) > MOST_BYTES
            ):
                self._answer(HTTPStatus.BAD_REQUEST)
                return
            try:
                asked = json.loads(self.rfile.read(int(length)))
                if not isinstance(asked, dict):
                    raise ValueError("no object")
                found = work(asked)
            except ValueError:
                self._answer(HTTPStatus.BAD_REQUEST)
            except NdrError as error:
                self._json(HTTPStatus.CONFLICT, {"error": f"{error.problem}. {error.remedy}"})
            else:
                self._json(HTTPStatus.OK, found)

        def _json(self, status: HTTPStatus, value: Mapping[str, Any]) -> None:
            self._answer(status, "application/json", json.dumps(value).encode())

        def _answer(self, status: HTTPStatus, kind: str = "text/plain", body: bytes = b"") -> None:
            self.send_response(status)
            headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
            for name, value in (
                headers | {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
            ).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    return ThreadingHTTPServer((ADDRESS, port), Handler)


def port_of(server: Any) -> int:
    """The port of a server."""
    port: int = server.server_address[1]
    return port
