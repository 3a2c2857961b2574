"""Machines as the inventory has them: they order cases of one severity and never change a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from common.contracts.baselines import CRITICALITIES
from common.detection.alerts.cases import RECENT, Case
from common.lake.lake import Lake
from common.windows import Windows, iso

TABLE = "machine_inventory"


@dataclass(frozen=True)
class Machine:
    """A machine of the inventory; None for what it does not say."""

    host_ip: str
    machine_name: str | None
    owner: str | None
    role: str | None
    criticality: str | None

    @property
    def weight(self) -> tuple[int, bool, bool]:
        """The smaller, the sooner somebody should look: by criticality, then those with a role, then with an owner."""
        known = self.criticality in CRITICALITIES
        place = CRITICALITIES.index(self.criticality) if known and self.criticality else len(CRITICALITIES)
        return place, not self.role, not self.owner


FIELDS = tuple(Machine.__dataclass_fields__)
UNKNOWN = Machine("", None, None, None, None)


class Inventory:
    """The last snapshot of the inventory: the machine of each address; without one, of none."""

    def __init__(self, machines: Mapping[str, Machine]) -> None:
        self._machines = machines

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return bool(self._machines)

    @property
    def addresses(self) -> list[str]:
        """The addresses of all machines."""
        return [*self._machines]

    def names(self, hosts: Sequence[str]) -> dict[str, str]:
        """The names of those of the hosts that have one."""
        found = {host: self._machines[host].machine_name for host in hosts if host in self._machines}
        return {host: name for host, name in found.items() if name}

    def machine(self, case: Case) -> Machine:
        """The machine of the case that matters most, of its sources first; an unknown one if none is in it."""
        held = [self._machines[host] for host in (*case.sources, *case.targets) if host in self._machines]
        return min(held, key=lambda machine: machine.weight, default=UNKNOWN)


def read_inventory(lake: Lake) -> Inventory:
    """The last snapshot of the inventory; none without one.

    Raises:
        TableError: the table is unreadable.
    """
    months = [partition["snapshot_month"] for partition in lake.partitions(TABLE)]
    if not months:
        return Inventory({})
    rows = lake.arrow(TABLE, [*FIELDS], equal={"snapshot_month": max(months)}).to_pylist()
    return Inventory({row["host_ip"]: Machine(**row) for row in rows})


def strangers(lake: Lake, inventory: Inventory, windows: Windows) -> list[dict[str, Any]]:
    """The internal addresses that began sessions or answered in the windows and are in no inventory, the busiest first.

    An address that was only tried, as scans do, may not exist.
    With the first and the last window in which each was active, in 30 days up to then, and its sessions in the windows;
    none without an inventory.

    Raises:
        TableError: a table is unreadable.
    """
    if not inventory.exists or not lake.exists("delta_host"):
        return []
    names = ["host_ip", "role", "sessions_cnt", "bytes_dst_sum"]
    rows = lake.arrow("delta_host", names, windows, coded=["host_ip", "role"])
    known = pc.is_in(rows["host_ip"].cast(pa.string()), pa.array(inventory.addresses))
    is_there = pc.or_(pc.equal(rows["role"].cast(pa.string()), "outbound"), pc.greater(rows["bytes_dst_sum"], 0))
    sums = rows.filter(pc.and_not(is_there, known)).group_by("host_ip").aggregate([("sessions_cnt", "sum")]).to_pylist()
    if not sums:
        return []
    sessions = {row["host_ip"]: row["sessions_cnt_sum"] for row in sums}
    month = Windows(windows.end - RECENT, windows.end)
    seen = lake.arrow("delta_host", ["host_ip", "window_start_ts"], month, equal={"host_ip": [*sessions]})
    times = seen.group_by("host_ip").aggregate([("window_start_ts", "min"), ("window_start_ts", "max")])
    found = [
        {
            "host_ip": row["host_ip"],
            "first": iso(row["window_start_ts_min"]),
            "last": iso(row["window_start_ts_max"]),
            "sessions": sessions[row["host_ip"]],
        }
        for row in times.to_pylist()
    ]
    return sorted(found, key=lambda row: (-row["sessions"], row["host_ip"]))
