"""Statistics in the logs of tables whose files earlier releases wrote with few of them, or with none."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from common.lake.commits import commit_next
from common.lake.lake import Lake
from common.lake.selection import PARTITION, with_columns
from common.lake.statistics import FileStatistics
from common.runtime.run_report import RunReport
from common.storage.filesystems import subtree
from tools.lake.by_date import partitioned_by_window

NULLS = "null_count."


def without_statistics(lake: Lake) -> Iterator[str]:
    """The tables with such files, but for those that are to be written anew.

    Raises:
        TableError: a table is unreadable.
    """
    by_window = {*partitioned_by_window(lake)}
    for name in lake.names:
        if lake.exists(name) and name not in by_window and len(_incomplete(lake, name)):
            yield name


def add_statistics(name: str, lake: Lake, report: RunReport) -> None:
    """Notes what is in these files, in one commit; the files stay as they are.

    Raises:
        TableError: the table is unreadable.
        CommitError: it cannot be written.
    """
    table, folder, files = lake.table(name), subtree(lake.location(name)), _incomplete(lake, name).to_pylist()
    stored = lake.stored_schema(name)
    actions = []
    for done, file in enumerate(files, start=1):
        statistics = FileStatistics(table, stored.names)
        schema = pa.schema([stored.field(column) for column in statistics.names])
        with folder.open_input_file(unquote(file["path"])) as stream:
            parquet = pq.ParquetFile(stream)
            held = [name for name in statistics.names if name in parquet.schema_arrow.names]
            for batch in parquet.iter_batches(columns=held):
                statistics.add(with_columns(pa.Table.from_batches([batch]), schema))
        partition = {key.removeprefix(PARTITION): str(file[key]) for key in file if key.startswith(PARTITION)}
        size, when, noted = file["size_bytes"], file["modification_time"], statistics.to_json()
        actions.append(AddAction(file["path"], size, partition, when, False, noted))
        report.progress(name, done, len(files), "files")

    lake.commit(name, lambda delta: commit_next(delta, actions))


def _incomplete(lake: Lake, name: str) -> pa.Table:
    """The files, as `LakeReader.files` has them, whose log lacks statistics that others have; all, if none has any."""
    files = lake.files(name)
    wanted = FileStatistics(lake.table(name), lake.stored_schema(name).names).names
    noted = [files[f"{NULLS}{column}"] for column in wanted if f"{NULLS}{column}" in files.column_names]
    if not noted:
        return files if wanted else files.slice(0, 0)
    return files.filter(reduce(pc.or_, map(pc.is_null, noted)))
