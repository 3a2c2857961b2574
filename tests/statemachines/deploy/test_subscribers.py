"""Whom the topics of an environment tell, as its file names them."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.errors import NdrError
from statemachines.deploy.environment import read_environment
from statemachines.deploy.subscribers import protocol_of, topics_of

QUEUE = "arn:aws:sqs:us-east-1:1:on-duty"
FUNCTION = "arn:aws-cn:lambda:cn-north-1:1:function:chat"


@pytest.mark.parametrize(
    ("subscriber", "protocol"),
    [("on-duty@example.com", "email"), (QUEUE, "sqs"), (FUNCTION, "lambda"), ("https://example.com/a", "https")],
)
def test_a_subscriber_says_how_it_is_told(subscriber: str, protocol: str, tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text(f"subscribers: ['{subscriber}']\n")
    described, _ = read_environment("dev", tmp_path)
    assert described.subscribers == (subscriber,)
    assert protocol_of(subscriber) == protocol


@pytest.mark.parametrize("wrong", ["nobody", "http://example.com", "arn:aws:s3:::b", "a@b c", "@", "x@y\narn:aws:sqs:"])
def test_what_cannot_be_told_is_refused(wrong: str, tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text(f"subscribers: [{wrong!r}]\n")
    with pytest.raises(NdrError, match="subscribers"):
        read_environment("dev", tmp_path)


def test_topics_are_told_by_the_names_of_outputs() -> None:
    assert topics_of({"BTopicArn": "b", "ATopicArn": "a", "TopicName": "c"}) == ["a", "b"]
