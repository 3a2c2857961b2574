"""The address ranges of current customers, for alerts that name the customer of an address."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.storage.files import Folder
from common.storage.filesystems import normal_uri
from jobs.c360_warehouse.database import opened
from jobs.c360_warehouse.statements import statements

COLUMNS = ("ip_range", "customer_id", "plan_id", "region")


def export(database: Path, out: str) -> int:
    """Writes a row for each range of a customer that is not closed; gives their number.

    Raises:
        InputError: the file is neither .csv nor .parquet.
    """
    if not out.endswith((".csv", ".parquet")):
        raise InputError(f"{out} is neither .csv nor .parquet", "Name a file of one of these formats")
    with opened(database, read_only=True) as warehouse:
        rows = warehouse.execute(statements("export")[0].text)
    folder, _, name = normal_uri(out).rpartition("/")
    Folder(folder).write(name, _csv(rows) if out.endswith(".csv") else _parquet(rows))
    return len(rows)


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in COLUMNS])), sink)
    return bytes(sink.getvalue().to_pybytes())
