"""AWS's limits of an execution: the events of its history, and the data of its states."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localaws.cli.process import LocalAws
from tests.localaws.running import create_table, unique
from tests.localaws.services.stepfunctions.machines import FAIL, machine, part, passing

KIBIBYTES_256 = 262_144
TOO_LARGE = "returned a result with a size exceeding the maximum number of bytes service limit."


def counting(most: int) -> dict[str, Any]:
    """A machine whose history has 4 + 2 * most events: started, one state, the rounds of a choice, and succeeded."""
    again = {"Condition": f"{{% $n < {most} %}}", "Assign": {"n": "{% $n + 1 %}"}, "Next": "Count"}
    return {
        "Zero": passing(Assign={"n": 1}, Next="Count"),
        "Count": {"Type": "Choice", "Choices": [again], "Default": "Done"},
        "Done": {"Type": "Succeed"},
    }


@pytest.mark.slow
@pytest.mark.long
def test_a_history_has_at_most_25000_events(local_aws: LocalAws) -> None:
    # started, Zero entered and exited, Done entered and exited, succeeded: 6 events, and 2 of each round
    fits = machine(local_aws, counting(12_497))
    arn = fits.start()
    assert fits.finish(arn, seconds=120)["status"] == "SUCCEEDED"
    assert len(fits.history(arn)) == 25_000
    tested = machine(local_aws, counting(12_498))
    arn = tested.start()
    done = tested.finish(arn, seconds=120)
    assert (done["status"], done["error"], done["cause"]) == (
        "FAILED",
        "States.Runtime",
        "The execution reached the maximum number of history events (25000).",
    )
    events = tested.history(arn)
    assert (len(events), events[-1]["type"]) == (25_000, "ExecutionFailed")


def test_a_task_has_the_events_that_aws_counts(local_aws: LocalAws) -> None:
    table = unique("table")
    create_table(local_aws, table, "key")
    get = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:getItem",
        "Arguments": {"TableName": table, "Key": {"key": {"S": "x"}}},
    }
    nested = machine(local_aws, {"A": FAIL})
    wait = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Arguments": {"StateMachineArn": nested.arn, "Input": {}},
        "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "C"}],
    }
    tested = machine(local_aws, {"A": get, "B": wait, "C": passing()})
    arn = tested.start()
    tested.finish(arn)
    task = ["TaskStateEntered", "TaskScheduled", "TaskStarted"]
    assert [event["type"] for event in tested.history(arn)] == [
        "ExecutionStarted",
        *(*task, "TaskSucceeded", "TaskStateExited"),
        *(*task, "TaskSubmitted", "TaskFailed", "TaskStateExited"),
        *("PassStateEntered", "PassStateExited", "ExecutionSucceeded"),
    ]


def test_the_data_of_a_state_has_at_most_262144_bytes(local_aws: LocalAws) -> None:
    pad = "{% $pad('', $states.input.n, 'x') %}"
    tested = machine(local_aws, {"A": passing(pad)})
    assert len(tested.output({"n": KIBIBYTES_256 - 2})) == KIBIBYTES_256 - 2
    error, cause = tested.failure({"n": KIBIBYTES_256 - 1})
    assert (error, cause.startswith(f"The state/task 'A' {TOO_LARGE}")) == ("States.DataLimitExceeded", True)


def test_the_result_of_a_task_counts_although_its_output_is_small(local_aws: LocalAws) -> None:
    bucket = unique("bucket")
    client = local_aws.client("s3")
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="big", Body=b"x" * KIBIBYTES_256)
    get = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Arguments": {"Bucket": bucket, "Key": "big"},
        "Output": "small",
    }
    assert machine(local_aws, {"A": get}).failure()[0] == "States.DataLimitExceeded"


@pytest.mark.slow
def test_an_assignment_has_at_most_262144_bytes_and_all_variables_ten_mebibytes(local_aws: LocalAws) -> None:
    most = KIBIBYTES_256 - len(json.dumps({"v": ""}, separators=(",", ":")))
    for size, error in (most, None), (most + 1, "States.DataLimitExceeded"):
        tested = machine(local_aws, {"A": passing(0, Assign={"v": f"{{% $pad('', {size}, 'x') %}}"})})
        assert tested.run().get("error") == error
    forty = {f"S{n:02}": passing(0, Assign={f"v{n:02}": f"{{% $pad('', {most - 2}, 'x') %}}"}) for n in range(41)}
    assert machine(local_aws, dict(list(forty.items())[:39])).run()["status"] == "SUCCEEDED"
    assert machine(local_aws, forty).failure()[0] == "States.DataLimitExceeded"


@pytest.mark.slow
def test_an_inner_state_that_exceeds_the_history_fails_the_execution(local_aws: LocalAws) -> None:
    # of each of the items, 5 events: started, entered, exited, succeeded, so 25,000 are passed before 6,250 items
    work = {
        "Type": "Map",
        "Items": "{% [1..6300] %}",
        "ItemProcessor": part({"Inner": passing()}),
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
    }
    tested = machine(local_aws, {"A": {**work, "Output": 0, "Next": "Caught"}, "Caught": {"Type": "Succeed"}})
    done = tested.finish(tested.start(), seconds=120)
    assert (done["status"], done.get("error")) == ("FAILED", "States.Runtime")
