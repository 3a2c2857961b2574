"""Who used the hosts of alerts, according to the sessions that their windows count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from common.cases.evidence import Key
from common.cases.session_sums import session_sums
from common.lake.lake import Lake
from common.windows import WINDOW, Windows

SIDES = {"initiator": ("src_ip", "src_user"), "responder": ("dst_ip", "dst_user")}
"""Of each side of a session, which columns have the host and its user."""


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
    counted: dict[Key, Counter[str]] = defaultdict(Counter)
    hosts, windows = ({key[place] for key in wanted} for place in (0, 1))
    for row in session_sums(lake, SIDES, hosts, windows).to_pylist():
        if key := wanted.get((row["address"], row["window"])):
            counted[key][row["client"]] += row["sessions"]
    for key, users in counted.items():
        user, _ = min(users.items(), key=lambda entry: (-entry[1], entry[0]))
        found[key] = Users(user, len(users))
    return found
