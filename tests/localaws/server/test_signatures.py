"""Which signatures are accepted: those made with the secret of the home, for this request, now."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from localaws.credential import Credential
from localaws.server.settings import REGION
from tests.localaws.server.requests import presigned, refused, send, signed

EVIL = "http://evil.example"
MINUTE = timedelta(minutes=1)
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("s3", "list_buckets", {}),
    ("s3", "head_object", {"Bucket": "a-bucket", "Key": "k"}),
    ("dynamodb", "list_tables", {}),
    ("sagemaker", "list_pipelines", {}),
    ("redshift-data", "list_statements", {}),
    ("sqs", "list_queues", {}),
    ("scheduler", "list_schedules", {}),
    ("cloudformation", "list_stacks", {}),
    ("sts", "get_caller_identity", {}),
]


@pytest.mark.parametrize(("service", "operation", "members"), CALLS, ids=lambda value: str(value))
def test_another_secret_is_refused_in_the_words_of_each_service(
    local_aws: LocalAws, service: str, operation: str, members: dict[str, Any]
) -> None:
    own = Credential.of(local_aws.home)
    response = refusal(local_aws, Credential(own.key_id, "wrong"), service, operation, **members)
    assert response["Error"]["Code"] == ("403" if operation.startswith("head") else "SignatureDoesNotMatch")
    assert own.secret not in str(response)


def refusal(local: LocalAws, credential: Credential, service: str, operation: str, **members: Any) -> dict[str, Any]:
    """What the SDK is told when it calls an operation with a credential that is not the home's."""
    client = boto3.client(
        service,
        endpoint_url=local.endpoint,
        region_name=REGION,
        aws_access_key_id=credential.key_id,
        aws_secret_access_key=credential.secret,
    )
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**members)
    response: dict[str, Any] = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return response


def test_another_access_key_is_refused_before_its_data_is_read(local_aws: LocalAws) -> None:
    other = Credential("test", Credential.of(local_aws.home).secret)
    members = {"Bucket": "a-bucket", "Key": "k", "Body": bytes(20 << 20)}
    assert refusal(local_aws, other, "s3", "put_object", **members)["Error"]["Code"] == "InvalidAccessKeyId"


@pytest.mark.parametrize(
    ("age", "status"), [(14 * MINUTE, 200), (16 * MINUTE, 403), (-14 * MINUTE, 200), (-16 * MINUTE, 403)]
)
def test_a_signature_is_good_for_fifteen_minutes(local_aws: LocalAws, age: timedelta, status: int) -> None:
    answer = send(local_aws, "GET", "/", signed(local_aws, "GET", "/", age=age))
    assert answer.status == status
    assert status == 200 or b"RequestTimeTooSkewed" in answer.body


def test_a_signature_is_good_for_one_request_only(local_aws: LocalAws) -> None:
    local_aws.client("s3").create_bucket(Bucket="signed")
    headers = signed(local_aws, "PUT", "/signed/a", body=b"mine")
    assert send(local_aws, "PUT", "/signed/a", headers, b"mine").status == 200
    refused(send(local_aws, "PUT", "/signed/b", headers, b"mine"), "SignatureDoesNotMatch")
    refused(send(local_aws, "PUT", "/signed/a?acl", headers, b"mine"), "SignatureDoesNotMatch")
    refused(send(local_aws, "DELETE", "/signed/a", headers, b"mine"), "SignatureDoesNotMatch")
    refused(send(local_aws, "PUT", "/signed/a", headers, b"evil"), "XAmzContentSHA256Mismatch")
    refused(send(local_aws, "PUT", "/signed/a", {**headers, "X-Amz-Acl": "public-read"}, b"mine"), "not signed")
    json_request = signed(local_aws, "POST", "/", {"X-Amz-Target": "SageMaker.ListPipelines"}, b"{}", "sagemaker")
    other = {**json_request, "X-Amz-Target": "SageMaker.CreatePipeline"}
    refused(send(local_aws, "POST", "/", other, b"{}"), "SignatureDoesNotMatch")


def test_a_presigned_url_opens_one_object_for_its_time(local_aws: LocalAws) -> None:
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket="presigned")
    s3.put_object(Bucket="presigned", Key="a=1/é b", Body=b"mine")
    path = "/presigned/a%3D1/%C3%A9%20b"
    found = presigned(local_aws, "GET", path)
    assert send(local_aws, "GET", found).body == b"mine"
    assert send(local_aws, "GET", presigned(local_aws, "GET", path, age=16 * MINUTE, seconds=3600)).status == 200
    refused(send(local_aws, "GET", presigned(local_aws, "GET", path, age=2 * MINUTE, seconds=60)), "expired")
    refused(send(local_aws, "GET", presigned(local_aws, "GET", path, age=-16 * MINUTE)), "RequestTimeTooSkewed")
    refused(send(local_aws, "GET", presigned(local_aws, "GET", path, seconds=700_000)), "X-Amz-Expires")
    refused(send(local_aws, "GET", presigned(local_aws, "GET", path, secret="wrong")), "SignatureDoesNotMatch")
    refused(send(local_aws, "GET", found.replace("/presigned/", "/signed/")), "SignatureDoesNotMatch")
    refused(send(local_aws, "PUT", found, body=b"evil"), "SignatureDoesNotMatch")
    refused(send(local_aws, "GET", f"{found}&versionId=1"), "SignatureDoesNotMatch")
    refused(send(local_aws, "GET", found, {"Origin": EVIL}))


def test_no_damaged_signature_is_accepted_and_none_breaks_the_server(local_aws: LocalAws) -> None:
    choose = random.Random(11)
    good = signed(local_aws, "GET", "/")["Authorization"]
    for _ in range(300):
        place = choose.randrange(len("AWS4-HMAC-SHA256 "), len(good))
        damaged = good[:place] + choose.choice(["", "é", "=", ",", "/", "x", ";", "\t", good]) + good[place + 1 :]
        if damaged.replace("\t", " ") == good:
            continue
        headers = {**signed(local_aws, "GET", "/"), "Authorization": damaged.encode().decode("latin-1")}
        refused(send(local_aws, "GET", "/", headers))
