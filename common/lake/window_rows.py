"""How many rows a table has of each window."""

from __future__ import annotations

from collections import Counter
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.lake.reader import LakeReader
from common.lake.selection import bound_of
from common.lake.troubles import unreadable
from common.storage.filesystems import subtree
from common.windows import Windows

WINDOW = "window"


def rows_by_window(lake: LakeReader, name: str, windows: Windows | None = None) -> dict[str, int]:
    """The rows of a table by window key, at least of the given windows; none if the table is missing.

    The log has them of files with one window. Of others, that column is read.

    Raises:
        TableError: the table is unreadable.
    """
    if not lake.exists(name):
        return {}
    logged = lake.files(name)
    first, last = bound_of(logged, WINDOW, "min"), bound_of(logged, WINDOW, "max")
    chosen = pa.repeat(True, len(logged))
    if windows:
        apart = pc.or_kleene(pc.less(last, windows.key), pc.greater(first, windows.last_key))
        chosen = pc.invert(pc.fill_null(apart, False))
    is_one = pc.fill_null(pc.equal(first, last), False)
    found: Counter[str] = Counter()
    alone = pa.table([first, logged["num_records"]], [WINDOW, "rows"]).filter(pc.and_(chosen, is_one))
    for row in alone.to_pylist():
        found[row[WINDOW]] += row["rows"]
    for path in logged["path"].filter(pc.and_(chosen, pc.invert(is_one))).to_pylist():
        found += _counted(lake, name, unquote(path))
    return dict(found)


def _counted(lake: LakeReader, name: str, path: str) -> Counter[str]:
    found: Counter[str] = Counter()
    try:
        with subtree(lake.location(name)).open_input_file(path) as stream:
            for batch in pq.ParquetFile(stream, read_dictionary=[WINDOW]).iter_batches(columns=[WINDOW]):
                for entry in pc.value_counts(batch.column(WINDOW)).to_pylist():
                    found[entry["values"]] += entry["counts"]
    except (pa.ArrowException, OSError) as error:
        raise unreadable(name, lake.uri, error) from error
    return found
