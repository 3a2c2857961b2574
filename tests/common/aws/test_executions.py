"""An execution that does not end, and one that is stopped."""

from __future__ import annotations

import json

import boto3
import pytest

from common.aws.executions import output_of
from common.errors import StageError
from tests.pipelines.conftest import environment, moto, moto_server

__all__ = ["environment", "moto_server"]
MACHINE = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
ROLE = "arn:aws:iam::123456789012:role/test"


def test_an_execution_is_named_that_still_runs_or_has_not_succeeded(
    moto_server: str, environment: pytest.MonkeyPatch
) -> None:
    moto(moto_server, "reset")
    account = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-central-1"}
    states = boto3.client("stepfunctions", endpoint_url=moto_server, **account)
    machine = states.create_state_machine(name="m", definition=json.dumps(MACHINE), roleArn=ROLE)["stateMachineArn"]
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]  # which moto leaves running
    with pytest.raises(StageError, match=r"the execution of May is RUNNING: no cause given\. Wait longer"):
        output_of(states, arn, "the execution of May", "Wait longer", seconds=0.05, pause_seconds=0.01)
    states.stop_execution(executionArn=arn, cause="too late")
    with pytest.raises(StageError, match=r"the execution of May is ABORTED: .*\. Start it again"):
        output_of(states, arn, "the execution of May", "Start it again")
