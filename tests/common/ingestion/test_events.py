"""What messages announce, the hostile ones too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common.errors import InputError
from common.ingestion.events import Announced, Message, announced, is_sweep, messages


def record(key: object = "a.ndjson", name: str | None = "ObjectCreated:Put", **changes: Any) -> dict[str, Any]:
    thing = {"key": key, "size": 5, "eTag": "e1"} | changes
    return {"s3": {"bucket": {"name": "landing"}, "object": thing}} | ({"eventName": name} if name else {})


def found(*records: Any) -> list[Announced]:
    return announced(Message("m", json.dumps({"Records": records})))


def test_keys_are_decoded() -> None:
    (one,) = found(record("a+b%2Bc/%C3%BC%23%0A.ndjson", versionId="v1", sequencer="00A"))
    assert one == Announced("landing", "a b+c/ü#\n.ndjson", 5, "e1", "v1", "00A")


def test_one_message_may_announce_many() -> None:
    assert [one.key for one in found(record("a"), record("b"))] == ["a", "b"]


@pytest.mark.parametrize("name", ["ObjectCreated:CompleteMultipartUpload", "s3:ObjectCreated:Copy", None])
def test_all_ways_to_create_an_object_count(name: str | None) -> None:
    assert len(found(record(name=name))) == 1


@pytest.mark.parametrize("name", ["ObjectRemoved:Delete", "LifecycleExpiration:Delete", "ObjectTagging:Put"])
def test_what_happens_to_old_objects_does_not(name: str) -> None:
    assert found(record(name=name)) == found() == []


def test_the_test_event_of_s3_announces_nothing() -> None:
    assert announced(Message("m", '{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "landing"}')) == []


def test_a_message_of_sns_is_opened() -> None:
    inner = json.dumps({"Records": [record("a")]})
    assert [one.key for one in announced(Message("m", json.dumps({"Type": "Notification", "Message": inner})))] == ["a"]


@pytest.mark.parametrize(
    "body",
    [
        "", "no JSON", "[]", "1", "null", "{}", "[" * 100_000, '{"Records": 1}', '{"detail": {}}', None, 5,
        '{"Type": "Notification", "Message": "x"}',
    ],
)  # fmt: skip
def test_what_is_no_notification_is_refused(body: Any) -> None:
    with pytest.raises(InputError, match="the message is "):
        announced(Message("m", body))


@pytest.mark.parametrize(
    "wrong",
    [
        {}, [], "x", 1, None, {"s3": {}}, {"s3": None}, {"eventName": 5}, record(""), record("\ud800"),
        record(key=5), record(size="5"), record(size=-1), record(size=True), record(eTag=7),
        record() | {"s3": {"bucket": {"name": ""}, "object": {"key": "a"}}},
    ],
)  # fmt: skip
def test_a_record_of_another_form_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError, match="a record is no notification of S3"):
        found(wrong)


def test_what_a_notification_lacks_is_unknown() -> None:
    assert found(record(size=None, eTag=None)) == [Announced("landing", "a.ndjson")]


@pytest.mark.parametrize(
    ("key", "size", "is_folder"), [("a/", 0, True), ("/", 0, True), ("a/", 1, False), ("a", 0, False)]
)
def test_an_empty_object_that_ends_in_a_slash_is_a_folder(key: str, size: int, is_folder: bool) -> None:
    assert Announced("landing", key, size).is_folder == is_folder


def test_the_schedule_has_no_records() -> None:
    events: list[dict[str, Any]] = [{}, {"sweep": True}, {"Records": []}]
    assert [is_sweep(event) for event in events] == [True, True, False]


def test_records_of_the_queue_are_messages_and_those_of_s3_one_each() -> None:
    queued, direct = {"messageId": "m1", "body": "text"}, record("a")
    assert messages({"Records": [queued, direct]}) == [Message("m1", "text"), Message("", {"Records": [direct]})]
    for wrong in (None, "x", ["x"]):
        with pytest.raises(InputError, match="no list of objects"):
            messages({"Records": wrong})
