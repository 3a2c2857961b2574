"""Delta tables below one URI, read without an engine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from pyarrow.parquet import filters_to_expression

from common.contracts import tables
from common.contracts.types import Table
from common.errors import TableError, first_line
from common.features.spec import FeatureSpec
from common.storage.filesystems import normal_uri, s3_endpoint, subtree
from common.windows import Windows


class LakeReader:
    """The tables below one lake URI, as `common.contracts` declares them."""

    def __init__(self, uri: str, spec: FeatureSpec) -> None:
        self.uri = normal_uri(uri)
        self.is_remote = self.uri.startswith("s3://")
        self._tables = tables(spec)

    def table(self, name: str) -> Table:
        """The declaration of a table."""
        return self._tables[name]

    def location(self, name: str) -> str:
        """The URI of a table."""
        return f"{self.uri}/{name}"

    def exists(self, name: str) -> bool:
        """Whether the table has been created.

        Raises:
            TableError: the lake is unreadable.
        """
        try:
            return bool(DeltaTable.is_deltatable(self.location(name), self._storage))
        except (DeltaError, OSError) as error:
            raise self._unreadable(name, error) from error

    def arrow(
        self, name: str, columns: Sequence[str] | None = None, windows: Windows | None = None, **equal: str
    ) -> pa.Table:
        """Rows of a table: of the given windows, and with the given values of partition columns.

        Raises:
            TableError: the table is missing or unreadable.
        """
        filters: list[tuple[str, str, Any]] = [(key, "=", value) for key, value in equal.items()]
        if windows:
            filters += [
                ("date", "in", [f"{day:%Y-%m-%d}" for day in windows.days()]),
                ("window", ">=", windows.key),
                ("window", "<=", windows.last_key),
            ]
        try:
            delta = self._delta(name)
            wanted = list(columns or self.table(name).column_names)
            # deltalake's own file system sometimes aborts the process at exit
            files = subtree(self.location(name))
            # pruning by the log: setting up a dataset of all files of a long history takes seconds
            dataset = delta.to_pyarrow_dataset(file_pruning_predicate=filters or None, filesystem=files)
            return dataset.to_table(columns=wanted, filter=filters_to_expression(filters) if filters else None)
        except TableNotFoundError:
            raise self._missing(name) from None
        except (DeltaError, pa.ArrowException, OSError) as error:
            raise self._unreadable(name, error) from error

    def partitions(self, name: str) -> list[dict[str, str]]:
        """The distinct partition values of the table's files, sorted; empty for a table without rows."""
        values = {tuple(sorted(action.items())) for action in self._files(name).values()}
        return [dict(entry) for entry in sorted(values)]

    def digests(self, name: str, partition: str) -> dict[str, str]:
        """A digest of the files of each value of a partition column; it changes when rows are rewritten."""
        paths: dict[str, list[str]] = {}
        for path, values in self._files(name).items():
            paths.setdefault(values[partition], []).append(path)
        return {
            value: hashlib.sha256("\n".join(sorted(held)).encode()).hexdigest()[:16] for value, held in paths.items()
        }

    def version(self, name: str) -> int:
        """The current version of the table."""
        return int(self._delta(name).version())

    def snapshot(self, name: str) -> DeltaTable:
        """The current version of the table; it does not follow later commits."""
        return self._delta(name)

    def stored_schema(self, name: str) -> pa.Schema:
        """The columns that the table actually has, declared or not.

        Raises:
            TableError: the table is missing or unreadable.
        """
        try:
            return pa.schema(self._delta(name).schema().to_arrow())
        except TableNotFoundError:
            raise self._missing(name) from None
        except (DeltaError, OSError) as error:
            raise self._unreadable(name, error) from error

    @property
    def _storage(self) -> dict[str, str] | None:
        return {"AWS_ALLOW_HTTP": "true"} if self.is_remote and s3_endpoint().startswith("http://") else None

    def _delta(self, name: str) -> DeltaTable:
        return DeltaTable(self.location(name), storage_options=self._storage)

    def _files(self, name: str) -> dict[str, dict[str, str]]:
        """The partition values of each file of the table, by path."""
        if not self.exists(name):
            return {}
        try:
            actions = pa.table(self._delta(name).get_add_actions(flatten=True))
        except (DeltaError, OSError) as error:
            raise self._unreadable(name, error) from error
        keys = [column for column in actions.column_names if column.startswith("partition.")]
        rows = actions.select(["path", *keys]).to_pylist()
        return {row["path"]: {key.removeprefix("partition."): str(row[key]) for key in keys} for row in rows}

    def _missing(self, name: str) -> TableError:
        return TableError(f"table {name} does not exist in {self.uri}", f"Run the stage that writes {name} first")

    def _unreadable(self, name: str, error: Exception) -> TableError:
        return TableError(
            f"table {name} in {self.uri} cannot be read: {first_line(error)}",
            "Check credentials and permissions; if its Delta log or files are damaged, restore or rebuild the table",
        )
