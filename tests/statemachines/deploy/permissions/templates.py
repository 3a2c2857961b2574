"""The templates of all stacks, with different parameters."""

from __future__ import annotations

from functools import cache

from statemachines.deploy.parts import TEMPLATES
from statemachines.deploy.permissions.template import Template

ACCOUNT, REGION = "000000000000", "us-east-1"
SETTINGS: dict[str, dict[str, str]] = {
    "defaults": {},
    "tasks": {"Runner": "tasks", "TaskSubnets": "subnet-1", "TaskSecurityGroups": "sg-1"},
    "network": {"StepsInVpc": "true", "LogBuckets": "arn:aws:s3:::logs-of-acme,arn:aws:s3:::more.logs"},
    "key": {"KmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b", "LogBuckets": "arn:aws:s3:::logs-of-acme"},
    "environment": {
        "Environment": "dev-",
        "NamePrefix": "acme",
        "SnowflakeUserArn": "arn:aws:iam::111111111111:user/snow",
        "SnowflakeExternalId": "e1",
    },
}


@cache
def bodies() -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8") for path in TEMPLATES.values())


def template_of(settings: str, *more: str) -> Template:
    """The templates with parameters of `SETTINGS`, and more bodies."""
    return Template([*bodies(), *more], SETTINGS[settings], ACCOUNT, REGION)
