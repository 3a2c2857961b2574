"""Delta tables below one URI, read without an engine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError, TableNotFoundError

from common.contracts import tables
from common.contracts.types import Table
from common.errors import TableError
from common.features.spec import FeatureSpec, load_spec
from common.lake.extent import among
from common.lake.file_digests import digest_of
from common.lake.host_ranges import ALL_HOSTS, HostRange
from common.lake.selection import CODED, PARTITION, Between, ParquetRows, Selection, bound_of
from common.lake.troubles import unreadable
from common.storage.filesystems import check_delta_path, normal_uri, s3_endpoint, subtree
from common.storage.plain_paths import plain_path
from common.windows import WINDOW, Windows, parse_moment


class LakeReader:
    """The tables below one lake URI, as `common.contracts` declares them.

    Each is opened once, for all threads of the process; handed to another process, a lake opens them anew there.
    """

    def __init__(self, uri: str, spec: FeatureSpec) -> None:
        self.uri = normal_uri(uri)
        check_delta_path(self.uri)
        self.is_remote = self.uri.startswith("s3://")
        self._place = plain_path(self.uri)
        self.spec = spec
        self._tables = tables(spec)
        self._opened: dict[str, DeltaTable] = {}
        self._found: set[str] = set()

    def __reduce__(self) -> tuple[Callable[[str, str], LakeReader], tuple[str, str]]:
        """How it is pickled: without what is open."""
        return _reader, (self.uri, self.spec.version)

    def table(self, name: str) -> Table:
        """The declaration of a table."""
        return self._tables[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all declared tables."""
        return tuple(self._tables)

    def location(self, name: str) -> str:
        """The URI of a table, in a form that every engine takes as it is."""
        return f"{self._place}/{name}"

    def exists(self, name: str) -> bool:
        """Whether the table has been created.

        Raises:
            TableError: the lake is unreadable.
        """
        try:
            if name not in self._found and DeltaTable.is_deltatable(self.location(name), self._storage):
                self._found.add(name)
            return name in self._found
        except (DeltaError, OSError) as error:
            raise self._unreadable(name, error) from error

    def arrow(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        windows: Windows | None = None,
        *,
        equal: Mapping[str, str | Collection[str]] | None = None,
        numbers: Mapping[str, Between] | None = None,
        coded: Sequence[str] = (),
        hosts: HostRange = ALL_HOSTS,
    ) -> pa.Table:
        """Rows of a table: of the windows and hosts, and with the given value, or one of the values, of some columns.

        `numbers` are columns of numbers with the least and the greatest one that is wanted. Files are left out by what
        the log says of them, row groups by their statistics, and by the columns that decide which rows are wanted:
        those are read first. The texts of `coded` columns come as dictionary arrays, which are read several times as
        fast.

        Raises:
            TableError: the table is missing or unreadable.
        """
        with self._reading(name):
            selection = Selection.of(equal or {}, windows, numbers)
            return self._rows(self._latest(name), name, selection, columns, coded, hosts)

    def query(self, statement: str, names: Collection[str]) -> pa.Table:
        """The rows that a statement of SQL gives of these tables, without a lake's engine.

        It takes half as long as `arrow` where few of many rows are wanted, or sums of them: of columns that do not say
        which rows are wanted, only their pages are decoded. Texts come as views.

        Raises:
            TableError: a table is missing or unreadable.
        """
        pa.default_memory_pool().release_unused()  # the query's engine has a memory of its own
        query = QueryBuilder()
        for name in names:
            query.register(name, self.current(name))
        try:
            return pa.table(query.execute(statement).read_all())
        except (DeltaError, pa.ArrowException, OSError) as error:
            raise self._unreadable(", ".join(names), error) from error

    def few(self, name: str, columns: Sequence[str], equal: Mapping[str, str | Collection[str]]) -> pa.Table:
        """Few rows of a wide table: those with the given value, or one of the values, of some columns.

        In half the time of `arrow`, which reads long texts and long row groups in less memory.

        Raises:
            TableError: the table is missing or unreadable.
        """
        sought = {column: [held] if isinstance(held, str) else sorted(held) for column, held in equal.items()}
        where = " AND ".join(among(column, held) if held else "FALSE" for column, held in sought.items())
        named = ", ".join(f'"{column}"' for column in columns)
        return self.query(f'SELECT {named} FROM "{name}" WHERE {where}', [name])

    def partitions(self, name: str) -> list[dict[str, str]]:
        """The distinct partition values of the table's files, sorted; empty for a table without rows."""
        if not self.exists(name):
            return []
        files = self.files(name)
        columns = sorted(column for column in files.column_names if column.startswith(PARTITION))
        names = [column.removeprefix(PARTITION) for column in columns]
        distinct = {*zip(*(map(str, files[column].to_pylist()) for column in columns), strict=True)}
        return [dict(zip(names, values, strict=True)) for values in sorted(distinct)]

    def window_bounds(self, name: str) -> Windows | None:
        """From the first to the last window that the table has rows of, as its log has it; None without any."""
        if not self.exists(name):
            return None
        files = self.files(name)
        first, last = pc.min(bound_of(files, "window", "min")).as_py(), pc.max(bound_of(files, "window", "max")).as_py()
        return None if first is None else Windows(parse_moment(first), parse_moment(last) + WINDOW)

    def digests(self, name: str, partition: str, values: Iterable[str] | None = None) -> dict[str, str]:
        """A digest of the files of each value of a partition column; it changes when a stage writes rows there.

        With `values`, only of these.
        """
        if not self.exists(name):
            return {}
        files, column = self.files(name), f"{PARTITION}{partition}"
        if values is not None:
            files = files.filter(pc.is_in(files[column], pa.array(list(values), files[column].type)))
        paths = files.group_by(column).aggregate([("path", "list")])
        return {str(row[column]): digest_of(row["path_list"]) for row in paths.to_pylist()}

    def file_paths(self, name: str) -> set[str]:
        """The files of the table's current version, relative to it; paths as the log has them, and decoded."""
        paths = set(self.files(name)["path"].to_pylist()) if self.exists(name) else set()
        return paths | {unquote(path) for path in paths}

    def version(self, name: str) -> int:
        """The current version of the table.

        Raises:
            TableError: the table is missing or unreadable.
        """
        with self._reading(name):
            return int(self._latest(name).version())

    def count(self, name: str) -> int:
        """The number of rows of the table, as its log has it."""
        return int(pc.sum(self.files(name)["num_records"]).as_py() or 0)

    def stored_schema(self, name: str) -> pa.Schema:
        """The columns that the table actually has, declared or not.

        Raises:
            TableError: the table is missing or unreadable.
        """
        return pa.schema(self.current(name).schema().to_arrow())

    def files(self, name: str) -> pa.Table:
        """One row per file of the table: path, bytes, rows, values of partition columns, and statistics, from its log.

        Raises:
            TableError: the table is missing or unreadable.
        """
        with self._reading(name):
            return pa.table(self._latest(name).get_add_actions(flatten=True))

    def current(self, name: str) -> DeltaTable:
        """As `delta`, with an error that says what to do.

        Raises:
            TableError: the table is missing or unreadable.
        """
        with self._reading(name):
            return self.delta(name)

    @property
    def _storage(self) -> dict[str, str] | None:
        return {"AWS_ALLOW_HTTP": "true"} if self.is_remote and s3_endpoint().startswith("http://") else None

    def _rows(
        self,
        delta: DeltaTable,
        name: str,
        selection: Selection,
        columns: Sequence[str] | None = None,
        coded: Sequence[str] = (),
        hosts: HostRange = ALL_HOSTS,
    ) -> pa.Table:
        held = pa.schema(delta.schema().to_arrow())
        wanted = [held.field(column) for column in columns or self.table(name).column_names]
        schema = pa.schema([field.with_type(CODED) if field.name in coded else field for field in wanted])
        # pyarrow's file system: that of deltalake sometimes aborts the process at exit
        rows = ParquetRows(subtree(self.location(name)), schema, selection, hosts, self.is_remote)
        return rows.of(list(selection.files(pa.table(delta.get_add_actions(flatten=True)))))

    def delta(self, name: str) -> DeltaTable:
        """The Delta table itself, in its current version; it does not follow later commits."""
        return DeltaTable(self.location(name), storage_options=self._storage)

    def _latest(self, name: str) -> DeltaTable:
        """The Delta table in its current version, to use at once: an open one follows the log, which is faster."""
        try:
            self._opened[name].update_incremental()
        except (KeyError, DeltaError, OSError):
            self._opened[name] = self.delta(name)
        return self._opened[name]

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """Gives errors of the block a cause and a remedy."""
        try:
            yield
        except TableNotFoundError:
            raise self._missing(name) from None
        except (DeltaError, pa.ArrowException, OSError) as error:
            raise self._unreadable(name, error) from error

    def _taken(self, name: str) -> DeltaTable:
        """As `_latest`, but no other thread has the table, so that it stays at its version until it is committed to."""
        try:
            delta = self._opened.pop(name)
            delta.update_incremental()
        except (KeyError, DeltaError, OSError):
            delta = self.delta(name)
        return delta

    def _missing(self, name: str) -> TableError:
        return TableError(f"table {name} does not exist in {self.uri}", f"Run the stage that writes {name} first")

    def _unreadable(self, name: str, error: Exception) -> TableError:
        return unreadable(name, self.uri, error)


def _reader(uri: str, spec_version: str) -> LakeReader:
    return LakeReader(uri, load_spec(spec_version))
