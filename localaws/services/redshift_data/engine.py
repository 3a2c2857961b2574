"""Runs statements in DuckDB: one database file per cluster and database, one transaction at a time."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from localaws.services.redshift_data import dialect
from localaws.services.redshift_data.copy import Copy
from localaws.services.redshift_data.errors import StatementError, as_redshift_error
from localaws.services.redshift_data.tokens import first_word
from localaws.services.redshift_data.unload import Unload
from localaws.state.s3_client import ObjectError, Objects

# the defaults of a Redshift session
_SESSION = (
    "SET TimeZone = 'UTC'",
    "SET integer_division = true",
    "CREATE SCHEMA IF NOT EXISTS public",
    "SET schema = 'public'",
)
_INTERRUPT_SECONDS = 0.02
_AS_TEXT = re.compile(r"DECIMAL|TIMESTAMP|DATE|TIME|INTERVAL|UUID|HUGEINT|BLOB|JSON|\[\]|STRUCT|MAP")


@dataclass(frozen=True)
class Result:
    """The result of a statement: columns as (name, type) and rows, if any, and the number of rows affected."""

    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    count: int = -1

    @property
    def has_rows(self) -> bool:
        """Whether the statement returned a table, even an empty one."""
        return bool(self.columns)


class Engine:
    """DuckDB behind the Data API."""

    def __init__(self, folder: Path, objects: Objects) -> None:
        self._folder = folder
        self._objects = objects
        self._databases: dict[Path, duckdb.DuckDBPyConnection] = {}

    @contextmanager
    def _session(self, cluster: str, database: str) -> Iterator[duckdb.DuckDBPyConnection]:
        path = self._folder / re.sub(r"\W", "_", cluster) / f"{re.sub(r'[^0-9A-Za-z]', '_', database)}.duckdb"
        if path not in self._databases:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._databases[path] = duckdb.connect(str(path))
        session = self._databases[path].cursor()
        for statement in _SESSION:
            session.execute(statement)
        try:
            yield session
        finally:
            session.close()

    def run(
        self,
        cluster: str,
        database: str,
        statements: Sequence[str],
        parameters: Mapping[str, str],
        ended: Callable[[int, Result], None],
        cancelled: threading.Event,
    ) -> None:
        """Runs statements in one transaction; calls `ended` with the number and result of each.

        Raises:
            StatementError: a statement failed; the transaction was rolled back.
        """
        with self._session(cluster, database) as session, _interrupted_when(cancelled, session):
            session.begin()
            try:
                for number, sql in enumerate(statements):
                    ended(number, self._run_one(session, sql, parameters))
            except (duckdb.Error, ObjectError) as error:
                session.rollback()
                raise as_redshift_error(str(error)) from error
            except StatementError:
                session.rollback()
                raise
            session.commit()

    def _run_one(self, session: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, str]) -> Result:
        word = first_word(sql)
        if word == "UNLOAD":
            return Result(count=Unload.parse(sql).run(session, self._objects))
        if word == "COPY":
            return Result(count=Copy.parse(sql).run(session, self._objects))
        if word in dialect.WITHOUT_EFFECT:
            return Result()
        text, gives_rows = dialect.translate(sql, parameters)
        if gives_rows:
            return _rows(session, text)
        changed = session.execute(text).fetchone()
        counts = changed is not None and isinstance(changed[0], int) and word in ("INSERT", "UPDATE", "DELETE", "MERGE")
        return Result(count=int(changed[0]) if changed is not None and counts else -1)

    def close(self) -> None:
        """Closes all databases."""
        for connection in self._databases.values():
            connection.close()


@contextmanager
def _interrupted_when(cancelled: threading.Event, session: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Interrupts the session repeatedly once `cancelled` is set: DuckDB ignores interrupts between queries."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_INTERRUPT_SECONDS):
            if cancelled.is_set():
                session.interrupt()

    watcher = threading.Thread(target=watch, name="cancel", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _rows(session: duckdb.DuckDBPyConnection, sql: str) -> Result:
    """The rows of a query: numbers and booleans as such, everything else as text."""
    described = session.execute(f"DESCRIBE {sql}").fetchall()
    columns = [(str(row[0]).lower(), str(row[1])) for row in described]
    values = [
        f"CAST(c{number} AS VARCHAR)" if _AS_TEXT.search(kind) else f"c{number}"
        for number, (_, kind) in enumerate(columns)
    ]
    names = ", ".join(f"c{number}" for number in range(len(columns)))
    found = session.execute(f"SELECT {', '.join(values)} FROM ({sql}) AS result({names})").fetchall()
    return Result(columns, [list(row) for row in found], len(found))
