"""Columns of text as columns of values: all values at once, and those that are spelled otherwise one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags
from common.contracts.types import ARROW_TYPES, NUMBERS
from jobs.c360_clean import spellings
from jobs.c360_clean.spellings import SpellingError

NEGATIVE = "negative"


@dataclass(frozen=True)
class Typed:
    """Values of a column, null where there is none or it is wrong.

    Attributes:
        faults: reasons, each with the rows whose text is wrong for it.
        not_normalised: rows whose text is null now though it was some.
    """

    values: pa.Array
    faults: tuple[tuple[str, Flags], ...] = ()
    not_normalised: Flags | None = None


def trimmed(texts: pa.StringArray) -> pa.StringArray:
    """The texts without blanks around them; an empty one is null."""
    bare = pc.utf8_trim_whitespace(texts)
    empty = pc.equal(bare, "")
    return pc.if_else(empty, pa.scalar(None, pa.string()), bare) if pc.any(empty).as_py() else bare


def flags(values: pa.Array) -> Flags:
    """Which of the booleans are true; null is not."""
    found: Flags = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return found


def typed(texts: pa.StringArray, kind: str) -> Typed:
    """The values of trimmed texts as a column of this type has them."""
    if kind == "string":
        return Typed(texts)
    found = _typed(texts, kind)
    if kind in NUMBERS:
        negative = flags(pc.less(found.values, pa.scalar(0, found.values.type)))
        if negative.any():
            return Typed(found.values, (*found.faults, (NEGATIVE, negative)))
    return found


def _typed(texts: pa.StringArray, kind: str) -> Typed:
    wanted = ARROW_TYPES[kind]
    for cast in _CASTS[kind]:
        try:
            values = cast(texts)
        except pa.ArrowInvalid:
            continue
        if kind != "double" or pc.all(pc.is_finite(values)).as_py() is not False:
            return Typed(values)
    usual = flags(pc.match_substring_regex(texts, _USUAL[kind]))
    values = _CASTS[kind][0](pc.if_else(pa.array(usual), texts, pa.scalar(None, pa.string())))
    odd: Flags = ~usual & flags(pc.is_valid(texts))
    if not odd.any():
        return Typed(values)
    distinct = texts.filter(pa.array(odd)).dictionary_encode()
    found, reasons = [], []
    for text in distinct.dictionary.to_pylist():
        value, reason = _one(text, _PARSERS[kind])
        found.append(value)
        reasons.append(reason)
    values = pc.replace_with_mask(values, pa.array(odd), pa.array(found, wanted).take(distinct.indices))
    reason_of = pa.array(reasons, pa.string()).take(distinct.indices)
    faults = []
    for reason in dict.fromkeys(filter(None, reasons)):
        rows = np.zeros(len(texts), dtype=bool)
        rows[odd] = flags(pc.equal(reason_of, reason))
        faults.append((reason, rows))
    return Typed(values, tuple(faults))


def _one(text: str, parse: Callable[[str], Any]) -> tuple[Any, str | None]:
    try:
        return parse(text), None
    except SpellingError as error:
        return None, str(error)


def _moments(texts: pa.StringArray) -> pa.Array:
    return pc.cast(texts, ARROW_TYPES["timestamp"])


def _moments_without_offset(texts: pa.StringArray) -> pa.Array:
    return pc.assume_timezone(pc.cast(texts, pa.timestamp("us")), "UTC")


def _cast_to(kind: str) -> Callable[[pa.StringArray], pa.Array]:
    return lambda texts: pc.cast(texts, ARROW_TYPES[kind])


def _none(texts: pa.StringArray) -> pa.Array:
    """Nulls: no text is usual."""
    if texts.null_count < len(texts):
        raise pa.ArrowInvalid("some text")
    return pa.nulls(len(texts), pa.bool_())


_CASTS = {
    "timestamp": (_moments, _moments_without_offset),
    "boolean": (_none,),
    **{kind: (_cast_to(kind),) for kind in ("date", "long", "double", "decimal(12,2)")},
}
_DAY = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])"
_USUAL = {
    "date": rf"{_DAY}$",
    "timestamp": rf"{_DAY}[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{{1,6}})?Z$",
    "long": r"^-?\d{1,18}$",
    "double": r"^-?\d{1,15}(\.\d{1,15})?$",
    "decimal(12,2)": r"^-?\d{1,10}(\.\d{1,2})?$",
    "boolean": "^$",
}
"""What the first cast takes without fail."""

_PARSERS: dict[str, Callable[[str], Any]] = {
    "date": spellings.day,
    "timestamp": spellings.moment,
    "long": spellings.whole,
    "double": spellings.real,
    "decimal(12,2)": spellings.amount,
    "boolean": spellings.yes,
}
