"""The benchmark of Customer 360, at a small size, as a part of all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from bench.c360 import Zones
from bench.c360_data import write_day
from tests.checkout import ROOT


@pytest.mark.slow
@pytest.mark.long
def test_the_part_has_all_figures_with_their_targets(tmp_path: Path) -> None:
    sizes = ("--c360-customers", "200", "--c360-events", "4000", "--repeats", "2")
    command = [sys.executable, "-m", "bench.all", "--out", str(tmp_path), "--parts", "c360", *sizes]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    found = json.loads((tmp_path / "bench.json").read_text())
    part = found["c360"]
    assert (part["customers"], part["events"]) == (200, 4000)
    for name in ("clean", "staging", "duckdb", "warehouse"):
        assert part[name]["seconds"] > 0 and part[name]["cpu_seconds"] > 0 and part[name]["peak_gib"] > 0
    first, second = (part["job"]["runs"][turn]["seconds"] / part["duckdb"]["runs"][turn]["seconds"] for turn in (0, 1))
    assert part["to_duckdb"] == pytest.approx((first + second) / 2, abs=0.01)
    whole, steps = part["job"]["runs"][0], [part[name]["runs"][0] for name in ("clean", "staging")]
    assert whole["seconds"] == pytest.approx(sum(step["seconds"] for step in steps), abs=0.01)
    assert whole["peak_bytes"] == max(step["peak_bytes"] for step in steps)
    assert [(target["value"], target["limit"]) for target in found["targets"]] == [
        (part["to_duckdb"], 2),
        (part["cpu_to_duckdb"], 2),
        (part["job"]["peak_gib"], 2),
    ]
    assert "| c360 warehouse |" in (tmp_path / "bench.md").read_text()


@pytest.mark.slow
def test_both_make_the_same_tables_and_a_difference_is_found(tmp_path: Path) -> None:
    zones = Zones(tmp_path)
    write_day(tmp_path / "archive", customers=200, events=4000, files=2)
    zones.job()
    zones.reference()
    zones.check()
    history = tmp_path / "reference/staging/plan_history.parquet"
    table = pq.read_table(history)
    assert len(table) > 200  # plans change
    assert pc.any(table["is_conflict"]).as_py()
    flipped = pc.invert(table["is_conflict"])
    pq.write_table(table.set_column(table.schema.get_field_index("is_conflict"), "is_conflict", flipped), history)
    with pytest.raises(SystemExit, match="staging/plan_history: not in both"):
        zones.check()
    pq.write_table(pa.concat_tables([table, table.slice(0, 1)]), history)  # one row twice
    with pytest.raises(SystemExit, match="staging/plan_history: not in both"):
        zones.check()
