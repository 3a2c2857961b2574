"""Situations of each machine: a message, and what the calls answer, by hand where a rule needs something of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from common.config.dynamodb import project_item
from tests.statemachines.machines.answers import Situation, tasks
from tests.statemachines.machines.samples import (
    BACKFILL,
    BACKFILLED,
    BATCH,
    CUSTOMER_360,
    DEFINITIONS,
    ENDS,
    EXECUTION_ARN,
    FILE_KEYS,
    HANDOVER,
    INGESTION,
    ITEMS,
    LIVE,
    LOCK,
    LOOKS,
    MANIFEST,
    MESSAGES,
    MONTHLY,
    ORCHESTRATION,
    PARQUET,
    PUBLICATION,
    RANGES,
    ROUTED,
    START,
    TAKEN,
    TAKEN_RANGE,
    TASK_ARN,
    TASK_FAILED,
    TASK_GROUP,
    TRAINING,
    listed,
    record,
)
from tests.statemachines.machines.walker import Response, StateError

MANY_WINDOWS = [f"2026031{day}T{hour:02}08Z" for day in (0, 1) for hour in range(24)]


def situations(machine: str) -> Iterator[Situation]:
    """The usual way first, then one for each rule that another way needs."""
    usual = Situation(machine, "usual", MESSAGES[machine])
    yield usual
    for choice, describe in polls(machine):
        for status in ("Failed", "Stopped"):
            reason = {"FailureReason": "a step failed"} if status == "Failed" else {}
            responses = {describe: [{"PipelineExecutionStatus": status, **reason}]}
            yield usual.but(f"{choice}-{status}", responses=responses)
        yield usual.but(f"{choice}-overdue", responses={describe: [{"PipelineExecutionStatus": "Executing"}]})
    if "LoadProjectParametersFromDynamo" in DEFINITIONS[machine]["States"]:
        yield usual.but("no-parameters", responses={"LoadProjectParametersFromDynamo": [{}]})
    yield from _as_tasks(usual)
    yield from BY_MACHINE[machine](usual)


def _as_tasks(usual: Situation) -> Iterator[Situation]:
    """The usual way where the project runs tasks, and one of them fails."""
    runs = [path.rpartition("/")[2] for path, state in tasks(usual.machine) if "runTask" in state["Resource"]]
    if runs:
        as_tasks = usual.but("as-tasks", responses={"LoadProjectParametersFromDynamo": [OF_TASKS]})
        yield as_tasks
        yield from (as_tasks.but(f"{name}-fails", responses={name: [TASK_FAILED]}) for name in runs)


def polls(machine: str) -> list[tuple[str, str]]:
    """Each choice that looks at the state of a pipeline, and the call before it."""
    return [
        (state["Next"], path.rpartition("/")[2])
        for path, state in tasks(machine)
        if state["Resource"].endswith(":describePipelineExecution")
    ]


def _live(usual: Situation) -> Iterator[Situation]:
    yield usual.but("not-a-batch", message={"detail-type": "NdrSomethingElse", "detail": {}})
    yield usual.but("two-records", message=[usual.message, usual.message])
    yield usual.but("no-path", message={"timestamp": "2026-03-10T13:23:11Z"})
    yield usual.but("wrong-path", message={**usual.message, "batch_s3_path": "s3://ingestion/acme"})
    yield usual.but("no-time", message={"batch_s3_path": BATCH})
    yield usual.but("wrong-time", message={**usual.message, "timestamp": "yesterday"})
    yield usual.but("unknown-organisation", responses={"LoadProjectRoutingFromDynamo": [{}]})
    yield usual.but("wrong-name", message={**usual.message, "batch_s3_path": BATCH.replace("0f3a", "--help")})
    yield usual.but("foreign-bucket", message={**usual.message, "batch_s3_path": BATCH.replace("ingestion", "other")})
    yield usual.but("no-such-batch", responses={"FindBatchFolder": [{"KeyCount": 0}]})
    by_object = usual.but(
        "by-object", message={**usual.message, "by_object": True, "timestamp": "2026-03-12T00:00:00Z"}
    )
    times = {"ReadBatchTime": [{"Body": json.dumps({"event_ts_iso": "2026-03-10T13:23:11Z"})}]}
    yield by_object.but("by-object", responses=times)
    yield by_object.but("by-object-without-time", responses={"ReadBatchTime": [{"Body": "{}"}]})
    missing = StateError("S3.NoSuchKeyException", "there is no _BATCH.json")
    yield by_object.but("by-object-without-file", responses={"ReadBatchTime": [missing]})
    recorded = [{"Attributes": {"announced_by": {"S": "an earlier execution"}}}]
    waiting = usual.but("busy-for-ever", responses={"AcquireMiniBatchLock": [TAKEN]})
    yield waiting
    yield waiting.but("published-before", responses={"RecordMiniBatch": recorded, "LookAtWindow": [_lock(BATCH)]})
    yield waiting.but("published-meanwhile", responses={"LookAtWindow": [{}, _lock(BATCH)]})
    yield usual.but("lock-freed", responses={"AcquireMiniBatchLock": [TAKEN, {}]})
    yield usual.but("lease-lost", responses={"RenewForInference": [TAKEN], "LookAtWindow": [_lock(BATCH)]})
    taken_over = {"Attributes": {"pipeline": {"S": "ndr-15m-streaming"}, "run_count": {"N": "4"}}}
    over = usual.but(
        "taken-over", responses={"AcquireMiniBatchLock": [taken_over], "ListFormerRunsOfWindow": [RUNNING, {}]}
    )
    yield over
    yield over.but("taken-over-for-ever", responses={"ListFormerRunsOfWindow": [RUNNING]})
    yield usual.but(
        "tasks-taken-over", responses={"AcquireMiniBatchLock": [{"Attributes": LEFT_TASK}], **former_tasks("Window")}
    )
    many = [{"batch_s3_path": {"S": f"{BATCH}{number:02}"}} for number in range(12)]
    found = {"Items": [{"batch_s3_path": {"S": BATCH}}, *many]}
    yield usual.but("many-batches", responses={"ListMiniBatchesOfWindow": [found]})
    yield usual.but("too-many-batches", responses={"ListMiniBatchesOfWindow": [{**found, "LastEvaluatedKey": {}}]})
    aside = {"Items": [{**entry(BATCH), "set_aside": {"S": "a record of another firewall"}}]}
    yield usual.but("set-aside-before", responses={"ListMiniBatchesOfWindow": [aside]})
    yield usual.but("removed", responses={"ListMiniBatchesOfWindow": [{"Items": [entry(f"{BATCH}0")]}]})
    yield from _failing(usual)
    unreadable = StateError("SageMaker.SageMakerException", "try later")
    yield usual.but("unreadable-for-ever", responses={"Describe15mFeaturesPipeline": [unreadable]})
    # what Step Functions gives as the cause of a nested execution that failed
    cause = {"Error": "Ndr.PipelineFailed", "Cause": "pipeline ndr-prediction-feature-join, step Join: no such table"}
    failed = StateError("States.TaskFailed", json.dumps({"Status": "FAILED", "Name": "n", **cause}))
    yield usual.but("publication-failed", responses={"StartPredictionPublicationWorkflow": [failed]})


def _failing(usual: Situation) -> Iterator[Situation]:
    """Windows whose features fail with some of their batches; the answers are those of one trial after the other."""
    failed, done = {"PipelineExecutionStatus": "Failed"}, {"PipelineExecutionStatus": "Succeeded"}
    found = [{"Items": [entry(path) for path in (f"{BATCH}0", BATCH, f"{BATCH}1")]}]
    proven = [{"Attributes": {"batches": {"SS": [f"{BATCH}0"]}}}]
    for name, trials in {
        "own-batch-fails": [failed, failed, done, done],
        "two-batches-fail": [failed, failed, failed, done],
        "another-batch-fails": [failed, done, failed, done],
        "no-batch-fails-alone": [failed, done, done],
        "all-fails": [failed],
    }.items():
        responses = {"Describe15mFeaturesPipeline": trials, "ListMiniBatchesOfWindow": found}
        yield usual.but(name, responses={**responses, "AcquireMiniBatchLock": proven})


def entry(path: str) -> dict[str, Any]:
    """What the index holds of a batch."""
    return {"batch_s3_path": {"S": path}, "batch_key": {"S": f"2026-03-10T13:23:00Z#{path.partition('//')[2]}"}}


def _lock(*published: str) -> dict[str, Any]:
    return {"Item": {"published": {"SS": list(published)}}}


RUNNING = {
    "PipelineExecutionSummaries": [
        {
            "PipelineExecutionArn": EXECUTION_ARN.format("ndr-15m-streaming"),
            "PipelineExecutionStatus": "Executing",
            "PipelineExecutionDescription": f"{LOCK} the former owner",
        }
    ]
}


LEFT_TASK = {"pipeline": {"S": "ndr-15m-streaming"}, "task": {"S": "ndr-15m"}, "run_count": {"N": "4"}}
NOTHING_WANTED = {"Item": project_item("acme", "v1", {}, {**ORCHESTRATION, "page": False, "alerts": False})}
OF_TASKS = {"Item": project_item("acme", "v1", {}, {**ORCHESTRATION, "runner": "tasks"})}


def former_tasks(stem: str) -> dict[str, list[Response]]:
    """Answers of which the second page has a task of the lock, which stops."""
    pages: list[Response] = [{"TaskArns": [f"{TASK_ARN}1"], "NextToken": "n"}, {"TaskArns": [TASK_ARN]}]
    pages.append({"TaskArns": []})  # of those that are stopped
    other = {"TaskArn": f"{TASK_ARN}1", "LastStatus": "RUNNING", "Group": "ndr-another"}
    ours = {"TaskArn": TASK_ARN, "LastStatus": "RUNNING", "Group": TASK_GROUP}
    looks = [other, ours, {**ours, "LastStatus": "DEPROVISIONING"}, {**ours, "LastStatus": "STOPPED"}]
    return {f"ListFormerTasksOf{stem}": pages, f"DescribeFormerTasksOf{stem}": [{"Tasks": [look]} for look in looks]}


def _publication(usual: Situation) -> Iterator[Situation]:
    yield usual.but("no-project", message={"mini_batch_id": "0f3a"})
    yield usual.but("duplicate", responses={"AcquirePublicationLock": [TAKEN]})
    yield usual.but("lease-lost", responses={"MarkPublicationSucceeded": [TAKEN]})
    yield usual.but("no-handover", responses={"LoadProjectParametersFromDynamo": [NOTHING_WANTED]})


def _handover(usual: Situation) -> Iterator[Situation]:
    yield usual.but("no-project", message={})
    yield usual.but("nothing-wanted", responses={"LoadProjectParametersFromDynamo": [NOTHING_WANTED]})
    busy = usual.but("busy-for-ever", responses={"AcquireHandoverLock": [TAKEN]})
    yield busy
    done = {"Item": {"status": {"S": "SUCCEEDED"}, "acquired_at": {"N": "9999999999"}}}
    yield busy.but("included", responses={"LookAtHandover": [{}, done]})
    failed, succeeded = {"PipelineExecutionStatus": "Failed"}, {"PipelineExecutionStatus": "Succeeded"}
    twice = {f"Describe{work}Pipeline": [failed, failed, succeeded] for work in ("Alerts", "Page")}
    yield usual.but("both-fail-twice", responses=twice)


def _scheduled(usual: Situation) -> Iterator[Situation]:
    yield usual.but("no-project", message={"time": "2026-03-01T00:30:00Z"})


def _training(usual: Situation) -> Iterator[Situation]:
    yield from _scheduled(usual)
    yield usual.but("many-windows", message={**usual.message, "missing_windows": MANY_WINDOWS})


def _backfill(usual: Situation) -> Iterator[Situation]:
    yield usual.but("no-project", message={"start_ts_iso": "2026-03-10T13:08:00Z"})
    yield usual.but("many-windows", message={**usual.message, "windows": MANY_WINDOWS})
    nothing = {**MANIFEST, "window_count": 0, "range_count": 0, "gap_count": 0, "gaps": []}
    yield usual.but(
        "no-windows",
        message={**usual.message, "request_id": "none"},
        responses={"ResolveBackfillWindows": [{"Body": json.dumps(nothing)}]},
        items=[],
    )
    yield usual.but("features-only", message={**usual.message, "request_id": "features", "first_stage": "fg-c"})
    yield usual.but("too-many-windows", message={**usual.message, "end_ts_iso": "2026-06-18T13:23:00Z"})
    both = ("Delta", "Backfill")
    taken = {f"Acquire{work}Locks": [TAKEN_RANGE] for work in both}
    yield usual.but("ranges-taken", responses=taken)
    one = {**usual.message, "request_id": "one"}
    yield usual.but("one-range-taken", message=one, responses=taken, items=RANGES[:1])
    over: dict[str, Sequence[Response]] = {}
    for work in both:
        left = {"lock_id": {"S": LOCK}, "run_count": {"N": "2"}, "pipeline": {"S": "ndr-15m-streaming"}}
        over[f"Read{work}Locks"] = [{"Responses": [{"Item": left}, {"Item": {**left, "described": {"S": "another"}}}]}]
        over[f"ListFormerRunsOf{work}"] = [RUNNING, {}]
    taken_over = usual.but("ranges-taken-over", message={**usual.message, "request_id": "over"}, responses=over)
    yield taken_over.but("ranges-taken-over", items=[RANGES[0]])
    for_ever = {f"ListFormerRunsOf{work}": [RUNNING] for work in both}
    yield taken_over.but("ranges-taken-over-for-ever", items=[RANGES[0]], responses=for_ever)
    tasks_left: dict[str, Sequence[Response]] = {}
    for work in both:
        tasks_left[f"Read{work}Locks"] = [{"Responses": [{"Item": {"lock_id": {"S": LOCK}, **LEFT_TASK}}]}]
        tasks_left |= former_tasks(work)
    yield taken_over.but("range-tasks-taken-over", items=[RANGES[0]], responses={**over, **tasks_left})
    failing: dict[str, Sequence[Response]] = {}
    for work in both:
        proven = [f"{BATCH}-{end[-2:]}" for end in ENDS]
        item = {"lock_id": {"S": LOCK}, "run_count": {"N": "1"}, "batches": {"Ss": proven}}
        failing[f"Read{work}Locks"] = [{"Responses": [{"Item": item}]}]
        failing[f"List{work}Batches"] = [listed(BATCH, f"{BATCH}0")]
        failing[f"Describe{work}Pipeline"] = [
            {"PipelineExecutionStatus": status} for status in ("Failed", "Executing", "Succeeded")
        ]
    yield usual.but("new-batches-fail", message={**usual.message, "request_id": "new"}, responses=failing)
    none = {"Items": listed(BATCH)["Items"][:1]}
    yield usual.but("no-batches", responses={f"List{work}Batches": [none] for work in both})
    more = {**listed(BATCH), "LastEvaluatedKey": {}}
    yield usual.but("too-many-batches", responses={f"List{work}Batches": [more] for work in both})
    yield usual.but("no-object-of-ranges", message={**usual.message, "request_id": "missing"}, items=None)
    # the first map runs for as long as it takes to remove the object
    slow = {**ORCHESTRATION, "backfill_poll_attempts": 2 * LOOKS, "lock_lease_seconds": None}
    parameters = {"Item": project_item("acme", "v1", {}, slow)}
    deltas = [{"PipelineExecutionStatus": "Executing"}] * LOOKS + [{"PipelineExecutionStatus": "Succeeded"}]
    yield usual.but(
        "object-of-ranges-vanishes",
        message={**usual.message, "request_id": "vanishing"},
        responses={"LoadProjectParametersFromDynamo": [parameters], "DescribeDeltaPipeline": deltas},
        vanished_for="RunBackfillWindows",
    )


def _start(usual: Situation) -> Iterator[Situation]:
    yield usual.but("no-project", message={})
    yield usual.but("no-logs", responses={"FindDateFolders": [{}]})
    prefixes = {"ingestion_prefixes": ["s3://ingestion/acme/emea", "s3://ingestion/acme/apac"]}
    item = {"Item": {**ITEMS["project_parameters"], "settings": {"S": json.dumps(prefixes)}}}
    yield usual.but("two-organisations", responses={"LoadProjectParametersFromDynamo": [item]})
    owned = {"Item": {"owner": {"S": "arn:aws:states:us-east-1:000000000000:execution:sfn_ndr_start_project:other"}}}
    busy = usual.but(
        "busy",
        responses={"TakeStart": [TAKEN], "LookAtStart": [owned], "LookAtOtherStart": [{"Status": "RUNNING"}]},
    )
    yield busy
    yield busy.but("taken-over", responses={"LookAtOtherStart": [{"Status": "ABORTED"}]})
    yield usual.but("given-back-meanwhile", responses={"TakeStart": [TAKEN, {}], "LookAtStart": [{}]})
    covered = {"first_window": {"S": "2026-03-09T00:08:00Z"}, "covered_until": {"S": "2026-03-11T00:08:00Z"}}
    finished = {"finished_until": {"S": "2026-03-11T00:08:00Z"}}
    yield usual.but("unfinished", responses={"TakeStart": [{"Attributes": covered}]})
    yield usual.but("nothing-new", responses={"TakeStart": [{"Attributes": {**covered, **finished}}]})
    yield usual.but("no-batches", responses={"RunBackfill": [{"Output": {**BACKFILLED, "done": []}}]})
    failed = {**BACKFILLED, "status": "PARTIAL", "failed": [{"range": BACKFILLED["done"][1], "reason": "x"}]}
    yield usual.but("partial", responses={"RunBackfill": [{"Output": failed}]})
    yield usual.but("short-history", message={**usual.message, "start_ts_iso": "2026-03-10T00:08:00Z"})
    yield usual.but("grown", message={**usual.message, "grow_days": 2})
    yield usual.but(
        "without-schedules", responses={"GetSchedule": [StateError("Scheduler.ResourceNotFoundException", "none")]}
    )
    cause = {"Error": "Ndr.PipelineFailed", "Cause": "pipeline ndr-if-training, step IFTrainingStep: no such table"}
    nested = StateError("States.TaskFailed", json.dumps({"Status": "FAILED", "Name": "n", **cause}))
    yield usual.but("training-fails", responses={"RunTraining": [nested]})


BUSY = StateError("Glue.ConcurrentRunsExceededException", "Concurrent runs exceeded for ndr-ndjson-to-parquet")


def _ingestion(usual: Situation) -> Iterator[Situation]:
    yield usual.but("one-file", responses={"UpdateStatusProcessing": [record(FILE_KEYS[0])]})
    many = [record(*(f"{number:03}.ndjson#{number:016x}" for number in range(250)))]
    many_files = usual.but("many-files", responses={"UpdateStatusProcessing": many})
    yield many_files
    yield many_files.but("busy-with-many-files", responses={"StartGlueJob": [BUSY]})
    yield usual.but("other-attempt", responses={"UpdateStatusProcessing": [TAKEN]})
    yield usual.but("busy-for-ever", responses={"StartGlueJob": [BUSY]})
    yield usual.but("busy-for-a-while", responses={"StartGlueJob": [BUSY, BUSY, BUSY, {"Id": "jr_2"}]})
    run = {"Id": "jr_1", "JobRunState": "FAILED", "ErrorMessage": "2 of 10 records are rejected"}
    yield many_files.but("job-fails", responses={"StartGlueJob": [StateError("States.TaskFailed", json.dumps(run))]})
    half = [{}, StateError("DynamoDB.ProvisionedThroughputExceededException", "try later")]
    yield many_files.but("many-files-half-taken-up", responses={"MarkFilesProcessing": half})
    yield usual.but("job-missing", responses={"StartGlueJob": [StateError("Glue.EntityNotFoundException", "no job")]})
    routed = usual.but("routed", responses={"UpdateStatusProcessing": [record(*FILE_KEYS, **ROUTED)]})
    parts = [PARQUET.replace("1-of-00001", f"{part}-of-00002") for part in (1, 2)]
    for name, keys in {"one-part": [PARQUET], "two-parts": parts, "no-rows": []}.items():
        listed = {"Contents": [{"Key": key} for key in keys]} if keys else {"KeyCount": 0}
        yield routed.but(f"routed-{name}", responses={"ListParquet": [listed]})
    told = record(*FILE_KEYS, **ROUTED, announced_at={"S": "2026-03-10T13:30:00.000000Z"})
    yield usual.but("routed-before", responses={"UpdateStatusProcessing": [told]})


def _customer_360(usual: Situation) -> Iterator[Situation]:
    yield usual.but("by-date", message={"as_of": "2026-03-10", "accept_shrink": True})
    for name, message in {"no-day": {}, "no-date": {"as_of": "2026-02-30"}, "no-time": {"time": "noon"}}.items():
        yield usual.but(name, message=message)
    run = {"Id": "jr_1", "JobRunState": "FAILED", "ErrorMessage": "2 of 10 rows are rejected"}
    for job in ("GlueJobA", "GlueJobB"):
        yield usual.but(f"{job}-fails", responses={job: [StateError("States.TaskFailed", json.dumps(run))]})


BY_MACHINE = {
    LIVE: _live,
    HANDOVER: _handover,
    PUBLICATION: _publication,
    MONTHLY: _scheduled,
    TRAINING: _training,
    BACKFILL: _backfill,
    START: _start,
    INGESTION: _ingestion,
    CUSTOMER_360: _customer_360,
}
