"""What a format with JSON documents says of a session: where its values are, and how others follow from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags
from common.logs import values
from common.logs.batches import encodable
from common.logs.epochs import instants, iso
from common.logs.json_columns import Paths
from common.logs.json_lines import Document, pick, text_at, whole
from common.logs.records import COUNTERS, SMALL_NUMBERS, TEXT_RULES
from common.logs.vectors import by_distinct, only_digits

Rule = Callable[..., str | None]

TIMES = ("start_ts", "end_ts", "log_time")
WHOLE_NUMBERS = (*COUNTERS, *SMALL_NUMBERS, "src_port", "dst_port", "repeat_count", "session_id")
_OPTIONAL = frozenset({*TEXT_RULES, *COUNTERS, *SMALL_NUMBERS, "repeat_count", "duration_s", "end_ts", "precise_time"})
_UTC = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class Fields:
    """The values of one kind of documents.

    Attributes:
        paths: the paths of each value, in order of preference: canonical columns, and values that rules need.
        rules: canonical columns that follow from values: the rule, and the names of its arguments.
        constants: canonical columns that are always the same.
        defaults: what an empty value stands for.
        composite: values that may be lists or objects, which rules get as JSON; they have one path each.
        per_second: the units of durations in a second: 1, or 10^9 for nanoseconds.
    """

    paths: Paths
    rules: Mapping[str, tuple[Rule, Sequence[str]]]
    constants: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    composite: frozenset[str] = frozenset()
    per_second: int = 1

    def texts(self, document: Document, find: Callable[..., str | None] = text_at) -> dict[str, str | None]:
        """The values of a document as `records.session_of` takes them."""
        raw = {
            name: _json_at(document, paths[0]) if name in self.composite else find(document, *paths)
            for name, paths in self.paths.items()
        }
        return self.completed(raw)

    def completed(self, raw: dict[str, str | None]) -> dict[str, str | None]:
        """The values of a record, of which `raw` has those at the paths, as `records.session_of` takes them."""
        raw |= {name: raw.get(name) or value for name, value in self.defaults.items()}
        raw |= {name: whole(raw[name]) for name in WHOLE_NUMBERS if name in raw}
        raw |= {name: iso(name, raw[name]) for name in TIMES if name in raw}
        raw["duration_s"] = _seconds(raw.get("duration_s"), self.per_second)
        raw |= self.constants
        return raw | {name: rule(*map(raw.get, given)) for name, (rule, given) in self.rules.items()}

    def columns(self, found: pa.RecordBatch, rows: Flags | None = None) -> tuple[pa.RecordBatch, Flags]:
        """The values of documents, all or those of the mask, as `sessions_of` takes them; the mask of doubtful rows."""
        if rows is not None and not rows.all():
            found = found.filter(pa.array(rows))
        raw = {name: found.column(name) for name in self.paths}
        raw |= {name: raw[name].fill_null(value) for name, value in self.defaults.items()}
        raw |= {name: _whole_numbers(raw[name]) for name in WHOLE_NUMBERS if name in raw}
        raw |= {name: pa.repeat(pa.scalar(value), found.num_rows) for name, value in self.constants.items()}
        certain = np.ones(found.num_rows, dtype=bool)
        for name, (rule, given) in self.rules.items():
            raw[name], right = by_combination(rule, [raw[argument] for argument in given])
            certain &= right
        raw |= {name: instants(raw[name]) for name in TIMES if name in raw}
        if "duration_s" in raw:
            raw["duration_s"] = _durations(raw["duration_s"], self.per_second)
        _complete_times(raw)
        used = {name: column for name, column in raw.items() if _is_used(name, column)}
        return pa.RecordBatch.from_arrays(list(used.values()), names=list(used)), ~certain


def rows_by_kind(kinds: pa.StringArray) -> Iterator[tuple[str, Flags]]:
    """The mask of the rows of each kind."""
    for kind in pc.unique(kinds).drop_null().to_pylist():
        yield kind, np.asarray(pc.equal(kinds, kind).fill_null(False))


def by_combination(rule: Rule, columns: Sequence[pa.StringArray]) -> tuple[pa.Array, Flags]:
    """The result of a rule for texts of several columns, computed once per combination; mask of certain rows."""
    encoded = [column.dictionary_encode() for column in columns]
    texts = [[*column.dictionary.to_pylist(), None] for column in encoded]
    numbers = np.zeros(len(columns[0]), dtype=np.int64)
    for column, known in zip(encoded, texts, strict=True):
        numbers = numbers * len(known) + np.asarray(column.indices.fill_null(len(known) - 1))
    return by_distinct(pa.array(numbers).dictionary_encode(), partial(_apply, rule, texts), pa.string())


def _apply(rule: Rule, texts: Sequence[Sequence[str | None]], number: str) -> str | None:
    """The result for the combination with this number."""
    given, rest = [], int(number)
    for known in reversed(texts):
        rest, at = divmod(rest, len(known))
        given.append(known[at])
    return rule(*reversed(given))


def _json_at(document: Document, path: str) -> str | None:
    value = pick(document, path)
    if value is None or isinstance(value, str):
        return encodable(value) if value else None
    return json.dumps(value)


def _whole_numbers(column: pa.StringArray) -> pa.StringArray:
    if only_digits(column) or not pc.any(pc.ends_with(column, ".0")).as_py():
        return column
    return pc.replace_substring_regex(column, r"^([0-9]+)\.0$", r"\1")


def _is_used(name: str, column: pa.Array) -> bool:
    known = name in _OPTIONAL or name in ("src_ip", "dst_ip", "protocol", "src_port", "dst_port", *TIMES)
    return known and not (name in _OPTIONAL and column.null_count == len(column))


def _seconds(duration: str | None, per_second: int) -> str | None:
    """The duration in seconds; ones in other units are whole numbers."""
    if per_second == 1:
        return duration
    number = values.integer("duration", whole(duration))
    return None if number is None else format(Decimal(number) / per_second, "f")


def _durations(column: pa.StringArray, per_second: int) -> pa.DoubleArray:
    """Seconds; null where the text is not plain."""
    fraction = r"(?:\.[0-9]{1,20})?" if per_second == 1 else ""
    column = _whole_numbers(column)
    plain = pc.match_substring_regex(column, f"^[0-9]{{1,15}}{fraction}$")
    numbers = pc.if_else(plain, column, pa.scalar(None, pa.string())).cast(pa.float64())
    return pc.divide(numbers, float(per_second))


def _complete_times(raw: dict[str, pa.Array]) -> None:
    """Fills in the start or the end of sessions where it follows from the other and the duration."""
    start, end, duration = raw["start_ts"], raw.get("end_ts"), raw.get("duration_s")
    if duration is None or end is None or start.type != _UTC or end.type != _UTC:
        return
    micros = pc.round(pc.multiply(duration, float(values.MICROSECOND)), round_mode="half_to_even")
    micros = micros.cast(pa.int64(), safe=False)
    if start.null_count:
        raw["start_ts"] = pc.coalesce(start, pc.subtract(end.view(pa.int64()), micros).view(_UTC))
    if end.null_count:
        raw["end_ts"] = pc.coalesce(end, pc.add(start.view(pa.int64()), micros).view(_UTC))
