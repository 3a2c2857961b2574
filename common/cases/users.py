"""Who used the hosts of alerts, according to the sessions that their windows count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from common.cases.evidence import Key
from common.coded import positions
from common.lake.lake import Lake
from common.windows import WINDOW, Windows

SIDES = ("src", "dst")


@dataclass(frozen=True)
class Users:
    """The user with most sessions, the first by name among equals, and how many users there are."""

    user: str | None = None
    count: int = 0


def users_of(lake: Lake, keys: Iterable[Key]) -> dict[Key, Users]:
    """The users of each host in its window.

    Nobody where the logs name none, the sessions are not kept any more, or the host is in a network: sessions have the
    address alone.
    """
    wanted = set(keys)
    found = dict.fromkeys(wanted, Users())
    if not lake.exists("sessions"):
        return found
    for end in sorted({end for _, end in wanted}):
        hosts = pa.array([host for host, of in wanted if of == end])
        texts = [f"{side}_{name}" for side in SIDES for name in ("ip", "user")]
        rows = lake.arrow("sessions", ["repeat_count", *texts], Windows(end - WINDOW, end), coded=texts)
        for host, users in _counted(rows, hosts).items():
            (user, _), *_ = sorted(users.items(), key=lambda entry: (-entry[1], entry[0]))
            found[host, end] = Users(user, len(users))
    return found


def _counted(sessions: pa.Table, hosts: pa.Array) -> dict[str, dict[str, int]]:
    """The sessions of each user of each host, as initiator and as responder."""
    found: dict[str, dict[str, int]] = {}
    for side in SIDES:
        host, user = f"{side}_ip", f"{side}_user"
        rows = sessions.select([host, user, "repeat_count"]).filter(pa.array(positions(sessions[host], hosts) >= 0))
        named = rows.set_column(0, host, rows[host].cast(pa.string())).set_column(1, user, rows[user].cast(pa.string()))
        for row in named.group_by([host, user]).aggregate([("repeat_count", "sum")]).to_pylist():
            if row[user] is not None:
                users = found.setdefault(row[host], {})
                users[row[user]] = users.get(row[user], 0) + row["repeat_count_sum"]
    return found
