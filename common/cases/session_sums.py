"""Sums of the kept sessions, which say who used an address."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pyarrow as pa

from common.lake.extent import among
from common.lake.lake import Lake

TABLE = "sessions"


def session_sums(
    lake: Lake,
    kinds: Mapping[str, tuple[str, str]],
    addresses: Collection[str],
    windows: Collection[str],
    peers: Collection[str] = (),
) -> pa.Table:
    """How many sessions the clients at some addresses had in some windows; none where no sessions are kept.

    One row per `kind`, `address`, `client`, `window` and `peer`, with `sessions`: the peer is whom they met, if it is
    one of `peers`, null for all others together. `kinds` says of each kind in which column of a session the address is,
    and in which its client; sessions without one do not count.

    Raises:
        TableError: the table is unreadable.
    """
    texts = ("kind", "address", "client", "window", "peer")
    schema = pa.schema([*((name, pa.string()) for name in texts), ("sessions", pa.int64())])
    if not addresses or not windows or not lake.exists(TABLE):
        return schema.empty_table()
    peer = f"CASE WHEN {among('dst_ip', peers)} THEN dst_ip END" if peers else "NULL"
    parts = (
        f"SELECT '{kind}' AS kind, {address} AS address, {client} AS client, \"window\", {peer} AS peer, "
        f"sum(repeat_count) AS sessions FROM {TABLE} "
        f"WHERE {among(address, addresses)} AND {among('window', windows)} AND {client} IS NOT NULL "
        "GROUP BY 1, 2, 3, 4, 5"
        for kind, (address, client) in kinds.items()
    )
    return lake.query(" UNION ALL ".join(parts), [TABLE]).cast(schema)
