"""A person, by names: which values of the lake concern them, and what is left of a value without them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from common.errors import InputError
from common.logs.vectors import by_distinct
from common.privacy.names import folded, person_of, quoting
from common.privacy.places import ERASED, HOST, NAMES, SEALED, USER
from common.privacy.pseudonyms import parsed

if TYPE_CHECKING:
    from common.privacy.pseudonyms import Pseudonyms


@dataclass(frozen=True)
class Person:
    """Whoever has one of these names, as a user, as the name of a machine, or in a text.

    With pseudonyms, whoever has one of theirs, too. Without, those of a lake that has some are not found.
    """

    names: Sequence[str]
    pseudonyms: Pseudonyms | None

    def __post_init__(self) -> None:
        if not all(name.strip() for name in self.names):
            raise InputError("a name is empty", "Give --person the name as it stands in the logs")

    def concerns(self, kind: str, column: pa.Array) -> pa.Array:
        """Whether each value of a column of that kind is about the person; false for null."""
        found, _ = by_distinct(column, lambda text: self._is_meant(kind, text), pa.bool_())
        return pc.fill_null(found, False)

    def without(self, kind: str, column: pa.Array, nullable: bool) -> pa.Array:
        """The column without the person: null, or `ERASED`, for a name; texts with `ERASED` in place of it."""
        nothing = None if nullable else ERASED
        left, _ = by_distinct(column, lambda text: self._left(kind, text, nothing), pa.string())
        return left

    def _is_meant(self, kind: str, text: str) -> bool:
        if kind == HOST:
            return folded(text) in self._machines or any(text.endswith(one) for one in self._pseudonyms(HOST))
        if kind in NAMES:
            return person_of(text) in self._people or text in self._pseudonyms(USER)
        return self._quoting.search(self._plain(kind, text)) is not None or any(
            one in text for one in self._pseudonyms(USER)
        )

    def _left(self, kind: str, text: str, nothing: str | None) -> str | None:
        if not self._is_meant(kind, text):
            return text
        if kind in NAMES:
            return nothing
        plain = self._plain(kind, text)
        for one in self._pseudonyms(USER):
            plain = plain.replace(one, ERASED)
        left = self._quoting.sub(ERASED, plain)
        return self.pseudonyms.of(SEALED, left) if self.pseudonyms and kind == SEALED and parsed(text) else left

    def _plain(self, kind: str, text: str) -> str:
        """A text to search; of a sealed one, what was sealed."""
        sealed = kind == SEALED and self.pseudonyms is not None and parsed(text)
        return self.pseudonyms.name_of(text) if sealed and self.pseudonyms else text

    @cached_property
    def _people(self) -> set[str]:
        return set(map(person_of, self.names))

    @cached_property
    def _machines(self) -> set[str]:
        return set(map(folded, self.names))

    @cached_property
    def _quoting(self) -> re.Pattern[str]:
        return quoting(self.names)

    def _pseudonyms(self, kind: str) -> frozenset[str]:
        return self._all_pseudonyms[kind]

    @cached_property
    def _all_pseudonyms(self) -> dict[str, frozenset[str]]:
        if self.pseudonyms is None:
            return {USER: frozenset(), HOST: frozenset()}
        return {
            kind: frozenset().union(*(self.pseudonyms.all_of(kind, name) for name in self.names))
            for kind in (USER, HOST)
        }
