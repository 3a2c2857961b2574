"""The state that must survive restarts and kills, in one SQLite file; each call is one transaction."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

INTERRUPTED = "the local AWS was stopped"  # why whatever ran then has failed
_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (kind TEXT, key TEXT, document TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (execution TEXT, id INTEGER, event TEXT, PRIMARY KEY (execution, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS items (
    space TEXT, partition TEXT, sort TEXT, item TEXT, PRIMARY KEY (space, partition, sort)
) WITHOUT ROWID;
"""


class Store:
    """Documents by kind and key, histories of executions, items of DynamoDB tables.

    A killed process loses nothing from completed calls, because the operating system writes the file. A power cut can
    lose the last calls, a price for speed; the file stays intact.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.executescript(_SCHEMA)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _execute(self, statement: str, values: tuple[Any, ...]) -> None:
        with self._lock:
            self._connection.execute(statement, values)

    def _rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def put(self, kind: str, key: str, document: Any) -> None:
        """Saves a document, replacing any under its key."""
        self.put_text(kind, key, json.dumps(document))

    def put_text(self, kind: str, key: str, text: str) -> None:
        """Saves a document given as JSON."""
        self._execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (kind, key, text))

    def change(self, kind: str, texts: Mapping[str, str], gone: Iterable[str]) -> None:
        """Saves and deletes documents of a kind, given as JSON by key."""
        with self._transaction() as connection:
            rows = [(kind, key, text) for key, text in texts.items()]
            connection.executemany("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", rows)
            connection.executemany("DELETE FROM documents WHERE kind = ? AND key = ?", [(kind, key) for key in gone])

    def delete(self, kind: str, key: str) -> None:
        """Deletes a document if it exists."""
        self._execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key))

    def document(self, kind: str, key: str) -> Any:
        """A document; None if it does not exist."""
        rows = self._rows("SELECT document FROM documents WHERE kind = ? AND key = ?", (kind, key))
        return json.loads(rows[0][0]) if rows else None

    def documents(self, kind: str) -> dict[str, Any]:
        """All documents of a kind by key."""
        return {key: json.loads(text) for key, text in self.texts(kind).items()}

    def texts(self, kind: str) -> dict[str, str]:
        """All documents of a kind by key, as JSON."""
        return dict(self._rows("SELECT key, document FROM documents WHERE kind = ? ORDER BY key", (kind,)))

    def add_event(self, execution: str, number: int, event: Any) -> None:
        """Appends an event to the history of an execution."""
        self._execute("INSERT OR REPLACE INTO events VALUES (?, ?, ?)", (execution, number, json.dumps(event)))

    def events(self, execution: str) -> list[Any]:
        """The history of an execution, in order."""
        rows = self._rows("SELECT event FROM events WHERE execution = ? ORDER BY id", (execution,))
        return [json.loads(text) for (text,) in rows]

    def delete_events(self, execution: str) -> None:
        """Deletes the history of an execution."""
        self._execute("DELETE FROM events WHERE execution = ?", (execution,))

    def put_item(self, space: str, partition: str, sort: str, item: Any) -> None:
        """Saves an item of a table."""
        self._execute("INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?)", (space, partition, sort, json.dumps(item)))

    def delete_item(self, space: str, partition: str, sort: str) -> None:
        """Deletes an item of a table."""
        self._execute("DELETE FROM items WHERE space = ? AND partition = ? AND sort = ?", (space, partition, sort))

    def replace_items(self, space: str, items: Iterable[tuple[str, str, Any]]) -> None:
        """Replaces all items of a table."""
        rows = [(space, partition, sort, json.dumps(item)) for partition, sort, item in items]
        with self._transaction() as connection:
            connection.execute("DELETE FROM items WHERE space = ?", (space,))
            connection.executemany("INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?)", rows)

    def items(self) -> list[tuple[str, str, str, Any]]:
        """All items as (table, partition key, sort key, item)."""
        rows = self._rows("SELECT space, partition, sort, item FROM items")
        return [(space, partition, sort, json.loads(text)) for space, partition, sort, text in rows]

    def close(self) -> None:
        """Closes the file; no call may follow."""
        with self._lock:
            self._connection.close()
