"""Small files of a partition put together to one, without a change of their rows or of what stages know of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import pyarrow as pa
from deltalake.transaction import AddAction

from common.lake.exchange import exchanged
from common.lake.lake import Lake
from common.lake.together import (
    File,
    Group,
    divided,
    files_in_order,
    rows_of,
    stored_columns,
    written_together,
)
from common.storage.scratch import writing

GROUPS_PER_COMMIT = 16


def groups(lake: Lake, name: str, is_closed: Callable[[dict[str, str]], bool]) -> list[Group]:
    """The files that are worth to be put together, of the partitions that no live window writes any more."""
    found: dict[tuple[tuple[str, str], ...], list[File]] = defaultdict(list)
    for file in files_in_order(lake.files(name)):
        if is_closed(file.partition):
            found[tuple(file.partition.items())].append(file)
    return [
        Group(dict(values), part) for values, files in sorted(found.items()) for part in divided(files) if len(part) > 1
    ]


def put_together(lake: Lake, name: str, wanted: Sequence[Group], done: Callable[[int], None]) -> list[Group]:
    """Makes one file of each group, some groups in each commit; returns the groups of which it was done.

    A group is left to a later run if others rewrite its files meanwhile. `done` is told how many are written.

    Raises:
        TableError: a file cannot be read, or has other rows than the log says.
        CommitError: the table cannot be written.
    """
    finished: list[Group] = []
    schema = stored_columns(lake, name, lake.table(name).partitions)
    for start in range(0, len(wanted), GROUPS_PER_COMMIT):
        part = wanted[start : start + GROUPS_PER_COMMIT]
        with writing(lake.uri, name):
            made = []
            for number, group in enumerate(part, start=start + 1):
                made.append((group, _written(lake, name, group, schema)))
                done(number)
            finished += exchanged(lake, name, made)
    return finished


def _written(lake: Lake, name: str, group: Group, schema: pa.Schema) -> AddAction:
    return written_together(lake, name, group, schema, rows_of(lake, name, group.files))
