"""COPY: loads objects of S3 into a table."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from localaws.services.redshift_data.errors import StatementError, unsupported
from localaws.services.redshift_data.tokens import Tokens
from localaws.state.s3_client import ObjectError, Objects

_READERS = {"PARQUET": "read_parquet", "CSV": "read_csv"}


@dataclass
class Copy:
    """A COPY statement."""

    table: str
    columns: list[str] = field(default_factory=list)
    source: str = ""
    format: str = ""
    manifest: bool = False
    skipped_lines: int = 0

    @classmethod
    def parse(cls, sql: str) -> Copy:
        """The parsed statement."""
        tokens = Tokens(sql)
        found = cls(tokens.name())
        if not tokens.accept("FROM"):
            found.columns = tokens.names()
            tokens.expect("FROM")
        found.source = tokens.string()
        if not found.source.startswith("s3://"):
            raise unsupported(f"COPY from {found.source}")
        tokens.role()
        while tokens.more:
            found._option(tokens)
        if found.format not in _READERS:
            raise unsupported(f"COPY with FORMAT {found.format or '(none)'}")
        return found

    def _option(self, tokens: Tokens) -> None:
        if tokens.accept("FORMAT"):
            tokens.accept("AS")
            self.format = tokens.take().text.upper()
        elif tokens.accept("MANIFEST"):
            self.manifest = True
        elif tokens.accept("CSV"):
            self.format = "CSV"
        elif tokens.accept("IGNOREHEADER"):
            tokens.accept("AS")
            self.skipped_lines = int(tokens.take().text)
        elif tokens.accept("REGION"):
            tokens.accept("AS")
            tokens.string()
        else:
            raise tokens.refuse()

    def run(self, connection: duckdb.DuckDBPyConnection, objects: Objects) -> int:
        """Loads the rows; returns their number."""
        try:
            sources = self._listed(objects) if self.manifest else self._found(objects)
            with tempfile.TemporaryDirectory() as folder:
                paths = []
                for number, uri in enumerate(sources):
                    path = Path(folder) / str(number)
                    path.write_bytes(objects.get(uri))
                    paths.append(str(path))
                return self._insert(connection, paths)
        except ObjectError as error:
            raise StatementError(f"S3ServiceException: {error}") from error

    def _insert(self, connection: duckdb.DuckDBPyConnection, paths: list[str]) -> int:
        options = "" if self.format == "PARQUET" else f", header = false, skip = {self.skipped_lines}"
        if self.format == "CSV":
            options += ", all_varchar = true, null_padding = false"
        target = f"{self.table} ({', '.join(self.columns)})" if self.columns else self.table
        files = ", ".join(f"'{path}'" for path in paths)
        reader = f"{_READERS[self.format]}([{files}]{options})"
        row = connection.execute(f"INSERT INTO {target} SELECT * FROM {reader}").fetchone()
        return int(row[0]) if row else 0

    def _found(self, objects: Objects) -> list[str]:
        """The objects below the prefix, without those whose names start with a dot or an underscore."""
        uris = [uri for uri in objects.list(self.source) if uri.rpartition("/")[2][:1] not in ("", ".", "_")]
        if not uris:
            raise StatementError(f"The specified S3 prefix '{self.source}' does not exist")
        return uris

    def _listed(self, objects: Objects) -> list[str]:
        """The objects in the manifest, after checking their sizes."""
        try:
            entries = json.loads(objects.get(self.source))["entries"]
        except (ValueError, KeyError, TypeError) as error:
            raise StatementError(f"Manifest file is not in correct json format: {self.source}") from error
        uris = []
        for entry in entries:
            url, meta = entry["url"], entry.get("meta") or {}
            sizes = objects.list(url)
            if url not in sizes:
                if entry.get("mandatory"):
                    raise StatementError(f"Mandatory url is not present in manifest file: {url}")
                continue
            if self.format == "PARQUET" and meta.get("content_length") != sizes[url]:
                length = meta.get("content_length")
                raise StatementError(f"File {url} has {sizes[url]} bytes, content_length in the manifest is {length}")
            uris.append(url)
        if not uris:
            raise StatementError(f"No valid file in the manifest {self.source}")
        return uris
