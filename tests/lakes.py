"""Tables of a lake, written and compared without an engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import write_deltalake

from common.contracts import tables
from common.features.spec import FeatureSpec
from common.lake.identity import LakeIdentity
from common.lake.lake import Lake
from common.lake.lake_format import create_record
from common.lake.publications import publications
from common.lake.reader import LakeReader
from common.lake.window_status import FEATURES
from common.windows import Windows
from tests.factories import SPEC
from tests.oracle.compare import assert_tables_equal
from tests.types import Row

WINDOWS_PER_COMMIT = 32
ROOT_OF_BATCHES = "fw_paloalto"


def write_table(
    lake: Path,
    name: str,
    rows: Iterable[Row] | pa.Table,
    spec: FeatureSpec = SPEC,
    mode: Literal["overwrite", "append"] = "overwrite",
) -> None:
    """Writes the rows as the table of that name, replacing what it holds or appending; columns left out are null."""
    table = tables(spec)[name]
    schema = pa.schema([field.with_nullable(True) for field in table.arrow])
    mark_lake(lake)
    content = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(list(rows), schema=schema)
    for part in _commits(content.select(schema.names)):
        write_deltalake(lake / name, part, mode=mode, partition_by=list(table.partitions))
        mode = "append"


def mark_lake(lake: Path, project_name: str = "local", settings: Mapping[str, Any] | None = None) -> None:
    """Gives a lake that tests write by hand a record, by default that of an unnamed one, unless it has one."""
    create_record(str(lake), LakeIdentity(project_name, SPEC.version, {"settings": settings or {}}))


def note_whole(lake: Path, windows: Windows, stages: Sequence[str] = FEATURES) -> None:
    """Notes that the stages have run for the windows, one after the other; tables written by hand lack such notes."""
    journal = Lake(str(lake), SPEC).journal
    for stage in stages:
        with journal.run(stage, windows):
            pass


def published_rows(lake: LakeReader, name: str) -> pa.Table:
    """The rows of a table of baselines that hold, without what tells one publication from another."""
    if name == "fg_b/publications":
        return lake.arrow(name).drop_columns(["publication_id", "previous_publication_id"])
    found = publications(lake, SPEC.version).values()
    parts = [lake.arrow(name, equal=entry.partition) for entry in found]
    return pa.concat_tables(parts).drop_columns("publication_id")


def published_key(name: str) -> tuple[str, ...]:
    """The key of `published_rows`."""
    return tuple(column for column in tables(SPEC)[name].key if column != "publication_id")


def assert_same_table(actual: str | Path, expected: str | Path, name: str, tolerance: float = 0.0) -> None:
    """Checks that the table has the same rows in both lakes; of baselines, that those which hold are the same.

    The logs may have been read from different places, see `sources_in_batches`.
    """
    read = published_rows if name.startswith("fg_b/") else Lake.arrow
    found, wanted = (sources_in_batches(read(Lake(str(place), SPEC), name)) for place in (actual, expected))
    assert_tables_equal(found, wanted, published_key(name), rel=tolerance, abs=tolerance)


def sources_in_batches(rows: pa.Table) -> pa.Table:
    """The rows with the part of `source_file` that is the same wherever the batches are: from their tree's root on."""
    if "source_file" not in rows.column_names:
        return rows
    paths = pc.replace_substring_regex(rows["source_file"], rf"^.*/{ROOT_OF_BATCHES}/", f"{ROOT_OF_BATCHES}/")
    return rows.set_column(rows.column_names.index("source_file"), "source_file", paths)


def _commits(content: pa.Table) -> Iterator[pa.Table]:
    """The rows, a few windows at a time: a commit holds a writer per column for each of its windows."""
    if "window" not in content.column_names:
        yield content
        return
    windows = content["window"].unique().sort()
    for start in range(0, max(len(windows), 1), WINDOWS_PER_COMMIT):
        yield content.filter(pc.is_in(content["window"], windows[start : start + WINDOWS_PER_COMMIT]))
