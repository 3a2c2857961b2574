"""A lake with findings of every kind: a case that met an indicator, a host that met one without, a stranger."""

from __future__ import annotations

from pathlib import Path

from common.lake.lake import Lake
from tests.commands import call
from tests.common.detection.alerts.alerting_lake import PAIR, WHOLE, write_alerts
from tests.common.detection.model_lake import host
from tests.factories import SPEC, table_row
from tests.lakes import write_table
from tests.tools.page.hostile import SCRIPT
from tools.indicators.cli import main

STRANGER, QUIET, BAD = "10.99.0.1", host(7), "203.0.113.9"


def findings_lake(folder: Path) -> Path:
    """Cases of hosts 3 and 4, of which 4 is the domain controller; the first met what a list names, host 7 too."""
    folder.mkdir(exist_ok=True)
    write_alerts(folder, [(0, 3, PAIR), (1, 4, PAIR | {"peer_ip": "203.0.113.77"})])
    lake = Lake(str(folder), SPEC)
    window = WHOLE[0]
    given = {"snapshot_month": "2026-03", "is_active": True}
    nothing = dict.fromkeys(("criticality", "role", "owner"))
    machines = [nothing | {"host_ip": host(place), "machine_name": f"m-{place}"} for place in range(3, 9)]
    machines[1] |= {"criticality": "critical", "role": "domain controller", "owner": "ops"}
    inventory = lake.table("machine_inventory")
    write_table(folder, inventory.name, [table_row(inventory, window, **given, **machine) for machine in machines])
    hosts = lake.table("delta_host")
    rows = [
        {"host_ip": STRANGER, "sessions_cnt": 4, "role": "inbound", "bytes_dst_sum": 60},
        {"host_ip": "10.99.0.2", "sessions_cnt": 1, "role": "inbound", "bytes_dst_sum": 0},  # nobody is there
        {"host_ip": host(3), "sessions_cnt": 9, "role": "outbound"},
    ]
    write_table(folder, hosts.name, [table_row(hosts, window, **row) for row in rows])
    pairs = lake.table("delta_pair")
    met = {"role": "outbound", "peer_ip": BAD, "peer_port": 443, "protocol": "tcp", "sessions_cnt": 2}
    met |= {"first_ts": window.start, "last_ts": window.start}
    rows = [{"host_ip": QUIET, **met}, {"host_ip": host(5), **met, "peer_ip": "198.51.100.1"}]
    write_table(folder, pairs.name, [table_row(pairs, window, **row) for row in rows])
    listed = folder.parent / "feodo.csv"
    listed.write_text(f"value,first_seen,malware,confidence\n{BAD},2026-02-01,{SCRIPT},90\n")
    code, _, error = call(main, "import", "--lake", str(folder), str(listed))
    assert code == 0, error
    return folder
