"""The machine inventory of the demo: a table in the local Redshift with a name for each host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from common.aws.redshift import literal, run_statements
from common.config.redshift import RedshiftParameters
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.windows import Windows
from tools.demo.scenario import find_scenario

ROWS_PER_STATEMENT = 1000


def host_names(inputs: Sequence[str], lake: Path, windows: Windows) -> dict[str, str]:
    """A machine name for each host: from the scenario of the logs, else derived from its address."""
    if scenario := find_scenario(inputs):
        return {entry["ip"]: entry["name"] for entry in scenario.description["hosts"]}
    hosts = Lake.opened(str(lake), load_spec("v1")).arrow("fg_a", ["host_ip"], windows).column("host_ip").unique()
    return {host: f"host-{host}".replace(".", "-").replace(":", "-") for host in hosts.to_pylist()}


def seed_inventory(redshift: RedshiftParameters, names: Mapping[str, str]) -> None:
    """Replaces the inventory table in Redshift by these machines, all in use, in one transaction."""
    run_statements(redshift, list(_statements(f"{redshift.schema_name}.{redshift.inventory_query_table}", names)))


def _statements(table: str, names: Mapping[str, str]) -> Iterator[str]:
    yield f"CREATE TABLE IF NOT EXISTS {table} (host_ip VARCHAR(64), machine_name VARCHAR(255), is_active BOOLEAN)"
    yield f"DELETE FROM {table}"
    machines = sorted(names.items())
    for first in range(0, len(machines), ROWS_PER_STATEMENT):
        part = machines[first : first + ROWS_PER_STATEMENT]
        rows = ", ".join(f"({literal(host)}, {literal(name)}, TRUE)" for host, name in part)
        yield f"INSERT INTO {table} VALUES {rows}"
