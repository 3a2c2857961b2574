"""The template fits the definitions: placeholders, permissions, pipelines and their parameters, names of the states."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from statemachines.definitions import FOLDER, MACHINES, definition_of, filled, placeholders, states_of, text_of
from statemachines.deploy.schedules import OF_LAKES, OF_PROJECTS
from tests.statemachines.template import HERE, Permission, Template, needed, noted, permitted

PIPELINES = FOLDER.parent / "pipelines" / "definitions"
FORMS = Template().raw["Parameters"]["PipelineName15mParameter"]["AllowedValues"]
WITHOUT_PIPELINES = ("sfn_ndjson_ingestion", "sfn_customer_360")
GIVEN_AT_DEPLOYMENT = {
    "RoleArn": "ndr-pipelines upsert makes the role of its option the default",
    "ImageRegistry": "ndr-pipelines upsert makes that of the last push the default",
    "ImageTag": "ndr-pipelines upsert makes that of the last push the default",
}
WILDCARDS = {
    f"arn:aws:sagemaker:{HERE}:pipeline/ndr-*/execution/*": "executions have made-up names; ours are those of ndr-*",
    "arn:aws:s3:::ndr-artifacts-000000000000-us-east-1/backfill/*": "each backfill has a folder of its own",
    "arn:aws:s3:::ndr-artifacts-000000000000-us-east-1/batches/*": "each window has a list of its own",
    "arn:aws:s3:::ndr-artifacts-000000000000-us-east-1/training/*": "each execution has a list of its own",
    f"arn:aws:states:{HERE}:stateMachine:sfn_ndr_prediction_publication*": "the machine, its versions and its alias",
    f"arn:aws:states:{HERE}:execution:sfn_ndr_prediction_publication*": "executions have made-up names",
    f"arn:aws:states:{HERE}:stateMachine:sfn_ndr_backfill_reprocessing*": "the machine and the maps in it",
    f"arn:aws:states:{HERE}:execution:sfn_ndr_backfill_reprocessing*": "executions of the maps have made-up names",
    **{
        f"arn:aws:states:{HERE}:{kind}:{machine}*": reason
        for machine in ("sfn_ndr_monthly_fg_b_baselines", "sfn_ndr_training_orchestrator")
        for kind, reason in (
            ("stateMachine", "the machine, its versions and its alias"),
            ("execution", "made-up names"),
        )
    },
    f"arn:aws:states:{HERE}:execution:sfn_ndr_start_project*": "executions have made-up names",
    f"arn:aws:states:{HERE}:stateMachine:sfn_ndr_handover*": "the machine, its versions and its alias",
    f"arn:aws:scheduler:{HERE}:schedule/default/ndr-*": "each project has schedules of its own",
    "arn:aws:s3:::ndr-parquet-000000000000-us-east-1/merged-parquet-*": "each date has a folder of its own",
    "arn:aws:s3:::ndr-ingestion-000000000000-us-east-1/*/_BATCH.json": "each batch has a time of its own",
    "arn:aws:s3:::ndr-ingestion-000000000000-us-east-1/fw_paloalto/*": "each batch has a folder of its own",
}
"""Resources of the machines' roles that stand for more than one thing, and why."""

OF_ALL = {
    *(f"logs:{verb}LogDelivery" for verb in ("Create", "Get", "Update", "Delete")),
    *("logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"),
    *("xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"),
}
"""What every machine does for its logs and traces; none of it has a resource to name."""

EARLIER = {
    "sfn_ndr_backfill_reprocessing": {
        ("sagemaker:StartPipelineExecution", f"arn:aws:sagemaker:{HERE}:pipeline/ndr-15m-streaming")
    }
}
"""What versions of machines need that were published by earlier releases, and may be live again."""


