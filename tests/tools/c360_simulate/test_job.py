from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from common.c360.zones import business_date
from tests.commands import call
from tools.c360_simulate.cli import main
from tools.c360_simulate.config import SimulateConfig
from tools.c360_simulate.delivery import BROKEN, Delivery
from tools.c360_simulate.files import content_of
from tools.c360_simulate.job import all_deliveries, run
from tools.c360_simulate.truth import arrived, tables

SMALL: dict[str, Any] = {"days": 6, "customers": 100, "events": 3.0, "seed": 7}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulate") / "out"
    run(SimulateConfig(out=out, **SMALL))
    return out


@pytest.fixture(scope="module")
def deliveries() -> list[Delivery]:
    return all_deliveries(SimulateConfig(out=Path("none"), **SMALL))


def table(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "truth" / f"{name}.ndjson").read_text().splitlines()]


def contents(folder: Path) -> dict[str, tuple[bytes, float]]:
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime if "/raw/" in str(path) else 0)
            for path in folder.rglob("*") if path.is_file()}  # fmt: skip


def lines_of(delivery: Delivery) -> list[str]:
    content = content_of(delivery)
    content = gzip.decompress(content) if delivery.form.is_gzip else content
    return content.decode(delivery.form.encoding).split(delivery.form.newline)


def test_equal_options_give_equal_bytes_and_times(small: Path, tmp_path: Path) -> None:
    run(SimulateConfig(out=tmp_path / "again", **SMALL))
    run(SimulateConfig(out=tmp_path / "other", **SMALL | {"seed": 8}))
    assert contents(tmp_path / "again") == contents(small)
    assert contents(tmp_path / "other") != contents(small)


def test_the_business_date_of_each_file_is_that_of_its_name_else_of_its_delivery(deliveries: list[Delivery]) -> None:
    for delivery in deliveries:
        assert (business_date(delivery.name) or delivery.moment.date()) == delivery.day


def test_files_arrive_in_the_folder_and_at_the_time_of_their_delivery(small: Path) -> None:
    path = small / "day=2026-03-04/raw/customers/customers_20260303.ndjson"  # a day late
    assert datetime.fromtimestamp(path.stat().st_mtime, UTC) == datetime(2026, 3, 4, 9, tzinfo=UTC)
    assert not (small / "day=2026-03-03/raw/customers").exists()


def test_five_days_have_all_faults_of_rows_and_files(deliveries: list[Delivery]) -> None:
    early = [delivery for delivery in deliveries if delivery.day < date(2026, 3, 6)]
    rows = {row.fault for delivery in early for row in delivery.rows} - {""}
    assert rows == {BROKEN, "missing", "impossible date", "no number", "negative"}
    assert {delivery.fault for delivery in early} - {""} == {
        "empty", "no such format", "unknown dataset", "damaged", "required column missing", "too many broken lines",
    }  # fmt: skip
    assert {delivery.form.encoding for delivery in early if delivery.rows} == {"utf-8", "utf-8-sig", "latin-1"}


def test_every_reason_of_an_unresolved_event_occurs_and_few_are_unresolved(small: Path) -> None:
    reasons = Counter(row["reason"] for row in table(small, "fact_activity_unresolved"))
    assert set(reasons) >= {"unknown_customer", "before_registration", "customer_closed", "no_plan", "unknown_plan"}
    assert reasons.total() < 0.05 * (reasons.total() + len(table(small, "fact_activity")))


@pytest.mark.parametrize("seed", range(3))
def test_enough_is_resolved_after_each_day_whatever_the_seed(seed: int) -> None:
    deliveries = all_deliveries(SimulateConfig(out=Path("none"), customers=100, seed=seed))
    for day in sorted({delivery.day for delivery in deliveries}):
        found = tables(arrived([delivery for delivery in deliveries if delivery.day <= day]), day)
        facts, unresolved = len(found["fact_activity"]), len(found["fact_activity_unresolved"])
        assert unresolved < 0.05 * (facts + unresolved), day


def test_keys_of_the_truth_resolve(small: Path) -> None:
    customers = {row["customer_sk"]: row["customer_id"] for row in table(small, "dim_customer")}
    plans = {row["plan_sk"]: row["plan_id"] for row in table(small, "dim_plan")}
    for fact in table(small, "fact_activity"):
        assert customers[fact["customer_sk"]] == fact["customer_id"] and plans[fact["plan_sk"]] == fact["plan_id"]
    assert {row["customer_id"] for row in table(small, "customer_360")} == set(customers.values())


