"""The migration of a lake of an earlier format: safe to interrupt anywhere, and to repeat.

Every step changes one table in one commit and finds out itself whether it is still to be done. The file that says
which format the lake has is written after all of them; until then every stage refuses the lake.

Format 2 adds the publication to the tables of baselines, the reason why a window is incomplete to predictions, and
the table `window_status`. Format 3 adds the identity of the lake to that file; of tables only the comments of columns
change. Format 4 adds the table `sessions`, which the next run makes: what earlier releases read is not known any more.
With format 5, tables of windows are partitioned by date alone, logs have bounds of all texts and times, and marks on
incidents, which were a file, are changes of cases in the table `triage`. With format 6, `session_keys` is
partitioned by date alone too, and `machine_inventory` has owner, role and criticality. With format 7, predictions have
a note of what is to be known of the score. With format 8, pairs have what logs call their traffic, and with format 9
slices of pairs the severity of their threats: null in rows from before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial

import pyarrow as pa
from deltalake import write_deltalake
from deltalake.exceptions import DeltaError

from common.contracts.baselines import MACHINE_INVENTORY
from common.contracts.columns import APP, DOMAIN, INCOMPLETE, NOTE, THREAT_SEVERITY
from common.contracts.types import Column, Table
from common.detection.alerts.triage import TABLE as TRIAGE
from common.errors import CommitError, InputError, first_line
from common.lake.identity import LakeIdentity
from common.lake.lake import Lake
from common.lake.lake_format import UNMARKED_FORMAT
from common.lake.publications import MEMBERS
from common.lake.publications import TABLE as PUBLICATIONS
from common.lake.window_rows import rows_by_window
from common.lake.window_status import READ_BY, StageStatus
from common.lake.window_status import TABLE as STATUS
from common.runtime.run_report import RunReport
from common.storage.files import Folder
from common.storage.filesystems import subtree
from common.windows import parse_moment
from tools.lake.by_date import partition_by_date, partitioned_by_window
from tools.lake.marks import has_marks, marks_to_triage
from tools.lake.statistics import add_statistics, without_statistics

MIGRATED = "00000000T000000.000000Z-migrated"
"""The publication and the revision of what earlier releases wrote; it sorts before all others."""

DEFAULT_PROJECT = "local"
JOINED = "prediction_join"
INVENTORY = MACHINE_INVENTORY.name
SAID = {"delta_pair": (APP, DOMAIN, THREAT_SEVERITY), "pair_days": (APP, DOMAIN)}
BATCH_ROWS = 16_384
BOUNDS_FORMAT = 5
HELD_BY = {"delta": "delta_host", "fg_a": "fg_a", "fg_c": "fg_c", "inference": "predictions"}
"""The table whose rows say that a stage has run; of `pair_counts` nothing does, as windows may have no pairs."""


@dataclass(frozen=True)
class Step:
    """A change of one table that is still to be made."""

    table: str
    change: str
    apply: Callable[[Lake, RunReport], None]


def steps(lake: Lake, found: int) -> Iterator[Step]:
    """The steps that a lake of an earlier format still needs, in their order.

    Raises:
        TableError: a table is unreadable.
    """
    if found == UNMARKED_FORMAT:
        yield from _steps_from_format_1(lake)
    for name in partitioned_by_window(lake):
        yield Step(name, "partitioned by date, no longer by window", partial(partition_by_date, name))
    if found < BOUNDS_FORMAT:
        for name in without_statistics(lake):
            yield Step(name, "the log has bounds of all texts and times", partial(add_statistics, name))
    for name, said in SAID.items():
        if lacking := [column for column in said if _lacks(lake, name, column.name)]:
            names = ", ".join(column.name for column in lacking)
            yield Step(name, f"new columns {names}, null", partial(_add_columns, name, lacking))
    if lacking := [column for column in MACHINE_INVENTORY.columns if _lacks(lake, INVENTORY, column.name)]:
        names = ", ".join(column.name for column in lacking)
        yield Step(INVENTORY, f"new columns {names}, null", partial(_add_columns, INVENTORY, lacking))
    for name in ("predictions", JOINED) if found != UNMARKED_FORMAT else ():
        if _lacks(lake, name, NOTE.name):
            yield Step(name, f"new column {NOTE.name}, null", partial(_add_columns, name, [NOTE]))
    if has_marks(lake):
        yield Step(TRIAGE, "a change for each mark on an incident", lambda lake, _: marks_to_triage(lake))


def _steps_from_format_1(lake: Lake) -> Iterator[Step]:
    for name in (*MEMBERS, PUBLICATIONS):
        if _lacks(lake, name, "publication_id"):
            yield Step(name, f"rows get the publication {MIGRATED}", partial(_add_publication, lake.table(name)))
    for name in ("predictions", JOINED):
        if _lacks(lake, name, INCOMPLETE.name):
            change = f"new columns {INCOMPLETE.name}, {NOTE.name}, null"
            yield Step(name, change, partial(_add_columns, name, [INCOMPLETE, NOTE]))
    if any(lake.exists(name) for name in HELD_BY.values()) and not (lake.exists(STATUS) and lake.count(STATUS)):
        yield Step(STATUS, f"a row for each window and stage so far, of revision {MIGRATED}", _note_windows)


def chosen_identity(lake: Lake, project_name: str | None, parameters: str | None) -> tuple[LakeIdentity, str]:
    """The identity that a lake without one gets, and why: what is given, else what the lake holds, else the defaults.

    Raises:
        InputError: the lake holds models or joined predictions of several projects, and none is given.
        ParameterError: the source is missing or unreadable, or a setting is unknown or invalid.
    """
    held = sorted(_projects(lake))
    if project_name is None and len(held) > 1:
        raise InputError(
            f"the lake {lake.uri} holds models or joined predictions of the projects {', '.join(held)}",
            "A lake is of one project: name it with --project-name. The models of the others stay below models/",
        )
    name = project_name or (held[0] if held else DEFAULT_PROJECT)
    why = "given" if project_name else "its models or joined predictions are in the lake" if held else "the default"
    origin = f"from {parameters}" if parameters else "the defaults; for others, run ndr-lake configure --parameters"
    return LakeIdentity.of(name, lake.spec.version, parameters, {}), f"project {name}: {why}; parameters: {origin}"


def _projects(lake: Lake) -> set[str]:
    """The projects that models or rows of `prediction_join` in the lake belong to."""
    found = {entry.name.split("/")[1] for entry in Folder(lake.uri).list("models") if entry.name.count("/") > 1}
    if lake.exists(JOINED):
        stored = lake.delta(JOINED).to_pyarrow_dataset(filesystem=subtree(lake.location(JOINED)))
        for batch in stored.to_batches(columns=["project_name"]):
            found |= set(batch["project_name"].unique().to_pylist())
    return found


def _lacks(lake: Lake, name: str, column: str) -> bool:
    return lake.exists(name) and column not in lake.stored_schema(name).names


def _add_publication(table: Table, lake: Lake, report: RunReport) -> None:
    """Rewrites the table with the publication; the rows pass through memory in batches."""
    delta = lake.delta(table.name)
    stored = delta.to_pyarrow_dataset(filesystem=subtree(lake.location(table.name)))
    total = lake.count(table.name)
    schema = pa.schema(
        [column.arrow.with_nullable(True).with_metadata({"comment": column.comment}) for column in table.columns]
    )

    def migrated() -> Iterator[pa.RecordBatch]:
        done = 0
        for batch in stored.to_batches(batch_size=BATCH_ROWS):
            added = {"publication_id": pa.repeat(MIGRATED, len(batch))}
            columns = [_column(batch, field, added) for field in schema]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
            done += len(batch)
            report.progress(table.name, done, total, "rows")

    with _reported(lake, table.name):
        write_deltalake(
            delta,
            pa.RecordBatchReader.from_batches(schema, migrated()),
            mode="overwrite",
            schema_mode="overwrite",
            partition_by=list(table.partitions),
        )


def _column(batch: pa.RecordBatch, field: pa.Field, added: Mapping[str, pa.Array]) -> pa.Array:
    if field.name in batch.schema.names:
        return batch[field.name].cast(field.type)
    return added.get(field.name, pa.nulls(len(batch), field.type))


def _add_columns(name: str, columns: Sequence[Column], lake: Lake, report: RunReport) -> None:
    with _reported(lake, name):
        lake.delta(name).alter.add_columns([column.delta for column in columns])


def _note_windows(lake: Lake, report: RunReport) -> None:
    """Notes for each stage the windows of which it left rows, and all of these for `delta` and `pair_counts`."""
    held = {stage: _windows_of(lake, name) for stage, name in HELD_BY.items()}
    held["delta"] = held["pair_counts"] = set().union(*held.values())
    now = datetime.now(UTC)
    rows = [
        StageStatus(
            stage,
            MIGRATED,
            " ".join(MIGRATED for _ in READ_BY[stage]),
            is_finished=True,
            incomplete_reason=None,
            written_ts=now,
            date=f"{parse_moment(window):%Y-%m-%d}",
            window=window,
        )
        for stage, windows in held.items()
        for window in sorted(windows)
    ]
    if not lake.exists(STATUS):
        lake.create(lake.table(STATUS))
    noted = pa.Table.from_pylist([asdict(row) for row in rows], schema=lake.table(STATUS).arrow)
    lake.rewrite(STATUS, {"date": sorted({row.date for row in rows})}, lambda _: noted)


def _windows_of(lake: Lake, name: str) -> set[str]:
    return set(rows_by_window(lake, name))


@contextmanager
def _reported(lake: Lake, name: str) -> Iterator[None]:
    try:
        yield
    except (DeltaError, pa.ArrowException, OSError) as error:
        raise CommitError(
            f"table {name} in {lake.uri} cannot be migrated: {first_line(error)}",
            "Nothing of it was changed; check free space and permissions, then run again",
        ) from error
