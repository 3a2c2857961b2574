"""Project parameters from S3 and DynamoDB, as stages read them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from common.config.dynamodb import seed_project, seed_routing
from common.config.project import load_project
from common.config.sources import read_document
from common.errors import AwsError, ParameterError
from localaws.cli.process import LocalAws
from tests.common.config.items import project_of_item
from tests.localaws.running import create_table

TABLE, ROUTING, BUCKET = "sources-parameters", "sources-routing", "sources-bucket"
ORCHESTRATION = {"lake_uri": "s3://lake/ndr", "ingestion_prefix": "s3://inbox/acme/hq"}


@pytest.fixture(autouse=True)
def each_test_reads_anew() -> Iterator[None]:
    read_document.cache_clear()
    yield
    read_document.cache_clear()


@pytest.fixture
def table(aws_environment: LocalAws) -> str:
    names = aws_environment.client("dynamodb").list_tables()["TableNames"]
    for name, keys in ((TABLE, ("project_name", "parameters")), (ROUTING, ("org_key",))):
        if name not in names:
            create_table(aws_environment, name, *keys)
    return TABLE


def put(local: LocalAws, settings: dict[str, str]) -> None:
    keys = {"project_name": {"S": "acme"}, "parameters": {"S": "project_parameters#v1"}}
    local.client("dynamodb").put_item(TableName=TABLE, Item=keys | {"settings": settings})


def test_the_seeded_item_of_project_and_specification_is_read(table: str) -> None:
    seed_project(table, "acme", "v1", {"time_zone": "Europe/Berlin", "working_hours": [8, 18]}, ORCHESTRATION)
    seed_project(table, "acme", "v2", {"time_zone": "Asia/Tokyo"}, ORCHESTRATION)
    found = load_project(f"dynamodb://{table}", "acme", "v1", log_time_zone="UTC")
    assert (found.time_zone, found.working_hours) == ("Europe/Berlin", (8, 18))
    assert load_project(f"dynamodb://{table}", "acme", "v2").time_zone == "Asia/Tokyo"


def test_seeding_again_replaces_the_item(table: str, local_aws: LocalAws) -> None:
    seed_project(table, "acme", "v1", {"time_zone": "Europe/Berlin"}, ORCHESTRATION)
    seed_project(table, "acme", "v1", {}, ORCHESTRATION | {"poll_seconds": 5})
    keys = {"project_name": {"S": "acme"}, "parameters": {"S": "project_parameters#v1"}}
    project, orchestration = project_of_item(local_aws.client("dynamodb").get_item(TableName=table, Key=keys)["Item"])
    assert (project.time_zone, orchestration.poll_seconds) == ("UTC", 5)


def test_routing_is_found_by_organisation(table: str, local_aws: LocalAws) -> None:
    seed_routing(ROUTING, "acme", "hq", "acme", "v1", "s3://inbox/acme/hq")
    item = local_aws.client("dynamodb").get_item(TableName=ROUTING, Key={"org_key": {"S": "acme#hq"}})["Item"]
    assert item["project_name"] == {"S": "acme"}


@pytest.mark.slow
def test_a_missing_item_names_table_and_keys(table: str) -> None:
    with pytest.raises(ParameterError, match=f"{table}.*project_name=nobody, parameters=project_parameters#v1"):
        load_project(f"dynamodb://{table}", "nobody", "v1")


def test_a_missing_table_is_named(aws_environment: LocalAws) -> None:
    with pytest.raises(AwsError, match=r"no-such-table.*ResourceNotFound"):
        load_project("dynamodb://no-such-table", "acme", "v1")
    with pytest.raises(ParameterError, match="'no table'"):
        load_project("dynamodb://no table", "acme", "v1")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"S": "{"}, "acme.*settings is not valid JSON"),
        ({"N": "7"}, "acme.*no text attribute settings"),
        ({"S": '{"time_zon": "UTC"}'}, r"attribute settings: \$\.time_zon is unknown\. Did you mean time_zone"),
        ({"S": "[1]"}, r"attribute settings: \$ is \[1\]"),
    ],
)
def test_a_wrong_item_is_named(table: str, local_aws: LocalAws, settings: dict[str, str], words: str) -> None:
    put(local_aws, settings)
    with pytest.raises(ParameterError, match=words):
        load_project(f"dynamodb://{table}", "acme", "v1")


def test_the_file_can_lie_in_s3(aws_environment: LocalAws) -> None:
    s3 = aws_environment.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="projects/acme.yaml", Body=b"time_zone: Europe/Berlin\n")
    assert load_project(f"s3://{BUCKET}/projects/acme.yaml").time_zone == "Europe/Berlin"
    with pytest.raises(ParameterError, match=f"s3://{BUCKET}/projects/other.yaml cannot be read"):
        load_project(f"s3://{BUCKET}/projects/other.yaml")
