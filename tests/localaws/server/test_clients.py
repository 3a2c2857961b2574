"""The clients of this project, each with its own way to sign and to send data, are answered."""

from __future__ import annotations

import os
from pathlib import Path

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.config import Config
from deltalake import DeltaTable, write_deltalake

from common.runtime.engine import open_engine
from common.storage.filesystems import s3_filesystem
from localaws.cli.process import LocalAws

pytestmark = pytest.mark.slow

BUCKET = "clients"
KEYS = ["plain", "project_name=x/window=20260303T1208Z/part-0", "é ü/a b+c~d%20&e=f?g#h", "a//b", "dots/../up"]
BIG = os.urandom(9 << 20)  # more than one part of a multipart upload


@pytest.fixture(autouse=True)
def bucket(aws_environment: LocalAws) -> str:
    aws_environment.client("s3").create_bucket(Bucket=BUCKET)
    return BUCKET


@pytest.mark.parametrize("key", KEYS)
def test_boto3_reads_and_writes_keys_of_any_kind(local_aws: LocalAws, key: str) -> None:
    s3 = local_aws.client("s3")
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"content", Metadata={"made-by": "me, and me"})
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"content"
    assert key in [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=key)["Contents"]]
    s3.copy_object(Bucket=BUCKET, Key=f"{key}-copy", CopySource={"Bucket": BUCKET, "Key": key})
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key}, {"Key": f"{key}-copy"}]})
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"] == 0


@pytest.mark.parametrize(("checksum", "sign"), [("when_supported", False), ("when_required", True)])
def test_boto3_uploads_in_parts_and_in_chunks(
    aws_environment: LocalAws, checksum: str, sign: bool, tmp_path: Path
) -> None:
    path = tmp_path / "big"
    path.write_bytes(BIG)
    s3 = boto3.client("s3", config=Config(request_checksum_calculation=checksum, s3={"payload_signing_enabled": sign}))
    s3.upload_file(str(path), BUCKET, "big")
    assert s3.get_object(Bucket=BUCKET, Key="big")["Body"].read() == BIG
    with path.open("rb") as file:
        s3.put_object(Bucket=BUCKET, Key="stream", Body=file)
    assert s3.head_object(Bucket=BUCKET, Key="stream")["ContentLength"] == len(BIG)


def test_pyarrow_reads_and_writes(local_aws: LocalAws) -> None:
    table = pa.table({"a": list(range(1000))})
    files = s3_filesystem()
    for key in KEYS[:2]:
        pq.write_table(table, f"{BUCKET}/arrow/{key}.parquet", filesystem=files)
        assert pq.read_table(f"{BUCKET}/arrow/{key}.parquet", filesystem=files) == table
    with files.open_output_stream(f"{BUCKET}/arrow/big") as stream:
        stream.write(BIG)
    assert files.open_input_stream(f"{BUCKET}/arrow/big").read() == BIG
    files.delete_dir(f"{BUCKET}/arrow")


def test_delta_lake_reads_and_writes(local_aws: LocalAws) -> None:
    uri, options = f"s3://{BUCKET}/delta é/t=1", {"AWS_ALLOW_HTTP": "true"}
    table = pa.table({"k": ["a", "a", "b = c"], "v": [1, 2, 3]})
    for _ in range(2):
        write_deltalake(uri, table, partition_by=["k"], mode="append", storage_options=options)
    found = DeltaTable(uri, storage_options=options)
    assert found.version() == 1
    assert found.to_pyarrow_table().num_rows == 6


def test_the_engine_reads_and_writes(local_aws: LocalAws) -> None:
    with open_engine("sail") as session:  # not the one of all tests: it has begun without the endpoint
        frame = session.createDataFrame([(1, "a"), (2, "b c")], "n int, k string")
        frame.write.mode("overwrite").partitionBy("k").parquet(f"s3://{BUCKET}/engine")
        assert session.read.parquet(f"s3://{BUCKET}/engine").count() == 2
