"""Publication in Redshift: rows staged in S3, then copied into a table in one transaction."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from itertools import count

import pyarrow as pa
import pyarrow.compute as pc

from common.aws.redshift import (
    LONG_TEXT_BYTES,
    TEXT_BYTES,
    columns_ddl,
    credentials,
    identifier,
    literal,
    run_statements,
)
from common.config.redshift import RedshiftParameters
from common.contracts.triage import PUBLISHED_TRIAGE
from common.contracts.types import Table
from common.errors import RedshiftError
from common.retries import Retries, retried
from common.storage.files import Folder
from jobs.join.parquet import parquet_bytes, without_zones
from jobs.join.triage import Triage

ADDED = ("incomplete_reason", "score_note")
"""The columns that publication tables of earlier releases lack."""

TRIAGE_SUFFIX = "_triage"
"""Of the table with triage, after the name of the publication table."""

LONG_TEXTS = ("top_features", "pair_evidence", *ADDED)
ROWS_PER_FILE = 100_000
RETRIES = Retries(tries=5, first_pause_seconds=2.0, longest_pause_seconds=10.0)
CONFLICT_SIGNS = ("serializable isolation", "could not serialize", "deadlock detected")


def publish_to_redshift(redshift: RedshiftParameters, staging: str, rows: pa.Table, table: Table) -> int:
    """Replaces the rows' windows in the publication table by the rows, atomically; returns the number of rows.

    The rows are staged in a folder below `staging`, an s3:// URI, and removed afterwards. A transaction that conflicts
    with another is retried after a random pause. A table of an earlier release gets the columns that it lacks.

    Raises:
        RedshiftError: a text is too long, or the transaction failed.
    """

    def replace(manifest_uri: str, run_id: str, token: str) -> None:
        statements = publication_statements(redshift, table, manifest_uri, run_id)
        lacking = [*ADDED]
        while True:
            try:
                run_statements(redshift, statements, token=token)
                return
            except RedshiftError as error:
                name = next((one for one in lacking if one in str(error)), None)
                if name is None:
                    raise
                lacking.remove(name)
                run_statements(redshift, [_addition(redshift, table, name)])
                token = f"{token}-again"

    _staged(staging, rows, replace)
    return int(rows.num_rows)


def publish_triage_to_redshift(redshift: RedshiftParameters, staging: str, triage: Triage) -> None:
    """Replaces how the alerts of the dates stand in the table of triage, atomically, as `publish_to_redshift` does.

    Raises:
        RedshiftError: a text is too long, or the transaction failed.
    """

    def replace(manifest_uri: str, run_id: str, token: str) -> None:
        run_statements(redshift, triage_statements(redshift, triage, manifest_uri, run_id), token=token)

    _staged(staging, triage.rows, replace)


def _staged(staging: str, rows: pa.Table, replace: Callable[[str, str, str], None]) -> None:
    """Stages the rows, and calls what takes them, given their manifest, an id and a token that is new on each try."""
    _check_lengths(rows)
    run_id = uuid.uuid4().hex
    folder = Folder(f"{staging}/run={run_id}")
    names = [*_write(folder, rows)]
    numbers = count(1)
    retried(
        f"publication of {rows.num_rows:,} rows in Redshift",
        lambda: replace(f"{folder.uri}/manifest", run_id, f"{run_id}-{next(numbers)}"),
        RETRIES,
        again=lambda error: isinstance(error, RedshiftError) and _is_conflict(error),
        failure=RedshiftError,
        remedy="The transaction was rolled back; run again when fewer publications run at once",
    )
    for name in names:
        folder.delete(name)


def _is_conflict(error: RedshiftError) -> bool:
    """Whether another transaction was in the way."""
    return any(sign in str(error).lower() for sign in CONFLICT_SIGNS)


def publication_statements(redshift: RedshiftParameters, table: Table, manifest_uri: str, run_id: str) -> list[str]:
    """The statements that replace the manifest's windows in the publication table by its rows."""
    arrived = identifier(f"arrived_{run_id}")
    same = " AND ".join(
        f"{identifier(redshift.publication_table)}.{identifier(name)} = {arrived}.{identifier(name)}"
        for name in ("project_name", "feature_spec_version", "window")
    )
    target = _target(redshift, redshift.publication_table)
    delete = f"DELETE FROM {target} USING {arrived} WHERE {same}"
    return _statements(redshift, target, table, manifest_uri, arrived, delete)


def triage_statements(redshift: RedshiftParameters, triage: Triage, manifest_uri: str, run_id: str) -> list[str]:
    """The statements that replace the dates in the table of triage by the manifest's rows."""
    target = _target(redshift, f"{redshift.publication_table}{TRIAGE_SUFFIX}")
    project, version = literal(triage.project_name), literal(triage.feature_spec_version)
    dates = ", ".join(map(literal, triage.dates))
    delete = (
        f"DELETE FROM {target} WHERE project_name = {project} AND feature_spec_version = {version} "
        f"AND {identifier('date')} IN ({dates})"
    )
    return _statements(redshift, target, PUBLISHED_TRIAGE, manifest_uri, identifier(f"arrived_{run_id}"), delete)


def _statements(
    redshift: RedshiftParameters, target: str, table: Table, manifest_uri: str, arrived: str, delete: str
) -> list[str]:
    declared = columns_ddl(table.columns, LONG_TEXTS)
    names = ", ".join(identifier(name) for name in table.column_names)
    return [
        f"CREATE TABLE IF NOT EXISTS {target} ({declared})",
        f"CREATE TEMP TABLE {arrived} ({declared})",
        f"COPY {arrived} FROM {literal(manifest_uri)} {credentials(redshift)} FORMAT AS PARQUET MANIFEST",
        delete,
        f"INSERT INTO {target} ({names}) SELECT {names} FROM {arrived}",
        f"DROP TABLE {arrived}",
    ]


def _target(redshift: RedshiftParameters, name: str) -> str:
    return f"{identifier(redshift.schema_name)}.{identifier(name)}"


def _addition(redshift: RedshiftParameters, table: Table, name: str) -> str:
    target = _target(redshift, redshift.publication_table)
    column = [column for column in table.columns if column.name == name]
    return f"ALTER TABLE {target} ADD COLUMN {columns_ddl(column, LONG_TEXTS)}"


def _write(folder: Folder, rows: pa.Table) -> Iterator[str]:
    """Writes the rows, then their manifest; yields the file names."""
    entries = []
    for number, start in enumerate(range(0, max(rows.num_rows, 1), ROWS_PER_FILE)):
        content = parquet_bytes(without_zones(rows.slice(start, ROWS_PER_FILE)))
        name = f"part-{number:05d}.parquet"
        folder.write(name, content)
        meta = {"content_length": len(content)}
        entries.append({"url": f"{folder.uri}/{name}", "mandatory": True, "meta": meta})
        yield name
    folder.write("manifest", json.dumps({"entries": entries}).encode())
    yield "manifest"


def _check_lengths(rows: pa.Table) -> None:
    for field in rows.schema:
        if not pa.types.is_string(field.type):
            continue
        allowed = LONG_TEXT_BYTES if field.name in LONG_TEXTS else TEXT_BYTES
        longest = pc.max(pc.binary_length(rows[field.name])).as_py() or 0
        if longest > allowed:
            raise RedshiftError(
                f"column {field.name} has a text of {longest:,} bytes, but its Redshift column holds {allowed:,}",
                "Shorten the text, or publish to the lake or S3",
            )
