"""How a table of the lake begins, and begins anew: each column with its meaning and unit as comment.

The engines are not asked: Sail hides the comments of a frame where no other reader finds them.
"""

from __future__ import annotations

from collections.abc import Sequence

from deltalake import DeltaTable
from deltalake.transaction import AddAction, create_table_with_add_actions

from common.contracts.types import Table
from common.lake.commits import properties

COMMITS_PER_CHECKPOINT = 10
Storage = dict[str, str] | None


def create(location: str, table: Table, storage: Storage) -> None:
    """Creates the table without rows, unless it is there."""
    DeltaTable.create(
        location,
        table.delta,
        mode="ignore",
        partition_by=list(table.partitions),
        description=table.grain,
        configuration=_configuration(table),
        storage_options=storage,
        commit_properties=properties(),
    )


def begin_anew(location: str, table: Table, files: Sequence[AddAction], storage: Storage) -> None:
    """Replaces columns, partitions and all rows of a table by those of the files, in one commit."""
    create_table_with_add_actions(
        location,
        table.delta,
        list(files),
        mode="overwrite",
        partition_by=list(table.partitions),
        description=table.grain,
        configuration=_configuration(table),
        storage_options=storage,
        commit_properties=properties(),
    )


def _configuration(table: Table) -> dict[str, str | None]:
    return {
        "delta.dataSkippingNumIndexedCols": str(table.indexed),
        "delta.checkpointInterval": str(COMMITS_PER_CHECKPOINT),
    }
