"""Sums of the kept sessions, which say who used an address."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa

from common.lake.extent import among
from common.lake.lake import Lake

TABLE = "sessions"


def session_sums(
    lake: Lake,
    kinds: Mapping[str, tuple[str, str]],
    addresses: Collection[str],
    windows: Collection[str],
    by: Sequence[str] = (),
) -> pa.Table:
    """How many sessions the clients at some addresses had in some windows; none where no sessions are kept.

    One row per `kind`, `address`, `client`, `window` and the columns of `by`, with `sessions`. `kinds` says of each
    kind in which column of a session the address is, and in which its client; sessions without one do not count.

    Raises:
        TableError: the table is unreadable.
    """
    texts = ("kind", "address", "client", "window", *by)
    schema = pa.schema([*((name, pa.string()) for name in texts), ("sessions", pa.int64())])
    if not addresses or not windows or not lake.exists(TABLE):
        return schema.empty_table()
    names = ", ".join(f'"{name}"' for name in ("window", *by))
    parts = (
        f"SELECT '{kind}' AS kind, {address} AS address, {client} AS client, {names}, sum(repeat_count) AS sessions "
        f"FROM {TABLE} WHERE {among(address, addresses)} AND {among('window', windows)} AND {client} IS NOT NULL "
        f"GROUP BY {address}, {client}, {names}"
        for kind, (address, client) in kinds.items()
    )
    return lake.query(" UNION ALL ".join(parts), [TABLE]).cast(schema)
