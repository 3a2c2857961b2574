"""What machines are called, now and before, as far as the inventory says."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from common.cases.inventory import TABLE
from common.lake.lake import Lake


def named_before(lake: Lake, hosts: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """The machines that had the addresses, of those that had several: `name`, `first` and `last` month, in order.

    Months of snapshots, which each say who has an address then; another machine since is another behaviour.

    Raises:
        TableError: the table is unreadable.
    """
    if not hosts or not lake.exists(TABLE):
        return {}
    rows = lake.arrow(TABLE, ["host_ip", "machine_name", "snapshot_month"], equal={"host_ip": sorted(hosts)})
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows.sort_by([("host_ip", "ascending"), ("snapshot_month", "ascending")]).to_pylist():
        spans = found.setdefault(row["host_ip"], [])
        if not spans or spans[-1]["name"] != row["machine_name"]:
            spans.append({"name": row["machine_name"], "first": row["snapshot_month"]})
        spans[-1]["last"] = row["snapshot_month"]
    return {host: spans for host, spans in found.items() if len(spans) > 1}
