"""The extractor against S3 and the batch index of the local AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jobs.extractor.cli import main
from localaws.cli.process import LocalAws
from tests.localaws.running import create_table

pytestmark = pytest.mark.slow

RANGE = "2026-03-10T13:08Z/2026-03-10T14:08Z"
KEYS = ["20260310T1308Z", "20260310T1323Z", "20260310T1338Z", "20260310T1353Z"]
BUCKET = "extractor-inbox"
PREFIX = f"s3://{BUCKET}/acme/hq"
TABLE = "extractor-index"


@pytest.fixture
def aws(aws_environment: LocalAws) -> LocalAws:
    """The local AWS with an empty bucket and an empty index."""
    s3, dynamodb = aws_environment.client("s3"), aws_environment.client("dynamodb")
    s3.create_bucket(Bucket=BUCKET)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        if found := page.get("Contents"):
            s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": entry["Key"]} for entry in found]})
    if TABLE in dynamodb.list_tables()["TableNames"]:
        dynamodb.delete_table(TableName=TABLE)
    create_table(aws_environment, TABLE, "project_name", "batch_key")
    return aws_environment


def upload(aws: LocalAws, name: str, event: str | None, day: str = "2026/03/10", organisation: str = "acme/hq") -> str:
    s3 = aws.client("s3")
    key = f"{organisation}/{day}/{name}"
    s3.put_object(Bucket=BUCKET, Key=f"{key}/part-0.csv", Body=b"1\n")
    if event:
        s3.put_object(Bucket=BUCKET, Key=f"{key}/_BATCH.json", Body=json.dumps({"event_ts_iso": event}).encode())
    return f"s3://{BUCKET}/{key}"


def note(aws: LocalAws, end: str, name: str, event: str, path: str | None = None, project: str = "acme") -> str:
    """An entry of the index, as the 15-minute state machine puts it there."""
    path = path or f"s3://{BUCKET}/acme/hq/2026/03/10/{name}"
    values = {
        "project_name": project,
        "batch_key": f"{end}#{name}",
        "batch_s3_path": path,
        "mini_batch_id": name,
        "batch_end_ts_iso": end,
        "event_ts_iso": event,
    }
    item = {key: {"S": value} for key, value in values.items()}
    aws.client("dynamodb").put_item(TableName=TABLE, Item=item)
    return path


def extract(
    tmp_path: Path, *more: str, manifest: str = f"s3://{BUCKET}/out/r1", settings: dict[str, Any] | None = None
) -> dict[str, Any]:
    parameters = tmp_path / "project.yaml"
    parameters.write_text(json.dumps({"batch_index_table": TABLE, **(settings or {})}))
    arguments = ["--request-id", "r1", "--input-prefix", PREFIX, "--manifest", manifest, "--lake", "s3://lake/ndr"]
    arguments += ["--window", RANGE, "--project-name", "acme", "--parameters", str(parameters)]
    done = CliRunner().invoke(main, [*arguments, *more])
    assert done.exit_code == 0, done.stderr
    details: dict[str, Any] = json.loads(done.stdout)["details"]
    return details


def found(aws: LocalAws) -> dict[str, str]:
    """The batches of each window of the manifest."""
    s3 = aws.client("s3")
    manifest = json.loads(s3.get_object(Bucket=BUCKET, Key="out/r1/manifest.json")["Body"].read())
    windows = json.loads(s3.get_object(Bucket=BUCKET, Key=manifest["windows_key"])["Body"].read())
    return {entry["window"]: entry["batch_s3_path"] for entry in windows}


@pytest.mark.slow
def test_batches_are_listed_page_by_page(aws: LocalAws, tmp_path: Path) -> None:
    s3 = aws.client("s3")
    for number in range(1001):
        s3.put_object(Bucket=BUCKET, Key=f"acme/hq/2026/03/10/0many/part-{number:04d}.csv", Body=b"1\n")
    first = f"{PREFIX}/2026/03/10/0many"
    s3.put_object(
        Bucket=BUCKET, Key="acme/hq/2026/03/10/0many/_BATCH.json", Body=b'{"event_ts_iso":"2026-03-10T13:23:00Z"}'
    )
    second = upload(aws, "zz", "2026-03-10T13:38:00Z")
    upload(aws, "old", "2026-03-10T13:53:00Z", day="2026/03/09")
    details = extract(tmp_path, "--source", "listing")
    assert found(aws) == {KEYS[0]: first, KEYS[1]: second}
    assert (details["listed"], details["gaps"]) == (2, [f"{KEYS[2]}/20260310T1408Z"])


@pytest.mark.slow
def test_the_folders_of_all_organisations_are_listed_each_for_what_the_index_lacks_of_it(
    aws: LocalAws, tmp_path: Path
) -> None:
    known = note(aws, "2026-03-10T13:23:00Z", "aa", "2026-03-10T13:23:00Z")
    for minute in (23, 38, 53):
        note(aws, f"2026-03-10T13:{minute}:00Z", f"own-{minute}", f"2026-03-10T13:{minute}:00Z")
    own = note(aws, "2026-03-10T14:08:00Z", "own", "2026-03-10T14:08:00Z")
    upload(aws, "not-looked-at", "2026-03-10T13:23:00Z")  # the index has all windows of its organisation
    other = upload(aws, "aa", "2026-03-10T13:23:30Z", organisation="umbrella/lab")
    prefixes = [PREFIX, f"s3://{BUCKET}/umbrella/lab"]
    details = extract(tmp_path, settings={"ingestion_prefixes": prefixes})
    assert found(aws)[KEYS[0]] == f"{known},{PREFIX}/2026/03/10/own-23,{other}"
    assert found(aws)[KEYS[3]] == own
    assert (details["indexed"], details["listed"], details["gap_count"]) == (5, 1, 0)


def test_without_an_event_the_time_of_the_upload_counts(aws: LocalAws, tmp_path: Path) -> None:
    upload(aws, "now", None)
    details = extract(tmp_path, "--source", "listing")
    assert (details["listed"], details["window_count"]) == (1, 0)


def test_the_index_alone_can_be_the_source(aws: LocalAws, tmp_path: Path) -> None:
    first = note(aws, "2026-03-10T13:23:00Z", "aa", "2026-03-10T13:23:00Z")
    second = note(aws, "2026-03-10T13:23:00Z", "bb", "2026-03-10T13:37:59Z")
    last = note(aws, "2026-03-10T14:08:00Z", "cc", "2026-03-10T14:08:00Z")
    note(aws, "2026-03-10T13:08:00Z", "before", "2026-03-10T13:08:00Z")
    note(aws, "2026-03-10T14:23:00Z", "after", "2026-03-10T14:23:00Z")
    note(aws, "2026-03-10T13:38:00Z", "other", "2026-03-10T13:38:00Z", project="other")
    upload(aws, "listed", "2026-03-10T13:38:00Z")
    details = extract(tmp_path, "--source", "index")
    assert found(aws) == {KEYS[0]: f"{first},{second}", KEYS[3]: last}
    assert "listed" not in details


def test_a_complete_index_needs_no_listing(aws: LocalAws, tmp_path: Path) -> None:
    for minute, name in ((23, "aa"), (38, "bb"), (53, "cc")):
        note(aws, f"2026-03-10T13:{minute}:00Z", name, f"2026-03-10T13:{minute}:10Z")
    note(aws, "2026-03-10T14:08:00Z", "dd", "2026-03-10T14:08:10Z")
    assert "listed" not in extract(tmp_path)
    assert list(found(aws)) == KEYS


def test_windows_that_the_index_lacks_are_listed(aws: LocalAws, tmp_path: Path) -> None:
    known = note(aws, "2026-03-10T13:23:00Z", "aa", "2026-03-10T13:23:10Z")
    upload(aws, "aa", "2026-03-10T13:53:00Z")  # the index knows better when it came in
    beside = upload(aws, "ab", "2026-03-10T13:24:00Z")
    missing = upload(aws, "bb", "2026-03-10T13:38:00Z")
    details = extract(tmp_path)
    assert found(aws) == {KEYS[0]: f"{known},{beside}", KEYS[1]: missing}
    assert (details["indexed"], details["listed"], details["gaps"]) == (1, 3, [f"{KEYS[2]}/20260310T1408Z"])


def entries(aws: LocalAws) -> dict[str, dict[str, str]]:
    items = aws.client("dynamodb").scan(TableName=TABLE, ConsistentRead=True)["Items"]
    plain = [{name: value["S"] for name, value in item.items()} for item in items]
    return {item["batch_key"]: item for item in plain}


def test_what_only_the_listing_finds_is_recorded_so_that_later_runs_of_the_window_take_it_along(
    aws: LocalAws, tmp_path: Path
) -> None:
    known = note(aws, "2026-03-10T13:23:00Z", "aa", "2026-03-10T13:23:10Z")
    path = upload(aws, "bb", "2026-03-10T13:38:00Z")
    upload(aws, "later", "2026-03-10T14:23:00Z")  # in no window of the request
    for _ in range(2):
        extract(tmp_path)
        assert found(aws) == {KEYS[0]: known, KEYS[1]: path}
        written = entries(aws)
        entry = written.pop("2026-03-10T13:38:00Z#acme/hq/2026/03/10/bb")
        assert entry == {
            "project_name": "acme", "batch_key": "2026-03-10T13:38:00Z#acme/hq/2026/03/10/bb", "batch_s3_path": path,
            "mini_batch_id": "bb", "event_ts_iso": "2026-03-10T13:38:00.000000Z", "source": "listing",
            "batch_start_ts_iso": "2026-03-10T13:23:00Z", "batch_end_ts_iso": "2026-03-10T13:38:00Z",
        }  # fmt: skip
        assert list(written) == ["2026-03-10T13:23:00Z#aa", "path#acme/hq/2026/03/10/bb"]


def test_a_batch_that_is_set_aside_is_reported_and_left_out(aws: LocalAws, tmp_path: Path) -> None:
    path = note(aws, "2026-03-10T13:23:00Z", "aa", "2026-03-10T13:23:10Z")
    upload(aws, "aa", "2026-03-10T13:23:10Z")  # the listing finds it too
    aws.client("dynamodb").update_item(
        TableName=TABLE, Key={"project_name": {"S": "acme"}, "batch_key": {"S": "2026-03-10T13:23:00Z#aa"}},
        UpdateExpression="SET set_aside = :reason", ExpressionAttributeValues={":reason": {"S": "damaged"}},
    )  # fmt: skip
    details = extract(tmp_path)
    assert found(aws) == {}
    assert details["ignored"] == [[path, "set aside: damaged"]]


def test_a_folder_that_was_reported_twice_counts_in_its_first_window(aws: LocalAws, tmp_path: Path) -> None:
    path = note(aws, "2026-03-10T13:08:00Z", "aa", "2026-03-10T13:08:10Z")
    note(aws, "2026-03-10T13:23:00Z", "aa", "2026-03-10T13:23:10Z", path)
    details = extract(tmp_path, "--source", "index")
    assert found(aws) == {}
    assert details["ignored"] == [[path, "reported again for window 2026-03-10T13:08Z; it counts in 2026-03-10T12:53Z"]]


def test_a_damaged_entry_is_reported(aws: LocalAws, tmp_path: Path) -> None:
    note(aws, "2026-03-10T13:23:00Z", "aa", "noon")
    key = {"project_name": {"S": "acme"}, "batch_key": {"S": "2026-03-10T13:38:00Z#bb"}}
    aws.client("dynamodb").put_item(TableName=TABLE, Item=key)
    ignored = dict(extract(tmp_path, "--source", "index")["ignored"])
    assert "'noon' is not a time" in ignored[f"{TABLE}/2026-03-10T13:23:00Z#aa"]
    assert "has no text 'event_ts_iso'" in ignored[f"{TABLE}/2026-03-10T13:38:00Z#bb"]


def test_missing_places_are_named(aws: LocalAws, tmp_path: Path) -> None:
    parameters = tmp_path / "project.yaml"
    parameters.write_text("batch_index_table: no-such-index\n")
    options = ["--request-id", "r1", "--window", RANGE, "--lake", "s3://lake/ndr", "--parameters", str(parameters)]
    places = {"--input-prefix": PREFIX, "--manifest": f"s3://{BUCKET}/out"}
    for changed, words in (
        ({}, "table no-such-index"),
        ({"--source": "listing", "--input-prefix": "s3://no-such-bucket/a/b"}, "s3://no-such-bucket does not exist"),
        ({"--source": "listing", "--manifest": "s3://no-such-bucket/out"}, "s3://no-such-bucket/out/windows.json"),
    ):
        done = CliRunner().invoke(main, [*options, *(text for pair in (places | changed).items() for text in pair)])
        assert done.exit_code == 1
        assert words in done.stderr
