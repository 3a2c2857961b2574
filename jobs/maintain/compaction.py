"""Small files of a partition put together to one, without a change of their rows or of what stages know of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.transaction import AddAction

from common.lake.commits import commit_next
from common.lake.lake import Lake
from common.lake.together import File, Group, divided, files_in_order, rows_of, stored_columns, written_together
from common.storage.filesystems import subtree
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
            finished += _commit(lake, name, made)
    return finished


def _commit(lake: Lake, name: str, made: Sequence[tuple[Group, AddAction]]) -> list[Group]:
    def exchanged(delta: DeltaTable) -> set[str]:
        """The new files that the table has afterwards."""
        held = set(pa.table(delta.get_add_actions())["path"].to_pylist())
        fitting = [(group, new) for group, new in made if held.issuperset(file.path for file in group.files)]
        if fitting:
            removed = (file.removed(is_change=False) for group, _ in fitting for file in group.files)
            commit_next(delta, [*(new for _, new in fitting), *removed])
        return held.union(new.path for _, new in fitting)  # held: by a try whose answer was lost

    held = lake.commit(name, exchanged)
    files = subtree(lake.location(name))
    for _, new in made:
        if new.path not in held:
            with suppress(OSError):
                files.delete_file(new.path)
    return [group for group, new in made if new.path in held]


def _written(lake: Lake, name: str, group: Group, schema: pa.Schema) -> AddAction:
    return written_together(lake, name, group, schema, rows_of(lake, name, group.files))
