"""Step Functions as on AWS: outputs, variables, errors, retries, time limits."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import REPOSITORY, LocalAws, interpreter
from tests.localaws.running import unique
from tests.localaws.services.stepfunctions.machines import FAIL, chain, failing_task, machine, part, passing


def test_succeed_has_an_output(local_aws: LocalAws) -> None:
    tested = machine(local_aws, {"A": {"Type": "Succeed", "Output": {"twice": "{% $states.input.n * 2 %}"}}})
    assert tested.output({"n": 4}) == {"twice": 8}


def test_assignments_see_the_old_values(local_aws: LocalAws) -> None:
    tested = machine(
        local_aws,
        {
            "A": passing(Assign={"x": 1, "y": 2}),
            "B": passing("{% [$x, $y] %}", Assign={"x": "{% $y %}", "y": "{% $x %}"}),
            "C": passing({"before": "{% $states.input %}", "after": "{% [$x, $y] %}"}),
        },
    )
    assert tested.output() == {"before": [1, 2], "after": [2, 1]}


def test_a_choice_rule_has_output_and_assign_and_the_state_has_those_of_the_default(local_aws: LocalAws) -> None:
    tested = machine(
        local_aws,
        {
            "A": {
                "Type": "Choice",
                "Choices": [
                    {
                        "Condition": "{% $states.input.n > 1 %}",
                        "Output": "rule",
                        "Assign": {"v": "of the rule"},
                        "Next": "B",
                    }
                ],
                "Output": "default",
                "Assign": {"v": "of the state"},
                "Default": "B",
            },
            "B": passing("{% [$states.input, $v] %}"),
        },
    )
    assert tested.output({"n": 2}) == ["rule", "of the rule"]
    assert tested.output({"n": 1}) == ["default", "of the state"]


def test_a_condition_must_be_a_boolean(local_aws: LocalAws) -> None:
    choice = {"Type": "Choice", "Choices": [{"Condition": "{% 'yes' %}", "Next": "B"}], "Default": "B"}
    error, cause = machine(local_aws, {"A": choice, "B": passing()}).failure()
    assert error == "States.QueryEvaluationError"
    assert "Expected 'boolean'" in cause


@pytest.mark.parametrize("expression", ["$states.input.a ?? 1", "$states.input.a ?: 1"])
def test_operators_of_later_jsonata_are_refused(local_aws: LocalAws, expression: str) -> None:
    with pytest.raises(ClientError, match="INVALID_JSONATA_EXPRESSION") as caught:
        machine(local_aws, {"A": passing(f"{{% {expression} %}}")})
    assert caught.value.response["Error"]["Code"] == "InvalidDefinition"
    tested = machine(local_aws, {"A": passing("{% $states.input.a ? '??' : '?:' %}")})
    assert tested.output({"a": True}) == "??"
    with pytest.raises(ClientError, match="INVALID_JSONATA_EXPRESSION"):
        tested.client.update_state_machine(
            stateMachineArn=tested.arn,
            definition=json.dumps(
                {"QueryLanguage": "JSONata", "StartAt": "A", "States": chain({"A": passing(f"{{% {expression} %}}")})}
            ),
        )


def test_missing_states_are_refused(local_aws: LocalAws) -> None:
    with pytest.raises(ClientError, match="MISSING_TRANSITION_TARGET"):
        machine(local_aws, {"A": passing(Next="Nowhere")})


def test_catch_has_its_own_output_and_assign(local_aws: LocalAws) -> None:
    catch = {
        "ErrorEquals": ["DynamoDB.ResourceNotFoundException"],
        "Output": {"caught": "{% $states.errorOutput.Error %}"},
        "Assign": {"reason": "{% $states.errorOutput.Cause %}"},
        "Next": "B",
    }
    tested = machine(
        local_aws,
        {
            "A": failing_task(Assign={"reason": "not caught"}, Output="not caught", Catch=[catch]),
            "B": passing({"input": "{% $states.input %}", "reason": "{% $reason %}"}),
        },
    )
    assert tested.output() == {
        "input": {"caught": "DynamoDB.ResourceNotFoundException"},
        "reason": "Requested resource not found",
    }


@pytest.mark.parametrize("names", [["States.ALL"], ["States.TaskFailed"], ["States.Runtime"]])
def test_runtime_errors_are_never_caught(local_aws: LocalAws, names: list[str]) -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:nosuchservice:doIt", "Arguments": {}}
    catch = [{"ErrorEquals": names, "Next": "B"}]
    tested = machine(local_aws, {"A": {**task, "Catch": catch, "Retry": [{"ErrorEquals": names}]}, "B": passing()})
    assert tested.failure()[0] == "States.Runtime"


def test_too_much_data_is_caught_by_its_name_only(local_aws: LocalAws) -> None:
    big = passing("{% $pad('', 300000, 'x') %}")
    assert machine(local_aws, {"A": big}).failure()[0] == "States.DataLimitExceeded"
    inner = {"Type": "Parallel", "Branches": [part({"Big": big})]}
    for names, caught in (["States.ALL"], False), (["States.DataLimitExceeded"], True):
        states = {"A": {**inner, "Catch": [{"ErrorEquals": names, "Next": "B"}]}, "B": passing("caught")}
        assert (machine(local_aws, states).run()["status"] == "SUCCEEDED") is caught


def test_retries_wait_no_longer_than_the_longest_delay(local_aws: LocalAws) -> None:
    # waits of 1 + 5 * 2 s, scaled by 0.02: 0.22 s; without the longest delay, 1 + 5 * 60 s: 6 s
    retry = {
        "ErrorEquals": ["DynamoDB.ResourceNotFoundException"],
        "IntervalSeconds": 1,
        "BackoffRate": 100,
        "MaxDelaySeconds": 2,
        "MaxAttempts": 6,
    }
    tested = machine(local_aws, {"A": failing_task(Retry=[retry])})
    arn = tested.start()
    done = tested.finish(arn)
    assert done["error"] == "DynamoDB.ResourceNotFoundException"
    assert 0.22 <= (done["stopDate"] - done["startDate"]).total_seconds() < 5
    assert [event["type"] for event in tested.history(arn)].count("TaskScheduled") == 7


def test_retries_wait_longer_each_time_up_to_the_maximum() -> None:
    script = """
