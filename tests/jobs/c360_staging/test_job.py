"""Snapshots on an engine: made by hand, and drawn at random against plain Python."""

from __future__ import annotations

import json
import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from common.c360.datasets import DATASETS, STAGING
from common.errors import InputError, ShrinkError
from jobs.c360_staging import rows
from tests.jobs.c360_staging import oracle
from tests.jobs.c360_staging.zones import (
    DEFAULTS,
    Row,
    change,
    day,
    deliver,
    hashed,
    manifest_of,
    moment,
    rows_of,
    stage,
    table,
)

pytestmark = pytest.mark.usefixtures("session")  # which classic Spark has one of in a process


def plans_of(zones: Path) -> dict[str, str | None]:
    """The plan of each published event."""
    return {row["event_id"]: row["plan_id"] for row in table(zones, "activity_logs")}


def event(event_id: str, when: Any, **others: Any) -> Row:
    return {"event_id": event_id, "event_timestamp": when} | others


@pytest.mark.parity
def test_the_last_row_of_a_key_wins(tmp_path: Path) -> None:
    """By business date, then by the time of the file, then by the hash of the row; never by the order of reading."""
    twins = [{"customer_id": "C3", "first_name": name} for name in ("Ada", "Bea")]
    clean = tmp_path / "clean"
    deliver(clean, "customers", 1, [{"customer_id": "C9"}])
    deliver(
        clean, "customers", 2,
        [{"customer_id": "C1", "first_name": "old"}, {"customer_id": "C2", "first_name": "only"}, *twins],
        [{"customer_id": "C1", "first_name": "corrected"}],
    )  # fmt: skip
    deliver(clean, "activity_logs", 1, [event("e1", moment(1), mb_used=1.0), event("e2", moment(1))], at=100)
    deliver(clean, "activity_logs", 2, [event("e1", moment(1), mb_used=2.0, customer_id="C2")])
    stage(tmp_path, 2)
    wins = max(twins, key=hashed)["first_name"]
    found = {row["customer_id"]: (row["first_name"], row["business_date"]) for row in table(tmp_path, "customers")}
    assert found == {"C1": ("corrected", day(2)), "C2": ("only", day(2)), "C3": (wins, day(2))}
    assert [(row["event_id"], row["mb_used"], row["customer_id"], row["business_date"])
            for row in table(tmp_path, "activity_logs")] == [
        ("e1", 2.0, "C2", day(2)), ("e2", None, "C1", day(1)),
    ]  # fmt: skip
    manifest = manifest_of(tmp_path)
    assert manifest.counts == {
        "conflicts": 0, "duplicate_customers": 2, "duplicate_plans": 0, "duplicate_activity_logs": 1,
    }  # fmt: skip
    assert (manifest.tables["customers"].business_date, manifest.tables["plans"].rows) == (day(2), 0)


@pytest.mark.parity
def test_an_event_has_the_plan_in_force_at_its_moment(tmp_path: Path) -> None:
    """C1 has P1 from the registration on, P2 from noon of day 1, and none from day 3, whose snapshot lacks it."""
    clean = tmp_path / "clean"
    for number in (1, 2, 3):
        known = (
            []
            if number == 3
            else [{"customer_id": "C1", "plan_id": f"P{number}", "registration_date": date(2026, 1, 1)}]
        )
        deliver(clean, "customers", number, [*known, {"customer_id": "C2"}])
    deliver(clean, "activity_logs", 1, [
        change("changed", moment(1, 12), "P1", "P2"), event("before", moment(1, 11.999)), event("after", moment(1, 12)),
        event("long before", moment(-100)), event("missing", moment(3)), event("unknown", moment(1), customer_id="C8"),
    ])  # fmt: skip
    deliver(clean, "activity_logs", 4, [event("of tomorrow", moment(1))])
    stage(tmp_path, 3)
    assert plans_of(tmp_path) == {
        "changed": "P2", "before": "P1", "after": "P2", "long before": "P1", "missing": None, "unknown": None,
    }  # fmt: skip


def random_zone(clean: Path, seed: int) -> dict[str, list[Row]]:
    """A clean zone of six days with repeated, late and corrected rows; returns all rows by dataset."""
    rng = random.Random(seed)
    customers, plans = [f"C{number}" for number in range(12)], ["P1", "P2", "P3"]
    events = [f"e{number}" for number in range(60)]
    delivered: dict[str, list[Row]] = {dataset: [] for dataset in DATASETS}
    for number in (1, 2, 4, 5, 6):
        files: dict[str, list[list[Row]]] = {
            "customers": [[{"customer_id": key, "plan_id": rng.choice(plans),
                            "registration_date": day(rng.randint(-5, 3))}
                           for key in rng.sample(customers, 9)] for _ in range(2)],
            "plans": [[{"plan_id": key, "plan_name": rng.choice("ab")} for key in plans] for _ in range(2)],
            "activity_logs": [[change(key, moment(rng.randint(0, 6), rng.choice([0, 6, 12])), rng.choice(plans),
                                      rng.choice(plans), customer_id=rng.choice([*customers, "C99"]),
                                      event_type=rng.choice(["plan_changed", "login"]))
                               for key in rng.sample(events, 20)] for _ in range(2)],
        }  # fmt: skip
        for dataset, lists in files.items():
            at = rng.choice([30, 30, 200])
            deliver(clean, dataset, number, *lists, at=at)
            for place, found in enumerate(lists):
                given = {"business_date": day(number), "file_time": moment(number, at + place)}
                delivered[dataset] += [DEFAULTS[dataset] | row | given | {"row_hash": hashed(row)} for row in found]
    return delivered


