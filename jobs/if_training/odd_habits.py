"""The odd habits that a model leaves out, by the names of the lake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from common.address_codes import address_codes
from common.detection.pairs.contacts import networks, of_texts
from common.detection.pairs.group_codes import group_codes
from common.detection.pairs.habits import Habits
from common.detection.pairs.reading import CONTACT_COLUMNS, PairReader
from common.detection.parameters import PairParameters
from common.lake.reader import LakeReader
from common.windows import Windows


def described(lake: LakeReader, windows: Windows, habits: Habits, parameters: PairParameters) -> list[dict[str, Any]]:
    """Each habit with its host, network and port, on how many days it occurs, and how odd it is; the oddest first.

    Only the dates that it takes to find all of them in the windows are read, the last one first.

    Raises:
        TableError: a table is missing or unreadable.
    """
    wanted = {(group, host): number for number, (group, host) in enumerate(zip(habits.group, habits.host, strict=True))}
    found: dict[int, dict[str, Any]] = {}
    for day in reversed(windows.by_day()):
        if len(found) == len(wanted):
            break
        for key, names in _named(lake, day, habits, parameters):
            if key in wanted:
                found.setdefault(wanted[key], names)
    order = sorted(found, key=lambda number: (-habits.decades[number], found[number]["host_ip"]))
    return [
        found[number] | {"days": int(habits.days[number]), "decades": round(float(habits.decades[number]), 2)}
        for number in order
    ]


def _named(
    lake: LakeReader, day: Windows, habits: Habits, parameters: PairParameters
) -> Iterator[tuple[tuple[int, int], dict[str, Any]]]:
    """The group and the host of pairs of these hosts in the windows, with their names."""
    for part in PairReader(lake, parameters).slices(day, CONTACT_COLUMNS):
        host = of_texts(part.table["host_ip"], address_codes)
        group = group_codes(part.contacts.networks[part.contacts.peer], part.contacts.service.astype(np.int64))
        rows = np.flatnonzero(np.isin(host, habits.host) & np.isin(group, habits.group))
        table = part.table.take(pa.array(rows))
        peers = table["peer_ip"].cast(pa.string()).combine_chunks()
        names = networks(peers, parameters.ipv6_network_bits).to_pylist()
        each = zip(
            group[rows].tolist(), host[rows].tolist(), table["host_ip"].to_pylist(), names,
            table["peer_port"].to_pylist(), strict=True,
        )  # fmt: skip
        for code, of_host, host_ip, network, port in each:
            place = network if ":" in network else f"{network}.0/24"
            yield (code, of_host), {"host_ip": host_ip, "network": place, "port": port}
