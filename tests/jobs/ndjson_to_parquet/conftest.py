"""A server that answers like S3."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from tests.pipelines.conftest import environment, moto, moto_server

__all__ = ["environment", "moto_server"]


@pytest.fixture
def s3(moto_server: str, environment: pytest.MonkeyPatch) -> Any:
    """A client of it, with the empty buckets `landing` (of versions), `manifests` and `parquet`."""
    for name, value in {"ENDPOINT_URL": moto_server, "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}.items():
        environment.setenv(f"AWS_{name}", value)
    moto(moto_server, "reset")
    made = boto3.client("s3", region_name="eu-central-1")
    for bucket in ("landing", "manifests", "parquet"):
        made.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    made.put_bucket_versioning(Bucket="landing", VersioningConfiguration={"Status": "Enabled"})
    return made
