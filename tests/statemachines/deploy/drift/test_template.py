"""Templates with their functions resolved."""

from __future__ import annotations

from typing import Any

import pytest

from common.errors import DeploymentError
from statemachines.deploy.drift.template import Stack
from statemachines.deploy.functions import parsed

BODY = """
Mappings: {Sizes: {small: {days: 7}}}
Conditions:
  IsLarge: !Equals [!Ref Size, large]
  IsOther: !And [!Not [Condition: IsLarge], !Or [!Equals [a, a], !Equals [a, b]]]
Resources:
  Queue: {Type: "AWS::SQS::Queue"}
  Rule: {Type: "AWS::Events::Rule", Properties: {EventBusName: !Ref Bus}}
  Bus: {Type: "AWS::Events::EventBus"}
  Missing: {Type: "AWS::SQS::Queue", Condition: IsLarge}
  Last:
    Type: AWS::SNS::Topic
    Condition: IsOther
    Properties:
      Value: %s
"""
VALUES = {"Size": "small", "AWS::Region": "eu-west-1", "AWS::AccountId": "1", "AWS::Partition": "aws"}
PHYSICAL = {"Queue": "http://host/1/jobs", "Rule": "mine", "Bus": "bus", "Last": "arn:aws:sns:eu-west-1:1:last"}


def value_of(text: str) -> Any:
    """What the property of the last resource is."""
    resources = {one.logical: one for one in Stack(parsed(BODY % text), VALUES, PHYSICAL).resources()}
    assert "Missing" not in resources
    return resources["Last"].properties.get("Value")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!FindInMap [Sizes, !Ref Size, days]", 7),
        ("!Ref Queue", "http://host/1/jobs"),
        ("!GetAtt Queue.Arn", "arn:aws:sqs:eu-west-1:1:jobs"),
        ("!GetAtt [Queue, QueueName]", "jobs"),
        ("!GetAtt Rule.Arn", "arn:aws:events:eu-west-1:1:rule/bus/mine"),
        ('!Sub "${Size}-${Bus.Arn}-${!Kept}"', "small-arn:aws:events:eu-west-1:1:event-bus/bus-${Kept}"),
        ('!Sub ["${a}", {a: !Ref Size}]', "small"),
        ("!If [IsLarge, 1, [x, !Ref AWS::NoValue]]", ["x"]),
        ("!If [IsLarge, 1, !Ref AWS::NoValue]", None),
        ('!Join ["-", [a, !Ref Size]]', "a-small"),
        ('!Select [1, !Split [",", "a,b"]]', "b"),
    ],
)
def test_functions_are_resolved(text: str, value: Any) -> None:
    assert value_of(text) == value


def test_a_function_that_is_not_known_is_an_error() -> None:
    with pytest.raises(DeploymentError, match="function Base64 of a template is not known"):
        value_of("!Base64 x")
