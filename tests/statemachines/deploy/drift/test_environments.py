"""What somebody changes by hand in an environment is named, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from localaws.cli.process import LocalAws
from statemachines.deploy import environment
from statemachines.deploy.subscribers import subscriptions
from statemachines.deploy.tagged_parts import tag, untagged
from tests.localaws.running import Started, wait_for
from tests.statemachines.deploy.deployer import Deployer, led_to

HERE = "us-east-1:000000000000"
LIVE = "dev-sfn_ndr_15m_features_inference"
OTHERS = {"Effect": "Allow", "Principal": {"AWS": "111111111111"}}
SUBSCRIBER, STRANGER = f"arn:aws:sqs:{HERE}:on-duty", f"arn:aws:sqs:{HERE}:stranger"
FILE = (
    f"projects: [acme.yaml]\nsubscribers: ['{SUBSCRIBER}']\n"
    "parameters: {SchedulesState: DISABLED, LogRetentionDays: '60'}\n"
)
PROJECT = {
    "project_name": "acme",
    "organisations": ["acme/emea", "acme/apac"],
    "settings": {"log_time_zone": "Europe/Berlin"},
    "orchestration": {"lake_uri": "s3://lake/acme", "ingestion_prefix": "s3://ingestion/acme/emea"},
}
Place = tuple[str, str, str]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def deployed(start_local_aws: Started, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployer]:
    """The environment dev, as its file describes it, with a project."""
    files = tmp_path_factory.mktemp("environments")
    committed = (environment.FILES / "dev.yaml").read_text()
    written = committed.replace("projects: []", f"projects: [acme.yaml]\nsubscribers: [{SUBSCRIBER!r}]")
    (files / "dev.yaml").write_text(written)
    (files / "acme.yaml").write_text(yaml.safe_dump(PROJECT))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment, "FILES", files)
        deployer = led_to(start_local_aws(), patch)
        done = deployer.run("up", "dev")
        assert done.exit_code == 0, done.output
        assert f"topic dev-ndr-alarms: tells {SUBSCRIBER}\n" in done.output
        yield deployer
        deployer.local.stop()


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def change_storage(deployer: Deployer) -> set[Place]:
    """Changes one thing of each kind that holds something; says what."""
    aws = deployer.local.client
    bucket = "dev-ndr-lake-000000000000-us-east-1"
    own = json.loads(aws("s3").get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    added = {**OTHERS, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    aws("s3").put_bucket_policy(Bucket=bucket, Policy=policy(*own, added))
    landing = "dev-ndr-landing-000000000000-us-east-1"
    aws("s3").put_bucket_versioning(Bucket=landing, VersioningConfiguration={"Status": "Suspended"})
    aws("dynamodb").update_continuous_backups(
        TableName="dev-batch_index", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    url = aws("sqs").get_queue_url(QueueName="dev-ndr-ingestion")["QueueUrl"]
    aws("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    gone = aws("sqs").get_queue_url(QueueName="dev-ndr-c360-dlq")["QueueUrl"]
    aws("sqs").delete_queue(QueueUrl=gone)
    topic = f"arn:aws:sns:{HERE}:dev-ndr-alarms"
    send = {**OTHERS, "Action": "sns:Publish", "Resource": topic}
    aws("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(send))
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=STRANGER)
    (own,) = (one for one in subscriptions(aws("sns"), topic).items() if one[0] == SUBSCRIBER)
    aws("sns").unsubscribe(SubscriptionArn=own[1])
    aws("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "environment", "Value": "prod"}]})
    aws("sqs").tag_queue(QueueUrl=url, Tags={"by": "hand"})
    aws("logs").put_retention_policy(logGroupName="/aws/vendedlogs/states/dev-ndr", retentionInDays=3)
    return {
        ("bucket", bucket, "Policy.Statement"),
        ("bucket", landing, "VersioningConfiguration.Status"),
        ("table", "dev-batch_index", "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled"),
        ("queue", "dev-ndr-ingestion", "VisibilityTimeout"),
        ("queue", "dev-ndr-c360-dlq", ""),
        ("topic", "dev-ndr-alarms", "Policy"),
        ("topic", "dev-ndr-alarms", "subscriptions"),
        ("bucket", bucket, "Tags.environment"),
        ("queue", "dev-ndr-ingestion", "Tags.by"),
        ("log group", "/aws/vendedlogs/states/dev-ndr", "RetentionInDays"),
    }


def change_programs(deployer: Deployer) -> set[Place]:
    """Changes one thing of each kind that does something; says what."""
    aws = deployer.local.client
    iam, read = aws("iam"), {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    iam.put_role_policy(RoleName="dev-ndr-handover", PolicyName="by-hand", PolicyDocument=policy(read))
    iam.delete_role_policy(RoleName="dev-ndr-backfill-reprocessing", PolicyName="work")
    readers = "arn:aws:iam::000000000000:policy/dev-ndr-page-readers"
    iam.attach_role_policy(RoleName="dev-ndr-training-orchestrator", PolicyArn=readers)
    iam.create_policy_version(PolicyArn=readers, PolicyDocument=policy(read), SetAsDefault=True)
    aws("lambda").update_function_configuration(FunctionName="dev-ndr-manifest-builder", MemorySize=1024)
    (source,) = aws("lambda").list_event_source_mappings(FunctionName="dev-ndr-manifest-builder")["EventSourceMappings"]
    aws("lambda").update_event_source_mapping(UUID=source["UUID"], BatchSize=3)
    job = aws("glue").get_job(JobName="dev-ndr-c360-clean")["Job"]
    wanted = {key: job[key] for key in ("Role", "Command", "DefaultArguments", "GlueVersion", "WorkerType")}
    more = {"NumberOfWorkers": 9, "Timeout": 480, "MaxRetries": 0, "JobRunQueuingEnabled": True}
    aws("glue").update_job(JobName="dev-ndr-c360-clean", JobUpdate={**wanted, **more})
    aws("events").disable_rule(Name="dev-ndr-batch-completed", EventBusName="dev-ndr")
    aws("events").remove_targets(Rule="dev-ndr-batch-object", Ids=["fifteen-minutes"])
    deployer.run("schedules", "resume", "--environment", "dev", "customer-360")
    cloudwatch = aws("cloudwatch")
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["dev-ndr-undelivered-events"])["MetricAlarms"]
    kept = ("AlarmName", "AlarmDescription", "AlarmActions", "OKActions", "Namespace", "MetricName", "Dimensions")
    limits = ("Statistic", "Period", "EvaluationPeriods", "ComparisonOperator", "TreatMissingData")
    cloudwatch.put_metric_alarm(**{key: alarm[key] for key in (*kept, *limits)}, Threshold=5)
    return {
        ("role", "dev-ndr-handover", "Policies.by-hand"),
        ("role", "dev-ndr-backfill-reprocessing", "Policies.work"),
        ("role", "dev-ndr-training-orchestrator", "ManagedPolicyArns"),
        ("policy", "policy/dev-ndr-page-readers", "PolicyDocument.Statement.Resource"),
        ("function", "dev-ndr-manifest-builder", "MemorySize"),
        ("event source", source["UUID"], "BatchSize"),
        ("Glue job", "dev-ndr-c360-clean", "NumberOfWorkers"),
        ("rule", "dev-ndr-batch-completed", "State"),
        ("rule", "dev-ndr-batch-object", "Targets"),
        ("schedule", "dev-ndr-customer-360", "State"),
        ("alarm", "dev-ndr-undelivered-events", "Threshold"),
    }


def change_parts(deployer: Deployer) -> set[Place]:
    """Changes machines, an alias and pipelines; says what."""
    states, sagemaker = deployer.states, deployer.local.client("sagemaker")
    arn = deployer.arn("dev-sfn_ndr_handover")
    definition = {**deployer.definition(arn), "TimeoutSeconds": 11}
    states.update_state_machine(
        stateMachineArn=arn, definition=json.dumps(definition), tracingConfiguration={"enabled": False}
    )
    states.publish_state_machine_version(stateMachineArn=deployer.arn(LIVE))
    found = json.loads(sagemaker.describe_pipeline(PipelineName="dev-ndr-page")["PipelineDefinition"])
    found["Parameters"] = [
        {**one, "DefaultValue": "ml.m5.4xlarge"} if one["Name"] == "InstanceType" else one
        for one in found["Parameters"]
    ]
    sagemaker.update_pipeline(PipelineName="dev-ndr-page", PipelineDefinition=json.dumps(found))
    sagemaker.delete_pipeline(PipelineName="dev-ndr-canary", ClientRequestToken="x" * 32)
    states.untag_resource(resourceArn=arn, tagKeys=["environment"])
    sagemaker.delete_tags(ResourceArn=f"arn:aws:sagemaker:{HERE}:pipeline/dev-ndr-alerts", TagKeys=["environment"])
    task = {"family": "dev-ndr-fg-b", "containerDefinitions": [{"name": "fg-b", "image": "ndr-fg-b"}]}
    other = [{"key": "environment", "value": "test"}]
    deployer.local.client("ecs").register_task_definition(**task, tags=other)
    return {
        ("machine", "dev-sfn_ndr_handover", "tag environment"),
        ("pipeline", "dev-ndr-alerts", "tag environment"),
        ("task", "dev-ndr-fg-b", "tag environment"),
        ("machine", "dev-sfn_ndr_handover", "definition.TimeoutSeconds"),
        ("machine", "dev-sfn_ndr_handover", "traces.enabled"),
        ("alias", f"{LIVE}:live", "version"),
        ("pipeline", "dev-ndr-page", "Parameters[InstanceType].DefaultValue"),
        ("pipeline", "dev-ndr-canary", ""),
    }


def change_project(deployer: Deployer) -> set[Place]:
    """Changes the parameters and schedules of a project; says what."""
    dynamodb, scheduler = deployer.local.client("dynamodb"), deployer.local.client("scheduler")
    (item,) = deployer.items("dev-project_parameters")
    settings = {**json.loads(item["settings"]["S"]), "log_time_zone": "UTC"}
    dynamodb.put_item(TableName="dev-project_parameters", Item={**item, "settings": {"S": json.dumps(settings)}})
    dynamodb.delete_item(TableName="dev-project_routing", Key={"org_key": {"S": "acme#apac"}})
    scheduler.delete_schedule(Name="dev-ndr-acme-training")
    found = scheduler.get_schedule(Name="dev-ndr-acme-grow")
    target = {**found["Target"], "Arn": found["Target"]["Arn"].removesuffix(":live")}
    kept = ("Name", "ScheduleExpression", "FlexibleTimeWindow", "State")
    scheduler.update_schedule(**{key: found[key] for key in kept}, Target=target)
    # when one runs is its people's
    deployer.run("schedules", "pause", "--environment", "dev", "acme-monthly-baselines")
    return {
        ("project", "acme", f"dev-project_parameters acme/{item['parameters']['S']} settings.log_time_zone"),
        ("project", "acme", "dev-project_routing acme#apac"),
        ("schedule", "dev-ndr-acme-training", ""),
        ("schedule", "dev-ndr-acme-grow", "target Arn"),
    }


def test_what_was_changed_by_hand_is_named_and_nothing_else(
    deployed: Deployer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    untouched = deployed.run("drift")
    assert (untouched.exit_code, untouched.output) == (0, "dev: nothing differs\n")

    changed = change_storage(deployed) | change_programs(deployed) | change_parts(deployed) | change_project(deployed)
    monkeypatch.setattr(environment, "FILES", tmp_path)
    (tmp_path / "dev.yaml").write_text(FILE)
    (tmp_path / "acme.yaml").write_text(yaml.safe_dump(PROJECT))
    with_logs = ("foundation", "tasks", "ingestion", "customer-360")
    changed |= {("stack", f"dev-ndr-{stack}", "parameter LogRetentionDays") for stack in with_logs}
    found = deployed.run("drift", "--environment", "dev", "--format", "json")
    rows = json.loads(found.output)
    assert found.exit_code == 1
    assert {(row["kind"], row["name"], row["place"]) for row in rows} == changed
    assert len(rows) == len(changed) + 1  # one subscription is missing, another one is too much
    assert all(row["remedy"] for row in rows)
    text = deployed.run("drift").output
    assert 'dev: schedule dev-ndr-customer-360: State: "ENABLED", not "DISABLED"\n' in text
    assert f"dev: {len(rows)} differs" in text
    assert {part.name for part in tag("dev-")} == {"dev-sfn_ndr_handover", "dev-ndr-alerts", "dev-ndr-fg-b"}
    assert untagged("dev-") == []


def test_an_environment_without_a_file_is_named(
    deployed: Deployer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "FILES", tmp_path)
    found = deployed.run("drift")
    assert (found.exit_code, 'dev: environment dev: null, not "a file"' in found.output) == (1, True)


def test_a_stack_that_was_not_made_is_named_and_what_is_made_of_it_is_not(
    aws_environment: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = {"Id": "x", "Status": "Enabled", "Unknown": "1"}
    properties = {"BucketName": "gone", "LifecycleConfiguration": {"Rules": [rule]}}
    broken = {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}}
    cloudformation = aws_environment.client("cloudformation")
    cloudformation.create_stack(StackName="gone-ndr-foundation", TemplateBody=json.dumps({"Resources": broken}))
    wait_for(
        lambda: (
            cloudformation.describe_stacks(StackName="gone-ndr-foundation")["Stacks"][0]["StackStatus"]
            == "ROLLBACK_COMPLETE"
        )
    )
    monkeypatch.setattr(environment, "FILES", tmp_path)
    (tmp_path / "gone.yaml").write_text("parts: [ndr]\n")
    found = Deployer(aws_environment).run("drift", "--environment", "gone")
    assert found.exit_code == 1
    assert 'gone: stack gone-ndr-foundation: status: "ROLLBACK_COMPLETE", not "complete"' in found.output
    assert 'gone: stack gone-ndr-roles: (absent), not "deployed"' in found.output
