"""The publications of baselines: which rows of the tables `fg_b/*` belong together.

A run writes its rows under a publication id of its own and names it in `fg_b/publications` in its last commit, so
readers who look it up there once read all tables as that run wrote them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.contracts import BASELINE_PARTITION_NAMES

if TYPE_CHECKING:
    from common.lake.reader import LakeReader

TABLE = "fg_b/publications"
MEMBERS = ("fg_b/host", "fg_b/segment", "fg_b/ip_metadata", "fg_b/pair/host", "fg_b/pair/segment")
"""The tables of a publication."""


@dataclass(frozen=True)
class Publication:
    """What is published for a horizon and month; `previous_id` is what was published before, None for nothing."""

    feature_spec_version: str
    horizon: str
    month: str
    publication_id: str
    previous_id: str | None = None

    @property
    def pointer(self) -> dict[str, str]:
        """The partition of its row in `fg_b/publications`."""
        values = (self.feature_spec_version, self.horizon, self.month)
        return dict(zip(BASELINE_PARTITION_NAMES, values, strict=True))

    @property
    def partition(self) -> dict[str, str]:
        """The partition of its rows in the other tables."""
        return {**self.pointer, "publication_id": self.publication_id}


def publications(lake: LakeReader, feature_spec_version: str) -> dict[tuple[str, str], Publication]:
    """The current publications by horizon and month, read from one version of the table; empty without the table."""
    if not lake.exists(TABLE):
        return {}
    columns = [*BASELINE_PARTITION_NAMES, "publication_id", "previous_publication_id"]
    rows = lake.arrow(TABLE, columns, equal={"feature_spec_version": feature_spec_version}).select(columns)
    found = (Publication(*row.values()) for row in rows.to_pylist())
    return {(entry.horizon, entry.month): entry for entry in found}
