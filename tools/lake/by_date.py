"""Tables of windows of format 4, which were partitioned by date and window, by date alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import pyarrow as pa
from deltalake.transaction import AddAction

from common.lake.lake import Lake
from common.lake.table_files import WINDOW
from common.lake.together import File, Group, divided, files_in_order, rows_of, stored_columns, written_together
from common.lake.window_files import repeated
from common.runtime.run_report import RunReport
from common.storage.scratch import writing

FORMER = ["date", WINDOW]


def partitioned_by_window(lake: Lake) -> Iterator[str]:
    """The tables that still are so.

    Raises:
        TableError: a table is unreadable.
    """
    for name in filter(lake.exists, lake.names):
        if lake.current(name).metadata().partition_columns == FORMER:
            yield name


def partition_by_date(name: str, lake: Lake, report: RunReport) -> None:
    """Writes the table anew, a file for each date and 128 MB, and replaces it in one commit.

    The digests of its dates stay, so what was made of them is not older than they are.

    Raises:
        TableError: a file has other rows than the log says.
        CommitError: the table cannot be written; nothing of it is changed.
    """
    schema = _with_window(stored_columns(lake, name, FORMER))
    of_dates: dict[str, list[File]] = defaultdict(list)
    for file in files_in_order(lake.files(name)):
        of_dates[file.partition["date"]].append(file)
    made: list[AddAction] = []
    with writing(lake.uri, name):
        for done, (date, files) in enumerate(sorted(of_dates.items()), start=1):
            for part in divided(files):
                group = Group({"date": date}, part)
                made.append(written_together(lake, name, group, schema, _rows(lake, name, part), is_change=True))
            report.progress(name, done, len(of_dates), "dates")
        lake.begin_anew(name, made)


def _with_window(schema: pa.Schema) -> pa.Schema:
    return schema.append(pa.field(WINDOW, pa.string()))


def _rows(lake: Lake, name: str, files: Iterable[File]) -> Iterator[pa.Table]:
    """The rows of each file, with its window."""
    several = list(files)
    for file, rows in zip(several, rows_of(lake, name, several), strict=True):
        yield rows.append_column(WINDOW, repeated(file.partition[WINDOW], len(rows)))
