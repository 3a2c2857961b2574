"""What is forgotten of a window before its mini-batch comes again."""

from __future__ import annotations

from common.aws.batch_index import entry_key, record_found
from common.windows import Windows, iso_seconds
from localaws.cli.process import LocalAws
from tests.localaws.running import create_table, unique
from tools.demo.forgetting import forget
from tools.demo.mini_batches import MiniBatch

FIRST, SECOND = Windows.parse("2026-03-10T22:08Z/2026-03-10T22:38Z")
FOLDERS = {FIRST: "fw/acme/hq/2026/03/10/aa", SECOND: "fw/acme/hq/2026/03/10/bb"}


def test_only_the_window_of_the_batch_is_forgotten(aws_environment: LocalAws) -> None:
    index, locks, bucket = unique("index"), unique("locks"), unique("bucket")
    create_table(aws_environment, index, "project_name", "batch_key")
    create_table(aws_environment, locks, "lock_id")
    s3, dynamodb = aws_environment.client("s3"), aws_environment.client("dynamodb")
    s3.create_bucket(Bucket=bucket)
    for window, folder in FOLDERS.items():
        s3.put_object(Bucket=bucket, Key=f"{folder}/part-00000.csv", Body=b"")
        record_found(index, "demo", window, f"s3://{bucket}/{folder}", window.end)
        lock = f"demo#v1#{iso_seconds(window.start)}#{iso_seconds(window.end)}"
        dynamodb.put_item(TableName=locks, Item={"lock_id": {"S": lock}, "status": {"S": "SUCCEEDED"}})

    forget(index, locks, bucket, "demo", MiniBatch(FIRST, FOLDERS[FIRST], {}))

    left = {item["batch_key"]["S"] for item in dynamodb.scan(TableName=index)["Items"]}
    assert left == {entry_key(SECOND.end, FOLDERS[SECOND]), "path#acme/hq/2026/03/10/bb"}
    assert [item["lock_id"]["S"] for item in dynamodb.scan(TableName=locks)["Items"]] == [lock]
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [
        f"{FOLDERS[SECOND]}/part-00000.csv"
    ]
