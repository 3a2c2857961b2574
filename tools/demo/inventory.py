"""The machine inventory of the demo: a table in the local Redshift with the name of each host, and what it is for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.aws.redshift import literal, run_statements
from common.config.redshift import RedshiftParameters
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.windows import Windows
from tools.demo.scenario import find_scenario

ROWS_PER_STATEMENT = 1000
CRITICALITY = {"server": "high", "person": "medium"}
"""How much depends on the machines of the simulated office; little on its devices."""

ROLES = {"person": "workstation"}


@dataclass(frozen=True)
class DemoMachine:
    """A machine: its name, and perhaps its role and criticality."""

    name: str
    role: str | None = None
    criticality: str | None = None


def demo_machines(inputs: Sequence[str], lake: Path, windows: Windows) -> dict[str, DemoMachine]:
    """A machine for each host: from the scenario of the logs, else with a name derived from its address."""
    if scenario := find_scenario(inputs):
        return {
            entry["ip"]: DemoMachine(
                entry["name"], ROLES.get(entry["kind"], entry["kind"]), CRITICALITY.get(entry["kind"], "low")
            )
            for entry in scenario.description["hosts"]
        }
    hosts = Lake.opened(str(lake), load_spec("v1")).arrow("fg_a", ["host_ip"], windows).column("host_ip").unique()
    return {host: DemoMachine(f"host-{host}".replace(".", "-").replace(":", "-")) for host in hosts.to_pylist()}


def seed_inventory(redshift: RedshiftParameters, machines: Mapping[str, DemoMachine]) -> None:
    """Replaces the inventory table in Redshift by these machines, all in use, in one transaction."""
    run_statements(redshift, list(_statements(f"{redshift.schema_name}.{redshift.inventory_query_table}", machines)))


def _statements(table: str, machines: Mapping[str, DemoMachine]) -> Iterator[str]:
    texts = ", ".join(f"{name} VARCHAR(255)" for name in ("machine_name", "role", "criticality"))
    yield f"DROP TABLE IF EXISTS {table}"
    yield f"CREATE TABLE {table} (host_ip VARCHAR(64), {texts}, is_active BOOLEAN)"
    ordered = sorted(machines.items())
    for first in range(0, len(ordered), ROWS_PER_STATEMENT):
        rows = (_row(host, machine) for host, machine in ordered[first : first + ROWS_PER_STATEMENT])
        yield f"INSERT INTO {table} VALUES {', '.join(rows)}"


def _row(host: str, machine: DemoMachine) -> str:
    values = (host, machine.name, machine.role, machine.criticality)
    return f"({', '.join('NULL' if value is None else literal(value) for value in values)}, TRUE)"
