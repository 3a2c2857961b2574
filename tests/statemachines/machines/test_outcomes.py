"""What the machines say of failures and of backfills, and the tokens by which they start what they start."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from jobs.extractor.manifest import MOST_BATCHES, MOST_RANGES
from statemachines.definitions import states_of
from statemachines.lint.expressions import read
from tests.statemachines.machines.answers import Situation
from tests.statemachines.machines.cases import cases, engines, walk, walked
from tests.statemachines.machines.jsonata_engines import QueryError
from tests.statemachines.machines.samples import (
    BACKFILL,
    BATCH,
    DEFINITIONS,
    LIVE,
    LOCK,
    MESSAGES,
    POLLS,
    PUBLICATION,
    RANGES,
    TAKEN_RANGE,
    listed,
)
from tests.statemachines.machines.situations import polls, situations
from tests.statemachines.machines.walker import StateError, Walk, Walker

FAILED = {"PipelineExecutionStatus": "Failed", "FailureReason": "a step failed"}
STOP_POLLS = 20
BY_END: dict[str, dict[str, list[Any]]] = {
    "done": {},
    "skipped": {"AcquireBackfillLocks": [TAKEN_RANGE]},
    "failed": {"DescribeBackfillPipeline": [FAILED]},
}


def steps(*reasons: tuple[str, str | None]) -> dict[str, Any]:
    failed = [
        {"StepName": name, "StepStatus": "Failed", **({"FailureReason": reason} if reason else {})}
        for name, reason in reasons
    ]
    return {"PipelineExecutionSteps": [{"StepName": "First", "StepStatus": "Succeeded"}, *failed]}


@pytest.mark.parametrize(
    ("listed", "cause"),
    [
        (steps(("A", "no space")), "pipeline ndr-15m-streaming, step A: no space (arn:"),
        (steps(("A", None)), "pipeline ndr-15m-streaming, step A: no reason given (arn:"),
        (steps(("A", "x"), ("B", "y")), "pipeline ndr-15m-streaming, step A: x; step B: y (arn:"),
        (steps(), "pipeline ndr-15m-streaming, a step failed (arn:"),
        ({"PipelineExecutionSteps": []}, "pipeline ndr-15m-streaming, a step failed (arn:"),
    ],
)
def test_the_cause_names_pipeline_step_and_reason(listed: dict[str, Any], cause: str) -> None:
    way = walked(LIVE, MESSAGES[LIVE], Describe15mFeaturesPipeline=FAILED, ExplainFeaturesFailure=listed)
    assert way.error == "Ndr.PipelineFailed"
    assert way.cause.startswith(cause)


LOOKS = [(machine, *looks) for machine in DEFINITIONS for looks in polls(machine)]


def calls(machine: str, case: str, choice: str) -> list[dict[str, int]]:
    """How often each call was made, in each execution of a case that came to a choice."""
    _, way = cases(machine)[case]
    return [
        {name.rpartition("/")[2]: len(given) for name, given in part.arguments.items()}
        for part in way.everywhere()
        if any(name.endswith(choice) for name in part.states)
    ]


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
@pytest.mark.parametrize(("machine", "choice", "describe"), LOOKS)
def test_a_pipeline_that_has_ended_is_not_looked_at_again(
    machine: str, choice: str, describe: str, status: str
) -> None:
    found = calls(machine, f"{choice}-{status}", choice)
    assert [made[describe] for made in found] == [1] * (2 if machine == BACKFILL and "Extractor" not in choice else 1)
    assert not any(name.startswith("StopOverdue") for made in found for name in made)


@pytest.mark.parametrize(("machine", "choice", "describe"), LOOKS)
def test_an_overdue_pipeline_is_stopped_and_looked_at_until_it_has_ended(
    machine: str, choice: str, describe: str
) -> None:
    found = calls(machine, f"{choice}-overdue", choice)
    assert found
    for made in found:
        assert made[describe] == 1 + POLLS + STOP_POLLS
        assert sum(count for name, count in made.items() if name.startswith("StopOverdue")) == 1


def test_a_long_reason_is_cut() -> None:
    listed = steps(*((f"Step{number}", "x" * 900) for number in range(4)))
    way = walked(LIVE, MESSAGES[LIVE], Describe15mFeaturesPipeline=FAILED, ExplainFeaturesFailure=listed)
    assert len(way.cause) == 2000


def test_the_cause_of_a_failed_publication_is_its_own() -> None:
    for cause, expected in (
        (json.dumps({"Cause": "pipeline p, step S: r", "Status": "FAILED"}), "publication: pipeline p, step S: r"),
        ("Rate exceeded", "publication: Rate exceeded"),
        (json.dumps({"Status": "TIMED_OUT"}), 'publication: {"Status": "TIMED_OUT"}'),
    ):
        way = walked(LIVE, MESSAGES[LIVE], StartPredictionPublicationWorkflow=StateError("States.TaskFailed", cause))
        assert (way.error, way.cause) == ("Ndr.PublicationFailed", expected)


def backfilled(*ends: str, gaps: int = 0, missing: int = 0) -> Walk:
    """The last states of a backfill whose windows end like this, with gaps, and windows that give nothing."""
    # all children of an execution answer alike, so each window is walked on its own
    ranges = [{**RANGES[0], "range": f"w{number}"} for number in range(len(ends))]
    ways = [
        walk(Situation(BACKFILL, "one", MESSAGES[BACKFILL], BY_END[end], [one]))
        for end, one in zip(ends, ranges, strict=True)
    ]
    variables = {
        "results": [way.children[-1].output for way in ways],
        "gaps": [f"g{number}" for number in range(gaps)],
        "window_count": 2 * (len(ends) + missing),
        "range_count": len(ends) + missing,
        "project_name": "acme",
        "feature_spec_version": "v1",
        "request_id": "r1",
        "range": {},
    }
    walker = Walker(BACKFILL, DEFINITIONS[BACKFILL], engines())
    sent = walker.state("EmitBackfillReconciliationEvent", {}, variables, {"FailedEntryCount": 0})
    judged = walker.state("BackfillOutcomeChoice", sent.output, variables)
    return Walk(output=sent.output, states=[str(judged.target)])


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        (("done", "done"), "SUCCEEDED"),
        (("done", "skipped"), "SUCCEEDED"),
        (("done", "failed"), "PARTIAL"),
        (("failed", "failed"), "FAILED"),
        (("failed", "skipped"), "FAILED"),
        (("done",), "SUCCEEDED"),
        ((), "SUCCEEDED"),
    ],
)
def test_a_backfill_accounts_for_each_range(ends: tuple[str, ...], status: str) -> None:
    way = backfilled(*ends, gaps=2)
    counted = {
        kind: [f"w{number}" for number, end in enumerate(ends) if end == kind] for kind in ("done", "failed", "skipped")
    }
    assert way.output["status"] == status
    assert way.output["done"] == counted["done"]
    assert [entry["range"] for entry in way.output["failed"]] == counted["failed"]
    assert [entry["range"] for entry in way.output["skipped"]] == [*counted["skipped"], "g0", "g1"]
    assert (way.output["unaccounted"], way.states) == (0, ["WorkflowFailed" if status == "FAILED" else "Success"])


def test_a_backfill_whose_ranges_are_lost_is_partial() -> None:
    way = backfilled("done", missing=1)
    assert (way.output["status"], way.output["unaccounted"]) == ("PARTIAL", 1)


def tokens(way: Walk, state: str) -> list[str]:
    return [
        arguments.get("ClientRequestToken") or arguments["Name"]
        for part in way.everywhere()
        for arguments in part.arguments.get(state, [])
    ]


def test_an_overdue_pipeline_that_has_stopped_is_not_looked_at_again() -> None:
    running = {"PipelineExecutionStatus": "Executing"}
    stopped = {"PipelineExecutionStatus": "Stopped"}
    describes = {
        "Describe15mFeaturesPipeline": [running] * (1 + POLLS) + [{"PipelineExecutionStatus": "Stopping"}, stopped]
    }
    way = walk(Situation(LIVE, "overdue", MESSAGES[LIVE], {**describes, "ExplainFeaturesFailure": [steps()]}))
    assert len(way.arguments["Describe15mFeaturesPipeline"]) == 1 + POLLS + 2
    assert "not finished in 60 s" in way.cause


def test_each_trial_of_a_window_has_tokens_of_its_own() -> None:
    (way,) = [walk(one) for one in situations(LIVE) if one.name == "two-batches-fail"]
    states = ("Start15mFeaturesPipeline", "StartInferencePipeline", "StartPredictionPublicationWorkflow")
    found = list(itertools.chain.from_iterable(tokens(way, state) for state in states))
    assert len(found) == len(set(found)) == 6
    assert all(32 <= len(token) <= 80 for token in found)


def trials(way: Walk) -> list[list[str]]:
    """The batches of each features pipeline, by the last letter of their folders."""
    started = way.arguments["Start15mFeaturesPipeline"]
    given = ({entry["Name"]: entry["Value"] for entry in start["PipelineParameters"]} for start in started)
    return [[path[-1] for path in parameters["BatchS3Path"].split(",")] for parameters in given]


@pytest.mark.parametrize(
    ("case", "expected", "aside", "published"),
    [
        # 0 is proven; a is the own batch, 1 another
        ("own-batch-fails", ["a01", "a0", "01"], ["a"], "01"),
        ("two-batches-fail", ["a01", "a0", "01", "0"], ["a", "1"], "0"),
        ("another-batch-fails", ["a01", "a0", "a01", "a0"], ["1"], "a0"),
        ("no-batch-fails-alone", ["a01", "a0", "a01"], [], "a01"),
    ],
)
def test_the_batch_that_fails_is_set_aside_and_the_window_is_published_without_it(
    case: str, expected: list[str], aside: list[str], published: str
) -> None:
    (way,) = [walk(one) for one in situations(LIVE) if one.name == case]
    assert ["".join(trial) for trial in trials(way)] == expected
    keys = [given["Key"]["batch_key"]["S"][-1] for given in way.arguments.get("SetBatchAside", [])]
    assert keys == aside
    values = way.arguments["ReleaseMiniBatchLockOnSuccess"][0]["ExpressionAttributeValues"]
    assert "".join(path[-1] for path in values[":batches"]["SS"]) == published
    assert (way.error == "Ndr.BatchSetAside") == ("a" in aside)


def test_a_window_that_fails_without_the_new_batches_too_sets_none_aside() -> None:
    (way,) = [walk(one) for one in situations(LIVE) if one.name == "all-fails"]
    assert ["".join(trial) for trial in trials(way)] == ["a01", "a0", "01", "0"]
    assert "SetBatchAside" not in way.arguments
    assert way.arguments["RecordBatchFailure"][0]["ExpressionAttributeValues"][":cause"]["S"].startswith(way.error)


def test_each_range_of_a_backfill_has_tokens_of_its_own() -> None:
    way = walked(BACKFILL, MESSAGES[BACKFILL])
    found = [
        *tokens(way, "RunBackfillDeltas/StartDeltaPipeline"),
        *tokens(way, "RunBackfillWindows/StartBackfillPipeline"),
    ]
    assert len(found) == len(set(found)) == 2 * len(RANGES)


def given_to(way: Walk, verb: str) -> list[dict[str, Any]]:
    """What the children of a backfill gave to their calls of this verb, in order."""
    calls = (call for child in way.children for call in child.arguments.items())
    return [given for state, made in calls if f"/{verb}" in state for given in made]


def started(way: Walk) -> list[dict[str, str]]:
    """The parameters of the pipelines that the children of a backfill started."""
    return [{entry["Name"]: entry["Value"] for entry in one["PipelineParameters"]} for one in given_to(way, "Start")]


def test_a_range_is_one_job_of_deltas_and_one_of_features_that_does_not_compute_them_again() -> None:
    runs = {"Responses": [{"Item": {"run_count": {"N": "4"}}}, {"Item": {"run_count": {"N": "6"}}}]}
    again = {"Responses": [{"Item": {"run_count": {"N": "5"}}}, {"Item": {"run_count": {"N": "7"}}}]}
    responses = {"ReadDeltaLocks": [runs], "ReadBackfillLocks": [again]}
    way = walk(Situation(BACKFILL, "one", MESSAGES[BACKFILL], responses, RANGES[:1]))
    deltas, features = started(way)
    ends = {"BatchStartTsIso": "2026-03-10T13:08:00Z", "BatchEndTsIso": "2026-03-10T13:38:00Z"}
    assert {name: deltas[name] for name in ends} == {name: features[name] for name in ends} == ends
    assert ("FirstStage" in deltas, features["FirstStage"]) == (False, "fg-a")
    assert all(given["BatchS3Path"].startswith("@s3://ndr-artifacts/backfill/acme/r1/") for given in (deltas, features))
    bodies = [one["Body"] for one in given_to(way, "Write")]
    assert bodies == [f"20260310T1308Z\t{BATCH}-23\n20260310T1323Z\t{BATCH}-38"] * 2
    (released,) = [
        given["TransactItems"] for given in way.children[1].arguments["RunBackfillWindows/ReleaseBackfillLocks"]
    ]
    assert [one["Update"]["ExpressionAttributeValues"][":batches"]["Ss"] for one in released] == [
        [f"{BATCH}-23"], [f"{BATCH}-38"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("between", "batches"),
    [(2, (BATCH,)), (1, (BATCH, f"{BATCH}0"))],
    ids=["another execution had a lock", "a batch has come"],
)
def test_deltas_that_may_be_others_by_now_are_computed_again(between: int, batches: tuple[str, ...]) -> None:
    counts = [{"Responses": [{"Item": {"run_count": {"N": str(count)}}}]} for count in (4, 4 + 2 * between)]
    responses = {
        "ReadDeltaLocks": counts[:1], "ReadBackfillLocks": counts[1:], "ListBackfillBatches": [listed(*batches)],
    }  # fmt: skip
    way = walk(Situation(BACKFILL, "one", MESSAGES[BACKFILL], responses, RANGES[:1]))
    assert started(way)[1]["FirstStage"] == "delta"


def test_features_of_a_range_whose_deltas_failed_begin_with_them() -> None:
    way = walk(Situation(BACKFILL, "one", MESSAGES[BACKFILL], {"DescribeDeltaPipeline": [FAILED]}, RANGES[:1]))
    assert started(way)[-1]["FirstStage"] == "delta"


def test_a_backfill_may_begin_with_a_later_stage() -> None:
    message = {**MESSAGES[BACKFILL], "first_stage": "fg-c"}
    way = walk(Situation(BACKFILL, "one", message, {}, RANGES[:1]))
    (features,) = started(way)
    assert features["FirstStage"] == "fg-c"
    (released,) = way.children[0].arguments["RunBackfillWindows/ReleaseBackfillLocks"]
    assert "batches" not in released["TransactItems"][0]["Update"]["UpdateExpression"]
    assert "RunBackfillDeltas" not in way.states


@pytest.mark.parametrize("case", ["no-object-of-ranges", "ExtractorPipelineStatusChoice-Failed"])
def test_a_backfill_that_fails_as_a_whole_sends_its_event_too(case: str) -> None:
    (way,) = [walk(one) for one in situations(BACKFILL) if one.name == case]
    (sent,) = way.arguments["EmitBackfillFailureEvent"]
    detail = sent["Entries"][0]["Detail"]
    assert (detail["status"], detail["reason"], detail["done"]) == ("FAILED", way.cause, [])
    assert way.status == "FAILED" and len(way.cause) > 20


def test_of_100_days_the_report_fits_into_what_a_state_machine_holds() -> None:
    """800 ranges, the most of a request, all failed, with reasons of the greatest length."""
    failed = {"range": RANGES[0]["range"], "outcome": "failed", "reason": "x" * 140}
    variables = {
        "results": [failed] * MOST_RANGES, "gaps": [RANGES[0]["range"]] * MOST_RANGES, "window_count": 9600,
        "range_count": MOST_RANGES, "project_name": "acme", "feature_spec_version": "v1", "request_id": "r1",
        "range": {},
    }  # fmt: skip
    walker = Walker(BACKFILL, DEFINITIONS[BACKFILL], engines())
    sent = walker.state("EmitBackfillReconciliationEvent", {}, variables, {"FailedEntryCount": 0})
    assert len(json.dumps(sent.output)) < 256 * 1024
    assert len(json.dumps([failed] * MOST_RANGES)) < 256 * 1024


def test_the_locks_of_a_day_and_its_batches_fit_into_what_a_state_machine_holds() -> None:
    """What is held of a range that has the most batches, with names of the greatest length."""
    path = "s3://" + "b" * 63 + "/acme/headquarters/2026/03/10/" + "f" * 64
    held = [
        {"id": LOCK, "window": "20260310T1308Z", "end": "2026-03-10T13:23:00Z", "paths": [path] * 2, "good": [path] * 2}
    ] * (MOST_BATCHES // 2)
    assert len(json.dumps(held)) < 256 * 1024


def test_a_range_that_a_backfill_fails_with_new_batches_runs_again_with_those_of_its_tables() -> None:
    (way,) = [walk(one) for one in situations(BACKFILL) if one.name == "new-batches-fail"]
    assert len(way.children) == 2 * len(RANGES)
    assert [child.output["outcome"] for child in way.children] == ["failed"] * 4
    assert all("step FGABuilderStep" in child.output["reason"] for child in way.children)
    bodies = [one["Body"] for one in given_to(way, "Write")]
    assert len(bodies) == 8
    assert bodies[2].splitlines() == [f"20260310T1338Z\t{BATCH}-53", f"20260310T1338Z\t{BATCH}0-53"]
    assert bodies[3].splitlines() == [f"20260310T1338Z\t{BATCH}-53"]
    assert [given.get("FirstStage") for given in started(way)] == [None] * 4 + ["delta"] * 4


@pytest.mark.parametrize(
    ("machine", "path"),
    [
        (LIVE, "Start15mFeaturesPipeline"),
        (LIVE, "StartInferencePipeline"),
        (PUBLICATION, "StartPredictionJoinPipeline"),
        (BACKFILL, "RunBackfillDeltas/StartDeltaPipeline"),
        (BACKFILL, "RunBackfillWindows/StartBackfillPipeline"),
    ],
)
def test_no_pipeline_of_a_window_starts_after_the_end_of_the_lease(machine: str, path: str) -> None:
    """The next owner stops what runs by then; what starts later would run beside its own pipelines."""
    expression = DEFINITIONS[machine]["States"]
    for part in path.split("/"):
        expression = expression["ItemProcessor"]["States"][part] if "ItemProcessor" in expression else expression[part]
    described = expression["Arguments"]["PipelineExecutionDescription"][2:-2]
    context = {"context": {"Execution": {"Name": "one"}}}
    known = {"lock_id": "lock", "publication_id": "lock", "held": [{"id": "lock"}]}
    now = engines().evaluate("$millis()", {}, context)
    assert engines().evaluate(described, {**known, "lease_end": now + 60_000}, context) == "lock one"
    with pytest.raises(QueryError):
        engines().evaluate(described, {**known, "lease_end": now - 60_000}, context)


def test_no_token_depends_on_when_it_is_made() -> None:
    changing = {"millis", "now", "random", "uuid"}
    found = 0
    for _, state in itertools.chain.from_iterable(states_of(definition) for definition in DEFINITIONS.values()):
        if ":scheduler:" in state.get("Resource", ""):
            continue  # the name of a schedule
        arguments = state.get("Arguments", {})
        if isinstance(arguments, str):
            continue  # a list starts nothing
        for text in {arguments.get("ClientRequestToken"), arguments.get("Name")} - {None}:
            found += 1
            assert read(text[2:-2].strip()).functions & changing == set()
            assert "$states.context.State" not in text
    assert found == len([1 for definition in DEFINITIONS.values() for _ in starts(definition)])


def starts(definition: dict[str, Any]) -> list[str]:
    """The states that start or stop something."""
    verbs = (":startPipelineExecution", ":stopPipelineExecution", ":startExecution.sync:2")
    return [path for path, state in states_of(definition) if state.get("Resource", "").endswith(verbs)]
