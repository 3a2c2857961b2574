"""Step Functions as on AWS: starting, stopping, nested executions, versions, many at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from tests.localaws.running import ROLE, create_table, unique, wait_for
from tests.localaws.services.stepfunctions.machines import FAIL, Machine, chain, machine, passing

NESTED = "arn:aws:states:::states:startExecution.sync:2"
LONG_WAIT = {"Type": "Wait", "Seconds": 100_000}


def test_a_name_starts_once(local_aws: LocalAws) -> None:
    tested = machine(local_aws, {"A": LONG_WAIT})
    arn = tested.start({"n": 1}, name="same")
    assert tested.start({"n": 1}, name="same") == arn
    with pytest.raises(ClientError) as caught:
        tested.start({"n": 2}, name="same")
    assert caught.value.response["Error"]["Code"] == "ExecutionAlreadyExists"
    tested.client.stop_execution(executionArn=arn)
    with pytest.raises(ClientError) as caught:
        tested.start({"n": 1}, name="same")
    assert caught.value.response["Error"]["Code"] == "ExecutionAlreadyExists"


@pytest.mark.parametrize(
    ("name", "code"), [("a b", "InvalidName"), ("a/b", "InvalidName"), ("x" * 81, "ValidationException")]
)
def test_names_are_checked(local_aws: LocalAws, name: str, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        machine(local_aws, {"A": passing()}).start(name=name)
    assert caught.value.response["Error"]["Code"] == code


@pytest.mark.parametrize("letter", ["x", "é"])
def test_input_has_at_most_262144_bytes(local_aws: LocalAws, letter: str) -> None:
    tested = machine(local_aws, {"A": passing("{% $length($states.input) %}")})
    most = (262_144 - 2) // len(letter.encode())

    def given(count: int) -> str:
        return json.dumps(letter * count, ensure_ascii=False)

    done = tested.finish(tested.client.start_execution(stateMachineArn=tested.arn, input=given(most))["executionArn"])
    assert json.loads(done["output"]) == most
    with pytest.raises(ClientError) as caught:
        tested.client.start_execution(stateMachineArn=tested.arn, input=given(most + 1))
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "ValidationException",
        "1 validation error detected: Value at 'input' failed to satisfy constraint: "
        "Member must have length less than or equal to 262144",
    )


def test_a_definition_has_at_most_a_mebibyte(local_aws: LocalAws) -> None:
    with pytest.raises(ClientError) as caught:
        machine(local_aws, {"A": passing()}, Comment="x" * 1024 * 1024)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert error["Message"].endswith("at 'definition' failed to satisfy constraint: Member must have length less than "
                                     "or equal to 1048576")  # fmt: skip


def test_input_must_be_json(local_aws: LocalAws) -> None:
    tested = machine(local_aws, {"A": passing()})
    with pytest.raises(ClientError) as caught:
        tested.client.start_execution(stateMachineArn=tested.arn, input="{")
    assert caught.value.response["Error"]["Code"] == "InvalidExecutionInput"


def test_stopping_ends_the_execution_at_once(local_aws: LocalAws) -> None:
    tested = machine(local_aws, {"A": LONG_WAIT, "B": passing()})
    arn = tested.start()
    wait_for(lambda: tested.states(arn) == ["A"])
    tested.client.stop_execution(executionArn=arn, error="Mine", cause="enough")
    done = tested.finish(arn)
    assert (done["status"], done["error"], done["cause"]) == ("ABORTED", "Mine", "enough")
    stopped = done["stopDate"]
    tested.client.stop_execution(executionArn=arn)
    assert tested.finish(arn)["stopDate"] == stopped
    assert tested.states(arn) == ["A"]
    assert tested.history(arn)[-1]["type"] == "ExecutionAborted"


def test_no_task_runs_after_a_stop(local_aws: LocalAws) -> None:
    table = unique("table")
    create_table(local_aws, table, "k")
    put = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:putItem",
        "Arguments": {"TableName": table, "Item": {"k": {"S": "x"}}},
    }
    tested = machine(local_aws, {"A": {"Type": "Wait", "Seconds": 25}, "B": put})
    arn = tested.start()
    tested.client.stop_execution(executionArn=arn)
    # 25 s are half a second here: the task would have run by the end of the second machine
    other = machine(local_aws, {"A": {"Type": "Wait", "Seconds": 40}})
    other.run()
    assert local_aws.client("dynamodb").scan(TableName=table)["Count"] == 0


def _parent(local: LocalAws, child: Machine, **members: object) -> Machine:
    arguments = {"StateMachineArn": child.arn, "Input": {"n": "{% $states.input.n %}"}}
    return machine(local, {"A": {"Type": "Task", "Resource": NESTED, "Arguments": arguments, **members}})


def test_a_nested_execution_gives_its_output(local_aws: LocalAws) -> None:
    child = machine(local_aws, {"A": passing({"n": "{% $states.input.n + 1 %}"})})
    result = _parent(local_aws, child).output({"n": 1})
    assert result["Output"] == {"n": 2}
    assert (result["Status"], result["StateMachineArn"]) == ("SUCCEEDED", child.arn)
    assert isinstance(result["StartDate"], int)


def test_a_nested_failure_is_a_failed_task(local_aws: LocalAws) -> None:
    child = machine(local_aws, {"A": FAIL})
    error, cause = _parent(local_aws, child).failure({"n": 1})
    assert error == "States.TaskFailed"
    described = json.loads(cause)
    assert (described["Status"], described["Error"], described["Cause"]) == ("FAILED", "My.Error", "because")
    assert child.finish(described["ExecutionArn"])["status"] == "FAILED"


def test_a_name_that_is_taken_has_its_error_in_the_parent(local_aws: LocalAws) -> None:
    child = machine(local_aws, {"A": passing()})
    child.finish(child.start({"n": 1}, name="taken"))
    arguments = {"StateMachineArn": child.arn, "Name": "taken"}
    task = {"Type": "Task", "Resource": NESTED, "Arguments": arguments}
    assert machine(local_aws, {"A": task}).failure()[0] == "StepFunctions.ExecutionAlreadyExistsException"
    task["Resource"] = "arn:aws:states:::aws-sdk:sfn:startExecution"
    assert machine(local_aws, {"A": task}).failure()[0] == "Sfn.ExecutionAlreadyExistsException"


def test_stopping_the_parent_stops_the_child(local_aws: LocalAws) -> None:
    child = machine(local_aws, {"A": LONG_WAIT})
    parent = _parent(local_aws, child)
    arn = parent.start({"n": 1})
    listed = wait_for(lambda: child.client.list_executions(stateMachineArn=child.arn)["executions"])
    parent.client.stop_execution(executionArn=arn)
    assert child.finish(listed[0]["executionArn"])["status"] == "ABORTED"
    assert parent.finish(arn)["status"] == "ABORTED"


def test_an_alias_runs_the_version_that_it_names(local_aws: LocalAws) -> None:
    tested = machine(local_aws, {"A": passing("first")})
    client = tested.client
    first = client.publish_state_machine_version(stateMachineArn=tested.arn)["stateMachineVersionArn"]
    second_definition = {"QueryLanguage": "JSONata", "StartAt": "A", "States": chain({"A": passing("second")})}
    second = client.update_state_machine(
        stateMachineArn=tested.arn, definition=json.dumps(second_definition), publish=True
    )["stateMachineVersionArn"]
    alias = client.create_state_machine_alias(
        name="live", routingConfiguration=[{"stateMachineVersionArn": second, "weight": 100}]
    )["stateMachineAliasArn"]
    live = Machine(local_aws, alias)
    assert live.output() == "second"
    client.update_state_machine_alias(
        stateMachineAliasArn=alias, routingConfiguration=[{"stateMachineVersionArn": first, "weight": 100}]
    )
    done = live.run()
    assert json.loads(done["output"]) == "first"
    assert (done["stateMachineVersionArn"], done["stateMachineAliasArn"]) == (first, alias)
    assert tested.output() == "second"


def test_an_alias_gives_each_version_its_part(local_aws: LocalAws) -> None:
    tested = machine(local_aws, {"A": passing("first")})
    client = tested.client
    first = client.publish_state_machine_version(stateMachineArn=tested.arn)["stateMachineVersionArn"]
    definition = {"QueryLanguage": "JSONata", "StartAt": "A", "States": chain({"A": passing("second")})}
    second = client.update_state_machine(stateMachineArn=tested.arn, definition=json.dumps(definition), publish=True)[
        "stateMachineVersionArn"
    ]
    routes = [{"stateMachineVersionArn": version, "weight": 50} for version in (first, second)]
    alias = client.create_state_machine_alias(name="live", routingConfiguration=routes)["stateMachineAliasArn"]
    live = Machine(local_aws, alias)
    done = [live.run() for _ in range(40)]  # all of one version: once in 2 ** 39
    names = {first: "first", second: "second"}
    assert {json.loads(run["output"]) for run in done} == set(names.values())
    assert {names[run["stateMachineVersionArn"]] == json.loads(run["output"]) for run in done} == {True}


def test_a_deleted_machine_leaves_no_versions(local_aws: LocalAws) -> None:
    tested = machine(local_aws, {"A": passing("first")})
    client, name = tested.client, tested.arn.rpartition(":")[2]
    version = client.publish_state_machine_version(stateMachineArn=tested.arn)["stateMachineVersionArn"]
    routes = [{"stateMachineVersionArn": version, "weight": 100}]
    client.create_state_machine_alias(name="live", routingConfiguration=routes)
    definition = client.describe_state_machine(stateMachineArn=tested.arn)["definition"]
    client.delete_state_machine(stateMachineArn=tested.arn)
    client.create_state_machine(name=name, definition=definition, roleArn=ROLE)
    assert client.list_state_machine_versions(stateMachineArn=tested.arn)["stateMachineVersions"] == []
    assert client.list_state_machine_aliases(stateMachineArn=tested.arn)["stateMachineAliases"] == []


def test_running_executions_keep_their_definition(local_aws: LocalAws) -> None:
    tested = machine(local_aws, {"A": {"Type": "Wait", "Seconds": 25}, "B": passing("old")})
    arn = tested.start()
    changed = {"QueryLanguage": "JSONata", "StartAt": "A", "States": chain({"A": passing("new")})}
    tested.client.update_state_machine(stateMachineArn=tested.arn, definition=json.dumps(changed))
    assert json.loads(tested.finish(arn)["output"]) == "old"


def test_a_hundred_executions_run_at_once(local_aws: LocalAws) -> None:
    tested = machine(
        local_aws,
        {
            "A": passing(Assign={"n": "{% $states.input.n %}"}),
            "B": {"Type": "Wait", "Seconds": 5},
            "C": passing("{% $sum([1..100].($ * $n)) %}"),
        },
    )
    with ThreadPoolExecutor(max_workers=25) as pool:
        arns = list(pool.map(lambda n: tested.start({"n": n}), range(100)))
        outputs = list(pool.map(lambda arn: json.loads(tested.finish(arn, 60)["output"]), arns))
    assert outputs == [5050 * n for n in range(100)]
