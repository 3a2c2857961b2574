"""How published predictions stand: what S3 and Redshift say of alerts, before and after somebody marks their case."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from common.config.redshift import RedshiftParameters
from common.detection.alerts.cases import find_cases
from common.detection.alerts.terms import CLOSED, EXPECTED, PAIR, TRUE
from common.detection.alerts.triage import Wanted, change_of, record
from common.lake.lake import Lake
from common.storage.files import Folder
from common.windows import Windows
from jobs.join.to_redshift import publish_to_redshift, publish_triage_to_redshift
from jobs.join.to_s3 import publish_triage_to_s3
from jobs.join.triage import current_triage
from localaws.cli.process import LocalAws
from tests.common.detection.alerts.alerting_lake import PAIR as OUTSIDE
from tests.common.detection.alerts.alerting_lake import WHOLE, within, write_alerts
from tests.common.detection.model_lake import host
from tests.factories import SPEC
from tests.jobs.join.published import TABLE, joined
from tests.redshift import Query

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
BUCKET = "join-triage"
Told = tuple[str, str, bool, str | None]


def mark(lake: Lake, source: str, status: str) -> str:
    """Marks the case that the host began; returns the id of the change."""
    (case,) = [case for case in find_cases(lake, SPEC, None) if case.source == source]
    change = change_of(case, Wanted(status, "seen", None, "ada", PAIR, 90.0), None, NOW)
    record(lake, change, None)
    return change.change_id


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two cases: host 3 in two windows with a target, host 6 in one."""
    return write_alerts(
        tmp_path / "lake", [(0, 3, within(5, 445)), (1, 5, within(3, 445, inbound=True)), (1, 6, OUTSIDE)]
    )


def told(rows: list[dict[str, Any]]) -> list[Told]:
    return [(row["host_ip"], row["status"], row["is_hidden"], row["change_id"]) for row in rows]


def test_each_alert_has_a_row_with_its_case_as_it_stands(lake: Lake) -> None:
    before = current_triage(lake, "acme", WHOLE[1])
    assert told(before.rows.to_pylist()) == [(host(place), "new", False, None) for place in (3, 5, 6)]
    assert before.counts() == {"rows": 3, "cases": 2, "hidden": 0}
    assert before.dates[-1] == "2026-03-10" and len(before.dates) == 8
    change = mark(lake, host(3), EXPECTED)
    row, target, other = current_triage(lake, "acme", WHOLE[1]).rows.to_pylist()
    assert told([row, target, other]) == [
        (host(3), EXPECTED, True, change),
        (host(5), EXPECTED, True, change),
        (host(6), "new", False, None),
    ]
    assert row["case_id"] == target["case_id"] != other["case_id"]
    assert (row["project_name"], row["window"], row["changed_by"], row["changed_ts"]) == (
        "acme",
        WHOLE[0].key,
        "ada",
        NOW,
    )


def test_a_case_that_is_true_is_marked_and_not_hidden_and_a_closed_one_is(lake: Lake) -> None:
    first, second = mark(lake, host(3), TRUE), mark(lake, host(6), CLOSED)
    found = current_triage(lake, "acme", WHOLE[0])
    assert told(found.rows.to_pylist()) == [
        (host(3), TRUE, False, first),
        (host(5), TRUE, False, first),
        (host(6), CLOSED, True, second),
    ]
    assert found.counts() == {"rows": 3, "cases": 2, "hidden": 1}


def test_windows_long_ago_are_told_of_with_all_dates_since(lake: Lake) -> None:
    long_ago = WHOLE[0].start - timedelta(days=20)
    found = current_triage(lake, "acme", Windows(long_ago, long_ago + timedelta(minutes=15)))
    assert found.dates[0] == f"{long_ago:%Y-%m-%d}" and len(found.dates) == 21
    assert len(found.rows) == 3


def in_s3(prefix: str) -> list[dict[str, Any]]:
    """The rows of the day, as a reader of the manifest finds them."""
    folder = Folder(f"{prefix}/_triage/date=2026-03-10")
    entries = json.loads(folder.read("manifest.json"))["entries"]
    contents = [folder.read(entry["url"].rpartition("/")[2]) for entry in entries]
    return [row for content in contents for row in pq.read_table(io.BytesIO(content)).to_pylist()]


@pytest.mark.slow
def test_a_later_mark_reaches_s3_with_the_next_publication(
    lake: Lake, aws_environment: LocalAws, tmp_path: Path
) -> None:
    aws_environment.client("s3").create_bucket(Bucket=BUCKET)
    prefix = f"s3://{BUCKET}/{tmp_path.name}"
    publish_triage_to_s3(prefix, current_triage(lake, "acme", WHOLE[0]))
    assert [row["status"] for row in in_s3(prefix)] == ["new"] * 3
    change = mark(lake, host(3), EXPECTED)
    for _ in range(2):
        publish_triage_to_s3(prefix, current_triage(lake, "acme", WHOLE[5]))
        assert told(in_s3(prefix))[:2] == [(host(3), EXPECTED, True, change), (host(5), EXPECTED, True, change)]
    assert {entry.name.partition("/")[0] for entry in Folder(f"{prefix}/_triage").list()} == {"date=2026-03-10"}
    write_alerts(tmp_path / "lake", [])
    publish_triage_to_s3(prefix, current_triage(lake, "acme", WHOLE[5]))
    assert in_s3(prefix) == []


@pytest.mark.slow
def test_a_later_mark_reaches_redshift_once_with_the_next_publication(
    lake: Lake, aws_environment: LocalAws, redshift: RedshiftParameters, query: Query, tmp_path: Path
) -> None:
    aws_environment.client("s3").create_bucket(Bucket=BUCKET)
    staging = f"s3://{BUCKET}/{redshift.schema_name}"
    table = f"{redshift.schema_name}.prediction_join"
    alerting = joined(0.9999, 0.5, window=WHOLE[0], host_ip=host(3), project_name="acme", feature_spec_version="v1")
    publish_to_redshift(redshift, staging, alerting, TABLE)
    joint = (
        f"SELECT p.host_ip, p.anomaly_score, COALESCE(t.status, 'none'), t.changed_by FROM {table} p LEFT JOIN "
        f'{table}_triage t USING (project_name, feature_spec_version, "window", host_ip) ORDER BY p.anomaly_score DESC'
    )
    publish_triage_to_redshift(redshift, staging, current_triage(lake, "acme", WHOLE[0]))
    assert query(joint)[0] == [host(3), 0.9999, "new", None]
    mark(lake, host(3), EXPECTED)
    for _ in range(2):
        publish_triage_to_redshift(redshift, staging, current_triage(lake, "acme", WHOLE[5]))
        publish_triage_to_redshift(redshift, staging, current_triage(lake, "other", WHOLE[5]))
    assert query(joint)[0] == [host(3), 0.9999, EXPECTED, "ada"]
    counts = f"SELECT project_name, COUNT(*) FROM {table}_triage GROUP BY project_name ORDER BY project_name"
    assert query(counts) == [["acme", 3], ["other", 3]]
    write_alerts(tmp_path / "lake", [])
    publish_triage_to_redshift(redshift, staging, current_triage(lake, "acme", WHOLE[5]))
    assert query(counts) == [["other", 3]]
    assert Folder(staging).list() == []
