"""Files of a table put in the place of others that have the same rows."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.transaction import AddAction

from common.lake.commits import commit_next
from common.lake.lake import Lake
from common.lake.table_files import discard
from common.lake.together import Group
from common.storage.filesystems import subtree


def exchanged(lake: Lake, name: str, made: Sequence[tuple[Group, AddAction]]) -> list[Group]:
    """Puts each new file in the place of the files of its group, in one commit; returns the groups that are done.

    A group whose files others have removed meanwhile is left out, and its new file deleted.

    Raises:
        CommitError: the table cannot be written.
    """

    def held_after(delta: DeltaTable) -> set[str]:
        """The files that the table has afterwards."""
        held = set(pa.table(delta.get_add_actions())["path"].to_pylist())
        fitting = [(group, new) for group, new in made if held.issuperset(file.path for file in group.files)]
        if fitting:
            removed = (file.removed(is_change=new.data_change) for group, new in fitting for file in group.files)
            commit_next(delta, [*(new for _, new in fitting), *removed])
        return held.union(new.path for _, new in fitting)  # held: by a try whose answer was lost

    held = lake.commit(name, held_after)
    discard(subtree(lake.location(name)), [new for _, new in made if new.path not in held])
    return [group for group, new in made if new.path in held]
