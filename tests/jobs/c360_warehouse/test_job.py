from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from common.errors import InputError, StorageError, WarehouseError
from jobs.c360_warehouse.config import LoadConfig
from jobs.c360_warehouse.database import opened
from jobs.c360_warehouse.job import run
from tests.jobs.c360_warehouse.expected import key, warehouse
from tests.jobs.c360_warehouse.histories import history
from tests.jobs.c360_warehouse.killed import EXIT_CODE
from tests.jobs.c360_warehouse.loads import ask, contents, in_order, load
from tests.jobs.c360_warehouse.snapshots import Snapshot, customer, day, event, moment, plan

pytestmark = pytest.mark.slow

LOG = "SELECT run_id, status, reason FROM load_log ORDER BY load_number"


def outcome(capsys: pytest.CaptureFixture[str]) -> str:
    """What the last run says of itself."""
    return str(json.loads(capsys.readouterr().out.splitlines()[-1])["details"]["outcome"])


@pytest.mark.slow
def test_a_run_that_is_loaded_is_not_loaded_again_unless_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = Snapshot(day(2), events=[event()])
    load(tmp_path, snapshot, snapshot)
    assert outcome(capsys) == f"run {snapshot.run_id} is loaded already"
    before = contents(tmp_path)
    load(tmp_path, snapshot, reload=True)
    assert outcome(capsys) == "loaded"
    assert contents(tmp_path) == before
    load(tmp_path, snapshot)
    assert outcome(capsys) == f"run {snapshot.run_id} is loaded already"
    assert [row["status"] for row in ask(tmp_path, LOG)] == ["loaded", "loaded"]


@pytest.mark.slow
def test_a_customer_that_changes_vanishes_and_returns(tmp_path: Path) -> None:
    load(
        tmp_path,
        Snapshot(day(1), [customer()], [plan()]),
        Snapshot(day(2), [customer(status="suspended")], [plan(monthly_price=Decimal("12.00"))]),
        Snapshot(day(3), [customer("C2", registration_date=None)], [plan(monthly_price=Decimal("12.00"))]),
        Snapshot(day(4), [customer(status="suspended")], [plan("P2")]),
    )
    customers = "SELECT customer_id, status, valid_from, valid_to, customer_sk FROM dim_customer ORDER BY 1, 3"
    registered = date(2024, 12, 1)
    assert [tuple(row.values()) for row in ask(tmp_path, customers)] == [
        ("C1", "active", registered, day(2), key("C1", registered)),
        ("C1", "suspended", day(2), day(3), key("C1", day(2))),
        ("C1", "suspended", day(4), None, key("C1", day(4))),
        ("C2", "active", day(3), day(4), key("C2", day(3))),
    ]
    plans = "SELECT plan_id, monthly_price, valid_from, valid_to FROM dim_plan ORDER BY 1, 3"
    assert [tuple(row.values()) for row in ask(tmp_path, plans)] == [
        ("P1", Decimal("10.00"), date(1970, 1, 1), day(2)),
        ("P1", Decimal("12.00"), day(2), day(4)),
        ("P2", Decimal("10.00"), day(4), None),
    ]
    row = ask(tmp_path, "SELECT * FROM customer_360 WHERE customer_id = 'C1'")[0]
    assert row["status_history"] == "active@2024-12-01,suspended@2025-01-02"
    assert (row["is_current"], row["tenure_days"]) == (True, 34)  # 31 days of December, 3 of January


