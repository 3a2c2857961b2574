"""A lake whose hosts have other addresses on the last day, as after DHCP leases: what a score loses by it.

    python -m bench.detection.leases --lake LAKE --labels labels.csv --to swapped --out OUT

A third of the hosts of each /24 change: `fresh` gives each an address that nobody had, `swapped` the address of the
next one of them. What they do stays the same, and so do all days before. `bench.detection.experiment` scores the copy;
the difference from the lake itself is what it would gain if it knew a host by its name or user.
"""

from __future__ import annotations

import argparse
import shutil
import zlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake

from bench.detection.variants import network_of

CHANGING = 3
"""One of so many hosts changes its address."""
ENDS = ("host_ip", "peer_ip")


def new_addresses(hosts: Iterable[str], to: str) -> dict[str, str]:
    """The new address of each host that changes."""
    networks: dict[str, list[str]] = defaultdict(list)
    for host in sorted(hosts):
        networks[network_of(host)].append(host)
    found: dict[str, str] = {}
    for network, members in networks.items():
        changing = [host for host in members if zlib.crc32(host.encode()) % CHANGING == 0]
        unused = [address for last in range(1, 255) if (address := f"{network}.{last}") not in members]
        others = [*changing[1:], *changing[:1]] if to == "swapped" else unused[-len(changing) or 254 :]
        found |= dict(zip(changing, others, strict=True))
    return found


def renamed(column: pa.ChunkedArray, addresses: dict[str, str]) -> pa.ChunkedArray:
    """The column with the new addresses."""
    place = pc.index_in(column, pa.array(list(addresses)))
    return pc.if_else(pc.is_valid(place), pa.array(list(addresses.values())).take(place), column)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", required=True, type=Path)
    parser.add_argument("--labels", required=True, type=Path)
    parser.add_argument("--to", required=True, choices=("fresh", "swapped"))
    parser.add_argument("--out", required=True, type=Path, help="folder of the lake and labels.csv; replaced")
    given = parser.parse_args()
    labels = pd.read_csv(given.labels, keep_default_na=False)
    pairs = DeltaTable(given.lake / "delta_pair").to_pyarrow_table()
    last = pc.max(pairs["date"]).as_py()
    addresses = new_addresses(labels["host_ip"].unique(), given.to)
    before, after = (pairs.filter(compare(pairs["date"], last)) for compare in (pc.less, pc.equal))
    for name in ENDS:
        after = after.set_column(after.schema.get_field_index(name), name, renamed(after[name], addresses))
    shutil.rmtree(given.out, ignore_errors=True)
    shutil.copytree(given.lake / "pair_days", given.out / "lake" / "pair_days")
    shutil.copy(given.lake / "_lake.json", given.out / "lake")
    write_deltalake(given.out / "lake" / "delta_pair", pa.concat_tables([before, after]), partition_by=["date"])
    of_last = labels["window_start"].str.startswith(last)
    labels.loc[of_last, "host_ip"] = labels.loc[of_last, "host_ip"].replace(addresses)
    labels.to_csv(given.out / "labels.csv", index=False)
    attacked = set(labels.loc[of_last & (labels["attack"] != ""), "host_ip"])
    print(f"{len(addresses)} hosts change, of {len(attacked)} in attacks {len(attacked & set(addresses.values()))}")


if __name__ == "__main__":
    main()
