"""Tables of windows of formats up to 5, which were partitioned by more than the date, by date alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
from deltalake.transaction import AddAction

from common.coded import repeated
from common.lake.lake import Lake
from common.lake.table_files import WINDOW
from common.lake.together import File, Group, divided, files_in_order, rows_of, stored_columns, written_together
from common.runtime.run_report import RunReport
from common.storage.scratch import writing


def partitioned_by_window(lake: Lake) -> Iterator[str]:
    """The tables that are partitioned by window too.

    Raises:
        TableError: a table is unreadable.
    """
    for name in filter(lake.exists, lake.names):
        if WINDOW in lake.current(name).metadata().partition_columns:
            yield name


def partition_by_date(name: str, lake: Lake, report: RunReport) -> None:
    """Writes the table anew, a file for each date and 128 MB, and replaces it in one commit.

    The digests of its dates stay, so what was made of them is not older than they are.

    Raises:
        TableError: a file has other rows than the log says.
        CommitError: the table cannot be written; nothing of it is changed.
    """
    table = lake.table(name)
    moved = [column for column in lake.current(name).metadata().partition_columns if column not in table.partitions]
    stored = stored_columns(lake, name, [*table.partitions, *moved])
    schema = pa.schema([*stored, *(lake.stored_schema(name).field(column) for column in moved)])
    of_dates: dict[str, list[File]] = defaultdict(list)
    for file in files_in_order(lake.files(name)):
        of_dates[file.partition["date"]].append(file)
    made: list[AddAction] = []
    with writing(lake.uri, name):
        for done, (date, files) in enumerate(sorted(of_dates.items()), start=1):
            for part in divided(files):
                group = Group({"date": date}, part)
                made.append(written_together(lake, name, group, schema, _rows(lake, name, part, moved), is_change=True))
            report.progress(name, done, len(of_dates), "dates")
        lake.begin_anew(name, made)


def _rows(lake: Lake, name: str, files: Iterable[File], moved: Sequence[str]) -> Iterator[pa.Table]:
    """The rows of each file, with the columns that the table was partitioned by."""
    several = list(files)
    for file, rows in zip(several, rows_of(lake, name, several), strict=True):
        for column in moved:
            rows = rows.append_column(column, repeated(file.partition[column], len(rows)))
        yield rows
