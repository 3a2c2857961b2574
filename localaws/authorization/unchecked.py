"""What the local AWS asks no role for: what services do with it on AWS, and have no cause to do here."""

from __future__ import annotations

from fnmatch import fnmatchcase

UNCHECKED = {
    ("kms:*", "*"): "nothing is encrypted with a key of KMS",
    ("ec2:*", "*"): "steps have no network of their own",
    ("cloudwatch:PutMetricData", "*"): "metrics of processes are read from their logs",
    ("logs:*", "*:log-group:/aws*"): "logs of processes are files",
    ("logs:*LogDelivery", "*"): "machines keep their history, and deliver no logs",
    ("logs:ListLogDeliveries", "*"): "machines keep their history, and deliver no logs",
    ("logs:*ResourcePolic*", "*"): "machines keep their history, and deliver no logs",
    ("logs:DescribeLogGroups", "*"): "machines keep their history, and deliver no logs",
    ("xray:*", "*"): "traces are not sent",
    ("sagemaker:StopProcessingJob", "*"): "the process of a job is ended without a call",
}
"""Why, by patterns of actions and of the ARNs that they are done to."""


def why_unchecked(action: str, resource: str) -> str:
    """Why no role is asked for an action on a resource; empty if roles are."""
    found = (
        why
        for (actions, resources), why in UNCHECKED.items()
        if fnmatchcase(action, actions) and fnmatchcase(resource, resources)
    )
    return next(found, "")
