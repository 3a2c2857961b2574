"""What the hosts of a segment did on each of 30 days: how far they lie apart, and which did most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from common.cases.contact_days import tables_of_days
from common.lake.lake import Lake
from common.windows import Windows
from tools.page.days import COLUMNS_OF_DAYS
from tools.page.series import DAYS

SEGMENTS_DRAWN = 20
SHARES = (0.25, 0.5, 0.75, 1.0)
DRAWN = {"sessions": "sessions_cnt_sum", "peers": "peer_ip_count_distinct"}


def segments(lake: Lake, names: Sequence[str], windows: Windows) -> dict[str, dict[str, Any]]:
    """The `hosts` of each segment in the windows, and what they did in each of 30 UTC dates, as `days`.

    An entry has how many of them began sessions, the quartiles and the maximum of their sessions and distinct peers,
    and the host with the most of each. Dates that are not rolled up yet are taken from `delta_pair`.
    """
    found: dict[str, dict[str, Any]] = {name: {"hosts": [], "days": []} for name in names}
    segment_of = _segments_of_hosts(lake, names, windows)
    for host, name in sorted(segment_of.items()):
        found[name]["hosts"].append(host)
    last = f"{windows.days()[-1]:%Y-%m-%d}"
    for (table, _), day in tables_of_days(lake, DAYS, last) if segment_of else ():
        chosen = {"date": day, "host_ip": list(segment_of), "role": "outbound"}
        rows = lake.arrow(table, COLUMNS_OF_DAYS, equal=chosen, coded=["host_ip", "peer_ip"])
        sums = (
            rows.unify_dictionaries()
            .group_by("host_ip")
            .aggregate([("sessions_cnt", "sum"), ("peer_ip", "count_distinct")])
        )
        of_segments: dict[str, list[dict[str, Any]]] = {}
        for row in sums.to_pylist():
            of_segments.setdefault(segment_of[row["host_ip"]], []).append(row)
        for name, mine in of_segments.items():
            spread = {words: _spread(mine, column) for words, column in DRAWN.items()}
            found[name]["days"].append({"date": day, "hosts": len(mine)} | spread)
    return found


def _segments_of_hosts(lake: Lake, names: Sequence[str], windows: Windows) -> dict[str, str]:
    """The segment of each host of these that has features in the windows."""
    if not names or not lake.exists("fg_a"):
        return {}
    columns = ["host_ip", "segment_id"]
    rows = lake.arrow("fg_a", columns, windows, equal={"segment_id": names}, coded=columns)
    return {
        row["host_ip"]: row["segment_id"]
        for row in rows.unify_dictionaries().group_by(columns).aggregate([]).to_pylist()
    }


def _spread(rows: Sequence[dict[str, Any]], column: str) -> dict[str, Any]:
    """The quartiles and the maximum of a column, and the first of the hosts by name that has the latter."""
    values = [row[column] for row in rows]
    most = min(row["host_ip"] for row in rows if row[column] == max(values))
    return {"quantiles": [float(value) for value in np.quantile(values, SHARES)], "most": most}
