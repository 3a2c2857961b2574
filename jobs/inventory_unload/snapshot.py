"""The snapshot of the inventory: checked, and converted to rows of the lake table."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from common.addresses import NETWORK_SIGN
from common.config.redshift import INVENTORY_COLUMNS, INVENTORY_EXTRAS
from common.contracts.baselines import CRITICALITIES
from common.errors import InputError
from common.storage.files import Folder
from common.storage.text_rows import text_rows

MANIFEST = "manifest"
SHOWN = 5


@dataclass(frozen=True)
class Snapshot:
    """The rows of a snapshot, and what is to be said of it.

    Attributes:
        rows: one for each host.
        rejected: a description of each rejected machine.
        criticalities: words for it that are not known, which became null.
        manifest_sha256: the digest of its manifest, if it has one.
    """

    rows: list[dict[str, Any]]
    rejected: list[str]
    criticalities: list[str]
    manifest_sha256: str = ""


def read_snapshot(folder: Folder, month: str) -> Snapshot:
    """The snapshot in a folder, one row per host as `machine_inventory` declares it.

    Machines without a name or a valid address are rejected.

    Raises:
        InputError: files or rows are missing, there is no machine, or an address belongs to several machines.
        StorageError: a file cannot be read.
    """
    if not folder.exists(MANIFEST):
        raise _empty(folder)
    content = folder.read(MANIFEST)
    machines = [machine for name, count in _entries(folder, content) for machine in _machines(folder, name, count)]
    found = _checked(machines, month)
    if not found.rows:
        raise _empty(folder)
    return replace(found, manifest_sha256=hashlib.sha256(content).hexdigest())


def read_file(uri: str, month: str) -> Snapshot:
    """The snapshot in a CSV or Parquet file, of the machines that are not marked as inactive; else as `read_snapshot`.

    Raises:
        InputError: it lacks a column, there is no machine, or an address belongs to several machines.
        StorageError: it cannot be read.
    """
    found = text_rows(uri, ("host_ip", "machine_name"), optional=("is_active", *INVENTORY_EXTRAS))
    machines = [machine | {"is_active": True} for machine in found if not _says_no(machine["is_active"])]
    checked = _checked(machines, month)
    if not checked.rows:
        raise InputError(f"the inventory {uri} has no machine in use", "Check the file that machine_inventory names")
    return checked


def _says_no(value: str | None) -> bool:
    return (value or "").strip().lower() in {"false", "f", "no", "n", "0"}


def _checked(machines: Iterable[Mapping[str, Any]], month: str) -> Snapshot:
    """The snapshot, without machines that have no name or no valid address."""
    rows: list[dict[str, Any]] = []
    rejected, strange = [], set()
    for machine in machines:
        address = _address(machine["host_ip"])
        if address is None or not machine["machine_name"]:
            rejected.append(f"host_ip {machine['host_ip']!r}, machine_name {machine['machine_name']!r}")
        else:
            extras: dict[str, str | None] = {
                str(name): (machine.get(name) or "").strip() or None for name in INVENTORY_EXTRAS
            }
            word = (extras["criticality"] or "").lower()
            if word not in CRITICALITIES:
                strange.add(extras["criticality"])
            extras["criticality"] = word if word in CRITICALITIES else None
            rows.append({**machine, **extras, "host_ip": address, "snapshot_month": month})
    several = [host for host, count in Counter(row["host_ip"] for row in rows).items() if count > 1]
    if several:
        raise InputError(
            f"the inventory of {month} has several machines in use at {', '.join(sorted(several)[:SHOWN])}"
            f"{' and others' if len(several) > SHOWN else ''}",
            "Correct the inventory, or set redshift.inventory_query_table to a view with one machine per address",
        )
    return Snapshot(rows, rejected, sorted(filter(None, strange)))


def _empty(folder: Folder) -> InputError:
    return InputError(
        f"the inventory has no machine in use: nothing was unloaded to {folder.uri}",
        "Check redshift.inventory_query_table and redshift.inventory_month_column, or load the inventory first",
    )


def _entries(folder: Folder, content: bytes) -> list[tuple[str, int]]:
    """Name and record count of each file in the manifest, after checking that all exist in full size."""
    try:
        manifest = json.loads(content)
        entries = [
            (entry["url"], int(entry["meta"]["content_length"]), int(entry["meta"]["record_count"]))
            for entry in manifest["entries"]
        ]
        total = int(manifest["meta"]["record_count"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder.uri}/{MANIFEST} is not a verbose UNLOAD manifest: {type(error).__name__} {error}", "Run again"
        ) from None
    if sum(count for _, _, count in entries) != total:
        raise InputError(
            f"{folder.uri}/{MANIFEST} has a total of {total:,} records, but its files add up to another number",
            "Run again",
        )
    sizes = {f"{folder.uri}/{entry.name}": entry.size for entry in folder.list()}
    for url, size, _ in entries:
        if sizes.get(url) != size:
            found = f"has {sizes[url]:,} bytes" if url in sizes else "is missing"
            raise InputError(f"{url} {found}, but its manifest says {size:,} bytes", "Run again")
    return [(url.removeprefix(f"{folder.uri}/"), count) for url, _, count in entries]


def _machines(folder: Folder, name: str, count: int) -> list[dict[str, Any]]:
    try:
        table = pq.read_table(pa.BufferReader(folder.read(name)))
    except pa.ArrowException as error:
        raise InputError(f"{folder.uri}/{name} is not a Parquet file: {error}", "Run again") from None
    if table.num_rows != count:
        raise InputError(
            f"{folder.uri}/{name} has {table.num_rows:,} rows, but its manifest says {count:,}", "Run again"
        )
    names = [name for name in (*INVENTORY_COLUMNS, *INVENTORY_EXTRAS) if name in table.column_names]
    machines: list[dict[str, Any]] = table.select(names).to_pylist()
    return machines


def _address(text: str | None) -> str | None:
    """The canonical address, as in slices, perhaps with a network; None if the text is not an address."""
    address, sign, network = (text or "").strip().partition(NETWORK_SIGN)
    try:
        return f"{ipaddress.ip_address(address)}{sign}{network}"
    except ValueError:
        return None
