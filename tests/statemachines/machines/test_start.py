"""The start of a project: what it hands to the machines it runs, what it does again, and which schedules it sets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.statemachines.machines.answers import Situation
from tests.statemachines.machines.cases import walk
from tests.statemachines.machines.samples import BACKFILLED, ITEMS, MESSAGES, START, folders
from tests.statemachines.machines.walker import Walk

FIRST, END = "2026-03-09T00:08:00Z", "2026-03-12T00:08:00Z"
THREE_DAYS = {**MESSAGES[START], "end_ts_iso": END}
RUN = ("RunBackfill", "RunBaselines", "RunDeviations", "RunTraining")


def started(message: dict[str, Any], **responses: Any) -> Walk:
    return walk(Situation(START, "one", message, {name: [response] for name, response in responses.items()}))


def recorded(**attributes: str) -> dict[str, Any]:
    return {"Attributes": {name: {"S": value} for name, value in attributes.items()}}


def told(way: Walk) -> dict[str, dict[str, Any]]:
    """What the machines were told, by the state that ran them, without what all are told."""
    common = {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID", "project_name", "feature_spec_version"}
    found = {state: way.arguments[state][0]["Input"] for state in RUN if state in way.arguments}
    assert all(given["project_name"] == "acme" and given["feature_spec_version"] == "v1" for given in found.values())
    return {state: {name: given[name] for name in given.keys() - common} for state, given in found.items()}


def noted(way: Walk, state: str) -> dict[str, str]:
    (given,) = way.arguments[state]
    return {name: next(iter(value.values())) for name, value in given["ExpressionAttributeValues"].items()}


def test_all_of_the_history_is_built_and_all_but_its_last_day_is_trained_on() -> None:
    way = started(THREE_DAYS)
    assert told(way) == {
        # the folder of the first date may have a batch of the last window before it
        "RunBackfill": {"start_ts_iso": "2026-03-08T23:38:00Z", "end_ts_iso": END},
        "RunBaselines": {"month": "2026-03", "reference_ts_iso": END},
        "RunDeviations": {"start_ts_iso": FIRST, "end_ts_iso": END, "first_stage": "fg-c"},
        "RunTraining": {"training_start_ts_iso": FIRST, "training_end_ts_iso": "2026-03-11T00:08:00Z"},
    }
    for state in ("StartInferencePipeline", "StartPredictionJoinPipeline"):
        given = {entry["Name"]: entry["Value"] for entry in way.arguments[state][0]["PipelineParameters"]}
        assert (given["BatchStartTsIso"], given["BatchEndTsIso"]) == ("2026-03-11T00:08:00Z", END)
    assert (noted(way, "NoteCovered")[":until"], noted(way, "NoteCovered")[":first"]) == (END, FIRST)
    assert noted(way, "NoteFinished")[":until"] == END
    assert (way.output["status"], way.output["learning"]) == ("SUCCEEDED", "day 3 of 9")


def test_a_history_of_two_days_is_trained_on_as_a_whole() -> None:
    way = started(MESSAGES[START])
    assert told(way)["RunTraining"]["training_end_ts_iso"] == "2026-03-11T00:08:00Z"


def test_without_an_end_the_history_goes_to_the_last_window_that_has_ended() -> None:
    """The folder of the last date may be that of today; the clock of the tests stands at 13:23:19 of it."""
    way = started({"project_name": "acme"})
    assert way.output["history"]["end_ts_iso"] == "2026-03-10T13:23:00Z"
    assert way.output["learning"] == "day 2 of 30"


def test_of_a_long_history_the_last_100_days_are_built() -> None:
    way = started({**THREE_DAYS, "start_ts_iso": "2025-01-01T00:08:00Z"})
    assert told(way)["RunBackfill"]["start_ts_iso"] == "2025-12-02T00:08:00Z"


def test_again_only_what_has_grown_is_built() -> None:
    record = recorded(first_window=FIRST, covered_until="2026-03-11T00:08:00Z", finished_until="2026-03-11T00:08:00Z")
    way = started(THREE_DAYS, TakeStart=record)
    assert told(way)["RunBackfill"] == {"start_ts_iso": "2026-03-11T00:08:00Z", "end_ts_iso": END}
    assert told(way)["RunDeviations"]["start_ts_iso"] == FIRST


def test_again_nothing_is_done_where_nothing_has_grown() -> None:
    way = started(THREE_DAYS, TakeStart=recorded(first_window=FIRST, covered_until=END, finished_until=END))
    assert told(way) == {} and "StartInferencePipeline" not in way.states
    assert (way.output["status"], way.output["days"]) == ("SUCCEEDED", 3)


def test_a_start_that_failed_after_its_windows_goes_on_there() -> None:
    way = started(THREE_DAYS, TakeStart=recorded(first_window=FIRST, covered_until=END))
    assert list(told(way)) == ["RunBaselines", "RunDeviations", "RunTraining"]


def test_a_range_that_failed_is_built_again_by_the_next_start() -> None:
    failed = {**BACKFILLED, "status": "PARTIAL", "failed": [{"range": BACKFILLED["done"][1], "reason": "x"}]}
    way = started(THREE_DAYS, RunBackfill={"Output": failed})
    assert noted(way, "NoteCovered")[":until"] == noted(way, "NoteFinished")[":until"] == "2026-03-10T00:08:00Z"
    assert way.output["status"] == "PARTIAL"


@pytest.mark.parametrize("answer", [{}, folders("logs/", "20260310/")])
def test_a_bucket_without_date_folders_is_day_0_of_a_project(answer: dict[str, Any]) -> None:
    way = started(MESSAGES[START], FindDateFolders=answer)
    assert (way.output["status"], way.output["learning"], told(way)) == ("SUCCEEDED", "day 0 of 9", {})
    assert states_set(way) == {"ndr-acme-grow": "ENABLED"}


def test_the_history_is_that_of_all_organisations() -> None:
    """Of three, the second has no logs; the first has the last date, the third the first one."""
    names = {"acme/emea": "2026/ 2026/03/ 2026/03/09/", "acme/apac": "", "b/c": "2025/ 2025/12/ 2025/12/31/"}
    settings = json.dumps({"ingestion_prefixes": [f"s3://ingestion/{place}" for place in names]})
    answers: list[dict[str, Any]] = []
    for place, levels in names.items():
        answers += [{"CommonPrefixes": [{"Prefix": f"{place}/{name}"}]} for name in levels.split()] * 2 or [{}]
    item = {**ITEMS["project_parameters"], "settings": {"S": settings}}
    responses = {"FindDateFolders": answers, "LoadProjectParametersFromDynamo": [{"Item": item}]}
    way = walk(Situation(START, "one", {"project_name": "acme"}, responses))
    asked = [given["Prefix"] for given in way.arguments["FindDateFolders"]]
    assert [asked[0], asked[6], asked[7]] == ["acme/emea/", "acme/apac/", "b/c/"] and len(asked) == 13
    assert told(way)["RunBackfill"] == {"start_ts_iso": "2025-12-30T23:38:00Z", "end_ts_iso": "2026-03-10T00:08:00Z"}


def states_set(way: Walk) -> dict[str, str]:
    assert all(given["Target"] for given in way.arguments["SetSchedule"])
    return {given["Name"]: given["State"] for given in way.arguments["SetSchedule"]}


def test_the_first_start_turns_all_schedules_on_and_later_ones_leave_those_of_the_month() -> None:
    names = ("monthly-baselines", "training", "maintenance", "canary", "grow")
    first = {f"ndr-acme-{name}": "ENABLED" for name in names}
    assert states_set(started(THREE_DAYS)) == first
    record = recorded(first_window=FIRST, covered_until=FIRST, finished_until=FIRST)
    assert states_set(started(THREE_DAYS, TakeStart=record)) == {"ndr-acme-grow": "ENABLED"}


def test_a_project_that_has_its_days_of_history_grows_no_more() -> None:
    way = started({**THREE_DAYS, "grow_days": 3})
    assert (states_set(way)["ndr-acme-grow"], way.output["learning"]) == ("DISABLED", "")