def expected_of(delivered: dict[str, list[Row]], as_of: date) -> tuple[dict[str, list[Row]], dict[str, int]]:
    """The tables and the counts as of a day, in plain Python."""
    given = {name: [row for row in found if row["business_date"] <= as_of] for name, found in delivered.items()}
    days = sorted({row["business_date"] for row in given["customers"]})
    seen = oracle.last_rows(given["customers"], "business_date", "customer_id")
    plans = [row for row in given["plans"] if row["business_date"] == days[-1]]
    events = oracle.last_rows(given["activity_logs"], "event_id")
    changes = [row for row in events if row["event_type"] == "plan_changed"]
    histories, conflicts = {}, 0
    for key in {row["customer_id"] for row in [*seen, *changes]}:
        mine = ([row for row in found if row["customer_id"] == key] for found in (seen, changes))
        histories[key], count = oracle.history(days, *mine)
        conflicts += count
    tables = {
        "customers": [row for row in seen if row["business_date"] == days[-1]],
        "plans": oracle.last_rows(plans, "plan_id"),
        "activity_logs": [
            row | {"plan_id": oracle.plan_at(histories.get(row["customer_id"], []), row["event_timestamp"])}
            for row in events
        ],
        "plan_history": [{"customer_id": key, **row} for key, found in histories.items() for row in found],
    }  # fmt: skip
    full = {name: [{column.name: row.get(column.name) for column in STAGING[name]} for row in found]
            for name, found in tables.items()}  # fmt: skip
    counts = {
        "conflicts": conflicts, "duplicate_customers": len(given["customers"]) - len(seen),
        "duplicate_plans": len(plans) - len(tables["plans"]),
        "duplicate_activity_logs": len(given["activity_logs"]) - len(events),
    }  # fmt: skip
    return full, counts


@pytest.mark.parity
@pytest.mark.parametrize("most", [1 << 22, 40], ids=["at once", "in slices"])
def test_a_snapshot_is_that_of_plain_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(rows, "ROWS_PER_SLICE", most)
    monkeypatch.setattr(rows, "KEYS_PER_SLICE", 2 * most)
    delivered = random_zone(tmp_path / "clean", most)
    stage(tmp_path, 5)
    expected, counts = expected_of(delivered, day(5))
    assert manifest_of(tmp_path).counts == counts
    assert counts["conflicts"] > 5
    for name in STAGING:
        assert table(tmp_path, name) == sorted(expected[name], key=lambda row: [str(value) for value in row.values()])
    assert not list((tmp_path / "staging").rglob("ndr-run-*"))


def test_the_same_again_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deliver(tmp_path / "clean", "customers", 1, [{"customer_id": "C1"}])
    for options, outcome in (({}, "published"), ({}, "unchanged"), ({"force": True}, "published")):
        before = files(tmp_path)
        stage(tmp_path, 1, **options)
        report = json.loads(capsys.readouterr().out)
        assert (report["details"]["outcome"], report["rows_in"], report["rows_out"]) == (outcome, 1, 2)
        assert files(tmp_path) == before or not before
    deliver(tmp_path / "clean", "customers", 2, [{"customer_id": "C2"}])
    stage(tmp_path, 1)
    assert json.loads(capsys.readouterr().out)["details"]["outcome"] == "unchanged"


def files(zones: Path) -> dict[str, bytes]:
    """The content of all files of the staging zone."""
    return {str(path): path.read_bytes() for path in (zones / "staging").rglob("*") if path.is_file()}


def test_a_snapshot_that_shrinks_is_refused_until_it_is_accepted(tmp_path: Path) -> None:
    clean = tmp_path / "clean"
    deliver(clean, "customers", 1, [{"customer_id": "C1"}, {"customer_id": "C2"}])
    stage(tmp_path, 1)
    deliver(clean, "customers", 2, [{"customer_id": "C1"}])
    old = manifest_of(tmp_path)
    with pytest.raises(ShrinkError, match="1 customers as of 2026-03-02 are less than 90% of the 2"):
        stage(tmp_path, 2)
    assert manifest_of(tmp_path) == old
    assert len(rows_of(tmp_path / "staging", old, "customers")) == 2
    stage(tmp_path, 2, accept_shrink=True)
    assert [row["customer_id"] for row in table(tmp_path, "customers")] == ["C1"]
    closed = [row["plan_id"] for row in table(tmp_path, "plan_history") if row["customer_id"] == "C2"]
    assert sorted(closed, key=str) == [None, "P1"]


def test_a_zone_without_files_is_an_error(tmp_path: Path) -> None:
    deliver(tmp_path / "clean", "customers", 2, [{"customer_id": "C1"}])
    with pytest.raises(InputError, match="clean has no files of 2026-03-01 or a day before"):
        stage(tmp_path, 1)
    assert not (tmp_path / "staging/manifest.json").exists()
