"""Names in rows of the lake as pseudonyms, before they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from common.config.project import ProjectParameters
from common.logs.vectors import by_distinct
from common.privacy.places import ERASED, HOST, MASKED, PLACES

if TYPE_CHECKING:
    from common.privacy.pseudonyms import Pseudonyms

Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


@dataclass(frozen=True)
class Mask:
    """Turns names into pseudonyms; without any, it leaves rows as they are.

    A machine whose name begins with one of the prefixes keeps it before its pseudonym: the prefix names a kind of
    machines, which baselines go by.
    """

    pseudonyms: Pseudonyms | None
    prefixes: Sequence[str] = ()

    def rows(self, table: str, rows: Rows) -> Rows:
        """Rows of a table, or some of its columns, with pseudonyms for names; the rule works on distinct values."""
        if self.pseudonyms is None or not len(rows):
            return rows
        for place, field in enumerate(rows.schema):
            kind = PLACES[table].get(field.name)
            if kind in MASKED and rows.column(place).null_count < len(rows):
                rows = rows.set_column(place, field, self._column(rows.column(place), str(kind)).cast(field.type))
        return rows

    def _column(self, column: pa.Array | pa.ChunkedArray, kind: str) -> pa.Array:
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        masked, _ = by_distinct(whole, lambda text: self.text(kind, text), pa.string())
        return masked

    def text(self, kind: str, text: str) -> str:
        """The pseudonym of a name, or what seals a text; by the current key, whatever the text was made with."""
        assert self.pseudonyms is not None
        if text == ERASED:
            return text
        masked = self.pseudonyms.masked(kind, text)
        if kind != HOST or masked == text:
            return masked
        name = text.lower()
        return next((prefix.lower() for prefix in self.prefixes if name.startswith(prefix.lower())), "") + masked


NO_MASK = Mask(None)


def mask_of(project: ProjectParameters) -> Mask:
    """What the project's settings ask for.

    Raises:
        PseudonymKeyError: the keys cannot be read, others can read them, or the one that is used is another one.
    """
    if project.pseudonyms is None:
        return NO_MASK
    from common.privacy.keys import pseudonyms_of  # loads a library that most runs do without

    return Mask(pseudonyms_of(project.pseudonyms), project.non_persistent_prefixes)
