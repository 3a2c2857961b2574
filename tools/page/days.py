"""What hosts did on each of 30 days, and whom they met since when."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from common.cases.contact_days import tables_of_days
from common.lake.extent import among
from common.lake.lake import Lake
from tools.page.series import DAYS

COLUMNS_OF_DAYS = ["host_ip", "peer_ip", "sessions_cnt"]
SUMMED = {"sent": "bytes_src_sum", "denied": "deny_cnt", "unanswered": "zero_reply_cnt"}
"""What is summed for each date, and its column of `delta_host`."""

PEERS_SHOWN = 50


def days(lake: Lake, hosts: Sequence[str], last: date) -> dict[str, dict[str, Any]]:
    """What each host did on each of 30 UTC dates, as `days`, and `peers` that it met, of whom there are `peers_cnt`.

    Of a date: sessions that the host began, distinct peers and ports, peers that it had not met on the dates before
    (`new`), bytes sent, and sessions that were denied or got no reply. Of the peers those that it met last for the
    first time, with the `first` and the `last` date, sessions, and the domain that logs give them. Dates that are not
    rolled up yet are taken from `delta_pair`.
    """
    whole: dict[str, list[dict[str, Any]]] = {host: [] for host in hosts}
    met: dict[str, dict[str, dict[str, Any]]] = {host: {} for host in hosts}
    dates = [*tables_of_days(lake, DAYS, f"{last:%Y-%m-%d}")] if hosts else []
    sums = _sums(lake, hosts, dates[0][1], dates[-1][1]) if dates else {}
    for (table, _), day in dates:
        chosen = {"date": day, "host_ip": hosts, "role": "outbound"}
        by_host: dict[str, list[dict[str, Any]]] = {}
        for row in lake.arrow(table, [*COLUMNS_OF_DAYS, "peer_port", "domain"], equal=chosen).to_pylist():
            by_host.setdefault(row["host_ip"], []).append(row)
        for host, mine in by_host.items():
            known = met[host]
            entry = {
                "date": day,
                "sessions": sum(row["sessions_cnt"] for row in mine),
                "peers": len({row["peer_ip"] for row in mine}),
                "new": len({row["peer_ip"] for row in mine} - known.keys()),
                "ports": len({row["peer_port"] for row in mine}),
            }
            whole[host].append(entry | sums.get((host, day), dict.fromkeys(SUMMED, 0)))
            for row in mine:
                name = row["peer_ip"]
                peer = known.setdefault(name, {"peer": name, "first": day, "sessions": 0, "domain": None})
                peer["last"] = day
                peer["sessions"] += row["sessions_cnt"]
                peer["domain"] = row["domain"] or peer["domain"]
    return {host: {"days": whole[host], **_newest(met[host].values())} for host in hosts}


def _newest(peers: Collection[dict[str, Any]]) -> dict[str, Any]:
    """Those of the peers that were met last for the first time, and how many there are."""
    ordered = sorted(sorted(peers, key=lambda peer: peer["peer"]), key=lambda peer: peer["first"], reverse=True)
    return {"peers": ordered[:PEERS_SHOWN], "peers_cnt": len(ordered)}


def _sums(lake: Lake, hosts: Sequence[str], first: str, last: str) -> dict[tuple[str, str], dict[str, int]]:
    """The `SUMMED` of what the hosts began on the dates, by host and date."""
    if not lake.exists("delta_host"):
        return {}
    sums = ", ".join(f"sum({column}) AS {name}" for name, column in SUMMED.items())
    rows = lake.query(
        f"SELECT host_ip, date, {sums} FROM delta_host WHERE {among('host_ip', hosts)} AND role = 'outbound' "
        f"AND date BETWEEN '{first}' AND '{last}' GROUP BY host_ip, date",
        ["delta_host"],
    )
    return {(row.pop("host_ip"), row.pop("date")): row for row in rows.to_pylist()}
