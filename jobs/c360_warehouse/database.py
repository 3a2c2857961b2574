"""The local warehouse: a DuckDB file that takes Snowflake's SQL."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from common.errors import StorageError, WarehouseError, first_line
from common.runtime.environment import variables
from common.storage.plain_paths import plain_path

NAME, SCHEMA = "C360", "WAREHOUSE"
READING = "Correct it; SHOW TABLES and DESCRIBE TABLE <name> say what is there, and nothing can be changed"
WRITING = "It has changed nothing"
POOL = "ARROW_DEFAULT_MEMORY_POOL"
_HOLDER = re.compile(r"PID (\d+)")


class Warehouse:
    """An open local warehouse; the remedy is that of a statement that fails."""

    def __init__(self, cursor: Any, remedy: str) -> None:
        self._cursor = cursor
        self._remedy = remedy

    def execute(self, text: str, values: dict[str, str] | None = None) -> list[dict[str, Any]]:
        """The rows of a statement, by names of columns in lower case; `:name` in the text is a value.

        Raises:
            WarehouseError: the statement fails.
        """
        import duckdb
        from snowflake.connector.errors import Error

        try:
            with _quiet():
                rows = self._cursor.execute(text, values).fetchall()
        except (Error, duckdb.Error) as error:
            start = next((line for line in text.splitlines() if not line.startswith("--")), text)
            raise WarehouseError(f"the statement {start!r} fails: {first_line(error)}", self._remedy) from error
        return [{_name(name): _plain(value) for name, value in row.items()} for row in rows]

    def value(self, text: str) -> Any:
        """The only value of a statement; None if there is no row."""
        rows = self.execute(text)
        return next(iter(rows[0].values())) if rows else None


def _name(name: str) -> str:
    return name.lower() if name.isupper() else name


def _plain(value: Any) -> Any:
    """The value; a whole number of Snowflake's NUMBER is an int."""
    if isinstance(value, Decimal) and value.as_tuple().exponent == 0:
        return int(value)
    return value


@contextmanager
def _quiet() -> Iterator[None]:
    """While it lasts, nothing is said of properties that DuckDB has not, and of copies of results."""
    log = logging.getLogger("sqlglot")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Arrow output on a DB-API")
            yield
    finally:
        log.setLevel(before)


@contextmanager
def opened(folder: Path, read_only: bool = False) -> Iterator[Warehouse]:
    """The warehouse in a folder; made if it is not there, unless `read_only`. Nobody else writes it meanwhile.

    Raises:
        StorageError: there is none, or it cannot be made or read.
        WarehouseError: another process writes it, or, when it is to be written, reads it.
    """
    if read_only and not (folder / f"{NAME}.db").exists():
        raise StorageError(f"{folder} has no warehouse", "Run c360-warehouse run, or check the path")
    with variables({POOL: os.environ.get(POOL, "system")}):  # the connector sets it for all of the process
        from fakesnow import FakeSnow
    path = plain_path(str(folder.absolute()))
    with _reported(folder):
        folder.mkdir(parents=True, exist_ok=True)
        snow = FakeSnow(db_path=path)
    try:
        yield _connected(snow, folder, path, read_only)
    finally:
        snow.duck_conn.close()


def _connected(snow: Any, folder: Path, path: str, read_only: bool) -> Warehouse:
    from snowflake.connector.cursor import DictCursor

    with _reported(folder):
        snow.duck_conn.execute(f"SET temp_directory = '{path}/spilled'")  # else in the working folder
        if read_only:
            snow.duck_conn.execute(f"ATTACH '{path}/{NAME}.db' AS {NAME} (READ_ONLY)")
        cursor = snow.connect(database=NAME, schema=SCHEMA, paramstyle="qmark").cursor(DictCursor)
        return Warehouse(cursor, READING if read_only else WRITING)


@contextmanager
def _reported(folder: Path) -> Iterator[None]:
    import duckdb

    try:
        yield
    except (OSError, duckdb.IOException) as error:
        if "Could not set lock" not in str(error):
            raise StorageError(f"{folder} cannot be opened: {first_line(error)}", "Check the path") from error
        holder = _HOLDER.search(str(error))
        by = f" by process {holder[1]}" if holder else ""
        raise WarehouseError(f"the warehouse in {folder} is in use{by}", "Try again when that has ended") from None
