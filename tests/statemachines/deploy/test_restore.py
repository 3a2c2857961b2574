"""What was lost is brought back: items of a table as of a time, and objects that were deleted."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner, Result

from localaws.cli.process import LocalAws
from statemachines.cli import main
from statemachines.deploy import restore
from tests.localaws.running import create_table, unique

pytestmark = pytest.mark.slow


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["restore", *arguments])


def now() -> str:
    """The time, once a later change has a later one: AWS has whole seconds."""
    time.sleep(1.1)
    moment = datetime.now(UTC)
    time.sleep(1.1)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def items(local: LocalAws, table: str) -> dict[str, str]:
    found = local.client("dynamodb").scan(TableName=table)["Items"]
    return {item["id"]["S"]: item["value"]["S"] for item in found}


@pytest.fixture
def table(aws_environment: LocalAws) -> str:
    """A table with 40 items and point-in-time recovery."""
    name, dynamodb = unique("restored"), aws_environment.client("dynamodb")
    create_table(aws_environment, name, "id")
    recovery = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
    for number in range(40):
        put(dynamodb, name, f"i{number:02}", "right")
    return name


def put(dynamodb: Any, table: str, key: str, value: str) -> None:
    dynamodb.put_item(TableName=table, Item={"id": {"S": key}, "value": {"S": value}})


@pytest.mark.slow
def test_a_table_is_again_what_it_was(aws_environment: LocalAws, table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dynamodb, right = aws_environment.client("dynamodb"), items(aws_environment, table)
    moment = now()
    for number in range(30):
        dynamodb.delete_item(TableName=table, Key={"id": {"S": f"i{number:02}"}})
    put(dynamodb, table, "i30", "wrong")
    put(dynamodb, table, "new", "wrong")
    wrong = items(aws_environment, table)
    arguments = ("table", table, "--to", moment)

    said = run(*arguments)
    expected = f"{table} as of {moment}: 31 items would be put back, 1 would be removed, 9 unchanged\n"
    assert (said.exit_code, said.output, items(aws_environment, table)) == (0, expected, wrong)
    assert len([name for name in dynamodb.list_tables()["TableNames"] if name.startswith(table)]) == 1

    # interrupted after the first 25 writes, the same command does the rest
    written = restore._write
    calls: list[int] = []

    def killed(client: Any, name: str, requests: list[Any]) -> None:
        if calls:
            raise KeyboardInterrupt
        calls.append(len(requests))
        written(client, name, requests)

    monkeypatch.setattr(restore, "_write", killed)
    assert run(*arguments, "--apply").exit_code != 0
    monkeypatch.setattr(restore, "_write", written)
    assert calls == [25] and items(aws_environment, table) not in (right, wrong)
    done = run(*arguments, "--apply")
    assert done.output == f"{table} as of {moment}: 6 items put back, 1 removed, 34 unchanged\n"
    assert items(aws_environment, table) == right
    assert [name for name in dynamodb.list_tables()["TableNames"] if name.startswith(table)] == [table]


def test_what_keeps_no_history_is_refused(aws_environment: LocalAws, table: str) -> None:
    create_table(aws_environment, other := unique("restored"), "id")
    for name, moment, reason in (
        (other, "2026-03-10T13:08Z", "recovery is not enabled"),
        (table, "2020-03-10T13:08Z", "cannot be restored to 2020-03-10T13:08:00Z"),
        ("nowhere", "2026-03-10T13:08Z", "there is no table nowhere"),
    ):
        failed = run("table", name, "--to", moment)
        assert (failed.exit_code, reason in failed.output) == (1, True), failed.output
    assert "'yesterday' is not a time with a zone" in run("table", table, "--to", "yesterday").output


def test_objects_that_were_deleted_are_back_as_they_were(aws_environment: LocalAws) -> None:
    s3, bucket = aws_environment.client("s3"), unique("restored")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("a/old", "a/1", "a/1", "a/2", "a/kept", "b/1"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    s3.put_object(Bucket=bucket, Key="a/2", Body=b"second")
    s3.delete_object(Bucket=bucket, Key="a/old")
    moment = now()
    for key in ("a/1", "a/2", "b/1", "a/never"):
        s3.delete_object(Bucket=bucket, Key=key)

    def keys() -> list[str]:
        return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]

    said = run("objects", bucket, "a/", "--deleted-since", moment)
    assert (said.exit_code, keys()) == (0, ["a/kept"])
    assert [line.partition(",")[0] for line in said.output.splitlines()] == [
        "a/1: would be restored",
        "a/2: would be restored",
        f"{bucket}: 2 objects would be restored",
    ]
    done = run("objects", bucket, "a/", "--deleted-since", moment, "--apply")
    assert done.output.splitlines()[-1] == f"{bucket}: 2 objects restored"
    assert keys() == ["a/1", "a/2", "a/kept"]
    assert s3.get_object(Bucket=bucket, Key="a/2")["Body"].read() == b"second"
    again = run("objects", bucket, "a/", "--deleted-since", moment, "--apply")
    assert again.output == f"{bucket}: 0 objects restored\n"


def test_a_bucket_without_versions_is_refused(aws_environment: LocalAws) -> None:
    aws_environment.client("s3").create_bucket(Bucket=(bucket := unique("restored")))
    since = ("--deleted-since", "2026-03-10T13:08Z")
    assert f"the bucket {bucket} keeps no versions" in run("objects", bucket, "a/", *since).output
    assert "there is no bucket nowhere" in run("objects", "nowhere", "a/", *since).output