def definition(machine: str, **parameters: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(filled(machine, Template(**parameters).outputs))
    return parsed


@pytest.mark.parametrize("machine", MACHINES)
def test_every_placeholder_is_an_output(machine: str) -> None:
    assert placeholders(text_of(machine)) - set(Template().outputs) == set()


def test_every_output_is_used() -> None:
    used = {name for machine in MACHINES for name in placeholders(text_of(machine))} | set(MACHINES.values())
    deployment = {"StateMachineLogGroupArn", "PipelineRoleArn", "ServingRoleArn", "LakeBucketName"}
    deployment |= {"LandingBucketName", "IngestionQuarantineBucketName", "IngestionQueueUrl", "ManifestBuilderName"}
    deployment |= {"IngestionDeadLetterQueueUrl", "Customer360ScheduleName", "SnowflakeRoleArn"}
    deployment |= {"TaskExecutionRoleArn", "StarterRoleArn", "SchedulesState", "MachineArnPrefix"}
    deployment |= {"DeliveriesQueueUrl", "DeliveriesDeadLetterQueueUrl", "Customer360Bucket", "CanaryAlarmsTopicArn"}
    assert set(Template().outputs) == used | deployment


def needed_in(machine: str, form: str) -> set[Permission]:
    """What a version of the machine needs that was published with this form of the 15-minute pipeline."""
    # the other form may have been deployed when a lock was taken
    pipelines = noted(definition(name, PipelineName15mParameter=each) for name in MACHINES for each in FORMS)
    return needed(definition(machine, PipelineName15mParameter=form), machine, pipelines)


def permitted_in(machine: str, **parameters: str) -> set[Permission]:
    """What the role of the machine permits in a stack with these parameters."""
    template = Template(**parameters)
    found = template.always_permitted(template.role_name(template.outputs[MACHINES[machine]]))
    return {(action, resource) for action, resource in found if action not in OF_ALL}


@pytest.mark.slow
@pytest.mark.parametrize("chosen", FORMS)
@pytest.mark.parametrize("machine", MACHINES)
def test_a_role_permits_exactly_what_the_versions_of_its_machine_do(machine: str, chosen: str) -> None:
    wanted = set().union(*(needed_in(machine, form) for form in FORMS)) | EARLIER.get(machine, set())
    allowed = permitted_in(machine, PipelineName15mParameter=chosen)
    assert (wanted - allowed, allowed - wanted) == (set(), set())


@pytest.mark.slow
@pytest.mark.parametrize("chosen", FORMS)
@pytest.mark.parametrize("published", FORMS)
@pytest.mark.parametrize("machine", MACHINES)
def test_a_version_and_its_executions_keep_their_rights_when_the_form_changes(
    machine: str, published: str, chosen: str
) -> None:
    allowed = permitted_in(machine, PipelineName15mParameter=chosen)
    for running in FORMS:
        execution = f"pipeline/{running}/execution/0123456789ab"
        for action, resource in needed_in(machine, published):
            place = resource.replace("pipeline/ndr-*/execution/*", execution)
            assert any(action == own and fnmatchcase(place, pattern) for own, pattern in allowed), (action, place)


@pytest.mark.slow
@pytest.mark.parametrize("machine", MACHINES)
def test_no_parameter_but_the_prefix_of_names_changes_a_role(machine: str) -> None:
    allowed = permitted_in(machine)
    for name, given in Template().raw["Parameters"].items():
        for value in given.get("AllowedValues", [f"{given.get('Default', '')}9"]):
            if name not in ("NamePrefix", "Environment"):
                assert permitted_in(machine, **{name: str(value)}) == allowed, (name, value)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_role_names_its_resources(machine: str) -> None:
    template = Template()
    arn = template.outputs[MACHINES[machine]]
    assert {resource for _, resource in permitted_in(machine) if "*" in resource} <= set(WILDCARDS)
    always = template.always_permitted(template.role_name(arn))
    assert {(action, "*") for action in OF_ALL} == {found for found in always if found[1] == "*"}
    role = template.roles()[arn]
    assert "ManagedPolicyArns" not in role
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "states.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "000000000000"}}


def test_every_wildcard_is_in_use() -> None:
    found = {resource for machine in MACHINES for _, resource in permitted_in(machine) if "*" in resource}
    assert found == set(WILDCARDS)


def test_everything_that_starts_machines_names_their_alias_and_may_start_them() -> None:
    template = Template()
    targets = [
        *(
            target["Arn"]
            for rule in ("BatchCompletedRule", "BatchObjectRule")
            for target in template.resource(rule)["Targets"]
        ),
        *(f"{template.outputs['MachineArnPrefix']}{machine}:live" for _, machine, _ in OF_PROJECTS.values()),
    ]
    starter = permitted(template.resource("StarterRole"))
    of_lakes = {pipeline for _, pipeline, _ in OF_LAKES.values()}
    pipelines = {("sagemaker:StartPipelineExecution", f"arn:aws:sagemaker:{HERE}:pipeline/{name}") for name in of_lakes}
    starts = starter - pipelines
    assert pipelines <= starter and all((PIPELINES / f"{name}.json").exists() for name in of_lakes)
    assert {action for action, _ in starts} == {"states:StartExecution"}
    for target in targets:
        machine, alias = target.split(":")[6:]
        assert (machine in MACHINES, alias) == (True, "live")
        assert ("states:StartExecution", f"arn:aws:states:{HERE}:stateMachine:{machine}*") in starter
    assert len(starts) == len(set(targets))


def test_a_canary_that_failed_is_told_to_a_topic_that_only_its_rule_may_use() -> None:
    template = Template()
    rule, policy = template.resource("CanaryFailedRule"), template.resource("CanaryAlarmsPolicy")
    detail = rule["EventPattern"]["detail"]
    assert detail["pipelineArn"] == [f"arn:aws:sagemaker:{HERE}:pipeline/ndr-canary"]
    assert detail["currentPipelineExecutionStatus"] == ["Failed", "Stopped"]
    (target,), (statement,) = rule["Targets"], policy["PolicyDocument"]["Statement"]
    assert target["Arn"] == statement["Resource"] == policy["Topics"][0] == f"arn:aws:sns:{HERE}:ndr-canary-alarms"
    assert (statement["Principal"], statement["Action"]) == ({"Service": "events.amazonaws.com"}, "sns:Publish")


def test_the_schedule_of_customer_360_starts_its_machine_and_nothing_else() -> None:
    template = Template()
    target = template.resource("DailySchedule")["Target"]
    arn = f"arn:aws:states:{HERE}:stateMachine:sfn_customer_360"
    assert target["Arn"] == f"{arn}:live"
    assert permitted(template.resource("ScheduleRole")) == {("states:StartExecution", f"{arn}*")}
    assert json.loads(target["Input"]) == {"time": "<aws.scheduler.scheduled-time>"}


def test_snowflake_reads_staging_only_and_gives_its_external_id() -> None:
    role = Template(SnowflakeUserArn="arn:aws:iam::1:user/x", SnowflakeExternalId="e1").resource("SnowflakeRole")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"AWS": "arn:aws:iam::1:user/x"}
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": "e1"}}
    bucket = "arn:aws:s3:::ndr-c360-000000000000-us-east-1"
    assert permitted(role) == {
        ("s3:GetObject", f"{bucket}/staging/*"),
        ("s3:GetObjectVersion", f"{bucket}/staging/*"),
        ("s3:ListBucket", bucket),
        ("s3:GetBucketLocation", bucket),
    }
    (listing,) = (one for one in role["Policies"][0]["PolicyDocument"]["Statement"] if one["Action"] == "s3:ListBucket")
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "staging/*"}}