import json
from localaws.services.stepfunctions.failures import delay
plain = {"IntervalSeconds": 3, "BackoffRate": 2, "MaxDelaySeconds": 20}
print(json.dumps([
    [delay(plain, count) for count in range(5)],
    [delay({}, count) for count in range(3)],
    sorted(delay({**plain, "JitterStrategy": "FULL"}, 1) for _ in range(200)),
]))
"""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([str(interpreter()), "-c", script], capture_output=True, check=True, env=environment)
    plain, default, jittered = json.loads(done.stdout)
    assert plain == [3, 6, 12, 20, 20]
    assert default == [1, 2, 4]
    assert 0 <= jittered[0] < 1 < 5 < jittered[-1] <= 6


def test_the_first_retrier_with_no_attempts_decides(local_aws: LocalAws) -> None:
    retry = [{"ErrorEquals": ["DynamoDB.ResourceNotFoundException"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"]}]
    tested = machine(local_aws, {"A": failing_task(Retry=retry)})
    arn = tested.start()
    tested.finish(arn)
    assert [event["type"] for event in tested.history(arn)].count("TaskScheduled") == 1


def test_a_machine_has_a_time_limit(local_aws: LocalAws) -> None:
    tested = machine(local_aws, {"A": {"Type": "Wait", "Seconds": 3000}}, TimeoutSeconds=1)
    arn = tested.start()
    done = tested.finish(arn)
    assert (done["status"], done["error"]) == ("TIMED_OUT", "States.Timeout")
    assert tested.history(arn)[-1]["type"] == "ExecutionTimedOut"


def test_a_task_has_a_time_limit_that_may_be_an_expression(local_aws: LocalAws) -> None:
    slow = machine(local_aws, {"W": {"Type": "Wait", "Seconds": 3000}})
    name = unique("slow")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Arguments": {"StateMachineArn": slow.arn, "Name": name},
        "TimeoutSeconds": "{% $states.input.seconds %}",
        "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "B"}],
    }
    assert machine(local_aws, {"A": task, "B": passing("late")}).output({"seconds": 1}) == "late"
    child = slow.arn.replace(":stateMachine:", ":execution:") + f":{name}"
    assert slow.finish(child)["status"] == "ABORTED"


def test_history_names_the_states(local_aws: LocalAws) -> None:
    tested = machine(local_aws, {"A": passing(), "B": {"Type": "Wait", "Seconds": 1}, "C": FAIL})
    arn = tested.start()
    assert tested.finish(arn)["error"] == "My.Error"
    assert tested.states(arn) == ["A", "B", "C"]
    assert [event["id"] for event in tested.history(arn)] == list(range(1, 8))
    assert [event["type"] for event in tested.history(arn)] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "WaitStateEntered",
        "WaitStateExited",
        "FailStateEntered",
        "ExecutionFailed",
    ]
