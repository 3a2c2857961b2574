"""The operations of the Redshift Data API."""

from __future__ import annotations

import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

from localaws.server.wire import Document, Operation, ServiceError, now, page, required
from localaws.services.redshift_data import dialect, views
from localaws.services.redshift_data.engine import Engine, Result
from localaws.services.redshift_data.errors import StatementError
from localaws.services.redshift_data.records import INTERRUPTED, Part, Records, Statement
from localaws.services.redshift_data.tokens import first_word

_PLACES = ("ClusterIdentifier", "WorkgroupName", "Database", "DbUser", "SecretArn")
_NOT_EMULATED = ("SessionId", "SessionKeepAliveSeconds", "WithEvent")
_MOST_STATEMENTS = 40
_ROWS_PER_PAGE = 1000


def invalid(message: str) -> ServiceError:
    """The error for an invalid request."""
    return ServiceError("ValidationException", message)


class DataApi:
    """The Data API; it runs one statement at a time."""

    def __init__(self, records: Records, engine: Engine) -> None:
        self._records = records
        self._engine = engine
        self._queue = ThreadPoolExecutor(max_workers=1, thread_name_prefix="redshift")
        self._cancelled: dict[str, threading.Event] = {}
        self._interrupted = False

    def operations(self) -> dict[str, Operation]:
        """The operations by name."""
        return {
            "ExecuteStatement": self.execute,
            "BatchExecuteStatement": self.execute_batch,
            "DescribeStatement": lambda request: views.described(self._statement(request)[0]),
            "GetStatementResult": self.result,
            "CancelStatement": self.cancel,
            "ListStatements": self.list_statements,
        }

    def execute(self, request: Document) -> Document:
        """Runs one statement."""
        return self._submit(request, [required(request, "Sql")], batch=False)

    def execute_batch(self, request: Document) -> Document:
        """Runs statements in one transaction."""
        statements = request.get("Sqls") or []
        if not 1 <= len(statements) <= _MOST_STATEMENTS:
            raise invalid(f"Sqls must have 1 to {_MOST_STATEMENTS} statements")
        return self._submit(request, statements, batch=True)

    def _submit(self, request: Document, statements: list[str], batch: bool) -> Document:
        where = {name: request[name] for name in _PLACES if request.get(name)}
        if ("ClusterIdentifier" in where) == ("WorkgroupName" in where):
            raise invalid("Give either ClusterIdentifier or WorkgroupName")
        required(request, "Database")
        for name in _NOT_EMULATED:
            if request.get(name):
                raise invalid(f"{name} is not supported by the local AWS")
        with self._records.lock:
            token = request.get("ClientToken")
            before = [item for item in self._records.statements.values() if token and item.token == token]
            if before:
                return views.accepted(before[0])
            statement = Statement(
                id=str(uuid.uuid4()),
                batch=batch,
                parts=[Part(sql) for sql in statements],
                where=where,
                token=token,
                name=request.get("StatementName"),
                parameters=_parameters(request, statements),
            )
            self._records.keep(statement)
            self._cancelled[statement.id] = threading.Event()
        self._queue.submit(self._run, statement)
        return views.accepted(statement)

    def _run(self, statement: Statement) -> None:
        records = self._records
        with records.lock:
            if statement.ended:
                del self._cancelled[statement.id]
                return
            statement.status = "STARTED"
            self._begin(statement, 0)
        try:
            self._engine.run(
                statement.cluster,
                statement.where["Database"],
                [part.sql for part in statement.parts],
                statement.parameters,
                lambda number, result: self._ended(statement, number, result),
                self._cancelled[statement.id],
            )
        except StatementError as error:
            with records.lock:
                if not statement.ended:
                    records.end(statement, "FAILED", INTERRUPTED if self._interrupted else str(error))
        else:
            with records.lock:
                if not statement.ended:
                    records.end(statement, "FINISHED")
        finally:
            with records.lock:
                del self._cancelled[statement.id]
                if not statement.ended:
                    # a defect of this program must not leave the statement open
                    records.end(statement, "FAILED", f"ERROR: {sys.exception()!r}")

    def _begin(self, statement: Statement, number: int) -> None:
        if number < len(statement.parts):
            part = statement.parts[number]
            part.status, part.started = "STARTED", now()
        self._records.keep(statement)

    def _ended(self, statement: Statement, number: int, result: Result) -> None:
        with self._records.lock:
            if statement.ended:
                raise StatementError("Query cancelled on user's request")
            self._records.keep_result(statement, number, result)
            self._begin(statement, number + 1)

    def _statement(self, request: Document) -> tuple[Statement, int]:
        """The statement of a request, and the number of its part."""
        identifier, _, number = required(request, "Id").partition(":")
        found = self._records.statements.get(identifier)
        part = int(number) if number.isdigit() else 1
        if found is None or not 1 <= part <= len(found.parts):
            raise ServiceError("ResourceNotFoundException", f"Query does not exist: {request['Id']}")
        return found, part

    def result(self, request: Document) -> Document:
        """The rows of a statement, page by page."""
        statement, number = self._statement(request)
        part = statement.parts[number - 1]
        if statement.status != "FINISHED" or not part.has_rows:
            raise ServiceError("ResourceNotFoundException", f"Query does not have result. Status is {statement.status}")
        result = self._records.result(statement, number)
        rows, more = page(result["rows"], request, _ROWS_PER_PAGE)
        return {
            "Records": [[views.field(value) for value in row] for row in rows],
            "ColumnMetadata": [views.column(name, kind) for name, kind in result["columns"]],
            "TotalNumRows": len(result["rows"]),
            **more,
        }

    def cancel(self, request: Document) -> Document:
        """Cancels a running or queued statement."""
        statement, _ = self._statement(request)
        with self._records.lock:
            if statement.ended:
                raise invalid(f"Could not cancel a query that is already in {statement.status} state")
            self._records.end(statement, "ABORTED")
            self._cancelled[statement.id].set()
        return {"Status": True}

    def list_statements(self, request: Document) -> Document:
        """The statements, newest first."""
        wanted, name = request.get("Status") or "ALL", request.get("StatementName") or ""
        found = [
            item
            for item in self._records.statements.values()
            if wanted in ("ALL", item.status) and (item.name or "").startswith(name)
        ]
        items, more = page(sorted(found, key=lambda item: item.created, reverse=True), request)
        return {"Statements": [views.listed(item) for item in items], **more}

    def close(self) -> None:
        """Ends running and queued statements when the server stops."""
        self._interrupted = True
        with self._records.lock:
            for statement in self._records.statements.values():
                if not statement.ended:
                    self._records.end(statement, "FAILED", INTERRUPTED)
            for cancelled in self._cancelled.values():
                cancelled.set()
        self._queue.shutdown()
        self._engine.close()


def _parameters(request: Document, statements: list[str]) -> dict[str, str]:
    """The :parameters of a request; raises ValidationException if any are missing or unused."""
    given = {str(item["name"]): str(item["value"]) for item in request.get("Parameters") or []}
    used: set[str] = set()
    for sql in statements:
        if ":" in sql and first_word(sql) not in ("UNLOAD", "COPY", *dialect.WITHOUT_EFFECT):
            try:
                used |= dialect.placeholders(sql)
            except StatementError:
                # it fails with its reason when it runs
                return given
    for problem, names in ("missing", used - set(given)), ("unused", set(given) - used):
        if names:
            raise invalid(f"Parameters list contains {problem} parameters: {', '.join(sorted(names))}")
    return given
