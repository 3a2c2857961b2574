"""Objects of S3 that people open."""

from __future__ import annotations

from common.aws.clients import aws_errors, client
from common.storage.filesystems import bucket_and_key


def put_page(uri: str, text: str) -> None:
    """Writes a page in one piece, as HTML that browsers keep no copy of.

    Raises:
        AwsError: it could not be written.
    """
    bucket, key = bucket_and_key(uri)
    with aws_errors(f"{uri} could not be written"):
        client("s3").put_object(
            Bucket=bucket,
            Key=key,
            Body=text.encode(),
            ContentType="text/html; charset=utf-8",
            CacheControl="private, no-store",
        )
