"""What of a permission is taken away, what it is needed for, and which text names it."""

from __future__ import annotations

import json

import pytest

from localaws.authorization.unchecked import UNCHECKED, why_unchecked
from localaws.cli.process import LocalAws
from statemachines.deploy.permissions.template import Statement
from tests.localaws.running import create_role, unique
from tests.permissions.permission import Asked, Permission, depends, permissions, without
from tests.permissions.world import says_refused
from tests.statemachines.deploy.permissions.templates import template_of

GET = Permission("r", "s3:GetObject", ("arn:aws:s3:::b/*",))
ASKED = [Asked("r", "s3:GetObject", "arn:aws:s3:::b/k")]


def statement(action: str, resource: str) -> Statement:
    return Statement("p", (action, "s3:PutObject"), (resource,), {})


def test_a_run_depends_on_what_it_asks_for_and_nothing_else_gives() -> None:
    own = statement("s3:GetObject", "arn:aws:s3:::b/*")
    assert depends(GET, [own], ASKED)
    assert not depends(GET, [own], [Asked("other", "s3:GetObject", "arn:aws:s3:::b/k")])
    assert not depends(GET, [own], [Asked("r", "s3:PutObject", "arn:aws:s3:::b/k")])
    assert not depends(GET, [own, statement("s3:GetObject", "arn:aws:s3:::b/k")], ASKED)
    assert depends(GET, [own, statement("s3:GetObject", "arn:aws:s3:::c/*")], ASKED)


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("arn:aws:sts::0:assumed-role/r/One is not authorized to perform: s3:GetObject on resource: x", True),
        ("arn:aws:sts::0:assumed-role/r/One is not authorized to perform: s3:GetObjectVersion on resource: x", False),
        ("arn:aws:sts::0:assumed-role/r-2/One is not authorized to perform: s3:GetObject on resource: x", False),
        ("arn:aws:sts::0:assumed-role/r/One may perform s3:GetObject", False),
        ("cannot be looked up: http://127.0.0.1 denied access to s3://b. Give these credentials", True),
        ("cannot be looked up: http://127.0.0.1 denied access to s3://b-2. Give these credentials", False),
    ],
)
def test_a_failure_names_exactly_the_role_and_the_action(text: str, is_named: bool) -> None:
    assert says_refused(text, GET.role, GET.action, GET.resources) is is_named


def test_one_action_is_taken_away_and_put_back(local_aws: LocalAws) -> None:
    role, iam = unique("role"), local_aws.client("iam")
    given = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::b/*"}
    only = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::b/*"]}
    create_role(local_aws, role, given, only, {**only, "Resource": "arn:aws:s3:::c/*"})

    def permitted() -> list[tuple[str, str]]:
        document = iam.get_role_policy(RoleName=role, PolicyName="work")["PolicyDocument"]
        return [(json.dumps(one["Action"]), json.dumps(one["Resource"])) for one in document["Statement"]]

    before = permitted()
    with without(local_aws, Permission(role, GET.action, GET.resources)):
        assert permitted() == [('["s3:PutObject"]', '"arn:aws:s3:::b/*"'), ('"s3:GetObject"', '"arn:aws:s3:::c/*"')]
    assert permitted() == before
    with pytest.raises(AssertionError, match="lacks"), without(local_aws, Permission(role, "s3:ListBucket", ("*",))):
        pass


def test_every_reason_not_to_ask_is_of_a_permission_of_the_templates() -> None:
    given = [one for settings in ("key", "network") for one in permissions(template_of(settings).statements())]
    reasons = {why_unchecked(one.action, resource) for one in given for resource in one.resources} - {""}
    assert reasons == set(UNCHECKED.values())
    assert why_unchecked("s3:GetObject", "*") == ""
    assert why_unchecked("logs:PutLogEvents", "arn:aws:logs:us-east-1:0:log-group:/ecs/ndr:*") == ""
