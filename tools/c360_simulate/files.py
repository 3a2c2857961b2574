"""The bytes of a delivery, its files on disk, and the rows that must be rejected, with their lines."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

from common.c360.zones import archived_name
from tools.c360_simulate.delivery import BROKEN, Delivery, Row
from tools.c360_simulate.people import Record
from tools.c360_simulate.spelling import cells_of, fields_of, values_order


def content_of(delivery: Delivery) -> bytes:
    """The bytes of the file."""
    if delivery.content is not None:
        return delivery.content
    form, rng = delivery.form, Random(delivery.seed)
    if delivery.dataset == "plans":
        text = _csv(delivery, rng)
    else:
        is_ascii = rng.random() < 0.5
        text = "".join(_line(row, json.dumps(fields_of(row, form, rng), ensure_ascii=is_ascii)) + form.newline
                       for row in delivery.rows)  # fmt: skip
    if delivery.ends_early:
        text = text.removesuffix(form.newline)
    content = text.encode(form.encoding)
    return gzip.compress(content, mtime=0) if form.is_gzip else content


def write(delivery: Delivery, out: Path) -> bytes:
    """Writes the file into the folder of the day on which it arrives, with its time; returns its bytes."""
    path = out / f"day={delivery.moment.date()}" / "raw" / delivery.dataset / delivery.name
    path.parent.mkdir(parents=True, exist_ok=True)
    content = content_of(delivery)
    path.write_bytes(content)
    os.utime(path, (delivery.moment.timestamp(),) * 2)
    return content


def sorted_name(delivery: Delivery, content: bytes) -> str:
    """The name of the file below the dataset's folder of `archive` or `rejected`."""
    digest = hashlib.sha256(content).hexdigest()
    return archived_name("", delivery.day, delivery.name.rpartition("/")[2], digest).removeprefix("/")


def rejections(delivery: Delivery, content: bytes) -> Iterator[Record]:
    """The file, without a line, or its rows, that must be rejected."""
    place = {"dataset": delivery.dataset, "file": sorted_name(delivery, content)}
    if delivery.fault:
        yield place | {"line": None, "column": None, "reason": delivery.fault}
    first = 2 if delivery.dataset == "plans" else 1
    for line, row in enumerate(delivery.rows, start=first):
        if row.fault:
            yield place | {"line": line, "column": row.column, "reason": row.fault}


def _line(row: Row, line: str) -> str:
    return line[: len(line) * 2 // 3] if row.fault == BROKEN else line


def _csv(delivery: Delivery, rng: Random) -> str:
    form = delivery.form
    table = io.StringIO()
    writer = csv.writer(
        table,
        delimiter=form.delimiter,
        lineterminator=form.newline,
        quoting=csv.QUOTE_ALL if form.quotes_all else csv.QUOTE_MINIMAL,
    )
    writer.writerow(values_order(delivery.rows[0].values))
    writer.writerows(cells_of(row, form, rng).values() for row in delivery.rows if row.values)
    return table.getvalue()
