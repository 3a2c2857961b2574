"""What a backfill runs for each range, and what it reports."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs.extractor.manifest import MOST_BATCHES, MOST_RANGES
from tests.statemachines.machines.answers import Situation
from tests.statemachines.machines.cases import engines, walk
from tests.statemachines.machines.samples import (
    BACKFILL,
    BATCH,
    DEFINITIONS,
    LOCK,
    MESSAGES,
    RANGES,
    TAKEN_RANGE,
    listed,
)
from tests.statemachines.machines.situations import situations
from tests.statemachines.machines.walker import Walk, Walker

FAILED = {"PipelineExecutionStatus": "Failed", "FailureReason": "a step failed"}
BY_END: dict[str, dict[str, list[Any]]] = {
    "done": {},
    "skipped": {"AcquireBackfillLocks": [TAKEN_RANGE]},
    "failed": {"DescribeBackfillPipeline": [FAILED]},
}


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
