from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from bench.c360_data import write_day


def test_a_day_has_as_many_distinct_rows_as_wanted_whose_references_exist(tmp_path: Path) -> None:
    write_day(tmp_path, customers=50, events=1000, files=3)
    customers, events = (
        [json.loads(line) for path in sorted((tmp_path / name).rglob("*.ndjson")) for line in path.open()]
        for name in ("customers", "activity_logs")
    )
    plans = list(csv.DictReader((tmp_path / "plans/2026-03-01/plans_20260301.csv").open()))
    keys, plan_ids = {row["customer_id"] for row in customers}, {row["plan_id"] for row in plans}
    assert (len(keys), len(plan_ids), len({row["event_id"] for row in events})) == (50, 20, 1000)
    assert {row["customer_id"] for row in events} == keys and {row["plan_id"] for row in customers} <= plan_ids
    assert Counter(row["event_type"] for row in events)["plan_changed"] == 20  # one in 50
    changes = [row["payload"] for row in events if row["event_type"] == "plan_changed"]
    assert {*changes[0]} == {"old_plan_id", "new_plan_id"}
    assert sum(change["old_plan_id"] != change["new_plan_id"] for change in changes) > 10
    assert {row["event_timestamp"][:10] for row in events} == {"2026-03-01"}


def test_equal_options_give_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_day(tmp_path / name, customers=50, events=100, files=1)
    a, b = ([path.read_bytes() for path in sorted((tmp_path / name).rglob("*.*"))] for name in ("a", "b"))
    assert a == b and len(a) == 3
    times = {path.stat().st_mtime for path in tmp_path.rglob("*.*")}
    assert times == {datetime(2026, 3, 2, tzinfo=UTC).timestamp()}
