"""Roles of the tests: each trusts one service, and permits what its statements say."""

from __future__ import annotations

import json
from typing import Any

from localaws.cli.process import LocalAws
from tests.localaws.running import unique

HERE = "us-east-1:000000000000"


def allow(action: str | list[str], resource: str, **condition: Any) -> dict[str, Any]:
    """A statement of a policy; `condition` as AWS has it."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **condition}


def role_of(local: LocalAws, service: str, *statements: dict[str, Any], **condition: Any) -> str:
    """The ARN of a new role that a service may assume."""
    client, name = local.client("iam"), unique("role")
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**trust, **condition}]})
    made = client.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    if statements:
        permit(local, name, *statements)
    return str(made["Role"]["Arn"])


def permit(local: LocalAws, name: str, *statements: dict[str, Any]) -> None:
    """Replaces what a role permits."""
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        local.client("iam").put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=document)
    else:
        local.client("iam").delete_role_policy(RoleName=name, PolicyName="work")
