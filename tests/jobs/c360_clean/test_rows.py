"""What becomes of the rows of each dataset, and what is rejected of them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from common.c360.datasets import ACTIVITY_LOGS, CUSTOMERS, DATASETS, PLANS
from tests.jobs.c360_clean.days import CUSTOMER, DAY, DELIVERED, EVENT, HEADER, Zones, events, lines


def test_customers(zones: Zones) -> None:
    more = {"customer_id": " C2 ", "phone": "123", "email": "x", "country": "Atlantis", "date_of_birth": None, "vip": 1}
    content = lines(CUSTOMER, more)
    zones.put("customers", content, "customers.ndjson.0123456789abcdef")
    code, report, _ = zones.clean()
    assert code == 0 and zones.rejects("customers") == []
    provenance = {"source_file": f"{DAY}/customers.ndjson.0123456789abcdef", "file_time": DELIVERED}
    hashes = [hashlib.sha256(line).hexdigest() for line in content.splitlines()]
    assert zones.rows("customers") == [
        {
            "customer_id": "C1", "first_name": "Ada", "last_name": None, "email": "ada@example.com",
            "phone": "+2348031234567", "gender": "f", "date_of_birth": date(1990, 2, 28), "address": "1 Road",
            "state": "Lagos", "country": "NG", "registration_date": date(2024, 5, 6), "registration_channel": "web",
            "plan_id": "P001", "status": "active", "ip_ranges": None, "source_line": 1, "row_hash": hashes[0],
        } | provenance,
        dict.fromkeys(CUSTOMERS.arrow.names) | {"customer_id": "C2", "source_line": 2, "row_hash": hashes[1]}
        | provenance,
    ]  # fmt: skip
    assert zones.table("customers").schema.equals(CUSTOMERS.arrow)
    (partition,) = report["partitions"]
    assert partition["unknown_columns"] == {"vip": 1}
    assert partition["not_normalised"] == {
        "country": {"count": 1, "examples": ["Atlantis"]}, "email": {"count": 1, "examples": ["x"]},
        "phone": {"count": 1, "examples": ["123"]},
    }  # fmt: skip


def test_five_examples_of_what_is_not_normalised(zones: Zones) -> None:
    rows = [{"customer_id": f"C{at}", "email": f"no {at % 7}"} for at in range(20)]
    zones.put("customers", lines(*rows))
    found = zones.clean()[1]["partitions"][0]["not_normalised"]["email"]
    assert found == {"count": 20, "examples": [f"no {at}" for at in range(5)]}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";"])
def test_plans(zones: Zones, separator: str, encoding: str) -> None:
    header = HEADER.replace("plan_name", '"Plan_Name"').replace(",", separator)
    row = separator.join(["P1", '"Crédit; ""new"",\nbetter"', '"€2.212,81"', "20,5" if separator == ";" else "20.5",
                          "300", "100", "Y", "365"])  # fmt: skip
    if encoding == "latin-1":
        row = row.replace("€", "EUR ")
    zones.put("plans", f"{header}\r\n{row}\r\n".encode(encoding))
    assert zones.clean()[0] == 0
    (found,) = zones.rows("plans")
    del found["row_hash"], found["file_time"], found["source_file"]
    assert found == {
        "plan_id": "P1", "plan_name": 'Crédit; "new",\nbetter', "monthly_price": Decimal("2212.81"), "currency": "EUR",
        "data_allowance_gb": 20.5, "voice_minutes": 300, "sms_allowance": 100, "roaming_enabled": True,
        "validity_days": 365, "plan_category": None, "source_line": 2,
    }  # fmt: skip


def test_a_csv_with_one_row_and_one_without_rows(zones: Zones) -> None:
    zones.put("plans", f"{HEADER}\nP1,Basic,5,1,2,3,n,30\n".encode(), "one")
    zones.put("plans", HEADER.encode(), "none")
    code, report, _ = zones.clean()
    assert code == 0 and [row["plan_id"] for row in zones.rows("plans")] == ["P1"]
    assert [file["read"] for file in report["partitions"][0]["files"]] == [0, 1]


def test_events(zones: Zones) -> None:
    payloads: list[Any] = [
        {}, None, {"new_plan_id": "P2", "old_plan_id": "P1"}, {"mb_used": 1883.88}, {"duration_seconds": 1412},
        {"amount": 500}, {"addon": "x", "price": "1,500.5"}, '{"amount": 7}', {"amount": 1, "price": 2},
    ]  # fmt: skip
    rows = [EVENT | {"event_id": f"e{at}", "payload": payload} for at, payload in enumerate(payloads)]
    zones.put("activity_logs", lines(*rows))
    assert zones.clean()[0] == 0
    found = zones.rows("activity_logs")
    fields = ("old_plan_id", "new_plan_id", "mb_used", "duration_seconds", "amount")
    assert [tuple(row[name] for name in fields) for row in found] == [
        (None,) * 5, (None,) * 5, ("P1", "P2", None, None, None), (None, None, 1883.88, None, None),
        (None, None, None, 1412.0, None), (None, None, None, None, Decimal("500.00")),
        (None, None, None, None, Decimal("1500.50")), (None, None, None, None, Decimal("7.00")),
        (None, None, None, None, Decimal("1.00")),
    ]  # fmt: skip
    assert [row["payload"] for row in found[:3]] == ["{}", None, '{"new_plan_id": "P2", "old_plan_id": "P1"}']
    assert found[0]["event_timestamp"] == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert {row["event_type"] for row in found} == {"login"}
    assert zones.table("activity_logs").schema.equals(ACTIVITY_LOGS.arrow)


def test_payloads_of_however_many_kinds_are_those_of_their_rows(zones: Zones) -> None:
    few = [EVENT | {"event_id": f"e{at}", "event_type": f"t{at % 3}", "payload": {"amount": at}} for at in range(60)]
    many = [row | {"event_type": f"t{at}"} for at, row in enumerate(few)]
    none = [EVENT | {"event_id": "n", "event_type": None, "payload": {"amount": 1}}]
    for rows in (few, many):
        zones.put("activity_logs", lines(*rows, *none))
        assert zones.clean()[0] == 0
        assert [row["amount"] for row in zones.rows("activity_logs")] == list(range(60))
        assert [reject["column"] for reject in zones.rejects("activity_logs")] == ["event_type"]


def test_rejects_have_the_first_wrong_column(zones: Zones) -> None:
    bad: list[tuple[dict[str, Any], str, str | None, str]] = [
        ({"event_id": ""}, "event_id", None, "required value is missing"),
        ({"customer_id": None}, "customer_id", None, "required value is missing"),
        ({"event_timestamp": "2025-02-30T00:00:00Z"}, "event_timestamp", "2025-02-30T00:00:00Z", "impossible date"),
        ({"payload": {"mb_used": -1}}, "mb_used", "-1", "negative"),
        ({"payload": {"amount": "much"}}, "amount", "much", "no number"),
        ({"payload": [1]}, "payload", "[1]", "no JSON object"),
        ({"event_timestamp": "x", "payload": {"mb_used": -1}}, "event_timestamp", "x", "no date"),
    ]
    wrong = [EVENT | values for values, *_ in bad]
    content = b"\n{broken\n" + lines(*wrong) + events(93)
    zones.put("activity_logs", content)
    code, report, _ = zones.clean("--max-rejected-ratio", 0.1)
    assert code == 0 and len(zones.rows("activity_logs")) == 93
    assert zones.rejects("activity_logs") == [
        {"file": f"{DAY}/f", "line": 2, "column": None, "value": None, "reason": "no JSON: object keys must be strings "
         "(byte 1)", "text": "{broken"},
        *({"file": f"{DAY}/f", "line": line, "column": column, "value": value, "reason": reason,
           "text": json.dumps(row)}
          for line, (row, (_, column, value, reason)) in enumerate(zip(wrong, bad, strict=True), 3)),
    ]  # fmt: skip
    assert zones.rows("activity_logs")[0]["source_line"] == 10
    assert (report["rows_in"], report["rows_out"], report["rows_rejected"]) == (101, 93, 8)


def test_all_required_columns_are_declared() -> None:
    for dataset in DATASETS.values():
        assert set(dataset.required) <= set(dataset.arrow.names)
    assert PLANS.format == "csv"
