"""The message of a completed batch: its forms and wrappers, windows at their edges, and what is wrong with it."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from common.config.dynamodb import routing_item
from common.windows import closed_window
from tests.statemachines.machines.cases import walked
from tests.statemachines.machines.samples import (
    BATCH,
    LIVE,
    MESSAGES,
)

PLAIN = MESSAGES[LIVE]
TEXT = "s3_key=acme/emea/2026/03/10/0f3a/part-0000.csv.gz;timestamp=2026-03-10T13:23:11Z"


def recorded(message: Any, **responses: Any) -> dict[str, str]:
    """What is written to the batch index for a message."""
    way = walked(LIVE, message, **responses)
    assert "RecordMiniBatch" in way.arguments, (way.error, way.cause)
    arguments = way.arguments["RecordMiniBatch"][0]
    assigned = dict(re.findall(r"(\w+) = (?:if_not_exists\(\w+, )?(:\w+)", arguments["UpdateExpression"]))
    values = {name: arguments["ExpressionAttributeValues"][value] for name, value in assigned.items()}
    return {name: value["S"] for name, value in {**arguments["Key"], **values}.items() if name != "announced_by"}


def event(detail: Any) -> dict[str, Any]:
    return {
        "version": "0", "id": "e1", "detail-type": "NdrBatchCompleted", "source": "producer", "account": "1",
        "time": "2026-03-10T13:23:12Z", "region": "us-east-1", "resources": [], "detail": detail,
    }  # fmt: skip


def as_text(message: Any) -> str:
    return message if isinstance(message, str) else json.dumps(message)


def sns(message: Any) -> dict[str, Any]:
    topic = {
        "Type": "Notification",
        "MessageId": "m1",
        "Message": as_text(message),
        "Timestamp": "2026-03-10T13:23:12Z",
    }
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": topic}]}


def notification(message: Any) -> dict[str, Any]:
    return {"Type": "Notification", "MessageId": "m1", "TopicArn": "arn:aws:sns:x", "Message": as_text(message)}


def sqs(message: Any) -> dict[str, Any]:
    return {"Records": pipes(message)}


def pipes(message: Any) -> list[dict[str, Any]]:
    return [{"messageId": "m1", "receiptHandle": "r", "body": as_text(message), "eventSource": "aws:sqs"}]


WRAPPERS = {
    "bare": lambda message: message,
    "EventBridge": event,
    "SNS": sns,
    "SQS": sqs,
    "a pipe": pipes,
    "SNS in SQS": lambda message: sqs(notification(message)),
    "SNS in a pipe": lambda message: pipes(notification(message)),
    "EventBridge in SQS": lambda message: sqs(event(message)),
    "EventBridge in SNS in SQS": lambda message: sqs(notification(event(message))),
    "a text": as_text,
}


@pytest.mark.slow
@pytest.mark.parametrize("content", [PLAIN, TEXT], ids=["object", "text"])
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_message_is_the_same_in_each_wrapper(wrapper: str, content: Any) -> None:
    assert recorded(WRAPPERS[wrapper](content)) == {
        "project_name": "acme",
        "batch_key": "2026-03-10T13:23:00Z#acme/emea/2026/03/10/0f3a",
        "batch_s3_path": BATCH,
        "mini_batch_id": "0f3a",
        "batch_start_ts_iso": "2026-03-10T13:08:00Z",
        "batch_end_ts_iso": "2026-03-10T13:23:00Z",
        "event_ts_iso": "2026-03-10T13:23:11Z",
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "event_ts"),
    [
        (1773148991, "2026-03-10T13:23:11.000Z"),
        ("1773148991", "2026-03-10T13:23:11.000Z"),
        (1773148991123, "2026-03-10T13:23:11.123Z"),
        ("2026-03-10T14:23:11+01:00", "2026-03-10T14:23:11+01:00"),
        ("2026-03-10T08:23:11-0500", "2026-03-10T08:23:11-0500"),
        ("2026-03-10T18:53:11+05:30", "2026-03-10T18:53:11+05:30"),
        ("2026-03-10T13:23:11.123456789Z", "2026-03-10T13:23:11.123456789Z"),
    ],
)
@pytest.mark.parametrize("field", ["timestamp", "event_ts_iso", "event_timestamp"])
def test_the_time_in_each_form_is_the_same_moment(field: str, given: Any, event_ts: str) -> None:
    found = recorded({"batch_s3_path": BATCH, field: given})
    assert (found["event_ts_iso"], found["batch_end_ts_iso"]) == (event_ts, "2026-03-10T13:23:00Z")


@pytest.mark.parametrize(
    ("given", "prefix", "folder"),
    [
        ({"batch_s3_path": "s3://inbox/acme/emea/2026/03/10/0f3a"}, "s3://inbox/acme/emea", "0f3a"),
        ({"batch_s3_path": "s3://inbox/x/acme/emea/2026/03/10/0f3a/part.csv"}, "s3://inbox/x/acme/emea", "0f3a"),
        ({"batch_s3_path": "s3://inbox//acme//emea/2026/03/10/0f3a//"}, "s3://inbox/acme/emea", "0f3a"),
        ({"s3_key": "acme/emea/2026/03/10/0f3a/"}, "s3://ingestion/acme/emea", "0f3a"),
        ({"s3_key": "acme/emea/2026/03/10/0f3a", "bucket": "inbox"}, "s3://inbox/acme/emea", "0f3a"),
        ({"s3_key": "acme/emea/2026/03/10/day=1"}, "s3://ingestion/acme/emea", "day=1"),
    ],
)
def test_the_folder_of_the_batch_is_found_in_its_path(given: dict[str, str], prefix: str, folder: str) -> None:
    routing = {"Item": routing_item("acme", "emea", "acme", "v1", prefix)}
    found = recorded({**given, "timestamp": PLAIN["timestamp"]}, LoadProjectRoutingFromDynamo=routing)
    assert found["batch_s3_path"] == f"{prefix}/2026/03/10/{folder}"


@pytest.mark.parametrize(
    ("given", "prefix"),
    [
        ("s3://other/acme/emea/2026/03/10/0f3a", "s3://ingestion/acme/emea"),
        ("s3://ingestion/x/acme/emea/2026/03/10/0f3a", "s3://ingestion/acme/emea"),
        ("s3://ingestion/acme/emea/2026/03/10/0f3a", "s3://ingestion/x/acme/emea"),
    ],
)
def test_a_batch_outside_the_prefix_of_its_organisation_is_refused(given: str, prefix: str) -> None:
    routing = {"Item": routing_item("acme", "emea", "acme", "v1", prefix)}
    way = walked(LIVE, {**PLAIN, "batch_s3_path": given}, LoadProjectRoutingFromDynamo=routing)
    assert (way.error, list(way.arguments)) == ("Ndr.ForeignBatch", ["LoadProjectRoutingFromDynamo"])
    assert given in way.cause and prefix in way.cause


@pytest.mark.parametrize(
    "name", ["*", "--help", "-", ".hidden", "a b", "a\nb", "a\u0007", "\u202e", "é", "a,b", "a" * 129]
)
@pytest.mark.parametrize("form", ["acme/emea/2026/03/10/{}", "acme/{}/2026/03/10/0f3a", "{}/emea/2026/03/10/0f3a"])
def test_names_that_would_harm_what_comes_after_are_refused(form: str, name: str) -> None:
    way = walked(LIVE, {**PLAIN, "batch_s3_path": f"s3://ingestion/{form.format(name)}/"})
    assert (way.error, way.arguments) == ("Ndr.InvalidInput", {})


def test_a_batch_without_a_file_is_refused_and_not_recorded() -> None:
    way = walked(LIVE, PLAIN, FindBatchFolder={"KeyCount": 0})
    assert (way.error, "RecordMiniBatch" in way.arguments) == ("Ndr.NoSuchBatch", False)
    assert way.arguments["FindBatchFolder"] == [
        {"Bucket": "ingestion", "Prefix": "acme/emea/2026/03/10/0f3a/", "MaxKeys": 1}
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment",
    [
        "2026-03-10T08:07:59.999Z",
        "2026-03-10T08:08:00.000Z",
        "2026-03-10T08:08:00.001Z",
        "2026-03-10T08:22:59.999Z",
        "2026-03-10T08:23:00.000Z",
        "2026-03-10T08:38:00.000Z",
        "2026-03-10T08:53:00.000Z",
        "2026-03-10T09:00:00.000Z",
        "2026-03-10T09:07:59.999Z",
        "2026-03-10T00:00:00.000Z",
        "2026-03-10T00:07:59.999Z",
        "2026-03-10T00:08:00.000Z",
        "2026-01-01T00:00:00.000Z",
        "2026-01-01T00:07:59.999Z",
        "2024-02-29T23:59:59.999Z",
        "2024-03-01T00:00:00.000Z",
    ],
)
def test_the_window_is_the_last_that_was_closed(moment: str) -> None:
    expected = closed_window(datetime.fromisoformat(moment))
    found = recorded({**PLAIN, "timestamp": moment})
    written = tuple(datetime.fromisoformat(found[name]) for name in ("batch_start_ts_iso", "batch_end_ts_iso"))
    assert written == (expected.start, expected.end)
    assert written[1] <= datetime.fromisoformat(moment) < written[1] + timedelta(minutes=15)
    assert written[1].minute in (8, 23, 38, 53)


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ([PLAIN, PLAIN], "the message holds 2 records"),
        ({"Records": [*sqs(PLAIN)["Records"] * 3]}, "the message holds 3 records"),
        ([], "the message holds 0 records"),
        ([[[[[[[[[PLAIN]]]]]]]]], "wrapped more than eight times"),
        ({"event_type": "NdrBatchCompleted"}, "neither batch_s3_path nor s3_key"),
        ({"timestamp": PLAIN["timestamp"]}, "neither batch_s3_path nor s3_key"),
        ({"batch_s3_path": BATCH}, "no timestamp"),
        ({**PLAIN, "batch_s3_path": None}, "batch_s3_path null is not"),
        ({**PLAIN, "batch_s3_path": ["a"]}, "batch_s3_path"),
        (
            {**PLAIN, "batch_s3_path": "s3://inbox/acme/2026/03/10/0f3a"},
            "batch_s3_path s3://inbox/acme/2026/03/10/0f3a is not",
        ),
        ({**PLAIN, "batch_s3_path": "s3a://b/acme/emea/2026/03/10/0f3a"}, "batch_s3_path s3a://b"),
        ({**PLAIN, "timestamp": None}, "timestamp null"),
        ({**PLAIN, "timestamp": "2026-03-10"}, "timestamp 2026-03-10 is not a time like"),
        ({**PLAIN, "timestamp": "2026-03-10T13:23:11"}, "timestamp 2026-03-10T13:23:11 is not a time like"),
        ({**PLAIN, "timestamp": "2026-03-10T13:23Z"}, "timestamp 2026-03-10T13:23Z is not a time like"),
        ({**PLAIN, "timestamp": "2026-13-10T13:23:11Z"}, "timestamp 2026-13"),
        ({**PLAIN, "timestamp": "2026-02-30T13:23:11Z"}, "timestamp 2026-02-30"),
        ({**PLAIN, "timestamp": "2026-03-10T24:00:00Z"}, "timestamp 2026-03-10T24"),
        ({**PLAIN, "timestamp": "2026-03-10T13:23:11+25:00"}, "timestamp 2026-03-10T13:23:11+25"),
        ({**PLAIN, "timestamp": 1773148991.5}, "timestamp 1773148991.5"),
    ],
)
def test_a_wrong_message_fails_before_anything_is_done(message: Any, cause: str) -> None:
    way = walked(LIVE, message)
    assert (way.status, way.error, way.arguments) == ("FAILED", "Ndr.InvalidInput", {})
    assert cause in way.cause


@pytest.mark.parametrize("message", ["hello", "", 5, True, None, {}, {"event_type": "other", **PLAIN}, event({"a": 1})])
def test_what_completes_no_batch_is_ignored(message: Any) -> None:
    if message == event({"a": 1}):
        message["detail-type"] = "Object Created"
    way = walked(LIVE, message)
    assert (way.status, way.output["status"], way.arguments) == ("SUCCEEDED", "IGNORED", {})


def test_a_message_that_is_half_a_document_fails_at_once() -> None:
    way = walked(LIVE, '{"batch_s3_path": "s3://b')
    assert (way.status, way.error, way.states) == (
        "FAILED",
        "States.QueryEvaluationError",
        ["NormalizeIncomingMessage"],
    )