def test_the_shape_of_the_public_sample_resolves_all_and_an_unchanged_day_adds_nothing(tmp_path: Path) -> None:
    customers = [customer(f"C{number:06}", plan_id=f"P{number % 20:03}") for number in range(200)]
    plans = [plan(f"P{number:03}") for number in range(20)]
    events = [
        event(
            f"E{number:06}",
            customer_id=f"C{number % 200:06}",
            plan_id=f"P{number % 20:03}",
            event_timestamp=moment(1 + number % 28, number % 24),
        )
        for number in range(2000)
    ]
    load(tmp_path, Snapshot(day(30), customers, plans, events), least_resolved_share=1.0)
    before = contents(tmp_path)
    assert (len(before["fact_activity"]), len(before["fact_activity_unresolved"])) == (2000, 0)
    load(tmp_path, Snapshot(day(31), customers, plans, events))
    after = contents(tmp_path)
    for table in ("dim_customer", "dim_plan", "fact_activity"):
        assert after[table] == before[table]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (
            Snapshot(day(3), [customer()] * 2, plan_history=[]),
            "customers has 1 keys that are null or not unique, like C1",
        ),
        (
            Snapshot(day(3), events=[event(customer_id="X")]),
            "0 of 1 events are resolved to a customer and a plan, less than the share 0.95",
        ),
    ],
    ids=["before the transaction", "in the transaction"],
)
def test_a_failed_check_leaves_the_warehouse_and_says_why(refused: Snapshot, reason: str, tmp_path: Path) -> None:
    load(tmp_path, Snapshot(day(2)))
    before = contents(tmp_path)
    with pytest.raises(WarehouseError, match=reason):
        load(tmp_path, refused, least_resolved_share=0.95)
    assert contents(tmp_path) == before
    assert ask(tmp_path, LOG)[-1] == {"run_id": refused.run_id, "status": "failed", "reason": reason}
    load(tmp_path, replace(refused, customers=[customer()], events=[]))
    assert ask(tmp_path, LOG)[-1]["status"] == "loaded"


@pytest.mark.parametrize(
    "statement",
    [
        "COPY INTO staged_customers",
        "-- A version starts",
        *(
            pytest.param(start, marks=pytest.mark.slow)
            for start in (
                "CREATE TABLE IF NOT EXISTS dim_plan",
                "BEGIN",
                "-- An event is as",
                "COMMIT",
                "DROP TABLE",
            )
        ),
    ],
)
def test_a_killed_run_leaves_the_old_warehouse_and_the_next_one_loads(statement: str, tmp_path: Path) -> None:
    first, second = history(4, days=2)
    load(tmp_path, first)
    before = contents(tmp_path)
    command = [sys.executable, "-m", "tests.jobs.c360_warehouse.killed"]
    arguments = [str(second.write(tmp_path / "staging")), str(tmp_path / "warehouse"), statement]
    assert subprocess.run([*command, *arguments], check=False, capture_output=True).returncode == EXIT_CODE
    after = in_order(warehouse([first, second]))
    assert contents(tmp_path) == (after if statement == "DROP TABLE" else before)
    load(tmp_path, second)
    assert contents(tmp_path) == after


def test_a_second_run_at_once_is_refused_with_the_process_of_the_first(tmp_path: Path) -> None:
    staging = tmp_path / "staging"
    staging.mkdir()
    snapshot = Snapshot(day(2)).write(staging)
    code = (
        "import sys; from pathlib import Path; from jobs.c360_warehouse.database import opened\n"
        f"with opened(Path({str(tmp_path / 'warehouse')!r})): print('open', flush=True); sys.stdin.read()"
    )
    first = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None and first.stdout.readline() == "open\n"
    with pytest.raises(WarehouseError, match=f"is in use by process {first.pid}. Try again"):
        run(LoadConfig(str(snapshot), tmp_path / "warehouse"))
    first.communicate()
    run(LoadConfig(str(snapshot), tmp_path / "warehouse"))


def test_a_table_of_an_earlier_release_is_named_with_the_column_that_it_lacks(tmp_path: Path) -> None:
    load(tmp_path, Snapshot(day(1)))
    with opened(tmp_path / "warehouse") as warehouse:
        warehouse.execute("ALTER TABLE dim_plan DROP COLUMN plan_category")
    with pytest.raises(WarehouseError, match=r"table dim_plan lacks column plan_category: .*into a new --database"):
        load(tmp_path, Snapshot(day(2)))
    assert [row["status"] for row in ask(tmp_path, LOG)] == ["loaded"]


def test_no_snapshot_and_no_warehouse_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"manifest\.json does not exist"):
        run(LoadConfig(str(tmp_path), tmp_path / "warehouse"))
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(InputError, match="is no manifest of a snapshot"):
        run(LoadConfig(str(tmp_path), tmp_path / "warehouse"))
    with pytest.raises(StorageError, match="has no warehouse"), opened(tmp_path / "warehouse", read_only=True):
        pass


def test_paths_with_odd_characters(tmp_path: Path) -> None:
    load(tmp_path / "it's 100 % odd", Snapshot(day(2), events=[event()], files=3), least_resolved_share=1.0)
    assert len(contents(tmp_path / "it's 100 % odd")["fact_activity"]) == 1
