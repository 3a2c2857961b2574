"""Evidence that is kept in files between the passes over it, and of which only what is asked for is in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from common.arrays import Floats, Integers
from common.detection.pairs.coded_columns import Coded
from common.detection.pairs.evidence import AmongOthers, Evidence
from common.storage.kept_tables import KeptTables

KEYS = ("kind", "group", "host", "window", "common", "novelty")
STANDING = "standing"
"""The novelty among others, where there is one."""
THREAT = "threat"
"""The severity of threats, where rows can have any."""
RARITY, AMONG, AMOUNT = "rarity ", "among others ", "amount "


@dataclass(frozen=True)
class KeptEvidence:
    """The evidence of a part of the hosts, in a table of that name.

    It is called for the evidence of the windows from number `first` up to number `last`, without the latter; the rows
    themselves are not kept.
    """

    tables: KeptTables
    name: str
    first: int
    last: int

    def __call__(self) -> Evidence:
        """The evidence of these windows; values are read when they are asked for, each time."""
        more = [name for name in (STANDING, THREAT) if name in self.tables.columns(self.name)]
        keys = self.tables.kept(self.name, [*KEYS, *more])
        window = keys["window"].to_numpy().astype(np.int64)
        rows = np.flatnonzero((window >= self.first) & (window < self.last))
        return Evidence(
            pa.table({}),
            keys["kind"].to_numpy()[rows].astype(np.int64),
            Coded.of(keys["group"].to_numpy()[rows]),
            _Columns(self, RARITY, rows),
            _Columns(self, AMOUNT, rows),
            np.asarray(keys["common"])[rows],
            Coded.of(keys["host"].to_numpy()[rows]),
            window[rows],
            keys["novelty"].to_numpy()[rows].astype(np.int64),
            AmongOthers(_Columns(self, AMONG, rows), keys[STANDING].to_numpy()[rows].astype(np.int64))
            if STANDING in more
            else None,
            np.zeros(len(rows), dtype=bool),
            keys[THREAT].to_numpy()[rows] if THREAT in more else None,
        )


def keep_evidence(tables: KeptTables, name: str, parts: Sequence[Evidence]) -> None:
    """Keeps evidence of the same hosts, one after the other.

    Raises:
        OSError: it cannot be written.
    """
    columns = [_columns(part) for part in parts]
    tables.keep(name, pa.table({column: pa.chunked_array([some[column] for some in columns]) for column in columns[0]}))


def _columns(evidence: Evidence) -> dict[str, pa.Array]:
    found: dict[str, Any] = {
        "kind": evidence.kind.astype(np.int8),
        "group": evidence.group.values,
        "host": evidence.host.values,
        "window": evidence.window.astype(np.int32),
        "common": evidence.common,
        "novelty": evidence.novelty.astype(np.int8),
        **{RARITY + name: values for name, values in evidence.rarities.items()},
        **{AMOUNT + name: values for name, values in evidence.amounts.items()},
    }
    if among := evidence.among_others:
        found[STANDING] = among.novelty.astype(np.int8)
        found |= {AMONG + name: values for name, values in among.rarities.items()}
    if evidence.threat is not None:
        found[THREAT] = evidence.threat
    return {name: pa.array(values) for name, values in found.items()}


@dataclass(frozen=True, eq=False)
class _Columns(Mapping[str, Floats]):
    """Columns of kept evidence whose names begin alike, read one at a time."""

    evidence: KeptEvidence
    prefix: str
    rows: Integers

    def __getitem__(self, name: str) -> Floats:
        column = self.prefix + name
        return np.asarray(self.evidence.tables.kept(self.evidence.name, [column])[column].to_numpy()[self.rows])

    def __iter__(self) -> Iterator[str]:
        names = self.evidence.tables.columns(self.evidence.name)
        return (name.removeprefix(self.prefix) for name in names if name.startswith(self.prefix))

    def __len__(self) -> int:
        return len(list(iter(self)))
