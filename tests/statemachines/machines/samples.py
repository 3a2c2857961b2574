"""What the tests of the machines say and hear: placeholders filled in, messages, items, answers of services."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from common.config.dynamodb import project_item, routing_item
from common.config.orchestration import OrchestrationParameters
from statemachines.definitions import MACHINES, filled
from tests.statemachines.machines.walker import StateError

LIVE, HANDOVER, PUBLICATION, MONTHLY, TRAINING, BACKFILL, START, INGESTION, CUSTOMER_360 = (
    "sfn_ndr_15m_features_inference",
    "sfn_ndr_handover",
    "sfn_ndr_prediction_publication",
    "sfn_ndr_monthly_fg_b_baselines",
    "sfn_ndr_training_orchestrator",
    "sfn_ndr_backfill_reprocessing",
    "sfn_ndr_start_project",
    "sfn_ndjson_ingestion",
    "sfn_customer_360",
)
PLACEHOLDERS = {
    "PipelineName15m": "ndr-15m-streaming",
    "PipelineNameInference": "ndr-inference-predictions",
    "PipelineNamePredictionJoin": "ndr-prediction-feature-join",
    "PipelineNamePage": "ndr-page",
    "PipelineNameAlerts": "ndr-alerts",
    "PipelineNameMachineInventory": "ndr-machine-inventory-unload",
    "PipelineNameFGB": "ndr-fg-b-baseline",
    "PipelineNameIFTraining": "ndr-if-training",
    "PipelineNameBackfillHistoricalExtractor": "ndr-backfill-historical-extractor",
    "PipelineNameBackfillDelta": "ndr-delta-builder",
    "PipelineNameBackfill15m": "ndr-15m-streaming-fused",
    "Runner": "tasks",
    "TaskCluster": "ndr",
    "TaskLogGroup": "/ecs/ndr",
    "TaskFamilyPrefix": "ndr-",
    "TaskSubnets": "subnet-1,subnet-2",
    "TaskSecurityGroups": "sg-1",
    "TaskPublicIp": "DISABLED",
    "PredictionPublicationStateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:publication:live",
    "HandoverStateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:handover:live",
    "HandoverStepRoleArn": "arn:aws:iam::000000000000:role/ndr-handover-steps",
    "BackfillStateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:backfill:live",
    "MonthlyStateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:monthly:live",
    "TrainingStateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:training:live",
    "SchedulePrefix": "ndr",
    "ProjectRoutingTable": "project_routing",
    "ProjectParametersTable": "project_parameters",
    "ProcessingLockTable": "processing_lock",
    "PublicationLockTable": "publication_lock",
    "BatchIndexTable": "batch_index",
    "EventBusName": "ndr",
    "ArtifactsBucket": "ndr-artifacts",
    "IngestionBucketName": "ndr-ingestion",
    "FileTrackingTable": "file_tracking",
    "TrackingDays": "400",
    "ManifestBucketName": "ndr-manifests",
    "ParquetBucketName": "ndr-parquet",
    "NdjsonToParquetJobName": "ndr-ndjson-to-parquet",
    "IngestionAlertsTopicArn": "arn:aws:sns:us-east-1:000000000000:ndr-ingestion-alerts",
    "CleanJobName": "ndr-c360-clean",
    "StagingJobName": "ndr-c360-staging",
    "Customer360Bucket": "ndr-c360",
    "Customer360AlertsTopicArn": "arn:aws:sns:us-east-1:000000000000:ndr-c360-alerts",
}
DEFINITIONS: dict[str, dict[str, Any]] = {machine: json.loads(filled(machine, PLACEHOLDERS)) for machine in MACHINES}

POLLS = 2
LOOKS = 60
ATTEMPTS: dict[str, Any] = {
    name: POLLS for name in OrchestrationParameters.model_fields if name.endswith("_poll_attempts")
}
ORCHESTRATION = OrchestrationParameters(
    lake_uri="s3://lake/acme",
    ingestion_prefix="s3://ingestion/acme/emea",
    poll_seconds=30,
    runner="pipelines",
    page=True,
    alerts=True,
    **ATTEMPTS,
).model_dump(mode="json")
BATCH = "s3://ingestion/acme/emea/2026/03/10/0f3a"
LOCK = "acme#v1#2026-03-10T13:08:00Z#2026-03-10T13:23:00Z"
TASK_ARN = "arn:aws:ecs:us-east-1:000000000000:task/ndr/0123456789abcdef0123456789abcdef"
TASK_GROUP = f"ndr-{sha256(LOCK.encode()).hexdigest()[:32]}"
EXECUTION_ARN = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/{}/execution/abcdefghijkl"
RANGES = [
    {
        "range": f"20260310T{start}Z/20260310T{end}Z",
        "windows": windows,
        "start_ts_iso": f"2026-03-10T{start[:2]}:{start[2:]}:00Z",
        "end_ts_iso": f"2026-03-10T{end[:2]}:{end[2:]}:00Z",
    }
    for start, end, windows in (("1308", "1338", 2), ("1338", "1353", 1))
]
ENDS = ("13:23", "13:38", "13:53")
"""The ends of the windows of these ranges."""
MANIFEST = {
    "request_id": "r1",
    "project_name": "acme",
    "range": {"start": "2026-03-10T13:08:00Z", "end": "2026-03-10T14:08:00Z"},
    "window_count": len(ENDS),
    "range_count": len(RANGES),
    "gap_count": 1,
    "gaps": ["20260310T1353Z/20260310T1408Z"],
    "ignored": [],
    "windows_key": "backfill/acme/r1/windows.json",
}
MESSAGES: dict[str, dict[str, Any]] = {
    LIVE: {"batch_s3_path": f"{BATCH}/", "timestamp": "2026-03-10T13:23:11Z"},
    PUBLICATION: {
        "project_name": "acme",
        "feature_spec_version": "v1",
        "mini_batch_id": "0f3a",
        "batch_start_ts_iso": "2026-03-10T13:08:00Z",
        "batch_end_ts_iso": "2026-03-10T13:23:00Z",
        "content_id": "c1",
    },
    HANDOVER: {"project_name": "acme", "feature_spec_version": "v1"},
    MONTHLY: {"project_name": "acme", "time": "2026-03-01T00:30:00Z"},
    TRAINING: {"project_name": "acme", "time": "2026-03-02T06:30:00Z"},
    BACKFILL: {
        "project_name": "acme",
        "start_ts_iso": "2026-03-10T13:08:00Z",
        "end_ts_iso": "2026-03-10T13:53:00Z",
        "request_id": "r1",
    },
    # with an end, as the clock of the local AWS is another
    START: {"project_name": "acme", "grow_days": 9, "end_ts_iso": "2026-03-11T00:08:00Z"},
    INGESTION: {
        "manifest_id": "0f3a",
        "manifest_path": "s3://ndr-manifests/manifests/2026-03-10/0f3a.json",
        "date_prefix": "2026-03-10",
        "file_count": 2,
        "timestamp": "2026-03-10T13:23:11.000001Z",
        "attempt": 1,
    },
    CUSTOMER_360: {"time": "2026-03-11T02:00:00Z"},
}
STEPS = [
    {"StepName": "DeltaBuilderStep", "StepStatus": "Succeeded"},
    {"StepName": "FGABuilderStep", "StepStatus": "Failed", "FailureReason": "AlgorithmError: the disk is full"},
]
ITEMS = {
    "project_parameters": project_item("acme", "v1", {}, ORCHESTRATION),
    "project_routing": routing_item("acme", "emea", "acme", "v1", "s3://ingestion/acme/emea"),
}
FILE_KEYS = [f"a-2026-03-10-{number:03}.ndjson#{number:016x}" for number in range(2)]
ROUTED = {"route": {"S": "ndr"}, "organisation": {"S": "acme/emea"}}
PARQUET = "merged-parquet-2026-03-10/0f3a-00001-of-00001.parquet"


BACKFILLED = {
    "status": "SUCCEEDED",
    "done": ["20260309T0008Z/20260310T0008Z", "20260310T0008Z/20260310T2353Z"],
    "failed": [],
    "skipped": [{"range": "20260310T2353Z/20260311T0008Z", "reason": "no batch"}],
}
FOLDERS = ("2026/", "2026/03/", "2026/03/09/", "2026/03/10/")
"""The date folders of a project."""
SCHEDULE = {
    "Name": "ndr-acme-grow", "ScheduleExpression": "cron(30 2 * * ? *)", "ScheduleExpressionTimezone": "UTC",
    "FlexibleTimeWindow": {"Mode": "OFF"}, "State": "DISABLED", "Description": "What it is for",
    "Target": {"Arn": "arn:machine", "RoleArn": "arn:role", "Input": "{}"},
}  # fmt: skip


def folders(*names: str) -> dict[str, Any]:
    """What a list of the folders at one level returns."""
    return {"CommonPrefixes": [{"Prefix": f"acme/emea/{name}"} for name in names]}


def record(*keys: str, **attributes: Any) -> dict[str, Any]:
    """What an update of a manifest's record returns."""
    return {"Attributes": {"file_keys": {"L": [{"S": key} for key in keys]}, **attributes}}


