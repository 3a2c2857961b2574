"""Changes of a stack while CloudFormation is still at what a killed deployment began."""

from __future__ import annotations

from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from statemachines.deploy import changes


def test_what_was_begun_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "PAUSE_SECONDS", 0.01)
    cloudformation = boto3.client(
        "cloudformation", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="a"
    )
    with Stubber(cloudformation) as stubbed:
        for status in ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"):
            stack = {"StackName": "dev-ndr", "CreationTime": datetime.now(UTC), "StackStatus": status}
            stubbed.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "dev-ndr"})
        stubbed.add_response("list_change_sets", {"Summaries": []}, {"StackName": "dev-ndr"})
        stubbed.add_client_error("create_change_set", "ValidationError", "seen")
        with pytest.raises(ClientError, match="seen"):
            changes.propose(cloudformation, {"StackName": "dev-ndr", "TemplateBody": "{}"}, is_new=False)
        stubbed.assert_no_pending_responses()
