"""Files of a table that an engine writes; they count once the lake has committed them.

The engine writes them as a Delta table of their own, in a folder of the lake's table, and the log there says what they
are. So there is one way to commit for all engines, and it is safe beside other writers: that of classic Spark is not,
in S3.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction
from pyarrow import fs

from common.contracts.types import Table
from common.errors import TableError
from common.lake.ids import new_id
from common.storage.filesystems import engine_uri, subtree

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LOG = "_delta_log"
PREFIX = "files-"
"""How the names of the folders begin."""
SPARK_TYPES = {"int": "integer", "long": "bigint"}
Storage = dict[str, str] | None


@dataclass
class EngineFiles:
    """The files of one folder: what it is as a table, and the files as the lake's table names them."""

    table: DeltaTable
    actions: list[AddAction]

    @property
    def count(self) -> int:
        """The number of rows."""
        return int(pc.sum(pa.table(self.table.get_add_actions())["num_records"]).as_py() or 0)


@contextmanager
def engine_files(frame: DataFrame, location: str, storage: Storage, engine: str) -> Iterator[EngineFiles]:
    """The files that the engine makes of the frame for the table at this location.

    Those that the table does not have at the end of the block are removed, if that can be told.
    """
    folder, files = f"{PREFIX}{new_id()}", subtree(location)
    own, table = f"{location}/{folder}", DeltaTable(location, storage_options=storage)
    metadata, made = table.metadata(), None
    try:
        DeltaTable.create(
            own,
            table.schema(),
            partition_by=metadata.partition_columns,
            configuration=metadata.configuration,
            storage_options=storage,
        )
        frame.write.format("delta").mode("append").save(engine_uri(own, engine))
        made = EngineFiles(DeltaTable(own, storage_options=storage), list(_added(files, folder)))
        yield made
    finally:
        with suppress(DeltaError, OSError):
            has_files = made and names(DeltaTable(location, storage_options=storage), made.actions)
            files.delete_dir(f"{folder}/{LOG}" if has_files else folder)


def names(table: DeltaTable, actions: Sequence[AddAction]) -> bool:
    """Whether the table has one of the files, and so, as they are committed together, all of them."""
    paths = pa.table(table.get_add_actions())["path"]
    wanted = pa.array([action.path for action in actions], paths.type)
    return bool(pc.any(pc.is_in(paths, value_set=wanted), min_count=0).as_py())


def _added(files: fs.FileSystem, folder: str) -> Iterator[AddAction]:
    """The files that the log in the folder adds; logs encode paths."""
    for info in files.get_file_info(fs.FileSelector(f"{folder}/{LOG}")):
        if info.path.endswith(".json"):
            with files.open_input_stream(info.path) as stream:
                lines = bytes(stream.read()).splitlines()
            for add in (action["add"] for action in map(json.loads, lines) if "add" in action):
                path, changed = f"{folder}/{unquote(add['path'])}", add["modificationTime"]
                yield AddAction(path, add["size"], add["partitionValues"], changed, True, add["stats"])


def declared(frame: DataFrame, table: Table) -> DataFrame:
    """The declared columns of the frame, in order.

    Raises:
        TableError: the frame does not match the declaration.
    """
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
            f"rows for table {table.name}: {'; '.join(wrong[:5])}", "Report this defect of the stage that writes it"
        )
    return frame.select(*table.column_names)
