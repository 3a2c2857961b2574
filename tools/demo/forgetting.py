"""Windows of the local AWS are made as if no mini-batch had come for them yet."""

from __future__ import annotations

import boto3

from common.aws.batch_index import CLAIM, SEPARATOR, place, read_entries
from common.aws.clients import client
from common.windows import iso_seconds
from tools.demo.mini_batches import MiniBatch

SPECIFICATION = "v1"


def forget(index: str, locks: str, bucket: str, project_name: str, batch: MiniBatch) -> None:
    """Removes what is recorded of the batch's window from index and locks, and the files of its folder.

    Otherwise the same batch is a duplicate when it comes again. Nothing may be working on the window.
    """
    dynamodb, window = client("dynamodb"), batch.window
    for entry in read_entries(index, project_name, window.end, window.end):
        path = entry["batch_s3_path"]["S"]
        for key in (entry["batch_key"]["S"], CLAIM + place(path)):
            dynamodb.delete_item(TableName=index, Key={"project_name": {"S": project_name}, "batch_key": {"S": key}})
    lock = SEPARATOR.join((project_name, SPECIFICATION, iso_seconds(window.start), iso_seconds(window.end)))
    dynamodb.delete_item(TableName=locks, Key={"lock_id": {"S": lock}})
    boto3.resource("s3").Bucket(bucket).objects.filter(Prefix=f"{batch.folder}/").delete()