def listed(*batches: str) -> dict[str, Any]:
    """What a query of the index returns of windows that each have these batches."""
    return {
        "Items": [
            {"batch_s3_path": {"S": path}, "batch_key": {"S": f"2026-03-10T{end}:00Z#{path.partition('//')[2]}"}}
            for end in ENDS
            for path in (f"{batch}-{end[-2:]}" for batch in batches)
        ]
    }


USUAL: dict[str, Any] = {
    "transactGetItems": {"Responses": [{"Item": {"lock_id": {"S": LOCK}, "run_count": {"N": "1"}}}]},
    "query": {"Items": [{"batch_s3_path": {"S": BATCH}, "batch_key": {"S": "k"}}], "Count": 1},
    "getObject": {"Body": json.dumps(MANIFEST)},
    "describeExecution": {"Status": "SUCCEEDED"},
    "getSchedule": SCHEDULE,
    "startExecution": {"ExecutionArn": "arn:execution", "StartDate": "2026-03-10T13:23:11Z"},
    "listTasks": {"TaskArns": []},
    "getLogEvents": {"Events": [{"Message": "started"}, {"Message": "error: the disk is full"}]},
    "putEvents": {"Entries": [{"EventId": "e1"}], "FailedEntryCount": 0},
    "listObjectsV2": {"Contents": [{"Key": "acme/emea/2026/03/10/0f3a/part-0.csv"}], "KeyCount": 1},
    "2": {"Output": {"status": "SUCCEEDED", "publication_id": "p1", "publication_target": "lake"}},
}


def ended_task(
    exit_code: int | None, reason: str = "Essential container in task exited", **more: Any
) -> dict[str, Any]:
    """What Step Functions says of a task that has ended; one without an exit code was not started."""
    exited = {} if exit_code is None else {"ExitCode": exit_code}
    container = {"Name": "ndr-15m", "LastStatus": "STOPPED", **exited, **more}
    return {"TaskArn": TASK_ARN, "LastStatus": "STOPPED", "StoppedReason": reason, "Containers": [container]}


TASK_FAILED = StateError("States.TaskFailed", json.dumps(ended_task(1)))
TAKEN_RANGE = StateError("DynamoDb.TransactionCanceledException", "[ConditionalCheckFailed, None]")
TAKEN = StateError("DynamoDB.ConditionalCheckFailedException", "The conditional request failed")