def test_a_repeated_file_has_the_same_bytes_and_a_corrected_one_other_values(deliveries: list[Delivery]) -> None:
    (repeated,) = (delivery for delivery in deliveries if delivery.is_known)
    copies = [content_of(delivery) for delivery in deliveries if delivery.rows == repeated.rows]
    assert len(copies) == 3 and len(set(copies)) == 1
    first, second = [delivery for delivery in deliveries
                     if delivery.dataset == "customers" and delivery.day == date(2026, 3, 2)]  # fmt: skip
    wrong = {row.values["customer_id"]: row.values for row in first.rows}
    assert [row.values for row in second.rows if row.values == wrong[row.values["customer_id"]]] == [
        row.values for row in second.rows if first.rows[list(wrong).index(row.values["customer_id"])].fault
    ]


def test_lines_of_broken_rows_are_no_json_and_all_others_are(deliveries: list[Delivery]) -> None:
    for delivery in deliveries:
        if delivery.rows and delivery.dataset != "plans":
            for line, row in zip(lines_of(delivery), delivery.rows, strict=False):
                try:
                    json.loads(line)
                    assert row.fault != BROKEN
                except ValueError:
                    assert row.fault == BROKEN


def test_a_cut_file_ends_in_its_last_line(deliveries: list[Delivery]) -> None:
    (cut,) = (delivery for delivery in deliveries if delivery.ends_early)
    lines = lines_of(cut)
    assert len(lines) == len(cut.rows) and cut.rows[-1].fault == BROKEN
    assert lines[-1].startswith('{"event_id": "') and not lines[-1].endswith("}")


def test_csv_files_hold_the_plans_whatever_their_form(deliveries: list[Delivery]) -> None:
    files = [delivery for delivery in deliveries if delivery.dataset == "plans" and delivery.rows]
    assert len(files) == 5
    for delivery in files:
        text = "\n".join(lines_of(delivery))
        rows = list(csv.DictReader(io.StringIO(text), delimiter=delivery.form.delimiter))
        assert [row["plan_name"] for row in rows] == [row.values["plan_name"] for row in delivery.rows]
        assert "currency" not in rows[0]


def test_rejected_rows_are_named_by_their_file_in_the_archive_and_line(small: Path) -> None:
    rejected = [entry for entry in table(small, "rejected") if entry["dataset"] == "customers"]
    row, file = (entry for entry in rejected if entry["file"].startswith("2026-03-01/"))
    path = small / "day=2026-03-01/raw/customers/customers_20260301.ndjson"
    assert row["column"] == "registration_date" and row["reason"] == "impossible date"
    assert json.loads(path.read_text().splitlines()[row["line"] - 1])["registration_date"] == "2026-02-30"
    assert file == {"dataset": "customers", "file": "2026-03-01/customers_20260301_test.ndjson.e3b0c44298fc1c14",
                    "line": None, "column": None, "reason": "empty"}  # fmt: skip


def test_the_sample_resolves_every_event_and_repeats_customers_and_plans(tmp_path: Path) -> None:
    run(SimulateConfig(out=tmp_path / "out", days=3, customers=100, events=1.0, shape="sample"))
    files = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("raw/**/*.*")}
    logs = "day=2026-03-03/raw/activity_logs/year=2026/month=03"
    assert files == {
        *(f"{logs}/day={day:02}/logs_202603{day:02}.ndjson" for day in (1, 2, 3)),
        *(f"day=2026-03-0{day}/raw/{name}" for day in (3, 4) for name in ("customers/customers.ndjson",
                                                                          "plans/plans.csv")),
    }  # fmt: skip
    first, second = sorted((tmp_path / "out").rglob("customers.ndjson"))
    assert first.read_bytes() == second.read_bytes()
    assert not table(tmp_path / "out", "fact_activity_unresolved") and not table(tmp_path / "out", "rejected")
    assert len(table(tmp_path / "out", "dim_customer")) == 100
    assert any(row["is_conflict"] for row in table(tmp_path / "out", "plan_history"))


def test_the_command_prints_counts_and_replaces_only_what_it_made(tmp_path: Path) -> None:
    options = ["--days", "2", "--customers", "100", "--out", str(tmp_path / "out")]
    code, output, _ = call(main, *options)
    counts = json.loads(output)
    assert code == 0 and counts["truth"]["dim_plan"] == 21  # a price changed on the second day
    assert counts["late"] == []  # the first late file comes on the third day
    code, _, error = call(main, *options)
    assert code == 1 and "exists and is not empty" in error
    assert call(main, *options, "--overwrite")[0] == 0
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    code, _, error = call(main, "--overwrite", "--out", str(tmp_path / "mine"))
    assert code == 1 and "not a simulated scenario" in error