def test_no_role_of_customer_360_writes_where_another_one_does() -> None:
    template = Template()
    writers: dict[str, list[str]] = {}
    for name in ("ValidateRole", "CleanRole", "StagingRole", "Customer360Role"):
        for action, resource in permitted(template.resource(name)):
            if action == "s3:PutObject":
                writers.setdefault(resource.rsplit("/", 2)[1], []).append(name)
    assert writers == {
        "archive": ["ValidateRole"],
        "rejected": ["ValidateRole"],
        "clean": ["CleanRole"],
        "staging": ["StagingRole"],
    }


def test_the_jobs_of_customer_360_run_one_at_a_time_and_install_what_is_locked() -> None:
    template = Template()
    for name in ("CleanJob", "StagingJob"):
        job = template.resource(name)
        assert (job["ExecutionProperty"], job["JobRunQueuingEnabled"]) == ({"MaxConcurrentRuns": 1}, True)
    modules = template.resource("CleanJob")["DefaultArguments"]["--additional-python-modules"].split(",")[1:]
    locked = (FOLDER.parent / "requirements" / "image-c360.txt").read_text()
    assert [module for module in modules if f"\n{module} " not in locked] == []
    assert {module.partition("==")[0] for module in modules} == {"phonenumbers", "pycountry"}


