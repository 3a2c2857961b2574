"""Deploying to the local AWS: again, changed, interrupted, rolled back, and wrong; nothing is left half-done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from localaws.cli.process import LocalAws
from statemachines.definitions import CUSTOMER_360
from statemachines.definitions import MACHINES as ALL_MACHINES
from statemachines.deploy.parts import TEMPLATES, stacks_of
from statemachines.deploy.templates import body_of
from tests.checkout import ROOT
from tests.statemachines.deploy.deployer import Deployer, led_to
from tests.statemachines.template import parsed_template

MACHINES = [machine for machine in ALL_MACHINES if machine != CUSTOMER_360]
LIVE, TRAINING = "sfn_ndr_15m_features_inference", "sfn_ndr_training_orchestrator"
FUSED = "PipelineName15mParameter=ndr-15m-streaming-fused"
FOUR = "PipelineName15mParameter=ndr-15m-streaming"
STACKS = [f"stack {stack.name}" for stack in stacks_of("", ("ndr", "ingestion"))]
PROJECT: dict[str, Any] = {
    "project_name": "acme",
    "organisations": ["acme/emea", "acme/apac"],
    "settings": {"log_time_zone": "Europe/Berlin"},
    "orchestration": {"lake_uri": "s3://lake/acme", "ingestion_prefix": "s3://ingestion/acme/emea"},
}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def empty_aws(start_local_aws: Callable[..., LocalAws]) -> LocalAws:
    return start_local_aws()


@pytest.fixture
def refused(empty_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployer]:
    """Of a local AWS in which nothing is deployed, before and after."""
    deployer = led_to(empty_aws, monkeypatch)
    yield deployer
    assert (deployer.tables, deployer.machines) == ([], set())


def project_file(folder: Path, **changes: Any) -> str:
    path = folder / "project.yaml"
    path.write_text(yaml.safe_dump({**PROJECT, **changes}))
    return str(path)


def test_deployed_twice_nothing_changes(deployer: Deployer, tmp_path: Path) -> None:
    project, outputs = project_file(tmp_path), tmp_path / "outputs.json"
    first = deployer.deploy("--project", project, "--outputs", str(outputs))
    assert first == {
        **dict.fromkeys(STACKS, "created"),
        "code of the Glue job": "uploaded",
        **dict.fromkeys(MACHINES, "created, live is version 1"),
        "project acme": "acme/emea, acme/apac",
    }
    values = json.loads(outputs.read_text())
    routing, parameters = (
        deployer.items(values["ProjectRoutingTable"]),
        deployer.items(values["ProjectParametersTable"]),
    )
    assert {item["ingestion_prefix"]["S"] for item in routing} == {
        "s3://ingestion/acme/emea",
        "s3://ingestion/acme/apac",
    }
    folders = ["s3://ingestion/acme/emea", "s3://ingestion/acme/apac"]
    own = {"batch_index_table": "batch_index", "ingestion_prefixes": folders}
    assert json.loads(parameters[0]["settings"]["S"]) == own | PROJECT["settings"]

    second = deployer.deploy("--project", project, "--outputs", str(outputs))
    assert second == {
        **dict.fromkeys(STACKS, "unchanged"),
        "code of the Glue job": "unchanged",
        **dict.fromkeys(MACHINES, "unchanged, live is version 1"),
        "project acme": "acme/emea, acme/apac",
    }
    assert json.loads(outputs.read_text()) == values
    assert [deployer.versions(machine) for machine in MACHINES] == [[1]] * len(MACHINES)
    assert deployer.items(values["ProjectRoutingTable"]) == routing
    assert deployer.items(values["ProjectParametersTable"]) == parameters


def test_customer_360_is_deployed_where_it_is_wanted(deployer: Deployer) -> None:
    done = deployer.deploy("--customer-360", "--set", "LateDays=3")
    assert done["stack ndr-customer-360"] == "created"
    assert done[CUSTOMER_360] == "created, live is version 1"
    glue, s3 = deployer.local.client("glue"), deployer.local.client("s3")
    for name in ("clean", "staging"):
        job = glue.get_job(JobName=f"ndr-c360-{name}")["Job"]
        bucket, _, key = job["Command"]["ScriptLocation"].removeprefix("s3://").partition("/")
        script = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert script == (ROOT / f"jobs/c360_{name}/c360_{name}.py").read_bytes()
        assert job["ExecutionProperty"] == {"MaxConcurrentRuns": 1}
    assert glue.get_job(JobName="ndr-c360-clean")["Job"]["DefaultArguments"]["--LATE_DAYS"] == "3"
    roles = {role["RoleName"] for role in deployer.local.client("iam").list_roles()["Roles"]}
    assert "ndr-c360-clean" in roles
    assert "ndr-c360-snowflake" not in roles  # nobody to take it on is known
    again = deployer.deploy("--customer-360")
    assert (again["stack ndr-customer-360"], again[CUSTOMER_360]) == ("unchanged", "unchanged, live is version 1")


def test_a_change_is_published_and_rolled_back(deployer: Deployer) -> None:
    deployer.deploy()
    changed = deployer.deploy("--set", FOUR)
    assert changed == {
        **dict.fromkeys(STACKS, "unchanged"),
        "stack ndr-control-plane": "updated",
        "code of the Glue job": "unchanged",
        **dict.fromkeys(MACHINES, "unchanged, live is version 1"),
        LIVE: "updated, live is version 2",
    }
    assert (deployer.live(LIVE), deployer.live(TRAINING)) == (2, 1)
    pipelines = [
        deployer.definition(f"{deployer.arn(LIVE)}:{version}")["States"]["Start15mFeaturesPipeline"]["Arguments"]
        for version in (1, 2)
    ]
    assert [given["PipelineName"] for given in pipelines] == ["ndr-15m-streaming-fused", "ndr-15m-streaming"]

    assert deployer.run("rollback", LIVE).output == f"{LIVE}: rolled back, live is version 1\n"
    assert deployer.live(LIVE) == 1
    assert deployer.deploy()[LIVE] == "unchanged, live is version 1"  # what was taken back stays so
    assert deployer.deploy("--set", FUSED)[LIVE] == "updated, live is version 3"
    assert deployer.deploy("--set", FOUR)[LIVE] == "updated, live is version 4"


def test_a_parameter_that_was_given_once_is_kept(deployer: Deployer, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs.json"
    deployer.deploy("--set", FOUR)
    deployer.deploy("--set", "LogRetentionDays=7", "--outputs", str(outputs))
    assert json.loads(outputs.read_text())["PipelineName15m"] == "ndr-15m-streaming"


def test_buckets_with_logs_a_key_and_a_vpc_reach_the_roles(deployer: Deployer) -> None:
    bucket, key = "arn:aws:s3:::logs-of-acme", "arn:aws:kms:us-east-1:000000000000:key/0f3a"
    iam = deployer.local.client("iam")
    deployer.deploy()
    own = {"jobs", "lake", "logs", "work"}
    assert set(iam.list_role_policies(RoleName="ndr-pipeline-steps")["PolicyNames"]) == own
    deployer.deploy("--set", f"LogBuckets={bucket},{bucket}-2", "--set", f"KmsKeyArn={key}", "--set", "StepsInVpc=true")
    found = {
        name: iam.get_role_policy(RoleName="ndr-pipeline-steps", PolicyName=name)["PolicyDocument"]["Statement"]
        for name in iam.list_role_policies(RoleName="ndr-pipeline-steps")["PolicyNames"]
    }
    assert set(found) == own | {"key", "log-buckets", "vpc"}
    assert [entry["Resource"] for entry in found["log-buckets"]] == [
        [f"{bucket}/*", f"{bucket}-2/*"],
        [bucket, f"{bucket}-2"],
    ]
    assert [entry["Resource"] for entry in found["key"]] == [key]
    assert set(iam.list_role_policies(RoleName="ndr-manifest-builder")["PolicyNames"]) == {"key", "work"}


@pytest.mark.long
def test_what_was_interrupted_is_taken_up_again(deployer: Deployer) -> None:
    deployer.deploy()
    deployer.deploy("--set", FOUR)
    four = json.dumps(deployer.definition(deployer.arn(LIVE)))
    deployer.deploy("--set", FUSED)
    assert deployer.live(LIVE) == 3
    # ended after the update: no version yet
    deployer.states.update_state_machine(stateMachineArn=deployer.arn(LIVE), definition=four)
    assert deployer.deploy("--set", FOUR)[LIVE] == "updated, live is version 4"
    # ended before the alias was moved
    version = f"{deployer.arn(LIVE)}:3"
    deployer.states.update_state_machine_alias(
        stateMachineAliasArn=f"{deployer.arn(LIVE)}:live",
        routingConfiguration=[{"stateMachineVersionArn": version, "weight": 100}],
    )
    assert deployer.deploy()[LIVE] == "updated, live is version 4"
    # ended before there was an alias; traced no more
    deployer.states.update_state_machine(stateMachineArn=deployer.arn(LIVE), tracingConfiguration={"enabled": False})
    deployer.states.delete_state_machine_alias(stateMachineAliasArn=f"{deployer.arn(LIVE)}:live")
    assert deployer.deploy()[LIVE] == "updated, live is version 4"
    assert deployer.versions(LIVE) == [1, 2, 3, 4]
    found = deployer.states.describe_state_machine(stateMachineArn=deployer.arn(LIVE))
    assert found["tracingConfiguration"] == {"enabled": True}


def test_a_rollback_without_an_earlier_version_changes_nothing(deployer: Deployer) -> None:
    assert f"the state machine {LIVE} is not deployed" in deployer.refusal("rollback", LIVE)
    deployer.deploy()
    deployer.deploy("--set", FOUR)
    assert f"{TRAINING} has no version before 1" in deployer.refusal("rollback", LIVE, TRAINING)
    assert (deployer.live(LIVE), deployer.live(TRAINING)) == (2, 1)
    assert deployer.run("rollback", "sfn_unknown").exit_code == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"organisation": ["acme/emea"]}, "organisation"),
        ({"settings": {"log_timezone": "UTC"}}, "log_timezone"),
        ({"settings": {"log_time_zone": 5}}, "log_time_zone"),
        ({"orchestration": {**PROJECT["orchestration"], "poll_second": 1}}, "poll_second"),
        ({"orchestration": {**PROJECT["orchestration"], "poll_seconds": 0}}, "poll_seconds"),
        ({"orchestration": {"lake_uri": "s3://lake/acme"}}, "ingestion_prefix"),
        ({"organisations": ["acme"]}, "acme/emea"),
        ({"organisations": []}, "organisations"),
        ({"project_name": "a/b"}, "a/b"),
    ],
)
def test_a_wrong_project_file_is_refused_before_anything_is_done(
    refused: Deployer, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    assert said in refused.refusal("deploy", "--project", project_file(tmp_path, **changes))


def test_the_second_of_two_project_files_is_read_before_anything_is_done(refused: Deployer, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    first, second = project_file(tmp_path), project_file(tmp_path / "second", more=1)
    assert "more" in refused.refusal("deploy", "--project", first, "--project", second)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "SchedulesStat=ENABLED",
            "no stack has a parameter SchedulesStat. Choose one of BatchSuffix, BuilderTimeoutSeconds",
        ),
        ("SchedulesState=MAYBE", "SchedulesState"),
        ("NamePrefix=UPPER", "NamePrefix"),
        ("SchedulesState", "--set SchedulesState is not NAME=VALUE"),
        ("=ENABLED", "--set =ENABLED is not NAME=VALUE"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_is_done(refused: Deployer, given: str, said: str) -> None:
    assert said in refused.refusal("deploy", "--set", given)


def test_a_resource_that_cannot_be_made_is_named_and_no_machine_is_published(deployer: Deployer) -> None:
    events = deployer.local.client("events")
    events.create_event_bus(Name="ndr")
    first = deployer.refusal("deploy")
    assert "the stack ndr-foundation failed: " in first
    assert "EventBus: " in first
    assert "already exists" in first
    assert deployer.machines == set()
    described = deployer.local.client("cloudformation").describe_stacks(StackName="ndr-foundation")
    assert described["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE"
    events.delete_event_bus(Name="ndr")
    assert deployer.deploy()["stack ndr-foundation"] == "created"


def test_an_aws_that_does_not_answer_is_said_so(deployer: Deployer) -> None:
    deployer.local.stop()
    assert "AWS does not say whose account this is, in which region: Could not connect" in deployer.refusal("deploy")


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_a_template_can_be_read_in_one_sitting(template: Path) -> None:
    assert len(template.read_text().splitlines()) <= 400


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_what_is_sent_of_a_template_says_the_same_and_is_not_too_long(template: Path, tmp_path: Path) -> None:
    sent = tmp_path / "sent.yaml"
    sent.write_text(body_of(template))
    assert parsed_template(sent) == parsed_template(template)
    assert len(sent.read_bytes()) < 51_200
