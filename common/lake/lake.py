"""The lake: Delta tables below one URI, read and written only as `common.contracts` declares them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Protocol, TypeVar

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction

from common.contracts.types import Table
from common.errors import CommitError, TableError
from common.features.spec import FeatureSpec
from common.lake.commits import commit_next, properties
from common.lake.creation import begin_anew, create
from common.lake.engine_files import declared, engine_files, names
from common.lake.extent import Extent, Part, quoted
from common.lake.identity import LakeIdentity
from common.lake.lake_format import require_format, require_or_record
from common.lake.reader import LakeReader
from common.lake.replacement import Replacement
from common.lake.selection import Selection
from common.lake.table_files import discard
from common.lake.troubles import unwritable
from common.lake.window_status import Journal
from common.retries import Retries, retried
from common.storage.filesystems import engine_uri, subtree
from common.storage.scratch import writing
from common.windows import Windows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

COMMIT_RETRIES = Retries(tries=12, first_pause_seconds=0.1, longest_pause_seconds=5.0)
CONFLICT_SIGNS = ("Failed to commit transaction", "version already exists", "Missing commit file")
Result = TypeVar("Result")


class Engine(Protocol):
    """An engine by its name, with a session that may start when it is asked for."""

    name: str

    @property
    def session(self) -> SparkSession:
        """The session."""
        ...


class Lake(LakeReader):
    """The tables below one lake URI, read and replaced by an engine; without one, only as Arrow.

    The identity is that of the run; it becomes the lake's with its first table.
    """

    def __init__(
        self,
        uri: str,
        spec: FeatureSpec,
        engine: Engine | None = None,
        identity: LakeIdentity | None = None,
    ) -> None:
        super().__init__(uri, spec)
        self._identity = identity
        self._engine = engine
        self.journal = Journal(self)

    @classmethod
    def opened(
        cls,
        uri: str,
        spec: FeatureSpec,
        engine: Engine | None = None,
        identity: LakeIdentity | None = None,
    ) -> Lake:
        """The lake, after checking that its tables are of this release's format.

        Raises:
            LakeFormatError: they are not.
        """
        lake = cls(uri, spec, engine, identity)
        require_format(lake)
        return lake

    def read(self, name: str, windows: Windows | None = None, where: str | None = None) -> DataFrame:
        """The declared columns of a table, restricted to the windows and to partitions that match `where`.

        Raises:
            TableError: the table is missing, unreadable, or lacks a declared column.
        """
        from pyspark.errors import PySparkException  # only who asks for frames has it

        table = self.table(name)
        if not self.exists(name):
            raise self._missing(name)
        try:
            location = engine_uri(self.location(name), self.engine.name)
            frame = self.engine.session.read.format("delta").load(location)
            present = set(frame.columns)
        except PySparkException as error:
            raise self._unreadable(name, error) from error
        if missing := [column for column in table.column_names if column not in present]:
            raise TableError(
                f"table {name} in {self.uri} lacks the columns {', '.join(missing[:5])}",
                "Rebuild it: another version of this project wrote it",
            )
        for condition in (windows.predicate if windows else None, where):
            if condition:
                frame = frame.where(condition)
        return frame.select(*table.column_names)

    def replace(self, name: str, frame: DataFrame, part: Part) -> tuple[int, int]:
        """Replaces a part of the table by the frame; returns the new table version and the number of rows.

        One commit: readers see the old rows or the new ones. The engine writes files, and a commit that conflicts
        with another is tried again with them, after a random pause.

        Raises:
            TableError: the frame does not match the declaration, or has rows outside of the part.
            CommitError: the commit failed, or conflicted with others too often.
        """
        from pyspark.errors import PySparkException

        table, extent = self.table(name), Extent.of(part)
        checked = declared(frame, table)
        self.ensure(name)
        with (
            writing(self.uri, name),
            self._reported(name, PySparkException),
            engine_files(checked, self.location(name), self._storage, self.engine.name) as files,
        ):
            if not extent.holds(files.table):
                raise TableError(
                    f"rows for table {name} lie outside of {extent.predicate}",
                    "Report this defect of the stage that writes it",
                )
            return self._replaced(name, files.actions, extent), files.count

    def replace_files(self, name: str, files: Sequence[AddAction], part: Part) -> int:
        """Replaces a part of the table by files that have been written; returns the new table version.

        The table is created unless it is there.

        Raises:
            CommitError: the commit failed, or conflicted with others too often.
        """
        self.ensure(name)
        try:
            return self._replaced(name, files, Extent.of(part))
        except BaseException:
            self.discard(name, files)
            raise

    def discard(self, name: str, files: Sequence[AddAction]) -> None:
        """Removes those of the files, written for a table, that it does not have; if that cannot be told, they stay."""
        if not files:
            return
        with suppress(DeltaError, TableError, OSError):
            held = self.file_paths(name)
            discard(subtree(self.location(name)), [file for file in files if file.path not in held])

    def _replaced(self, name: str, files: Sequence[AddAction], extent: Extent) -> int:
        """Commits the files in place of a part of the table; returns the new table version."""
        replacement, tries = Replacement(self.location(name), self.table(name), extent), count()

        def replaced(delta: DeltaTable) -> int:
            version = int(delta.version())
            if next(tries) and names(delta, files):  # by a try whose answer was lost
                return version
            commit_next(delta, [*files, *replacement.actions(delta)])
            return version + 1

        try:
            return self.commit(name, replaced)
        finally:
            if replacement.made:
                self.discard(name, replacement.made)

    def rewrite(
        self, name: str, partitions: Mapping[str, Sequence[str]], change: Callable[[pa.Table], pa.Table]
    ) -> int:
        """Replaces the rows of some partitions by what `change` makes of them; returns the new table version.

        For small tables: no engine is asked, and the rows are held in memory. `partitions` gives the values of
        partition columns. After a conflict with another writer, `change` is given the rows of that writer.

        Raises:
            CommitError: the commit failed, or conflicted with others too often.
        """
        table = self.table(name)
        self.ensure(name)
        where = " AND ".join(f"{key} IN ({', '.join(map(quoted, held))})" for key, held in partitions.items())

        def replaced(delta: DeltaTable) -> int:
            rows = self._rows(delta, name, Selection.of(partitions))
            fresh = change(rows).cast(table.arrow)
            write_deltalake(delta, fresh, mode="overwrite", predicate=where, commit_properties=properties())
            return int(delta.version())

        with writing(self.uri, name):
            return self.commit(name, replaced)

    def remove(self, name: str, where: str) -> None:
        """Removes the partitions that `where` selects, in one commit that rewrites no file.

        Raises:
            CommitError: the commit failed, or conflicted with others too often.
        """
        self.commit(name, lambda delta: delta.delete(where, commit_properties=properties()))

    def vacuum(self, name: str, *, full: bool = False) -> None:
        """Deletes the files that commits of more than a week ago removed from the table.

        With `full`, also those of that age which no commit has ever named.

        Raises:
            CommitError: they cannot be deleted.
        """
        self.commit(name, lambda delta: delta.vacuum(dry_run=False, full=full, commit_properties=properties()))

    def commit(self, name: str, work: Callable[[DeltaTable], Result]) -> Result:
        """What the work makes of the table as it is now; it is done again if another writer comes between.

        Raises:
            CommitError: the commit failed, or conflicted with others too often.
        """

        def done() -> Result:
            delta = self._taken(name)
            result = work(delta)
            self._opened[name] = delta
            return result

        with self._reported(name):
            return retried(
                f"a commit to table {name} in {self.uri}",
                done,
                COMMIT_RETRIES,
                again=lambda error: any(sign in str(error) for sign in CONFLICT_SIGNS),
                failure=CommitError,
                remedy="Nothing was committed; run again with fewer concurrent writers",
            )

    @contextmanager
    def _reported(self, name: str, *others: type[Exception]) -> Iterator[None]:
        try:
            yield
        except (DeltaError, pa.ArrowException, OSError, *others) as error:
            raise unwritable(name, self.uri, error) from error

    def ensure(self, name: str) -> None:
        """Creates the table unless it is there; with the first table, a lake gets its format and identity.

        Raises:
            CommitError: the lake is not writable.
            LakeMismatchError: another run has made the lake, for another project or with other settings.
        """
        if not self.exists(name):
            require_or_record(self, self._identity)
            self.create(self.table(name))

    @property
    def engine(self) -> Engine:
        """The engine that reads and writes frames."""
        if self._engine is None:
            raise RuntimeError("this lake was opened without an engine")
        return self._engine

    def create(self, table: Table) -> None:
        """Creates the table without rows, unless it is there.

        Raises:
            CommitError: it cannot be created.
        """
        try:
            create(self.location(table.name), table, self._storage)
        except (DeltaError, OSError) as error:
            if not self.exists(table.name):  # another writer may have created it
                raise unwritable(table.name, self.uri, error) from error

    def begin_anew(self, name: str, files: Sequence[AddAction]) -> None:
        """Replaces columns, partitions and all rows of a table that nobody else writes, in one commit.

        Raises:
            CommitError: it cannot be written; the files are removed.
        """
        try:
            with self._reported(name):
                begin_anew(self.location(name), self.table(name), files, self._storage)
        except CommitError:
            self.discard(name, files)
            raise
