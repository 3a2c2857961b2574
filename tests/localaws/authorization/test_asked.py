"""What roles are asked for is noted once, permitted or not, and simulations are not."""

from __future__ import annotations

import json

import pytest

from localaws.cli.process import LocalAws
from tests.localaws.authorization.roles import allow, role_of
from tests.localaws.authorization.test_services import MAKING, PULL, pass_on, run_step
from tests.localaws.running import unique

pytestmark = pytest.mark.slow


def test_what_a_step_asks_its_role_for_is_noted_once(guarded: LocalAws) -> None:
    bucket = f"arn:aws:s3:::{unique('thing')}"
    role = role_of(guarded, "sagemaker", *PULL, allow("sqs:ListQueues", "*"))
    guarded.client("iam").simulate_principal_policy(PolicySourceArn=role, ActionNames=["s3:GetObject"])
    words = [word for _ in range(2) for word in ("s3", "list_objects_v2", json.dumps({"Bucket": bucket[13:]}))]
    _, said = run_step(guarded, role_of(guarded, "sagemaker", *MAKING, pass_on(role)), role, *words)
    assert said.count("is not authorized to perform: s3:ListBucket") == 2
    lines = [json.loads(line) for line in (guarded.step_bin / "asked").read_text().splitlines()]
    found = [(line["action"], line["resource"]) for line in lines if line["role"] == role.rpartition("/")[2]]
    token, others = PULL
    pulled = [(token["Action"], "*"), *((action, others["Resource"]) for action in others["Action"])]
    assert sorted(found) == sorted([("s3:ListBucket", bucket), *pulled])
