"""The stored statements and their results."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from localaws.server.wire import now
from localaws.services.redshift_data.engine import Result
from localaws.state.store import INTERRUPTED as STOPPED
from localaws.state.store import Store

STATEMENT, RESULT = "redshift-statement", "redshift-result"
INTERRUPTED = f"ERROR: {STOPPED}"
ENDED = ("FINISHED", "FAILED", "ABORTED")


@dataclass
class Part:
    """One statement of a request."""

    sql: str
    status: str = "SUBMITTED"
    error: str | None = None
    has_rows: bool = False
    rows: int = -1
    started: float | None = None
    updated: float = field(default_factory=now)


@dataclass
class Statement:
    """A request: one statement, or a batch of them."""

    id: str
    batch: bool
    parts: list[Part]
    where: dict[str, Any]
    token: str | None
    name: str | None
    parameters: dict[str, str]
    status: str = "SUBMITTED"
    error: str | None = None
    created: float = field(default_factory=now)
    updated: float = field(default_factory=now)

    @property
    def ended(self) -> bool:
        """Whether the statement has ended."""
        return self.status in ENDED

    @property
    def cluster(self) -> str:
        """The cluster or workgroup."""
        return str(self.where.get("ClusterIdentifier") or self.where.get("WorkgroupName"))


class Records:
    """All statements, in memory and in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.lock = threading.RLock()
        self.statements = {
            key: Statement(**{**item, "parts": [Part(**part) for part in item["parts"]]})
            for key, item in store.documents(STATEMENT).items()
        }
        for statement in self.statements.values():
            if not statement.ended:
                self.end(statement, "FAILED", INTERRUPTED)

    def keep(self, statement: Statement) -> None:
        """Saves a statement."""
        with self.lock:
            statement.updated = now()
            self.statements[statement.id] = statement
            self._store.put(STATEMENT, statement.id, asdict(statement))

    def end(self, statement: Statement, status: str, error: str | None = None) -> None:
        """Ends a statement: a running part gets the status and error, later parts are aborted."""
        with self.lock:
            for part in statement.parts:
                if part.status == "STARTED":
                    part.status, part.error, part.updated = status, error, now()
                elif part.status not in ENDED and status != "FINISHED":
                    part.status = "ABORTED"
            statement.status, statement.error = status, error
            self.keep(statement)

    def keep_result(self, statement: Statement, number: int, result: Result) -> None:
        """Saves the result of a part."""
        with self.lock:
            part = statement.parts[number]
            part.status, part.has_rows, part.rows, part.updated = "FINISHED", result.has_rows, result.count, now()
            if result.has_rows:
                document = {"columns": result.columns, "rows": result.rows}
                self._store.put(RESULT, f"{statement.id}:{number + 1}", document)
            self.keep(statement)

    def result(self, statement: Statement, number: int) -> Any:
        """The result of a part."""
        return self._store.document(RESULT, f"{statement.id}:{number}")
