"""Rows of text as typed rows of the clean zone, and the rows that are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags, Integers
from common.c360.datasets import Dataset
from common.c360.rows import Rows
from common.logs.batches import decoded
from common.logs.blocks import Block
from common.ndjson.texts import read_block
from jobs.c360_clean import spellings
from jobs.c360_clean.values import Typed, flags, trimmed, typed

Texts = Mapping[str, pa.StringArray]

LOWER = frozenset({"gender", "registration_channel", "status", "event_type"})
CONTACTS = frozenset({"email", "phone", "country", "ip_ranges"})
PAYLOAD: Mapping[str, tuple[str, ...]] = {
    "old_plan_id": ("old_plan_id",),
    "new_plan_id": ("new_plan_id",),
    "duration_seconds": ("duration_seconds",),
    "mb_used": ("mb_used",),
    "amount": ("amount", "price"),
}
"""Columns that are fields of `payload`, the first of these that there is."""

PAYLOAD_NAMES = tuple(dict.fromkeys(chain.from_iterable(PAYLOAD.values())))

MOST_KINDS = 50
"""Kinds of events whose payloads are read apart."""

MISSING = "required value is missing"
NO_OBJECT = "no JSON object"


class Provenance(NamedTuple):
    """The file of the rows: its name, and when it was delivered."""

    source_file: str
    file_time: Any


class Reject(NamedTuple):
    """A row that is none: its first wrong column and what is there, and the row as it was written."""

    line: int
    column: str | None
    value: str | None
    reason: str
    text: str


@dataclass(frozen=True)
class CleanRows:
    """Typed rows of a part of a file, and what they are not.

    Attributes:
        unknown: names of columns that the dataset has not, with the number of rows that have them.
        not_normalised: texts that became null by column.
    """

    batch: pa.RecordBatch
    rejects: list[Reject]
    unknown: dict[str, int] = field(default_factory=dict)
    not_normalised: dict[str, list[str]] = field(default_factory=dict)


def cleaned(dataset: Dataset, rows: Rows, provenance: Provenance) -> CleanRows:
    """The rows as the clean zone has them."""
    texts, faults = _texts(dataset, rows)
    size = len(rows.lines)
    wrong = np.zeros(size, dtype=bool)
    rejects = [Reject(line, None, None, reason, text) for line, reason, text in rows.broken]
    columns, lost = [], {}
    for column in dataset.columns:
        found = _column(column.name, column.type, texts)
        reasons = [*faults.get(column.name, ()), *found.faults]
        if column.name in dataset.required:
            reasons.insert(0, (MISSING, flags(pc.is_null(texts[column.name]))))
        for reason, where in reasons:
            new = where & ~wrong
            if new.any():
                rejects += _rejects(rows, texts[column.name], column.name, reason, new)
                wrong |= new
        if found.not_normalised is not None:
            lost[column.name] = texts[column.name].filter(pa.array(found.not_normalised)).to_pylist()
        columns.append(found.values)
    columns += [
        pa.repeat(pa.scalar(provenance.source_file), size),
        pa.array(rows.lines, pa.int64()),
        pa.repeat(pa.scalar(provenance.file_time, pa.timestamp("us", "UTC")), size),
        hashes(rows.written),
    ]
    batch = pa.RecordBatch.from_arrays(columns, names=dataset.arrow.names)
    if wrong.any():
        batch = batch.filter(pa.array(~wrong))
    return CleanRows(pa.RecordBatch.from_arrays(batch.columns, schema=dataset.arrow), sorted(rejects),
                     _unknown(dataset, rows), lost)  # fmt: skip


def hashes(lines: list[bytes]) -> pa.StringArray:
    """The SHA-256 of each line, in hex."""
    digits = b"".join([sha256(line).digest() for line in lines]).hex().encode()
    bounds = np.arange(0, len(digits) + 1, 64, dtype=np.int32)
    return pa.StringArray.from_buffers(len(lines), pa.py_buffer(bounds), pa.py_buffer(digits))


def _texts(dataset: Dataset, rows: Rows) -> tuple[dict[str, pa.StringArray], dict[str, list[tuple[str, Flags]]]]:
    """The trimmed text of each column, and rows in which it cannot be read, by column and reason."""
    is_nested = any(column.name == "payload" for column in dataset.columns)
    nested = PAYLOAD if is_nested else {}
    names = [column.name for column in dataset.columns if column.name not in nested]
    texts = dict(zip(names, map(trimmed, rows.columns(names)), strict=True))
    if not is_nested:
        return texts, {}
    fields, no_object = payload_fields(texts["payload"], texts["event_type"])
    return texts | fields, {"payload": [(NO_OBJECT, no_object)]} if no_object.any() else {}


def payload_fields(payloads: pa.StringArray, kinds: pa.StringArray) -> tuple[dict[str, pa.StringArray], Flags]:
    """The trimmed text of each column of `PAYLOAD`, and which of the payloads are no objects.

    Payloads of rows of one kind are alike, so they are read together.
    """
    filled = pc.and_(pc.is_valid(payloads), pc.not_equal(payloads, "{}"))
    no_object = np.zeros(len(payloads), dtype=bool)
    place = np.full(len(payloads), -1, dtype=np.int64)
    parts, before = [], 0
    for rows in _alike(kinds, flags(filled)):
        found = read_block(Block(_joined(payloads.take(pa.array(rows))), 1))
        rejected = rows[[(reject.line or 1) - 1 for reject in found.rejects]]
        no_object[rejected] = True
        right = rows[~no_object[rows]]
        place[right] = np.arange(before, before + len(right))
        before += len(right)
        parts.append([trimmed(texts) for texts in found.columns(PAYLOAD_NAMES)])
    if not parts:
        return dict.fromkeys(PAYLOAD, pa.nulls(len(payloads), pa.string())), no_object
    indices = pa.array(place, mask=place < 0)
    columns = dict(zip(PAYLOAD_NAMES, map(pa.concat_arrays, zip(*parts, strict=True)), strict=True))
    found_texts = {column: pc.coalesce(*(columns[name] for name in group)) for column, group in PAYLOAD.items()}
    return {column: texts.take(indices) for column, texts in found_texts.items()}, no_object


def _alike(kinds: pa.StringArray, filled: Flags) -> list[Integers]:
    """The filled rows by their kind; all together if there are too many kinds."""
    encoded = kinds.dictionary_encode("encode")
    if len(encoded.dictionary) > MOST_KINDS:
        return [np.flatnonzero(filled)]
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    found = (np.flatnonzero(filled & (codes == code)) for code in range(len(encoded.dictionary)))
    return [rows for rows in found if len(rows)]


def _joined(texts: pa.StringArray) -> bytes:
    """The texts, which are not null, as lines."""
    lines = pc.replace_substring(texts, "\n", " ") if pc.any(pc.match_substring(texts, "\n")).as_py() else texts
    whole = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(lines)], pa.int32()), lines), "\n")
    data: bytes = whole[0].as_buffer().to_pybytes()
    return data


def _column(name: str, kind: str, texts: Texts) -> Typed:
    """The values of a column."""
    if name == "currency":
        return Typed(_currencies(texts))
    if name in CONTACTS:
        return _contact(name, texts)
    if name in LOWER:
        return Typed(pc.utf8_lower(texts[name]))
    return typed(texts[name], kind)


def _currencies(texts: Texts) -> pa.StringArray:
    """The currency that is given, else that in the price."""
    given = pc.coalesce(texts["currency"], texts["monthly_price"])
    return pa.array([text and spellings.currency(text) for text in given.to_pylist()], pa.string())


def _contact(name: str, texts: Texts) -> Typed:
    """The values of a column that needs the libraries of phones and countries."""
    from jobs.c360_clean import contacts

    match name:
        case "email":
            return contacts.emails(texts[name])
        case "phone":
            return contacts.phones(texts[name], contacts.countries(texts["country"]).values)
        case "country":
            return contacts.countries(texts[name])
    return contacts.networks(texts[name])


def _rejects(rows: Rows, texts: pa.StringArray, column: str, reason: str, where: Flags) -> list[Reject]:
    return [
        Reject(int(rows.lines[row]), column, texts[row].as_py(), reason, decoded(rows.written[row]))
        for row in np.flatnonzero(where).tolist()
    ]


def _unknown(dataset: Dataset, rows: Rows) -> dict[str, int]:
    known = {column.name for column in dataset.columns}
    names = [name for name in rows.names if name.lower() not in known]
    if not names:
        return {}
    counts = (len(texts) - texts.null_count for texts in rows.columns(names))
    return {name: count for name, count in zip(names, counts, strict=True) if count}
