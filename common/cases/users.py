"""Who used the hosts of alerts, according to the sessions that their windows count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from common.cases.evidence import Key
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
    wanted = {(host, Windows(end - WINDOW, end).key): (host, end) for host, end in keys}
    found = dict.fromkeys(wanted.values(), Users())
    if not wanted or not lake.exists("sessions"):
        return found
    counted: dict[Key, Counter[str]] = defaultdict(Counter)
    for row in _users(lake, wanted).to_pylist():
        if key := wanted.get((row["host"], row["window"])):
            counted[key][row["user"]] += row["sessions"]
    for key, users in counted.items():
        user, _ = min(users.items(), key=lambda entry: (-entry[1], entry[0]))
        found[key] = Users(user, len(users))
    return found


def _users(lake: Lake, wanted: Collection[tuple[str, str]]) -> pa.Table:
    """The sessions of each user of these hosts in these windows, for the host as initiator and as responder."""
    hosts, windows = (sorted(set(values)) for values in zip(*wanted, strict=True))
    parts = []
    for side in SIDES:
        names = [f"{side}_ip", "window", f"{side}_user", "repeat_count"]
        rows = lake.arrow("sessions", names, equal={"window": windows, f"{side}_ip": hosts})
        rows = rows.filter(pc.is_valid(rows[f"{side}_user"]))
        parts.append(rows.rename_columns(["host", "window", "user", "repeat_count"]))
    sums = pa.concat_tables(parts).group_by(["host", "window", "user"]).aggregate([("repeat_count", "sum")])
    return sums.rename_columns(["host", "window", "user", "sessions"])
