"""Windows of a table replaced by the files that the parts of a run write, in one commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from common.lake.table_files import from_rows, rows_of
from common.runtime.parts import each_part
from common.storage.scratch import writing
from common.windows import Windows

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake.transaction import AddAction

    from common.runtime.context import StageRun

Part = TypeVar("Part")


def replace_by_parts(
    stage: StageRun,
    table: str,
    where: Windows | Mapping[str, str],
    work: Callable[[Part], pa.Table],
    parts: Sequence[Part],
) -> int:
    """Replaces windows of the table by the files that the work makes of each part of a run; returns the rows written.

    The work returns its files `as_rows`. They count with the commit, and are removed if it does not come about.
    Without parts, the windows are empty afterwards.
    """
    lake = stage.lake
    made: list[AddAction] = []
    lake.ensure(table)
    with writing(lake.uri, table):
        try:
            for files in each_part(stage.engine, work, parts):
                made += from_rows(files)
        except BaseException:
            lake.discard(table, made)
            raise
        version = lake.replace_files(table, made, where)
    rows = sum(map(rows_of, made))
    stage.report.wrote(table, version, rows)
    return rows
