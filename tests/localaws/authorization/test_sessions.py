"""Who has assumed a role works with it, and with nothing else, as long as roles are checked."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from tests.localaws.running import create_role, unique

EXTERNAL_ID = "a-42"


def assumed(local: LocalAws, role: str, external_id: str) -> Any:
    sts = local.client("sts")
    found = sts.assume_role(
        RoleArn=f"arn:aws:iam::000000000000:role/{role}", RoleSessionName="outside", ExternalId=external_id
    )["Credentials"]
    return boto3.client(
        "s3",
        endpoint_url=local.endpoint,
        region_name="us-east-1",
        aws_access_key_id=found["AccessKeyId"],
        aws_secret_access_key=found["SecretAccessKey"],
        aws_session_token=found["SessionToken"],
    )


def test_an_assumed_role_may_do_what_its_policies_permit(guarded: LocalAws) -> None:
    role, bucket = unique("role"), unique("bucket")
    guarded.client("s3").create_bucket(Bucket=bucket)
    guarded.client("s3").put_object(Bucket=bucket, Key="staging/a", Body=b"1")
    create_role(
        guarded, role, {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/staging/*"}
    )
    trust = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", '
        '"Principal": {"AWS": "arn:aws:iam::000000000000:root"}, '
        f'"Condition": {{"StringEquals": {{"sts:ExternalId": "{EXTERNAL_ID}"}}}}}}]}}'
    )
    guarded.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=trust)
    s3 = assumed(guarded, role, EXTERNAL_ID)
    assert s3.get_object(Bucket=bucket, Key="staging/a")["Body"].read() == b"1"
    with pytest.raises(ClientError, match=f"assumed-role/{role}/outside is not authorized to perform: s3:PutObject"):
        s3.put_object(Bucket=bucket, Key="staging/a", Body=b"2")
    with pytest.raises(ClientError, match="AccessDenied"):
        assumed(guarded, role, "another")
