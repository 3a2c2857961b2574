"""The lake: Delta tables below one URI, read and written only as `common.contracts` declares them."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from pyarrow.parquet import filters_to_expression
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from common.contracts import tables
from common.contracts.types import Table
from common.errors import CommitError, TableError
from common.features.spec import FeatureSpec
from common.storage.filesystems import normal_uri, s3_endpoint, subtree
from common.windows import Windows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

COMMIT_ATTEMPTS = 12
BACKOFF_SECONDS = 0.1
BACKOFF_MAX_SECONDS = 5.0
CONFLICT_SIGNS = ("Failed to commit transaction", "ConcurrentAppend", "ConcurrentDelete", "ConcurrentWrite",
                  "MetadataChanged", "ProtocolChanged", "version already exists", "Missing commit file")  # fmt: skip
SPARK_TYPES = {"int": "integer", "long": "bigint"}


class Lake:
    """The tables below one lake URI; without a session, only what needs no engine."""

    def __init__(self, uri: str, spec: FeatureSpec, session: SparkSession | None = None, engine: str = "sail") -> None:
        self.uri = normal_uri(uri)
        self.is_remote = self.uri.startswith("s3://")
        self._tables = tables(spec)
        self._session = session
        self._engine = engine

    def table(self, name: str) -> Table:
        """The declaration of a table."""
        return self._tables[name]

    def location(self, name: str) -> str:
        """Where the table lies."""
        return f"{self.uri}/{name}"

    def exists(self, name: str) -> bool:
        """Whether the table has been created."""
        try:
            return bool(DeltaTable.is_deltatable(self.location(name), self._storage))
        except (DeltaError, OSError) as error:
            raise self._unreadable(name, error) from error

    def read(self, name: str, windows: Windows | None = None, where: str | None = None) -> DataFrame:
        """The declared columns of a table, of these windows or partitions only.

        Raises:
            TableError: the table is missing, unreadable, or lacks a declared column.
        """
        table = self.table(name)
        if not self.exists(name):
            raise TableError(f"table {name} does not exist in {self.uri}", f"Run the stage that writes {name} first")
        try:
            frame = self._spark.read.format("delta").load(self._engine_location(name))
            present = set(frame.columns)
        except PySparkException as error:
            raise self._unreadable(name, error) from error
        if missing := [column for column in table.column_names if column not in present]:
            raise TableError(
                f"table {name} in {self.uri} lacks the columns {', '.join(missing[:5])}",
                "It was written by another version: rebuild it",
            )
        for condition in (windows.predicate if windows else None, where):
            if condition:
                frame = frame.where(condition)
        return frame.select(*table.column_names)

    def replace(self, name: str, frame: DataFrame, where: str) -> tuple[int, int]:
        """The new version of the table and its rows there, after the partitions that `where` selects became the frame.

        One commit: readers see the old partitions or the new ones. Commits that others got in the way of are
        tried again after a random pause.

        Raises:
            TableError: the frame does not match the declaration.
            CommitError: the commit failed, or was in conflict too often.
        """
        table = self.table(name)
        checked = _checked(frame, table)
        self._create(table)
        for attempt in range(COMMIT_ATTEMPTS):
            try:
                (
                    checked.write.format("delta")
                    .mode("overwrite")
                    .option("replaceWhere", where)
                    .save(self._engine_location(name))
                )
                return self._written(name, where)
            except PySparkException as error:
                if not any(sign in str(error) for sign in CONFLICT_SIGNS):
                    raise CommitError(
                        f"table {name} in {self.uri} could not be written: {first_line(error)}",
                        "Nothing was committed; check free space and permissions, then run again",
                    ) from error
                time.sleep(random.uniform(0, min(BACKOFF_MAX_SECONDS, BACKOFF_SECONDS * 2**attempt)))
        raise CommitError(
            f"table {name} in {self.uri}: {COMMIT_ATTEMPTS} commits in a row met a concurrent one",
            "Nothing was committed; run again when fewer writers are at work",
        )

    def arrow(
        self, name: str, columns: Sequence[str] | None = None, windows: Windows | None = None, **equal: str
    ) -> pa.Table:
        """Rows of a table without an engine: of these windows, and where the named partitions have those values.

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
            # with the file system of deltalake itself, the process sometimes aborts when it ends
            files = subtree(self.location(name))
            # the log is searched for the files: a dataset of all files of a long history takes seconds to set up
            dataset = delta.to_pyarrow_dataset(file_pruning_predicate=filters or None, filesystem=files)
            return dataset.to_table(columns=wanted, filter=filters_to_expression(filters) if filters else None)
        except TableNotFoundError:
            raise TableError(
                f"table {name} does not exist in {self.uri}", f"Run the stage that writes {name} first"
            ) from None
        except (DeltaError, pa.ArrowException, OSError) as error:
            raise self._unreadable(name, error) from error

    def partitions(self, name: str) -> list[dict[str, str]]:
        """The partition values of the table's files, distinct and sorted; none for a table without rows."""
        values = {tuple(sorted(action.items())) for action in self._files(name).values()}
        return [dict(entry) for entry in sorted(values)]

    def digests(self, name: str, partition: str) -> dict[str, str]:
        """A digest of the files of each value of a partition column: it changes when its rows are rewritten."""
        paths: dict[str, list[str]] = {}
        for path, values in self._files(name).items():
            paths.setdefault(values[partition], []).append(path)
        return {
            value: hashlib.sha256("\n".join(sorted(held)).encode()).hexdigest()[:16] for value, held in paths.items()
        }

    def version(self, name: str) -> int:
        """The version of the table."""
        return int(self._delta(name).version())

    def stored_schema(self, name: str) -> pa.Schema:
        """The columns that the table has, whatever was declared.

        Raises:
            TableError: the table is missing or unreadable.
        """
        try:
            return pa.schema(self._delta(name).schema().to_arrow())
        except TableNotFoundError:
            raise TableError(
                f"table {name} does not exist in {self.uri}", f"Run the stage that writes {name} first"
            ) from None
        except (DeltaError, OSError) as error:
            raise self._unreadable(name, error) from error

    @property
    def _storage(self) -> dict[str, str] | None:
        return {"AWS_ALLOW_HTTP": "true"} if self.is_remote and s3_endpoint().startswith("http://") else None

    def _delta(self, name: str) -> DeltaTable:
        return DeltaTable(self.location(name), storage_options=self._storage)

    @property
    def _spark(self) -> SparkSession:
        if self._session is None:
            raise RuntimeError("this lake was opened without an engine")
        return self._session

    def _engine_location(self, name: str) -> str:
        location = self.location(name)
        return "s3a://" + location.removeprefix("s3://") if self._engine == "spark" and self.is_remote else location

    def _files(self, name: str) -> dict[str, dict[str, str]]:
        if not self.exists(name):
            return {}
        try:
            actions = pa.table(self._delta(name).get_add_actions(flatten=True))
        except (DeltaError, OSError) as error:
            raise self._unreadable(name, error) from error
        keys = [column for column in actions.column_names if column.startswith("partition.")]
        rows = actions.select(["path", *keys]).to_pylist()
        return {row["path"]: {key.removeprefix("partition."): str(row[key]) for key in keys} for row in rows}

    def _create(self, table: Table) -> None:
        """Creates the table without rows, each column with its meaning and unit as comment.

        The engines are not asked: Sail hides the comments of a frame where no other reader finds them.
        """
        if self.exists(table.name):
            return
        try:
            DeltaTable.create(
                self.location(table.name),
                table.delta,
                mode="ignore",
                partition_by=list(table.partitions),
                description=table.grain,
                configuration={"delta.dataSkippingNumIndexedCols": str(table.indexed)},
                storage_options=self._storage,
            )
        except (DeltaError, OSError) as error:
            if not self.exists(table.name):  # another writer may have been first
                raise CommitError(
                    f"table {table.name} could not be created in {self.uri}: {first_line(error)}",
                    "Check that the lake is writable and has space",
                ) from error

    def _written(self, name: str, where: str) -> tuple[int, int]:
        rows = self._spark.read.format("delta").load(self._engine_location(name)).where(where).count()
        return self.version(name), int(rows)

    def _unreadable(self, name: str, error: Exception) -> TableError:
        return TableError(
            f"table {name} in {self.uri} cannot be read: {first_line(error)}",
            "Its Delta log or files are damaged or not accessible: restore them, or delete the table's folder and "
            "rebuild it",
        )


def first_line(error: BaseException) -> str:
    """The first line of an error's message, short enough for one line."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


def equal_predicate(values: dict[str, Any]) -> str:
    """The SQL condition that the columns have those values; quotes in values are doubled."""
    return " AND ".join("{} = '{}'".format(key, str(value).replace("'", "''")) for key, value in values.items())


def _checked(frame: DataFrame, table: Table) -> DataFrame:
    """The declared columns of the frame, in order, whose types are as declared."""
    found = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
    wanted = {
        column.name: SPARK_TYPES.get(column.type, column.type).replace("integer", "int") for column in table.columns
    }
    wrong = [
        f"{name} is {found.get(name, 'missing')}, not {kind}"
        for name, kind in wanted.items()
        if found.get(name) != kind
    ]
    if wrong:
        raise TableError(
            f"rows for table {table.name}: {'; '.join(wrong[:5])}", "This is a defect of the stage that writes it"
        )
    return frame.select(*(F.col(name) for name in table.column_names))
