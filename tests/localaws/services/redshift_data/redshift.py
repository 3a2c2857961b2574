"""A database in the local Redshift."""

from __future__ import annotations

from typing import Any

from localaws.cli.process import LocalAws
from tests.localaws.services.sagemaker.pipelines import unique, wait_for

ROLE = "IAM_ROLE 'arn:aws:iam::000000000000:role/redshift'"


class Redshift:
    """A database of its own."""

    def __init__(self, local: LocalAws) -> None:
        self.client = local.client("redshift-data")
        self.s3 = local.client("s3")
        self.where = {"WorkgroupName": "ndr", "Database": unique("db")}
        self.bucket = unique("bucket")
        self.s3.create_bucket(Bucket=self.bucket)

    def finish(self, identifier: str) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = self.client.describe_statement(Id=identifier)
            return found if found["Status"] in ("FINISHED", "FAILED", "ABORTED") else None

        return dict(wait_for(ended))

    def run(self, sql: str, **members: Any) -> dict[str, Any]:
        return self.finish(self.client.execute_statement(Sql=sql, **self.where, **members)["Id"])

    def batch(self, *statements: str) -> dict[str, Any]:
        return self.finish(self.client.batch_execute_statement(Sqls=list(statements), **self.where)["Id"])

    def do(self, *statements: str) -> None:
        done = self.batch(*statements)
        assert done["Status"] == "FINISHED", done

    def error(self, sql: str) -> str:
        done = self.run(sql)
        assert done["Status"] == "FAILED", done
        return str(done["Error"])

    def rows(self, sql: str, **members: Any) -> list[list[Any]]:
        done = self.run(sql, **members)
        assert done["Status"] == "FINISHED", done
        found = self.client.get_statement_result(Id=done["Id"])["Records"]
        return [[None if "isNull" in value else next(iter(value.values())) for value in row] for row in found]

    def objects(self, prefix: str) -> dict[str, bytes]:
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return {item["Key"]: self.s3.get_object(Bucket=self.bucket, Key=item["Key"])["Body"].read() for item in listed}
