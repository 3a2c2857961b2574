"""The images of Customer 360: the function answers Lambda's Runtime API, and a day goes through all four commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.images.containers import run_image
from tests.images.functions import function
from tests.images.small_lake import give_to_images_user, run_command

DAY = "2026-03-01"
TABLES = ("dim_customer", "dim_plan", "fact_activity", "fact_activity_unresolved", "customer_360")


def test_the_function_takes_its_events_from_the_runtime_api() -> None:
    with function("c360-validate", {"ZONES_URI": "s3://zones"}) as api:
        api.events.put({"Records": []})
        _, response = api.answers.get(timeout=60)
        assert response == {"statusCode": 200, "body": '{"failed": 0}', "batchItemFailures": []}
        elsewhere = {"s3": {"bucket": {"name": "other"}, "object": {"key": "raw/plans/plans.csv", "size": 1}}}
        notification = {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", **elsewhere}]}
        api.events.put({"Records": [{"messageId": "m1", "body": json.dumps(notification)}]})
        _, response = api.answers.get(timeout=60)
        assert response["batchItemFailures"] == [{"itemIdentifier": "m1"}]


def run(folder: Path, image: str, *arguments: str) -> dict[str, Any]:
    """The run report of the image's command, on what lies in the folder."""
    give_to_images_user(folder)
    done = run_image(image, *arguments, folder=folder, options=("--tmpfs", "/tmp"))
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_a_day_goes_through_the_images(tmp_path: Path) -> None:
    run_command("c360-simulate", "--out", "telco", "--days", "1", "--customers", "100", cwd=tmp_path)
    truth = {name: len((tmp_path / f"telco/truth/{name}.ndjson").read_text().splitlines()) for name in TABLES}
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    zones = (tmp_path / f"telco/day={DAY}").rename(mounted / "zones")

    run(mounted, "c360-validate", "--zones", "/zones")
    assert [path.name for path in zones.glob("raw/*/*")] == []
    cleaned = run(mounted, "c360-clean", "--archive", "/zones/archive", "--clean", "/zones/clean", "--load-date", DAY)
    assert cleaned["rows_in"] == cleaned["rows_out"] + cleaned["rows_rejected"]
    run(mounted, "c360-staging", "--clean", "/zones/clean", "--staging", "/zones/staging", "--as-of", DAY)
    loaded = run(mounted, "c360-warehouse", "run", "--staging", "/zones/staging", "--database", "/zones/warehouse")
    assert loaded["details"]["rows"] == truth
