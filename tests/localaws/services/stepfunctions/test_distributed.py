"""Step Functions as on AWS: distributed Map with JSONata."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from tests.localaws.running import unique, wait_for
from tests.localaws.services.stepfunctions.machines import FAIL, machine, part, passing

LONG_WAIT = {"Type": "Wait", "Seconds": 100_000}


def distributed(states: dict[str, Any]) -> dict[str, Any]:
    return part(states, ProcessorConfig={"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"})


def _children(tested: Any, arn: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    run = tested.client.list_map_runs(executionArn=arn)["mapRuns"][0]["mapRunArn"]
    listed = tested.client.list_executions(mapRunArn=run)["executions"]
    return tested.client.describe_map_run(mapRunArn=run), listed


def test_a_distributed_map_runs_children_of_its_own(local_aws: LocalAws) -> None:
    processor = distributed(
        {
            "X": passing(
                {
                    "seen": "{% $exists($outer) %}",
                    "n": "{% $states.input.n %}",
                    "name": "{% $states.context.Execution.Name %}",
                }
            )
        }
    )
    tested = machine(
        local_aws,
        {
            "A": passing(Assign={"outer": 1}),
            "M": {
                "Type": "Map",
                "Items": "{% $states.input.items %}",
                "ItemSelector": {"n": "{% $states.context.Map.Item.Value * $outer %}"},
                "MaxConcurrency": "{% 2 %}",
                "ToleratedFailurePercentage": "{% 10 %}",
                "ItemProcessor": processor,
                "Assign": {"count": "{% $count($states.result) %}"},
                "Output": "{% $states.result %}",
            },
            "B": passing({"results": "{% $states.input %}", "count": "{% $count %}"}),
        },
    )
    arn = tested.start({"items": [5, 6, 7]})
    output = json.loads(tested.finish(arn)["output"])
    assert [(item["n"], item["seen"]) for item in output["results"]] == [(5, False), (6, False), (7, False)]
    assert output["count"] == 3
    run, children = _children(tested, arn)
    assert (run["status"], run["itemCounts"]["succeeded"], run["maxConcurrency"]) == ("SUCCEEDED", 3, 2)
    assert {child["name"] for child in children} == {item["name"] for item in output["results"]}
    child = children[0]["executionArn"]
    assert tested.states(child) == ["X"]
    assert tested.history(child)[-1]["type"] == "ExecutionSucceeded"
    assert tested.states(arn) == ["A", "M", "B"]


def test_a_distributed_map_reads_its_items_from_s3(local_aws: LocalAws) -> None:
    bucket = unique("bucket")
    client = local_aws.client("s3")
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="in/manifest.json", Body=json.dumps({"windows": [{"w": 1}, {"w": 2}]}))
    states = {
        "M": {
            "Type": "Map",
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSON", "ItemsPointer": "/windows"},
                "Arguments": {
                    "Bucket": "{% $states.input.bucket %}",
                    "Key": "{% $states.input.prefix & '/manifest.json' %}",
                },
            },
            "ItemProcessor": distributed({"X": passing("{% $states.input.w %}")}),
        }
    }
    tested = machine(local_aws, states)
    assert tested.output({"bucket": bucket, "prefix": "in"}) == [1, 2]
    assert tested.failure({"bucket": bucket, "prefix": "out"})[0] == "States.ItemReaderFailed"


FAILS_ON_ODD = {
    "C": {
        "Type": "Choice",
        "Choices": [{"Condition": "{% $states.input % 2 = 1 %}", "Next": "Odd"}],
        "Default": "Even",
    },
    "Odd": FAIL,
    "Even": passing("even"),
}


@pytest.mark.parametrize(("percentage", "status"), [(49, "FAILED"), (50, "SUCCEEDED")])
def test_a_map_tolerates_its_share_of_failures(local_aws: LocalAws, percentage: int, status: str) -> None:
    states = {
        "M": {
            "Type": "Map",
            "Items": [1, 2, 3, 4],
            "MaxConcurrency": 1,
            "ToleratedFailurePercentage": percentage,
            "ItemProcessor": distributed(FAILS_ON_ODD),
            "Output": "{% $count($states.result[$ = 'even']) %}",
        }
    }
    tested = machine(local_aws, states)
    arn = tested.start()
    done = tested.finish(arn)
    run, children = _children(tested, arn)
    assert (done["status"], run["status"]) == (status, status)
    if status == "FAILED":
        assert done["error"] == "States.ExceedToleratedFailureThreshold"
        # 1 of 4 is within 49 %, the second failure (item 3) is not, and item 4 never starts
        assert len(children) == 3
        assert run["itemCounts"]["aborted"] == 1
    else:
        assert json.loads(done["output"]) == 2
        assert run["itemCounts"]["failed"] == 2
    failed = next(child for child in children if child["status"] == "FAILED")
    assert tested.states(failed["executionArn"]) == ["C", "Odd"]
    assert tested.finish(failed["executionArn"])["error"] == "My.Error"


def test_stopping_the_parent_stops_the_children(local_aws: LocalAws) -> None:
    states = {
        "M": {"Type": "Map", "Items": [1, 2, 3], "MaxConcurrency": 2, "ItemProcessor": distributed({"W": LONG_WAIT})}
    }
    tested = machine(local_aws, states)
    arn = tested.start()
    wait_for(lambda: tested.client.list_map_runs(executionArn=arn)["mapRuns"] and len(_children(tested, arn)[1]) == 2)
    tested.client.stop_execution(executionArn=arn)
    assert tested.finish(arn)["status"] == "ABORTED"
    wait_for(lambda: _children(tested, arn)[0]["status"] == "ABORTED")
    run, children = _children(tested, arn)
    assert [child["status"] for child in children] == ["ABORTED", "ABORTED"]
    assert run["itemCounts"]["aborted"] == 3


def test_a_time_limit_ends_the_children(local_aws: LocalAws) -> None:
    states = {"M": {"Type": "Map", "Items": [1], "ItemProcessor": distributed({"W": LONG_WAIT})}}
    tested = machine(local_aws, states, TimeoutSeconds=1)
    arn = tested.start()
    assert tested.finish(arn)["status"] == "TIMED_OUT"
    assert [child["status"] for child in _children(tested, arn)[1]] == ["ABORTED"]


@pytest.mark.parametrize("member", ["ItemBatcher", "ResultWriter"])
def test_what_is_not_emulated_is_refused(local_aws: LocalAws, member: str) -> None:
    states = {"M": {"Type": "Map", "Items": [1], "ItemProcessor": distributed({"X": passing()}), member: {}}}
    with pytest.raises(ClientError, match=f"{member} is not supported by the local AWS"):
        machine(local_aws, states)
