"""The comments of columns, in the log of each table."""

from __future__ import annotations

from deltalake.exceptions import DeltaError

from common.contracts.types import Table
from common.lake.commits import properties
from common.lake.reader import LakeReader
from common.lake.troubles import unwritable

NO_PARTITION = "no such partition"


def describe(lake: LakeReader, table: Table) -> bool:
    """Gives the columns of a table the comments of their declaration; false if they have them.

    For tables that an earlier release created: later writes keep the comments that they find. It is one commit, which
    changes no rows.

    Raises:
        TableError: the table is missing or unreadable.
        CommitError: it cannot be written.
    """
    delta = lake.current(table.name)
    wanted = {field.name: field.metadata for field in table.delta.fields}
    stored = {field.name: field.metadata for field in delta.schema().fields}
    if stored == wanted or stored.keys() != wanted.keys():
        return False
    try:
        delta.create_write_transaction(  # replaces the files of a partition that does not exist by none
            [],
            "overwrite",
            table.delta,
            list(table.partitions),
            partition_filters=[(table.partitions[0], "=", NO_PARTITION)],
            commit_properties=properties(),
        )
    except (DeltaError, OSError) as error:
        raise unwritable(table.name, lake.uri, error) from error
    return True
