"""Steps, jobs, tasks and functions work with their own role, and with nothing else."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from localaws.credential import Credential
from localaws.server.settings import REGION
from tests.localaws.authorization.roles import HERE, allow, permit, role_of
from tests.localaws.running import unique, wait_for
from tests.localaws.services.sagemaker.pipelines import END, definition, step
from tests.localaws.services.test_ecs import NETWORK
from tests.localaws.services.test_ecs import finish as finish_task
from tests.localaws.services.test_glue import finish as finish_run

JOBS = f"arn:aws:sagemaker:{HERE}:processing-job/*"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/ndr-probe:1"
MAKING = [allow([f"sagemaker:{verb}" for verb in ("CreateProcessingJob", "AddTags", "DescribeProcessingJob")], JOBS)]
PULL = [
    allow("ecr:GetAuthorizationToken", "*"),
    allow(
        ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"],
        f"arn:aws:ecr:{HERE}:repository/ndr-probe",
    ),
]


def pass_on(role: str) -> dict[str, Any]:
    return allow("iam:PassRole", role, Condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}})


def run_step(local: LocalAws, pipeline_role: str, role: str, *arguments: str) -> tuple[str, str]:
    """The status of a pipeline's only step, and why it failed or what it printed."""
    client, name = local.client("sagemaker"), unique("pipeline")
    one = step("One", "ndr-probe", *arguments, RoleArn=role)
    one["Arguments"]["AppSpecification"]["ImageUri"] = IMAGE
    client.create_pipeline(PipelineName=name, PipelineDefinition=definition(one), RoleArn=pipeline_role)
    arn = client.start_pipeline_execution(PipelineName=name, ClientRequestToken="t" * 32)["PipelineExecutionArn"]
    wait_for(lambda: client.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"] in END)
    (done,) = client.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    log = local.home / "logs" / name / arn.rpartition("/")[2] / "One.log"
    return done["StepStatus"], done.get("FailureReason") or log.read_text().strip()


def test_a_step_works_with_its_role(guarded: LocalAws) -> None:
    role = role_of(guarded, "sagemaker", *PULL)
    pipeline = role_of(guarded, "sagemaker", *MAKING, pass_on(role))
    status, said = run_step(guarded, pipeline, role)
    assert (status, said) == (
        "Succeeded",
        f"arn:aws:sts::000000000000:assumed-role/{role.rpartition('/')[2]}/One",
    )


@pytest.mark.slow
def test_a_step_may_what_its_role_permits_and_nothing_else(guarded: LocalAws) -> None:
    name = unique("thing")
    calls = [
        ("s3", "list_objects_v2", {"Bucket": name}, "s3:ListBucket", f"arn:aws:s3:::{name}"),
        (
            "dynamodb", "describe_table", {"TableName": name}, "dynamodb:DescribeTable",
            f"arn:aws:dynamodb:{HERE}:table/{name}",
        ),
        (
            "sagemaker", "describe_endpoint", {"EndpointName": name}, "sagemaker:DescribeEndpoint",
            f"arn:aws:sagemaker:{HERE}:endpoint/{name}",
        ),
        ("redshift-data", "describe_statement", {"Id": "0" * 36}, "redshift-data:DescribeStatement", "*"),
        ("sqs", "get_queue_url", {"QueueName": name}, "sqs:GetQueueUrl", f"arn:aws:sqs:{HERE}:{name}"),
    ]  # fmt: skip
    over_tls = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{name}",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip
    guarded.client("s3").create_bucket(Bucket=name)
    guarded.client("s3").put_bucket_policy(Bucket=name, Policy=json.dumps({"Statement": [over_tls]}))
    role = role_of(guarded, "sagemaker", *PULL, *(allow(action, f"{arn}-other") for *_, action, arn in calls))
    pipeline = role_of(guarded, "sagemaker", *MAKING, pass_on(role))
    words = [word for service, operation, given, *_ in calls for word in (service, operation, json.dumps(given))]
    refused = run_step(guarded, pipeline, role, *words)[1].splitlines()
    assert len(refused) == len(calls)
    for said, (*_, action, _) in zip(refused, calls, strict=True):
        assert said.startswith("AccessDenied") and f"is not authorized to perform: {action}" in said
    permit(guarded, role.rpartition("/")[2], *PULL, *(allow(action, arn) for *_, action, arn in calls))
    found = run_step(guarded, pipeline, role, *words)[1].splitlines()  # mostly nothing of that name
    assert len(found) == len(calls) and not [said for said in found if "AccessDenied" in said]
    assert found[0] == "done"  # of the bucket, which takes requests over TLS only


@pytest.mark.parametrize("missing", ["AddTags", "CreateProcessingJob", "DescribeProcessingJob", "PassRole"])
def test_a_pipeline_needs_the_right_to_make_jobs_and_to_pass_their_role(guarded: LocalAws, missing: str) -> None:
    role = role_of(guarded, "sagemaker", *PULL)
    wanted = [*(allow(action, JOBS) for action in MAKING[0]["Action"]), pass_on(role)]
    kept = [one for one in wanted if not one["Action"].endswith(missing)]
    pipeline = role_of(guarded, "sagemaker", *kept)
    status, why = run_step(guarded, pipeline, role)
    assert status == "Failed"
    assert why.startswith("ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: User: ")
    assert f"assumed-role/{pipeline.rpartition('/')[2]}/SageMaker is not authorized to perform: " in why
    assert f"{missing} on resource: " in why


def test_a_step_needs_its_image_and_a_role_that_trusts_sagemaker(guarded: LocalAws) -> None:
    without = role_of(guarded, "sagemaker")
    untrusting = role_of(guarded, "lambda", *PULL)
    pipeline = role_of(guarded, "sagemaker", *MAKING, pass_on(without), pass_on(untrusting))
    assert "not authorized to perform: ecr:" in run_step(guarded, pipeline, without)[1]
    _, why = run_step(guarded, pipeline, untrusting)
    assert f"Could not assume role {untrusting}. Please ensure that the role exists" in why


def test_credentials_are_of_one_process_and_end_with_it(guarded: LocalAws) -> None:
    role = role_of(guarded, "glue", allow("s3:GetObject", "arn:aws:s3:::code/*"))
    client, name = guarded.client("glue"), unique("job")
    command = {"Name": "glueetl", "ScriptLocation": "s3://code/ndr_say.py"}
    client.create_job(Name=name, Role=role, Command=command)
    runs = [finish_run(guarded, name, client.start_job_run(JobName=name)["JobRunId"])["Id"] for _ in range(2)]
    logs = [guarded.home / "logs" / "glue" / name / f"{run}.log" for run in runs]
    said = [log.read_text().split() for log in logs]
    own = Credential.of(guarded.home)
    assert not {*said[0]} & {*said[1], own.key_id, own.secret}
    key_id, secret, token = said[0]
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        boto3.client(
            "sts", endpoint_url=guarded.endpoint, region_name=REGION, aws_access_key_id=key_id,
            aws_secret_access_key=secret, aws_session_token=token,
        ).get_caller_identity()  # fmt: skip


def test_a_glue_job_needs_its_script_and_a_role_that_trusts_glue(guarded: LocalAws) -> None:
    client = guarded.client("glue")
    command = {"Name": "glueetl", "ScriptLocation": "s3://code/ndr_say.py"}
    modules = {"--additional-python-modules": "s3://code/ndr.whl,pycountry==1"}
    for role, said in (
        (role_of(guarded, "glue", allow("s3:GetObject", "arn:aws:s3:::code/*.whl")), "code/ndr_say.py"),
        (role_of(guarded, "glue", allow("s3:GetObject", "arn:aws:s3:::code/*.py")), "s3:::code/ndr.whl"),
        (role_of(guarded, "states", allow("s3:GetObject", "*")), "Service is unable to assume provided role."),
    ):
        name = unique("job")
        client.create_job(Name=name, Role=role, Command=command, DefaultArguments=modules)
        with pytest.raises(ClientError, match=said):
            client.start_job_run(JobName=name)


def test_a_task_works_with_its_role_and_ecs_with_its_own(guarded: LocalAws) -> None:
    client, cluster, group = guarded.client("ecs"), unique("tasks"), unique("/ecs/")
    guarded.client("logs").create_log_group(logGroupName=group)
    client.create_cluster(clusterName=cluster)
    logs = allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"arn:aws:logs:{HERE}:log-group:{group}:*")
    role = role_of(guarded, "ecs-tasks")

    def define(execution: str) -> None:
        options = {"awslogs-group": group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ndr"}
        container = {"name": "stage", "image": IMAGE, "logConfiguration": {"logDriver": "awslogs", "options": options}}
        client.register_task_definition(
            family=cluster, taskRoleArn=role, executionRoleArn=execution, containerDefinitions=[container]
        )

    for statements, said in (([logs], "ecr:GetAuthorizationToken"), (PULL, "logs:CreateLogStream")):
        define(role_of(guarded, "ecs-tasks", *statements))
        with pytest.raises(ClientError, match=said):
            client.run_task(cluster=cluster, taskDefinition=cluster, networkConfiguration=NETWORK)
    define(role_of(guarded, "ecs-tasks", logs, *PULL))
    arn = client.run_task(cluster=cluster, taskDefinition=cluster, networkConfiguration=NETWORK)["tasks"][0]["taskArn"]
    assert finish_task(guarded, cluster, arn)["containers"][0]["exitCode"] == 0
    log = (guarded.home / "logs" / "ecs" / cluster / f"{arn.rpartition('/')[2]}.log").read_text()
    assert f"assumed-role/{role.rpartition('/')[2]}/" in log