def test_steps_may_make_endpoints_of_ours_and_pass_their_role() -> None:
    template = Template()
    arn = f"arn:aws:sagemaker:{HERE}"
    step = permitted(template.resource("TrainingStepRole"))
    # each call of jobs/if_training/endpoint.py, by the resources that it is checked against
    assert {found for found in step if re.search("Model|Endpoint|ForExecution", found[0])} == {
        ("sagemaker:DescribePipelineDefinitionForExecution", f"{arn}:pipeline/ndr-if-training/execution/*"),
        ("sagemaker:ListPipelineParametersForExecution", f"{arn}:pipeline/ndr-if-training/execution/*"),
        ("sagemaker:CreateModel", f"{arn}:model/ndr-*"),
        ("sagemaker:CreateEndpointConfig", f"{arn}:endpoint-config/ndr-*"),
        ("sagemaker:CreateEndpoint", f"{arn}:endpoint-config/ndr-*"),
        ("sagemaker:CreateEndpoint", f"{arn}:endpoint/ndr-*"),
        ("sagemaker:DescribeEndpoint", f"{arn}:endpoint/ndr-*"),
        ("sagemaker:UpdateEndpoint", f"{arn}:endpoint-config/ndr-*"),
        ("sagemaker:UpdateEndpoint", f"{arn}:endpoint/ndr-*"),
    }
    assert {role for action, role in step if action == "iam:PassRole"} == {template.outputs["ServingRoleArn"]}
    (trust,) = template.resource("ServingRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}


def test_an_endpoint_reads_models_and_writes_nothing_but_logs() -> None:
    found = permitted(Template().resource("ServingRole"))
    lake = "arn:aws:s3:::ndr-lake-000000000000-us-east-1"
    assert {each for each in found if each[0].startswith("s3:")} == {
        ("s3:GetObject", f"{lake}/*models/*"),
        ("s3:ListBucket", lake),
    }
    assert {action.partition(":")[0] for action, _ in found} == {"s3", "logs", "ecr", "cloudwatch"}
    assert ("ecr:BatchGetImage", f"arn:aws:ecr:{HERE}:repository/ndr-serve") in found


def test_what_hands_a_window_over_writes_pages_and_what_was_handed_over_only() -> None:
    found = Template().always_permitted("HandoverStepRole")
    lake, artifacts = (f"arn:aws:s3:::ndr-{name}-000000000000-us-east-1" for name in ("lake", "artifacts"))
    written = {resource for action, resource in found if action in ("s3:PutObject", "s3:DeleteObject")}
    assert written == {f"{artifacts}/page/*", f"{lake}/*handovers/*", f"{lake}/*_scratch*"}
    assert {resource for action, resource in found if action == "s3:GetObject"} == {f"{lake}/*"}
    secrets = {resource for action, resource in found if action.startswith("secretsmanager:")}
    assert secrets == {f"arn:aws:secretsmanager:{HERE}:secret:ndr/alerts/*"}
    assert {action for action, _ in found if action.startswith("dynamodb:")} == {"dynamodb:GetItem"}
    readers = Template().resource("PageReadersPolicy")["PolicyDocument"]["Statement"]
    assert [(one["Action"], one["Resource"]) for one in readers] == [("s3:GetObject", f"{artifacts}/page/*")]


def test_the_buckets_that_are_named_are_read_and_complete_batches() -> None:
    one, two = "arn:aws:s3:::logs-of-acme", "arn:aws:s3:::more.logs"
    template = Template(LogBuckets=f"{one},{two}")
    listed = {("s3:ListBucket", one), ("s3:ListBucket", two)}
    assert template.policies_of("StartProjectRole") == listed
    times = {("s3:GetObject", f"{bucket}/*/_BATCH.json") for bucket in (one, two)}
    assert template.policies_of("FifteenMinutesRole") == listed | times
    assert template.policies_of("StepRole") == {
        *listed,
        ("s3:GetObject", f"{one}/*"),
        ("s3:GetObject", f"{two}/*"),
    }
    own = "arn:aws:s3:::ndr-ingestion-000000000000-us-east-1"
    assert template.resource("BatchObjectRule")["EventPattern"]["resources"] == [own, one, two]
    assert Template().resource("BatchObjectRule")["EventPattern"]["resources"] == [own]
    for role in ("StepRole", "FifteenMinutesRole", "StartProjectRole"):
        assert Template().policies_of(role) == set()


def test_steps_may_attach_containers_to_a_vpc_where_it_is_wanted() -> None:
    found = Template(StepsInVpc="true").policies_of("StepRole")
    changing = {each for each in found if "Describe" not in each[0]}
    assert {resource for _, resource in changing} == {
        f"arn:aws:ec2:{HERE}:{kind}/*" for kind in ("network-interface", "security-group", "subnet")
    }
    assert {action.removeprefix("ec2:") for action, _ in found - changing} == {
        f"Describe{kind}" for kind in ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
    }
    assert Template().policies_of("StepRole") == set()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("machine", [machine for machine in MACHINES if machine not in WITHOUT_PIPELINES])
def test_what_is_passed_to_a_pipeline_is_what_it_declares(machine: str, form: str) -> None:
    started = [
        state["Arguments"]
        for _, state in states_of(definition(machine, PipelineName15mParameter=form))
        if state.get("Resource", "").endswith(":startPipelineExecution")
    ]
    assert started
    for arguments in started:
        path = PIPELINES / f"{arguments['PipelineName']}.json"
        declared = {entry["Name"]: entry for entry in json.loads(path.read_text())["Parameters"]}
        given = [entry["Name"] for entry in arguments["PipelineParameters"]]
        needing = {name for name, entry in declared.items() if "DefaultValue" not in entry} - set(GIVEN_AT_DEPLOYMENT)
        assert len(given) == len(set(given))
        assert (set(given) - set(declared), needing - set(given)) == (set(), set()), path.stem
        assert {declared[name]["Type"] for name in given} == {"String"}, path.stem


def test_both_forms_of_the_15_minute_pipeline_may_be_chosen() -> None:
    assert FORMS == ["ndr-15m-streaming", "ndr-15m-streaming-fused"]
    assert all((PIPELINES / f"{form}.json").exists() for form in FORMS)


@pytest.mark.parametrize("machine", MACHINES)
def test_the_state_names_of_the_design_exist(machine: str) -> None:
    names = {path.rpartition("/")[2] for path, _ in states_of(definition_of(machine))}
    assert set(DESIGNED[machine].split()) - names == set()


DESIGNED = {
    "sfn_ndr_15m_features_inference": """NormalizeIncomingMessage ParseIncomingProjectContext BatchCompletionEventChoice
        IgnoreNonBatchCompletionEvent LoadProjectRoutingFromDynamo LoadProjectParametersFromDynamo
        ResolvePipelineRuntimeParams AcquireMiniBatchLock DuplicateMiniBatch Start15mFeaturesPipeline
        Describe15mFeaturesPipeline FeaturesPipelineStatusChoice WaitBeforeDescribe15mFeatures
        IncrementFeaturesPollAttempt StartInferencePipeline DescribeInferencePipeline InferencePipelineStatusChoice
        WaitBeforeDescribeInference IncrementInferencePollAttempt StartPredictionPublicationWorkflow
        ReleaseMiniBatchLockOnSuccess ReleaseMiniBatchLockOnFailure WorkflowFailed Success""",
    "sfn_ndr_prediction_publication": """NormalizeIncomingMessage ParseIncomingProjectContext
        LoadProjectParametersFromDynamo ResolvePipelineRuntimeParams AcquirePublicationLock StartPredictionJoinPipeline
        DescribeJoinPipeline JoinPipelineStatusChoice WaitBeforeJoinDescribe IncrementJoinPollAttempt
        MarkPublicationSucceeded MarkPublicationFailed DuplicatePublicationSuppressed EmitPublicationEvent
        WorkflowFailed""",
    "sfn_ndr_handover": """AcquireHandoverLock HandoverIncluded StartAlertsPipeline StartPagePipeline
        MarkHandoverSucceeded MarkHandoverFailed WorkflowFailed""",
    "sfn_ndr_monthly_fg_b_baselines": """NormalizeIncomingMessage ParseIncomingProjectContext
        LoadProjectParametersFromDynamo ResolvePipelineRuntimeParams StartMachineInventoryRefresh
        DescribeInventoryPipeline InventoryPipelineStatusChoice WaitBeforeInventoryDescribe
        IncrementInventoryPollAttempt StartFGBBaselinePipeline DescribeFGBPipeline FGBPipelineStatusChoice
        WaitBeforeFGBDescribe IncrementFGBPollAttempt EmitBaselineReadyEvent WorkflowFailed""",
    "sfn_ndr_training_orchestrator": """NormalizeIncomingMessage ParseIncomingProjectContext
        LoadProjectParametersFromDynamo ResolvePipelineRuntimeParams StartTrainingPipeline DescribeTrainingPipeline
        TrainingPipelineStatusChoice WaitBeforeTrainingDescribe IncrementTrainingPollAttempt WorkflowFailed Success""",
    "sfn_ndr_backfill_reprocessing": """NormalizeIncomingMessage ParseIncomingProjectContext
        LoadProjectParametersFromDynamo ResolvePipelineRuntimeParams StartHistoricalWindowsExtractorPipeline
        DescribeHistoricalWindowsExtractor ExtractorPipelineStatusChoice WaitBeforeExtractorDescribe
        IncrementExtractorPollAttempt ResolveBackfillWindows RunBackfillWindows StartBackfillPipeline
        EmitBackfillReconciliationEvent WorkflowFailed""",
    "sfn_ndr_start_project": "NormalizeIncomingMessage ParseIncomingProjectContext WorkflowFailed Success",
    "sfn_ndjson_ingestion": """UpdateStatusProcessing StartGlueJob UpdateStatusCompleted UpdateStatusFailed
        SendFailureAlert WorkflowFailed""",
    "sfn_customer_360": "GlueJobA GlueJobB SendFailureAlert WorkflowFailed",
}
