"""UNLOAD: writes the rows of a query to objects of S3, with a manifest."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from localaws.services.redshift_data import dialect
from localaws.services.redshift_data.errors import StatementError, unsupported
from localaws.services.redshift_data.tokens import Tokens
from localaws.state.s3_client import Objects

_FORMATS = {"PARQUET": ".parquet", "CSV": ""}
_NOT_EMPTY = (
    "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, manually removing "
    "the target files in S3, or using the ALLOWOVERWRITE option."
)


@dataclass
class Unload:
    """An UNLOAD statement."""

    query: str
    prefix: str
    format: str = ""
    manifest: bool = False
    verbose: bool = False
    overwrite: bool = False
    clean: bool = False
    header: bool = False

    @classmethod
    def parse(cls, sql: str) -> Unload:
        """The parsed statement."""
        tokens = Tokens(sql)
        tokens.expect("(")
        query = tokens.string()
        tokens.expect(")")
        tokens.expect("TO")
        found = cls(query, tokens.string())
        tokens.role()
        while tokens.more:
            found._option(tokens)
        if not found.format:
            raise unsupported("UNLOAD without FORMAT PARQUET or CSV")
        if found.clean and found.overwrite:
            raise StatementError("CLEANPATH and ALLOWOVERWRITE cannot be specified together")
        return found

    def _option(self, tokens: Tokens) -> None:
        if tokens.accept("FORMAT"):
            tokens.accept("AS")
            self.format = tokens.take().text.upper()
        elif tokens.accept("PARQUET") or tokens.accept("CSV"):
            raise unsupported("a format without the word FORMAT")
        elif tokens.accept("MANIFEST"):
            self.manifest, self.verbose = True, tokens.accept("VERBOSE")
        elif tokens.accept("ALLOWOVERWRITE"):
            self.overwrite = True
        elif tokens.accept("CLEANPATH"):
            self.clean = True
        elif tokens.accept("HEADER"):
            self.header = True
        elif tokens.accept("PARALLEL"):
            # with a single file, both settings are the same
            tokens.take()
        elif tokens.accept("REGION"):
            tokens.accept("AS")
            tokens.string()
        else:
            raise tokens.refuse()
        if self.format and self.format not in _FORMATS:
            raise unsupported(f"FORMAT {self.format}")

    def run(self, connection: duckdb.DuckDBPyConnection, objects: Objects) -> int:
        """Writes the objects; returns the number of rows."""
        taken = objects.list(self.prefix)
        if taken and not self.overwrite and not self.clean:
            raise StatementError(_NOT_EMPTY)
        sql, _ = dialect.translate(self.query, {})
        described = connection.execute(f"DESCRIBE {sql}").fetchall()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "part"
            rows = self._write(connection, sql, [str(row[0]) for row in described], path)
            content = path.read_bytes()
        if self.clean:
            for uri in taken:
                objects.delete(uri)
        uri = f"{self.prefix}0000_part_00{_FORMATS[self.format]}"
        objects.put(uri, content)
        if self.manifest:
            document = self._manifest(uri, len(content), rows, described)
            objects.put(f"{self.prefix}manifest", json.dumps(document, indent=2).encode())
        return rows

    def _write(self, connection: duckdb.DuckDBPyConnection, sql: str, names: list[str], path: Path) -> int:
        """Writes the rows to a file with lower-case column names, as in Redshift; returns their number."""
        columns = ", ".join(f'c{number} AS "{name.lower()}"' for number, name in enumerate(names))
        given = ", ".join(f"c{number}" for number in range(len(names)))
        options = (
            "FORMAT parquet, COMPRESSION snappy" if self.format == "PARQUET" else f"FORMAT csv, HEADER {self.header}"
        )
        row = connection.execute(
            f"COPY (SELECT {columns} FROM ({sql}) AS unloaded({given})) TO '{path}' ({options})"
        ).fetchone()
        return int(row[0]) if row else 0

    def _manifest(self, uri: str, length: int, rows: int, described: list[Any]) -> dict[str, Any]:
        meta = {"content_length": length, "record_count": rows}
        document: dict[str, Any] = {"entries": [{"url": uri, "meta": meta}]}
        if self.verbose:
            elements = [{"name": str(row[0]).lower(), "type": {"base": str(row[1]).lower()}} for row in described]
            document |= {
                "schema": {"elements": elements},
                "meta": meta,
                "author": {"name": "Amazon Redshift", "version": "1.0.0"},
            }
        return document
