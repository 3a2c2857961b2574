"""Small files of a partition put together to one, without a change of their rows or of what stages know of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc
from deltalake.transaction import AddAction

from common.lake.exchange import exchanged
from common.lake.lake import Lake
from common.lake.selection import PARTITION, bound_of
from common.lake.table_files import WINDOW
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
FEWEST_FILES = 8
"""Of a day, that are worth the while of a live window."""
BYTES_AT_ONCE = 32 << 20
COLUMNS_AT_ONCE = 8_000
"""Of all files that a live window puts together: to read one takes as long as it has columns."""
DATE = f"{PARTITION}date"


def groups(lake: Lake, name: str, is_closed: Callable[[dict[str, str]], bool]) -> list[Group]:
    """The files that are worth to be put together, of the partitions that no live window writes any more."""
    found: dict[tuple[tuple[str, str], ...], list[File]] = defaultdict(list)
    for file in files_in_order(lake.files(name)):
        if is_closed(file.partition):
            found[tuple(file.partition.items())].append(file)
    return [
        Group(dict(values), part) for values, files in sorted(found.items()) for part in divided(files) if len(part) > 1
    ]


def quick_group(lake: Lake, name: str, before: str) -> Group | None:
    """Small files of one window each that are put together within half a second; None if they are not worth it.

    They are the first of the day before the given date that has most of them.

    Raises:
        TableError: the table is unreadable.
    """
    logged = lake.files(name)
    first, last = bound_of(logged, WINDOW, "min"), bound_of(logged, WINDOW, "max")
    is_small = pc.less_equal(logged["size_bytes"], BYTES_AT_ONCE // FEWEST_FILES)
    wanted = pc.and_kleene(pc.equal(first, last), pc.and_kleene(pc.less(logged[DATE], before), is_small))
    small = logged.filter(pc.fill_null(wanted, False))
    days = Counter(small[DATE].to_pylist())
    day = min(days, key=lambda day: (-days[day], day), default="")
    if days[day] < FEWEST_FILES:
        return None
    files = files_in_order(small.filter(pc.equal(small[DATE], day)))
    sizes = accumulate(file.bytes for file in files)
    few = [file for file, size in zip(files, sizes, strict=True) if size <= BYTES_AT_ONCE]
    most = max(FEWEST_FILES, COLUMNS_AT_ONCE // len(lake.table(name).columns))
    return Group(few[0].partition, tuple(few[:most]))


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
