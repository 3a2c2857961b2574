"""A database in the local Redshift, and a bucket to unload to and copy from."""

from __future__ import annotations

from localaws.cli.process import LocalAws
from tests.localaws.running import unique
from tests.redshift import Database


class Redshift(Database):
    """A database and a bucket of its own."""

    def __init__(self, local: LocalAws) -> None:
        super().__init__(local, unique("db"))
        self.s3 = local.client("s3")
        self.bucket = unique("bucket")
        self.s3.create_bucket(Bucket=self.bucket)

    def objects(self, prefix: str) -> dict[str, bytes]:
        """The content of the bucket's objects below the prefix, by key."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return {item["Key"]: self.s3.get_object(Bucket=self.bucket, Key=item["Key"])["Body"].read() for item in listed}
